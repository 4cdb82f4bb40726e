// OffsetCommit: how far a group has read.
import { Api } from '../wire/api.ts';
import { array, int16, int32, int64, nullableString, string, struct } from '../wire/schema.ts';

export interface OffsetCommitRequest {
  readonly groupId: string;
  /** −1 of those that are no members. */
  readonly generationIdOrMemberEpoch: number;
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  /** −1: what the broker is set to. */
  readonly retentionTimeMs: number;
  readonly topics: readonly OffsetCommitRequestTopic[];
}

export interface OffsetCommitRequestTopic {
  readonly name: string;
  readonly partitions: readonly OffsetCommitRequestPartition[];
}

export interface OffsetCommitRequestPartition {
  readonly partitionIndex: number;
  readonly committedOffset: number;
  readonly committedLeaderEpoch: number;
  /** Of version 1 alone. */
  readonly commitTimestamp: number;
  readonly committedMetadata: string | null;
}

export interface OffsetCommitResponse {
  readonly throttleTimeMs?: number;
  readonly topics: readonly OffsetCommitResponseTopic[];
}

export interface OffsetCommitResponseTopic {
  readonly name: string;
  readonly partitions: readonly OffsetCommitResponsePartition[];
}

export interface OffsetCommitResponsePartition {
  readonly partitionIndex: number;
  readonly errorCode: number;
}

const requestPartition = struct<OffsetCommitRequestPartition>({
  partitionIndex: int32(),
  committedOffset: int64(),
  committedLeaderEpoch: int32({ since: 6, initial: -1 }),
  commitTimestamp: int64({ since: 1, until: 1, initial: -1 }),
  committedMetadata: nullableString(),
});

const requestTopic = struct<OffsetCommitRequestTopic>({ name: string(), partitions: array(requestPartition) });

const request = struct<OffsetCommitRequest>({
  groupId: string(),
  generationIdOrMemberEpoch: int32({ since: 1, initial: -1 }),
  memberId: string({ since: 1 }),
  groupInstanceId: nullableString({ since: 7 }),
  retentionTimeMs: int64({ since: 2, until: 4, initial: -1 }),
  topics: array(requestTopic),
});

const responsePartition = struct<OffsetCommitResponsePartition>({ partitionIndex: int32(), errorCode: int16() });

const responseTopic = struct<OffsetCommitResponseTopic>({ name: string(), partitions: array(responsePartition) });

const response = struct<OffsetCommitResponse>({
  throttleTimeMs: int32({ since: 3 }),
  topics: array(responseTopic),
});

export const offsetCommitApi: Api<OffsetCommitRequest, OffsetCommitResponse> = new Api({
  key: 8,
  name: 'OffsetCommit',
  versions: [0, 9],
  flexibleFrom: 8,
  isOfPartitions: true,
  request,
  response,
});
