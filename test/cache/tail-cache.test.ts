import { expect, test } from 'vitest';
import { Arena, slabBelowBytes } from '../../src/cache/arena.ts';
import { StreamTail } from '../../src/cache/tail-cache.ts';
import { streamId } from '../../src/model/ids.ts';
import { OffsetWaiters } from '../../src/stream/offset-waiters.ts';
import { OpenStream } from '../../src/stream/open-stream.ts';
import { TailPool } from '../../src/stream/tail-pool.ts';

test('a tail finds every batch it holds by any of its offsets, whatever was dropped below', () => {
  const tail = new StreamTail(7, 3);
  const starts: number[] = [];
  let next = 7;
  for (let i = 0; i < 500; i++) {
    starts.push(next);
    const count = 1 + ((i * 7) % 5);
    expect(tail.add(count, i % 3 === 0 ? i : undefined, new Uint8Array([i & 255]))).toBeGreaterThan(1);
    next += count;
    if (i % 50 === 49) {
      const before = tail.sizeBytes;
      const limit = starts[i - 30]! + 1; // Inside a batch, which stays unless it ends there.
      const freed = tail.dropBelow(limit);
      expect(tail.sizeBytes).toBe(before - freed);
      expect(tail.startOffset).toBeLessThanOrEqual(limit);
    }
    expect(tail.endOffset).toBe(next);
  }
  for (const [i, start] of starts.entries()) {
    const end = starts[i + 1] ?? next;
    for (let offset = start; offset < end; offset++) {
      const index = tail.find(offset);
      if (start < tail.startOffset) expect(index).toBe(-1);
      else
        expect(tail.batch(index)).toEqual({
          startOffset: start,
          endOffset: end,
          count: end - start,
          streamEpoch: 3,
          bytes: new Uint8Array([i & 255]),
          ...(i % 3 === 0 ? { timestamp: i } : {}),
        });
    }
  }
  expect([tail.find(6), tail.find(next)]).toEqual([-1, -1]);
  tail.dropBelow(Infinity);
  expect([tail.sizeBytes, tail.startOffset, tail.endOffset, tail.find(next - 1)]).toEqual([0, next, next, -1]);
  tail.add(2, undefined, new Uint8Array([1]));
  expect(tail.batch(tail.find(next + 1))).toMatchObject({ startOffset: next, endOffset: next + 2 });
});

test('an arena gives copies that nobody writes to again, small ones side by side', () => {
  const arena = new Arena();
  const given = new Uint8Array(slabBelowBytes + 10).fill(1);
  const kept: Uint8Array[] = [];
  for (let size = 1; size <= given.byteLength; size += 997) kept.push(arena.keep(given.subarray(0, size)));
  for (let i = 0; i < 5_000; i++) kept.push(arena.keep(given.subarray(0, 1_000)));
  given.fill(2);
  expect(kept.every((bytes) => bytes.every((byte) => byte === 1))).toBe(true);
  expect(kept[0]?.buffer).toBe(kept[1]?.buffer);
  expect(new Set(kept.map(({ buffer }) => buffer)).size).toBeLessThan(20);
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

test('a pool drops what may go, longest ago first, and comes to an end when nothing may', () => {
  const pool = new TailPool();
  const streams = [1, 2, 3].map((id) => new OpenStream(streamId(id), undefined, 1, 0));
  for (const stream of streams)
    for (let i = 0; i < 10; i++) pool.add(stream, stream.tail.add(1, undefined, new Uint8Array(1_000)));
  const full = pool.sizeBytes;
  pool.evict(full - 1, () => 4);
  expect(streams.map(({ tail }) => tail.startOffset)).toEqual([4, 0, 0]);
  pool.evict(0, ({ id }) => (id === 3 ? 10 : 0));
  expect(streams.map(({ tail }) => tail.startOffset)).toEqual([4, 0, 10]);
  pool.evict(0, () => 0); // It once went round for ever here.
  expect(pool.sizeBytes).toBe(streams.reduce((sum, { tail }) => sum + tail.sizeBytes, 0));
  pool.remove(streams[1]!);
  pool.remove(streams[1]!);
  expect(pool.sizeBytes).toBe(streams[0]!.tail.sizeBytes);
});
