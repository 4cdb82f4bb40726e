// What must hold with every client: one set of tests, declared once for each of them. What a client cannot do is
// skipped, and its test says so.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { openBroker } from './broker-process.ts';
import type { TestBroker } from './broker-process.ts';
import { ClientRefusal, errorCodes, inOrder, until } from './test-client.ts';
import type { Feature, NewRecord, ReadRecord, TestClient, TestMember } from './test-client.ts';

const settleMs = 30_000;

/** Declares the tests of one client. `reason` names what the environment lacks; undefined if it has all. */
export function describeClient(open: () => TestClient, reason?: string): void {
  const client = open();
  const needs = reason === undefined ? '' : ` (needs ${reason})`;
  describe.skipIf(reason !== undefined)(`${client.name} as a client${needs}`, () => {
    let broker: TestBroker | undefined;
    beforeAll(async () => {
      broker = await openBroker();
      await client.open(broker.bootstrap);
    });
    afterAll(async () => {
      await client.close();
      await broker?.close();
    });
    describeRecords(client);
    describeTopics(client);
    describeGroups(client);
  });
}

/** A test that is skipped, by name, where the client lacks something. */
function testWith(client: TestClient, features: readonly Feature[], title: string, body: () => Promise<void>): void {
  const missing = features.filter((feature) => !client.features.has(feature));
  const why = missing.length === 0 ? '' : ` (needs ${missing.join(', ')}, which ${client.name} has not)`;
  test.skipIf(missing.length > 0)(`${title}${why}`, body);
}

function describeRecords(client: TestClient): void {
  for (const codec of client.codecs)
    test(`reads back what it wrote with codec ${codec}, byte for byte`, async () => {
      const topic = await newTopic(client, 1);
      const records = someRecords(client, 60);
      await client.produce(topic, records, { codec });
      assertSame(await client.consume(topic, records.length), records);
    });

  testWith(client, ['topics'], 'spreads keys over partitions, and keeps the order of each', async () => {
    const topic = await newTopic(client, 3);
    const records = Array.from({ length: 90 }, (_, i) => record(`key-${i % 7}`, `value ${i}`));
    await client.produce(topic, records);
    const read = await client.consume(topic, records.length);
    assert.equal(new Set(read.map(({ partition }) => partition)).size > 1, true);
    for (let key = 0; key < 7; key++) {
      const ofKey = read.filter((one) => text(one.key) === `key-${key}`);
      assert.equal(new Set(ofKey.map(({ partition }) => partition)).size, 1);
      const values = ofKey.map(({ value }) => Number(text(value).slice('value '.length)));
      assert.deepEqual(
        values,
        values.toSorted((a, b) => a - b),
      );
    }
  });

  testWith(client, ['idempotence'], 'produces idempotently, once and in order', async () => {
    const topic = await newTopic(client, 1);
    const records = someRecords(client, 50);
    await client.produce(topic, records, { isIdempotent: true });
    await client.produce(topic, records.slice(0, 10), { isIdempotent: true });
    assertSame(await client.consume(topic, 60), [...records, ...records.slice(0, 10)]);
  });

  test('is acknowledged by the leader alone, or not at all, if it wants so', async () => {
    const topic = await newTopic(client, 1);
    await client.produce(topic, [record('a', 'one')], { acks: 1 });
    await client.produce(topic, [record('b', 'two')], { acks: 0 });
    const read = await client.consume(topic, 2);
    assert.deepEqual(
      read.map(({ value }) => text(value)),
      ['one', 'two'],
    );
  });

  test('makes a topic by writing to it', async () => {
    const topic = uniqueName('auto');
    await client.produce(topic, [record('a', 'first')]);
    const [read] = await client.consume(topic, 1);
    assert.equal(text(read?.value ?? null), 'first');
  });

  test('writes a record of nearly the largest size, and is refused a larger one', async () => {
    const topic = await newTopic(client, 1);
    const value = randomBytes(1_048_588 - 500);
    const requestBytesMax = 4_000_000;
    await client.produce(topic, [{ key: null, value, headers: [] }], { requestBytesMax });
    const [read] = await client.consume(topic, 1);
    assert.equal(Buffer.compare(Buffer.from(read?.value ?? []), value), 0);
    const larger = [{ key: null, value: randomBytes(1_100_000), headers: [] }];
    await refused(errorCodes.messageTooLarge, () => client.produce(topic, larger, { requestBytesMax }));
    await client.produce(topic, [record('a', 'after')]);
    assert.equal((await client.consume(topic, 2)).length, 2);
  });

  testWith(
    client,
    ['offsetsByTime', 'timestamps'],
    'finds offsets by time, at the beginning and at the end',
    async () => {
      const topic = await newTopic(client, 1);
      const start = Date.now() - 100_000;
      for (let batch = 0; batch < 4; batch++) {
        const times = [0, 1, 2, 3, 4].map((i) => start + batch * 10_000 + i * 100);
        await client.produce(
          topic,
          times.map((timestamp) => ({ ...record('k', `${timestamp}`), timestamp, partition: 0 })),
        );
      }
      assert.equal(await client.offsetAt(topic, 0, -2), 0);
      assert.equal(await client.offsetAt(topic, 0, -1), 20);
      assert.equal(await client.offsetAt(topic, 0, start), 0);
      assert.equal(await client.offsetAt(topic, 0, start + 150), 2);
      assert.equal(await client.offsetAt(topic, 0, start + 5_000), 5);
      assert.equal(await client.offsetAt(topic, 0, start + 30_400), 19);
    },
  );

  testWith(client, ['deleteRecords', 'offsetsByTime'], 'deletes the records before an offset', async () => {
    const topic = await newTopic(client, 1);
    await client.produce(topic, someRecords(client, 10));
    await client.produce(topic, someRecords(client, 10));
    await client.deleteRecords(topic, 0, 10);
    assert.equal(await client.offsetAt(topic, 0, -2), 10);
    assert.equal((await client.consume(topic, 10))[0]?.offset, 10);
    await client.deleteRecords(topic, 0, 20);
    assert.equal(await client.offsetAt(topic, 0, -2), 20);
    assert.equal(await client.offsetAt(topic, 0, -1), 20);
  });
}

