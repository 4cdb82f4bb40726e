// kafkajs, the client of pure JavaScript that speaks the old encodings. Its codecs but gzip have to be given to it:
// Snappy and LZ4 are those of another client's WebAssembly; there is no Zstandard in every Node.js.
import { compressionsAlgorithms } from '@platformatic/kafka';
import kafkajs from 'kafkajs';
import type { Admin, Consumer, KafkaMessage } from 'kafkajs';
import { ClientRefusal, inOrder, pause, until } from './test-client.ts';
import type { Feature, MemberOptions, NewRecord, ProduceOptions, ReadRecord } from './test-client.ts';
import type { TestClient, TestMember } from './test-client.ts';
import { plainSnappy } from './xerial-snappy.ts';

const { CompressionCodecs, CompressionTypes, ConfigResourceTypes, Kafka, logLevel } = kafkajs;
const { lz4, snappy } = compressionsAlgorithms;

CompressionCodecs[CompressionTypes.Snappy] = () => ({
  compress: async (encoder: { buffer: Buffer }) => snappy.compressSync(encoder.buffer),
  decompress: async (buffer: Buffer) => plainSnappy(buffer),
});
CompressionCodecs[CompressionTypes.LZ4] = () => ({
  compress: async (encoder: { buffer: Buffer }) => lz4.compressSync(encoder.buffer),
  decompress: async (buffer: Buffer) => lz4.decompressSync(buffer),
});

const types = {
  none: CompressionTypes.None,
  gzip: CompressionTypes.GZIP,
  snappy: CompressionTypes.Snappy,
  lz4: CompressionTypes.LZ4,
  zstd: CompressionTypes.ZSTD,
} as const;

export class KafkajsClient implements TestClient {
  readonly name: string = 'kafkajs';
  readonly codecs = ['none', 'gzip', 'snappy', 'lz4'] as const;
  readonly features: ReadonlySet<Feature> = new Set<Feature>([
    ...(['addPartitions', 'configs', 'deleteRecords', 'deleteTopics', 'describeGroups'] as const),
    ...(['groups', 'idempotence', 'offsetsByTime', 'timestamps', 'topics'] as const),
    ...(['binaryHeaders', 'emptyValues', 'headers'] as const),
  ]);
  #kafka = new Kafka({ brokers: [] });
  #admin: Admin | undefined;
  #readers = 0;

