// The retrying store: it tries again what can be tried again, with pauses, until its deadline; never a put. What is not
// answered is given up.
import { describe, expect, test } from 'vitest';
import { MemoryObjectStore } from '../../src/store/memory-object-store.ts';
import { RetryingObjectStore } from '../../src/store/retrying-object-store.ts';
import { FaultyObjectStore } from '../../src/testkit/faulty-object-store.ts';
import { SeededRuntime } from '../../src/testkit/seeded-runtime.ts';
import type { FaultRule } from '../../src/testkit/store-faults.ts';

const probe = { purpose: 'probe' } as const;

function open(faults: readonly FaultRule[], deadlineMs: number, seed = 1) {
  const runtime = new SeededRuntime({ seed });
  const inner = new MemoryObjectStore();
  const faulty = new FaultyObjectStore(inner, { runtime, faults, seed });
  const backoff = { delayMinMs: 100, delayMaxMs: 2000 };
  return { runtime, inner, faulty, store: new RetryingObjectStore(faulty, { runtime, deadlineMs, backoff }) };
}

describe('RetryingObjectStore', () => {
  test('tries get, list and delete again until the store is there', async () => {
    const { runtime, inner, faulty, store } = open([{ probability: 0.7, fault: { kind: 'unavailable' } }], 1e6);
    await inner.put('a', new Uint8Array(3), probe);
    await runtime.run(async () => {
      for (let i = 0; i < 10; i++) {
        expect(await store.get('a', probe)).toMatchObject({ size: 3 });
        expect((await store.list({ prefix: '', ...probe })).keys).toHaveLength(1);
        expect(await store.delete(['b'], probe)).toEqual({ failed: [] });
      }
    });
    expect(faulty.calls).toBeGreaterThan(60);
  });

  test('gives up when the next try would begin after the deadline, with the last error', async () => {
    for (const deadlineMs of [0, 1000, 30_000]) {
      const { runtime, faulty, store } = open([{ fault: { kind: 'unavailable' } }], deadlineMs);
      await runtime.run(async () => {
        const read = { purpose: 'read' } as const;
        await expect(store.get('a', read)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', operation: 'get' });
      });
      expect(runtime.clock.monotonic()).toBeLessThanOrEqual(deadlineMs);
      if (deadlineMs === 30_000) {
        expect(runtime.clock.monotonic()).toBeGreaterThan(20_000);
        // Pauses of up to 2 seconds, 1 on average: neither a storm nor a sleep.
        expect(faulty.calls).toBeGreaterThan(15);
        expect(faulty.calls).toBeLessThan(90);
      }
    }
  });

  test('passes a put once, whatever becomes of it', async () => {
    const { runtime, faulty, store } = open([{ operation: 'put', nth: 1, fault: { kind: 'unavailable' } }], 1e6);
    await runtime.run(async () => {
      await expect(store.put('a', new Uint8Array(1), probe)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
      expect(await store.get('a', probe)).toBe('missing');
      faulty.inject([{ fault: { kind: 'unknown-after' } }]);
      expect(await store.put('a', new Uint8Array(1), probe)).toEqual({ outcome: 'unknown' });
    });
    expect(faulty.calls).toBe(3);
  });

  test('does not try again what failed for another reason', async () => {
    const { runtime, faulty, store } = open([{ fault: { kind: 'crash' } }], 1e6);
    await runtime.run(async () => {
      await expect(store.get('a', probe)).rejects.toMatchObject({ name: 'SimulatedCrash' });
      faulty.heal();
      await expect(store.get('', probe)).rejects.toThrow(RangeError);
    });
    expect(faulty.calls).toBe(2);
  });

  test('stops with the reason of a signal, also during a pause', async () => {
    const { runtime, faulty, store } = open([{ fault: { kind: 'unavailable' } }], 1e9);
    const controller = new AbortController();
    await runtime.run(async () => {
      runtime.timers.after(5000, () => controller.abort(new Error('enough')));
      await expect(store.list({ prefix: '', signal: controller.signal, ...probe })).rejects.toThrow('enough');
      expect(runtime.clock.monotonic()).toBe(5000);
      const calls = faulty.calls;
      await expect(store.get('a', { signal: controller.signal, ...probe })).rejects.toThrow('enough');
      expect(faulty.calls).toBe(calls);
    });
    expect(runtime.pendingTimers).toBe(0);
  });

  test('refuses a deadline that is no number', () => {
    const runtime = new SeededRuntime({ seed: 1 });
    for (const deadlineMs of [NaN, -1, undefined]) {
      const options = { runtime, deadlineMs: deadlineMs as number };
      expect(() => new RetryingObjectStore(new MemoryObjectStore(), options)).toThrow(/deadlineMs/);
    }
  });
});
