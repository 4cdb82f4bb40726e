// The configurations of a topic: all that Kafka has, under its names. Those that act here are read into a TopicConfig;
// the others are kept and shown, because scripts and tools set them, and say so in their description.
import { KafkaRefusal } from '../kafka-error.ts';
import { type ConfigDefinition, checkedConfig, listOf, longMax } from './config-value.ts';

/** A configuration of topics, and the name under which the broker has what counts where a topic says nothing. */
export interface TopicConfigDefinition extends ConfigDefinition {
  readonly brokerName?: string;
}

/** Texts by name: what was set, and nothing else. */
export type Overrides = Readonly<Record<string, string>>;

/** What counts for a topic, ready to use. */
export interface TopicConfig {
  /** −1: no limit. */
  readonly retentionMs: number;
  /** Of each partition. −1: no limit. */
  readonly retentionBytes: number;
  readonly maxMessageBytes: number;
  readonly timestampType: 'CreateTime' | 'LogAppendTime';
  readonly timestampBeforeMaxMs: number;
  readonly timestampAfterMaxMs: number;
  /** Whether old records may go. */
  readonly deletes: boolean;
  /** Whether every record must have a key. */
  readonly compacts: boolean;
}

/** The largest batch that the storage engine takes. */
const batchSizeMaxBytes = 8 * 1_048_576 - 4_096;

const kept = 'Kept and shown; it changes nothing here';
const compressionTypes = ['uncompressed', 'zstd', 'lz4', 'snappy', 'gzip', 'producer'];

