// OffsetForLeaderEpoch: where an epoch of a partition ended, so that a client finds out what it has read in vain.
import type { BrokerParts } from '../broker-parts.ts';
import type { Handler } from '../handler.ts';
import { kafkaErrors, refusalOf } from '../kafka-error.ts';
import {
  offsetForLeaderEpochApi,
  type OffsetForLeaderEpochRequest,
  type OffsetForLeaderEpochResponse,
  type OffsetForLeaderPartition,
  type OffsetForLeaderPartitionResult,
} from '../messages/offset-for-leader-epoch.ts';
import { ofPartitions } from './in-slices.ts';
import { partitionNamed } from './partition-named.ts';

type Parts = Pick<BrokerParts, 'topics' | 'partitions' | 'meter' | 'runtime'>;

export function offsetForLeaderEpoch(parts: Parts): Handler<OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse> {
  return {
    api: offsetForLeaderEpochApi,
    handle: async ({ topics }) => {
      const answers = await ofPartitions(topics, parts.runtime, ({ topic }, asked) => answer(parts, topic, asked));
      return { throttleTimeMs: 0, topics: topics.map(({ topic }, i) => ({ topic, partitions: answers[i] ?? [] })) };
    },
  };
}

async function answer(
  parts: Parts,
  name: string,
  { partition: index, currentLeaderEpoch, leaderEpoch: epoch }: OffsetForLeaderPartition,
): Promise<OffsetForLeaderPartitionResult> {
  try {
    const partition = await partitionNamed(parts, name, index);
    partition.checkLeaderEpoch(currentLeaderEpoch);
    return { errorCode: kafkaErrors.NONE, partition: index, ...(await partition.epochEnd(epoch)) };
  } catch (cause) {
    const { code, error } = refusalOf(cause);
    parts.meter.refused('OffsetForLeaderEpoch', error);
    return { errorCode: code, partition: index, leaderEpoch: -1, endOffset: -1 };
  }
}
