// AlterConfigs: all settings of topics and brokers anew; what is not named is unset.
import { Api } from '../wire/api.ts';
import { array, bool, int16, int32, int8, nullableString, string, struct, type Struct } from '../wire/schema.ts';

export interface AlterConfigsRequest {
  readonly resources: readonly AlterConfigsResource[];
  readonly validateOnly: boolean;
}

export interface AlterConfigsResource {
  readonly resourceType: number;
  readonly resourceName: string;
  readonly configs: readonly AlterableConfig[];
}

export interface AlterableConfig {
  readonly name: string;
  readonly value: string | null;
}

/** IncrementalAlterConfigs answers the same. */
export interface AlterConfigsResponse {
  readonly throttleTimeMs?: number;
  readonly responses: readonly AlterConfigsResourceResponse[];
}

export interface AlterConfigsResourceResponse {
  readonly errorCode: number;
  readonly errorMessage: string | null;
  readonly resourceType: number;
  readonly resourceName: string;
}

const config = struct<AlterableConfig>({ name: string(), value: nullableString() });

const resource = struct<AlterConfigsResource>({ resourceType: int8(), resourceName: string(), configs: array(config) });

const request = struct<AlterConfigsRequest>({ resources: array(resource), validateOnly: bool() });

const resourceResponse = struct<AlterConfigsResourceResponse>({
  errorCode: int16(),
  errorMessage: nullableString(),
  resourceType: int8(),
  resourceName: string(),
});

export const alterConfigsResponse: Struct<AlterConfigsResponse> = struct<AlterConfigsResponse>({
  throttleTimeMs: int32(),
  responses: array(resourceResponse),
});

export const alterConfigsApi: Api<AlterConfigsRequest, AlterConfigsResponse> = new Api({
  key: 33,
  name: 'AlterConfigs',
  versions: [0, 2],
  flexibleFrom: 2,
  request,
  response: alterConfigsResponse,
});