/** Every configuration of topics, by name. */
export const topicConfigs: Readonly<Record<string, TopicConfigDefinition>> = {
  'cleanup.policy': {
    type: 'list',
    initial: 'delete',
    oneOf: ['compact', 'delete'],
    brokerName: 'log.cleanup.policy',
    doc:
      'What becomes of old records. With delete, they go when they are older than retention.ms or more than ' +
      'retention.bytes. With compact, every record must have a key; compaction itself is not done yet, so that all ' +
      'records stay.',
  },
  'compression.gzip.level': {
    type: 'int',
    initial: '-1',
    min: -1,
    max: 9,
    brokerName: 'compression.gzip.level',
    doc: `${kept}: batches stay as producers have compressed them.`,
  },
  'compression.lz4.level': {
    type: 'int',
    initial: '9',
    min: 1,
    max: 17,
    brokerName: 'compression.lz4.level',
    doc: `${kept}: batches stay as producers have compressed them.`,
  },
  'compression.type': {
    type: 'string',
    initial: 'producer',
    oneOf: compressionTypes,
    brokerName: 'compression.type',
    doc: `${kept}: batches stay as producers have compressed them.`,
  },
  'compression.zstd.level': {
    type: 'int',
    initial: '3',
    min: -131_072,
    max: 22,
    brokerName: 'compression.zstd.level',
    doc: `${kept}: batches stay as producers have compressed them.`,
  },
  'delete.retention.ms': {
    type: 'long',
    initial: '86400000',
    min: 0,
    brokerName: 'log.cleaner.delete.retention.ms',
    doc: `${kept}: compaction is not done yet.`,
  },
  'file.delete.delay.ms': {
    type: 'long',
    initial: '60000',
    min: 0,
    brokerName: 'log.segment.delete.delay.ms',
    doc: `${kept}: what a topic had is deleted by the storage engine.`,
  },
  'flush.messages': {
    type: 'long',
    initial: longMax,
    min: 1,
    brokerName: 'log.flush.interval.messages',
    doc: `${kept}: nothing is acknowledged before it is durable.`,
  },
  'flush.ms': {
    type: 'long',
    initial: longMax,
    min: 0,
    brokerName: 'log.flush.interval.ms',
    doc: `${kept}: nothing is acknowledged before it is durable.`,
  },
  'follower.replication.throttled.replicas': {
    type: 'list',
    initial: '',
    doc: `${kept}: nothing is copied between brokers.`,
  },
  'index.interval.bytes': {
    type: 'int',
    initial: '4096',
    min: 0,
    brokerName: 'log.index.interval.bytes',
    doc: `${kept}: the storage engine has its own index.`,
  },
  'leader.replication.throttled.replicas': {
    type: 'list',
    initial: '',
    doc: `${kept}: nothing is copied between brokers.`,
  },
  'local.retention.bytes': {
    type: 'long',
    initial: '-2',
    min: -2,
    brokerName: 'log.local.retention.bytes',
    doc: `${kept}: all data is in the object store.`,
  },
  'local.retention.ms': {
    type: 'long',
    initial: '-2',
    min: -2,
    brokerName: 'log.local.retention.ms',
    doc: `${kept}: all data is in the object store.`,
  },
  'max.compaction.lag.ms': {
    type: 'long',
    initial: longMax,
    min: 1,
    brokerName: 'log.cleaner.max.compaction.lag.ms',
    doc: `${kept}: compaction is not done yet.`,
  },
  'max.message.bytes': {
    type: 'int',
    initial: '1048588',
    min: 0,
    max: batchSizeMaxBytes,
    brokerName: 'message.max.bytes',
    doc: 'The largest batch of records that is taken, in bytes as it is compressed.',
  },
  'message.downconversion.enable': {
    type: 'boolean',
    initial: 'true',
    brokerName: 'log.message.downconversion.enable',
    isLegacy: true,
    doc: `${kept}: batches have only one form.`,
  },
  'message.format.version': {
    type: 'string',
    initial: '3.0-IV1',
    brokerName: 'log.message.format.version',
    isLegacy: true,
    doc: `${kept}: batches have only one form.`,
  },
  'message.timestamp.after.max.ms': {
    type: 'long',
    initial: '3600000',
    min: 0,
    brokerName: 'log.message.timestamp.after.max.ms',
    doc:
      'How far the timestamp of a record may be ahead of the clock of the broker. Records further ahead are refused. ' +
      'With LogAppendTime it changes nothing.',
  },
  'message.timestamp.before.max.ms': {
    type: 'long',
    initial: longMax,
    min: 0,
    brokerName: 'log.message.timestamp.before.max.ms',
    doc:
      'How far the timestamp of a record may be behind the clock of the broker. Records further behind are refused. ' +
      'With LogAppendTime it changes nothing.',
  },
  'message.timestamp.difference.max.ms': {
    type: 'long',
    initial: longMax,
    min: 0,
    brokerName: 'log.message.timestamp.difference.max.ms',
    isLegacy: true,
    doc: `${kept}: message.timestamp.before.max.ms and message.timestamp.after.max.ms have taken its place.`,
  },
  'message.timestamp.type': {
    type: 'string',
    initial: 'CreateTime',
    oneOf: ['CreateTime', 'LogAppendTime'],
    brokerName: 'log.message.timestamp.type',
    doc: 'Whether records keep the time their producer gave them, or get the time at which the broker took them.',
  },
  'min.cleanable.dirty.ratio': {
    type: 'double',
    initial: '0.5',
    min: 0,
    max: 1,
    brokerName: 'log.cleaner.min.cleanable.ratio',
    doc: `${kept}: compaction is not done yet.`,
  },
  'min.compaction.lag.ms': {
    type: 'long',
    initial: '0',
    min: 0,
    brokerName: 'log.cleaner.min.compaction.lag.ms',
    doc: `${kept}: compaction is not done yet.`,
  },
  'min.insync.replicas': {
    type: 'int',
    initial: '1',
    min: 1,
    brokerName: 'min.insync.replicas',
    doc: `${kept}: what is acknowledged is durable, whatever number of brokers there is.`,
  },
  preallocate: {
    type: 'boolean',
    initial: 'false',
    brokerName: 'log.preallocate',
    doc: `${kept}: there are no files of segments.`,
  },
  'remote.log.copy.disable': {
    type: 'boolean',
    initial: 'false',
    doc: `${kept}: all data is in the object store.`,
  },
  'remote.log.delete.on.disable': {
    type: 'boolean',
    initial: 'false',
    doc: `${kept}: all data is in the object store.`,
  },
  'remote.storage.enable': { type: 'boolean', initial: 'false', doc: `${kept}: all data is in the object store.` },
  'retention.bytes': {
    type: 'long',
    initial: '-1',
    min: -1,
    brokerName: 'log.retention.bytes',
    doc:
      'How large a partition may grow before its oldest records go; -1 is no limit. They go by whole objects, ' +
      'so that a partition holds at least this much.',
  },
  'retention.ms': {
    type: 'long',
    initial: '604800000',
    min: -1,
    brokerName: 'log.retention.ms',
    doc:
      'How long records are kept, counted from their timestamp, or from when the broker took them where that is ' +
      'earlier; -1 is no limit.',
  },
  'segment.bytes': {
    type: 'int',
    initial: '1073741824',
    min: 14,
    brokerName: 'log.segment.bytes',
    doc: `${kept}: the storage engine cuts its objects by its own settings.`,
  },
  'segment.index.bytes': {
    type: 'int',
    initial: '10485760',
    min: 4,
    brokerName: 'log.index.size.max.bytes',
    doc: `${kept}: the storage engine has its own index.`,
  },
  'segment.jitter.ms': {
    type: 'long',
    initial: '0',
    min: 0,
    brokerName: 'log.roll.jitter.ms',
    doc: `${kept}: the storage engine cuts its objects by its own settings.`,
  },
  'segment.ms': {
    type: 'long',
    initial: '604800000',
    min: 1,
    brokerName: 'log.roll.ms',
    doc: `${kept}: the storage engine cuts its objects by its own settings.`,
  },
  'unclean.leader.election.enable': {
    type: 'boolean',
    initial: 'false',
    brokerName: 'unclean.leader.election.enable',
    doc: `${kept}: nothing that was acknowledged is ever given up for a new leader.`,
  },
};

