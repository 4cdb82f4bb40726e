// Topics as the key-value store decides them: created, changed, deleted and created again, over restarts and deaths.
import { describe, expect, test } from 'vitest';
import { MemoryObjectStore, StreamSet } from '../../../src/index.ts';
import { KafkaRefusal } from '../../../src/kafka/kafka-error.ts';
import { topicKeyPrefix } from '../../../src/kafka/topics/topic.ts';
import { batchOf, createTopic, newStore, openWorld, partitionOf, refusalIn, storeKinds, textsOf } from './world.ts';

const utf8 = (value: object): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

async function streamNames(set: StreamSet): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of set.list({ prefix: 'kafka/' })) if (name !== undefined) names.push(name);
  return names;
}

describe.each(storeKinds)('on a %s', (kind) => {
  test('a topic is known after a restart, and after a death, with its id, partitions and configurations', async () => {
    const first = await openWorld(await newStore(kind));
    const made = await createTopic(first, 'orders', 3, { 'retention.ms': '1000', 'segment.bytes': '2000' });
    expect(made).toMatchObject({ name: 'orders', partitionCount: 3, config: { retentionMs: 1_000, deletes: true } });
    expect(made.id).toMatch(/^[A-Za-z0-9_-]{22}$/);
    const second = await openWorld(await first.kill());
    expect(second.topics.byName('orders')).toEqual(made);
    expect(second.topics.byId(made.id)).toEqual(made);
    await second.topics.addPartitions('orders', 5, false);
    await second.topics.alter('orders', () => ({ 'retention.bytes': '7' }), false);
    const third = await openWorld(await second.kill());
    expect(third.topics.all()).toEqual([
      expect.objectContaining({ id: made.id, partitionCount: 5, overrides: { 'retention.bytes': '7' } }),
    ]);
  });

  test('a topic that was deleted and created again has another id, and nothing of the old data', async () => {
    const world = await openWorld(await newStore(kind));
    const before = await createTopic(world, 'orders');
    const partition = await partitionOf(world, 'orders');
    await partition.append(batchOf({ values: ['old'] }));
    await world.topics.delete('orders');
    expect(world.topics.byName('orders')).toBeUndefined();
    expect(world.topics.byId(before.id)).toBeUndefined();
    expect(await refusalIn(partition.append(batchOf({ values: ['late'] })))).toBe('UNKNOWN_TOPIC_OR_PARTITION');
    expect(await refusalIn(partition.read(0, 1, { minOneBatch: true }))).toBe('UNKNOWN_TOPIC_OR_PARTITION');
    const after = await createTopic(world, 'orders');
    expect(after.id).not.toBe(before.id);
    const again = await partitionOf(world, 'orders');
    expect([again.logStartOffset, again.highWatermark]).toEqual([0, 0]);
    await world.topics.settled();
    expect(await streamNames(world.set)).toEqual([`kafka/${after.id}/0`]);
    expect(() => world.partitions.of(before, 0)).toThrow(KafkaRefusal);
  });

  test('streams of a topic whose deletion was cut short are deleted at the next start, and no others', async () => {
    const first = await openWorld(await newStore(kind));
    const gone = await createTopic(first, 'gone', 2);
    const kept = await createTopic(first, 'kept');
    await Promise.all([first.partitions.of(gone, 0), first.partitions.of(gone, 1), first.partitions.of(kept, 0)]);
    await first.set.create({ name: `kafka/${gone.id}/0/producers` });
    await first.set.create({ name: 'kafka/groups/0' });
    await first.set.kv.delete(topicKeyPrefix + 'gone');
    const second = await openWorld(await first.kill());
    await second.topics.settled();
    expect(await streamNames(second.set)).toEqual([`kafka/${kept.id}/0`, 'kafka/groups/0']);
    expect(second.log.lines).toContainEqual(expect.objectContaining({ fields: { streams: 3 } }));
  });
});

test.each([
  ['', 'INVALID_TOPIC_EXCEPTION'],
  ['.', 'INVALID_TOPIC_EXCEPTION'],
  ['..', 'INVALID_TOPIC_EXCEPTION'],
  ['a b', 'INVALID_TOPIC_EXCEPTION'],
  ['a/b', 'INVALID_TOPIC_EXCEPTION'],
  ['é', 'INVALID_TOPIC_EXCEPTION'],
  ['a\n', 'INVALID_TOPIC_EXCEPTION'],
  ['a'.repeat(250), 'INVALID_TOPIC_EXCEPTION'],
  ['a_b', 'INVALID_TOPIC_EXCEPTION'],
  ['a.b', 'TOPIC_ALREADY_EXISTS'],
  ['a-b', 'NONE'],
  ['...', 'NONE'],
  ['a'.repeat(249), 'NONE'],
  ['__consumer_offsets', 'NONE'],
])('the name %j beside a topic a.b is answered with %s', async (name, error) => {
  const world = await openWorld(new MemoryObjectStore());
  await createTopic(world, 'a.b');
  expect(await refusalIn(createTopic(world, name))).toBe(error);
});

test('of two that create a topic at once one is refused, also where they differ in a dot and an underscore', async () => {
  const world = await openWorld(new MemoryObjectStore());
  const results = await Promise.all([
    refusalIn(createTopic(world, 'x')),
    refusalIn(createTopic(world, 'x')),
    refusalIn(createTopic(world, 'y_y')),
    refusalIn(createTopic(world, 'y.y')),
  ]);
  expect(results).toEqual(['NONE', 'TOPIC_ALREADY_EXISTS', 'NONE', 'INVALID_TOPIC_EXCEPTION']);
  expect(world.topics.all().map(({ name }) => name)).toEqual(['x', 'y_y']);
  await world.topics.delete('y_y');
  expect(await refusalIn(createTopic(world, 'y.y'))).toBe('NONE');
});

