// OffsetDelete: a group forgets what it has committed for single partitions, but for those that its members read.
import type { BrokerParts } from '../broker-parts.ts';
import type { Handler } from '../handler.ts';
import { kafkaErrors, type KafkaErrorName } from '../kafka-error.ts';
import { offsetDeleteApi, type OffsetDeleteRequest, type OffsetDeleteResponse } from '../messages/offset-delete.ts';
import { hasPartition } from './has-partition.ts';

export function offsetDelete({
  groups,
  topics,
}: Pick<BrokerParts, 'groups' | 'topics'>): Handler<OffsetDeleteRequest, OffsetDeleteResponse> {
  return {
    api: offsetDeleteApi,
    handle: async ({ groupId, topics: asked }) => {
      const known = asked.map(({ name, partitions }) => ({
        name,
        partitionIndexes: partitions
          .map(({ partitionIndex }) => partitionIndex)
          .filter((partitionIndex) => hasPartition(topics, name, partitionIndex)),
      }));
      const deleted = await groups.deleteOffsets(groupId, known);
      if (deleted.error !== 'NONE') return { errorCode: kafkaErrors[deleted.error], throttleTimeMs: 0, topics: [] };
      const answers = asked.map(({ name, partitions }, i) => {
        const found = new Map(
          deleted.topics[i]?.partitions.map(({ partitionIndex, error }) => [partitionIndex, error]),
        );
        return {
          name,
          partitions: partitions.map(({ partitionIndex }) => {
            const error: KafkaErrorName = found.get(partitionIndex) ?? 'UNKNOWN_TOPIC_OR_PARTITION';
            return { partitionIndex, errorCode: kafkaErrors[error] };
          }),
        };
      });
      return { errorCode: kafkaErrors.NONE, throttleTimeMs: 0, topics: answers };
    },
  };
}
