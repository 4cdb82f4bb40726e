// The faulty store: each fault does what it says, the same seed strikes the same calls, and a rule that cannot strike
// is refused.
import { describe, expect, test } from 'vitest';
import { isQanatError } from '../../src/model/errors.ts';
import { MemoryObjectStore } from '../../src/store/memory-object-store.ts';
import { SimulatedCrash } from '../../src/testkit/faulty-connection.ts';
import type { FaultyObjectStoreOptions } from '../../src/testkit/faulty-object-store.ts';
import { FaultyObjectStore } from '../../src/testkit/faulty-object-store.ts';
import { drawInteger, seededRandom } from '../../src/testkit/seeded-random.ts';
import { SeededRuntime } from '../../src/testkit/seeded-runtime.ts';
import type { FaultRule, StoreFault } from '../../src/testkit/store-faults.ts';
import { bytes, probe, standing, world } from './faulty-world.ts';

describe('FaultyObjectStore', () => {
  test('passes everything on where nothing goes wrong', () =>
    world([], async ({ inner, store }) => {
      expect((await store.put('a', bytes(1), { if: 'absent', ...probe })).outcome).toBe('stored');
      expect(await store.put('a', bytes(2), { if: 'absent', ...probe })).toEqual({ outcome: 'exists' });
      expect(await store.get('a', probe)).toEqual(await inner.get('a', probe));
      expect(await store.list({ prefix: '', ...probe })).toEqual({ keys: [{ key: 'a', size: 1 }], more: false });
      expect(await store.delete(['a'], probe)).toEqual({ failed: [] });
      expect(await store.get('a', probe)).toBe('missing');
      expect(store.calls).toBe(6);
      expect(store.log).toEqual([]);
    }));

  test('lets requests take their time, and in that time overtake each other', () =>
    world([{ keyIncludes: 'slow', fault: { kind: 'latency', minMs: 100, maxMs: 200 } }], async (w) => {
      const slow = w.store.put('slow', bytes(1), probe);
      await w.store.put('quick', bytes(1), probe);
      expect(w.runtime.clock.monotonic()).toBe(0);
      expect(await standing(w.inner, 'slow')).toBe('missing');
      await slow;
      expect(w.runtime.clock.monotonic()).toBeGreaterThanOrEqual(100);
      expect(w.runtime.clock.monotonic()).toBeLessThanOrEqual(200);
      expect(w.store.log).toMatchObject([{ call: 1, operation: 'put', key: 'slow', kind: 'latency', atMs: 0 }]);
    }));

  test("answers 'unknown' before the effect, and there is none", () =>
    world([{ fault: { kind: 'unknown-before' } }], async ({ inner, store, sleep }) => {
      expect(await store.put('a', bytes(1), probe)).toEqual({ outcome: 'unknown' });
      await sleep(1e6);
      expect(await standing(inner, 'a')).toBe('missing');
    }));

  test("answers 'unknown' after the effect, whatever it was", () =>
    world([{ fault: { kind: 'unknown-after' } }], async ({ inner, store }) => {
      expect(await store.put('a', bytes(1), { if: 'absent', ...probe })).toEqual({ outcome: 'unknown' });
      expect(await store.put('a', bytes(2), { if: 'absent', ...probe })).toEqual({ outcome: 'unknown' });
      expect(await standing(inner, 'a')).toEqual([1]);
    }));

  test('lets a late put land after others wrote and deleted, with its condition and the bytes it had', () =>
    world([{ nth: 1, fault: { kind: 'late-put', minMs: 50, maxMs: 50 } }], async ({ inner, store, sleep }) => {
      const body = bytes(1);
      expect(await store.put('a', body, { if: 'absent', ...probe })).toEqual({ outcome: 'unknown' });
      body[0] = 9;
      expect(store.latePuts).toBe(1);
      expect((await store.put('a', bytes(2), { if: 'absent', ...probe })).outcome).toBe('stored');
      await store.delete(['a'], probe);
      expect(await store.get('a', probe)).toBe('missing');
      await sleep(51);
      expect(await standing(inner, 'a')).toEqual([1]);
      expect(store.latePuts).toBe(0);
    }));

  test('lets a late put be refused by what stands when it arrives', () =>
    world([{ nth: 1, fault: { kind: 'late-put', minMs: 50, maxMs: 50 } }], async ({ inner, store, sleep }) => {
      await store.put('a', bytes(1), { if: 'absent', ...probe });
      await store.put('a', bytes(2), { if: 'absent', ...probe });
      await sleep(51);
      expect(await standing(inner, 'a')).toEqual([2]);
    }));

  test('lets a doubled put land twice', () =>
    world([{ nth: 1, fault: { kind: 'doubled-put', minMs: 50, maxMs: 50 } }], async ({ inner, store, sleep }) => {
      expect(await store.put('a', bytes(1), probe)).toEqual({ outcome: 'unknown' });
      expect(await standing(inner, 'a')).toEqual([1]);
      await store.put('a', bytes(2), probe);
      expect(await standing(inner, 'a')).toEqual([2]);
      await sleep(51);
      expect(await standing(inner, 'a')).toEqual([1]);
    }));

  test('is unavailable without an effect; a delete may have had one', () =>
    world([{ fault: { kind: 'unavailable' } }], async ({ inner, store }) => {
      await inner.put('a', bytes(1), probe);
      for (const call of [
        () => store.put('b', bytes(1), probe),
        () => store.get('a', probe),
        () => store.list({ prefix: '', ...probe }),
        () => store.delete(['a'], probe),
      ]) {
        const error: unknown = await call().catch((cause: unknown) => cause);
        expect(isQanatError(error, 'STORE_UNAVAILABLE') && error.outcome).toBe('none');
      }
      expect(await standing(inner, 'a')).toEqual([1]);
      expect(await standing(inner, 'b')).toBe('missing');
      store.inject([{ operation: 'delete', fault: { kind: 'unavailable', afterEffect: true } }]);
      await expect(store.delete(['a'], probe)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
      expect(await standing(inner, 'a')).toBe('missing');
    }));

  test('damages what a get gives, and not what stands', () =>
    world([], async ({ inner, store }) => {
      const whole = bytes(...Array.from({ length: 100 }, (_, i) => i));
      await inner.put('a', whole, probe);
      store.inject([{ fault: { kind: 'flipped-bit' } }]);
      const flipped = await store.get('a', probe);
      store.inject([{ fault: { kind: 'truncated-get' } }]);
      const cut = await store.get('a', probe);
      if (typeof flipped === 'string' || typeof cut === 'string') throw new Error('there is a value');
      const wrongBits = flipped.bytes.reduce(
        (sum, byte, i) => sum + (byte ^ whole[i]!).toString(2).replaceAll('0', '').length,
        0,
      );
      expect(wrongBits).toBe(1);
      expect(flipped.size).toBe(100);
      expect(cut.bytes.byteLength).toBeLessThan(100);
      expect(cut.bytes).toEqual(whole.slice(0, cut.bytes.byteLength));
      expect(await standing(inner, 'a')).toEqual([...whole]);
    }));

  test('gives small pages from which the whole list can be put together', () =>
    world([{ fault: { kind: 'small-page', keysMax: 2 } }], async ({ inner, store }) => {
      for (const key of ['a', 'b', 'c', 'd', 'e']) await inner.put(key, bytes(1), probe);
      const seen: string[][] = [];
      for (let after: string | undefined, more = true; more;) {
        const page = await store.list({ prefix: '', after, limit: 4, ...probe });
        seen.push(page.keys.map(({ key }) => key));
        ({ more } = page);
        after = page.keys.at(-1)?.key;
      }
      expect(seen).toEqual([['a', 'b'], ['c', 'd'], ['e']]);
    }));

  test('crashes at the n-th call that fits, and every call from then on rejects', () =>
    world([{ operation: 'get', nth: 2, fault: { kind: 'crash' } }], async ({ store }) => {
      await store.get('a', probe);
      await store.put('a', bytes(1), probe);
      await expect(store.get('a', probe)).rejects.toBeInstanceOf(SimulatedCrash);
      expect(store.crashed).toBe(true);
      await expect(store.put('b', bytes(1), probe)).rejects.toBeInstanceOf(SimulatedCrash);
      await expect(store.list({ prefix: '', ...probe })).rejects.toBeInstanceOf(SimulatedCrash);
      await expect(store.delete(['a'], probe)).rejects.toBeInstanceOf(SimulatedCrash);
      store.heal();
      expect(await store.get('b', probe)).toBe('missing');
    }));

  test('lets requests under way in a crash land, vanish, or do either', async () => {
    for (const underWay of ['lands', 'vanishes', 'either'] as const) {
      const landed = await world([{ fault: { kind: 'latency', minMs: 10, maxMs: 10 } }], async (w) => {
        const keys = Array.from({ length: 40 }, (_, i) => `k${i}`);
        const puts = keys.map((key) => w.store.put(key, bytes(1), probe).catch((cause: unknown) => cause));
        await w.sleep(5);
        w.store.crash({ underWay });
        for (const answer of await Promise.all(puts)) expect(answer).toBeInstanceOf(SimulatedCrash);
        await w.sleep(100);
        return (await w.inner.list({ prefix: '', ...probe })).keys.length;
      });
      if (underWay === 'lands') expect(landed).toBe(40);
      else if (underWay === 'vanishes') expect(landed).toBe(0);
      else expect(landed > 5 && landed < 35).toBe(true);
    }
  });

  test('decides in the crashing call itself whether it lands', async () => {
    for (const underWay of ['lands', 'vanishes'] as const) {
      await world([{ nth: 1, fault: { kind: 'crash', underWay } }], async ({ inner, store, sleep }) => {
        await expect(store.put('a', bytes(1), probe)).rejects.toBeInstanceOf(SimulatedCrash);
        await sleep(1);
        expect(await standing(inner, 'a')).toEqual(underWay === 'lands' ? [1] : 'missing');
      });
    }
  });

  test('hangs after a crash when it is told to', async () => {
    const runtime = new SeededRuntime({ seed: 1 });
    const store = new FaultyObjectStore(new MemoryObjectStore(), { runtime, faults: [], afterCrash: 'hangs' });
    await expect(
      runtime.run(async () => {
        const underWay = store.put('a', bytes(1), probe);
        store.crash();
        await Promise.race([underWay, store.get('a', probe)]);
      }),
    ).rejects.toThrow(/stands still/);
  });

  test('rejects with the reason of a signal; the put that was sent lands all the same', () =>
    world([{ fault: { kind: 'latency', minMs: 10, maxMs: 10 } }], async ({ inner, store, sleep }) => {
      const controller = new AbortController();
      const { signal } = controller;
      const put = store.put('a', bytes(1), { signal, ...probe });
      const get = store.get('a', { signal, ...probe });
      controller.abort(new Error('enough'));
      await expect(put).rejects.toThrow('enough');
      await expect(get).rejects.toThrow('enough');
      await expect(store.put('b', bytes(1), { signal, ...probe })).rejects.toThrow('enough');
      await sleep(20);
      expect(await standing(inner, 'a')).toEqual([1]);
      expect(await standing(inner, 'b')).toBe('missing');
      expect(store.calls).toBe(2);
    }));

  test('strikes the same calls for the same seed, whatever else draws from the runtime', async () => {
    const logOf = async (seed: number, drawMore: boolean): Promise<string[]> => {
      const runtime = new SeededRuntime({ seed: 3 });
      const store = new FaultyObjectStore(new MemoryObjectStore(), { runtime, seed });
      const random = seededRandom(99);
      await runtime.run(async () => {
        for (let i = 0; i < 300; i++) {
          if (drawMore) runtime.random.fraction();
          const key = `k${drawInteger(random, 10)}`;
          const call = [
            () => store.put(key, bytes(1), { if: 'absent', ...probe }),
            () => store.get(key, probe),
            () => store.list({ prefix: '', ...probe }),
            () => store.delete([key], probe),
          ][drawInteger(random, 4)]!;
          await call().catch((cause: unknown) => expect(isQanatError(cause, 'STORE_UNAVAILABLE')).toBe(true));
        }
      });
      return store.log.map(({ call, kind, key }) => `${call} ${kind} ${key}`);
    };
    const first = await logOf(5, false);
    const kinds = new Set(first.map((line) => line.split(' ')[1]));
    expect(kinds).toEqual(
      new Set(['latency', 'unknown-before', 'unknown-after', 'late-put', 'doubled-put', 'unavailable', 'small-page']),
    );
    expect(await logOf(5, true)).toEqual(first);
    expect(await logOf(6, false)).not.toEqual(first);
  });

  test('strikes only what fits operation, purpose and key, and counts only that', () =>
    world(
      [{ operation: 'put', purpose: 'wal', keyIncludes: '/7', nth: 2, fault: { kind: 'unknown-before' } }],
      async ({ store }) => {
        const outcomes: string[] = [];
        for (const [key, purpose] of [
          ['wal/7', 'wal'],
          ['wal/8', 'wal'],
          ['wal/7', 'probe'],
          ['x/77', 'wal'],
          ['wal/7', 'wal'],
        ] as const) {
          await store.get(key, { purpose: 'wal' });
          outcomes.push((await store.put(key, bytes(1), { purpose })).outcome);
        }
        expect(outcomes).toEqual(['stored', 'stored', 'stored', 'unknown', 'stored']);
      },
    ));

  test('refuses a rule that is wrong or can never strike, with a sentence', () => {
    const late: StoreFault = { kind: 'late-put', minMs: 1, maxMs: 2 };
    const wrong: [unknown, RegExp][] = [
      [{ fault: { kind: 'unknwon' } }, /kind of a fault is one of latency, .*; got \{"kind":"unknwon"\}/],
      [{ fault: { kind: 'unknwon' } }, /; did you mean 'unknown-after'\?$/],
      [{ fault: { kind: 'overtaken' } }, /; did you mean 'overtaken-put'\?$/],
      [{ fault: { kind: 'timeout-after' } }, /; did you mean 'time-out-after'\?$/],
      [{ fault: 'flipedBit' }, /got "flipedBit"; did you mean 'flipped-bit'\?$/],
      [{ fault: { kind: 'toString' } }, /kind of a fault is one of/],
      [{ fault: { kind: 'zzz' } }, /; got \{"kind":"zzz"\}$/],
      [{ probabilty: 0.1, fault: late }, /has no field probabilty; .*; did you mean 'probability'\?$/],
      [{ operation: 'puts', fault: late }, /got "puts"; did you mean 'put'\?$/],
      [{ fault: { kind: 'latency', minMs: 1, maxMs: 2, shape: 'longtail' } }, /did you mean 'long-tailed'\?$/],
      [{ fault: { kind: 'conflict-after', told: 'refuse' } }, /one of unknown, refused; .* 'refused'\?$/],
      [{ fault: { kind: 'key-rate' } }, /perKeyMs is 1 to 60000 milliseconds; got undefined/],
      [{ fault: { kind: 'key-rate', perKeyMs: 60_001 } }, /perKeyMs is 1 to 60000/],
      [{ fault: { kind: 'overtaken-put', maxMs: -1 } }, /maxMs is whole milliseconds/],
      [{ fault: { kind: 'put-after-delete' } }, /maxMs is whole milliseconds/],
      [{ fault: { kind: 'time-out-before', minMs: 1, maxMs: 2 ** 31 } }, /minMs and maxMs/],
      [{ fault: { kind: 'unavailable', afterEffect: 'yes' } }, /afterEffect is true or false/],
      [{ operation: 'get', fault: { kind: 'conflict-before' } }, /can never strike/],
      [{ nth: 1, forCalls: 0, fault: late }, /forCalls is a number of calls/],
      [{ nth: 1, forMs: -1, fault: late }, /forMs is a number of milliseconds/],
      [{ nth: 1, forMs: 1, forCalls: 1, fault: late }, /both forCalls and forMs/],
      [{ forCalls: 5, fault: late }, /strikes always; a burst needs nth or probability/],
      [{ probability: '1', fault: late }, /probability lies above 0/],
      [{ fault: undefined }, /kind of a fault/],
      [{}, /kind of a fault/],
      [null, /fault rule 1 is an object/],
      [{ operation: 'get', fault: late }, /can never strike: late-put happens to put, not to get/],
      [{ operation: 'put', fault: { kind: 'flipped-bit' } }, /can never strike/],
      [{ operation: 'remove', fault: late }, /an operation is one of put, get, list, delete/],
      [{ nth: 0, fault: late }, /nth counts calls from 1/],
      [{ probability: 0, fault: late }, /probability lies above 0/],
      [{ probability: 1.5, fault: late }, /probability/],
      [{ probability: 0.5, nth: 2, fault: late }, /both nth and probability/],
      [{ keyInclude: 'x', fault: late }, /has no field keyInclude; it has operation, purpose, keyIncludes/],
      [{ keyIncludes: '', fault: late }, /keyIncludes is a text/],
      [{ fault: { kind: 'late-put', minMs: 5, maxMs: 2 } }, /minMs and maxMs/],
      [{ fault: { kind: 'latency' } }, /minMs and maxMs/],
      [{ fault: { kind: 'latency', ms: 5 } }, /has no field ms/],
      [{ fault: { kind: 'small-page', keysMax: 0 } }, /keysMax is 1 or more/],
      [{ fault: { kind: 'unavailable', afterEffect: true } }, /only a delete/],
      [{ fault: { kind: 'crash', underWay: 'lost' } }, /'lands', 'vanishes'/],
    ];
    const runtime = new SeededRuntime({ seed: 1 });
    for (const [rule, sentence] of wrong) {
      const make = (): unknown =>
        new FaultyObjectStore(new MemoryObjectStore(), { runtime, faults: [rule as FaultRule] });
      expect(make).toThrow(TypeError);
      expect(make).toThrow(sentence);
    }
    const store = new FaultyObjectStore(new MemoryObjectStore(), { runtime, faults: [] });
    expect(() => store.inject([{ fault: { kind: 'nothing' } } as unknown as FaultRule])).toThrow(TypeError);
    expect(() => store.crash({ underWay: 'x' as 'lands' })).toThrow(TypeError);
  });

  test('refuses to be made of what it cannot be made of, with a sentence', () => {
    const runtime = new SeededRuntime({ seed: 1 });
    const inner = new MemoryObjectStore();
    const wrong: [unknown, unknown, RegExp][] = [
      [undefined, { runtime }, /stands before an object store; got undefined/],
      [inner, undefined, /is an object; got undefined/],
      [inner, {}, /needs a runtime/],
      [inner, { runtime, sede: 1 }, /has no field sede; .*; did you mean 'seed'\?$/],
      [inner, { runtime, seed: '1' }, /a seed is an integer, .*; got "1"/],
      [inner, { runtime, seed: Number.NaN }, /a seed is an integer, .*; got NaN/],
      [inner, { runtime, seed: null }, /a seed is an integer, .*; got null/],
      [inner, { runtime, faults: {} }, /faults are an array of rules/],
      [inner, { runtime, afterCrash: 'hang' }, /'rejects' or 'hangs'; got "hang"/],
    ];
    for (const [store, options, sentence] of wrong) {
      const make = (): unknown =>
        new FaultyObjectStore(store as MemoryObjectStore, options as FaultyObjectStoreOptions);
      expect(make).toThrow(TypeError);
      expect(make).toThrow(sentence);
    }
    const store = new FaultyObjectStore(inner, { runtime, faults: [] });
    expect(() => store.crash({ underway: 'lands' } as object)).toThrow(/did you mean 'underWay'\?$/);
  });
});
