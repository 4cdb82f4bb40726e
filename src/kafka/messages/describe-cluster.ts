// DescribeCluster: the brokers, without any topics.
import { Api } from '../wire/api.ts';
import { array, bool, int16, int32, int8, nullableString, string, struct } from '../wire/schema.ts';

export interface DescribeClusterRequest {
  readonly includeClusterAuthorizedOperations: boolean;
  /** 1: brokers, 2: controllers. */
  readonly endpointType: number;
}

export interface DescribeClusterResponse {
  readonly throttleTimeMs?: number;
  readonly errorCode: number;
  readonly errorMessage: string | null;
  readonly endpointType: number;
  readonly clusterId: string;
  readonly controllerId: number;
  readonly brokers: readonly DescribeClusterBroker[];
  readonly clusterAuthorizedOperations?: number;
}

export interface DescribeClusterBroker {
  readonly brokerId: number;
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
}

const request = struct<DescribeClusterRequest>({
  includeClusterAuthorizedOperations: bool(),
  endpointType: int8({ since: 1, initial: 1 }),
});

const broker = struct<DescribeClusterBroker>({
  brokerId: int32(),
  host: string(),
  port: int32(),
  rack: nullableString(),
});

const response = struct<DescribeClusterResponse>({
  throttleTimeMs: int32(),
  errorCode: int16(),
  errorMessage: nullableString(),
  endpointType: int8({ since: 1, initial: 1 }),
  clusterId: string(),
  controllerId: int32({ initial: -1 }),
  brokers: array(broker),
  clusterAuthorizedOperations: int32({ initial: -2_147_483_648 }),
});

export const describeClusterApi: Api<DescribeClusterRequest, DescribeClusterResponse> = new Api({
  key: 60,
  name: 'DescribeCluster',
  versions: [0, 1],
  flexibleFrom: 0,
  request,
  response,
});
