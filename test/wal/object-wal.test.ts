import { expect, test } from 'vitest';
import { encodeDataObject } from '../../src/format/data-object.ts';
import { decodeWhole } from '../../src/format/object-directory.ts';
import { isQanatError, qanatError } from '../../src/model/errors.ts';
import type { QanatEvents } from '../../src/model/events.ts';
import { batchSizeMaxBytes, segmentSizeMaxBytes } from '../../src/model/limits.ts';
import { MemoryObjectStore } from '../../src/store/memory-object-store.ts';
import { SimHeldStore } from './sim-held-store.ts';
import { batch, clusterId, indexesOf, openWal, sealWal, segmentKey, turn, upTo } from './wal-place.ts';

const unavailable = (): Error =>
  qanatError('STORE_UNAVAILABLE', 'gone', { operation: 'put', key: undefined }, { outcome: 'none' });

/** A WAL with `count` segments in flight, of one batch each, whose PUTs are held. */
async function flying(count: number, more: Parameters<typeof openWal>[1] = {}) {
  const store = new SimHeldStore();
  const opened = await openWal(store, { ...more, settings: { segmentSizeMinBytes: 0, ...more?.settings } });
  for (let i = 0; i < count; i += 1) {
    opened.wal.append(batch(i));
    await turn();
  }
  return { store, ...opened };
}

test('Appends of one tick share a segment, and are reported after flush in order', async () => {
  const store = new MemoryObjectStore();
  const { wal, sink } = await openWal(store);
  for (let i = 0; i < 100; i += 1) wal.append(batch(i));
  expect(wal.pendingBytes).toBe(800);
  expect(sink.counts).toEqual([]);
  await wal.flush();
  expect(sink.counts).toEqual([100]);
  expect(wal.pendingBytes).toBe(0);
  const sealed = await sealWal(store);
  expect(sealed?.sealedAt).toBe(1);
  expect(await indexesOf(sealed)).toEqual(upTo(100));
});

test('Segments stored out of order are reported in order', async () => {
  const { store, wal, sink } = await flying(3);
  expect(store.waiting('put').map(({ sequence }) => sequence)).toEqual([0, 1, 2]);
  await (await store.next('put', 2)).answer();
  await (await store.next('put', 1)).answer();
  expect(sink.segments).toEqual([]);
  expect(wal.pendingBytes).toBe(24);
  await (await store.next('put', 0)).answer();
  expect(sink.segments.map(({ sequence }) => sequence)).toEqual([0, 1, 2]);
  expect(wal.pendingBytes).toBe(0);
});

test('Segment 8 is never sent before segment 0 is reported', async () => {
  const { store, wal, sink } = await flying(12);
  expect(store.waiting('put')).toHaveLength(8);
  for (let sequence = 7; sequence > 0; sequence -= 1) await (await store.next('put', sequence)).answer();
  void wal.flush();
  await turn();
  expect(store.waiting('put').map(({ sequence }) => sequence)).toEqual([0]);
  await (await store.next('put', 0)).answer();
  expect(sink.segments).toHaveLength(8);
  const rest = await store.next('put', 8);
  await rest.answer();
  expect(sink.counts).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 4]);
});

test('The more is in flight, the more has to wait before the next segment is cut', async () => {
  const { store, wal } = await flying(1, { settings: { segmentSizeMinBytes: 100 } });
  wal.append(batch(1, 99));
  await turn();
  expect(store.waiting('put')).toHaveLength(1);
  wal.append(batch(2, 1));
  await turn();
  expect(store.waiting('put')).toHaveLength(2);
  wal.append(batch(3, 199));
  await turn();
  expect(store.waiting('put')).toHaveLength(2);
  wal.append(batch(4, 1));
  await turn();
  expect(store.waiting('put')).toHaveLength(3);
});

test('A flush sends what waits without waiting for more', async () => {
  const { store, wal, sink } = await flying(1, { settings: { segmentSizeMinBytes: 1_000_000 } });
  wal.append(batch(1));
  await turn();
  expect(store.waiting('put')).toHaveLength(1);
  let isFlushed = false;
  const flushed = wal.flush().then(() => (isFlushed = true));
  await (await store.next('put', 1)).answer();
  expect(isFlushed).toBe(false);
  await (await store.next('put', 0)).answer();
  await flushed;
  expect(sink.durableCount).toBe(2);
});

