// The driver of @confluentinc/kafka-javascript, by its calls that are like those of kafkajs. Its folder is where it is
// installed: node confluent.mjs FOLDER BOOTSTRAP
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { packed, pause, serve, unpacked } from './serve.mjs';

const [folder, bootstrap] = process.argv.slice(2);
const { Kafka, logLevel } = createRequire(join(folder, 'package.json'))('@confluentinc/kafka-javascript').KafkaJS;
const kafka = new Kafka({ kafkaJS: { brokers: [bootstrap], clientId: 'confluent-test', logLevel: logLevel.NOTHING } });
let admin;
let readers = 0;
const members = new Map();

class Member {
  #consumer;
  #topic;
  #waiting = [];
  #taken = new Map();

  constructor(consumer, topic) {
    this.#consumer = consumer;
    this.#topic = topic;
  }

  async start() {
    await this.#consumer.connect();
    await this.#consumer.subscribe({ topics: [this.#topic] });
    await this.#consumer.run({
      eachMessage: async ({ partition, message }) => {
        this.#waiting.push({ ...message, partition });
      },
    });
  }

  forget() {
    this.#waiting.length = 0;
    this.#taken.clear();
  }

  assignment() {
    try {
      return this.#consumer.assignment().map(({ partition }) => partition);
    } catch {
      return null;
    }
  }

  async take(count, forMs) {
    for (const deadline = Date.now() + forMs; this.#waiting.length === 0 && Date.now() < deadline;) await pause(10);
    const messages = this.#waiting.splice(0, count);
    for (const { partition, offset } of messages) this.#taken.set(partition, Number(offset) + 1);
    return messages.map(recordOf);
  }

  async commit() {
    const topic = this.#topic;
    const offsets = [...this.#taken].map(([partition, offset]) => ({ topic, partition, offset: `${offset}` }));
    if (offsets.length > 0) await this.#consumer.commitOffsets(offsets);
  }

  close() {
    return this.#consumer.disconnect();
  }
}

function recordOf({ key, value, headers = {}, timestamp, partition, offset }) {
  const all = Object.entries(headers).flatMap(([name, one]) => [one].flat().map((bytes) => [name, packed(bytes)]));
  const place = { timestamp: Number(timestamp), partition, offset: Number(offset) };
  return { key: packed(key), value: packed(value), headers: all, ...place };
}

async function joined({ group, topic, sessionTimeoutMs, instanceId }) {
  let member;
  const consumer = kafka.consumer({
    kafkaJS: { groupId: group, fromBeginning: true, autoCommit: false, sessionTimeout: sessionTimeoutMs },
    ...{ 'heartbeat.interval.ms': 300, 'fetch.wait.max.ms': 200, rebalance_cb: () => member?.forget() },
    ...(instanceId ? { 'group.instance.id': instanceId } : {}),
  });
  member = new Member(consumer, topic);
  await member.start();
  return member;
}

function headersOf(headers) {
  const all = {};
  for (const [name, bytes] of headers) (all[name] ??= []).push(unpacked(bytes));
  return Object.fromEntries(Object.entries(all).map(([name, list]) => [name, list.length === 1 ? list[0] : list]));
}

serve(
  {
    async open() {
      admin = kafka.admin();
      await admin.connect();
    },
    close: () => admin.disconnect(),
    async produce({ topic, records, codec, acks, isIdempotent, requestBytesMax }) {
      const producer = kafka.producer({
        kafkaJS: { acks, idempotent: isIdempotent, ...(codec === 'none' ? {} : { compression: codec }) },
        ...{ 'linger.ms': 2, 'message.max.bytes': requestBytesMax, 'message.timeout.ms': 15_000 },
      });
      await producer.connect();
      const messages = records.map(({ key, value, headers, timestamp, partition }) => ({
        ...{ key: unpacked(key), value: unpacked(value), headers: headersOf(headers) },
        ...(timestamp === undefined ? {} : { timestamp: `${timestamp}` }),
        ...(partition === undefined ? {} : { partition }),
      }));
      try {
        await producer.send({ topic, messages });
      } finally {
        await producer.disconnect();
      }
    },
    async consume({ topic, count, limitMs }) {
      const member = await joined({
        group: `confluent-reader-${Date.now()}-${readers++}`,
        topic,
        sessionTimeoutMs: 10_000,
      });
      const records = [];
      for (const deadline = Date.now() + limitMs; records.length < count && Date.now() < deadline;)
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
    take: ({ member, count, limitMs }) => members.get(member).take(count, limitMs),
    commit: ({ member }) => members.get(member).commit(),
    leave: ({ member }) => members.get(member).close(),
    async createTopic({ topic, partitions, configs }) {
      const configEntries = Object.entries(configs).map(([name, value]) => ({ name, value }));
      const topics = [{ topic, numPartitions: partitions, replicationFactor: 1, configEntries }];
      const isNew = await admin.createTopics({ topics });
      if (!isNew) throw Object.assign(new Error('the topic is there already'), { code: 36 });
    },
    deleteTopic: ({ topic }) => admin.deleteTopics({ topics: [topic] }),
    topics: () => admin.listTopics(),
    async partitionCount({ topic }) {
      const all = await admin.fetchTopicMetadata({ topics: [topic] });
      return (all.topics ?? all)[0]?.partitions.length ?? 0;
    },
    async deleteRecords({ topic, partition, beforeOffset }) {
      await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: `${beforeOffset}` }] });
    },
    async offsetAt({ topic, partition, timestamp }) {
      const all =
        timestamp < 0
          ? await admin.fetchTopicOffsets(topic)
          : await admin.fetchTopicOffsetsByTimestamp(topic, timestamp);
      const found = all.find((offset) => offset.partition === partition);
      return Number(timestamp === -2 ? found.low : timestamp === -1 ? found.high : found.offset);
    },
    groups: async () => (await admin.listGroups()).groups.map(({ groupId }) => groupId),
    async groupState({ group }) {
      const [found] = (await admin.describeGroups([group])).groups;
      const names = ['Unknown', 'PreparingRebalance', 'CompletingRebalance', 'Stable', 'Dead', 'Empty'];
      return { state: names[found.state] ?? String(found.state), memberCount: found.members.length };
    },
    async groupOffset({ group, topic, partition }) {
      const [found] = await admin.fetchOffsets({ groupId: group, topics: [topic] });
      return Number(found?.partitions.find((offset) => offset.partition === partition)?.offset ?? -1);
    },
    async deleteGroup({ group }) {
      await admin.deleteGroups([group]);
    },
  },
  (cause) => {
    const found = [cause, cause?.errors?.[0], cause?.groups?.[0]?.error].map((one) => one?.code);
    return found.find((code) => typeof code === 'number' && code >= 0);
  },
);
