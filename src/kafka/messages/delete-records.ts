// DeleteRecords: partitions begin at a later offset.
import { Api } from '../wire/api.ts';
import { array, int16, int32, int64, string, struct } from '../wire/schema.ts';

export interface DeleteRecordsRequest {
  readonly topics: readonly DeleteRecordsTopic[];
  readonly timeoutMs: number;
}

export interface DeleteRecordsTopic {
  readonly name: string;
  readonly partitions: readonly DeleteRecordsPartition[];
}

export interface DeleteRecordsPartition {
  readonly partitionIndex: number;
  /** The first that stays; −1 for the high watermark. */
  readonly offset: number;
}

export interface DeleteRecordsResponse {
  readonly throttleTimeMs?: number;
  readonly topics: readonly DeleteRecordsTopicResult[];
}

export interface DeleteRecordsTopicResult {
  readonly name: string;
  readonly partitions: readonly DeleteRecordsPartitionResult[];
}

export interface DeleteRecordsPartitionResult {
  readonly partitionIndex: number;
  readonly lowWatermark: number;
  readonly errorCode: number;
}

const partition = struct<DeleteRecordsPartition>({ partitionIndex: int32(), offset: int64() });

const topic = struct<DeleteRecordsTopic>({ name: string(), partitions: array(partition) });

const request = struct<DeleteRecordsRequest>({ topics: array(topic), timeoutMs: int32() });

const partitionResult = struct<DeleteRecordsPartitionResult>({
  partitionIndex: int32(),
  lowWatermark: int64(),
  errorCode: int16(),
});

const topicResult = struct<DeleteRecordsTopicResult>({ name: string(), partitions: array(partitionResult) });

const response = struct<DeleteRecordsResponse>({
  throttleTimeMs: int32(),
  topics: array(topicResult),
});

export const deleteRecordsApi: Api<DeleteRecordsRequest, DeleteRecordsResponse> = new Api({
  key: 21,
  name: 'DeleteRecords',
  versions: [0, 2],
  flexibleFrom: 2,
  isOfPartitions: true,
  request,
  response,
});
