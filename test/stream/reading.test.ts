// How readers share one process: a loop over what is in memory lets others run, a reader that catches up leaves the
// tail and its followers alone, and what is handed out stays as it is.
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { MemoryObjectStore, objectWal } from '../../src/index.ts';
import type { GetOptions, GetResult, RecordBatch, Stream, StreamReader, StreamSet } from '../../src/index.ts';
import { bytesOf, errorOf, openSet, openView, textOf, within } from '../engine/world.ts';

const MiB = 2 ** 20;

/** A store whose reads of data wait until they are let go. */
class SimHeldReads extends MemoryObjectStore {
  isHolding = false;
  held: (() => void)[] = [];
  heldBytes = 0;
  override async get(key: string, options: GetOptions): Promise<GetResult> {
    const { range } = options;
    if (this.isHolding && options.purpose === 'read') {
      if (range !== undefined && 'start' in range) this.heldBytes += range.end - range.start;
      await new Promise<void>((resolve) => this.held.push(resolve));
    }
    return super.get(key, options);
  }
}

/** A stream of so many batches of 64 KiB, only in objects. */
async function coldStream(set: StreamSet, batchCount: number): Promise<StreamReader> {
  const stream = await set.create({ name: 'cold' });
  for (let i = 0; i < batchCount; i += 16)
    await stream.appendAll(
      Array.from({ length: Math.min(16, batchCount - i) }, (_, j) => ({ bytes: new Uint8Array(65_536).fill(i + j) })),
    );
  await stream.close();
  return set.reader('cold');
}

test.each(['tail', 'objects'])('a loop of reads from the memory of the %s lets the event loop turn', async (from) => {
  const store = new MemoryObjectStore();
  const set = await openSet(store, { wal: objectWal() });
  const stream = await set.create({ name: 's' });
  await stream.appendAll(Array.from({ length: 200 }, (_, i) => ({ bytes: bytesOf(`${i}`) })));
  await set.upload();
  const reader = from === 'tail' ? stream : await (await openView(store)).reader('s');
  await reader.read(0);
  let turns = 0;
  let isOver = false;
  const turn = (): void => {
    turns += 1;
    if (!isOver) setImmediate(turn);
  };
  setImmediate(turn);
  for (let i = 0; i < 20_000; i++) await reader.read(i % 200, { maxBytes: 1 });
  expect(turns).toBeGreaterThan(10);
  const before = turns;
  for (let i = 0; i < 500; i++) await reader.read(0);
  expect(turns).toBeGreaterThan(before);
  const beforeFollowing = turns;
  for (let i = 0; i < 200; i++) {
    for await (const { endOffset } of reader.follow(0)) if (endOffset === 200) break;
  }
  expect(turns).toBeGreaterThan(beforeFollowing);
  isOver = true;
});

test('a reader that catches up neither evicts the tail nor keeps followers waiting, with all its reads under way', async () => {
  const store = new SimHeldReads();
  const set = await openSet(store, { wal: objectWal(), settings: { memoryMaxBytes: 64 * MiB } });
  const cold = await coldStream(set, 400);
  const tail = await set.create({ name: 'tail' });
  await tail.appendAll(Array.from({ length: 100 }, (_, i) => ({ bytes: bytesOf(`early ${i}`) })));
  await set.upload();
  // The cache of blocks holds 8 MiB; 25 MiB go through it.
  for (let offset = 0; offset < cold.endOffset;) offset = (await cold.read(offset)).nextOffset;
  expect(set.stats().cache.sizeBytes).toBeLessThanOrEqual(8 * MiB);
  const early = await tail.read(0, { onlyCached: true });
  expect(early.batches.map(({ bytes }) => textOf(bytes))).toEqual(Array.from({ length: 100 }, (_, i) => `early ${i}`));
  store.isHolding = true;
  const catchUps = Array.from({ length: 12 }, (_, i) => cold.read(i * 30));
  const followers = Array.from({ length: 100 }, () => tail.follow('end'));
  const next = followers.map((follower) => follower.next());
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(store.held.length).toBeGreaterThan(0);
  expect(store.heldBytes).toBeLessThanOrEqual(4 * MiB); // The share of reads under way.
  await tail.append(bytesOf('late'));
  const woken = await within(1_000, Promise.all(next));
  if (woken === 'waits') throw new Error('the followers wait');
  expect(woken.map(({ value }) => textOf((value as RecordBatch).bytes))).toEqual(
    Array.from({ length: 100 }, () => 'late'),
  );
  expect(await within(1_000, tail.read(0))).toMatchObject({ stopped: 'end', nextOffset: 101 });
  store.isHolding = false;
  for (const letGo of store.held) letGo();
  for (const { batches } of await Promise.all(catchUps)) expect(batches.length).toBeGreaterThan(0);
});