test('A segment holds at most 8 MiB, and a batch of the greatest size fits', async () => {
  const store = new MemoryObjectStore();
  const { wal, sink } = await openWal(store);
  wal.append(batch(0, batchSizeMaxBytes));
  wal.append(batch(1, batchSizeMaxBytes));
  for (let i = 0; i < 30_000; i += 1) wal.append(batch(i + 2, 1, 1 + (i % 4_000)));
  await wal.flush();
  expect(sink.durableCount).toBe(30_002);
  expect(sink.segments.length).toBe(3);
  for (const { sizeBytes } of sink.segments) expect(sizeBytes).toBeLessThanOrEqual(segmentSizeMaxBytes);
  expect(() => wal.append(batch(0, batchSizeMaxBytes + 1))).toThrow('does not fit');
});

test('An answer that got lost is asked for again with the same bytes; finding them there is success', async () => {
  const retried: QanatEvents['walSegmentRetried'][] = [];
  const stored: QanatEvents['walSegmentStored'][] = [];
  const observer = {
    walSegmentRetried: (facts: QanatEvents['walSegmentRetried']) => retried.push(facts),
    walSegmentStored: (facts: QanatEvents['walSegmentStored']) => stored.push(facts),
  };
  const { store, sink } = await flying(1, { observer: observer as never });
  const first = await store.next('put', 0);
  await first.effect();
  await first.lose();
  const second = await store.next('put', 0);
  expect(second.body).toEqual(first.body);
  await second.answer();
  expect(sink.segments).toEqual([]); // 'exists' alone is no success.
  await (await store.next('get', 0)).answer();
  expect(sink.durableCount).toBe(1);
  expect(retried).toEqual([{ sequence: 0, attempt: 1, cause: undefined }]);
  expect(stored).toEqual([{ sequence: 0, sizeBytes: first.body?.byteLength, batchCount: 1, attempts: 2 }]);
});

test('A PUT that lands late, after its repetition was stored, changes nothing', async () => {
  const { store, wal, sink } = await flying(1);
  const first = await store.next('put', 0);
  await first.lose();
  await (await store.next('put', 0)).answer();
  expect(sink.durableCount).toBe(1);
  await first.effect();
  await wal.flush();
  expect(await indexesOf(await sealWal(store.inner))).toEqual([0]);
});

test('A store that is away for a while delays, and loses nothing', async () => {
  const { store, sink } = await flying(1);
  await (await store.next('put', 0)).fail(unavailable());
  const second = await store.next('put', 0);
  await second.effect();
  await second.lose();
  await (await store.next('put', 0)).answer();
  await (await store.next('get', 0)).fail(unavailable());
  await (await store.next('get', 0)).answer();
  expect(sink.durableCount).toBe(1);
  expect(sink.end).toBeUndefined();
});

test('A store that is away until the deadline fails the WAL, outcome unknown', async () => {
  const { store, wal, sink } = await flying(2, { settings: { storeDeadlineMs: 60 } });
  store.holds = () => false;
  const cause = unavailable();
  store.put = () => Promise.reject(cause);
  await (await store.next('put', 0)).fail(cause);
  wal.append(batch(2));
  wal.append(batch(3));
  const flushed = wal.flush();
  const end = await sink.whenEnded();
  await flushed;
  expect(end).toMatchObject({ reason: 'failed', sentCount: 4 });
  expect(end.reason === 'failed' && end.error).toMatchObject({ code: 'STORE_UNAVAILABLE', outcome: 'unknown', cause });
  expect(sink.durableCount).toBe(0);
  expect(wal.pendingBytes).toBe(0);
});

test('A PUT that is never answered fails the WAL at the deadline, and does not hold up close', async () => {
  const { sink, wal } = await flying(1, { settings: { storeDeadlineMs: 30 } });
  expect(await sink.whenEnded()).toMatchObject({ reason: 'failed', sentCount: 1 });
  await wal.close();
});

test('A failure that trying again cannot mend ends the WAL at once', async () => {
  const { store, sink } = await flying(1);
  const error = qanatError('STORE_UNSUITABLE', 'no conditions here', { problem: 'conditions' });
  await (await store.next('put', 0)).fail(error);
  expect(sink.end).toEqual({ reason: 'failed', error, sentCount: 1 });
});

test('A foreign object in the place of a segment fails the WAL, and is never taken for its own', async () => {
  const head = { clusterId, kind: 'wal-segment', node: 'a', nodeEpoch: 7, sequence: 0, durableBelow: 0 } as const;
  const foreign = [
    encodeDataObject(head, [batch(99)]).bytes, // The right place, other bytes: another writer of the same epoch.
    encodeDataObject({ ...head, nodeEpoch: 6 }, [batch(0)]).bytes,
    encodeDataObject({ ...head, kind: 'seal', nodeEpoch: 6 }, []).bytes,
    new Uint8Array([1, 2, 3]),
    new Uint8Array(0),
  ];
  for (const bytes of foreign) {
    const store = new MemoryObjectStore();
    await store.put(segmentKey(0), bytes, { purpose: 'wal' });
    const { wal, sink } = await openWal(store);
    wal.append(batch(0));
    const end = await sink.whenEnded();
    expect(end.reason === 'failed' && end.error).toMatchObject({
      code: 'OBJECT_CORRUPT',
      key: segmentKey(0),
      outcome: 'unknown',
    });
    expect(sink.durableCount).toBe(0);
  }
});

