// Records found by their time: the first at or after a moment, the latest of all.
import { describe, expect, test } from 'vitest';
import { MemoryObjectStore, systemRuntime, type Runtime } from '../../../src/index.ts';
import type { Partition } from '../../../src/kafka/topics/partition.ts';
import { RecordsAhead } from '../../../src/kafka/topics/records-ahead.ts';
import { batchOf, createTopic, openWorld, partitionOf } from './world.ts';

const start = 1_800_000_000_000;

function clockAt(nowMs: number): { runtime: Runtime; clock: { nowMs: number } } {
  const clock = { nowMs };
  return { clock, runtime: { ...systemRuntime, clock: { ...systemRuntime.clock, now: () => clock.nowMs } } };
}

/** Times of records, batch by batch; the last are out of order. */
const times = [[100, 101, 102], [200], [300, 250, 310], [305]].map((batch) => batch.map((ms) => start + ms));

/** What each moment must find, by looking at every record: the first, in offset order, that is late enough. */
function expected(moment: number, from = 0): { offset: number; timestamp: number } | undefined {
  const all = times.flat();
  const offset = all.findIndex((time, index) => index >= from && time >= moment);
  return offset < 0 ? undefined : { offset, timestamp: all[offset] as number };
}

async function filled(partition: Partition): Promise<void> {
  for (const timestamp of times) await partition.append(batchOf({ values: timestamp.map(String), timestamp }));
}

describe.each(['in memory', 'uploaded', 'after a death'])('what is %s', (where) => {
  test('is found exactly, inside batches, for every moment', async () => {
    const { runtime } = clockAt(start + 10_000);
    let world = await openWorld(new MemoryObjectStore(), { runtime });
    await createTopic(world, 't');
    await filled(await partitionOf(world, 't'));
    if (where === 'uploaded') await world.set.upload();
    if (where === 'after a death') world = await openWorld(await world.kill(), { runtime });
    const partition = await partitionOf(world, 't');
    for (let ms = 0; ms < 320; ms += 1)
      expect(await partition.offsetAt(start + ms), `${ms}`).toEqual(expected(start + ms));
    expect(await partition.offsetAt(2 ** 63)).toBeUndefined();
    expect(await partition.latestTimestamp()).toEqual({ offset: 6, timestamp: start + 310 });
    await partition.deleteRecords(5);
    expect(await partition.offsetAt(0)).toMatchObject({ offset: 5 });
    expect(await partition.offsetAt(start + 306)).toEqual({ offset: 6, timestamp: start + 310 });
    await partition.deleteRecords(7);
    expect(await partition.latestTimestamp()).toEqual({ offset: 7, timestamp: start + 305 });
    expect(await partition.offsetAt(start + 306)).toBeUndefined();
    await partition.deleteRecords(-1);
    expect(await partition.latestTimestamp()).toBeUndefined();
    expect(await partition.offsetAt(0)).toBeUndefined();
  });
});

test('records ahead of the clock are found by their own time, also after a death', async () => {
  const { runtime, clock } = clockAt(start);
  const first = await openWorld(new MemoryObjectStore(), { runtime });
  await createTopic(first, 't');
  const before = await partitionOf(first, 't');
  for (const ms of [0, 50_000, 20_000, 60_000]) await before.append(batchOf({ values: ['a'], timestamp: start + ms }));
  const check = async (partition: Partition): Promise<void> => {
    expect(await partition.offsetAt(start + 10_000)).toEqual({ offset: 1, timestamp: start + 50_000 });
    expect(await partition.offsetAt(start + 50_001)).toEqual({ offset: 3, timestamp: start + 60_000 });
    expect(await partition.offsetAt(start + 60_001)).toBeUndefined();
    expect(await partition.latestTimestamp()).toEqual({ offset: 3, timestamp: start + 60_000 });
  };
  await check(before);
  clock.nowMs += 5;
  const second = await openWorld(await first.kill(), { runtime });
  const after = await partitionOf(second, 't');
  await after.append(batchOf({ values: ['b'], timestamp: start }));
  await expect.poll(async () => after.offsetAt(start + 50_001)).toBeDefined();
  await check(after);
});

test('a batch without timestamps is found by none, and those behind it are', async () => {
  const { runtime } = clockAt(start + 1_000);
  const world = await openWorld(new MemoryObjectStore(), { runtime });
  await createTopic(world, 't');
  const partition = await partitionOf(world, 't');
  await partition.append(batchOf({ values: ['a'], timestamp: [-1] }));
  expect(await partition.offsetAt(0)).toBeUndefined();
  await partition.append(batchOf({ values: ['b'], timestamp: start }));
  expect(await partition.offsetAt(0)).toEqual({ offset: 1, timestamp: start });
});

test('with LogAppendTime the time of arrival counts', async () => {
  const { runtime, clock } = clockAt(start + 1_000);
  const world = await openWorld(new MemoryObjectStore(), { runtime });
  await createTopic(world, 't', 1, { 'message.timestamp.type': 'LogAppendTime' });
  const partition = await partitionOf(world, 't');
  await partition.append(batchOf({ values: ['a', 'b'], timestamp: start }));
  clock.nowMs += 500;
  await partition.append(batchOf({ values: ['c'], timestamp: start }));
  expect(await partition.offsetAt(start + 1_000)).toEqual({ offset: 0, timestamp: start + 1_000 });
  expect(await partition.offsetAt(start + 1_001)).toEqual({ offset: 2, timestamp: start + 1_500 });
  expect(await partition.latestTimestamp()).toEqual({ offset: 2, timestamp: start + 1_500 });
});

test('batches ahead are remembered as far as they can be found, in bounded memory, until the clock has caught up', () => {
  const ahead = new RecordsAhead();
  for (let i = 0; i < 10_000; i++)
    ahead.note({ baseOffset: i, endOffset: i + 1, maxTimestamp: 1_000 + i - (i % 2) * 500 }, 10);
  expect(ahead.firstAtOrAfter(0, 0, 10_000)?.baseOffset).toBeGreaterThan(9_000);
  expect(ahead.latest(0, 10_000)?.baseOffset).toBe(9_998);
  expect(ahead.latest(0, 9_998)?.baseOffset).toBe(9_996);
  ahead.note({ baseOffset: 10_000, endOffset: 10_001, maxTimestamp: 50_000 }, 40_000);
  expect(ahead.firstAtOrAfter(0, 0, 10_001)?.baseOffset).toBe(10_000);
});
