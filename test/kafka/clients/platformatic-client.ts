// @platformatic/kafka, the client of pure JavaScript that speaks only the flexible encodings.
import {
  Admin,
  ConfigResourceTypes,
  Consumer,
  IncrementalAlterConfigOperationTypes,
  Producer,
} from '@platformatic/kafka';
import type { Message, MessagesStream } from '@platformatic/kafka';
import { ClientRefusal, inOrder, pause, until } from './test-client.ts';
import type { Codec, Feature, MemberOptions, NewRecord, ProduceOptions, ReadRecord } from './test-client.ts';
import type { TestClient, TestMember } from './test-client.ts';

const { TOPIC: topicResource } = ConfigResourceTypes;
const { SET: operationSet } = IncrementalAlterConfigOperationTypes;

export class PlatformaticClient implements TestClient {
  readonly name: string = '@platformatic/kafka';
  readonly codecs: readonly Codec[] = ['none', 'gzip', 'snappy', 'lz4'];
  readonly features: ReadonlySet<Feature> = new Set<Feature>([
    ...(['addPartitions', 'configs', 'deleteRecords', 'deleteTopics', 'describeGroups'] as const),
    ...(['groups', 'idempotence', 'offsetsByTime', 'timestamps', 'topics'] as const),
    ...(['binaryHeaders', 'emptyValues', 'headers'] as const),
  ]);
  #bootstrap = '';
  #admin: Admin | undefined;
  #readers = 0;

  async open(bootstrap: string): Promise<void> {
    this.#bootstrap = bootstrap;
    this.#admin = new Admin(this.#base());
  }

  async close(): Promise<void> {
    await this.#admin?.close();
  }

