// What configurations are asked of and set for: topics and brokers. All other kinds are refused as Kafka refuses those
// it does not know.
import { KafkaRefusal } from '../kafka-error.ts';
import { allBrokers } from '../topics/broker-configs.ts';
import { checkTopicName } from '../topics/topic-names.ts';

/** A resource that has configurations. */
export type ConfigResource =
  | { readonly kind: 'topic'; readonly name: string }
  /** '' stands for all brokers, else it is the number of this one. */
  | { readonly kind: 'broker'; readonly name: string };

const topicType = 2;
const brokerType = 4;

/** The resource that a request means. */
export function configResource(type: number, name: string, nodeId: number): ConfigResource {
  if (type === topicType) {
    checkTopicName(name);
    return { kind: 'topic', name };
  }
  if (type !== brokerType) throw new KafkaRefusal('INVALID_REQUEST', `Unsupported resource type: ${type}`);
  if (name === allBrokers || name === String(nodeId)) return { kind: 'broker', name };
  if (!/^-?\d+$/.test(name))
    throw new KafkaRefusal('INVALID_REQUEST', `Broker id must be an integer, but it is: ${JSON.stringify(name)}`);
  throw new KafkaRefusal(
    'INVALID_REQUEST',
    `Unexpected broker id, expected ${nodeId} or empty string, but received ${name}`,
  );
}

/** The same for two resources that are one. */
export function resourceKey(type: number, name: string): string {
  return `${type} ${name}`;
}
