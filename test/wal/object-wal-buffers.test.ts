// The memory of segments is used again, and never while a PUT may be reading it: seen by a store that keeps the very
// bytes that it was given and looks at them later.
import { expect, test } from 'vitest';
import { systemRuntime } from '../../src/base/runtime.ts';
import { qanatError } from '../../src/model/errors.ts';
import type { StreamBatch } from '../../src/model/record-batch.ts';
import { MemoryObjectStore } from '../../src/store/memory-object-store.ts';
import type { PutOptions, PutResult } from '../../src/store/object-store.ts';
import { RetryingObjectStore } from '../../src/store/retrying-object-store.ts';
import { batch, indexesOf, openWal, sealWal, upTo } from './wal-place.ts';

const KiB = 1024;
const batchBytes = 100 * KiB;

/** What becomes of a PUT: it is written and answered, or something else happens. */
type Fate = 'stored' | 'lost' | 'lost after its effect' | 'rejected' | 'never answered';

interface SeenPut {
  readonly key: string;
  readonly fate: Fate;
  /** The very bytes of the body, and what they were. */
  readonly body: Uint8Array;
  readonly copy: Uint8Array;
}

/** Keeps the bodies it was given, by reference, and decides what becomes of each PUT. */
class MemoryBodiesStore extends MemoryObjectStore {
  readonly puts: SeenPut[] = [];
  readonly #fateOf: (turn: number) => Fate;

  constructor(fateOf: (turn: number) => Fate) {
    super();
    this.#fateOf = fateOf;
  }

  override async put(key: string, body: Uint8Array, options: PutOptions): Promise<PutResult> {
    const fate = this.#fateOf(this.puts.length);
    this.puts.push({ key, fate, body, copy: Uint8Array.from(body) });
    if (fate === 'never answered') return new Promise(() => {});
    if (fate === 'rejected') throw qanatError('STORE_UNAVAILABLE', 'no', { operation: 'put', key });
    if (fate === 'lost') return { outcome: 'unknown' };
    const result = await super.put(key, body, options);
    return fate === 'stored' ? result : { outcome: 'unknown' };
  }

  /** Puts whose bodies are not any more what they were. */
  overwritten(): SeenPut[] {
    return this.puts.filter(({ body, copy }) => Buffer.compare(body, copy) !== 0);
  }

  get memories(): number {
    return new Set(this.puts.map(({ body }) => body.buffer)).size;
  }
}

function bytesOf(index: number): StreamBatch {
  return batch(index, batchBytes);
}

test('segments that were stored lend their memory to the next ones, and what is in the store stays', async () => {
  const store = new MemoryBodiesStore(() => 'stored');
  const { wal, sink } = await openWal(store);
  for (let i = 0; i < 60; i += 1) {
    wal.append(bytesOf(i));
    await wal.flush();
  }
  expect(sink.durableCount).toBe(60);
  expect(store.puts).toHaveLength(60);
  expect(store.memories).toBe(1);
  expect(store.overwritten()).toHaveLength(59);
  expect(await indexesOf(await sealWal(store))).toEqual(upTo(60));
});

test.each<Fate>(['lost', 'lost after its effect', 'rejected'])(
  'the body of a segment of which a PUT was %s is not overwritten, nor is its memory used again',
  async (fate) => {
    const store = new MemoryBodiesStore((turn) => (turn % 7 === 3 ? fate : 'stored'));
    const { wal, sink } = await openWal(store);
    for (let i = 0; i < 60; i += 1) {
      wal.append(bytesOf(i));
      await wal.flush();
    }
    expect(sink.durableCount).toBe(60);
    const doubtful = store.puts.filter((put) => put.fate === fate);
    expect(doubtful.length).toBeGreaterThan(5);
    for (const { body, key } of doubtful) {
      const users = store.puts.filter((put) => put.body.buffer === body.buffer);
      expect(new Set(users.slice(users.findIndex((put) => put.key === key)).map((put) => put.key)).size).toBe(1);
    }
    expect(store.overwritten().filter((put) => put.fate === fate)).toEqual([]);
    expect(store.memories).toBeLessThanOrEqual(doubtful.length + 1);
    expect(await indexesOf(await sealWal(store))).toEqual(upTo(60));
  },
);

