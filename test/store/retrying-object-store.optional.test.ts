// What a store may have besides, through the retrying store; and calls that are none.
import { describe, expect, test } from 'vitest';
import { MiB } from '../../src/base/bytes.ts';
import { MemoryObjectStore } from '../../src/store/memory-object-store.ts';
import type { PutResult, RequestTally, StoreRequestOptions } from '../../src/store/object-store.ts';
import { RetryingObjectStore } from '../../src/store/retrying-object-store.ts';
import { SeededRuntime } from '../../src/testkit/seeded-runtime.ts';
import { away, backoff, forbidUnhandledRejections, overDeafStore } from './deaf-store.ts';

const read = { purpose: 'read' } as const;

forbidUnhandledRejections();

describe('what a store may have or not, the retrying store', () => {
  const done: PutResult = { outcome: 'stored', etag: 'x' };

  test('has if and only if the store has it', () => {
    const { store } = overDeafStore();
    expect([store.putLarge, store.copyRanges, store.abortUploads, store.probe]).toEqual(Array(4).fill(undefined));
    expect('putLarge' in store).toBe(false);
    const { store: other } = overDeafStore(1, { copyRanges: () => Promise.resolve(done) });
    expect([typeof other.copyRanges, typeof other.putLarge]).toEqual(['function', 'undefined']);
  });

  test('passes on once, bound to its store, with the tally, and answers in time', async () => {
    const tally: RequestTally = { sent: () => {}, received: () => {} };
    const seen: unknown[] = [];
    class Large extends MemoryObjectStore {
      readonly result = Promise.resolve(done);
      putLarge(key: string, _body: AsyncIterable<Uint8Array>, options: StoreRequestOptions): Promise<PutResult> {
        seen.push([key, options.tally]);
        return key === 'hangs' ? new Promise(() => {}) : this.result;
      }
      copyRanges(key: string, _pieces: unknown, options: StoreRequestOptions): Promise<PutResult | 'missing'> {
        seen.push([key, options.tally]);
        return key === 'hangs' ? new Promise(() => {}) : Promise.reject(away);
      }
    }
    const runtime = new SeededRuntime({ seed: 1 });
    const store = new RetryingObjectStore(new Large(), { runtime, deadlineMs: 1e6, backoff });
    const options = { purpose: 'compaction', tally, sizeBytes: 64 * MiB } as const;
    const pieces = [{ key: 'a', range: { start: 0, end: 5 * MiB } }, { bytes: new Uint8Array(4 * MiB) }];
    async function* nothing(): AsyncGenerator<Uint8Array> {}
    await runtime.run(async () => {
      expect(await store.putLarge!('a', nothing(), options)).toBe(done);
      await expect(store.copyRanges!('a', pieces, options)).rejects.toBe(away);
      expect(await store.putLarge!('hangs', nothing(), options)).toEqual({ outcome: 'unknown' });
      expect(runtime.clock.monotonic()).toBe(8 * 28_000);
      expect(await store.copyRanges!('hangs', pieces, options)).toEqual({ outcome: 'unknown' });
      expect(runtime.clock.monotonic()).toBe((8 + 2) * 28_000);
    });
    expect(seen).toEqual(['a', 'a', 'hangs', 'hangs'].map((key) => [key, tally]));
    expect(runtime.pendingTimers).toBe(0);
  });

  test('gives up uploads again and again, until the store is there', async () => {
    let calls = 0;
    const { runtime, store } = overDeafStore(60_000, {
      abortUploads: () => (calls++ < 3 ? Promise.reject(away) : Promise.resolve(7)),
    });
    await runtime.run(async () => {
      expect(await store.abortUploads!({ prefix: '', olderThanMs: 1, purpose: 'sweep' })).toBe(7);
    });
    expect(calls).toBe(4);
  });

  test('refuses in the words of the store, and never at once, what is no call', async () => {
    const { store } = overDeafStore(1, {
      copyRanges: (_, pieces) => Promise.reject(new TypeError(`no ${typeof pieces}`)),
    });
    const memory = new RetryingObjectStore(new MemoryObjectStore(), {
      runtime: new SeededRuntime({ seed: 1 }),
      deadlineMs: 1,
    });
    const wrong = undefined as never;
    await expect(memory.get('a', wrong)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(memory.get('a', { range: { start: 0n, end: 1 } as never, ...read })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
    await expect(memory.list(wrong)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(memory.put('a', wrong, read)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(memory.put('a', new Uint8Array(1), wrong)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(memory.delete(wrong, read)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(memory.delete(['a'], wrong)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(store.copyRanges!('a', wrong, read)).rejects.toThrow('no undefined');
    await expect(store.copyRanges!('a', [wrong], read)).rejects.toThrow(TypeError);
  });
});
