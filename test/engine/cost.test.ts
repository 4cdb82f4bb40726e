// What a set says it has spent: every request of every purpose, as somebody sees them who stands between the set and
// the store; the bytes appended and read; nothing while it is idle.
import { describe, expect, test } from 'vitest';
import { GiB } from '../../src/base/bytes.ts';
import { costOf } from '../../src/engine/cost.ts';
import { s3ExpressOneZonePrices, s3StandardPrices, type PriceTable } from '../../src/engine/prices.ts';
import { MemoryObjectStore } from '../../src/store/memory-object-store.ts';
import type { ObjectStore, StoreOperation } from '../../src/store/object-store.ts';
import type { RequestCounts } from '../../src/store/request-counter.ts';
import { StreamSet } from '../../src/engine/stream-set.ts';
import { FaultyObjectStore } from '../../src/testkit/faulty-object-store.ts';
import { SeededRuntime } from '../../src/testkit/seeded-runtime.ts';

const prices: PriceTable = {
  name: 'round figures',
  source: 'none',
  date: '2026-01',
  currency: 'EUR',
  perThousandRequests: { put: 1_000_000, get: 100_000, list: 10_000, delete: 1_000 },
  perGiBIn: 2,
  perGiBOut: 3,
  storage: [{ upToGiB: 1, perGiBMonth: 10 }, { perGiBMonth: 5 }],
};

function counts(operation: StoreOperation, purpose: RequestCounts['purpose'], requests: number): RequestCounts {
  return { operation, purpose, requests, bytesIn: 0, bytesOut: 0 };
}

/** Counts what passes by itself, in another way than the set: from the arguments and the answers of each call. */
class CountingObjectStore extends MemoryObjectStore {
  readonly seen: Record<StoreOperation, number> = { put: 0, get: 0, list: 0, delete: 0 };
  bytesIn = 0;
  bytesOut = 0;

  override put(...call: Parameters<ObjectStore['put']>): ReturnType<ObjectStore['put']> {
    this.seen.put += 1;
    this.bytesIn += call[1].byteLength;
    return super.put(...call);
  }

  override async get(...call: Parameters<ObjectStore['get']>): ReturnType<ObjectStore['get']> {
    this.seen.get += 1;
    const value = await super.get(...call);
    if (typeof value !== 'string') this.bytesOut += value.bytes.byteLength;
    return value;
  }

  override list(...call: Parameters<ObjectStore['list']>): ReturnType<ObjectStore['list']> {
    this.seen.list += 1;
    return super.list(...call);
  }

  override delete(...call: Parameters<ObjectStore['delete']>): ReturnType<ObjectStore['delete']> {
    this.seen.delete += 1;
    return super.delete(...call);
  }

  get all(): number {
    return Object.values(this.seen).reduce((sum, count) => sum + count, 0);
  }
}

describe('costOf', () => {
  test('prices requests and their bytes, and sums them up by purpose', () => {
    const requests = [
      { ...counts('put', 'wal', 2), bytesIn: GiB },
      counts('get', 'journal', 3),
      counts('put', 'journal', 1),
      { ...counts('get', 'read', 4), bytesOut: GiB / 2 },
      counts('list', 'recovery', 5),
      counts('delete', 'sweep', 6),
    ];
    const report = costOf({ requests, appendedBytes: GiB / 2, readBytes: GiB * 4, storedBytes: 3 * GiB }, prices);
    expect(report.requests.map(({ cost }) => cost)).toEqual([2_002, 300, 1_000, 401.5, 50, 6]);
    expect(report.purposes).toEqual([
      { purpose: 'wal', requests: 2, bytesIn: GiB, bytesOut: 0, cost: 2_002 },
      { purpose: 'journal', requests: 4, bytesIn: 0, bytesOut: 0, cost: 1_300 },
      { purpose: 'read', requests: 4, bytesIn: 0, bytesOut: GiB / 2, cost: 401.5 },
      { purpose: 'recovery', requests: 5, bytesIn: 0, bytesOut: 0, cost: 50 },
      { purpose: 'sweep', requests: 6, bytesIn: 0, bytesOut: 0, cost: 6 },
    ]);
    expect(report.total).toBe(2_002 + 1_300 + 401.5 + 50 + 6);
    expect(report.perGiBWritten).toBe((2_002 + 1_300 + 6) * 2);
    expect(report.perGiBRead).toBe(401.5 / 4);
    expect(report.perIdleMonth).toBe(10 + 2 * 5);
    expect(report.prices).toBe(prices);
  });

  test('knows no price per GiB where there is no byte', () => {
    const report = costOf({ requests: [], appendedBytes: 0, readBytes: 0, storedBytes: 0 }, prices);
    expect(report).toMatchObject({ total: 0, perGiBWritten: undefined, perGiBRead: undefined, perIdleMonth: 0 });
  });
});

