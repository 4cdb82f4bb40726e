// An S3 store when its service is slow or refuses: late reads are asked twice, writes never; limits shrink when the
// service asks for less and grow back; nothing waits for ever, and what is too long is not taken in.
import { afterEach, expect, it } from 'vitest';
import type { StoreOperation, StorePurpose } from '../../src/index.ts';
import { systemRuntime, type Runtime } from '../../src/base/runtime.ts';
import { S3ObjectStore } from '../../src/s3.ts';
import { startFakeS3, type FakeFault, type FakeS3 } from './fake-s3.mjs';
import type { S3Request } from './fake-s3-request.mjs';

const credentials = { accessKeyId: 'test', secretAccessKey: 'testtest' };
const body = Uint8Array.from({ length: 100_000 }, (_, i) => i & 255);
const opened: { service: FakeS3; store: S3ObjectStore }[] = [];

afterEach(async () => {
  for (const { service, store } of opened.splice(0)) {
    store.close();
    await service.close();
  }
});

/** A store over a service that does what `fault` says. */
async function openOn(
  fault: (request: S3Request) => FakeFault | undefined,
  options: { readonly concurrentMax?: number; readonly runtime?: Runtime } = {},
): Promise<{ service: FakeS3; store: S3ObjectStore }> {
  const { runtime, ...more } = options;
  const service = await startFakeS3({ ...more, onRequest: fault });
  const store = new S3ObjectStore({ bucket: 'qanat-test', endpoint: service.endpoint, credentials }, runtime);
  opened.push({ service, store });
  return { service, store };
}

function counting(): { readonly counts: Record<string, number>; sent(of: StoreOperation): void; received(): void } {
  const counts: Record<string, number> = {};
  return { counts, sent: (of) => void (counts[of] = (counts[of] ?? 0) + 1), received: () => {} };
}

function lane(store: S3ObjectStore, purpose: StorePurpose): { limit: number; running: number; waiting: number } {
  return store.lanes().find((one) => one.purpose === purpose)!;
}

it('a read that is late is asked a second time, and the first answer counts; both requests are told', async () => {
  let slow = 0;
  const { store } = await openOn(({ operation }) =>
    operation === 'GetObject' && slow-- > 0 ? { delayMs: 4_000 } : undefined,
  );
  await store.put('key', body, { purpose: 'upload' });
  const range = { start: 10, end: 50_010 };
  for (let i = 0; i < 60; i++) await store.get('key', { purpose: 'read', range });
  slow = 1;
  const tally = counting();
  const startedAt = performance.now();
  const value = await store.get('key', { purpose: 'read', range, tally });
  expect(performance.now() - startedAt).toBeLessThan(3_000);
  expect(tally.counts).toEqual({ get: 2 });
  expect(store.hedges()).toMatchObject({ reads: 61, won: 1 });
  expect(typeof value !== 'string' && Buffer.compare(value.bytes, body.subarray(10, 50_010))).toBe(0);
  expect(lane(store, 'read')).toMatchObject({ running: 0, waiting: 0 });
});

it('a put that is late is never sent a second time', async () => {
  let slow = 0;
  const { store } = await openOn(({ operation }) =>
    operation === 'PutObject' && slow-- > 0 ? { delayMs: 1_000 } : undefined,
  );
  for (let i = 0; i < 60; i++) await store.put(`key ${i}`, body, { purpose: 'wal' });
  slow = 1;
  const tally = counting();
  expect(await store.put('late', body, { purpose: 'wal', if: 'absent', tally })).toMatchObject({ outcome: 'stored' });
  expect(tally.counts).toEqual({ put: 1 });
});

it('a service that asks for less is asked for less, for that purpose alone, and for more again when it answers', async () => {
  let isBusy = true;
  const { store } = await openOn(({ key }) =>
    isBusy && key.startsWith('busy') ? { status: 503, code: 'SlowDown' } : undefined,
  );
  const wide = lane(store, 'upload').limit;
  for (let round = 0; round < 5; round++) {
    const puts = Array.from({ length: 10 }, (_, i) => store.put(`busy ${i}`, body, { purpose: 'upload' }));
    expect((await Promise.all(puts)).every(({ outcome }) => outcome === 'unknown')).toBe(true);
  }
  expect(lane(store, 'upload').limit).toBe(1);
  expect(lane(store, 'wal').limit).toBe(16);
  isBusy = false;
  for (let i = 0; i < 100; i++) await store.put(`busy ${i}`, body, { purpose: 'upload' });
  expect(lane(store, 'upload').limit).toBe(wide);
});

it('of a hundred puts at once, to a service that takes one at a time, tries get all of them there', async () => {
  const { service, store } = await openOn(() => undefined, { concurrentMax: 1 });
  let tries = 0;
  const put = async (key: string): Promise<void> => {
    for (;;) {
      tries += 1;
      const { outcome } = await store.put(key, body.subarray(0, 100), { purpose: 'wal', if: 'absent' });
      if (outcome !== 'unknown') return;
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 20));
    }
  };
  await Promise.all(Array.from({ length: 100 }, (_, i) => put(`key ${i}`)));
  expect(service.objects().size).toBe(100);
  // With sixteen at a time for ever it would be many hundreds.
  expect(tries).toBeLessThan(500);
});

it('a request that is not answered in time is given up, whatever it is; its place is free again', async () => {
  const hasty: Runtime = {
    ...systemRuntime,
    timers: { ...systemRuntime.timers, after: (ms, run, how) => systemRuntime.timers.after(ms / 10, run, how) },
  };
  let hangs = false;
  const { store } = await openOn(() => (hangs ? { hang: true } : undefined), { runtime: hasty });
  await store.put('key', body, { purpose: 'upload' });
  hangs = true;
  const purpose = 'read' as const;
  const unavailable = { code: 'STORE_UNAVAILABLE', action: 'retry', outcome: 'none' };
  await expect(store.get('key', { purpose, range: { last: 10 } })).rejects.toMatchObject(unavailable);
  await expect(store.get('key', { purpose })).rejects.toMatchObject(unavailable);
  await expect(store.list({ prefix: '', purpose })).rejects.toMatchObject(unavailable);
  await expect(store.delete(['a', 'b'], { purpose })).rejects.toMatchObject(unavailable);
  expect(await store.put('key', body, { purpose })).toEqual({ outcome: 'unknown' });
  expect(lane(store, purpose)).toMatchObject({ running: 0, waiting: 0 });
});

it('a value that ends too early or is too long in coming is no value; of one that is too much, what was asked for counts', async () => {
  let fault: FakeFault | undefined;
  const hasty: Runtime = {
    ...systemRuntime,
    timers: { ...systemRuntime.timers, after: (ms, run, how) => systemRuntime.timers.after(ms / 10, run, how) },
  };
  const { service, store } = await openOn(() => fault, { runtime: hasty });
  await store.put('key', body, { purpose: 'upload' });
  const get = (): ReturnType<S3ObjectStore['get']> =>
    store.get('key', { purpose: 'read', range: { start: 5, end: 90_000 } });
  fault = { cutBodyAfter: 40_000 };
  await expect(get()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  fault = { slowBody: { bytesPerSecond: 20_000 } };
  await expect(get()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  fault = undefined;
  service.defects.wrongRange = 'ignored'; // The whole value: what was asked for is in it.
  const value = await get();
  expect(typeof value !== 'string' && Buffer.compare(value.bytes, body.subarray(5, 90_000))).toBe(0);
  expect(typeof value !== 'string' && value.size).toBe(body.byteLength);
});
