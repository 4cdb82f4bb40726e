// The retrying store before a store that hangs: every call ends, nothing is left behind, and no answer that comes too
// late reaches anybody.
import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { MiB } from '../../src/base/bytes.ts';
import { MemoryObjectStore } from '../../src/store/memory-object-store.ts';
import type { StorePurpose } from '../../src/store/object-store.ts';
import { callLimitMs, retryDeadlineMs } from '../../src/store/request-deadlines.ts';
import { RetryingObjectStore } from '../../src/store/retrying-object-store.ts';
import { FaultyObjectStore } from '../../src/testkit/faulty-object-store.ts';
import { SeededRuntime } from '../../src/testkit/seeded-runtime.ts';
import type { FaultRule } from '../../src/testkit/store-faults.ts';
import { away, backoff, forbidUnhandledRejections, overDeafStore } from './deaf-store.ts';

const read = { purpose: 'read' } as const;

forbidUnhandledRejections();

function open(faults: readonly FaultRule[], deadlineMs = 120_000) {
  const runtime = new SeededRuntime({ seed: 1 });
  const inner = new MemoryObjectStore();
  const faulty = new FaultyObjectStore(inner, { runtime, faults, seed: 1 });
  return { runtime, inner, faulty, store: new RetryingObjectStore(faulty, { runtime, deadlineMs, backoff }) };
}