test('what another broker has written since is taken over before anything is changed', async () => {
  const world = await openWorld(new MemoryObjectStore());
  await createTopic(world, 'mine');
  const { kv } = world.set;
  const id = 'abcdefghijklmnopqrstuv';
  await kv.put(`${topicKeyPrefix}mine`, utf8({ form: 1, id, partitions: 4, configs: { 'retention.ms': '5' } }));
  const changed = await world.topics.alter('mine', (set) => ({ ...set, 'retention.bytes': '6' }), false);
  expect(changed).toMatchObject({
    id,
    partitionCount: 4,
    overrides: { 'retention.bytes': '6', 'retention.ms': '5' },
  });
  await kv.put(`${topicKeyPrefix}theirs`, utf8({ form: 1, id: 'b'.repeat(22), partitions: 2, configs: {} }));
  expect(await refusalIn(createTopic(world, 'theirs'))).toBe('TOPIC_ALREADY_EXISTS');
  expect(world.topics.byName('theirs')).toMatchObject({ partitionCount: 2 });
  await kv.delete(`${topicKeyPrefix}theirs`);
  expect(await refusalIn(world.topics.delete('theirs'))).toBe('UNKNOWN_TOPIC_OR_PARTITION');
  expect(world.topics.byName('theirs')).toBeUndefined();
});

test('changes of one topic at once are made one after the other, and none is lost', async () => {
  const world = await openWorld(new MemoryObjectStore());
  await createTopic(world, 'busy');
  const names = ['retention.ms', 'retention.bytes', 'segment.bytes', 'segment.ms', 'flush.ms'];
  await Promise.all(names.map((name) => world.topics.alter('busy', (set) => ({ ...set, [name]: '5000' }), false)));
  expect(Object.keys(world.topics.byName('busy')?.overrides ?? {})).toEqual(names.toSorted());
});

test('partitions are only added, and within the limits of a topic and of all', async () => {
  const world = await openWorld(new MemoryObjectStore(), { settings: { 'qanat.partitions.max': 10 } });
  await createTopic(world, 'a', 4);
  expect(await refusalIn(world.topics.addPartitions('a', 4, false))).toBe('INVALID_PARTITIONS');
  expect(await refusalIn(world.topics.addPartitions('a', 3, false))).toBe('INVALID_PARTITIONS');
  expect(await refusalIn(world.topics.addPartitions('a', 11, false))).toBe('POLICY_VIOLATION');
  expect(await refusalIn(world.topics.addPartitions('b', 1, false))).toBe('UNKNOWN_TOPIC_OR_PARTITION');
  expect(await refusalIn(createTopic(world, 'b', 0))).toBe('INVALID_PARTITIONS');
  expect(await refusalIn(createTopic(world, 'b', 7))).toBe('POLICY_VIOLATION');
  expect((await world.topics.addPartitions('a', 6, true)).partitionCount).toBe(6);
  expect(world.topics.byName('a')?.partitionCount).toBe(4);
  const both = await Promise.all([refusalIn(createTopic(world, 'b', 4)), refusalIn(createTopic(world, 'c', 4))]);
  expect(both).toEqual(['NONE', 'POLICY_VIOLATION']);
  await world.topics.delete('b');
  expect(await refusalIn(createTopic(world, 'c', 6))).toBe('NONE');
});

test('configurations that do not fit a value of the store are refused with a sentence, and change nothing', async () => {
  const world = await openWorld(new MemoryObjectStore());
  await createTopic(world, 'a');
  const tooMuch = { 'leader.replication.throttled.replicas': '1:1,'.repeat(17_000) };
  await expect(world.topics.alter('a', () => tooMuch, false)).rejects.toMatchObject({
    error: 'INVALID_CONFIG',
    message: expect.stringContaining('65536') as string,
  });
  expect(await refusalIn(createTopic(world, 'b', 1, tooMuch))).toBe('INVALID_CONFIG');
  expect(world.topics.all()).toMatchObject([{ name: 'a', overrides: {} }]);
});

test('a value that cannot be understood stops the start: to pass over it would delete the data of its topic', async () => {
  const store = new MemoryObjectStore();
  for (const value of [
    { form: 2, id: 'a'.repeat(22), partitions: 1, configs: {} },
    { form: 1, id: 'short', partitions: 1, configs: {} },
    { form: 1, id: 'a'.repeat(22), partitions: 0, configs: {} },
    { form: 1, id: 'a'.repeat(22), partitions: 1, configs: { a: 1 } },
  ]) {
    const set = await StreamSet.open({ node: 'a', store });
    await set.kv.put(`${topicKeyPrefix}a`, utf8(value));
    await set.close();
    expect(await refusalIn(openWorld(store))).toBe('KAFKA_STORAGE_ERROR');
  }
});

test('a topic is usable at once after it was created, and a partition that was added, too', async () => {
  const world = await openWorld(new MemoryObjectStore());
  const topic = await createTopic(world, 'a');
  expect(() => world.partitions.of(topic, 1)).toThrow(KafkaRefusal);
  await world.topics.addPartitions('a', 2, false);
  const partition = await partitionOf(world, 'a', 1);
  await partition.append(batchOf({ values: ['there'] }));
  expect(await textsOf(partition)).toEqual(['there']);
});
