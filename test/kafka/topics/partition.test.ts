// A partition as its clients see it: batches get their place, are read back whole, and are forgotten on request.
import { describe, expect, test } from 'vitest';
import { MemoryObjectStore, systemRuntime, type Runtime } from '../../../src/index.ts';
import { crcOfBatch, readBatchHeader } from '../../../src/kafka/records/batch-header.ts';
import { FaultyObjectStore } from '../../../src/testkit/faulty-object-store.ts';
import { within } from '../../engine/world.ts';
import { batchOf, createTopic, newStore, openWorld, partitionOf, refusalIn, storeKinds, textsOf } from './world.ts';

describe.each(storeKinds)('on a %s', (kind) => {
  test('batches get their offsets in the order of the calls, and are read back as they came', async () => {
    const world = await openWorld(await newStore(kind));
    await createTopic(world, 't');
    const partition = await partitionOf(world, 't');
    const sent = [['a', 'b', 'c'], ['d'], ['e', 'f']].map((values) => batchOf({ values }));
    const originals = sent.map((bytes) => bytes.slice());
    const done = await Promise.all(sent.map((bytes) => partition.append(bytes)));
    expect(done.map(({ baseOffset }) => baseOffset)).toEqual([0, 3, 4]);
    expect(done[0]).toEqual({ baseOffset: 0, logAppendTimeMs: -1, logStartOffset: 0 });
    expect([partition.logStartOffset, partition.highWatermark]).toEqual([0, 6]);
    const { batches, sizeBytes, highWatermark } = await partition.read(0, 1_000_000, { minOneBatch: false });
    expect([sizeBytes, highWatermark]).toEqual([originals.reduce((sum, { length }) => sum + length, 0), 6]);
    for (const [i, bytes] of batches.entries()) {
      const header = readBatchHeader(bytes);
      expect(header).toMatchObject({ baseOffset: [0, 3, 4][i], partitionLeaderEpoch: partition.leaderEpoch });
      expect(header.crc).toBe(crcOfBatch(bytes));
      expect(bytes.subarray(16)).toEqual(originals[i]?.subarray(16));
    }
  });

  test('what was acknowledged is there after a death, under the same offsets and a later leader epoch', async () => {
    const first = await openWorld(await newStore(kind));
    await createTopic(first, 't', 2);
    const before = await partitionOf(first, 't', 1);
    await before.append(batchOf({ values: ['a', 'b'] }));
    await before.append(batchOf({ values: ['c'] }));
    const { leaderEpoch } = before;
    const second = await openWorld(await first.kill());
    const after = await partitionOf(second, 't', 1);
    expect(await textsOf(after)).toEqual(['a', 'b', 'c']);
    expect(after.leaderEpoch).toBeGreaterThan(leaderEpoch);
    expect((await after.append(batchOf({ values: ['d'] }))).baseOffset).toBe(3);
    expect(await after.epochEnd(leaderEpoch)).toEqual({ leaderEpoch, endOffset: 3 });
    expect(await after.epochEnd(after.leaderEpoch)).toEqual({ leaderEpoch: after.leaderEpoch, endOffset: 4 });
    expect(await after.epochEnd(after.leaderEpoch + 1)).toEqual({ leaderEpoch: -1, endOffset: -1 });
    expect(await after.epochEnd(-1)).toEqual({ leaderEpoch: -1, endOffset: -1 });
    expect(await refusalIn((async () => after.checkLeaderEpoch(leaderEpoch))())).toBe('FENCED_LEADER_EPOCH');
    expect(await refusalIn((async () => after.checkLeaderEpoch(after.leaderEpoch + 1))())).toBe('UNKNOWN_LEADER_EPOCH');
    after.checkLeaderEpoch(-1);
    after.checkLeaderEpoch(after.leaderEpoch);
  });
});

