// What a set says it has asked of S3, and what passes on the way there: a proxy counts every request of every
// connection. The two are equal, by operation and in bytes, also where requests fail, are lost, or are tried again; over
// a service in memory always, and over every real server there is.
import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { CostReport } from '../../src/engine/cost.ts';
import { s3StandardPrices } from '../../src/engine/prices.ts';
import { StreamSet } from '../../src/engine/stream-set.ts';
import { MeteredObjectStore } from '../../src/store/metered-object-store.ts';
import type { StoreOperation } from '../../src/store/object-store.ts';
import type { RequestCounts } from '../../src/store/request-counter.ts';
import { S3ObjectStore } from '../../src/store/s3-object-store.ts';
import type { S3ObjectStoreOptions } from '../../src/store/s3-options.ts';
import { type FakeS3, startFakeS3 } from './fake-s3.mjs';
import { type Proxy, type RequestRow, startProxy } from './proxy.mjs';
import { describeOnServer, testServers } from './test-bucket.ts';

const wait = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));

/** Where a store is, on the other side of the proxy. */
interface Place extends Pick<S3ObjectStoreOptions, 'bucket' | 'prefix' | 'credentials'> {
  readonly endpoint: string;
}

/** What S3's operations count as. */
const operations: Readonly<Record<string, StoreOperation>> = {
  PutObject: 'put',
  CreateMultipartUpload: 'put',
  UploadPart: 'put',
  UploadPartCopy: 'put',
  CompleteMultipartUpload: 'put',
  AbortMultipartUpload: 'put',
  GetObject: 'get',
  HeadObject: 'get',
  ListObjectsV2: 'list',
  ListMultipartUploads: 'list',
  ListParts: 'list',
  DeleteObject: 'delete',
  DeleteObjects: 'delete',
};

interface Sums {
  readonly requests: Record<StoreOperation, number>;
  bytesIn: number;
  bytesOut: number;
}

const nothing = (): Sums => ({ requests: { put: 0, get: 0, list: 0, delete: 0 }, bytesIn: 0, bytesOut: 0 });

/** What the proxy saw. Bodies of other requests than these hold no values. */
function seen(rows: readonly RequestRow[]): Sums {
  const sums = nothing();
  for (const { operation, requests, bytesIn, bytesOut } of rows) {
    const kind = operations[operation];
    if (kind === undefined) throw new Error(`a request that nobody expected: ${operation}`);
    sums.requests[kind] += requests;
    if (operation === 'PutObject' || operation === 'UploadPart') sums.bytesIn += bytesIn;
    if (operation === 'GetObject') sums.bytesOut += bytesOut;
  }
  return sums;
}

function told(rows: readonly Pick<RequestCounts, 'operation' | 'requests' | 'bytesIn' | 'bytesOut'>[]): Sums {
  const sums = nothing();
  for (const { operation, requests, bytesIn, bytesOut } of rows) {
    sums.requests[operation] += requests;
    sums.bytesIn += bytesIn;
    sums.bytesOut += bytesOut;
  }
  return sums;
}

/** Writes, uploads, trims, reads back. The reports of all sets that were open. */
async function work(store: S3ObjectStore): Promise<readonly CostReport[]> {
  const set = await StreamSet.open({ node: 'a', store });
  const streams = [await set.create({ name: 'orders' }), await set.create({ name: 'stock' })];
  for (let round = 0; round < 4; round++) {
    await Promise.all(streams.map((stream) => stream.append(new Uint8Array(40_000 + round))));
    await Promise.all(streams.map((stream) => stream.append(new Uint8Array(100))));
    if (round % 2 === 0) await set.upload();
  }
  await streams[0]?.trim(2);
  await set.kv.put('place', new Uint8Array(10));
  const view = await StreamSet.openReadOnly({ store });
  for (const name of ['orders', 'stock']) {
    const reader = await view.reader(name);
    for (let offset = reader.startOffset; offset < reader.endOffset;) offset = (await reader.read(offset)).nextOffset;
  }
  await set.close();
  await view.close();
  return [set.cost(), view.cost()];
}

