// The broker is killed again and again while producers write and a group reads: what was acknowledged is there, once
// and in order, and the group goes on. A loss of power does no more to a process than this.
import assert from 'node:assert/strict';
import kafkajs from 'kafkajs';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { BrokerProcess, namedBootstrap } from './broker-process.ts';
import { ChildClient } from './child-client.ts';
import { nodeRdkafka } from './client-places.ts';
import { KafkajsClient } from './kafkajs-client.ts';
import { uniqueName } from './scenarios.ts';
import { inOrder, pause, until } from './test-client.ts';
import type { ReadRecord, TestMember } from './test-client.ts';

const partitions = 4;
const kills = 5;
const lack = namedBootstrap === undefined ? '' : ' (needs a broker of its own: no KAFKA_BOOTSTRAP)';

/** What a writer has to show at the end. */
interface Written {
  readonly name: string;
  readonly partition: number;
  readonly written: number;
  readonly acknowledged: number;
  readonly failures: readonly string[];
}

describe.skipIf(namedBootstrap !== undefined)(`a broker that is killed under load${lack}`, () => {
  let broker: BrokerProcess;
  const client = new KafkajsClient();
  beforeAll(async () => {
    broker = await BrokerProcess.start();
    await client.open(broker.bootstrap);
  });
  afterAll(async () => {
    await client.close();
    await broker.close();
  });

  test('keeps what kafkajs was told to be written, once and in order, and its group goes on', async () => {
    const topic = uniqueName('killed');
    await client.createTopic(topic, partitions);
    const group = uniqueName('group');
    const members = await Promise.all([client.join(group, topic), client.join(group, topic)]);
    const readers = members.map((member) => new Reader(member));
    const writers = Array.from({ length: partitions }, (_, i) => new KafkajsWriter(broker.bootstrap, topic, i));
    await Promise.all(writers.map((writer) => writer.start()));
    await killAgainAndAgain(broker);
    const written = await Promise.all(writers.map((writer) => writer.stop()));
    const total = written.reduce((sum, one) => sum + one.written, 0);
    await check(client, topic, written);
    await until('every record read by the group', 40_000, async () => {
      const seen = new Set(readers.flatMap((reader) => [...reader.seen]));
      return seen.size === total ? true : undefined;
    });
    await Promise.all(readers.map((reader) => reader.stop()));
    const committed = await Promise.all(written.map(({ partition }) => client.groupOffset(group, topic, partition)));
    assert.deepEqual(
      committed,
      written.map((one) => one.written),
    );
  });

  const needs = nodeRdkafka.lack === undefined ? '' : ` (needs ${nodeRdkafka.lack})`;
  test.skipIf(nodeRdkafka.lack !== undefined)(`keeps what librdkafka was told to be written${needs}`, async () => {
    const topic = uniqueName('killed');
    await client.createTopic(topic, partitions);
    const driver = new ChildClient(nodeRdkafka);
    await driver.open(broker.bootstrap);
    const names = Array.from({ length: partitions }, (_, partition) => ({ partition, name: `native-${partition}` }));
    const ids = await Promise.all(names.map((one) => driver.call('startWriter', { ...one, topic })));
    await killAgainAndAgain(broker);
    const results = await Promise.all(ids.map((writer) => driver.call('stopWriter', { writer })));
    await driver.close();
    await check(
      client,
      topic,
      names.map((one, i) => ({ ...one, ...(results[i] as Omit<Written, 'name' | 'partition'>) })),
    );
  });
});

async function killAgainAndAgain(broker: BrokerProcess): Promise<void> {
  for (let i = 0; i < kills; i++) {
    await pause(700 + i * 150);
    await broker.kill();
    await pause(i * 100);
    await broker.start();
  }
  await pause(700);
}

/** Every number of every writer is there once, and in order, and every one was acknowledged in the end. */
async function check(client: KafkajsClient, topic: string, all: readonly Written[]): Promise<void> {
  const total = all.reduce((sum, { written }) => sum + written, 0);
  const records = inOrder(await client.consume(topic, total));
  for (const { name, partition, written, acknowledged, failures } of all) {
    assert.deepEqual(failures, [], `what went wrong for ${name}`);
    assert.equal(acknowledged, written, `${name} is told of everything`);
    assert.equal(written > 200, true, `${name} has written only ${written}`);
    const values = records.filter((record) => record.partition === partition).map(textOf);
    assert.deepEqual(
      values,
      Array.from({ length: written }, (_, i) => `${name} ${i}`),
    );
    assert.equal(await client.offsetAt(topic, partition, -1), written, `the end of partition ${partition}`);
  }
}

function textOf({ value }: ReadRecord): string {
  return Buffer.from(value ?? []).toString();
}

/** Writes numbers to a partition, ten at a time, until it is told to stop. */
class KafkajsWriter {
  readonly #producer: ReturnType<InstanceType<typeof kafkajs.Kafka>['producer']>;
  readonly #topic: string;
  readonly #partition: number;
  readonly #failures: string[] = [];
  #next = 0;
  #acknowledged = 0;
  #writes = true;
  #ended: Promise<void> = Promise.resolve();

  constructor(bootstrap: string, topic: string, partition: number) {
    const { Kafka, logLevel } = kafkajs;
    const kafka = new Kafka({
      ...{ clientId: `writer-${partition}`, brokers: [bootstrap], logLevel: logLevel.NOTHING },
      retry: { retries: 60, initialRetryTime: 50, maxRetryTime: 500 },
    });
    this.#producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
    this.#topic = topic;
    this.#partition = partition;
  }

  async start(): Promise<void> {
    await this.#producer.connect();
    this.#ended = this.#write();
  }

  async #write(): Promise<void> {
    while (this.#writes) {
      const messages = Array.from({ length: 10 }, (_, i) => ({
        value: `kafkajs-${this.#partition} ${this.#next + i}`,
        partition: this.#partition,
      }));
      this.#next += messages.length;
      try {
        const [{ baseOffset } = { baseOffset: '' }] = await this.#producer.send({
          topic: this.#topic,
          acks: -1,
          messages,
        });
        // A batch that was taken before is acknowledged by its offset, or by none.
        if (Number(baseOffset) !== this.#acknowledged && Number(baseOffset) !== -1)
          this.#failures.push(`${this.#acknowledged} came to ${baseOffset}`);
        this.#acknowledged += messages.length;
      } catch (cause) {
        this.#failures.push(String(cause));
        return;
      }
    }
  }

  async stop(): Promise<Written> {
    this.#writes = false;
    await this.#ended;
    await this.#producer.disconnect();
    const place = { name: `kafkajs-${this.#partition}`, partition: this.#partition };
    return { ...place, written: this.#next, acknowledged: this.#acknowledged, failures: this.#failures };
  }
}

/** Reads and commits, as a member of a group, whatever happens. */
class Reader {
  readonly seen = new Set<string>();
  readonly #member: TestMember;
  readonly #ended: Promise<void>;
  #reads = true;

  constructor(member: TestMember) {
    this.#member = member;
    this.#ended = this.#read();
  }

  async #read(): Promise<void> {
    while (this.#reads) {
      for (const record of await this.#member.take(500, 100)) this.seen.add(textOf(record));
      await this.#member.commit().catch(() => {}); // The broker is away, or the group changes: it is read again.
    }
  }

  async stop(): Promise<void> {
    this.#reads = false;
    await this.#ended;
    await until('a last commit', 20_000, () =>
      this.#member.commit().then(
        () => true,
        () => undefined,
      ),
    );
    await this.#member.close();
  }
}
