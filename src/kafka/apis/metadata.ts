// Metadata: who the brokers are, and which of them has the partitions of which topics. An unknown topic is made, where
// the client lets us and the broker is set to.
import type { BrokerParts } from '../broker-parts.ts';
import type { Handler } from '../handler.ts';
import { kafkaErrors, KafkaRefusal, refusalOf } from '../kafka-error.ts';
import {
  metadataApi,
  type MetadataRequest,
  type MetadataRequestTopic,
  type MetadataResponse,
  type MetadataResponsePartition,
  type MetadataResponseTopic,
} from '../messages/metadata.ts';
import type { Topic } from '../topics/topic.ts';
import { zeroUuid } from '../wire/schema.ts';
import { inSlices } from './in-slices.ts';
import { clusterOperations, operationsNotAsked, topicOperations } from './authorized-operations.ts';

type Parts = Pick<BrokerParts, 'identity' | 'topics' | 'partitions' | 'settings' | 'runtime'>;

export function metadata(parts: Parts): Handler<MetadataRequest, MetadataResponse> {
  const { identity, topics } = parts;
  return {
    api: metadataApi,
    handle: async (request, { version }) => {
      const asked = request.topics;
      const isAll = asked === null || (version === 0 && asked.length === 0);
      const found = isAll
        ? topics.all().map((topic) => describeTopic(parts, topic))
        : await findTopics(parts, distinct(asked), request.allowAutoTopicCreation);
      const { nodeId, host, port, rack, clusterId } = identity;
      return {
        throttleTimeMs: 0,
        brokers: [{ nodeId, host, port, rack }],
        clusterId,
        controllerId: nodeId,
        topics: found.map((topic) => ({
          ...topic,
          topicAuthorizedOperations: request.includeTopicAuthorizedOperations ? topicOperations : operationsNotAsked,
        })),
        clusterAuthorizedOperations: request.includeClusterAuthorizedOperations
          ? clusterOperations
          : operationsNotAsked,
      };
    },
  };
}

/** Topics that one request may make: who asks for more gets the others by asking again. */
const creationsMax = 100;

async function findTopics(
  parts: Parts,
  asked: readonly MetadataRequestTopic[],
  mayCreate: boolean,
): Promise<readonly MetadataResponseTopic[]> {
  let left = creationsMax;
  return inSlices(asked, parts.runtime, (topic) => {
    const isNew = mayCreate && topic.name !== null && parts.topics.byName(topic.name) === undefined;
    if (isNew && left-- <= 0) return refusedTopic(topic.name, zeroUuid, 'LEADER_NOT_AVAILABLE');
    return findTopic(parts, topic, mayCreate);
  });
}

/** Each topic once, however often it is asked for. */
function distinct(topics: readonly MetadataRequestTopic[]): readonly MetadataRequestTopic[] {
  return [...new Map(topics.map((topic) => [topic.name ?? topic.topicId, topic])).values()];
}

async function findTopic(
  parts: Parts,
  { name, topicId }: MetadataRequestTopic,
  mayCreate: boolean,
): Promise<MetadataResponseTopic> {
  const { topics } = parts;
  if (name === null) {
    const topic = topics.byId(topicId);
    return topic === undefined ? refusedTopic(null, topicId, 'UNKNOWN_TOPIC_ID') : describeTopic(parts, topic);
  }
  try {
    return describeTopic(parts, topics.byName(name) ?? (await createTopic(parts, name, mayCreate)));
  } catch (cause) {
    return refusedTopic(name, zeroUuid, refusalOf(cause).error);
  }
}

async function createTopic({ topics, settings }: Parts, name: string, mayCreate: boolean): Promise<Topic> {
  const wanted = { name, partitionCount: settings['num.partitions'], overrides: {} };
  if (!mayCreate || !settings['auto.create.topics.enable']) {
    topics.check(wanted); // A name that nothing can have is not merely unknown.
    throw new KafkaRefusal('UNKNOWN_TOPIC_OR_PARTITION', `there is no topic '${name}'`);
  }
  try {
    return await topics.create(wanted);
  } catch (cause) {
    // Somebody else asked for it at the same time.
    const made = topics.byName(name);
    if (made !== undefined) return made;
    const isBeingMade = cause instanceof KafkaRefusal && cause.error === 'TOPIC_ALREADY_EXISTS';
    throw isBeingMade ? new KafkaRefusal('LEADER_NOT_AVAILABLE', `topic '${name}' is being made`) : cause;
  }
}

function describeTopic({ identity, partitions }: Parts, topic: Topic): MetadataResponseTopic {
  const { nodeId } = identity;
  const nodes = [nodeId];
  const described = Array.from({ length: topic.partitionCount }, (_, partitionIndex): MetadataResponsePartition => ({
    errorCode: kafkaErrors.NONE,
    partitionIndex,
    leaderId: nodeId,
    // A partition that nobody has used yet has no epoch that could be told.
    leaderEpoch: partitions.opened(topic, partitionIndex)?.leaderEpoch ?? -1,
    replicaNodes: nodes,
    isrNodes: nodes,
    offlineReplicas: [],
  }));
  const { name, id: topicId } = topic;
  return { errorCode: kafkaErrors.NONE, name, topicId, isInternal: false, partitions: described };
}

function refusedTopic(name: string | null, topicId: string, error: keyof typeof kafkaErrors): MetadataResponseTopic {
  return { errorCode: kafkaErrors[error], name, topicId, isInternal: false, partitions: [] };
}
