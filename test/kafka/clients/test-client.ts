// What the tests of real clients ask of any client, so that one set of scenarios runs with all of them. Bytes are bytes,
// and a refusal is told by Kafka's error code, whatever the client calls it.

export type Codec = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd';

/** A record to produce. Without a partition the client chooses by key. */
export interface NewRecord {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly (readonly [string, Uint8Array])[];
  readonly timestamp?: number;
  readonly partition?: number;
}

/** A record as it was read. */
export interface ReadRecord {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly (readonly [string, Uint8Array])[];
  readonly timestamp: number;
  readonly partition: number;
  readonly offset: number;
}

/** One member of a group; it commits nothing unless told. */
export interface TestMember {
  /** The partitions that it has now; undefined while it has not been told. */
  assignment(): Promise<readonly number[] | undefined>;
  /** At least one record, and at most `count`, or nothing if none came in time. */
  take(count: number, limitMs: number): Promise<readonly ReadRecord[]>;
  /** Commits everything that was taken. */
  commit(): Promise<void>;
  close(): Promise<void>;
}

/** What a client may be unable to do; a test of it is then skipped. */
export type Feature =
  | 'addPartitions'
  | 'binaryHeaders'
  | 'configs'
  | 'deleteRecords'
  | 'deleteTopics'
  | 'describeGroups'
  | 'emptyValues'
  | 'groups'
  | 'headers'
  | 'idempotence'
  | 'offsetsByTime'
  | 'timestamps'
  | 'topics';

export interface ProduceOptions {
  readonly codec?: Codec;
  readonly acks?: -1 | 0 | 1;
  readonly isIdempotent?: boolean;
  /** The largest request that the client itself lets pass. */
  readonly requestBytesMax?: number;
}

export interface MemberOptions {
  readonly sessionTimeoutMs?: number;
  readonly instanceId?: string;
}

export interface TestClient {
  readonly name: string;
  readonly codecs: readonly Codec[];
  readonly features: ReadonlySet<Feature>;
  open(bootstrap: string): Promise<void>;
  close(): Promise<void>;
  /** Produces and waits until all is acknowledged. */
  produce(topic: string, records: readonly NewRecord[], options?: ProduceOptions): Promise<void>;
  /** Reads every partition from its beginning until there are `count` records, by partition and offset. */
  consume(topic: string, count: number): Promise<readonly ReadRecord[]>;
  join(group: string, topic: string, options?: MemberOptions): Promise<TestMember>;
  createTopic(topic: string, partitions: number, configs?: Readonly<Record<string, string>>): Promise<void>;
  deleteTopic(topic: string): Promise<void>;
  topics(): Promise<readonly string[]>;
  partitionCount(topic: string): Promise<number>;
  addPartitions(topic: string, partitions: number): Promise<void>;
  config(topic: string, name: string): Promise<string | null | undefined>;
  setConfig(topic: string, name: string, value: string): Promise<void>;
  deleteRecords(topic: string, partition: number, beforeOffset: number): Promise<void>;
  /** The offset at a time, or at the beginning (-2) or the end (-1); -1 if there is none. */
  offsetAt(topic: string, partition: number, timestamp: number): Promise<number>;
  groups(): Promise<readonly string[]>;
  groupState(group: string): Promise<{ readonly state: string; readonly memberCount: number }>;
  groupOffset(group: string, topic: string, partition: number): Promise<number>;
  deleteGroup(group: string): Promise<void>;
}

/** A refusal by the broker, with Kafka's error code. */
export class ClientRefusal extends Error {
  readonly code: number;

  constructor(code: number, message: string, options?: ErrorOptions) {
    super(`${message} (Kafka's error ${code})`, options);
    this.name = 'ClientRefusal';
    this.code = code;
  }
}

/** Kafka's error codes that the tests expect. */
export const errorCodes = {
  unknownTopicOrPartition: 3,
  messageTooLarge: 10,
  invalidTopic: 17,
  unknownMember: 25,
  topicAlreadyExists: 36,
  invalidPartitions: 37,
  invalidConfig: 40,
  nonEmptyGroup: 68,
  groupIdNotFound: 69,
} as const;

/** By partition and then by offset. */
export function inOrder(records: readonly ReadRecord[]): ReadRecord[] {
  return records.toSorted((a, b) => a.partition - b.partition || a.offset - b.offset);
}

/** Waits for `check` to give something other than undefined. */
export async function until<T>(what: string, limitMs: number, check: () => Promise<T | undefined>): Promise<T> {
  for (const deadline = Date.now() + limitMs; ;) {
    const result = await check();
    if (result !== undefined) return result;
    if (Date.now() > deadline) throw new Error(`${what} did not come about in ${limitMs} ms`);
    await pause(50);
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
