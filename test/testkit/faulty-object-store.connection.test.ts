// A process that is stopped, and a connection that is cut: what reaches the store, what is answered, and when.
import { describe, expect, test } from 'vitest';
import type { ConnectionCut } from '../../src/testkit/faulty-connection.ts';
import type { FaultRule } from '../../src/testkit/store-faults.ts';
import { bytes, probe, standing, watch, world } from './faulty-world.ts';

const slow: FaultRule = { fault: { kind: 'latency', minMs: 10, maxMs: 10 } };
const absent = { if: 'absent', ...probe } as const;

describe('FaultyObjectStore, the connection', () => {
  test('while paused, what was sent lands, nothing is answered, and what is asked for waits', () =>
    world([slow], async ({ inner, store, connect, sleep }) => {
      const sent = watch(store.put('sent', bytes(1), absent));
      await sleep(5);
      store.pause();
      const queued = watch(store.put('queued', bytes(1), absent));
      await sleep(1e7);
      expect(store.paused).toBe(true);
      expect([sent.now(), queued.now()]).toEqual(['open', 'open']);
      expect([await standing(inner, 'sent'), await standing(inner, 'queued')]).toEqual([[1], 'missing']);
      await connect([]).put('queued', bytes(2), absent);
      store.resume();
      await sleep(9);
      expect([sent.now(), queued.now()]).toMatchObject([{ outcome: 'stored' }, 'open']);
      await sleep(2);
      expect(queued.now()).toEqual({ outcome: 'exists' });
    }));

  test('gives the answers of a pause in the order in which they came', () =>
    world([{ keyIncludes: 'slow', fault: { kind: 'latency', minMs: 100, maxMs: 100 } }], async ({ store, sleep }) => {
      const order: string[] = [];
      const calls = ['slow', 'quick', 'quick-2'].map((key) => store.get(key, probe).then(() => order.push(key)));
      store.pause();
      await sleep(200);
      expect(order).toEqual([]);
      store.resume();
      await Promise.all(calls);
      expect(order).toEqual(['quick', 'quick-2', 'slow']);
    }));

  test('never sends in the end what a signal called back, or a crash ended, while it was paused', () =>
    world([], async ({ inner, store, sleep }) => {
      const controller = new AbortController();
      store.pause();
      const given = watch(store.put('a', bytes(1), { signal: controller.signal, ...probe }));
      controller.abort(new Error('enough'));
      await sleep(1);
      expect(given.now()).toBe('enough');
      store.resume();
      await sleep(10);
      expect(await standing(inner, 'a')).toBe('missing');
      store.pause();
      const dying = watch(store.put('b', bytes(1), probe));
      store.crash({ underWay: 'lands' });
      await sleep(1);
      expect(dying.now()).toBe('the process has crashed (simulated)');
      store.heal();
      await sleep(10);
      expect([await standing(inner, 'b'), store.paused]).toEqual(['missing', false]);
      expect((await store.put('b', bytes(2), probe)).outcome).toBe('stored');
    }));

  test('a connection that is cut and refuses answers at once; what was under way lands, its bytes as they were', () =>
    world([slow], async ({ inner, store, sleep }) => {
      const body = bytes(1);
      const put = watch(store.put('a', body, absent));
      const others = [store.get('a', probe), store.list({ prefix: '', ...probe }), store.delete(['c'], probe)].map(
        watch,
      );
      await sleep(5);
      store.cutOff({ how: 'refuses' });
      expect(store.cut).toBe('refuses');
      await sleep(0);
      body[0] = 9;
      expect(put.now()).toEqual({ outcome: 'unknown' });
      expect(others.map(({ now }) => now())).toEqual(Array(3).fill('STORE_UNAVAILABLE'));
      const refused = [
        store.put('b', bytes(1), probe),
        store.get('a', probe),
        store.list({ prefix: '', ...probe }),
        store.delete(['a'], probe),
      ].map(watch);
      await sleep(1);
      expect(refused.map(({ now }) => now())).toEqual(Array(4).fill('STORE_UNAVAILABLE'));
      await sleep(100);
      expect([await standing(inner, 'a'), await standing(inner, 'b')]).toEqual([[1], 'missing']);
      store.reconnect();
      expect((await store.put('b', bytes(2), probe)).outcome).toBe('stored');
      expect(store.log.at(-1)?.kind).toBe('latency'); // The rules are as they were.
    }));

  test('a connection that hangs gives the answers of what was sent, and sends what was asked for, when it is whole', () =>
    world([slow], async ({ inner, store, sleep }) => {
      const sent = watch(store.put('sent', bytes(1), absent));
      await sleep(5);
      store.cutOff({ how: 'hangs' });
      const queued = watch(store.delete(['sent'], probe));
      await sleep(1e6);
      expect([sent.now(), queued.now(), await standing(inner, 'sent')]).toEqual(['open', 'open', [1]]);
      store.reconnect();
      await sleep(11);
      expect(sent.now()).toMatchObject({ outcome: 'stored' });
      expect([queued.now(), await standing(inner, 'sent')]).toEqual([{ failed: [] }, 'missing']);
    }));

  test('what vanishes in a cut is told as unknown, never as if it could not have been, and never lands', async () => {
    for (const how of ['refuses', 'hangs'] as const) {
      await world([slow], async ({ inner, store, sleep }) => {
        const put = watch(store.put('a', bytes(1), absent));
        const get = watch(store.get('a', probe));
        await sleep(5);
        store.cutOff({ how, underWay: 'vanishes' });
        await sleep(1_000);
        store.reconnect();
        await sleep(1);
        expect([put.now(), get.now()]).toEqual([{ outcome: 'unknown' }, 'STORE_UNAVAILABLE']);
        await sleep(1_000);
        expect(await standing(inner, 'a')).toBe('missing');
      });
    }
  });

  test('chance decides for each request under way in a cut', () =>
    world([slow], async ({ inner, store, sleep }) => {
      const puts = Array.from({ length: 40 }, (_, i) => store.put(`k${i}`, bytes(1), probe));
      await sleep(5);
      store.cutOff({ how: 'refuses', underWay: 'either' });
      expect(new Set((await Promise.all(puts)).map(({ outcome }) => outcome))).toEqual(new Set(['unknown']));
      await sleep(100);
      const landed = (await inner.list({ prefix: '', ...probe })).keys.length;
      expect(landed > 5 && landed < 35).toBe(true);
    }));

  test('a stopped process hears nothing of a cut before it goes on', () =>
    world([slow], async ({ store, sleep }) => {
      const put = watch(store.put('a', bytes(1), probe));
      await sleep(5);
      store.pause();
      store.cutOff({ how: 'refuses' });
      const queued = watch(store.get('a', probe));
      await sleep(100);
      expect([put.now(), queued.now()]).toEqual(['open', 'open']);
      store.resume();
      await sleep(1);
      expect([put.now(), queued.now()]).toEqual([{ outcome: 'unknown' }, 'STORE_UNAVAILABLE']);
      store.cutOff({ how: 'hangs' });
      store.pause();
      const twice = watch(store.get('a', probe));
      store.resume();
      await sleep(100);
      expect(twice.now()).toBe('open'); // It goes on, and is still cut off.
      store.heal();
      await sleep(100);
      expect(twice.now()).not.toBe('open');
      expect(store.cut).toBe(undefined);
    }));

  test('a cut that comes and goes while the process is stopped does nothing to what it has not sent', () =>
    world([], async ({ inner, store, sleep }) => {
      store.pause();
      const queued = watch(store.put('a', bytes(1), absent));
      store.cutOff({ how: 'refuses', underWay: 'vanishes' });
      store.reconnect();
      store.resume();
      await sleep(1);
      expect(queued.now()).toMatchObject({ outcome: 'stored' });
      expect(await standing(inner, 'a')).toEqual([1]);
    }));

  test('refuses a cut that is none, with a sentence', () =>
    world([], async ({ store }) => {
      const cut = (options: unknown) => (): void => store.cutOff(options as ConnectionCut);
      expect(cut({ how: 'refuse' })).toThrow(/one of refuses, hangs; got "refuse"; did you mean 'refuses'\?/);
      expect(cut({})).toThrow(TypeError);
      expect(cut(undefined)).toThrow(TypeError);
      expect(cut({ how: 'hangs', underway: 'lands' })).toThrow(/no field underway; .* did you mean 'underWay'\?/);
      expect(cut({ how: 'hangs', underWay: 'lost' })).toThrow(TypeError);
      expect(store.cut).toBe(undefined);
    }));
});
