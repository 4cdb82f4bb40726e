// DeleteTopics: deletes topics, each for itself, by name or by id.
import type { BrokerParts } from '../broker-parts.ts';
import type { Handler } from '../handler.ts';
import { kafkaErrors, KafkaRefusal, refusalOf } from '../kafka-error.ts';
import {
  deleteTopicsApi,
  type DeletableTopicResult,
  type DeleteTopicsRequest,
  type DeleteTopicsResponse,
  type DeleteTopicState,
} from '../messages/delete-topics.ts';
import { zeroUuid } from '../wire/schema.ts';
import { repeated } from './distinct.ts';
import { inSlices } from './in-slices.ts';

type Parts = Pick<BrokerParts, 'topics' | 'settings' | 'meter' | 'runtime'>;

/** Older clients do not know TOPIC_DELETION_DISABLED. */
const disabledFrom = 3;

export function deleteTopics(parts: Parts): Handler<DeleteTopicsRequest, DeleteTopicsResponse> {
  const { topics, settings, meter } = parts;
  return {
    api: deleteTopicsApi,
    handle: async ({ topics: states, topicNames }, { version }) => {
      const wanted = version >= 6 ? states : topicNames.map((name) => ({ name, topicId: zeroUuid }));
      const twice = repeated(wanted.map(keyOf));
      const deleteOne = async (state: DeleteTopicState): Promise<DeletableTopicResult> => {
        // By id, a topic has no name until it is found.
        let { name } = state;
        try {
          if (!settings['delete.topic.enable'])
            throw new KafkaRefusal(
              version >= disabledFrom ? 'TOPIC_DELETION_DISABLED' : 'INVALID_REQUEST',
              'Topic deletion is disabled (delete.topic.enable).',
            );
          checkState(state);
          if (twice.has(keyOf(state)))
            throw new KafkaRefusal('INVALID_REQUEST', `Duplicate topic ${name === null ? 'id' : 'name'}.`);
          const topic = name === null ? topics.byId(state.topicId) : topics.byName(name);
          if (topic === undefined) throw unknown(state);
          ({ name } = topic);
          await topics.delete(topic.name, topic.id);
          return { name, topicId: topic.id, errorCode: kafkaErrors.NONE, errorMessage: null };
        } catch (cause) {
          const { code, error, message } = refusalOf(cause);
          meter.refused('DeleteTopics', error);
          return { name, topicId: state.topicId, errorCode: code, errorMessage: message };
        }
      };
      // What is named twice is answered once.
      const distinct = [...new Map(wanted.map((state) => [keyOf(state), state])).values()];
      return { throttleTimeMs: 0, responses: await inSlices(distinct, parts.runtime, deleteOne) };
    },
  };
}

function keyOf({ name, topicId }: DeleteTopicState): string {
  return name === null ? `id ${topicId}` : `name ${name}`;
}

function checkState({ name, topicId }: DeleteTopicState): void {
  if (name === null && topicId === zeroUuid)
    throw new KafkaRefusal('INVALID_REQUEST', 'Neither topic name nor id were specified.');
  if (name !== null && topicId !== zeroUuid)
    throw new KafkaRefusal('INVALID_REQUEST', 'You may not specify both topic name and topic id.');
}

function unknown({ name, topicId }: DeleteTopicState): KafkaRefusal {
  if (name === null) return new KafkaRefusal('UNKNOWN_TOPIC_ID', `There is no topic with the id ${topicId}.`);
  return new KafkaRefusal('UNKNOWN_TOPIC_OR_PARTITION', `There is no topic ${JSON.stringify(name)}.`);
}
