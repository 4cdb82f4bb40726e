import { expect, test } from 'vitest';
import { MiB } from '../../src/base/bytes.ts';
import { Arena, slabBelowBytes, slabSizeBytes } from '../../src/cache/arena.ts';
import { StreamTail } from '../../src/cache/tail-cache.ts';
import { TailPool } from '../../src/cache/tail-pool.ts';
import { OffsetWaiters } from '../../src/stream/offset-waiters.ts';

test('a tail finds every batch it holds by any of its offsets, whatever was dropped below', () => {
  const pool = new TailPool(0);
  const tail = new StreamTail(7, 3, pool);
  const starts: number[] = [];
  let next = 7;
  for (let i = 0; i < 6_000; i++) {
    starts.push(next);
    const count = 1 + ((i * 7) % 5);
    expect(tail.add(count, i % 3 === 0 ? i : undefined, new Uint8Array([i & 255]))).toEqual(new Uint8Array([i & 255]));
    next += count;
    if (i % 1_000 === 999) {
      pool.release(i < 2_000 ? 500 : 1_000);
      pool.evict(0);
      expect(tail.startOffset).toBe(starts[i < 2_000 ? Math.floor(i / 1_000 + 1) * 500 : i - 999]);
    }
    expect(tail.endOffset).toBe(next);
  }
  for (const [i, start] of starts.entries()) {
    const end = starts[i + 1] ?? next;
    for (let offset = start; offset < end; offset++) {
      const index = tail.find(offset);
      if (start < tail.startOffset) expect(index).toBe(-1);
      else {
        const batch = {
          startOffset: start,
          endOffset: end,
          count: end - start,
          streamEpoch: 3,
          bytes: new Uint8Array([i & 255]),
          ...(i % 3 === 0 ? { timestamp: i } : {}),
        };
        expect(tail.batch(index)).toEqual(batch);
        expect(tail.peek(index)).toEqual(batch);
      }
    }
  }
  expect([tail.find(6), tail.find(next), tail.batch(1_000_000)]).toEqual([-1, -1, undefined]);
  pool.release(1_000);
  pool.evict(0);
  expect([pool.sizeBytes, tail.startOffset, tail.endOffset, tail.find(next - 1)]).toEqual([0, next, next, -1]);
  tail.add(2, undefined, new Uint8Array([1]));
  expect(tail.batch(tail.find(next + 1))).toMatchObject({ startOffset: next, endOffset: next + 2 });
});

test('a pool drops the oldest batches of all streams, and none that is not released', () => {
  const pool = new TailPool(0);
  const tails = [1, 2, 3].map(() => new StreamTail(0, 1, pool));
  for (let i = 0; i < 9_999; i++) tails[i % 3]!.add(1, undefined, new Uint8Array(1_000));
  const each = pool.sizeBytes / 9_999;
  expect(each).toBeGreaterThan(1_000);
  pool.evict(0);
  expect(pool.sizeBytes).toBe(each * 9_999);
  pool.release(5_000);
  pool.evict(each * 9_997.5);
  expect(tails.map(({ startOffset }) => startOffset)).toEqual([1, 1, 0]);
  pool.evict(0);
  expect(tails.map(({ startOffset }) => startOffset)).toEqual([1_667, 1_667, 1_666]);
  expect(pool.sizeBytes).toBe(each * 4_999);
  expect(() => pool.release(5_000)).toThrow('what is released was appended');
});

/** What was appended, in order, and the bytes as they were. */
function fill(tail: StreamTail, batchCount: number, sizeBytes: number): Uint8Array[] {
  return Array.from({ length: batchCount }, () => {
    const bytes = new Uint8Array(sizeBytes).fill(1 + (tail.endOffset % 251));
    return tail.add(1, undefined, bytes);
  });
}

function isAsAppended(bytes: Uint8Array, offset: number): boolean {
  return Buffer.compare(bytes, new Uint8Array(bytes.byteLength).fill(1 + (offset % 251))) === 0;
}

function buffersOf(views: readonly Uint8Array[]): Set<ArrayBufferLike> {
  return new Set(views.map(({ buffer }) => buffer));
}

test('memory of dropped batches that nobody was lent is used again', () => {
  const pool = new TailPool(8 * MiB);
  const tail = new StreamTail(0, 1, pool);
  const seen = new Set<ArrayBufferLike>();
  for (let round = 0; round < 20; round++) {
    for (const buffer of buffersOf(fill(tail, 300, 10_000))) seen.add(buffer);
    for (let offset = tail.startOffset; offset < tail.endOffset; offset++)
      expect(isAsAppended(tail.peek(tail.find(offset))!.bytes, offset)).toBe(true);
    pool.release(300);
    pool.evict(1 * MiB);
  }
  // 60 MB went through at most 3 MB of batches, the tail that stays, and the slab that is filled.
  expect(seen.size).toBeLessThanOrEqual(6);
  expect(pool.freeBytes).toBeGreaterThan(0);
});