test('Each segment says how many were reported when it was cut', async () => {
  const { store, wal } = await flying(3);
  await (await store.next('put', 1)).answer();
  await (await store.next('put', 0)).answer();
  wal.append(batch(3));
  const last = await store.next('put', 3);
  const claims = store.requests.map(({ body }) => decodeWhole('', body as Uint8Array).footer.durableBelow);
  expect(claims).toEqual([0, 0, 0, 2]);
  await last.answer();
});

test('Flush covers what was appended before it, and resolves at once when nothing waits', async () => {
  const { store, wal, sink } = await flying(1);
  const covering = wal.flush();
  wal.append(batch(1));
  await (await store.next('put', 0)).answer();
  await covering;
  expect(sink.durableCount).toBe(1);
  await (await store.next('put', 1)).answer();
  await wal.flush();
});

test('A stopped WAL reports nothing, sends nothing more, and lets go of its flushes', async () => {
  const { store, wal, sink } = await flying(2);
  const flushed = wal.flush();
  wal.append(batch(2));
  wal.stop();
  await flushed;
  expect(wal.pendingBytes).toBe(0);
  await (await store.next('put', 0)).lose();
  await (await store.next('put', 1)).answer();
  wal.append(batch(3));
  await wal.flush();
  expect(store.requests).toHaveLength(2);
  expect(sink.durableCount).toBe(0);
  expect(sink.end).toBeUndefined();
});

test('Close waits for attempts under way', async () => {
  const { store, wal } = await flying(1);
  let isClosed = false;
  const closed = wal.close().then(() => (isClosed = true));
  await turn();
  expect(isClosed).toBe(false);
  await (await store.next('put', 0)).answer();
  await closed;
});

test('The sink may append, stop and ask from inside a report', async () => {
  const { store, wal, sink } = await flying(1);
  const pending: number[] = [];
  sink.onDurable = () => {
    pending.push(wal.pendingBytes);
    if (sink.durableCount === 1) wal.append(batch(1, 16));
    else wal.stop();
  };
  await (await store.next('put', 0)).answer();
  wal.append(batch(2));
  await turn();
  for (const request of store.waiting('put').toReversed()) await request.answer();
  expect(sink.durableCount).toBe(2);
  expect(pending).toEqual([0, 8]);
});

test('What is released and not registered is deleted; the rest stays', async () => {
  const store = new MemoryObjectStore();
  const { wal } = await openWal(store);
  for (let i = 0; i < 5; i += 1) {
    wal.append(batch(i));
    await wal.flush();
  }
  expect(wal.unreleased().map(({ sequence }) => sequence)).toEqual([0, 1, 2, 3, 4]);
  await wal.release(3, new Set([1]));
  expect(wal.unreleased().map(({ sequence }) => sequence)).toEqual([3, 4]);
  const { keys } = await store.list({ prefix: clusterId, purpose: 'probe' });
  expect(keys.map(({ key }) => key)).toEqual([1, 3, 4].map(segmentKey));
  await wal.release(3, new Set());
  expect((await store.list({ prefix: clusterId, purpose: 'probe' })).keys).toHaveLength(3);
});

test('Releasing deletes 1,000 keys with one request, and leaves failures to the sweeper', async () => {
  const store = new SimHeldStore();
  store.holds = ({ operation }) => operation === 'delete';
  const { wal } = await openWal(store);
  for (let i = 0; i < 2_500; i += 1) {
    wal.append(batch(i));
    await wal.flush();
  }
  const released = wal.release(2_500, new Set());
  const sizes: number[] = [];
  for (let i = 0; i < 2; i += 1) {
    const request = await store.next('delete');
    sizes.push(request.keys.length);
    await request.answer();
  }
  await (await store.next('delete')).fail(unavailable());
  await released;
  expect(sizes).toEqual([1_000, 1_000]);
  expect(wal.unreleased()).toEqual([]);
});

test('A bug met on the way fails the WAL instead of being thrown at the host', async () => {
  const store = new MemoryObjectStore();
  const { wal, sink } = await openWal(store);
  wal.append({ ...batch(5), count: 0 });
  const end = await sink.whenEnded();
  expect(end).toMatchObject({ reason: 'failed', sentCount: 0 });
  expect(end.reason === 'failed' && isQanatError(end.error)).toBe(false);
});
