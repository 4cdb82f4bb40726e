// IncrementalAlterConfigs: single settings of topics and brokers to set, unset, or change as lists.
import { Api } from '../wire/api.ts';
import { array, bool, int8, nullableString, string, struct } from '../wire/schema.ts';
import { alterConfigsResponse, type AlterConfigsResponse } from './alter-configs.ts';

export interface IncrementalAlterConfigsRequest {
  readonly resources: readonly IncrementalAlterConfigsResource[];
  readonly validateOnly: boolean;
}

export interface IncrementalAlterConfigsResource {
  readonly resourceType: number;
  readonly resourceName: string;
  readonly configs: readonly IncrementalAlterableConfig[];
}

export interface IncrementalAlterableConfig {
  readonly name: string;
  /** 0: set, 1: delete, 2: append, 3: subtract. */
  readonly configOperation: number;
  readonly value: string | null;
}

const config = struct<IncrementalAlterableConfig>({
  name: string(),
  configOperation: int8(),
  value: nullableString(),
});

const resource = struct<IncrementalAlterConfigsResource>({
  resourceType: int8(),
  resourceName: string(),
  configs: array(config),
});

const request = struct<IncrementalAlterConfigsRequest>({ resources: array(resource), validateOnly: bool() });

export const incrementalAlterConfigsApi: Api<IncrementalAlterConfigsRequest, AlterConfigsResponse> = new Api({
  key: 44,
  name: 'IncrementalAlterConfigs',
  versions: [0, 1],
  flexibleFrom: 1,
  request,
  response: alterConfigsResponse,
});
