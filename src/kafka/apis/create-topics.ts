// CreateTopics: creates topics, each for itself.
import type { BrokerParts } from '../broker-parts.ts';
import type { Handler } from '../handler.ts';
import { kafkaErrors, KafkaRefusal, refusalOf } from '../kafka-error.ts';
import {
  createTopicsApi,
  type CreatableTopic,
  type CreatableTopicResult,
  type CreateTopicsRequest,
  type CreateTopicsResponse,
} from '../messages/create-topics.ts';
import { topicEntries } from '../topics/config-entries.ts';
import type { Overrides } from '../topics/topic-configs.ts';
import type { Topic } from '../topics/topic.ts';
import type { NewTopic } from '../topics/topics.ts';
import { zeroUuid } from '../wire/schema.ts';
import { repeated } from './distinct.ts';
import { inSlices } from './in-slices.ts';
import { checkAssignedBrokers, checkAssignedPartitions } from './replica-assignments.ts';

type Parts = Pick<BrokerParts, 'topics' | 'configs' | 'settings' | 'identity' | 'meter' | 'runtime'>;

/** Every partition has one broker. */
const replicationFactor = 1;

export function createTopics(parts: Parts): Handler<CreateTopicsRequest, CreateTopicsResponse> {
  return {
    api: createTopicsApi,
    handle: async ({ topics, validateOnly }) => {
      const twice = repeated(topics.map(({ name }) => name));
      const once = topics.filter(({ name }) => !twice.has(name));
      const made = await inSlices(once, parts.runtime, async (wanted) => {
        try {
          const topic = wantedTopic(parts, wanted);
          return created(parts, validateOnly ? parts.topics.check(topic) : await parts.topics.create(topic));
        } catch (cause) {
          return refused(parts, wanted.name, refusalOf(cause));
        }
      });
      const doubled = [...twice].map((name) =>
        refused(parts, name, new KafkaRefusal('INVALID_REQUEST', 'Found multiple entries for this topic.')),
      );
      return { throttleTimeMs: 0, topics: [...doubled, ...made] };
    },
  };
}

function wantedTopic({ settings, identity }: Parts, { name, configs, ...wanted }: CreatableTopic): NewTopic {
  const overrides: Overrides = Object.fromEntries(
    configs.map((config) => {
      if (config.value !== null) return [config.name, config.value];
      throw new KafkaRefusal('INVALID_CONFIG', `Null value not supported for topic configs: ${config.name}`);
    }),
  );
  const { numPartitions, assignments } = wanted;
  if (assignments.length > 0) {
    if (wanted.replicationFactor !== -1) refuseBoth('replication factor');
    if (numPartitions !== -1) refuseBoth('numPartitions');
    for (const { brokerIds } of assignments) checkAssignedBrokers(brokerIds, identity.nodeId);
    checkAssignedPartitions(assignments.map(({ partitionIndex }) => partitionIndex));
    return { name, partitionCount: assignments.length, overrides };
  }
  if (wanted.replicationFactor < -1 || wanted.replicationFactor === 0)
    throw new KafkaRefusal(
      'INVALID_REPLICATION_FACTOR',
      'Replication factor must be larger than 0, or -1 to use the default value.',
    );
  if (wanted.replicationFactor > replicationFactor)
    throw new KafkaRefusal(
      'INVALID_REPLICATION_FACTOR',
      `Unable to replicate the partition ${wanted.replicationFactor} time(s): ` +
        `only ${replicationFactor} broker(s) are registered.`,
    );
  if (numPartitions < -1 || numPartitions === 0)
    throw new KafkaRefusal(
      'INVALID_PARTITIONS',
      'Number of partitions must be larger than 0, or -1 to use the default value.',
    );
  return { name, partitionCount: numPartitions === -1 ? settings['num.partitions'] : numPartitions, overrides };
}

function refuseBoth(what: string): never {
  throw new KafkaRefusal(
    'INVALID_REQUEST',
    `A manual partition assignment was specified, but ${what} was not set to -1.`,
  );
}

function created({ configs }: Parts, topic: Topic): CreatableTopicResult {
  return {
    name: topic.name,
    topicId: topic.id,
    errorCode: kafkaErrors.NONE,
    errorMessage: null,
    numPartitions: topic.partitionCount,
    replicationFactor,
    configs: topicEntries(topic, configs).map(({ name, value, readOnly, source }) => ({
      ...{ name, value, readOnly },
      configSource: source,
      isSensitive: false,
    })),
  };
}

function refused({ meter }: Parts, name: string, { code, error, message }: KafkaRefusal): CreatableTopicResult {
  meter.refused('CreateTopics', error);
  const nothing = { topicId: zeroUuid, numPartitions: -1, replicationFactor: -1, configs: [] };
  return { name, errorCode: code, errorMessage: message, ...nothing };
}