function describeTopics(client: TestClient): void {
  testWith(client, ['topics', 'deleteTopics'], 'makes, lists, describes and deletes topics', async () => {
    const topic = await newTopic(client, 5);
    assert.equal((await client.topics()).includes(topic), true);
    assert.equal(await client.partitionCount(topic), 5);
    await refused(errorCodes.topicAlreadyExists, () => client.createTopic(topic, 5));
    await client.deleteTopic(topic);
    await until('a list without the topic', settleMs, async () =>
      (await client.topics()).includes(topic) ? undefined : true,
    );
  });

  testWith(client, ['topics', 'deleteTopics'], 'sees nothing of a deleted topic in the next of its name', async () => {
    const topic = await newTopic(client, 1);
    await client.produce(topic, [record('old', 'old')]);
    await client.deleteTopic(topic);
    await until('a list without the topic', settleMs, async () =>
      (await client.topics()).includes(topic) ? undefined : true,
    );
    await client.createTopic(topic, 1);
    await client.produce(topic, [record('new', 'new')]);
    const [read] = await client.consume(topic, 1);
    assert.equal(read?.offset, 0);
    assert.equal(text(read?.value ?? null), 'new');
  });

  testWith(client, ['topics'], 'is refused topics whose names or partitions Kafka refuses', async () => {
    await refused(errorCodes.invalidTopic, () => client.createTopic('no/slash', 1));
    await refused(errorCodes.invalidPartitions, () => client.createTopic(uniqueName('zero'), 0));
    await refused(errorCodes.invalidConfig, () => client.createTopic(uniqueName('bad'), 1, { 'retention.ms': 'soon' }));
  });

  testWith(client, ['topics', 'addPartitions'], 'adds partitions, and uses them', async () => {
    const topic = await newTopic(client, 1);
    await client.produce(topic, [record('a', 'one')]);
    await client.addPartitions(topic, 3);
    await until('three partitions', settleMs, async () =>
      (await client.partitionCount(topic)) === 3 ? true : undefined,
    );
    await client.produce(topic, [{ ...record('b', 'two'), partition: 2 }]);
    const read = await client.consume(topic, 2);
    assert.deepEqual(
      read.map(({ partition, value }) => `${partition} ${text(value)}`),
      ['0 one', '2 two'],
    );
    await refused(errorCodes.invalidPartitions, () => client.addPartitions(topic, 2));
  });

  testWith(client, ['topics', 'configs'], 'shows and changes the configuration of a topic', async () => {
    const topic = await newTopic(client, 1, { 'retention.ms': '3600000' });
    assert.equal(await client.config(topic, 'retention.ms'), '3600000');
    assert.equal(await client.config(topic, 'cleanup.policy'), 'delete');
    await client.setConfig(topic, 'max.message.bytes', '2000');
    await until('the changed value', settleMs, async () =>
      (await client.config(topic, 'max.message.bytes')) === '2000' ? true : undefined,
    );
    const value = randomBytes(3_000);
    await refused(errorCodes.messageTooLarge, () => client.produce(topic, [{ key: null, value, headers: [] }]));
    await refused(errorCodes.invalidConfig, () => client.setConfig(topic, 'max.message.bytes', 'many'));
  });
}

