// The journal is everybody's: a node that proposes as fast as it can must not keep the others from it.
import { describe, expect, test } from 'vitest';
import { MemoryObjectStore, StreamSet } from '../../src/index.ts';
import { FaultyObjectStore } from '../../src/testkit/faulty-object-store.ts';
import { SeededRuntime } from '../../src/testkit/seeded-runtime.ts';
import { TurnTaking } from '../../src/catalog/turn-taking.ts';

/** Appends until it is asked to stand back; how many there were, and for how long. */
function rowOf(turns: TurnTaking, nowMs: number): { readonly count: number; readonly pauseMs: number } {
  for (let count = 0; ; count++) {
    const pauseMs = turns.pauseMs(nowMs, 0.5);
    if (pauseMs > 0) return { count, pauseMs };
    turns.appended(10);
  }
}

describe('taking turns', () => {
  test('stands back seldom while alone, and often while others write', () => {
    const turns = new TurnTaking();
    expect(rowOf(turns, 0)).toEqual({ count: 64, pauseMs: 30 });
    turns.sawOther(1_000);
    expect(rowOf(turns, 1_001)).toEqual({ count: 4, pauseMs: 30 });
    expect(rowOf(turns, 10_999)).toEqual({ count: 4, pauseMs: 30 });
    expect(rowOf(turns, 11_000)).toEqual({ count: 64, pauseMs: 30 });
  });

  test('counts a row anew after a lost race, and draws how long it stands back', () => {
    const turns = new TurnTaking();
    turns.sawOther(0);
    for (let i = 0; i < 3; i++) turns.appended(10);
    turns.appended(undefined);
    expect(turns.pauseMs(0, 0)).toBe(0);
    for (let i = 0; i < 3; i++) turns.appended(10);
    expect(turns.pauseMs(0, 0)).toBe(20);
    expect(rowOf(turns, 0).count).toBe(4);
  });

  test('stands back for a second at most, however long an append took that met an outage', () => {
    const turns = new TurnTaking();
    for (let i = 0; i < 63; i++) turns.appended(10);
    turns.appended(120_000);
    expect(turns.pauseMs(0, 1)).toBe(1_000);
  });
});

test.each([1, 2, 4])('a node gets its change through in time beside %i that never stop', async (busyCount) => {
  const runtime = new SeededRuntime({ seed: busyCount });
  const bucket = new MemoryObjectStore();
  const faults = [{ fault: { kind: 'latency', minMs: 4, maxMs: 12 } }] as const;
  let seed = 0;
  const open = (node: string): Promise<StreamSet> =>
    StreamSet.open({ node, runtime, store: new FaultyObjectStore(bucket, { runtime, seed: seed++, faults }) });
  const longestMs = await runtime.run(async () => {
    const calm = await open('calm');
    const busy: StreamSet[] = [];
    for (let i = 0; i < busyCount; i++) busy.push(await open(`busy-${i}`));
    let isOver = false;
    const loops = busy.map(async ({ kv }, i) => {
      for (let n = 0; !isOver; n++) await kv.put(`busy-${i}`, new Uint8Array([n & 0xff]));
    });
    let longest = 0;
    for (let i = 0; i < 40; i++) {
      const startedAt = runtime.clock.monotonic();
      await calm.kv.put('calm', new Uint8Array([i]));
      longest = Math.max(longest, runtime.clock.monotonic() - startedAt);
      await new Promise<void>((resolve) => runtime.timers.after(50, () => resolve()));
    }
    isOver = true;
    await Promise.all(loops);
    for (const set of [calm, ...busy]) await set.close();
    return longest;
  });
  expect(longestMs).toBeLessThan(3_000);
});
