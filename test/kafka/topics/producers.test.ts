// Idempotent producers of a partition: what is sent again is answered with the first offset, over restarts and deaths,
// with snapshots and without; what comes out of order is refused; nobody is refused for ever.
import { describe, expect, test, vi } from 'vitest';
import { FileObjectStore, MemoryObjectStore, StreamSet, systemRuntime } from '../../../src/index.ts';
import type { GetOptions, GetResult, ObjectStore } from '../../../src/index.ts';
import { producersStreamName } from '../../../src/kafka/topics/topic.ts';
import {
  batchOf,
  createTopic,
  newStore,
  openWorld,
  partitionOf,
  refusalIn,
  storeKinds,
  type TopicsWorld,
} from './world.ts';

const batch = (sequence: number, count = 1, id = 7, epoch = 0): Uint8Array =>
  batchOf({
    values: Array.from({ length: count }, (_, i) => `${id} ${sequence + i}`),
    producer: { id, epoch, sequence },
  });

const large = (sequence: number): Uint8Array =>
  batchOf({ values: ['x'.repeat(1_000_000)], producer: { id: 8, sequence } });

/** Appends in a new incarnation, and gives the offset or the name of the error. */
async function answer(world: TopicsWorld, bytes: Uint8Array): Promise<number | string> {
  const partition = await partitionOf(world, 't');
  const done = partition.append(bytes);
  const error = await refusalIn(done);
  return error === 'NONE' ? (await done).baseOffset : error;
}

async function snapshotsIn(world: TopicsWorld): Promise<{ startOffset: number; endOffset: number } | undefined> {
  const id = world.topics.byName('t')?.id ?? '';
  for await (const { name } of world.set.list({ prefix: producersStreamName(id, 0) })) {
    const { startOffset, endOffset } = await world.set.reader(name ?? '');
    return { startOffset, endOffset };
  }
  return undefined;
}

/** Both ways to end. */
const ends = ['closed', 'killed'] as const;

async function next(world: TopicsWorld, end: (typeof ends)[number], store: ObjectStore): Promise<TopicsWorld> {
  if (end === 'killed') return openWorld(await world.kill());
  await world.close();
  return openWorld(store instanceof FileObjectStore ? new FileObjectStore(store.directory) : store);
}

describe.each(storeKinds)('on a %s', (kind) => {
  test.each(ends)('a batch sent again after the broker was %s gets the first offset', async (end) => {
    const store = await newStore(kind);
    const first = await openWorld(store);
    await createTopic(first, 't');
    expect(await answer(first, batch(0, 2))).toBe(0);
    expect(await answer(first, batch(2, 3))).toBe(2);
    const second = await next(first, end, store);
    expect(await snapshotsIn(second)).toBeUndefined(); // So little is read again.
    expect(await answer(second, batch(2, 3))).toBe(2);
    expect(await answer(second, batch(0, 2))).toBe(0);
    expect(await answer(second, batch(6))).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER');
    expect(await answer(second, batch(5))).toBe(5);
    expect((await partitionOf(second, 't')).highWatermark).toBe(6);
    const third = await next(second, end, store);
    expect(await answer(third, batch(5))).toBe(5);
    expect(await answer(third, batch(0, 1, 7, 1))).toBe(6);
    expect(await answer(third, batch(6))).toBe('INVALID_PRODUCER_EPOCH');
  });

  test.each(ends)('with a snapshot, a broker that was %s reads only what is behind it', async (end) => {
    const store = await newStore(kind);
    const first = await openWorld(store);
    await createTopic(first, 't');
    expect(await answer(first, batch(0, 2))).toBe(0);
    for (let sequence = 0; sequence < 6; sequence++) expect(await answer(first, large(sequence))).toBe(2 + sequence);
    await vi.waitFor(async () => expect(await snapshotsIn(first)).toEqual({ startOffset: 0, endOffset: 1 }));
    const second = await next(first, end, store);
    const readBefore = second.set.stats().readBytes;
    expect(await answer(second, batch(0, 2))).toBe(0);
    const readBytes = second.set.stats().readBytes - readBefore;
    expect(readBytes).toBeLessThan(end === 'closed' ? 10_000 : 3_000_000);
    expect(await answer(second, large(5))).toBe(7);
    expect(await answer(second, large(7))).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER');
    expect(await answer(second, large(6))).toBe(8);
  });
});

