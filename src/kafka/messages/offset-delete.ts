// OffsetDelete: a group forgets what it committed for single partitions.
import { Api } from '../wire/api.ts';
import { array, int16, int32, string, struct } from '../wire/schema.ts';

export interface OffsetDeleteRequest {
  readonly groupId: string;
  readonly topics: readonly OffsetDeleteRequestTopic[];
}

export interface OffsetDeleteRequestTopic {
  readonly name: string;
  readonly partitions: readonly OffsetDeleteRequestPartition[];
}

export interface OffsetDeleteRequestPartition {
  readonly partitionIndex: number;
}

export interface OffsetDeleteResponse {
  readonly errorCode: number;
  readonly throttleTimeMs?: number;
  readonly topics: readonly OffsetDeleteResponseTopic[];
}

export interface OffsetDeleteResponseTopic {
  readonly name: string;
  readonly partitions: readonly OffsetDeleteResponsePartition[];
}

export interface OffsetDeleteResponsePartition {
  readonly partitionIndex: number;
  readonly errorCode: number;
}

const requestPartition = struct<OffsetDeleteRequestPartition>({ partitionIndex: int32() });

const requestTopic = struct<OffsetDeleteRequestTopic>({ name: string(), partitions: array(requestPartition) });

const request = struct<OffsetDeleteRequest>({ groupId: string(), topics: array(requestTopic) });

const responsePartition = struct<OffsetDeleteResponsePartition>({ partitionIndex: int32(), errorCode: int16() });

const responseTopic = struct<OffsetDeleteResponseTopic>({ name: string(), partitions: array(responsePartition) });

const response = struct<OffsetDeleteResponse>({
  errorCode: int16(),
  throttleTimeMs: int32(),
  topics: array(responseTopic),
});

export const offsetDeleteApi: Api<OffsetDeleteRequest, OffsetDeleteResponse> = new Api({
  key: 47,
  name: 'OffsetDelete',
  versions: [0, 0],
  flexibleFrom: 1, // No version of it is flexible.
  request,
  response,
});
