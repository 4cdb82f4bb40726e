// What the tests of topics share: a broker's parts on a real stream set, which can be closed or killed and started
// again on the same store, and record batches made byte by byte.
import { FileObjectStore, MemoryObjectStore, StreamSet, systemRuntime } from '../../../src/index.ts';
import type { ObjectStore, OpenOptions, Runtime } from '../../../src/index.ts';
import type { BrokerLog, LogFields } from '../../../src/kafka/broker-log.ts';
import { resolveBrokerSettings, type BrokerSettingsInput } from '../../../src/kafka/broker-settings.ts';
import { KafkaRefusal } from '../../../src/kafka/kafka-error.ts';
import { crcOfBatch, readBatchHeader } from '../../../src/kafka/records/batch-header.ts';
import { RecordCursor } from '../../../src/kafka/records/record-cursor.ts';
import { BrokerConfigs } from '../../../src/kafka/topics/broker-configs.ts';
import type { Partition } from '../../../src/kafka/topics/partition.ts';
import { Partitions } from '../../../src/kafka/topics/partitions.ts';
import type { Overrides } from '../../../src/kafka/topics/topic-configs.ts';
import type { Topic } from '../../../src/kafka/topics/topic.ts';
import { Topics } from '../../../src/kafka/topics/topics.ts';
import { FaultyObjectStore } from '../../../src/testkit/faulty-object-store.ts';
import { diedCopyOf } from '../../engine/died-copy.ts';
import { later, someDirectory } from '../../engine/world.ts';

/** A log that can be looked at. */
export class MemoryLog implements BrokerLog {
  readonly lines: { readonly level: string; readonly message: string; readonly fields: LogFields | undefined }[] = [];

  log(level: string, message: string, fields?: LogFields): void {
    this.lines.push({ level, message, fields });
  }
}

export interface TopicsWorld {
  readonly set: StreamSet;
  readonly configs: BrokerConfigs;
  readonly topics: Topics;
  readonly partitions: Partitions;
  readonly log: MemoryLog;
  /** Stops in order. */
  close(): Promise<void>;
  /** Dies; gives the store as it is then. */
  kill(): Promise<ObjectStore>;
}

export interface WorldOptions {
  readonly settings?: BrokerSettingsInput;
  readonly runtime?: Runtime;
  readonly engine?: Partial<OpenOptions>;
}

/** Both stores of the package. */
export const storeKinds = ['MemoryObjectStore', 'FileObjectStore'] as const;

export async function newStore(kind: (typeof storeKinds)[number]): Promise<ObjectStore> {
  return kind === 'MemoryObjectStore' ? new MemoryObjectStore() : new FileObjectStore(await someDirectory());
}

/** Opens a set and what stands on it. */
export async function openWorld(store: ObjectStore, options: WorldOptions = {}): Promise<TopicsWorld> {
  const runtime = options.runtime ?? systemRuntime;
  const connection =
    store instanceof MemoryObjectStore ? new FaultyObjectStore(store, { runtime, seed: 1, faults: [] }) : store;
  const engine = { settings: { storeDeadlineMs: 2_000 }, ...options.engine };
  const set = await StreamSet.open({ node: 'a', store: connection, runtime, ...engine });
  const log = new MemoryLog();
  const settings = resolveBrokerSettings(options.settings);
  const configs = await BrokerConfigs.load({ streams: set, settings, nodeId: 1 });
  const topics = await Topics.load({ streams: set, runtime, configs, log });
  const partitions = await Partitions.load({ streams: set, runtime, topics, settings, log });
  let isOver = false;
  const close = async (): Promise<void> => {
    if (isOver) return;
    isOver = true;
    await partitions.close();
    await topics.close();
    await set.close();
  };
  later(close);
  const kill = async (): Promise<ObjectStore> => {
    if (connection instanceof FaultyObjectStore) {
      isOver = true;
      connection.crash();
      later(() => set.close());
      return store;
    }
    return new FileObjectStore(await diedCopyOf((store as FileObjectStore).directory));
  };
  return { set, configs, topics, partitions, log, close, kill };
}

export async function createTopic(
  { topics }: TopicsWorld,
  name: string,
  partitionCount = 1,
  overrides: Overrides = {},
): Promise<Topic> {
  return topics.create({ name, partitionCount, overrides });
}

/** A partition of a topic that is there. */
export async function partitionOf({ topics, partitions }: TopicsWorld, name: string, index = 0): Promise<Partition> {
  const topic = topics.byName(name);
  if (topic === undefined) throw new Error(`there is no topic ${name}`);
  return partitions.of(topic, index);
}

/** What a batch is made of. */
export interface BatchInput {
  readonly values: readonly string[];
  readonly key?: string;
  /** Of the first record, and of each after it a millisecond more; or of each its own. */
  readonly timestamp?: number | readonly number[];
  readonly producer?: { readonly id: number; readonly epoch?: number; readonly sequence: number };
}

function varint(value: number): number[] {
  let rest = BigInt.asUintN(64, (BigInt(value) << 1n) ^ (BigInt(value) >> 63n));
  const bytes: number[] = [];
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return [...bytes, Number(rest)];
}

/** A record batch, not compressed, as a producer sends it. */
export function batchOf({ values, key, timestamp = Date.now(), producer }: BatchInput): Uint8Array {
  const timeOf = (index: number): number =>
    typeof timestamp === 'number' ? timestamp + index : (timestamp[index] as number);
  const text = (some: string | undefined): Uint8Array => {
    if (some === undefined) return Uint8Array.from(varint(-1));
    return Buffer.concat([Uint8Array.from(varint(Buffer.byteLength(some))), Buffer.from(some)]);
  };
  const records = Buffer.concat(
    values.flatMap((value, index) => {
      const head = Uint8Array.from([0, ...varint(timeOf(index) - timeOf(0)), ...varint(index)]);
      const body = Buffer.concat([head, text(key), text(value), Uint8Array.of(0)]);
      return [Uint8Array.from(varint(body.length)), body];
    }),
  );
  const bytes = new Uint8Array(61 + records.length);
  bytes.set(records, 61);
  const view = new DataView(bytes.buffer);
  view.setInt32(8, bytes.byteLength - 12);
  view.setInt32(12, -1);
  view.setInt8(16, 2);
  view.setInt32(23, values.length - 1);
  view.setBigInt64(27, BigInt(timeOf(0)));
  view.setBigInt64(35, BigInt(Math.max(...values.map((_, index) => timeOf(index)))));
  view.setBigInt64(43, BigInt(producer?.id ?? -1));
  view.setInt16(51, producer === undefined ? -1 : (producer.epoch ?? 0));
  view.setInt32(53, producer?.sequence ?? -1);
  view.setInt32(57, values.length);
  view.setUint32(17, crcOfBatch(bytes));
  return bytes;
}

/** The values of all records of a small partition, as texts. */
export async function textsOf(partition: Partition): Promise<string[]> {
  const { batches } = await partition.read(partition.logStartOffset, 10_000_000, { minOneBatch: true });
  return batches.flatMap((bytes) => {
    const cursor = new RecordCursor(bytes, 61);
    return Array.from({ length: readBatchHeader(bytes).recordCount }, () => {
      cursor.next();
      return Buffer.from(bytes.subarray(cursor.valueAt, cursor.valueAt + cursor.valueLength)).toString();
    });
  });
}

/** The name of the error that a call is refused with. */
export async function refusalIn(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return 'NONE';
  } catch (cause) {
    if (cause instanceof KafkaRefusal) return cause.error;
    throw cause;
  }
}