test('of two that are sent at once, the same batch, both are answered when it is durable, with one offset', async () => {
  const world = await openWorld(new MemoryObjectStore());
  await createTopic(world, 't');
  const partition = await partitionOf(world, 't');
  let isDurable = false;
  const first = partition.append(batch(0, 2)).then((done) => ((isDurable = true), done));
  const again = partition.append(batch(0, 2)).then((done) => ({ ...done, isDurable: partition.highWatermark >= 2 }));
  expect(isDurable).toBe(false);
  expect(await Promise.all([first, again])).toMatchObject([{ baseOffset: 0 }, { baseOffset: 0, isDurable: true }]);
  expect(partition.highWatermark).toBe(2);
});

test('batches sent one behind the other, before any is answered, keep their order also right after the start', async () => {
  const first = await openWorld(new MemoryObjectStore());
  await createTopic(first, 't');
  expect(await answer(first, batch(0))).toBe(0);
  const second = await openWorld(await first.kill());
  const partition = await partitionOf(second, 't');
  const sent = [1, 2, 3, 4].map((sequence) => partition.append(batch(sequence)));
  expect((await Promise.all(sent)).map(({ baseOffset }) => baseOffset)).toEqual([1, 2, 3, 4]);
});

test('fetches and producers that are not idempotent are served while the past is read back', async () => {
  const first = await openWorld(new MemoryObjectStore());
  await createTopic(first, 't');
  expect(await answer(first, batch(0))).toBe(0);
  const second = await openWorld(await first.kill());
  const partition = await partitionOf(second, 't');
  const idempotent = partition.append(batch(1));
  const plain = partition.append(batchOf({ values: ['plain'] }));
  expect((await plain).baseOffset).toBe(1);
  expect((await idempotent).baseOffset).toBe(2);
  expect(await answer(second, batch(1))).toBe(2);
});

test('an idempotent producer is sent away in time while the past cannot be read back, and served when it can', async () => {
  const first = await openWorld(new MemoryObjectStore());
  await createTopic(first, 't');
  expect(await answer(first, batch(0))).toBe(0);
  const store = new HeldReadsStore(await first.kill());
  // Five seconds are over at once.
  const { timers } = systemRuntime;
  const after: typeof timers.after = (delayMs, run, options) =>
    timers.after(delayMs === 5_000 ? 5 : delayMs, run, options);
  const second = await openWorld(store, { runtime: { ...systemRuntime, timers: { ...timers, after } } });
  store.hold();
  const partition = await partitionOf(second, 't');
  expect(await refusalIn(partition.append(batch(1)))).toBe('NOT_LEADER_OR_FOLLOWER');
  expect((await partition.append(batchOf({ values: ['plain'] }))).baseOffset).toBe(1);
  store.letGo();
  expect(await answer(second, batch(0))).toBe(0);
  expect(await answer(second, batch(1))).toBe(2);
});

test('a partition that is closed while it reads back its past judges nobody by half of it', async () => {
  const first = await openWorld(new MemoryObjectStore());
  await createTopic(first, 't');
  for (let sequence = 0; sequence < 3; sequence++) expect(await answer(first, batch(sequence))).toBe(sequence);
  const store = new HeldReadsStore(await first.kill());
  const second = await openWorld(store);
  store.hold();
  const partition = await partitionOf(second, 't');
  const again = refusalIn(partition.append(batch(2)));
  const closing = second.partitions.close();
  await new Promise((resolve) => setTimeout(resolve, 5));
  store.letGo();
  await closing;
  expect(await again).toBe('NOT_LEADER_OR_FOLLOWER');
  expect(partition.highWatermark).toBe(3);
});

/** A store whose reads of data can be held up. */
class HeldReadsStore implements ObjectStore {
  readonly #store: ObjectStore;
  #held: Promise<void> | undefined;
  #letGo: () => void = () => {};

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  hold(): void {
    this.#held = new Promise((resolve) => (this.#letGo = resolve));
  }

