// What goes by age and by size, and what never goes: what is beyond, what is young, what others wait for.
import { describe, expect, test, vi } from 'vitest';
import { MemoryObjectStore, systemRuntime, type Runtime } from '../../../src/index.ts';
import { KafkaRefusal } from '../../../src/kafka/kafka-error.ts';
import { endOfEpoch } from '../../../src/kafka/topics/epoch-end.ts';
import type { Partition } from '../../../src/kafka/topics/partition.ts';
import { Retention } from '../../../src/kafka/topics/retention.ts';
import { retainedFrom } from '../../../src/kafka/topics/retention-plan.ts';
import { later } from '../../engine/world.ts';
import { batchOf, createTopic, MemoryLog, openWorld, partitionOf, textsOf, type TopicsWorld } from './world.ts';

const start = 1_800_000_000_000;
const hour = 3_600_000;

function clockAt(nowMs: number): { runtime: Runtime; clock: { nowMs: number } } {
  const clock = { nowMs };
  return { clock, runtime: { ...systemRuntime, clock: { ...systemRuntime.clock, now: () => clock.nowMs } } };
}

function retentionOf(world: TopicsWorld, runtime: Runtime, intervalMs = 300_000): Retention {
  const { log, partitions } = world;
  const retention = new Retention({ partitions: () => partitions.all(), runtime, intervalMs, log });
  later(() => retention.close());
  return retention;
}

test('records go when they are older than retention.ms, and a record from the future keeps none of them', async () => {
  const { runtime, clock } = clockAt(start);
  const world = await openWorld(new MemoryObjectStore(), { runtime });
  await createTopic(world, 't', 1, {
    'retention.ms': String(hour),
    'message.timestamp.after.max.ms': '9223372036854775807',
  });
  const partition = await partitionOf(world, 't');
  await partition.append(batchOf({ values: ['far'], timestamp: start + 10_000 * hour }));
  await partition.append(batchOf({ values: ['old'], timestamp: start - 5 * hour }));
  clock.nowMs += hour / 2;
  await partition.append(batchOf({ values: ['young'], timestamp: clock.nowMs }));
  const retention = retentionOf(world, runtime);
  await retention.step();
  expect(partition.logStartOffset).toBe(0); // What came first is not old yet.
  clock.nowMs += hour / 2 + 1;
  await retention.step();
  expect(await textsOf(partition)).toEqual(['young']);
  clock.nowMs += hour;
  await retention.step();
  expect([partition.logStartOffset, partition.highWatermark]).toEqual([3, 3]);
  expect((await partition.append(batchOf({ values: ['next'], timestamp: clock.nowMs }))).baseOffset).toBe(3);
  for (const forEver of ['-1', '9223372036854775807']) {
    await world.topics.alter('t', () => ({ 'retention.ms': forEver, 'retention.bytes': forEver }), false);
    clock.nowMs += 1_000_000 * hour;
    await retention.step();
    expect(await textsOf(partition)).toEqual(['next']);
  }
  expect(world.log.lines.filter(({ level }) => level === 'error')).toEqual([]);
});

test('a topic that is not deleted from keeps everything, however old and large it is', async () => {
  const { runtime, clock } = clockAt(start);
  const world = await openWorld(new MemoryObjectStore(), { runtime });
  await createTopic(world, 't', 1, { 'cleanup.policy': 'compact', 'retention.ms': '1', 'retention.bytes': '1' });
  const partition = await partitionOf(world, 't');
  await partition.append(batchOf({ values: ['kept'], key: 'k', timestamp: start }));
  await world.set.upload();
  clock.nowMs += 1_000 * hour;
  await retentionOf(world, runtime).step();
  expect(await textsOf(partition)).toEqual(['kept']);
  await world.topics.alter('t', (set) => ({ ...set, 'cleanup.policy': 'compact,delete' }), false);
  await retentionOf(world, runtime).step();
  expect(partition.logStartOffset).toBe(1);
});