test('the body of a PUT that is never answered, and is given up, is never overwritten', async () => {
  const store = new MemoryBodiesStore((turn) => (turn === 2 ? 'never answered' : 'stored'));
  // A second lasts a millisecond.
  const { timers } = systemRuntime;
  const after: typeof timers.after = (delayMs, run, how) => timers.after(delayMs / 1000, run, how);
  const runtime = { ...systemRuntime, timers: { ...timers, after } };
  const patient = new RetryingObjectStore(store, { runtime, deadlineMs: 60_000 });
  const { wal, sink } = await openWal(patient);
  for (let i = 0; i < 40; i += 1) {
    wal.append(bytesOf(i));
    await wal.flush();
  }
  expect(sink.durableCount).toBe(40);
  expect(store.puts).toHaveLength(41);
  const [unanswered] = store.puts.filter(({ fate }) => fate === 'never answered');
  expect(store.overwritten()).not.toContain(unanswered);
  const users = store.puts.slice(2).filter(({ body }) => body.buffer === unanswered!.body.buffer);
  expect(users.map(({ key }) => key)).toEqual([unanswered!.key, unanswered!.key]);
  expect(await indexesOf(await sealWal(store))).toEqual(upTo(40));
});

test('a WAL that is stopped leaves the bodies under way alone', async () => {
  const store = new MemoryBodiesStore((turn) => (turn < 4 ? 'stored' : 'never answered'));
  const { wal } = await openWal(store, { settings: { segmentSizeMinBytes: 1 } });
  for (let i = 0; i < 12; i += 1) {
    wal.append(bytesOf(i));
    if (i < 4) await wal.flush();
    else await Promise.resolve();
  }
  wal.stop();
  expect(store.puts.length).toBeGreaterThan(4);
  const open = store.puts.filter(({ fate }) => fate === 'never answered');
  expect(new Set(open.map(({ body }) => body.buffer)).size).toBe(open.length);
  expect(store.overwritten().filter(({ fate }) => fate === 'never answered')).toEqual([]);
});

test('no more memory is under way than the settings allow, whatever the sizes of segments', async () => {
  const inFlightSizeMaxBytes = 2 * 1024 * KiB;
  const underWay = new Set<ArrayBufferLike>();
  let most = 0;
  const store = new (class extends MemoryObjectStore {
    override async put(key: string, body: Uint8Array, options: PutOptions): Promise<PutResult> {
      underWay.add(body.buffer);
      most = Math.max(
        most,
        [...underWay].reduce((sum, { byteLength }) => sum + byteLength, 0),
      );
      await new Promise((resolve) => setTimeout(resolve, 1));
      const result = await super.put(key, body, options);
      underWay.delete(body.buffer);
      return result;
    }
  })();
  const { wal, sink } = await openWal(store, { settings: { segmentSizeMinBytes: 1, inFlightSizeMaxBytes } });
  for (let i = 0; i < 120; i += 1) {
    wal.append(batch(i, (1 + ((i * 37) % 50)) * 10 * KiB));
    if (i % 3 === 0) await new Promise(setImmediate);
  }
  await wal.flush();
  expect(sink.durableCount).toBe(120);
  const largest = Math.max(...sink.segments.map(({ sizeBytes }) => sizeBytes));
  expect(most).toBeGreaterThan(inFlightSizeMaxBytes / 2);
  expect(most).toBeLessThan(inFlightSizeMaxBytes + 1.5 * largest);
  expect(await indexesOf(await sealWal(store))).toEqual(upTo(120));
});

test('what counts as under way is the memory of segments, not only what is in it', async () => {
  const store = new MemoryBodiesStore(() => 'never answered');
  const settings = { segmentSizeMinBytes: 1, inFlightSizeMaxBytes: 1_280 * KiB };
  const { wal } = await openWal(store, { settings });
  for (let i = 0; i < 4; i += 1) {
    wal.append(batch(i, 515 * KiB));
    await new Promise(setImmediate);
  }
  expect(store.puts.map(({ body }) => body.buffer.byteLength)).toEqual([640 * KiB, 640 * KiB]);
  wal.stop();
});