/** The definition of a configuration of topics; INVALID_CONFIG if there is none of this name. */
export function topicConfigDefinition(name: string): TopicConfigDefinition {
  const definition = Object.hasOwn(topicConfigs, name) ? topicConfigs[name] : undefined;
  if (definition === undefined) throw new KafkaRefusal('INVALID_CONFIG', `Unknown topic config name: ${name}`);
  return definition;
}

/** What was set, checked one by one and together, in the order of the names. */
export function checkedOverrides(given: Overrides): Overrides {
  const names = Object.keys(given).toSorted();
  const checked = Object.fromEntries(
    names.map((name) => [name, checkedConfig(name, topicConfigDefinition(name), given[name] as string)]),
  );
  const valueOf = (name: string): number => Number(checked[name] ?? topicConfigDefinition(name).initial);
  if (valueOf('min.compaction.lag.ms') > valueOf('max.compaction.lag.ms'))
    throw new KafkaRefusal(
      'INVALID_CONFIG',
      'Conflict between the configurations min.compaction.lag.ms and max.compaction.lag.ms: the first is larger.',
    );
  return checked;
}

/** What counts, where `valueOf` gives the text of each configuration. */
export function topicConfigOf(valueOf: (name: string) => string): TopicConfig {
  const policies = listOf(valueOf('cleanup.policy'));
  return {
    retentionMs: Number(valueOf('retention.ms')),
    retentionBytes: Number(valueOf('retention.bytes')),
    maxMessageBytes: Math.min(Number(valueOf('max.message.bytes')), batchSizeMaxBytes),
    timestampType: valueOf('message.timestamp.type') === 'LogAppendTime' ? 'LogAppendTime' : 'CreateTime',
    timestampBeforeMaxMs: Number(valueOf('message.timestamp.before.max.ms')),
    timestampAfterMaxMs: Number(valueOf('message.timestamp.after.max.ms')),
    deletes: policies.includes('delete'),
    compacts: policies.includes('compact'),
  };
}
