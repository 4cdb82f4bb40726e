// Fetch: record batches of partitions from given offsets on. From version 13 topics are named by their ids.
import { Api } from '../wire/api.ts';
import {
  array,
  chunkedBytes,
  int16,
  int32,
  int64,
  int8,
  nested,
  nullableArray,
  nullableString,
  string,
  struct,
  uuid,
} from '../wire/schema.ts';
import { leaderIdAndEpoch, nodeEndpoint, noLeader, type LeaderIdAndEpoch, type NodeEndpoint } from './leader-hints.ts';

export interface FetchRequest {
  readonly clusterId: string | null;
  /** −1 for consumers. */
  readonly replicaId: number;
  readonly replicaState: ReplicaState;
  readonly maxWaitMs: number;
  readonly minBytes: number;
  readonly maxBytes: number;
  /** 0: read uncommitted, 1: read committed. */
  readonly isolationLevel: number;
  readonly sessionId: number;
  /** 0 asks for a new session, −1 for none. */
  readonly sessionEpoch: number;
  readonly topics: readonly FetchTopic[];
  readonly forgottenTopicsData: readonly ForgottenTopic[];
  readonly rackId: string;
}

export interface ReplicaState {
  readonly replicaId: number;
  readonly replicaEpoch: number;
}

export interface FetchTopic {
  /** Empty from version 13 on. */
  readonly topic: string;
  readonly topicId: string;
  readonly partitions: readonly FetchPartition[];
}

export interface FetchPartition {
  readonly partition: number;
  /** −1 where the client does not know it. */
  readonly currentLeaderEpoch: number;
  readonly fetchOffset: number;
  readonly lastFetchedEpoch: number;
  readonly logStartOffset: number;
  readonly partitionMaxBytes: number;
  readonly replicaDirectoryId: string;
}

export interface ForgottenTopic {
  readonly topic: string;
  readonly topicId: string;
  readonly partitions: readonly number[];
}

export interface FetchResponse {
  readonly throttleTimeMs?: number;
  readonly errorCode: number;
  readonly sessionId: number;
  readonly responses: readonly FetchableTopicResponse[];
  readonly nodeEndpoints?: readonly NodeEndpoint[];
}

export interface FetchableTopicResponse {
  readonly topic: string;
  readonly topicId: string;
  readonly partitions: readonly FetchPartitionData[];
}

export interface FetchPartitionData {
  readonly partitionIndex: number;
  readonly errorCode: number;
  readonly highWatermark: number;
  readonly lastStableOffset: number;
  readonly logStartOffset: number;
  readonly divergingEpoch?: EpochEndOffset;
  readonly currentLeader?: LeaderIdAndEpoch;
  readonly snapshotId?: SnapshotId;
  readonly abortedTransactions: readonly AbortedTransaction[] | null;
  readonly preferredReadReplica?: number;
  /** Written one after the other, without a copy where they are large. */
  readonly records: readonly Uint8Array[] | null;
}

export interface EpochEndOffset {
  readonly epoch: number;
  readonly endOffset: number;
}

export interface SnapshotId {
  readonly endOffset: number;
  readonly epoch: number;
}

export interface AbortedTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
}

const replicaState = struct<ReplicaState>({
  replicaId: int32({ initial: -1 }),
  replicaEpoch: int64({ initial: -1 }),
});

const fetchPartition = struct<FetchPartition>({
  partition: int32(),
  currentLeaderEpoch: int32({ since: 9, initial: -1 }),
  fetchOffset: int64(),
  lastFetchedEpoch: int32({ since: 12, initial: -1 }),
  logStartOffset: int64({ since: 5, initial: -1 }),
  partitionMaxBytes: int32(),
  replicaDirectoryId: uuid({ since: 17, tag: 0 }),
});

const fetchTopic = struct<FetchTopic>({
  topic: string({ until: 12 }),
  topicId: uuid({ since: 13 }),
  partitions: array(fetchPartition),
});

const forgottenTopic = struct<ForgottenTopic>({
  topic: string({ until: 12 }),
  topicId: uuid({ since: 13 }),
  partitions: array(int32()),
});

const request = struct<FetchRequest>({
  clusterId: nullableString({ since: 12, tag: 0 }),
  replicaId: int32({ until: 14, initial: -1 }),
  replicaState: nested(replicaState, { since: 15, tag: 1, initial: { replicaId: -1, replicaEpoch: -1 } }),
  maxWaitMs: int32(),
  minBytes: int32(),
  maxBytes: int32({ initial: 0x7fff_ffff }),
  isolationLevel: int8(),
  sessionId: int32({ since: 7 }),
  sessionEpoch: int32({ since: 7, initial: -1 }),
  topics: array(fetchTopic),
  forgottenTopicsData: array(forgottenTopic, { since: 7 }),
  rackId: string({ since: 11 }),
});

const divergingEpoch = struct<EpochEndOffset>({ epoch: int32({ initial: -1 }), endOffset: int64({ initial: -1 }) });

const snapshotId = struct<SnapshotId>({ endOffset: int64({ initial: -1 }), epoch: int32({ initial: -1 }) });

const abortedTransaction = struct<AbortedTransaction>({ producerId: int64(), firstOffset: int64() });

const partitionData = struct<FetchPartitionData>({
  partitionIndex: int32(),
  errorCode: int16(),
  highWatermark: int64(),
  lastStableOffset: int64({ initial: -1 }),
  logStartOffset: int64({ since: 5, initial: -1 }),
  divergingEpoch: nested(divergingEpoch, { since: 12, tag: 0, initial: { epoch: -1, endOffset: -1 } }),
  currentLeader: nested(leaderIdAndEpoch, { since: 12, tag: 1, initial: noLeader }),
  snapshotId: nested(snapshotId, { since: 12, tag: 2, initial: { endOffset: -1, epoch: -1 } }),
  abortedTransactions: nullableArray(abortedTransaction),
  preferredReadReplica: int32({ since: 11, initial: -1 }),
  records: chunkedBytes(),
});

const topicResponse = struct<FetchableTopicResponse>({
  topic: string({ until: 12 }),
  topicId: uuid({ since: 13 }),
  partitions: array(partitionData),
});

const response = struct<FetchResponse>({
  throttleTimeMs: int32({ since: 1 }),
  errorCode: int16({ since: 7 }),
  sessionId: int32({ since: 7 }),
  responses: array(topicResponse),
  nodeEndpoints: array(nodeEndpoint, { since: 16, tag: 0 }),
});

export const fetchApi: Api<FetchRequest, FetchResponse> = new Api({
  key: 1,
  name: 'Fetch',
  versions: [4, 17],
  flexibleFrom: 12,
  isOfPartitions: true,
  request,
  response,
});
