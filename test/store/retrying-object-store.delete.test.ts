// Deletions through the retrying store: key by key, as far as trying again can help.
import { describe, expect, test } from 'vitest';
import { qanatError } from '../../src/model/errors.ts';
import type { DeleteResult } from '../../src/store/object-store.ts';
import { away, forbidUnhandledRejections, overDeafStore } from './deaf-store.ts';

const read = { purpose: 'read' } as const;

forbidUnhandledRejections();

describe('of a deletion, the retrying store', () => {
  const names = (result: DeleteResult): readonly string[] => result.failed.map(({ key }) => key);

  test('tries only the keys again that failed because the store was unavailable', async () => {
    const asked: (readonly string[])[] = [];
    const forbidden = new Error('forbidden');
    const { runtime, store } = overDeafStore(60_000, {
      delete: (keys) => {
        asked.push(keys);
        const failed = keys.flatMap((key) =>
          key === 'never' ? [{ key, cause: forbidden }] : key.length > asked.length ? [{ key, cause: away }] : [],
        );
        return Promise.resolve({ failed });
      },
    });
    await runtime.run(async () => {
      expect(await store.delete(['a', 'never', 'bb', 'ccc', 'dd'], { purpose: 'sweep' })).toEqual({
        failed: [{ key: 'never', cause: forbidden }],
      });
    });
    expect(asked).toEqual([['a', 'never', 'bb', 'ccc', 'dd'], ['bb', 'ccc', 'dd'], ['ccc']]);
  });

  test('tells what still failed when the time is over', async () => {
    const { runtime, store } = overDeafStore(60_000, {
      delete: (keys) =>
        Promise.resolve({ failed: keys.filter((key) => key !== 'a').map((key) => ({ key, cause: away })) }),
    });
    await runtime.run(async () => {
      const result = await store.delete(['a', 'b', 'c'], { purpose: 'sweep' });
      expect(result.failed).toEqual(['b', 'c'].map((key) => ({ key, cause: away })));
    });
    expect(runtime.clock.monotonic()).toBeGreaterThan(45_000);
    expect(runtime.clock.monotonic()).toBeLessThanOrEqual(60_000);
  });

  test('fails as a whole if the store was never there, and key by key if it went away', async () => {
    let calls = 0;
    const { runtime, store } = overDeafStore(10_000, {
      delete: (keys) => {
        calls += 1;
        if (calls > 1) return Promise.reject(away);
        return Promise.resolve({ failed: keys.slice(1).map((key) => ({ key, cause: away })) });
      },
    });
    await runtime.run(async () => {
      expect(names(await store.delete(['a', 'b'], read))).toEqual(['b']);
      await expect(store.delete(['a', 'b'], read)).rejects.toBe(away);
    });
  });

  test('takes no late answer of an earlier try for that of a later one', async () => {
    const { runtime, calls, store, after } = overDeafStore();
    await runtime.run(async () => {
      const result = store.delete(['a', 'b'], read);
      await after(40_000);
      expect(calls.map(({ args }) => args[0])).toEqual([
        ['a', 'b'],
        ['a', 'b'],
      ]);
      calls[0]!.end({ failed: [{ key: 'a', cause: new Error('forbidden') }] });
      await after(10);
      calls[1]!.end({ failed: [{ key: 'b', cause: away }] });
      await after(2_000);
      expect(calls[2]!.args[0]).toEqual(['b']);
      calls[2]!.end({ failed: [] });
      expect(await result).toEqual({ failed: [] });
    });
  });

  test('throws the reason of the signal also when a part was deleted', async () => {
    const { runtime, store } = overDeafStore(60_000, {
      delete: (keys) => Promise.resolve({ failed: [{ key: keys.at(-1)!, cause: away }] }),
    });
    const controller = new AbortController();
    const reason = qanatError('STORE_UNAVAILABLE', 'out of time', { operation: 'journal', key: undefined });
    await runtime.run(async () => {
      runtime.timers.after(300, () => controller.abort(reason));
      await expect(store.delete(['a', 'b'], { signal: controller.signal, ...read })).rejects.toBe(reason);
    });
    expect(runtime.pendingTimers).toBe(0);
  });
});
