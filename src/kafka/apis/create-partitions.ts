// CreatePartitions: gives topics more partitions, each for itself.
import type { BrokerParts } from '../broker-parts.ts';
import type { Handler } from '../handler.ts';
import { kafkaErrors, KafkaRefusal, refusalOf } from '../kafka-error.ts';
import {
  createPartitionsApi,
  type CreatePartitionsRequest,
  type CreatePartitionsResponse,
  type CreatePartitionsTopic,
  type CreatePartitionsTopicResult,
} from '../messages/create-partitions.ts';
import { repeated } from './distinct.ts';
import { checkAssignedBrokers } from './replica-assignments.ts';

type Parts = Pick<BrokerParts, 'topics' | 'identity' | 'meter'>;

export function createPartitions(parts: Parts): Handler<CreatePartitionsRequest, CreatePartitionsResponse> {
  return {
    api: createPartitionsApi,
    handle: async ({ topics, validateOnly }) => {
      const twice = repeated(topics.map(({ name }) => name));
      const once = topics.filter(({ name }) => !twice.has(name));
      const made = once.map(async (wanted) => {
        try {
          checkAssignments(parts, wanted);
          await parts.topics.addPartitions(wanted.name, wanted.count, validateOnly);
          return { name: wanted.name, errorCode: kafkaErrors.NONE, errorMessage: null };
        } catch (cause) {
          return refused(parts, wanted.name, refusalOf(cause));
        }
      });
      const doubled = [...twice].map((name) =>
        refused(parts, name, new KafkaRefusal('INVALID_REQUEST', 'Duplicate topic name.')),
      );
      return { throttleTimeMs: 0, results: [...doubled, ...(await Promise.all(made))] };
    },
  };
}

function checkAssignments({ topics, identity }: Parts, { name, count, assignments }: CreatePartitionsTopic): void {
  const topic = topics.byName(name);
  // What is wrong besides is said where the partitions are added.
  if (assignments === null || topic === undefined || count <= topic.partitionCount) return;
  const more = count - topic.partitionCount;
  if (assignments.length !== more)
    throw new KafkaRefusal(
      'INVALID_REPLICA_ASSIGNMENT',
      `Attempted to add ${more} additional partition(s), but ${assignments.length} assignment(s) were specified.`,
    );
  for (const { brokerIds } of assignments) checkAssignedBrokers(brokerIds, identity.nodeId);
}

function refused({ meter }: Parts, name: string, { code, error, message }: KafkaRefusal): CreatePartitionsTopicResult {
  meter.refused('CreatePartitions', error);
  return { name, errorCode: code, errorMessage: message };
}
