// The partition that a request names.
import type { BrokerParts } from '../broker-parts.ts';
import { KafkaRefusal } from '../kafka-error.ts';
import type { Partition } from '../topics/partition.ts';

/** A partition by its topic's name: at once if it is open. Throws where there is none. */
export function partitionNamed(
  { topics, partitions }: Pick<BrokerParts, 'topics' | 'partitions'>,
  topicName: string,
  index: number,
): Partition | Promise<Partition> {
  const topic = topics.byName(topicName);
  if (topic === undefined)
    throw new KafkaRefusal('UNKNOWN_TOPIC_OR_PARTITION', `There is no topic ${JSON.stringify(topicName)}.`);
  return partitions.of(topic, index);
}
