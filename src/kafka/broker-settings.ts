// The settings of a broker, under the names that Kafka's server.properties has for them. Checked once, then frozen.
// What has no counterpart in Kafka begins with `qanat.`.
import { KafkaRefusal } from './kafka-error.ts';

/** Every setting, resolved. */
export interface BrokerSettings {
  /** Whether a client that asks for an unknown topic makes it, where the client allows it. */
  readonly 'auto.create.topics.enable': boolean;
  readonly 'delete.topic.enable': boolean;
  /** Partitions of a topic that is created without a number. */
  readonly 'num.partitions': number;
  /** Largest batch, for topics that do not say otherwise. The engine takes at most 8 MiB less 4 KiB. */
  readonly 'message.max.bytes': number;
  readonly 'log.retention.ms': number;
  readonly 'log.retention.bytes': number;
  readonly 'log.retention.check.interval.ms': number;
  readonly 'log.cleanup.policy': string;
  readonly 'log.message.timestamp.type': string;
  readonly 'log.message.timestamp.before.max.ms': number;
  readonly 'log.message.timestamp.after.max.ms': number;
  readonly 'producer.id.expiration.ms': number;
  /** How long a new group waits for more members before its first generation. */
  readonly 'group.initial.rebalance.delay.ms': number;
  readonly 'group.min.session.timeout.ms': number;
  readonly 'group.max.session.timeout.ms': number;
  readonly 'group.max.size': number;
  readonly 'offset.metadata.max.bytes': number;
  readonly 'offsets.retention.minutes': number;
  readonly 'offsets.retention.check.interval.ms': number;
  /** Largest request. */
  readonly 'socket.request.max.bytes': number;
  /** Bytes of requests that may be in memory at a time, those being received included. */
  readonly 'queued.max.request.bytes': number;
  /** Largest answer to one fetch. */
  readonly 'fetch.max.bytes': number;
  readonly 'max.connections': number;
  /** A connection without a request for so long is closed. */
  readonly 'connections.max.idle.ms': number;
  /** How long a request may take to arrive, and an answer to be taken. */
  readonly 'qanat.transfer.max.ms': number;
  /** Bytes of answers that may wait for their clients. */
  readonly 'qanat.queued.max.answer.bytes': number;
  /** Partitions that all topics may have together. */
  readonly 'qanat.partitions.max': number;
}

/** Settings as somebody gives them: names and values, of which any may be left out. */
export type BrokerSettingsInput = Readonly<Record<string, string | number | boolean | undefined>>;

/** One setting: what it may be. */
export interface SettingTable {
  readonly initial: string | number | boolean;
  readonly min?: number;
  readonly max?: number;
  readonly oneOf?: readonly string[];
}

const int32Max = 2 ** 31 - 1;
const int64Max = Number.MAX_SAFE_INTEGER;
const MiB = 1_048_576;