function costTests(place: () => Place): void {
  let proxy: Proxy;
  let store: S3ObjectStore;

  beforeEach(async () => {
    const { endpoint, prefix = '', ...rest } = place();
    proxy = await startProxy({ upstream: endpoint });
    const own = [prefix, randomBytes(6).toString('hex')].filter((part) => part !== '').join('/');
    store = new S3ObjectStore({ ...rest, prefix: own, endpoint: proxy.endpoint });
  });

  afterEach(async () => {
    store.close();
    await proxy.close();
  });

  test('is what passed on the way, by operation and in bytes, the probe included', async () => {
    const reports = await work(store);
    expect(told(reports.flatMap(({ requests }) => requests))).toEqual(seen(proxy.requests()));
    expect(reports[0]?.purposes.map(({ purpose }) => purpose)).toEqual(
      expect.arrayContaining(['cluster', 'probe', 'journal', 'wal', 'upload']),
    );
    const { put, list, get } = seen(proxy.requests()).requests;
    const { put: putPrice, get: getPrice } = s3StandardPrices.perThousandRequests;
    const total = reports.reduce((sum, report) => sum + report.total, 0);
    expect(total).toBeCloseTo(((put + list) * putPrice + get * getPrice) / 1_000, 12);
  });

  test('counts requests that were refused, lost before or after their effect, and those that took their place', async () => {
    await (await StreamSet.open({ node: 'z', store })).close(); // Where everything is probed, in peace.
    let count = 0;
    proxy.setRule(({ operation }) => {
      if (!['PutObject', 'GetObject'].includes(operation)) return undefined;
      count += 1;
      if (count % 7 === 0) return { dropAfter: true };
      if (count % 11 === 0) return { dropBefore: true };
      if (count % 5 === 0) return { answer: { status: 503, code: 'SlowDown' } };
      return undefined;
    });
    proxy.resetRequests();
    const reports = await work(store);
    const passed = seen(proxy.requests());
    const counted = told(reports.flatMap(({ requests }) => requests));
    expect(proxy.requests().some(({ failures }) => failures > 0)).toBe(true);
    expect(counted.requests).toEqual(passed.requests);
  });

  test('an idle set makes no request', { timeout: 20_000 }, async () => {
    const set = await StreamSet.open({ node: 'a', store, settings: { uploadAgeMaxMs: 100, catalogRefreshMs: 50 } });
    const stream = await set.create();
    const reader = await set.reader(stream.id);
    await stream.append(new Uint8Array(1_000));
    await expect.poll(() => set.stats().writing?.unreleasedSegments, { timeout: 5_000 }).toBe(0);
    await wait(200); // The upload has let go of its segments, too.
    proxy.resetRequests();
    const { total } = set.cost();
    await wait(2_000);
    expect(proxy.requests()).toEqual([]);
    expect(set.cost().total).toBe(total);
    await reader.close();
    await set.close();
  });

  test('counts puts in parts, copies, pages of deletions and looks at what is not there', async () => {
    const metered = new MeteredObjectStore(store);
    const MiB = 1024 * 1024;
    const large = async function* large(): AsyncIterable<Uint8Array> {
      for (let i = 0; i < 5; i++) yield await Promise.resolve(new Uint8Array(4 * MiB));
    };
    await metered.putLarge?.('large', large(), { sizeBytes: 20 * MiB, purpose: 'compaction' });
    const pieces = [{ key: 'large', range: { start: 0, end: 8 * MiB } }, { bytes: new Uint8Array(1_000) }];
    await metered.copyRanges?.('copy', pieces, { purpose: 'compaction' });
    await metered.abortUploads?.({ prefix: '', olderThanMs: 0, purpose: 'sweep' });
    await metered.get('none', { purpose: 'read' });
    await metered.get('large', { range: { start: 5, end: 5 }, purpose: 'read' });
    await metered.get('large', { range: { last: 70_000 }, purpose: 'read' });
    await metered.delete([...Array.from({ length: 2_500 }, (_, i) => `key-${i}`), 'large'], { purpose: 'sweep' });
    await metered.delete(['copy'], { purpose: 'sweep' });
    const sums = told(metered.counts());
    expect(sums).toEqual(seen(proxy.requests()));
    expect(sums.requests.put).toBeGreaterThan(6);
    expect(sums.requests.delete).toBe(4);
    expect(sums.bytesIn).toBeGreaterThanOrEqual(20 * MiB);
  });
}

describe('over a service in memory', () => {
  let fake: FakeS3;
  beforeAll(async () => {
    fake = await startFakeS3();
  });
  afterAll(() => fake.close());
  const credentials = { accessKeyId: 'test', secretAccessKey: 'testtest' };
  costTests(() => ({ endpoint: fake.endpoint, bucket: 'qanat-test', credentials }));
});

for (const server of testServers)
  describeOnServer('what passes on the way', server, (bucket) => {
    costTests(() => bucket());
  });
