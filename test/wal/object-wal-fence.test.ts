// A writer whose epoch was fenced: what it reports when it meets a seal, or nothing, where its segment should be. The
// histories named after the model runs are the shortest ones that lose data without the rule.
import { expect, test } from 'vitest';
import { qanatError } from '../../src/model/errors.ts';
import type { SealedWal } from '../../src/wal/wal.ts';
import { SimHeldStore } from './sim-held-store.ts';
import { batch, indexesOf, MemoryEpochState, openWal, sealWal, segmentKey, turn } from './wal-place.ts';

const purpose = 'recovery' as const;

/** A writer with `count` segments in flight whose requests are held; the recoverer's are not. */
async function flying(count: number, more: Parameters<typeof openWal>[1] = {}) {
  const store = new SimHeldStore();
  store.holds = ({ purpose: why }) => why === 'wal';
  const opened = await openWal(store, { ...more, settings: { segmentSizeMinBytes: 0, ...more?.settings } });
  for (let i = 0; i < count; i += 1) {
    opened.wal.append(batch(i));
    await turn();
  }
  return { store, ...opened };
}

/** Recovers the epoch: seals, then lets the state know, as the first `recovered` does. */
async function recover(store: SimHeldStore, state: MemoryEpochState): Promise<SealedWal> {
  const sealed = await sealWal(store, state);
  if (sealed === undefined) throw new Error('recovered already');
  state.sealedAt = sealed.sealedAt;
  return sealed;
}

test('Model run m8: a segment that meets a seal is not taken for its own', async () => {
  const { store, state, sink } = await flying(1);
  expect((await recover(store, state)).sealedAt).toBe(0);
  await (await store.next('put', 0)).answer();
  await (await store.next('get', 0)).answer();
  expect(sink.end).toEqual({ reason: 'fenced', outcome: 'none', sentCount: 1 });
  expect(sink.durableCount).toBe(0);
});

test('Model run 5: what recovery found is reported also after it, and what it left out is not', async () => {
  const { store, state, wal, sink } = await flying(3);
  wal.append(batch(3));
  await (await store.next('put', 0)).effect();
  await (await store.next('put', 2)).effect();
  const sealed = await recover(store, state);
  expect(sealed.sealedAt).toBe(1);
  expect(await indexesOf(sealed)).toEqual([0]);
  await (await store.next('put', 1)).answer();
  await (await store.next('get', 1)).answer();
  expect(sink.durableCount).toBe(1);
  expect(sink.end).toEqual({ reason: 'fenced', outcome: 'none', sentCount: 3 }); // Segments 1, 2 and 3.
  await (await store.next('put', 0)).answer();
  await (await store.next('put', 2)).answer();
  expect(sink.durableCount).toBe(1);
});

test('Batches that were never sent are not counted as sent', async () => {
  const { store, state, wal, sink } = await flying(8);
  wal.append(batch(8));
  wal.append(batch(9));
  await recover(store, state);
  await (await store.next('put', 0)).answer();
  await (await store.next('get', 0)).answer();
  expect(sink.end).toEqual({ reason: 'fenced', outcome: 'none', sentCount: 8 });
});

test('Model run 8: a stray seal of a slow second recoverer says nothing about the segment', async () => {
  const { store, state, sink } = await flying(1);
  const put = await store.next('put', 0);
  await put.effect();
  const stale = new MemoryEpochState(); // What C knows: fenced, released 0, not recovered.
  expect((await recover(store, state)).sealedAt).toBe(1);
  await store.inner.delete([segmentKey(0)], { purpose: 'sweep' }); // Compacted, then swept.
  expect((await sealWal(store, stale))?.sealedAt).toBe(0);
  await put.lose();
  await (await store.next('put', 0)).answer();
  await (await store.next('get', 0)).answer();
  expect(sink.durableCount).toBe(1);
  expect(sink.end).toEqual({ reason: 'fenced', outcome: 'none', sentCount: 0 });
});

test('Model run 8b: the late seal of the one recoverer, landing in a swept slot, says nothing either', async () => {
  const { store, state, sink } = await flying(1);
  store.holds = ({ operation }) => operation === 'put';
  const recovering = sealWal(store, state);
  await turn();
  const [put, seal] = store.waiting('put', 0);
  await put?.effect();
  await seal?.lose(); // Timed out, still under way.
  await (await store.next('put', 1)).answer();
  const sealed = await recovering;
  expect(sealed?.sealedAt).toBe(1);
  state.sealedAt = 1;
  await store.inner.delete([segmentKey(0)], { purpose: 'sweep' });
  await seal?.effect();
  store.holds = () => false;
  await put?.lose(); // It tries again, and finds the stray seal.
  expect(await sink.whenEnded()).toEqual({ reason: 'fenced', outcome: 'none', sentCount: 0 });
  expect(sink.durableCount).toBe(1);
});

