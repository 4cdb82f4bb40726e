// The driver of node-rdkafka. Its folder is where it is installed: node node-rdkafka.mjs FOLDER BOOTSTRAP
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { called, packed, pause, serve, unpacked } from './serve.mjs';

const [folder, bootstrap] = process.argv.slice(2);
const { AdminClient, KafkaConsumer, Producer, features } = createRequire(join(folder, 'package.json'))('node-rdkafka');
const limitMs = 10_000;
const common = { 'metadata.broker.list': bootstrap, 'client.id': 'node-rdkafka-test' };
let admin;
let asker;
let readers = 0;
const members = new Map();

function isConnected(client) {
  return called((done) => client.connect({ timeout: limitMs }, done)).then(() => client);
}

class Member {
  #consumer;
  #topic;
  #assignment;
  #waiting = [];
  #taken = new Map();
  isReading = true;

  constructor(consumer, topic) {
    this.#consumer = consumer;
    this.#topic = topic;
  }

  async start() {
    const consumer = this.#consumer;
    consumer.on('rebalance', (event, partitions) => {
      if (event.code === -175) this.#assignment = partitions.map(({ partition }) => partition);
      else this.#assignment = undefined;
      this.#waiting.length = 0;
      this.#taken.clear();
    });
    await isConnected(consumer);
    consumer.setDefaultConsumeTimeout(100);
    consumer.subscribe([this.#topic]);
    void this.#read();
  }

  async #read() {
    while (this.isReading) {
      const messages = await called((done) => this.#consumer.consume(100, done)).catch(() => []);
      this.#waiting.push(...messages);
      if (messages.length === 0) await pause(20);
    }
  }

  assignment() {
    return this.#assignment ?? null;
  }

  async take(count, forMs) {
    for (const deadline = Date.now() + forMs; this.#waiting.length === 0 && Date.now() < deadline;) await pause(10);
    const messages = this.#waiting.splice(0, count);
    for (const { partition, offset } of messages) this.#taken.set(partition, offset + 1);
    return messages.map(recordOf);
  }

  commit() {
    const topic = this.#topic;
    const offsets = [...this.#taken].map(([partition, offset]) => ({ topic, partition, offset }));
    if (offsets.length > 0) this.#consumer.commitSync(offsets);
  }

  async close() {
    this.isReading = false;
    await called((done) => this.#consumer.disconnect(done));
  }
}

function recordOf({ key, value, headers = [], timestamp, partition, offset }) {
  const all = headers.flatMap((header) => Object.entries(header).map(([name, bytes]) => [name, packed(bytes)]));
  return { key: packed(key), value: packed(value), headers: all, timestamp, partition, offset };
}

async function joined({ group, topic, sessionTimeoutMs, instanceId }) {
  const consumer = new KafkaConsumer(
    {
      ...{ ...common, 'group.id': group, 'enable.auto.commit': false, rebalance_cb: true },
      ...{ 'session.timeout.ms': sessionTimeoutMs, 'heartbeat.interval.ms': 300, 'fetch.wait.max.ms': 200 },
      ...(instanceId ? { 'group.instance.id': instanceId } : {}),
    },
    { 'auto.offset.reset': 'earliest' },
  );
  const member = new Member(consumer, topic);
  await member.start();
  return member;
}

async function metadataOf(topic) {
  const { topics } = await called((done) => asker.getMetadata({ ...(topic ? { topic } : {}), timeout: limitMs }, done));
  return topics;
}

/** Writes numbers to a partition, one after the other, until it is told to stop. */
class Writer {
  #producer;
  #acknowledged = -1;
  #failures = [];
  #next = 0;
  #writes = true;
  #ended;

  async start({ topic, partition, name }) {
    this.#producer = new Producer({
      ...{ ...common, dr_cb: true, 'enable.idempotence': true, acks: -1, 'linger.ms': 5 },
      ...{ 'message.timeout.ms': 120_000, 'reconnect.backoff.max.ms': 500, 'retry.backoff.max.ms': 500 },
    });
    await isConnected(this.#producer);
    this.#producer.on('event.error', () => {}); // That the broker is away is what this is about.
    this.#producer.on('delivery-report', (cause, { offset, opaque }) => {
      if (cause) this.#failures.push(`${opaque}: ${cause.message}`);
      else if (opaque !== this.#acknowledged + 1) this.#failures.push(`${opaque} at ${offset} out of order`);
      else this.#acknowledged = opaque;
    });
    this.#producer.setPollInterval(5);
    this.#ended = this.#write(topic, partition, name);
  }

  async #write(topic, partition, name) {
    while (this.#writes) {
      for (let i = 0; i < 20 && this.#next - this.#acknowledged < 1_000; i++) {
        this.#producer.produce(topic, partition, Buffer.from(`${name} ${this.#next}`), null, null, this.#next);
        this.#next += 1;
      }
      await pause(5);
    }
  }

  async stop() {
    this.#writes = false;
    await this.#ended;
    for (const deadline = Date.now() + 30_000; this.#acknowledged + 1 < this.#next && Date.now() < deadline;)
      await pause(10);
    await called((done) => this.#producer.disconnect(done));
    return { written: this.#next, acknowledged: this.#acknowledged + 1, failures: this.#failures.slice(0, 5) };
  }
}

const writers = new Map();

serve(
  {
    async startWriter(options) {
      const writer = new Writer();
      await writer.start(options);
      writers.set(writers.size, writer);
      return writers.size - 1;
    },
    stopWriter: ({ writer }) => writers.get(writer).stop(),
    async open() {
      admin = AdminClient.create(common);
      asker = await isConnected(
        new KafkaConsumer({ ...common, 'group.id': 'asker', 'allow.auto.create.topics': false }, {}),
      );
      return features;
    },
    async close() {
      admin.disconnect();
      await called((done) => asker.disconnect(done));
    },
    async produce({ topic, records, codec, acks, isIdempotent, requestBytesMax }) {
      const producer = new Producer({
        ...{ ...common, dr_cb: true, 'compression.codec': codec, 'enable.idempotence': isIdempotent, 'linger.ms': 2 },
        ...{ 'message.max.bytes': requestBytesMax, 'request.required.acks': acks, 'message.timeout.ms': 15_000 },
      });
      await isConnected(producer);
      producer.setPollInterval(5);
      let left = records.length;
      const reported = new Promise((isDone, fail) =>
        producer.on('delivery-report', (cause) => (cause ? fail(cause) : --left === 0 && isDone())),
      );
      try {
        for (const { partition, key, value, timestamp, headers } of records) {
          const all = headers.map(([name, bytes]) => ({ [name]: unpacked(bytes) }));
          producer.produce(topic, partition ?? null, unpacked(value), unpacked(key), timestamp ?? null, null, all);
        }
        await reported;
      } finally {
        await called((done) => producer.disconnect(done));
      }
    },
    async consume({ topic, count, limitMs: forMs }) {
      const member = await joined({
        group: `node-rdkafka-reader-${Date.now()}-${readers++}`,
        topic,
        sessionTimeoutMs: 10_000,
      });
      const records = [];
      for (const deadline = Date.now() + forMs; records.length < count && Date.now() < deadline;)
        records.push(...(await member.take(count - records.length, 500)));
      await member.close();
      return records.sort((a, b) => a.partition - b.partition || a.offset - b.offset);
    },
    async join(options) {
      const member = await joined(options);
      members.set(members.size, member);
      return members.size - 1;
    },
    assignment: ({ member }) => members.get(member).assignment(),
    take: ({ member, count, limitMs: forMs }) => members.get(member).take(count, forMs),
    commit: ({ member }) => members.get(member).commit(),
    leave: ({ member }) => members.get(member).close(),
    createTopic: ({ topic, partitions, configs }) =>
      called((done) =>
        admin.createTopic({ topic, num_partitions: partitions, replication_factor: 1, config: configs }, limitMs, done),
      ),
    deleteTopic: ({ topic }) => called((done) => admin.deleteTopic(topic, limitMs, done)),
    topics: async () => (await metadataOf()).map(({ name }) => name),
    partitionCount: async ({ topic }) =>
      (await metadataOf(topic)).find(({ name }) => name === topic)?.partitions.length ?? 0,
    addPartitions: ({ topic, partitions }) =>
      called((done) => admin.createPartitions(topic, partitions, limitMs, done)),
    async offsetAt({ topic, partition, timestamp }) {
      await metadataOf(topic); // It remembers for long that a topic was not there.
      if (timestamp < 0) {
        const ends = await called((done) => asker.queryWatermarkOffsets(topic, partition, limitMs, done));
        return timestamp === -2 ? ends.lowOffset : ends.highOffset;
      }
      const times = [{ topic, partition, offset: timestamp }];
      const [found] = await called((done) => asker.offsetsForTimes(times, limitMs, done));
      if (found.error) throw Object.assign(new Error('no offset'), { code: found.error.code ?? found.error });
      return found.offset;
    },
  },
  // Some errors have lost their code, and kept what they say.
  (cause) => (/message size too large/i.test(cause?.message) ? 10 : cause?.code),
);
