// DescribeConfigs: the settings of topics and brokers, and where each comes from.
import { Api } from '../wire/api.ts';
import { array, bool, int16, int32, int8, nullableArray, nullableString, string, struct } from '../wire/schema.ts';

export interface DescribeConfigsRequest {
  readonly resources: readonly DescribeConfigsResource[];
  readonly includeSynonyms: boolean;
  readonly includeDocumentation: boolean;
}

export interface DescribeConfigsResource {
  /** 2: topic, 4: broker. */
  readonly resourceType: number;
  readonly resourceName: string;
  /** Null asks for all. */
  readonly configurationKeys: readonly string[] | null;
}

export interface DescribeConfigsResponse {
  readonly throttleTimeMs?: number;
  readonly results: readonly DescribeConfigsResult[];
}

export interface DescribeConfigsResult {
  readonly errorCode: number;
  readonly errorMessage: string | null;
  readonly resourceType: number;
  readonly resourceName: string;
  readonly configs: readonly DescribeConfigsResourceResult[];
}

export interface DescribeConfigsResourceResult {
  readonly name: string;
  readonly value: string | null;
  readonly readOnly: boolean;
  /** Of version 0 alone; later ones have the source. */
  readonly isDefault: boolean;
  readonly configSource: number;
  readonly isSensitive: boolean;
  readonly synonyms: readonly DescribeConfigsSynonym[];
  readonly configType: number;
  readonly documentation: string | null;
}

export interface DescribeConfigsSynonym {
  readonly name: string;
  readonly value: string | null;
  readonly source: number;
}

const resource = struct<DescribeConfigsResource>({
  resourceType: int8(),
  resourceName: string(),
  configurationKeys: nullableArray(string()),
});

const request = struct<DescribeConfigsRequest>({
  resources: array(resource),
  includeSynonyms: bool({ since: 1 }),
  includeDocumentation: bool({ since: 3 }),
});

const synonym = struct<DescribeConfigsSynonym>({ name: string(), value: nullableString(), source: int8() });

const config = struct<DescribeConfigsResourceResult>({
  name: string(),
  value: nullableString(),
  readOnly: bool(),
  isDefault: bool({ until: 0 }),
  configSource: int8({ since: 1, initial: -1 }),
  isSensitive: bool(),
  synonyms: array(synonym, { since: 1 }),
  configType: int8({ since: 3 }),
  documentation: nullableString({ since: 3 }),
});

const result = struct<DescribeConfigsResult>({
  errorCode: int16(),
  errorMessage: nullableString(),
  resourceType: int8(),
  resourceName: string(),
  configs: array(config),
});

const response = struct<DescribeConfigsResponse>({
  throttleTimeMs: int32(),
  results: array(result),
});

export const describeConfigsApi: Api<DescribeConfigsRequest, DescribeConfigsResponse> = new Api({
  key: 32,
  name: 'DescribeConfigs',
  versions: [0, 4],
  flexibleFrom: 4,
  request,
  response,
});
