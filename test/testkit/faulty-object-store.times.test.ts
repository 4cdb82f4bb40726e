// Times and bursts of the faulty store: how long things take, time-outs before and after the effect, rules that go on
// striking, and what is counted.
import { describe, expect, test } from 'vitest';
import type { FaultyCall } from '../../src/testkit/fault-rules.ts';
import { FaultRules } from '../../src/testkit/fault-rules.ts';
import { seededRandom } from '../../src/testkit/seeded-random.ts';
import type { FaultRule } from '../../src/testkit/store-faults.ts';
import { bytes, probe, standing, watch, world } from './faulty-world.ts';

const anyGet: FaultyCall = { operation: 'get', purpose: 'probe', keys: ['a'], isConditional: false };

function latencies(fault: FaultRule['fault'], count: number): number[] {
  const rules = new FaultRules([{ fault }]);
  const random = seededRandom(4);
  return Array.from({ length: count }, () => rules.strike(anyGet, 0, random)[0]!.delayMs).toSorted((a, b) => a - b);
}

describe('FaultyObjectStore, times', () => {
  test('draws even and long-tailed latencies, all within their bounds', () => {
    const count = 20_000;
    const even = latencies({ kind: 'latency', minMs: 10, maxMs: 20 }, count);
    expect([even[0], even.at(-1)]).toEqual([10, 20]);
    for (let ms = 10; ms <= 20; ms++) {
      const share = even.filter((drawn) => drawn === ms).length / count;
      expect(Math.abs(share - 1 / 11)).toBeLessThan(0.01);
    }
    const long = latencies({ kind: 'latency', minMs: 10, maxMs: 100_000, shape: 'long-tailed' }, count);
    expect(long[0]).toBe(10);
    expect(long.at(-1)).toBeLessThanOrEqual(100_000);
    expect(long.at(-1)).toBeGreaterThan(10_000);
    const above = (ms: number): number => long.filter((drawn) => drawn >= ms).length / count;
    expect(Math.abs(above(20) - 0.5)).toBeLessThan(0.02);
    expect(Math.abs(above(100) - 0.1)).toBeLessThan(0.01);
    expect(Math.abs(above(1_000) - 0.01)).toBeLessThan(0.004);
    expect(latencies({ kind: 'latency', minMs: 0, maxMs: 0, shape: 'long-tailed' }, 10)).toEqual(Array(10).fill(0));
    expect(latencies({ kind: 'latency', minMs: 0, maxMs: 1, shape: 'long-tailed' }, 100)).toContain(1);
  });

  test('times out before the effect: nothing reaches the store, and the answer takes its time', () =>
    world([{ fault: { kind: 'time-out-before', minMs: 700, maxMs: 700 } }], async ({ inner, store, sleep }) => {
      await inner.put('a', bytes(1), probe);
      const put = watch(store.put('b', bytes(1), probe));
      const others = [store.get('a', probe), store.list({ prefix: '', ...probe }), store.delete(['a'], probe)].map(
        watch,
      );
      await sleep(699);
      expect([put, ...others].map(({ now }) => now())).toEqual(Array(4).fill('open'));
      await sleep(2);
      expect(put.now()).toEqual({ outcome: 'unknown' });
      expect(others.map(({ now }) => now())).toEqual(Array(3).fill('STORE_UNAVAILABLE'));
      await sleep(100_000);
      expect([await standing(inner, 'a'), await standing(inner, 'b')]).toEqual([[1], 'missing']);
    }));

  test('times out after the effect, which is had at once', () =>
    world([{ fault: { kind: 'time-out-after', minMs: 700, maxMs: 700 } }], async ({ inner, store, sleep }) => {
      await inner.put('a', bytes(1), probe);
      const put = watch(store.put('b', bytes(1), { if: 'absent', ...probe }));
      const others = [store.get('a', probe), store.list({ prefix: '', ...probe }), store.delete(['a'], probe)].map(
        watch,
      );
      await sleep(1);
      expect([await standing(inner, 'a'), await standing(inner, 'b')]).toEqual(['missing', [1]]);
      await sleep(698);
      expect([put, ...others].map(({ now }) => now())).toEqual(Array(4).fill('open'));
      await sleep(2);
      expect(put.now()).toEqual({ outcome: 'unknown' });
      expect(others.map(({ now }) => now())).toEqual(Array(3).fill('STORE_UNAVAILABLE'));
    }));

  test('lets the signal of a caller end the wait for a time-out', () =>
    world(
      [{ fault: { kind: 'time-out-after', minMs: 9_000, maxMs: 9_000 } }],
      async ({ inner, store, runtime, sleep }) => {
        const controller = new AbortController();
        const put = watch(store.put('a', bytes(1), { signal: controller.signal, ...probe }));
        await sleep(10);
        controller.abort(new Error('enough'));
        await sleep(1);
        expect([put.now(), await standing(inner, 'a')]).toEqual(['enough', [1]]);
        expect(runtime.clock.monotonic()).toBeLessThan(20);
      },
    ));

  test('a get can miss what is there', () =>
    world([{ nth: 1, fault: { kind: 'missing-get' } }], async ({ inner, store }) => {
      await inner.put('a', bytes(1), probe);
      expect(await store.get('a', probe)).toBe('missing');
      expect(await store.get('a', probe)).toMatchObject({ bytes: bytes(1) });
    }));

  test('a burst goes on for so many calls that fit', () =>
    world([{ operation: 'get', nth: 2, forCalls: 3, fault: { kind: 'unavailable' } }], async ({ store }) => {
      const struck: string[] = [];
      for (let i = 1; i <= 7; i++) {
        await store.put('a', bytes(1), probe);
        struck.push(
          await store.get('a', probe).then(
            () => 'ok',
            () => 'unavailable',
          ),
        );
      }
      expect(struck).toEqual(['ok', 'unavailable', 'unavailable', 'unavailable', 'ok', 'ok', 'ok']);
      expect(store.counts).toEqual({ unavailable: 3 });
      expect(store.calls).toBe(14);
    }));

  test('a burst goes on for so long, and another can begin afterwards', () => {
    const rules = new FaultRules([{ probability: 0.1, forMs: 50, fault: { kind: 'unavailable' } }]);
    const random = seededRandom(7);
    const struck = Array.from({ length: 20_000 }, (_, ms) => rules.strike(anyGet, ms, random).length === 1);
    const lengths = struck
      .map((is) => (is ? '!' : ' '))
      .join('')
      .split(/ +/)
      .filter((run) => run !== '')
      .slice(0, -1)
      .map((run) => run.length % 50);
    expect(lengths.length).toBeGreaterThan(100);
    expect(new Set(lengths)).toEqual(new Set([0]));
  });

  test('counts by kind what has struck, through new rules and a crash', () =>
    world([{ fault: { kind: 'unknown-before' } }], async ({ store }) => {
      expect(store.counts).toEqual({});
      await store.put('a', bytes(1), probe);
      store.inject([{ nth: 2, fault: { kind: 'crash' } }, { fault: { kind: 'unknown-before' } }]);
      await store.put('a', bytes(1), probe);
      await store.put('a', bytes(1), probe).catch(() => {});
      await store.put('a', bytes(1), probe).catch(() => {});
      expect(store.counts).toEqual({ 'unknown-before': 3, crash: 1 });
      expect(store.log).toHaveLength(4);
    }));
});
