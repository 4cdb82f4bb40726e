// Produce: record batches to append to partitions. Versions 0 to 2 carry records of an older format, which are refused;
// clients are told of them, because older librdkafka takes a broker without them for one that it does not know.
import { Api } from '../wire/api.ts';
import { array, int16, int32, int64, nested, nullableBytes, nullableString, string, struct } from '../wire/schema.ts';
import { leaderIdAndEpoch, nodeEndpoint, noLeader, type LeaderIdAndEpoch, type NodeEndpoint } from './leader-hints.ts';

export interface ProduceRequest {
  readonly transactionalId: string | null;
  /** 0: no answer is wanted; 1, −1: when the records are durable. */
  readonly acks: number;
  readonly timeoutMs: number;
  readonly topicData: readonly TopicProduceData[];
}

export interface TopicProduceData {
  readonly name: string;
  readonly partitionData: readonly PartitionProduceData[];
}

export interface PartitionProduceData {
  readonly index: number;
  /** A view into the frame. */
  readonly records: Uint8Array | null;
}

export interface ProduceResponse {
  readonly responses: readonly TopicProduceResponse[];
  readonly throttleTimeMs?: number;
  readonly nodeEndpoints?: readonly NodeEndpoint[];
}

export interface TopicProduceResponse {
  readonly name: string;
  readonly partitionResponses: readonly PartitionProduceResponse[];
}

export interface PartitionProduceResponse {
  readonly index: number;
  readonly errorCode: number;
  readonly baseOffset: number;
  /** −1 where records keep the time of their creation. */
  readonly logAppendTimeMs: number;
  readonly logStartOffset: number;
  readonly recordErrors?: readonly BatchIndexAndErrorMessage[];
  readonly errorMessage?: string | null;
  readonly currentLeader?: LeaderIdAndEpoch;
}

export interface BatchIndexAndErrorMessage {
  readonly batchIndex: number;
  readonly batchIndexErrorMessage: string | null;
}

const partitionData = struct<PartitionProduceData>({ index: int32(), records: nullableBytes() });

const topicData = struct<TopicProduceData>({ name: string(), partitionData: array(partitionData) });

const request = struct<ProduceRequest>({
  transactionalId: nullableString({ since: 3 }),
  acks: int16(),
  timeoutMs: int32(),
  topicData: array(topicData),
});

const recordError = struct<BatchIndexAndErrorMessage>({
  batchIndex: int32(),
  batchIndexErrorMessage: nullableString(),
});

const partitionResponse = struct<PartitionProduceResponse>({
  index: int32(),
  errorCode: int16(),
  baseOffset: int64(),
  logAppendTimeMs: int64({ since: 2, initial: -1 }),
  logStartOffset: int64({ since: 5, initial: -1 }),
  recordErrors: array(recordError, { since: 8 }),
  errorMessage: nullableString({ since: 8 }),
  currentLeader: nested(leaderIdAndEpoch, { since: 10, tag: 0, initial: noLeader }),
});

const topicResponse = struct<TopicProduceResponse>({ name: string(), partitionResponses: array(partitionResponse) });

const response = struct<ProduceResponse>({
  responses: array(topicResponse),
  throttleTimeMs: int32({ since: 1 }),
  nodeEndpoints: array(nodeEndpoint, { since: 10, tag: 0 }),
});

export const produceApi: Api<ProduceRequest, ProduceResponse> = new Api({
  key: 0,
  name: 'Produce',
  versions: [0, 11],
  flexibleFrom: 9,
  isOfPartitions: true,
  request,
  response,
});