  async produce(topic: string, records: readonly NewRecord[], options: ProduceOptions = {}): Promise<void> {
    const { codec = 'none', acks = -1, isIdempotent = false } = options;
    const producer = new Producer({ ...this.#base(), idempotent: isIdempotent, autocreateTopics: true });
    const messages = records.map((record) => ({
      topic,
      ...(record.key === null ? {} : { key: Buffer.from(record.key) }),
      ...(record.value === null ? {} : { value: Buffer.from(record.value) }),
      headers: new Map(record.headers.map(([name, value]) => [Buffer.from(name), Buffer.from(value)])),
      ...(record.timestamp === undefined ? {} : { timestamp: BigInt(record.timestamp) }),
      ...(record.partition === undefined ? {} : { partition: record.partition }),
    }));
    try {
      await refusing(producer.send({ messages, acks, compression: codec }));
    } finally {
      await producer.close();
    }
  }

  async consume(topic: string, count: number): Promise<readonly ReadRecord[]> {
    const member = await this.join(`platformatic-reader-${Date.now()}-${this.#readers++}`, topic);
    try {
      const records: ReadRecord[] = [];
      await until(`${count} records of ${topic}`, 20_000, async () => {
        records.push(...(await member.take(count - records.length, 500)));
        return records.length >= count ? true : undefined;
      });
      return inOrder(records);
    } finally {
      await member.close();
    }
  }

  async join(group: string, topic: string, options: MemberOptions = {}): Promise<TestMember> {
    const { sessionTimeoutMs = 10_000, instanceId } = options;
    const consumer = new Consumer({
      ...{ ...this.#base(), groupId: group, sessionTimeout: sessionTimeoutMs, rebalanceTimeout: 10_000 },
      ...{ heartbeatInterval: 300, autocommit: false, maxWaitTime: 200 },
      ...(instanceId === undefined ? {} : { groupInstanceId: instanceId }),
    });
    const stream = await refusing(
      consumer.consume({ topics: [topic], mode: 'committed', fallbackMode: 'earliest', autocommit: false }),
    );
    return new PlatformaticMember(consumer, stream, topic);
  }

  async createTopic(topic: string, partitions: number, configs: Readonly<Record<string, string>> = {}): Promise<void> {
    const entries = Object.entries(configs).map(([name, value]) => ({ name, value }));
    const admin = this.#open();
    await refusing(admin.createTopics({ topics: [topic], partitions, replicas: 1, configs: entries }));
  }

  async deleteTopic(topic: string): Promise<void> {
    await refusing(this.#open().deleteTopics({ topics: [topic] }));
  }

  async topics(): Promise<readonly string[]> {
    return this.#open().listTopics();
  }

  async partitionCount(topic: string): Promise<number> {
    const options = { topics: [topic], autocreateTopics: false, forceUpdate: true };
    const { topics } = await refusing(this.#open().metadata(options));
    return topics.get(topic)?.partitionsCount ?? 0;
  }

  async addPartitions(topic: string, partitions: number): Promise<void> {
    const admin = this.#open();
    const { brokers } = await admin.metadata({ topics: [] });
    const missing = Math.max(1, partitions - (await this.partitionCount(topic)));
    // It cannot leave the choice of the brokers to Kafka.
    const assignments = Array.from({ length: missing }, () => ({ brokerIds: [...brokers.keys()] }));
    const topics = [{ name: topic, count: partitions, assignments }];
    await refusing(admin.createPartitions({ topics, validateOnly: false }));
  }

  async config(topic: string, name: string): Promise<string | null | undefined> {
    const resource = { resourceType: topicResource, resourceName: topic, configurationKeys: [name] };
    const [description] = await refusing(this.#open().describeConfigs({ resources: [resource] }));
    return description?.configs.find((config) => config.name === name)?.value;
  }

  async setConfig(topic: string, name: string, value: string): Promise<void> {
    const configs = [{ name, value, configOperation: operationSet }];
    const resource = { resourceType: topicResource, resourceName: topic, configs };
    await refusing(this.#open().incrementalAlterConfigs({ resources: [resource], validateOnly: false }));
  }

  async deleteRecords(topic: string, partition: number, beforeOffset: number): Promise<void> {
    const partitions = [{ partition, offset: BigInt(beforeOffset) }];
    await refusing(this.#open().deleteRecords({ topics: [{ name: topic, partitions }] }));
  }

  async offsetAt(topic: string, partition: number, timestamp: number): Promise<number> {
    const partitions = [{ partitionIndex: partition, timestamp: BigInt(timestamp) }];
    const [listed] = await refusing(this.#open().listOffsets({ topics: [{ name: topic, partitions }] }));
    return Number(listed?.partitions[0]?.offset);
  }

  async groups(): Promise<readonly string[]> {
    return [...(await refusing(this.#open().listGroups())).keys()];
  }

  async groupState(group: string): Promise<{ state: string; memberCount: number }> {
    const found = (await refusing(this.#open().describeGroups({ groups: [group] }))).get(group);
    const words = (found?.state ?? '').toLowerCase().split('_');
    const state = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
    return { state, memberCount: found?.members.size ?? 0 };
  }

  async groupOffset(group: string, topic: string, partition: number): Promise<number> {
    const [offsets] = await refusing(this.#open().listConsumerGroupOffsets({ groups: [group] }));
    const partitions = offsets?.topics.find(({ name }) => name === topic)?.partitions;
    const found = partitions?.find(({ partitionIndex }) => partitionIndex === partition);
    return Number(found?.committedOffset ?? -1);
  }

  async deleteGroup(group: string): Promise<void> {
    await refusing(this.#open().deleteGroups({ groups: [group] }));
  }

  #base(): { clientId: string; bootstrapBrokers: string[]; retries: number; retryDelay: number } {
    return { clientId: 'platformatic-test', bootstrapBrokers: [this.#bootstrap], retries: 8, retryDelay: 100 };
  }

  #open(): Admin {
    if (this.#admin === undefined) throw new Error('the client is not open');
    return this.#admin;
  }
}

class PlatformaticMember implements TestMember {
  readonly #consumer: Consumer;
  readonly #stream: MessagesStream<Buffer, Buffer, Buffer, Buffer>;
  readonly #topic: string;
  readonly #waiting: Message[] = [];
  readonly #taken = new Map<number, bigint>();
  readonly #received = new Map<number, bigint>();

  constructor(consumer: Consumer, stream: MessagesStream<Buffer, Buffer, Buffer, Buffer>, topic: string) {
    this.#consumer = consumer;
    this.#stream = stream;
    this.#topic = topic;
    consumer.on('consumer:group:join', () => {
      this.#waiting.length = 0;
      this.#taken.clear();
      this.#received.clear();
    });
    stream.on('data', (message) => this.#receive(message));
    stream.on('error', () => {}); // What it cannot read is missing where it is expected.
  }

  async assignment(): Promise<readonly number[] | undefined> {
    return this.#consumer.assignments?.find(({ topic }) => topic === this.#topic)?.partitions ?? [];
  }

  async take(count: number, limitMs: number): Promise<readonly ReadRecord[]> {
    for (const deadline = Date.now() + limitMs; this.#waiting.length === 0 && Date.now() < deadline;) await pause(10);
    const messages = this.#waiting.splice(0, count);
    for (const { partition, offset } of messages) this.#taken.set(partition, offset + 1n);
    return messages.map(recordOf);
  }

  async commit(): Promise<void> {
    const topic = this.#topic;
    const offsets = [...this.#taken].map(([partition, offset]) => ({ topic, partition, offset, leaderEpoch: -1 }));
    if (offsets.length > 0) await refusing(this.#consumer.commit({ offsets }));
  }

  async close(): Promise<void> {
    await this.#stream.close();
    await promised(this.#consumer.close(true));
  }

  /** Around a rebalance it may fetch, and give, the same records twice. */
  #receive(message: Message): void {
    const { partition, offset } = message;
    if (offset < (this.#received.get(partition) ?? 0n)) return;
    this.#received.set(partition, offset + 1n);
    this.#waiting.push(message);
  }
}

/** Its types say that a key and a value are there; those of a tombstone are not. */
function recordOf(message: Message): ReadRecord {
  const { key, value, timestamp, partition, offset } = message as {
    key?: Buffer | null;
    value?: Buffer | null;
  } & Message;
  const headers = [...message.headers].map(([name, bytes]) => [name.toString(), bytes] as const);
  const place = { timestamp: Number(timestamp), partition, offset: Number(offset) };
  return { key: key ?? null, value: value ?? null, headers, ...place };
}

/** Kafka's error code of a failure, however deep it is. */
async function refusing<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    const code = codeWithin(cause);
    if (code === undefined) throw cause;
    throw new ClientRefusal(code, (cause as Error).message, { cause });
  }
}

function codeWithin(cause: unknown): number | undefined {
  if (!(cause instanceof Error)) return undefined;
  const { apiCode, errors = [] } = cause as { apiCode?: unknown; errors?: unknown[] };
  if (typeof apiCode === 'number' && apiCode > 0) return apiCode;
  for (const inner of [...errors, cause.cause]) {
    const code = codeWithin(inner);
    if (code !== undefined) return code;
  }
  return undefined;
}

/** Its types say of some calls that they give nothing, where they give a promise. */
async function promised(work: unknown): Promise<void> {
  await (work as Promise<void>);
}
