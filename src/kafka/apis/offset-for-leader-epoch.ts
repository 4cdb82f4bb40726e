// OffsetForLeaderEpoch: where an epoch of a partition ended, so that a client finds out what it has read in vain.
import type { BrokerParts } from '../broker-parts.ts';
import type { Handler } from '../handler.ts';
import { kafkaErrors, KafkaRefusal, refusalOf } from '../kafka-error.ts';
import {
  offsetForLeaderEpochApi,
  type OffsetForLeaderEpochRequest,
  type OffsetForLeaderEpochResponse,
} from '../messages/offset-for-leader-epoch.ts';
import { checkLeaderEpoch } from './leader-epoch.ts';

type Parts = Pick<BrokerParts, 'topics' | 'partitions' | 'meter'>;

export function offsetForLeaderEpoch(parts: Parts): Handler<OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse> {
  return {
    api: offsetForLeaderEpochApi,
    handle: async (request) => {
      const topics = request.topics.map(async ({ topic: name, partitions }) => {
        const answers = partitions.map(async ({ partition: index, currentLeaderEpoch, leaderEpoch: epoch }) => {
          try {
            const topic = parts.topics.byName(name);
            if (topic === undefined || index < 0 || index >= topic.partitionCount)
              throw new KafkaRefusal('UNKNOWN_TOPIC_OR_PARTITION', `there is no partition ${index} of '${name}'`);
            const partition = await parts.partitions.of(topic, index);
            checkLeaderEpoch(currentLeaderEpoch, partition.leaderEpoch);
            return { errorCode: kafkaErrors.NONE, partition: index, ...(await partition.epochEnd(epoch)) };
          } catch (cause) {
            const { code, error } = refusalOf(cause);
            parts.meter.refused('OffsetForLeaderEpoch', error);
            return { errorCode: code, partition: index, leaderEpoch: -1, endOffset: -1 };
          }
        });
        return { topic: name, partitions: await Promise.all(answers) };
      });
      return { throttleTimeMs: 0, topics: await Promise.all(topics) };
    },
  };
}