test('a read gives whole batches up to its limit, and the first beyond it only where that is wanted', async () => {
  const world = await openWorld(new MemoryObjectStore());
  await createTopic(world, 't');
  const partition = await partitionOf(world, 't');
  const sizes: number[] = [];
  for (const value of ['1', '2', '3']) {
    const bytes = batchOf({ values: [value.repeat(100), value] });
    sizes.push(bytes.byteLength);
    await partition.append(bytes);
  }
  const [size = 0] = sizes;
  const count = async (offset: number, maxBytes: number, minOneBatch: boolean): Promise<number> => {
    const found = await partition.read(offset, maxBytes, { minOneBatch });
    expect(found.sizeBytes).toBe(found.batches.reduce((sum, { byteLength }) => sum + byteLength, 0));
    expect(found).toMatchObject({ highWatermark: 6, logStartOffset: 0 });
    return found.batches.length;
  };
  expect(await count(0, 3 * size, false)).toBe(3);
  expect(await count(0, 3 * size - 1, false)).toBe(2);
  expect(await count(0, size, false)).toBe(1);
  expect(await count(0, size - 1, false)).toBe(0);
  expect(await count(0, size - 1, true)).toBe(1);
  expect(await count(0, 0, true)).toBe(1);
  expect(await count(0, 0, false)).toBe(0);
  expect(await count(6, 1_000, true)).toBe(0);
  const inside = await partition.read(3, 1_000_000, { minOneBatch: false });
  expect(inside.batches.map((bytes) => readBatchHeader(bytes).baseOffset)).toEqual([2, 4]);
  expect(await refusalIn(partition.read(7, 1, { minOneBatch: true }))).toBe('OFFSET_OUT_OF_RANGE');
  expect(await refusalIn(partition.read(-1, 1, { minOneBatch: true }))).toBe('OFFSET_OUT_OF_RANGE');
});

test('who waits for more is woken by the append, and by the deletion of the topic', async () => {
  const world = await openWorld(new MemoryObjectStore());
  await createTopic(world, 't');
  const partition = await partitionOf(world, 't');
  const waiting = partition.whenBeyond(0);
  expect(await within(20, waiting)).toBe('waits');
  await partition.append(batchOf({ values: ['a', 'b'] }));
  expect(await within(1_000, waiting)).toBe(2);
  const next = refusalIn(partition.whenBeyond(2));
  await world.topics.delete('t');
  expect(await within(1_000, next)).toBe('UNKNOWN_TOPIC_OR_PARTITION');
});

test('a wait that is given up rejects with the reason', async () => {
  const world = await openWorld(new MemoryObjectStore());
  await createTopic(world, 't');
  const partition = await partitionOf(world, 't');
  const signal = AbortSignal.abort(new Error('given up'));
  await expect(partition.whenBeyond(0, { signal })).rejects.toThrow('given up');
});

test('records are deleted below an offset, inside a batch, or up to the high watermark', async () => {
  const world = await openWorld(new MemoryObjectStore());
  await createTopic(world, 't');
  const partition = await partitionOf(world, 't');
  for (const values of [['a', 'b'], ['c', 'd'], ['e']]) await partition.append(batchOf({ values }));
  expect(await partition.deleteRecords(3)).toBe(3);
  expect(await refusalIn(partition.read(2, 1, { minOneBatch: true }))).toBe('OFFSET_OUT_OF_RANGE');
  const { batches, logStartOffset } = await partition.read(3, 1_000, { minOneBatch: true });
  expect(logStartOffset).toBe(3);
  expect(readBatchHeader(batches[0] as Uint8Array).baseOffset).toBe(2);
  expect(await partition.deleteRecords(1)).toBe(3);
  expect(await refusalIn(partition.deleteRecords(6))).toBe('OFFSET_OUT_OF_RANGE');
  expect(await refusalIn(partition.deleteRecords(-2))).toBe('OFFSET_OUT_OF_RANGE');
  expect(await partition.deleteRecords(-1)).toBe(5);
  expect([partition.logStartOffset, partition.highWatermark]).toEqual([5, 5]);
  expect((await partition.append(batchOf({ values: ['f'] }))).baseOffset).toBe(5);
});

test('records of a topic that is only compacted are not deleted, and each of them needs a key', async () => {
  const world = await openWorld(new MemoryObjectStore());
  await createTopic(world, 't', 1, { 'cleanup.policy': 'compact' });
  const partition = await partitionOf(world, 't');
  expect(await refusalIn(partition.append(batchOf({ values: ['a'] })))).toBe('INVALID_RECORD');
  await partition.append(batchOf({ values: ['a'], key: 'k' }));
  await partition.append(batchOf({ values: ['b'], key: 'k' }));
  expect(await textsOf(partition)).toEqual(['a', 'b']);
  expect(await refusalIn(partition.deleteRecords(-1))).toBe('POLICY_VIOLATION');
  await world.topics.alter('t', () => ({ 'cleanup.policy': 'compact,delete' }), false);
  expect(await partition.deleteRecords(1)).toBe(1);
});