  letGo(): void {
    this.#letGo();
    this.#held = undefined;
  }

  put(...call: Parameters<ObjectStore['put']>): ReturnType<ObjectStore['put']> {
    return this.#store.put(...call);
  }

  async get(key: string, options: GetOptions): Promise<GetResult> {
    if (options.purpose === 'read') await this.#held;
    return this.#store.get(key, options);
  }

  list(...call: Parameters<ObjectStore['list']>): ReturnType<ObjectStore['list']> {
    return this.#store.list(...call);
  }

  delete(...call: Parameters<ObjectStore['delete']>): ReturnType<ObjectStore['delete']> {
    return this.#store.delete(...call);
  }
}

test('a producer whose batches are all gone may go on, and what it sends again is still known', async () => {
  const first = await openWorld(new MemoryObjectStore());
  await createTopic(first, 't');
  for (const sequence of [0, 1, 2]) expect(await answer(first, batch(sequence))).toBe(sequence);
  expect(await (await partitionOf(first, 't')).deleteRecords(-1)).toBe(3);
  expect(await answer(first, batch(2))).toBe(2);
  expect(await answer(first, batch(3))).toBe(3);
  expect(await (await partitionOf(first, 't')).deleteRecords(-1)).toBe(4);
  const second = await openWorld(await first.kill());
  expect(await answer(second, batch(3))).toBe(3);
  expect(await answer(second, batch(4))).toBe(4);
});

test('a snapshot that knows more than the data is passed over', async () => {
  const store = new MemoryObjectStore();
  const first = await openWorld(store);
  const { id } = await createTopic(first, 't');
  expect(await answer(first, batch(0))).toBe(0);
  for (let sequence = 0; sequence < 5; sequence++) await answer(first, large(sequence));
  const snapshots = await first.set.openOrCreate(producersStreamName(id, 0));
  await snapshots.whenBeyond(0);
  const { batches } = await snapshots.read(0);
  const wrong = (batches[0]?.bytes ?? new Uint8Array()).slice();
  new DataView(wrong.buffer).setFloat64(1, 1_000);
  new DataView(wrong.buffer).setInt16(14 + 8, 5); // Another epoch of the first producer.
  await snapshots.append(wrong);
  await snapshots.append(new Uint8Array([9, 9, 9]));
  const second = await openWorld(await first.kill());
  expect(await answer(second, batch(0))).toBe(0);
  expect(await answer(second, batch(1))).toBe(6);
});

test('old snapshots go, and the newest stay', async () => {
  const first = await openWorld(new MemoryObjectStore());
  await createTopic(first, 't');
  const partition = await partitionOf(first, 't');
  for (let sequence = 0; sequence < 100; sequence++) {
    await partition.append(large(sequence));
    if (sequence % 20 === 19) await partition.deleteRecords(-1);
  }
  const { startOffset = 0, endOffset = 0 } = (await snapshotsIn(first)) ?? {};
  expect(endOffset).toBeGreaterThan(16);
  expect(endOffset - startOffset).toBeLessThanOrEqual(18);
  expect(startOffset).toBeGreaterThan(0);
  const second = await openWorld(await first.kill());
  expect(await answer(second, large(99))).toBe(99);
  expect(await answer(second, large(100))).toBe(100);
});

test('ids of producers are never given twice, whoever asks and however brokers end', async () => {
  const { ProducerIds } = await import('../../../src/kafka/topics/producer-ids.ts');
  const store = new MemoryObjectStore();
  const given: number[] = [];
  for (let incarnation = 0; incarnation < 3; incarnation++) {
    const set = await StreamSet.open({ node: 'a', store });
    const [one, other] = [new ProducerIds(set), new ProducerIds(set)];
    const before = set.stats().journalIndex;
    const asked = Array.from({ length: 1_500 }, (_, i) => (i % 3 === 0 ? other : one).next());
    given.push(...(await Promise.all(asked)).map(({ producerId }) => producerId));
    expect(set.stats().journalIndex - before).toBeLessThan(5);
    await set.close();
  }
  expect(new Set(given).size).toBe(4_500);
});
