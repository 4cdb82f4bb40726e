// OffsetForLeaderEpoch: where a leader epoch of a partition ended, by which a consumer sees that it read what is gone.
import { Api } from '../wire/api.ts';
import { array, int16, int32, int64, string, struct } from '../wire/schema.ts';

export interface OffsetForLeaderEpochRequest {
  /** −1 of consumers, −2 where the version does not say. */
  readonly replicaId: number;
  readonly topics: readonly OffsetForLeaderTopic[];
}

export interface OffsetForLeaderTopic {
  readonly topic: string;
  readonly partitions: readonly OffsetForLeaderPartition[];
}

export interface OffsetForLeaderPartition {
  readonly partition: number;
  readonly currentLeaderEpoch: number;
  readonly leaderEpoch: number;
}

export interface OffsetForLeaderEpochResponse {
  readonly throttleTimeMs?: number;
  readonly topics: readonly OffsetForLeaderTopicResult[];
}

export interface OffsetForLeaderTopicResult {
  readonly topic: string;
  readonly partitions: readonly OffsetForLeaderPartitionResult[];
}

export interface OffsetForLeaderPartitionResult {
  readonly errorCode: number;
  readonly partition: number;
  readonly leaderEpoch: number;
  readonly endOffset: number;
}

const partition = struct<OffsetForLeaderPartition>({
  partition: int32(),
  currentLeaderEpoch: int32({ initial: -1 }),
  leaderEpoch: int32(),
});

const topic = struct<OffsetForLeaderTopic>({ topic: string(), partitions: array(partition) });

const request = struct<OffsetForLeaderEpochRequest>({
  replicaId: int32({ since: 3, initial: -2 }),
  topics: array(topic),
});

const partitionResult = struct<OffsetForLeaderPartitionResult>({
  errorCode: int16(),
  partition: int32(),
  leaderEpoch: int32({ initial: -1 }),
  endOffset: int64({ initial: -1 }),
});

const topicResult = struct<OffsetForLeaderTopicResult>({ topic: string(), partitions: array(partitionResult) });

const response = struct<OffsetForLeaderEpochResponse>({
  throttleTimeMs: int32(),
  topics: array(topicResult),
});

export const offsetForLeaderEpochApi: Api<OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse> = new Api({
  key: 23,
  name: 'OffsetForLeaderEpoch',
  versions: [2, 4],
  flexibleFrom: 4,
  isOfPartitions: true,
  request,
  response,
});