  async open(bootstrap: string): Promise<void> {
    this.#kafka = new Kafka({
      ...{ clientId: 'kafkajs-test', brokers: [bootstrap], logLevel: logLevel.NOTHING },
      retry: { retries: 8, initialRetryTime: 50, maxRetryTime: 1_000 },
    });
    this.#admin = this.#kafka.admin();
    await this.#admin.connect();
  }

  async close(): Promise<void> {
    await this.#admin?.disconnect();
  }

  async produce(topic: string, records: readonly NewRecord[], options: ProduceOptions = {}): Promise<void> {
    const { codec = 'none', acks = -1, isIdempotent = false } = options;
    const producer = this.#kafka.producer({ idempotent: isIdempotent });
    await producer.connect();
    const messages = records.map((record) => ({
      key: record.key === null ? null : Buffer.from(record.key),
      value: record.value === null ? null : Buffer.from(record.value),
      headers: headersOf(record),
      ...(record.timestamp === undefined ? {} : { timestamp: `${record.timestamp}` }),
      ...(record.partition === undefined ? {} : { partition: record.partition }),
    }));
    try {
      await refusing(producer.send({ topic, acks, compression: types[codec], messages }));
    } finally {
      await producer.disconnect();
    }
  }

  async consume(topic: string, count: number): Promise<readonly ReadRecord[]> {
    const member = await this.join(`kafkajs-reader-${Date.now()}-${this.#readers++}`, topic);
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

  async join(group: string, topic: string, { sessionTimeoutMs = 10_000 }: MemberOptions = {}): Promise<TestMember> {
    const consumer = this.#kafka.consumer({
      ...{ groupId: group, sessionTimeout: sessionTimeoutMs, heartbeatInterval: 300, maxWaitTimeInMs: 200 },
      allowAutoTopicCreation: false,
    });
    const member = new KafkajsMember(consumer, topic);
    await member.start();
    return member;
  }

  async createTopic(topic: string, partitions: number, configs: Readonly<Record<string, string>> = {}): Promise<void> {
    const configEntries = Object.entries(configs).map(([name, value]) => ({ name, value }));
    const topics = [{ topic, numPartitions: partitions, replicationFactor: 1, configEntries }];
    const isNew = await refusing(this.#open().createTopics({ topics, waitForLeaders: true }));
    if (!isNew) throw new ClientRefusal(36, `the topic ${topic} is there already`);
  }

  deleteTopic(topic: string): Promise<void> {
    return refusing(this.#open().deleteTopics({ topics: [topic] }));
  }

  topics(): Promise<readonly string[]> {
    return this.#open().listTopics();
  }

  async partitionCount(topic: string): Promise<number> {
    const { topics } = await refusing(this.#open().fetchTopicMetadata({ topics: [topic] }));
    return topics[0]?.partitions.length ?? 0;
  }

  async addPartitions(topic: string, partitions: number): Promise<void> {
    await refusing(this.#open().createPartitions({ topicPartitions: [{ topic, count: partitions }] }));
  }

  async config(topic: string, name: string): Promise<string | null | undefined> {
    const resources = [{ type: ConfigResourceTypes.TOPIC, name: topic, configNames: [name] }];
    const answer = await refusing(this.#open().describeConfigs({ resources, includeSynonyms: true }));
    return answer.resources[0]?.configEntries.find(({ configName }) => configName === name)?.configValue;
  }

  async setConfig(topic: string, name: string, value: string): Promise<void> {
    const resources = [{ type: ConfigResourceTypes.TOPIC, name: topic, configEntries: [{ name, value }] }];
    await refusing(this.#open().alterConfigs({ validateOnly: false, resources }));
  }

  async deleteRecords(topic: string, partition: number, beforeOffset: number): Promise<void> {
    await this.offsetAt(topic, partition, -1); // It asks only brokers that it knows to lead the partition.
    const partitions = [{ partition, offset: `${beforeOffset}` }];
    await refusing(this.#open().deleteTopicRecords({ topic, partitions }));
  }

  async offsetAt(topic: string, partition: number, timestamp: number): Promise<number> {
    const admin = this.#open();
    if (timestamp < 0) {
      const all = await refusing(admin.fetchTopicOffsets(topic));
      const one = all.find((offset) => offset.partition === partition);
      return Number(timestamp === -2 ? one?.low : one?.high);
    }
    const offsets = await refusing(admin.fetchTopicOffsetsByTimestamp(topic, timestamp));
    return Number(offsets.find((offset) => offset.partition === partition)?.offset);
  }

  async groups(): Promise<readonly string[]> {
    const { groups } = await this.#open().listGroups();
    return groups.map(({ groupId }) => groupId);
  }

  async groupState(group: string): Promise<{ state: string; memberCount: number }> {
    const { groups } = await refusing(this.#open().describeGroups([group]));
    return { state: groups[0]?.state ?? '', memberCount: groups[0]?.members.length ?? 0 };
  }

  async groupOffset(group: string, topic: string, partition: number): Promise<number> {
    const [offsets] = await refusing(this.#open().fetchOffsets({ groupId: group, topics: [topic] }));
    return Number(offsets?.partitions.find((offset) => offset.partition === partition)?.offset ?? -1);
  }

  async deleteGroup(group: string): Promise<void> {
    await refusing(this.#open().deleteGroups([group]));
  }

  #open(): Admin {
    if (this.#admin === undefined) throw new Error('the client is not open');
    return this.#admin;
  }
}

class KafkajsMember implements TestMember {
  readonly #consumer: Consumer;
  readonly #topic: string;
  #assignment: readonly number[] | undefined;
  readonly #waiting: ReadRecord[] = [];
  readonly #taken = new Map<number, number>();

  constructor(consumer: Consumer, topic: string) {
    this.#consumer = consumer;
    this.#topic = topic;
  }

  async start(): Promise<void> {
    const consumer = this.#consumer;
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      this.#assignment = payload.memberAssignment[this.#topic] ?? [];
      this.#forgetWhatIsNotTaken();
    });
    consumer.on(consumer.events.REBALANCING, () => (this.#assignment = undefined));
    await consumer.connect();
    await consumer.subscribe({ topics: [this.#topic], fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachMessage: async ({ partition, message }) => {
        this.#waiting.push(recordOf(partition, message));
      },
    });
  }

  async assignment(): Promise<readonly number[] | undefined> {
    return this.#assignment;
  }

  async take(count: number, limitMs: number): Promise<readonly ReadRecord[]> {
    for (const deadline = Date.now() + limitMs; this.#waiting.length === 0 && Date.now() < deadline;) await pause(10);
    const records = this.#waiting.splice(0, count);
    for (const { partition, offset } of records) this.#taken.set(partition, offset + 1);
    return records;
  }

  async commit(): Promise<void> {
    const topic = this.#topic;
    const offsets = [...this.#taken].map(([partition, offset]) => ({ topic, partition, offset: `${offset}` }));
    if (offsets.length > 0) await refusing(this.#consumer.commitOffsets(offsets));
  }

  async close(): Promise<void> {
    await this.#consumer.disconnect();
  }

  /** After a rebalance a partition is read from what was committed, so what was only read ahead comes again. */
  #forgetWhatIsNotTaken(): void {
    this.#waiting.length = 0;
    this.#taken.clear();
  }
}

function recordOf(partition: number, message: KafkaMessage): ReadRecord {
  const headers = Object.entries(message.headers ?? {}).flatMap(([name, value]) =>
    [value].flat().map((one) => [name, Buffer.from(one ?? '')] as const),
  );
  const { key, value, timestamp, offset } = message;
  return { key, value, headers, timestamp: Number(timestamp), partition, offset: Number(offset) };
}

function headersOf({ headers }: NewRecord): Record<string, Buffer | Buffer[]> {
  const result: Record<string, Buffer[]> = {};
  for (const [name, value] of headers) (result[name] ??= []).push(Buffer.from(value));
  return Object.fromEntries(
    Object.entries(result).map(([name, all]) => [name, all.length === 1 && all[0] ? all[0] : all]),
  );
}

/** Kafka's error code of a failure, however deep kafkajs has it. */
async function refusing<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    for (let error: unknown = cause; error instanceof Error;) {
      const { code, errors, groups } = error as { code?: unknown; errors?: Error[]; groups?: { errorCode: number }[] };
      if (typeof code === 'number') throw new ClientRefusal(code, error.message, { cause });
      if (groups?.[0] !== undefined) throw new ClientRefusal(groups[0].errorCode, error.message, { cause });
      error = errors?.[0] ?? error.cause;
    }
    throw cause;
  }
}
