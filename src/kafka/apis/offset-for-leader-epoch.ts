// OffsetForLeaderEpoch: where an epoch of a partition ended, so that a client finds out what it has read in vain.
import type { BrokerParts } from '../broker-parts.ts';
import type { Handler } from '../handler.ts';
import { kafkaErrors, KafkaRefusal, refusalOf } from '../kafka-error.ts';
import {
  offsetForLeaderEpochApi,
  type OffsetForLeaderEpochRequest,
  type OffsetForLeaderEpochResponse,
  type OffsetForLeaderPartition,
  type OffsetForLeaderPartitionResult,
} from '../messages/offset-for-leader-epoch.ts';
import { ofPartitions } from './in-slices.ts';
import { checkLeaderEpoch } from './leader-epoch.ts';

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
  { topics, partitions, meter }: Parts,
  name: string,
  { partition: index, currentLeaderEpoch, leaderEpoch: epoch }: OffsetForLeaderPartition,
): Promise<OffsetForLeaderPartitionResult> {
  try {
    const topic = topics.byName(name);
    if (topic === undefined || index < 0 || index >= topic.partitionCount)
      throw new KafkaRefusal('UNKNOWN_TOPIC_OR_PARTITION', `there is no partition ${index} of '${name}'`);
    const partition = await partitions.of(topic, index);
    checkLeaderEpoch(currentLeaderEpoch, partition.leaderEpoch);
    return { errorCode: kafkaErrors.NONE, partition: index, ...(await partition.epochEnd(epoch)) };
  } catch (cause) {
    const { code, error } = refusalOf(cause);
    meter.refused('OffsetForLeaderEpoch', error);
    return { errorCode: code, partition: index, leaderEpoch: -1, endOffset: -1 };
  }
}