test('the oldest objects go as long as what is left has retention.bytes, uploaded or not', async () => {
  const world = await openWorld(new MemoryObjectStore());
  await createTopic(world, 't', 1, { 'retention.bytes': '250000', 'retention.ms': '-1' });
  const partition = await partitionOf(world, 't');
  const retention = retentionOf(world, systemRuntime);
  for (let i = 0; i < 5; i++) {
    await partition.append(batchOf({ values: [`${i}`.repeat(100_000)] }));
    await world.set.upload();
  }
  await retention.step();
  expect(partition.logStartOffset).toBe(2);
  for (let i = 5; i < 7; i++) await partition.append(batchOf({ values: [`${i}`.repeat(100_000)] }));
  await retention.step();
  expect(partition.logStartOffset).toBe(4);
  await world.topics.alter('t', () => ({ 'retention.bytes': '0' }), false);
  await retention.step();
  expect(partition.logStartOffset).toBe(5); // What is in no object stays until it is.
  await world.set.upload();
  await retention.step();
  expect([partition.logStartOffset, partition.highWatermark]).toEqual([7, 7]);
});

describe('of several partitions', () => {
  const fake = (retain: Partition['retain']): Partition =>
    ({ topic: { name: 't' }, index: 0, retain }) as unknown as Partition;

  test('one that fails or takes long keeps none of the others from it', async () => {
    const log = new MemoryLog();
    const done: number[] = [];
    const stuck = (signal: AbortSignal): Promise<number> =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
    const all = [
      fake(stuck),
      fake(() => Promise.reject(new Error('broken'))),
      fake(() => Promise.reject(new KafkaRefusal('UNKNOWN_TOPIC_OR_PARTITION', 'deleted meanwhile'))),
      ...Array.from({ length: 40 }, (_, i) => fake(() => Promise.resolve(done.push(i)))),
    ];
    const retention = new Retention({ partitions: () => all, runtime: systemRuntime, intervalMs: 1, log });
    retention.start();
    await vi.waitFor(() => expect(done).toHaveLength(40));
    await retention.close();
    expect(log.lines.filter(({ level }) => level === 'error')).toMatchObject([{ fields: { error: 'broken' } }]);
  });

  test('it looks again and again, and not after it was closed', async () => {
    let looks = 0;
    const partitions = (): Partition[] => {
      looks += 1;
      return [];
    };
    const retention = new Retention({ partitions, runtime: systemRuntime, intervalMs: 1, log: new MemoryLog() });
    retention.start();
    await vi.waitFor(() => expect(looks).toBeGreaterThan(3));
    await retention.close();
    const { length } = Array.from({ length: looks });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(looks).toBe(length);
  });
});

test('a topic that is deleted while its records are let go is no failure', async () => {
  const { runtime, clock } = clockAt(start);
  const world = await openWorld(new MemoryObjectStore(), { runtime });
  await createTopic(world, 't', 8, { 'retention.ms': '1' });
  for (let index = 0; index < 8; index++)
    await (await partitionOf(world, 't', index)).append(batchOf({ values: ['a'], timestamp: start }));
  clock.nowMs += hour;
  const stepping = retentionOf(world, runtime).step();
  await world.topics.delete('t');
  await stepping;
  expect(world.log.lines.filter(({ level }) => level === 'error')).toEqual([]);
});

test.each([
  [[], 0, 0, 0],
  [[100, 100, 100], 0, 300, 0],
  [[100, 100, 100], 0, 299, 0],
  [[100, 100, 100], 0, 200, 10],
  [[100, 100, 100], 50, 200, 10],
  [[100, 100, 100], 100, 200, 20],
  [[100, 100, 100], 0, 0, 30],
  [[100, 100, 100], 5, 10, 20],
])('of objects of %j bytes and %i outside, with retention.bytes %i, the first kept offset is %i', (...row) => {
  const [sizes, outside, retentionBytes, from] = row;
  const pieces = sizes.map((sizeBytes, i) => ({ startOffset: i * 10, endOffset: i * 10 + 10, sizeBytes }));
  expect(retainedFrom(pieces, outside, retentionBytes)).toBe(from);
});

test.each([
  [-1, -1, -1],
  [0, 0, 5],
  [1, 1, 20],
  [2, 1, 20],
  [3, 3, 30],
  [4, 3, 30],
  [5, 5, 42],
  [6, -1, -1],
])(
  'epochs 1, 3 and 5 that begin at 5, 20 and 30: asked for %i, epoch %i ended at %i',
  (asked, leaderEpoch, endOffset) => {
    const epochs = [
      { epoch: 1, startOffset: 5 },
      { epoch: 3, startOffset: 20 },
      { epoch: 5, startOffset: 30 },
    ];
    expect(endOfEpoch(epochs, 42, asked)).toEqual({ leaderEpoch, endOffset });
  },
);
