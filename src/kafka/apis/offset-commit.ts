// OffsetCommit: how far the members of a group have read, or a client that only keeps its offsets here.
import type { BrokerParts } from '../broker-parts.ts';
import type { Handler } from '../handler.ts';
import { kafkaErrors } from '../kafka-error.ts';
import {
  offsetCommitApi,
  type OffsetCommitRequest,
  type OffsetCommitRequestTopic,
  type OffsetCommitResponse,
} from '../messages/offset-commit.ts';
import { hasPartition } from './has-partition.ts';

type Parts = Pick<BrokerParts, 'groups' | 'topics' | 'meter'>;

export function offsetCommit({ groups, topics, meter }: Parts): Handler<OffsetCommitRequest, OffsetCommitResponse> {
  return {
    api: offsetCommitApi,
    handle: async (request) => {
      const { groupId, memberId, groupInstanceId, generationIdOrMemberEpoch, retentionTimeMs } = request;
      const known = request.topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions
          .filter(({ partitionIndex }) => hasPartition(topics, name, partitionIndex))
          .map((partition) => ({ ...partition, retentionTimeMs })),
      }));
      const isAnyKnown = known.some(({ partitions }) => partitions.length > 0);
      const committed = isAnyKnown
        ? await groups.commitOffsets({
            ...{ groupId, memberId, groupInstanceId, generationId: generationIdOrMemberEpoch },
            topics: known,
          })
        : [];
      const answers = request.topics.map((topic, i) => answerOf(topic, committed[i]?.partitions ?? []));
      for (const { partitions } of committed)
        for (const { error } of partitions) if (error !== 'NONE') meter.refused('OffsetCommit', error);
      return { throttleTimeMs: 0, topics: answers };
    },
  };
}

type Outcomes = Awaited<ReturnType<BrokerParts['groups']['commitOffsets']>>[number]['partitions'];

/** The outcomes of what was committed, among those of partitions that there are not, in the order of the request. */
function answerOf(
  { name, partitions }: OffsetCommitRequestTopic,
  outcomes: Outcomes,
): OffsetCommitResponse['topics'][number] {
  let next = 0;
  return {
    name,
    partitions: partitions.map(({ partitionIndex }) => {
      const outcome = outcomes[next];
      if (outcome?.partitionIndex !== partitionIndex) {
        return { partitionIndex, errorCode: kafkaErrors.UNKNOWN_TOPIC_OR_PARTITION };
      }
      next++;
      return { partitionIndex, errorCode: kafkaErrors[outcome.error] };
    }),
  };
}