describe('before a store that never answers, the retrying store', () => {
  test('ends every call, by the deadline of its purpose and no sooner than a request may take', async () => {
    for (const purpose of ['wal', 'read', 'journal', 'snapshot', 'sweep', 'probe'] as StorePurpose[]) {
      for (const deadlineMs of [30, 3_000, 20_000, 120_000]) {
        const { runtime, faulty, store } = open([], deadlineMs);
        faulty.cutOff({ how: 'hangs' });
        const options = { purpose };
        await runtime.run(async () => {
          const endedAt = (call: Promise<unknown>): Promise<number> =>
            call.then(
              () => expect.fail('it has no answer'),
              (cause: unknown) => {
                expect(cause).toMatchObject({ code: 'STORE_UNAVAILABLE' });
                return runtime.clock.monotonic();
              },
            );
          const times = await Promise.all([
            endedAt(store.get('a', { ...options, range: { start: 0, end: 1 } })),
            endedAt(store.list({ prefix: '', ...options })),
            endedAt(store.delete(['a'], options)),
          ]);
          for (const [i, operation] of (['get', 'list', 'delete'] as const).entries()) {
            const limitMs = callLimitMs({ operation, purpose, bytes: operation === 'get' ? 1 : undefined });
            const allMs = retryDeadlineMs(purpose, deadlineMs);
            const firstMs = Math.min(limitMs, Math.max(1_000, allMs / 2));
            expect(times[i], `${operation} for ${purpose}`).toBeGreaterThanOrEqual(firstMs);
            expect(times[i], `${operation} for ${purpose}`).toBeLessThanOrEqual(Math.max(1_000, allMs + 1_000));
            if (allMs > 1_000) expect(faulty.calls).toBeGreaterThan(3);
          }
        });
        expect(runtime.pendingTimers).toBe(0);
      }
    }
  });

  test("answers a put with 'unknown', and has sent it once", async () => {
    const { runtime, calls, store } = overDeafStore();
    await runtime.run(async () => {
      const answer = await store.put('a', new Uint8Array(8 * MiB), { purpose: 'wal', if: 'absent' });
      expect(answer).toEqual({ outcome: 'unknown' });
      expect(runtime.clock.monotonic()).toBe(callLimitMs({ operation: 'put', purpose: 'wal', bytes: 8 * MiB }));
    });
    expect(calls).toHaveLength(1);
    expect(calls[0]!.signal?.aborted).toBe(true);
    expect(calls[0]!.args[2]).toMatchObject({ if: 'absent', purpose: 'wal' });
    expect(runtime.pendingTimers).toBe(0);
  });

  test('tells a put that is answered later nothing, and one that was written finds its bytes', async () => {
    const { runtime, inner, store, faulty } = open([
      { nth: 1, fault: { kind: 'latency', minMs: 60_000, maxMs: 60_000 } },
    ]);
    await runtime.run(async () => {
      const body = new Uint8Array([1, 2, 3]);
      expect(await store.put('a', body, { purpose: 'wal', if: 'absent' })).toEqual({ outcome: 'unknown' });
      expect(await inner.get('a', read)).toBe('missing');
      expect(await store.put('a', body, { purpose: 'wal', if: 'absent' })).toMatchObject({ outcome: 'stored' });
      await new Promise<void>((resolve) => void runtime.timers.after(60_000, resolve));
      // The first one has arrived since, with its condition.
      expect(await inner.get('a', read)).toMatchObject({ bytes: body });
    });
    expect(faulty.calls).toBe(2);
  });

  test('goes on as soon as the store answers again', async () => {
    const { runtime, inner, faulty, store } = open([]);
    await inner.put('a', new Uint8Array(3), read);
    await runtime.run(async () => {
      faulty.cutOff({ how: 'hangs' });
      runtime.timers.after(60_000, () => faulty.reconnect());
      expect(await store.get('a', read)).toMatchObject({ size: 3 });
      expect(runtime.clock.monotonic()).toBe(60_000);
    });
    expect(runtime.pendingTimers).toBe(0);
  });

  test('ends at once when the caller gives up, during a try and between tries', async () => {
    for (const name of ['get', 'list', 'delete', 'put'] as const) {
      const { runtime, calls, store } = overDeafStore();
      const controller = new AbortController();
      const options = { purpose: 'read', signal: controller.signal } as const;
      await runtime.run(async () => {
        runtime.timers.after(700, () => controller.abort(new Error('enough')));
        const call = {
          get: () => store.get('a', options),
          list: () => store.list({ prefix: '', ...options }),
          delete: () => store.delete(['a'], options),
          put: () => store.put('a', new Uint8Array(1), options),
        }[name];
        await expect(call()).rejects.toThrow('enough');
        expect(runtime.clock.monotonic()).toBe(700);
      });
      expect(calls).toHaveLength(1);
      expect(calls[0]!.signal?.reason).toBe(controller.signal.reason);
      calls[0]!.fail(new Error('too late'));
      expect(runtime.pendingTimers).toBe(0);
    }
  });

  test('gives a late answer to nobody', async () => {
    const { runtime, calls, store, after } = overDeafStore();
    const lateValue = { bytes: new Uint8Array([1]), etag: 'late', size: 1 };
    const value = { bytes: new Uint8Array([2]), etag: 'second', size: 1 };
    await runtime.run(async () => {
      const answer = store.get('a', read);
      await after(30_000);
      expect(calls).toHaveLength(2);
      expect([calls[0]!.signal?.aborted, calls[1]!.signal?.aborted]).toEqual([true, false]);
      calls[0]!.end(lateValue);
      await after(10);
      calls[1]!.end(value);
      expect(await answer).toBe(value);
    });
    expect(runtime.pendingTimers).toBe(0);
  });

  test('leaves no more than so many bodies with a store that does not let go, and refuses puts until it does', async () => {
    const { runtime, calls, store, after } = overDeafStore(2_000);
    const bodies = Array.from({ length: 5 }, () => new Uint8Array(8 * MiB));
    const upload = { purpose: 'upload' } as const;
    const unavailable = { code: 'STORE_UNAVAILABLE', outcome: 'none', key: 'a' };
    await runtime.run(async () => {
      for (const body of bodies.slice(0, 4)) expect(await store.put('a', body, upload)).toEqual({ outcome: 'unknown' });
      await expect(store.put('a', bodies[4]!, upload)).rejects.toMatchObject(unavailable);
      // What it holds already may be sent again.
      expect(await store.put('a', bodies[0]!, upload)).toEqual({ outcome: 'unknown' });
      expect(calls).toHaveLength(5);
      calls[0]!.fail(away);
      await after(1);
      await expect(store.put('a', bodies[4]!, upload)).rejects.toMatchObject(unavailable);
      calls[4]!.end({ outcome: 'stored', etag: 'x' });
      await after(1);
      const put = store.put('a', bodies[4]!, upload);
      calls[5]!.end({ outcome: 'stored', etag: 'y' });
      expect(await put).toEqual({ outcome: 'stored', etag: 'y' });
    });
  });
});

test('a process that waits for a store that hangs stays until it is told, and no longer', () => {
  const program = `
    import { MemoryObjectStore, StreamSet } from 'qanat';
    const store = new MemoryObjectStore();
    store.get = () => new Promise(() => {});
    try {
      await StreamSet.open({ node: 'a', store, settings: { storeDeadlineMs: 1 } });
    } catch (cause) {
      console.log(cause.code);
    }
    await StreamSet.open({ node: 'a', store: new MemoryObjectStore() }).then((set) => set.close());
    console.log('done');`;
  const cwd = new URL('../..', import.meta.url);
  const startedAt = performance.now();
  const { status, stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
    cwd,
    timeout: 20_000,
  });
  expect([status, stdout]).toEqual([0, 'STORE_UNAVAILABLE\ndone\n']);
  expect(performance.now() - startedAt).toBeLessThan(15_000);
});