/** What each setting may be. */
export const brokerSettingTables: Readonly<Record<keyof BrokerSettings, SettingTable>> = {
  'auto.create.topics.enable': { initial: true },
  'delete.topic.enable': { initial: true },
  'num.partitions': { initial: 1, min: 1, max: 100_000 },
  'message.max.bytes': { initial: 1_048_588, min: 0, max: 8 * MiB - 4_096 },
  'log.retention.ms': { initial: 604_800_000, min: -1, max: int64Max },
  'log.retention.bytes': { initial: -1, min: -1, max: int64Max },
  'log.retention.check.interval.ms': { initial: 300_000, min: 1, max: int32Max },
  'log.cleanup.policy': { initial: 'delete', oneOf: ['delete', 'compact', 'compact,delete', 'delete,compact'] },
  'log.message.timestamp.type': { initial: 'CreateTime', oneOf: ['CreateTime', 'LogAppendTime'] },
  'log.message.timestamp.before.max.ms': { initial: int64Max, min: 0, max: int64Max },
  'log.message.timestamp.after.max.ms': { initial: 3_600_000, min: 0, max: int64Max },
  'producer.id.expiration.ms': { initial: 86_400_000, min: 1, max: int32Max },
  'group.initial.rebalance.delay.ms': { initial: 3_000, min: 0, max: 600_000 },
  'group.min.session.timeout.ms': { initial: 6_000, min: 1, max: int32Max },
  'group.max.session.timeout.ms': { initial: 1_800_000, min: 1, max: int32Max },
  'group.max.size': { initial: 10_000, min: 1, max: int32Max },
  'offset.metadata.max.bytes': { initial: 4_096, min: 0, max: 32_767 },
  'offsets.retention.minutes': { initial: 10_080, min: 1, max: int32Max },
  'offsets.retention.check.interval.ms': { initial: 600_000, min: 1, max: int32Max },
  'socket.request.max.bytes': { initial: 100 * MiB, min: 1_024, max: 1_024 * MiB },
  'queued.max.request.bytes': { initial: 128 * MiB, min: MiB, max: 65_536 * MiB },
  'fetch.max.bytes': { initial: 55 * MiB, min: 1_024, max: 1_024 * MiB },
  'max.connections': { initial: 10_000, min: 1, max: 1_000_000 },
  'connections.max.idle.ms': { initial: 600_000, min: 1, max: int32Max },
  'qanat.transfer.max.ms': { initial: 30_000, min: 100, max: int32Max },
  'qanat.queued.max.answer.bytes': { initial: 128 * MiB, min: MiB, max: 65_536 * MiB },
  'qanat.partitions.max': { initial: 100_000, min: 1, max: 1_000_000 },
};

/** Kafka has these in two more units, of which the finest that is given counts. */
const otherUnits: Readonly<Record<string, readonly [keyof BrokerSettings, number]>> = {
  'log.retention.minutes': ['log.retention.ms', 60_000],
  'log.retention.hours': ['log.retention.ms', 3_600_000],
};

/** Names of all settings that may be given. */
export const brokerSettingNames: readonly string[] = [...Object.keys(brokerSettingTables), ...Object.keys(otherUnits)];

/** Fills in defaults, and refuses what is unknown or out of bounds with INVALID_CONFIG. */
export function resolveBrokerSettings(input: BrokerSettingsInput = {}): BrokerSettings {
  const given = new Map(Object.entries(input).filter(([, value]) => value !== undefined));
  for (const name of given.keys())
    if (!brokerSettingNames.includes(name)) throw invalid(`there is no setting ${JSON.stringify(name)}`);
  for (const unit of ['log.retention.hours', 'log.retention.minutes']) {
    const [name, factor] = otherUnits[unit] as readonly [keyof BrokerSettings, number];
    const value = given.get(unit);
    if (value === undefined) continue;
    const count = checked(unit, value, { initial: 0, min: -1, max: int32Max }) as number;
    // Minutes come after hours, and milliseconds that were given themselves win over both.
    if (input[name] === undefined) given.set(name, count < 0 ? -1 : count * factor);
  }
  const entries = Object.entries(brokerSettingTables).map(([name, table]) => {
    const value = given.get(name);
    return [name, value === undefined ? table.initial : checked(name, value, table)];
  });
  return Object.freeze(Object.fromEntries(entries)) as BrokerSettings;
}

function checked(name: string, value: string | number | boolean | undefined, table: SettingTable): unknown {
  if (typeof table.initial === 'boolean') {
    if (value === true || value === 'true') return true;
    if (value === false || value === 'false') return false;
    throw invalid(`${name} is true or false; got ${JSON.stringify(value)}`);
  }
  if (typeof table.initial === 'string') {
    if (typeof value === 'string' && table.oneOf?.includes(value) !== false) return value;
    throw invalid(`${name} is one of ${(table.oneOf ?? []).join(', ')}; got ${JSON.stringify(value)}`);
  }
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  const { min = 0, max = int64Max } = table;
  if (typeof number !== 'number' || !Number.isSafeInteger(number) || number < min || number > max)
    throw invalid(`${name} is an integer from ${min} to ${max}; got ${JSON.stringify(value)}`);
  return number;
}

function invalid(message: string): KafkaRefusal {
  return new KafkaRefusal('INVALID_CONFIG', message);
}