describe('StreamSet.cost', () => {
  test('says what somebody sees who stands between the set and the store, and what it comes to', async () => {
    const store = new CountingObjectStore();
    const set = await StreamSet.open({ node: 'a', store });
    const stream = await set.create({ name: 'orders' });
    for (let i = 0; i < 20; i++) await stream.append(new Uint8Array(10_000));
    await set.upload();
    await stream.read(0);
    const view = await StreamSet.openReadOnly({ store });
    const reader = await view.reader('orders');
    expect((await reader.read(0)).batches).toHaveLength(20);
    const [report, ofView] = [set.cost(), view.cost()];
    for (const operation of ['put', 'get', 'list', 'delete'] as const)
      expect(requestsOf(report, operation) + requestsOf(ofView, operation)).toBe(store.seen[operation]);
    expect(bytesOf(report, 'bytesIn') + bytesOf(ofView, 'bytesIn')).toBe(store.bytesIn);
    expect(bytesOf(report, 'bytesOut') + bytesOf(ofView, 'bytesOut')).toBe(store.bytesOut);
    expect(report.total).toBeCloseTo(requestsAtStandard(report), 12);
    expect(report.total).toBeGreaterThan(20 * 0.000005);
    expect(report).toMatchObject({ prices: s3StandardPrices, appendedBytes: 200_000, readBytes: 200_000 });
    expect(ofView).toMatchObject({ appendedBytes: 0, readBytes: 200_000, perGiBWritten: undefined });
    expect(ofView.perGiBRead).toBeGreaterThan(0);
    expect(report.perGiBRead).toBe(0); // From memory.
    expect(report.storedBytes).toBe(ofView.storedBytes);
    expect(report.storedBytes).toBeGreaterThan(200_000);
    expect(report.perIdleMonth).toBeCloseTo((report.storedBytes / GiB) * 0.023, 12);
    expect(set.cost(s3ExpressOneZonePrices).total).not.toBe(report.total);
    await set.close();
    await view.close();
    expect(set.cost().total).toBeGreaterThanOrEqual(report.total); // Still told, with what closing took.
  });

  test('stores nothing any more once everything is trimmed', async () => {
    const set = await StreamSet.open({ node: 'a', store: new MemoryObjectStore() });
    const stream = await set.create();
    await stream.append(new Uint8Array(1_000));
    await set.upload();
    expect(set.cost().storedBytes).toBeGreaterThan(1_000);
    await stream.trim(1);
    expect(set.cost()).toMatchObject({ storedBytes: 0, perIdleMonth: 0 });
    await set.close();
  });

  test('knows what is stored after a start from a snapshot of the state as before it', async () => {
    const store = new MemoryObjectStore();
    const set = await StreamSet.open({ node: 'a', store });
    const stream = await set.create();
    for (let i = 0; i < 3; i++) {
      await stream.append(new Uint8Array(1_000));
      await set.upload();
    }
    for (let i = 0; i < 1_100; i++) await set.kv.put('k', new Uint8Array(1)); // Two snapshots, and the records go.
    const { storedBytes } = set.cost();
    await set.close();
    const view = await StreamSet.openReadOnly({ store });
    expect(view.cost().storedBytes).toBe(storedBytes);
    await view.close();
  });

  test('refuses prices that are none', async () => {
    const set = await StreamSet.open({ node: 'a', store: new MemoryObjectStore() });
    expect(() => set.cost({ ...prices, perGiBIn: -1 })).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
    await set.close();
  });

  test('an idle set makes no request, for a day', async () => {
    const runtime = new SeededRuntime({ seed: 1, runMaxMs: 3 * 86_400_000 });
    const counting = new CountingObjectStore();
    const latency = { kind: 'latency', minMs: 20, maxMs: 40 } as const;
    const store = new FaultyObjectStore(counting, { runtime, faults: [{ fault: latency }] });
    await runtime.run(async () => {
      const set = await StreamSet.open({ node: 'a', store, runtime });
      const stream = await set.create();
      const reader = await set.reader(stream.id);
      void stream.append(new Uint8Array(1_000));
      await wait(runtime, 120_000); // The upload by age is over.
      const [before, told] = [counting.all, set.cost().total];
      expect(set.stats().writing).toMatchObject({ unuploadedBytes: 0 });
      await wait(runtime, 86_400_000);
      expect(counting.all).toBe(before);
      expect(set.cost().total).toBe(told);
      await reader.close();
      await set.close();
    });
  });
});

function requestsOf({ requests }: ReturnType<StreamSet['cost']>, operation: StoreOperation): number {
  return requests.filter((row) => row.operation === operation).reduce((sum, row) => sum + row.requests, 0);
}

function bytesOf({ requests }: ReturnType<StreamSet['cost']>, direction: 'bytesIn' | 'bytesOut'): number {
  return requests.reduce((sum, row) => sum + row[direction], 0);
}

function requestsAtStandard(report: ReturnType<StreamSet['cost']>): number {
  const dear = requestsOf(report, 'put') + requestsOf(report, 'list');
  return (dear * 0.005 + requestsOf(report, 'get') * 0.0004) / 1_000;
}

function wait(runtime: SeededRuntime, ms: number): Promise<void> {
  return new Promise((resolve) => void runtime.timers.after(ms, resolve));
}
