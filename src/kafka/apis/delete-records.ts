// DeleteRecords: lets partitions begin at a later offset.
import type { BrokerParts } from '../broker-parts.ts';
import type { Handler } from '../handler.ts';
import { kafkaErrors, refusalOf } from '../kafka-error.ts';
import {
  deleteRecordsApi,
  type DeleteRecordsPartition,
  type DeleteRecordsPartitionResult,
  type DeleteRecordsRequest,
  type DeleteRecordsResponse,
} from '../messages/delete-records.ts';
import { ofPartitions } from './in-slices.ts';
import { partitionNamed } from './partition-named.ts';

type Parts = Pick<BrokerParts, 'topics' | 'partitions' | 'meter' | 'runtime'>;

export function deleteRecords(parts: Parts): Handler<DeleteRecordsRequest, DeleteRecordsResponse> {
  return {
    api: deleteRecordsApi,
    handle: async ({ topics }) => {
      const results = await ofPartitions(topics, parts.runtime, ({ name }, partition) =>
        deleteOne(parts, name, partition),
      );
      return { throttleTimeMs: 0, topics: topics.map(({ name }, i) => ({ name, partitions: results[i] ?? [] })) };
    },
  };
}

async function deleteOne(
  parts: Parts,
  name: string,
  { partitionIndex, offset }: DeleteRecordsPartition,
): Promise<DeleteRecordsPartitionResult> {
  try {
    const partition = await partitionNamed(parts, name, partitionIndex);
    const lowWatermark = await partition.deleteRecords(offset);
    return { partitionIndex, lowWatermark, errorCode: kafkaErrors.NONE };
  } catch (cause) {
    const { code, error } = refusalOf(cause);
    parts.meter.refused('DeleteRecords', error);
    return { partitionIndex, lowWatermark: -1, errorCode: code };
  }
}
