// The metering store: what it counts, what it tells, and that it changes nothing.
import { describe, expect, test } from 'vitest';
import type { QanatEvents } from '../../src/model/events.ts';
import { MemoryObjectStore } from '../../src/store/memory-object-store.ts';
import { MeteredObjectStore } from '../../src/store/metered-object-store.ts';
import { FaultyObjectStore } from '../../src/testkit/faulty-object-store.ts';
import { SeededRuntime } from '../../src/testkit/seeded-runtime.ts';

type Told = QanatEvents['storeRequest'];

describe('MeteredObjectStore', () => {
  test('counts requests and bytes by operation and purpose', async () => {
    const store = new MeteredObjectStore(new MemoryObjectStore());
    await store.put('a', new Uint8Array(10), { purpose: 'wal' });
    await store.put('a', new Uint8Array(5), { if: 'absent', purpose: 'wal' });
    await store.put('b', new Uint8Array(7), { purpose: 'upload' });
    await store.get('a', { purpose: 'read' });
    await store.get('a', { range: { last: 4 }, purpose: 'read' });
    await store.get('nothing', { purpose: 'read' });
    await store.list({ prefix: '', purpose: 'sweep' });
    await store.delete(['a', 'b'], { purpose: 'sweep' });
    expect(store.counts()).toEqual([
      { operation: 'put', purpose: 'wal', requests: 2, bytesIn: 15, bytesOut: 0 },
      { operation: 'put', purpose: 'upload', requests: 1, bytesIn: 7, bytesOut: 0 },
      { operation: 'get', purpose: 'read', requests: 3, bytesIn: 0, bytesOut: 14 },
      { operation: 'list', purpose: 'sweep', requests: 1, bytesIn: 0, bytesOut: 0 },
      { operation: 'delete', purpose: 'sweep', requests: 1, bytesIn: 0, bytesOut: 0 },
    ]);
  });

  test('tells the observer what was asked, how long it took, and how it ended', async () => {
    const runtime = new SeededRuntime({ seed: 1 });
    const told: Told[] = [];
    const faulty = new FaultyObjectStore(new MemoryObjectStore(), {
      runtime,
      faults: [
        { fault: { kind: 'latency', minMs: 5, maxMs: 5 } },
        { operation: 'get', nth: 3, fault: { kind: 'unavailable' } },
      ],
    });
    const store = new MeteredObjectStore(faulty, { runtime, observer: { storeRequest: (facts) => told.push(facts) } });
    await runtime.run(async () => {
      await store.put('a', new Uint8Array(3), { if: 'absent', purpose: 'wal' });
      await store.put('a', new Uint8Array(3), { if: 'absent', purpose: 'wal' });
      await store.get('a', { purpose: 'read' });
      await store.get('b', { purpose: 'read' });
      await expect(store.get('a', { purpose: 'read' })).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
      await store.list({ prefix: 'x/', purpose: 'sweep' });
      await store.delete(['a', 'b'], { purpose: 'sweep' });
    });
    expect(
      told.map(({ operation, key, bytes, durationMs, outcome }) => [operation, key, bytes, durationMs, outcome]),
    ).toEqual([
      ['put', 'a', 3, 5, 'stored'],
      ['put', 'a', 3, 5, 'exists'],
      ['get', 'a', 3, 5, 'found'],
      ['get', 'b', 0, 5, 'missing'],
      ['get', 'a', 0, 5, 'STORE_UNAVAILABLE'],
      ['list', 'x/', 0, 5, 'listed'],
      ['delete', undefined, 0, 5, 'deleted'],
    ]);
    expect(store.counts().reduce((sum, { requests }) => sum + requests, 0)).toBe(7);
  });

  test('does not count what made no request, and survives an observer that throws', async () => {
    const observer = {
      storeRequest: (): void => {
        throw new Error('of the observer');
      },
    };
    const store = new MeteredObjectStore(new MemoryObjectStore(), { observer });
    await expect(store.get('', { purpose: 'read' })).rejects.toThrow(RangeError);
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(store.get('a', { purpose: 'read', signal })).rejects.toThrow('enough');
    expect(store.counts()).toEqual([]);
    expect(await store.get('a', { purpose: 'read' })).toBe('missing');
    expect(store.counts()).toHaveLength(1);
  });
});