function describeGroups(client: TestClient): void {
  testWith(client, ['groups'], 'goes on where the group committed', async () => {
    const topic = await newTopic(client, 1);
    const group = uniqueName('group');
    await client.produce(topic, numbered(0, 10));
    const first = await client.join(group, topic);
    const begin = await takeAll(first, 6);
    await first.commit();
    await first.close();
    assert.deepEqual(begin, [0, 1, 2, 3, 4, 5]);
    if (client.features.has('describeGroups')) assert.equal(await client.groupOffset(group, topic, 0), 6);
    const second = await client.join(group, topic);
    assert.deepEqual(await takeAll(second, 4), [6, 7, 8, 9]);
    await second.close();
  });

  testWith(client, ['groups', 'topics'], 'shares partitions among the members of a group, and moves them', async () => {
    const topic = await newTopic(client, 4);
    const group = uniqueName('group');
    const first = await client.join(group, topic);
    await assigned([first], 4);
    const second = await client.join(group, topic);
    await assigned([first, second], 4);
    const records = Array.from({ length: 40 }, (_, i) => ({ ...record(null, `${i}`), partition: i % 4 }));
    await client.produce(topic, records);
    await takeThese([first, second], new Set(records.map((_, i) => i)));
    await Promise.all([first.commit(), second.commit()]);
    await second.close();
    await assigned([first], 4);
    await client.produce(
      topic,
      [0, 1, 2, 3].map((i) => ({ ...record(null, `${100 + i}`), partition: i })),
    );
    await takeThese([first], new Set([100, 101, 102, 103]));
    await first.close();
  });

  testWith(client, ['groups', 'describeGroups'], 'lists, describes and deletes groups', async () => {
    const topic = await newTopic(client, 1);
    const group = uniqueName('group');
    await client.produce(topic, numbered(0, 3));
    const member = await client.join(group, topic);
    await takeAll(member, 3);
    await member.commit();
    assert.deepEqual(await client.groupState(group), { state: 'Stable', memberCount: 1 });
    assert.equal((await client.groups()).includes(group), true);
    await refused(errorCodes.nonEmptyGroup, () => client.deleteGroup(group));
    await member.close();
    await until('an empty group', settleMs, async () =>
      (await client.groupState(group)).state === 'Empty' ? true : undefined,
    );
    await client.deleteGroup(group);
    assert.equal((await client.groups()).includes(group), false);
    await refused(errorCodes.groupIdNotFound, () => client.deleteGroup(group));
  });
}

/** Records with keys, headers, a tombstone, an empty value and chosen times. */
export function someRecords(client: TestClient, count: number): NewRecord[] {
  const start = 1_700_000_000_000;
  return Array.from({ length: count }, (_, i) => ({
    key: i % 3 === 0 ? null : Buffer.from(`key ${i}`),
    value: valueOf(client, i),
    headers: i % 4 === 0 ? [] : [['kind', headerOf(client, i)] as const, [`ünïcode ${i}`, Buffer.from('é')] as const],
    partition: 0,
    ...(client.features.has('timestamps') ? { timestamp: start + i * 7 } : {}),
  }));
}

/** A tombstone only with a key, as compaction wants it. */
function valueOf(client: TestClient, i: number): Uint8Array | null {
  if (i % 10 === 9 && i % 3 !== 0) return null;
  return i % 10 === 8 && client.features.has('emptyValues') ? new Uint8Array() : bytesOf(i);
}

function headerOf(client: TestClient, i: number): Uint8Array {
  return client.features.has('binaryHeaders') ? bytesOf(i % 5) : Buffer.from(`header ${i}`);
}

/** Half of it repeats, so that codecs have something to do. */
function bytesOf(seed: number): Uint8Array {
  return Buffer.concat([Buffer.alloc(100 + seed, `pattern ${seed} `), randomBytes(50 + seed)]);
}