test('bytes that were lent never change, however much is dropped and appended afterwards', () => {
  const pool = new TailPool(64 * MiB);
  const tails = [1, 2, 3].map(() => new StreamTail(0, 1, pool));
  const lent: { readonly bytes: Uint8Array; readonly offset: number }[] = [];
  const first = new Set<ArrayBufferLike>();
  const later = new Set<ArrayBufferLike>();
  for (let round = 0; round < 30; round++) {
    for (const tail of tails) {
      const views = fill(tail, 100, 5_000 + round);
      for (const buffer of buffersOf(views)) (round === 0 ? first : later).add(buffer);
      if (round === 0) continue; // Of the first ones nobody is lent any.
      if (round % 3 === 0)
        lent.push({ bytes: tail.batch(tail.find(tail.endOffset - 50))!.bytes, offset: tail.endOffset - 50 });
    }
    pool.release(300);
    pool.evict(0);
  }
  expect(lent).toHaveLength(27);
  for (const { bytes, offset } of lent) expect(isAsAppended(bytes, offset)).toBe(true);
  expect([...first].some((buffer) => later.has(buffer))).toBe(true);
  // A slab of which anything was lent is not filled again: what is written now lies elsewhere.
  const now = tails.flatMap((tail) => fill(tail, 2_000, 5_000));
  for (const { bytes } of lent.slice(0, -3)) expect(buffersOf(now).has(bytes.buffer)).toBe(false);
  for (const { bytes, offset } of lent) expect(isAsAppended(bytes, offset)).toBe(true);
});

test('memory is kept for use again within the limit, and large batches have their own', () => {
  const pool = new TailPool(4 * MiB);
  const tail = new StreamTail(0, 1, pool);
  fill(tail, 20, slabSizeBytes / 8);
  const own = fill(tail, 3, slabBelowBytes).map(({ buffer }) => buffer);
  expect(new Set(own).size).toBe(3);
  expect(own.map(({ byteLength }) => byteLength)).toEqual(own.map(() => slabBelowBytes));
  fill(tail, 100, slabSizeBytes / 8);
  pool.release(123);
  pool.evict(0);
  expect(pool.sizeBytes).toBe(0);
  expect(pool.freeBytes).toBe(3 * MiB); // The slab that is filled is the fourth.
});

test('a caller may write to its buffer as soon as a batch is taken', () => {
  const tail = new StreamTail(0, 1, new TailPool(MiB));
  for (const sizeBytes of [1, 1_000, slabBelowBytes - 1, slabBelowBytes, 2 * MiB]) {
    const given = new Uint8Array(sizeBytes).fill(1);
    const offset = tail.endOffset;
    const kept = tail.add(1, undefined, given);
    given.fill(2);
    expect([kept, tail.batch(tail.find(offset))!.bytes].every((bytes) => bytes.every((byte) => byte === 1))).toBe(true);
  }
});

test('ten thousand who wait for a stream are woken when it is their turn, and only then', () => {
  const waiters = new OffsetWaiters();
  const woken: number[] = [];
  const removals = Array.from({ length: 10_000 }, (_, i) =>
    waiters.add(
      i,
      () => woken.push(i),
      () => woken.push(-i),
    ),
  );
  for (let i = 5_000; i < 6_000; i++) removals[i]!();
  expect(waiters.count).toBe(9_000);
  const begin = performance.now();
  for (let end = 0; end <= 4_000; end += 100) waiters.wake(end);
  expect(woken).toEqual(Array.from({ length: 4_000 }, (_, i) => i));
  expect(waiters.count).toBe(5_000);
  waiters.fail(new Error('over'));
  expect(woken.slice(4_000)).toEqual([
    ...Array.from({ length: 1_000 }, (_, i) => -(i + 4_000)),
    ...Array.from({ length: 4_000 }, (_, i) => -(i + 6_000)),
  ]);
  expect(waiters.count).toBe(0);
  expect(performance.now() - begin).toBeLessThan(2_000);
});

test('one who is woken and waits again at once is not woken twice by the same move', () => {
  const waiters = new OffsetWaiters();
  let wakes = 0;
  const again = (offset: number): void =>
    void waiters.add(
      offset,
      (end) => {
        wakes += 1;
        again(end);
      },
      () => {},
    );
  again(0);
  waiters.wake(5);
  expect([wakes, waiters.count]).toEqual([1, 1]);
});

test('memory that waits to be used again makes way for large batches, which have their own', () => {
  const arena = new Arena(8 * MiB);
  const small = Array.from({ length: 8 * 8 + 1 }, () => arena.keep(new Uint8Array(128 * 1024)));
  for (const slab of small) arena.letGo(slab);
  expect(arena.freeBytes).toBe(7 * MiB);
  for (let i = 1; i <= 5; i++) arena.keep(new Uint8Array(1 * MiB));
  expect(arena.freeBytes).toBe(2 * MiB); // With five large ones and the slab that is filled: eight.
  for (let i = 1; i <= 5; i++) arena.keep(new Uint8Array(1 * MiB));
  expect(arena.freeBytes).toBe(0);
});

test('a batch for which there is no memory leaves no gap behind it', () => {
  const pool = new TailPool(0);
  const tail = new StreamTail(0, 1, pool);
  const endless = { byteLength: Number.MAX_SAFE_INTEGER } as Uint8Array;
  for (let i = 0; i < 4_096; i++) tail.add(1, undefined, new Uint8Array([1])); // The next one begins a chunk.
  const { sizeBytes } = pool;
  expect(() => tail.add(5, undefined, endless)).toThrow(RangeError);
  expect([tail.endOffset, pool.sizeBytes]).toEqual([4_096, sizeBytes]);
  tail.add(1, undefined, new Uint8Array([2]));
  tail.add(1, undefined, new Uint8Array([3]));
  expect(tail.batch(tail.find(4_097))).toMatchObject({
    startOffset: 4_097,
    endOffset: 4_098,
    bytes: new Uint8Array([3]),
  });
});