test('A seal of a recovery that is not finished leaves the outcome unknown', async () => {
  const { store, sink } = await flying(2);
  await sealWal(store);
  await (await store.next('put', 1)).answer();
  await (await store.next('put', 0)).answer();
  await (await store.next('get', 0)).answer();
  expect(sink.durableCount).toBe(0);
  expect(sink.end).toEqual({ reason: 'fenced', outcome: 'unknown', sentCount: 2 });
});

test('A journal out of reach, or without an answer, leaves the outcome unknown', async () => {
  const silent: (() => Promise<undefined>)[] = [
    () => Promise.reject(qanatError('STORE_UNAVAILABLE', 'gone', { operation: 'journal', key: undefined })),
    () => new Promise(() => {}),
  ];
  for (const ask of silent) {
    const { store, state, sink } = await flying(1, { settings: { storeDeadlineMs: 200 } });
    Object.defineProperty(state, 'sealedAt', { get: ask });
    await sealWal(store);
    await (await store.next('put', 0)).answer();
    await (await store.next('get', 0)).answer();
    expect(await sink.whenEnded()).toEqual({ reason: 'fenced', outcome: 'unknown', sentCount: 1 });
  }
});

test('A slot that is taken and then empty was recovered and swept: the state decides', async () => {
  const { store, state, sink } = await flying(2);
  const put = await store.next('put', 0);
  await put.effect();
  await put.lose();
  await (await store.next('put', 0)).answer(); // Exists.
  await recover(store, state);
  await store.inner.delete([segmentKey(0)], { purpose: 'sweep' });
  await (await store.next('get', 0)).answer();
  expect(sink.durableCount).toBe(1);
  expect(sink.end).toEqual({ reason: 'fenced', outcome: 'none', sentCount: 1 });
});

test('A WAL that is stopped while it asks the state reports nothing', async () => {
  const { store, state, wal, sink } = await flying(1);
  let answer: (sealedAt: number) => void = () => {};
  Object.defineProperty(state, 'sealedAt', { get: () => new Promise((resolve) => (answer = resolve)) });
  await sealWal(store);
  await (await store.next('put', 0)).answer();
  await (await store.next('get', 0)).answer();
  wal.stop();
  answer(1);
  await turn();
  expect(sink.durableCount).toBe(0);
  expect(sink.end).toBeUndefined();
});

test('A fenced WAL sends nothing while it asks the state', async () => {
  const { store, wal, state } = await flying(2);
  Object.defineProperty(state, 'sealedAt', { get: () => new Promise(() => {}) });
  await sealWal(store);
  await (await store.next('put', 0)).answer();
  await (await store.next('get', 0)).answer();
  wal.append(batch(2));
  await (await store.next('put', 1)).lose();
  await new Promise((resolve) => setTimeout(resolve, 10));
  expect(store.waiting()).toEqual([]);
  wal.stop();
});

test('Model run m5: a segment stored above a hole is not acknowledged', async () => {
  const { store, state, sink } = await flying(2);
  await (await store.next('put', 1)).answer();
  expect(sink.durableCount).toBe(0);
  const sealed = await recover(store, state);
  expect(await indexesOf(sealed)).toEqual([]);
  await (await store.next('put', 0)).answer();
  await (await store.next('get', 0)).answer();
  expect(sink.durableCount).toBe(0);
});

test('Model run m4: a segment is not deleted before its release was applied', async () => {
  const { store, wal, state, sink } = await flying(1);
  await (await store.next('put', 0)).answer();
  expect(sink.durableCount).toBe(1);
  // The commit that releases it is proposed, not applied: nobody calls release. A recoverer finds the segment.
  expect(await indexesOf(await recover(store, state))).toEqual([0]);
  expect((await store.inner.list({ prefix: segmentKey(0), purpose })).keys).toHaveLength(1);
  wal.stop();
});

test('An attempt that lands after the seal of its WAL changes nothing', async () => {
  const { store, state, wal } = await flying(3);
  await (await store.next('put', 0)).answer();
  const sealed = await recover(store, state);
  wal.stop();
  for (const put of store.waiting('put')) await put.effect();
  const again = await sealWal(store, new MemoryEpochState());
  expect(again?.sealedAt).toBe(sealed.sealedAt);
  expect(await indexesOf(again)).toEqual([0]);
});