test('bytes that were read stay as they are while others are read, cached and evicted', async () => {
  const set = await openSet(new MemoryObjectStore(), { wal: objectWal(), settings: { memoryMaxBytes: 64 * MiB } });
  const cold = await coldStream(set, 320);
  const digest = (bytes: Uint8Array): string => createHash('sha1').update(bytes).digest('hex');
  const kept: { batch: RecordBatch; was: string }[] = [];
  for (let round = 0; round < 3; round++) {
    for (let offset = 0; offset < cold.endOffset;) {
      const { batches, nextOffset } = await cold.read(offset);
      kept.push({ batch: batches[0]!, was: digest(batches[0]!.bytes) });
      offset = nextOffset;
    }
  }
  for (const { batch, was } of kept) {
    expect(digest(batch.bytes)).toBe(was);
    expect(batch.bytes[0]).toBe(batch.startOffset & 255);
  }
});

test('ten thousand followers of one stream are woken by one append, each with the same memory', async () => {
  const set = await openSet(new MemoryObjectStore(), { wal: objectWal() });
  const stream = await set.create();
  const followers = Array.from({ length: 10_000 }, () => stream.follow('end'));
  const next = followers.map((follower) => follower.next());
  await stream.append(bytesOf('x'));
  const batches = (await Promise.all(next)).map(({ value }) => value as RecordBatch);
  expect(new Set(batches.map(({ bytes }) => bytes.buffer)).size).toBe(1);
  expect(new Set(batches.map(({ bytes }) => bytes.byteOffset)).size).toBe(1);
  for (const follower of followers) await follower.return?.();
});

test('a wait that is given up among others leaves the others waiting, and each is woken when it is due', async () => {
  const set = await openSet(new MemoryObjectStore(), { wal: objectWal() });
  const stream = await set.create();
  const givenUp = new AbortController();
  const order: number[] = [];
  const waits = [3, 0, 2, 1, 0].map((offset) => stream.whenBeyond(offset).then((end) => order.push(offset * 10 + end)));
  const leaving = stream.whenBeyond(0, { signal: givenUp.signal });
  givenUp.abort(new Error('enough'));
  await expect(leaving).rejects.toThrow('enough');
  for (let i = 0; i < 4; i++) await stream.append(bytesOf('x'));
  await Promise.all(waits);
  expect(order.toSorted((a, b) => a - b)).toEqual([1, 1, 12, 23, 34]);
});

describe('a read that waits for the store', () => {
  const world = async (): Promise<{ store: SimHeldReads; set: StreamSet; stream: Stream }> => {
    const store = new SimHeldReads();
    const set = await openSet(store, { wal: objectWal(), settings: { memoryMaxBytes: 64 * MiB } });
    await coldStream(set, 200);
    return { store, set, stream: await set.open('cold') };
  };
  const release = (store: SimHeldReads): void => {
    store.isHolding = false;
    for (const letGo of store.held.splice(0)) letGo();
  };

  test('while the stream is trimmed past it is told so', async () => {
    const { store, stream } = await world();
    store.isHolding = true;
    const reading = errorOf(stream.read(0, { maxBytes: 12 * MiB }));
    await stream.trim(190);
    release(store);
    expect(await reading).toMatchObject({ code: 'OFFSET_OUT_OF_RANGE', startOffset: 190 });
    expect((await stream.read(190)).batches[0]?.startOffset).toBe(190);
  });

  test('while the stream is deleted is told so, or has what it asked for', async () => {
    const { store, set, stream } = await world();
    store.isHolding = true;
    const reading = errorOf(stream.read(0, { maxBytes: 12 * MiB }));
    await set.delete('cold');
    release(store);
    expect(['STREAM_NOT_FOUND', 'STREAM_CLOSED']).toContain((await reading)['code']);
  });

  test('is given up at once by its signal, and by leaving a follower', async () => {
    const { store, stream } = await world();
    store.isHolding = true;
    const controller = new AbortController();
    const reading = errorOf(stream.read(0, { signal: controller.signal }));
    const follower = stream.follow(0);
    const next = [follower.next(), follower.next()];
    await new Promise((resolve) => setTimeout(resolve, 2));
    controller.abort(new Error('enough'));
    expect((await reading).message).toBe('enough');
    await follower.return?.();
    expect(await within(1_000, Promise.all(next))).toEqual(next.map(() => ({ done: true, value: undefined })));
    release(store);
    expect((await stream.read(0)).batches[0]?.startOffset).toBe(0);
  });
});
