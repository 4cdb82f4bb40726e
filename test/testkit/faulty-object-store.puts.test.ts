// Puts through the faulty store that conflict with themselves, arrive too often, wait for a rival, or come back after a
// deletion: exactly what stands in the store, and exactly what is told.
import { describe, expect, test } from 'vitest';
import { bytes, probe, standing, watch, world } from './faulty-world.ts';

const absent = { if: 'absent', ...probe } as const;

describe('FaultyObjectStore, puts', () => {
  test("tells a conflict as 'unknown', without and with the effect, and strikes only conditions", () =>
    world([{ fault: { kind: 'conflict-before' } }], async ({ inner, store }) => {
      expect(await store.put('a', bytes(1), absent)).toEqual({ outcome: 'unknown' });
      expect(await standing(inner, 'a')).toBe('missing');
      expect((await store.put('a', bytes(2), probe)).outcome).toBe('stored');
      store.inject([{ fault: { kind: 'conflict-after' } }]);
      expect((await store.put('a', bytes(3), probe)).outcome).toBe('stored');
      expect(await store.put('b', bytes(4), absent)).toEqual({ outcome: 'unknown' });
      expect(await standing(inner, 'b')).toEqual([4]);
      expect(await store.put('a', bytes(5), absent)).toEqual({ outcome: 'unknown' });
      expect(await standing(inner, 'a')).toEqual([3]);
      expect(store.log.map(({ call, kind }) => `${call} ${kind}`)).toEqual([
        '1 conflict-before',
        '4 conflict-after',
        '5 conflict-after',
      ]);
    }));

  test('lies about a conflict where it is told to, in the words of the condition', () =>
    world([{ fault: { kind: 'conflict-before', told: 'refused' } }], async ({ inner, store }) => {
      const first = await inner.put('a', bytes(1), probe);
      if (first.outcome !== 'stored') throw new Error('nothing stood in its way');
      const over = { if: { etag: first.etag }, ...probe };
      expect(await store.put('b', bytes(2), absent)).toEqual({ outcome: 'exists' });
      expect(await store.put('a', bytes(2), over)).toEqual({ outcome: 'changed' });
      expect([await standing(inner, 'a'), await standing(inner, 'b')]).toEqual([[1], 'missing']);
      store.inject([{ fault: { kind: 'conflict-after', told: 'refused' } }]);
      expect(await store.put('b', bytes(2), absent)).toEqual({ outcome: 'exists' });
      expect(await store.put('a', bytes(3), over)).toEqual({ outcome: 'changed' });
      expect([await standing(inner, 'a'), await standing(inner, 'b')]).toEqual([[3], [2]]);
    }));

  test('refuses a put of a key that another connection has put a moment ago, and only that', () =>
    world([{ fault: { kind: 'key-rate', perKeyMs: 1_000 } }], async ({ inner, store, connect, sleep }) => {
      expect((await connect([]).put('a', bytes(1), probe)).outcome).toBe('stored');
      await sleep(999);
      await expect(store.put('a', bytes(2), probe)).rejects.toMatchObject({
        code: 'STORE_UNAVAILABLE',
        outcome: 'none',
      });
      expect((await store.put('b', bytes(2), probe)).outcome).toBe('stored');
      expect(await standing(inner, 'a')).toEqual([1]);
      await sleep(1); // What was refused did not reach the store, so it is the first put that counts.
      expect((await store.put('a', bytes(3), probe)).outcome).toBe('stored');
      expect(await standing(inner, 'a')).toEqual([3]);
      expect(store.log).toMatchObject([{ call: 1, key: 'a', kind: 'key-rate', atMs: 999 }]);
    }));

  test('counts for the rate what reaches the store, not what is called', () =>
    world(
      [{ nth: 1, fault: { kind: 'latency', minMs: 500, maxMs: 500 } }, { fault: { kind: 'key-rate', perKeyMs: 100 } }],
      async ({ store, sleep }) => {
        const slow = store.put('a', bytes(1), probe);
        await sleep(450);
        expect((await store.put('a', bytes(2), probe)).outcome).toBe('stored');
        await expect(slow).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
        expect(store.log.map(({ call, kind, atMs }) => [call, kind, atMs])).toEqual([
          [1, 'latency', 0],
          [1, 'key-rate', 500],
        ]);
      },
    ));

  test('lets a put land right after its key was deleted by another connection, with the bytes it had', () =>
    world([{ nth: 1, fault: { kind: 'put-after-delete', maxMs: 60_000 } }], async (w) => {
      const { inner, store, connect, sleep, runtime } = w;
      const body = bytes(1);
      expect(await store.put('a', body, absent)).toEqual({ outcome: 'unknown' });
      body[0] = 9;
      expect((await store.put('a', bytes(2), absent)).outcome).toBe('stored');
      await sleep(30_000);
      await connect([]).delete(['b'], probe);
      expect([await standing(inner, 'a'), store.latePuts]).toEqual([[2], 1]);
      await connect([]).delete(['b', 'a'], probe);
      await sleep(0);
      expect([await standing(inner, 'a'), store.latePuts]).toEqual([[1], 0]);
      await connect([]).delete(['a'], probe);
      await sleep(100_000);
      expect(await standing(inner, 'a')).toBe('missing'); // It comes back once.
      expect(runtime.pendingTimers).toBe(0);
    }));

  test('lets a put that waits for a deletion land in the end without one, and be refused by what stands', () =>
    world([{ nth: 1, fault: { kind: 'put-after-delete', maxMs: 1_000 } }], async ({ inner, store, sleep }) => {
      await store.put('a', bytes(1), absent);
      await store.put('a', bytes(2), absent);
      await sleep(999);
      expect(store.latePuts).toBe(1);
      store.crash(); // It is on its way already.
      await sleep(2);
      expect([await standing(inner, 'a'), store.latePuts]).toEqual([[2], 0]);
      store.heal();
      store.inject([{ nth: 1, fault: { kind: 'put-after-delete', maxMs: 1_000 } }]);
      await store.put('b', bytes(1), absent);
      await sleep(1_001);
      expect(await standing(inner, 'b')).toEqual([1]);
    }));

  test('holds half a body until a rival has stored, and judges the condition then', () =>
    world([{ nth: 1, fault: { kind: 'overtaken-put', maxMs: 60_000 } }], async (w) => {
      const { inner, store, connect, sleep, runtime } = w;
      const held = watch(store.put('a', bytes(1), absent));
      await sleep(1_000);
      expect([held.now(), await standing(inner, 'a')]).toEqual(['open', 'missing']);
      await connect([]).put('b', bytes(2), absent);
      await sleep(1);
      expect(held.now()).toBe('open');
      expect((await connect([]).put('a', bytes(2), absent)).outcome).toBe('stored');
      await sleep(1);
      expect([held.now(), await standing(inner, 'a')]).toEqual([{ outcome: 'exists' }, [2]]);
      expect(runtime.pendingTimers).toBe(0);
    }));

  test('holds an unconditional put so that it overwrites its rival, and one without a rival only for so long', () =>
    world([{ keyIncludes: 'held', fault: { kind: 'overtaken-put', maxMs: 500 } }], async (w) => {
      const { inner, store, connect, sleep, runtime } = w;
      const first = store.put('held', bytes(1), probe);
      await sleep(100);
      await connect([]).put('held', bytes(2), probe);
      expect((await first).outcome).toBe('stored');
      expect([await standing(inner, 'held'), runtime.clock.monotonic()]).toEqual([[1], 100]);
      await store.put('held-2', bytes(1), absent);
      expect([await standing(inner, 'held-2'), runtime.clock.monotonic()]).toEqual([[1], 600]);
    }));

  test('lets a held put land that its caller has given up, and not one whose process died without it', () =>
    world([{ fault: { kind: 'overtaken-put', maxMs: 500 } }], async ({ inner, store, sleep }) => {
      const controller = new AbortController();
      const given = watch(store.put('a', bytes(1), { signal: controller.signal, ...absent }));
      controller.abort(new Error('enough'));
      await sleep(499);
      expect([given.now(), await standing(inner, 'a')]).toEqual(['enough', 'missing']);
      await sleep(2);
      expect(await standing(inner, 'a')).toEqual([1]);
      const dying = watch(store.put('b', bytes(1), absent));
      await sleep(100);
      store.crash({ underWay: 'vanishes' });
      await sleep(1_000);
      expect([dying.now(), await standing(inner, 'b')]).toEqual(['the process has crashed (simulated)', 'missing']);
    }));
});