test('configurations count from the next append on', async () => {
  let nowMs = 1_800_000_000_000;
  const runtime: Runtime = { ...systemRuntime, clock: { ...systemRuntime.clock, now: () => nowMs } };
  const world = await openWorld(new MemoryObjectStore(), { runtime });
  await createTopic(world, 't');
  const partition = await partitionOf(world, 't');
  const small = { values: ['a'], timestamp: nowMs - 5_000 };
  await partition.append(batchOf(small));
  await world.topics.alter('t', () => ({ 'max.message.bytes': '80' }), false);
  expect(await refusalIn(partition.append(batchOf({ values: ['a'.repeat(100)] })))).toBe('MESSAGE_TOO_LARGE');
  await world.topics.alter('t', () => ({ 'message.timestamp.before.max.ms': '4000' }), false);
  expect(await refusalIn(partition.append(batchOf(small)))).toBe('INVALID_TIMESTAMP');
  await world.topics.alter('t', () => ({ 'message.timestamp.type': 'LogAppendTime' }), false);
  nowMs += 7;
  expect(await partition.append(batchOf(small))).toMatchObject({ baseOffset: 1, logAppendTimeMs: nowMs });
  const { batches } = await partition.read(1, 1_000, { minOneBatch: true });
  const header = readBatchHeader(batches[0] as Uint8Array);
  expect(header).toMatchObject({ timestampType: 'LogAppendTime', maxTimestamp: nowMs });
  expect(header.crc).toBe(crcOfBatch(batches[0] as Uint8Array));
  await world.configs.alter('', () => ({ 'message.max.bytes': '79' }), false);
  expect(partition.topic.config.maxMessageBytes).toBe(79);
});

test('a thousand partitions are opened by a few dozen records of the journal, and once for all who ask', async () => {
  const store = new MemoryObjectStore();
  const first = await openWorld(store);
  const topic = await createTopic(first, 'many', 1_000);
  const open = (world: typeof first): Promise<unknown> =>
    Promise.all(Array.from({ length: 1_000 }, (_, index) => partitionOf(world, 'many', index)));
  const createdFrom = first.set.stats().journalIndex;
  await open(first);
  expect(first.set.stats().journalIndex - createdFrom).toBeLessThan(50);
  expect(first.partitions.of(topic, 7)).toBe(first.partitions.opened(topic, 7));
  await first.close();
  const second = await openWorld(store);
  const openedFrom = second.set.stats().journalIndex;
  const asked = [partitionOf(second, 'many', 3), partitionOf(second, 'many', 3)];
  await second.partitions.openExisting();
  expect(second.set.stats().journalIndex - openedFrom).toBeLessThan(50);
  expect([...second.partitions.all()]).toHaveLength(1_000);
  expect(await asked[0]).toBe(await asked[1]);
});

test('no more partitions are opened once they are closed', async () => {
  const world = await openWorld(new MemoryObjectStore());
  const topic = await createTopic(world, 't');
  await world.partitions.close();
  expect(await refusalIn((async () => world.partitions.of(topic, 0))())).toBe('NOT_LEADER_OR_FOLLOWER');
});

test('a topic that is deleted while its partition is being opened leaves no stream behind', async () => {
  const world = await openWorld(new MemoryObjectStore());
  const topic = await createTopic(world, 't', 20);
  const openings = Array.from({ length: 20 }, (_, index) =>
    refusalIn((async () => world.partitions.of(topic, index))()),
  );
  await world.topics.delete('t');
  const results = new Set(await Promise.all(openings));
  expect([...results].every((error) => ['NONE', 'UNKNOWN_TOPIC_OR_PARTITION'].includes(error))).toBe(true);
  await world.topics.settled();
  const left: unknown[] = [];
  for await (const { name } of world.set.list({ prefix: `kafka/${topic.id}` })) left.push(name);
  expect(left).toEqual([]);
  expect([...world.partitions.all()]).toEqual([]);
});

test('consumers at several places of what is in the store seldom wait for it: each has its own read ahead', async () => {
  const store = new MemoryObjectStore();
  const first = await openWorld(store);
  await createTopic(first, 't');
  const writing = await partitionOf(first, 't');
  for (let i = 0; i < 96; i++) await writing.append(batchOf({ values: [`${i}`.padEnd(250_000)] }));
  await first.close();
  const latency = { kind: 'latency', minMs: 40, maxMs: 40 } as const;
  const faults = [{ operation: 'get', fault: latency } as const];
  const slow = new FaultyObjectStore(store, { runtime: systemRuntime, seed: 1, faults });
  const partition = await partitionOf(await openWorld(slow), 't');
  const places = [0, 24, 48, 72].map((offset) => ({ offset, end: offset + 24 }));
  let waits = 0;
  for (let round = 0; round < 24; round++)
    for (const place of places) {
      const began = performance.now();
      const { batches } = await partition.read(place.offset, 260_000, { minOneBatch: true });
      if (performance.now() - began > 35) waits += 1;
      expect(batches.map((bytes) => readBatchHeader(bytes).baseOffset)).toEqual([place.offset]);
      place.offset += 1;
    }
  expect(places.every(({ offset, end }) => offset === end)).toBe(true);
  expect(waits).toBeLessThan(60);
});
