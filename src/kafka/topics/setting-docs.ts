// What the settings of a broker are, in a sentence each, for tools that show them. Those that stand for a configuration
// of topics are described there.
import type { BrokerSettings } from '../broker-settings.ts';

export const settingDocs: Readonly<Partial<Record<keyof BrokerSettings, string>>> = {
  'auto.create.topics.enable': 'Whether a client that asks for an unknown topic makes it, where the client allows it.',
  'delete.topic.enable': 'Whether topics can be deleted.',
  'num.partitions': 'Partitions of a topic that is created without a number of them.',
  'log.retention.check.interval.ms': 'How often old records are looked for.',
  'producer.id.expiration.ms': 'How long a partition remembers an idempotent producer that is silent.',
  'group.initial.rebalance.delay.ms': 'How long a new group waits for more members before its first generation.',
  'group.min.session.timeout.ms': 'The shortest time of silence that a member of a group may ask for.',
  'group.max.session.timeout.ms': 'The longest time of silence that a member of a group may ask for.',
  'group.max.size': 'Members that a group may have.',
  'offset.metadata.max.bytes': 'The longest text that may be committed with an offset.',
  'offsets.retention.minutes': 'How long the offsets of a group without members are kept.',
  'offsets.retention.check.interval.ms': 'How often offsets that are too old are looked for.',
  'socket.request.max.bytes': 'The largest request that is taken.',
  'queued.max.request.bytes': 'Bytes of requests that may be in memory at a time.',
  'fetch.max.bytes': 'The largest answer to one fetch.',
  'max.connections': 'Connections that may be open at a time.',
  'connections.max.idle.ms': 'A connection without a request for so long is closed.',
  'qanat.transfer.max.ms': 'How long a request may take to arrive, and an answer to be taken.',
  'qanat.queued.max.answer.bytes': 'Bytes of answers that may wait for their clients.',
  'qanat.partitions.max': 'Partitions that all topics may have together.',
};
