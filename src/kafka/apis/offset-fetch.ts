// OffsetFetch: what a group has committed. Without transactions every offset is stable, so that it does not matter
// whether only stable ones are wanted.
import type { BrokerParts } from '../broker-parts.ts';
import type { FetchedTopic } from '../groups/group-calls.ts';
import type { Call, Handler } from '../handler.ts';
import { kafkaErrors, type KafkaErrorName } from '../kafka-error.ts';
import {
  offsetFetchApi,
  type OffsetFetchRequest,
  type OffsetFetchRequestTopic,
  type OffsetFetchResponse,
  type OffsetFetchResponseTopic,
} from '../messages/offset-fetch.ts';

type Parts = Pick<BrokerParts, 'groups'>;

/** The first version that asks for several groups, and the first with an error for all of a group. */
const severalFrom = 8;
const groupErrorFrom = 2;

export function offsetFetch(parts: Parts): Handler<OffsetFetchRequest, OffsetFetchResponse> {
  return {
    api: offsetFetchApi,
    handle: async (request, call) => {
      if (call.version < severalFrom) {
        const { error, topics } = await fetchOf(parts, request.groupId, request.topics, call);
        return { throttleTimeMs: 0, errorCode: kafkaErrors[error], topics };
      }
      const groups = [];
      // One after the other: what they take is taken while there is room.
      for (const { groupId, topics: asked } of request.groups) {
        const { error, topics } = await fetchOf(parts, groupId, asked, call);
        groups.push({ groupId, errorCode: kafkaErrors[error], topics });
      }
      return { throttleTimeMs: 0, groups };
    },
  };
}

interface Fetched {
  readonly error: KafkaErrorName;
  readonly topics: readonly OffsetFetchResponseTopic[];
}

async function fetchOf(
  { groups }: Parts,
  groupId: string,
  asked: readonly OffsetFetchRequestTopic[] | null,
  { version, hold }: Call,
): Promise<Fetched> {
  const { error, topics } = await groups.fetchOffsets(groupId, asked, hold);
  if (error === 'NONE') return { error, topics: topics.map((topic) => answerOf(topic)) };
  if (version >= groupErrorFrom) return { error, topics: [] };
  const refused = (asked ?? []).map(({ name, partitionIndexes }) => {
    const nothing = { committedOffset: -1, committedLeaderEpoch: -1, metadata: '', errorCode: kafkaErrors[error] };
    return { name, partitions: partitionIndexes.map((partitionIndex) => ({ partitionIndex, ...nothing })) };
  });
  return { error, topics: refused };
}

function answerOf({ name, partitions }: FetchedTopic): OffsetFetchResponseTopic {
  return { name, partitions: partitions.map((partition) => ({ ...partition, errorCode: kafkaErrors.NONE })) };
}
