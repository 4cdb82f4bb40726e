// Histories of chance in simulated time: a writer that releases and goes on, a fence, two recoverers and a sweeper, all
// over connections that lose, delay and repeat. Every seed is one history; a failing one names itself.
import { expect, test } from 'vitest';
import { MemoryObjectStore } from '../../src/store/memory-object-store.ts';
import { FaultyObjectStore } from '../../src/testkit/faulty-object-store.ts';
import { drawInteger } from '../../src/testkit/seeded-random.ts';
import { SeededRuntime } from '../../src/testkit/seeded-runtime.ts';
import { commonStoreFaults, type FaultRule } from '../../src/testkit/store-faults.ts';
import type { SealedWal } from '../../src/wal/wal.ts';
import { batch, indexesOf, openWal, sealWal, segmentKey } from './wal-place.ts';

const faults: readonly FaultRule[] = [
  ...commonStoreFaults,
  { operation: 'put', probability: 0.1, fault: { kind: 'late-put', minMs: 1, maxMs: 2_000 } },
  { operation: 'put', probability: 0.1, fault: { kind: 'unknown-after' } },
];

/** Lives one history, and gives what the writer could say about the appends that it did not acknowledge. */
async function live(runtime: SeededRuntime, seed: number): Promise<'none' | 'unknown'> {
  const memory = new MemoryObjectStore();
  const connect = (n: number): FaultyObjectStore =>
    new FaultyObjectStore(memory, { runtime, seed: seed * 10 + n, faults });
  const pause = (delayMs: number): Promise<void> =>
    new Promise((resolve) => runtime.timers.after(drawInteger(runtime.random, delayMs + 1), resolve));
  const { wal, sink, state } = await openWal(connect(1), { runtime, settings: { segmentSizeMinBytes: 16 } });

  let appended = 0;
  let isFenced = false;
  let registered = 0; // Batches in the history by commits of the writer.
  const write = async (): Promise<void> => {
    while (sink.end === undefined && appended < 600) {
      for (let i = drawInteger(runtime.random, 4); i >= 0; i -= 1) wal.append(batch(appended++));
      await pause(20);
      if (isFenced || drawInteger(runtime.random, 10) > 0) continue;
      // A commit is applied, and only then the WAL lets go of what it releases.
      state.released = sink.segments.length;
      registered = sink.durableCount;
      const kept = sink.segments.filter(() => drawInteger(runtime.random, 2) === 0).map(({ sequence }) => sequence);
      void wal.release(state.released, new Set(kept));
    }
  };
  const writing = write();
  await pause(1_500);
  isFenced = true;

  const recover = async (n: number): Promise<void> => {
    await pause(200);
    const sealed = await sealWal(connect(n), state, { runtime });
    await pause(200);
    if (sealed === undefined || state.sealedAt !== undefined) return; // Void: another one was faster (W2).
    state.sealedAt = sealed.sealedAt;
    winner = sealed;
    found = await indexesOf(sealed);
    await pause(200);
    const swept = sealed.segments.filter(() => drawInteger(runtime.random, 2) === 0);
    const keys = swept.map(({ sequence }) => segmentKey(sequence));
    if (keys.length > 0) await memory.delete(keys, { purpose: 'sweep' });
  };
  let winner: SealedWal | undefined;
  let found: number[] = [];
  await Promise.all([recover(2), recover(3), writing]);
  await wal.flush();
  if (sink.end === undefined) wal.append(batch(appended)); // It was idle when it was sealed, and learns it now.
  const end = await sink.whenEnded();

  expect(winner?.sealedAt).toBe(state.sealedAt);
  expect(found).toEqual(Array.from({ length: found.length }, (_, i) => registered + i));
  const history = registered + found.length;
  expect(sink.durableCount).toBeLessThanOrEqual(history);
  if (end.reason === 'failed') throw end.error;
  if (end.outcome === 'none') expect(sink.durableCount).toBe(history);
  await wal.close();
  return end.outcome;
}

test('No history of chance loses what was reported, or denies what is in the history', async () => {
  const outcomes = new Map<string, number>();
  for (let seed = 1; seed <= 100; seed += 1) {
    const runtime = new SeededRuntime({ seed });
    try {
      const outcome = await runtime.run(() => live(runtime, seed));
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    } catch (cause) {
      throw new Error(`seed ${seed}`, { cause });
    }
  }
  expect([...outcomes.keys()].toSorted()).toEqual(['none', 'unknown']);
});