function numbered(from: number, count: number): NewRecord[] {
  return Array.from({ length: count }, (_, i) => ({ ...record(null, `${from + i}`), partition: 0 }));
}

function record(key: string | null, value: string): NewRecord {
  return { key: key === null ? null : Buffer.from(key), value: Buffer.from(value), headers: [] };
}

async function newTopic(client: TestClient, partitions: number, configs?: Record<string, string>): Promise<string> {
  const topic = uniqueName('topic');
  if (!client.features.has('topics')) return topic;
  await client.createTopic(topic, partitions, configs);
  // Elsewhere a topic is there a moment before its partitions are, and a retry may write some records twice.
  if (client.features.has('offsetsByTime'))
    for (let i = 0; i < partitions; i++)
      await until(`partition ${i} of ${topic}`, settleMs, () => client.offsetAt(topic, i, -1).catch(() => undefined));
  return topic;
}

/** What no other test, nor an earlier run on the same broker, has. */
export function uniqueName(kind: string): string {
  return `${kind}-${randomBytes(6).toString('hex')}`;
}

async function takeAll(member: TestMember, count: number): Promise<number[]> {
  const numbers: number[] = [];
  await until(`${count} records of a member`, settleMs, async () => {
    const records = await member.take(count - numbers.length, 500);
    numbers.push(...records.map(({ value }) => Number(text(value))));
    return numbers.length >= count ? true : undefined;
  });
  return numbers;
}

/** Takes until every number came, and no other. A client may give some of them to two members around a rebalance. */
async function takeThese(members: readonly TestMember[], numbers: ReadonlySet<number>): Promise<void> {
  const missing = new Set(numbers);
  await until(`${numbers.size} numbers among ${members.length} members`, settleMs, async () => {
    const records = (await Promise.all(members.map((member) => member.take(100, 200)))).flat();
    for (const { value } of records) {
      assert.equal(numbers.has(Number(text(value))), true, `${text(value)} is none of the numbers`);
      missing.delete(Number(text(value)));
    }
    return missing.size === 0 ? true : undefined;
  });
}

/** Waits until the members have so many partitions among them, as many each as can be, and none twice. */
async function assigned(members: readonly TestMember[], count: number): Promise<void> {
  await until(`${count} partitions among ${members.length} members`, settleMs, async () => {
    const all = await Promise.all(members.map((member) => member.assignment()));
    const flat = all.flatMap((partitions) => partitions ?? []);
    const isEven = all.every((partitions) => partitions?.length === count / members.length);
    return isEven && new Set(flat).size === count ? true : undefined;
  });
}

async function refused(code: number, attempt: () => Promise<unknown>): Promise<void> {
  await assert.rejects(attempt, (cause) => {
    assert.equal(cause instanceof ClientRefusal, true, `no refusal by the broker: ${String(cause)}`);
    assert.equal((cause as ClientRefusal).code, code, (cause as Error).message);
    return true;
  });
}

/** Compares what was read with what was written, as far as the reader can tell it. */
export function assertSame(read: readonly ReadRecord[], written: readonly NewRecord[], reader?: TestClient): void {
  const by = reader === undefined ? '' : `, read by ${reader.name}`;
  assert.equal(read.length, written.length, `the number of records${by}`);
  inOrder(read).forEach((one, i) => {
    const other = written[i] as NewRecord;
    assert.equal(one.offset, i, `the offset${by}`);
    assert.deepEqual(plain(one, reader), plain(other, reader), `record ${i}${by}`);
    if (other.timestamp !== undefined) assert.equal(one.timestamp, other.timestamp, `the timestamp${by}`);
  });
}

function plain({ key, value, headers }: NewRecord | ReadRecord, reader: TestClient | undefined): unknown {
  const hex = (bytes: Uint8Array | null): string | null => (bytes === null ? null : Buffer.from(bytes).toString('hex'));
  const can = (feature: Feature): boolean => reader === undefined || reader.features.has(feature);
  const isSeen = can('emptyValues') || value === null || value.byteLength > 0;
  return {
    key: hex(key),
    value: isSeen ? hex(value) : null,
    headers: can('headers') ? headers.map(([name, bytes]) => [name, can('binaryHeaders') ? hex(bytes) : '']) : [],
  };
}

function text(bytes: Uint8Array | null): string {
  return bytes === null ? 'null' : Buffer.from(bytes).toString();
}
