// ListOffsets: the offset that belongs to a time, or to the start or the end of a partition.
import { Api } from '../wire/api.ts';
import { array, int16, int32, int64, int8, string, struct } from '../wire/schema.ts';

export interface ListOffsetsRequest {
  readonly replicaId: number;
  readonly isolationLevel: number;
  readonly topics: readonly ListOffsetsTopic[];
}

export interface ListOffsetsTopic {
  readonly name: string;
  readonly partitions: readonly ListOffsetsPartition[];
}

export interface ListOffsetsPartition {
  readonly partitionIndex: number;
  readonly currentLeaderEpoch: number;
  /** Milliseconds, or −1: the end, −2: the start, −3: the record with the latest time, −4, −5: of tiered storage. */
  readonly timestamp: number;
}

export interface ListOffsetsResponse {
  readonly throttleTimeMs?: number;
  readonly topics: readonly ListOffsetsTopicResponse[];
}

export interface ListOffsetsTopicResponse {
  readonly name: string;
  readonly partitions: readonly ListOffsetsPartitionResponse[];
}

export interface ListOffsetsPartitionResponse {
  readonly partitionIndex: number;
  readonly errorCode: number;
  readonly timestamp: number;
  readonly offset: number;
  readonly leaderEpoch: number;
}

const partition = struct<ListOffsetsPartition>({
  partitionIndex: int32(),
  currentLeaderEpoch: int32({ since: 4, initial: -1 }),
  timestamp: int64(),
});

const topic = struct<ListOffsetsTopic>({ name: string(), partitions: array(partition) });

const request = struct<ListOffsetsRequest>({
  replicaId: int32(),
  isolationLevel: int8({ since: 2 }),
  topics: array(topic),
});

const partitionResponse = struct<ListOffsetsPartitionResponse>({
  partitionIndex: int32(),
  errorCode: int16(),
  timestamp: int64({ initial: -1 }),
  offset: int64({ initial: -1 }),
  leaderEpoch: int32({ since: 4, initial: -1 }),
});

const topicResponse = struct<ListOffsetsTopicResponse>({ name: string(), partitions: array(partitionResponse) });

const response = struct<ListOffsetsResponse>({
  throttleTimeMs: int32({ since: 2 }),
  topics: array(topicResponse),
});

export const listOffsetsApi: Api<ListOffsetsRequest, ListOffsetsResponse> = new Api({
  key: 2,
  name: 'ListOffsets',
  versions: [1, 9],
  flexibleFrom: 6,
  isOfPartitions: true,
  request,
  response,
});
