import { expect, test } from 'vitest';
import { decodeFooter, encodeDataObject, type DataObjectHead } from '../../src/format/data-object.ts';
import { qanatError } from '../../src/model/errors.ts';
import type { ObjectStore } from '../../src/store/object-store.ts';
import { MemoryObjectStore } from '../../src/store/memory-object-store.ts';
import { objectWal } from '../../src/wal/object-wal.ts';
import { SimHeldStore } from './sim-held-store.ts';
import {
  batch,
  clusterId,
  indexesOf,
  MemoryEpochState,
  openWal,
  quickRuntime,
  sealWal,
  segmentKey,
  turn,
  upTo,
  walPlace,
} from './wal-place.ts';

const purpose = 'probe' as const;
const unavailable = (): Error => qanatError('STORE_UNAVAILABLE', 'gone', { operation: 'put', key: undefined });

/** Bytes of segment `sequence`, which holds the batch of that index. */
function segment(sequence: number, durableBelow = 0, more: Partial<DataObjectHead> = {}): Uint8Array {
  const head = { clusterId, kind: 'wal-segment', node: 'a', nodeEpoch: 7, sequence, durableBelow, ...more } as const;
  return encodeDataObject(head, head.kind === 'seal' ? [] : [batch(sequence)]).bytes;
}

/** A store with these segments, as a writer leaves them that had `reported` of them. */
async function storeWith(sequences: readonly number[], reported = 0): Promise<MemoryObjectStore> {
  const store = new MemoryObjectStore();
  for (const sequence of sequences)
    await store.put(segmentKey(sequence), segment(sequence, Math.min(sequence, reported)), { purpose });
  return store;
}

async function kindAt(store: ObjectStore, sequence: number): Promise<string> {
  const key = segmentKey(sequence);
  const value = await store.get(key, { purpose });
  if (value === 'missing' || value === 'not-modified') return 'missing';
  return decodeFooter(value.bytes, { key, size: value.size }).kind;
}

test('An empty WAL is sealed at its released position', async () => {
  const store = new MemoryObjectStore();
  const sealed = await sealWal(store, undefined, { released: 0 });
  expect(sealed).toMatchObject({ sealedAt: 0, segments: [], segmentsAreObjects: true });
  expect(await kindAt(store, 0)).toBe('seal');
  const state = new MemoryEpochState();
  state.released = 5;
  expect((await sealWal(store, state))?.sealedAt).toBe(5);
});

test('A seal holds what was stored from the released position on, with sizes and parts', async () => {
  const store = await storeWith([0, 1, 2, 3], 4);
  const state = new MemoryEpochState();
  state.released = 2;
  const sealed = await sealWal(store, state);
  expect(sealed?.sealedAt).toBe(4);
  expect(sealed?.segments.map(({ sequence }) => sequence)).toEqual([2, 3]);
  expect(sealed?.segments[0]?.sizeBytes).toBe(segment(2).byteLength);
  expect(sealed?.segments[0]?.parts).toMatchObject([{ stream: 1, startOffset: 2, endOffset: 3 }]);
  expect(await indexesOf(sealed)).toEqual([2, 3]);
  await sealed?.close();
});

test('Sealing twice, or eight times at once, gives the same end', async () => {
  const store = await storeWith(upTo(40), 40);
  const all = await Promise.all(upTo(8).map(() => sealWal(store)));
  expect(all.map((sealed) => sealed?.sealedAt)).toEqual(upTo(8).map(() => 40));
  expect((await sealWal(store))?.segments).toHaveLength(40);
});

test('A released segment is not asked for', async () => {
  const store = await storeWith([3, 4], 5);
  const state = new MemoryEpochState();
  state.released = 3;
  expect(await indexesOf(await sealWal(store, state))).toEqual([3, 4]);
});

test('The LIST is only a hint: what it does not show is found by the seal that does not fit', async () => {
  const store = await storeWith([0, 1], 2);
  const blind: ObjectStore = {
    put: (...args) => store.put(...args),
    get: (...args) => store.get(...args),
    delete: (...args) => store.delete(...args),
    list: async (options) => (blindRounds-- > 0 ? { keys: [], more: false } : store.list(options)),
  };
  let blindRounds = 1;
  const sealed = await sealWal(blind);
  expect(await indexesOf(sealed)).toEqual([0, 1]);
  expect(sealed?.sealedAt).toBe(2);
});

test('The LIST is only a hint: what it shows and is not there ends the run', async () => {
  const store = await storeWith([0]);
  const dreaming: ObjectStore = {
    put: (...args) => store.put(...args),
    get: (...args) => store.get(...args),
    delete: (...args) => store.delete(...args),
    list: async (options) => {
      const { keys, more } = await store.list(options);
      return { keys: [...keys, { key: segmentKey(1), size: 9 }, { key: `${segmentKey(2)}x`, size: 9 }], more };
    },
  };
  expect((await sealWal(dreaming))?.sealedAt).toBe(1);
});

test('Long WALs are listed page by page', async () => {
  const store = await storeWith(upTo(25), 25);
  const list = store.list.bind(store);
  const put = store.put.bind(store);
  const requests: string[] = [];
  store.list = (options) => {
    requests.push('list');
    return list({ ...options, limit: 10 });
  };
  store.put = (...args) => {
    requests.push('put');
    return put(...args);
  };
  expect(await indexesOf(await sealWal(store))).toEqual(upTo(25));
  expect(requests).toEqual(['list', 'list', 'list', 'put']);
});

test('Directories are read many at a time, at most 32', async () => {
  const store = new SimHeldStore();
  for (const sequence of upTo(100)) await store.inner.put(segmentKey(sequence), segment(sequence), { purpose });
  store.holds = ({ operation }) => operation === 'get';
  const sealing = sealWal(store);
  let most = 0;
  for (let read = 0; read < 100; read += 1) {
    const request = await store.next('get');
    most = Math.max(most, store.waiting('get').length);
    await request.answer();
  }
  expect((await sealing)?.sealedAt).toBe(100);
  expect(most).toBe(32);
});

test('Model run m3: a missing segment is believed only after the state was read again', async () => {
  const store = await storeWith([0, 1], 2);
  const state = new MemoryEpochState(); // What the recoverer was given: released 0.
  await store.delete([segmentKey(0)], { purpose }); // Released by a commit before the fence, and deleted.
  state.released = 1;
  const sealed = await sealWal(store, state, { released: 0 });
  expect(state.rereads).toBeGreaterThan(0);
  expect(sealed?.sealedAt).toBe(2);
  expect(await indexesOf(sealed)).toEqual([1]);
  expect(await kindAt(store, 0)).toBe('missing');
});

test('A recoverer that learns on the way that the epoch is recovered seals nothing', async () => {
  const store = await storeWith([0, 1]);
  const state = new MemoryEpochState();
  state.sealedAt = 2;
  expect(await sealWal(store, state)).toBeUndefined();
  expect(await kindAt(store, 2)).toBe('missing');
});

test('What another recoverer has committed meanwhile is dropped', async () => {
  const store = await storeWith([0, 1, 2]);
  const state = new MemoryEpochState();
  state.onReread = () => (state.released = 2);
  const sealed = await sealWal(store, state);
  expect(sealed?.sealedAt).toBe(3);
  expect(sealed?.segments.map(({ sequence }) => sequence)).toEqual([2]);
});

test('A segment that lands between the LIST and the seal is taken', async () => {
  const store = new SimHeldStore();
  store.holds = ({ operation }) => operation === 'put';
  const sealing = sealWal(store);
  const seal = await store.next('put', 0);
  await store.inner.put(segmentKey(0), segment(0), { purpose });
  await seal.answer();
  await (await store.next('put', 1)).answer();
  const sealed = await sealing;
  expect(sealed?.sealedAt).toBe(1);
  expect(await indexesOf(sealed)).toEqual([0]);
});

test('The answer to a seal that got lost is found by reading, whosever seal it is', async () => {
  const store = new SimHeldStore();
  store.holds = ({ operation }) => operation === 'put';
  const landed = sealWal(store);
  const first = await store.next('put', 0);
  await first.effect();
  await first.lose();
  expect((await landed)?.sealedAt).toBe(0);

  const notLanded = sealWal(store, undefined, { released: 1 });
  const late = await store.next('put', 1);
  await late.lose();
  const again = await store.next('put', 1);
  expect(again.body).toEqual(late.body);
  await late.effect();
  await again.answer();
  expect((await notLanded)?.sealedAt).toBe(1);
});

test('A slot that is taken and then empty is looked at again', async () => {
  const store = new SimHeldStore();
  await store.inner.put(segmentKey(0), segment(0), { purpose });
  store.holds = ({ operation }) => operation === 'put' || operation === 'list';
  const state = new MemoryEpochState();
  const sealing = sealWal(store, state);
  const list = await store.next('list');
  await store.inner.delete([segmentKey(0)], { purpose });
  await list.answer();
  const seal = await store.next('put', 0);
  await store.inner.put(segmentKey(0), segment(0), { purpose });
  await seal.effect(); // Exists.
  await store.inner.delete([segmentKey(0)], { purpose }); // Recovered and swept by another.
  state.sealedAt = 1;
  await seal.answer();
  await (await store.next('list')).answer();
  expect(await sealing).toBeUndefined();
});

test('Orphans past a gap, sent and never acknowledged, do not hold up recovery', async () => {
  const store = await storeWith([0, 2, 3, 7], 1);
  const sealed = await sealWal(store);
  expect(sealed?.sealedAt).toBe(1);
  expect(await indexesOf(sealed)).toEqual([0]);
  expect((await sealWal(store))?.sealedAt).toBe(1);
});

test('A segment that the bucket has lost after it was acknowledged is damage, and is not sealed over', async () => {
  const store = await storeWith([0, 1, 2, 3], 3);
  await store.delete([segmentKey(1)], { purpose });
  const lost = { code: 'OBJECT_CORRUPT', key: segmentKey(1) };
  await expect(sealWal(store)).rejects.toMatchObject(lost);
  await expect(sealWal(store)).rejects.toMatchObject(lost);
  expect(await kindAt(store, 1)).toBe('missing');
});

test('A segment further ahead than PUTs may be in flight proves the same', async () => {
  const within = await storeWith([0, 8]);
  expect((await sealWal(within))?.sealedAt).toBe(1);
  const beyond = await storeWith([0, 9]);
  await expect(sealWal(beyond)).rejects.toMatchObject({ code: 'OBJECT_CORRUPT', key: segmentKey(1) });
});

test('A lost segment with a seal in its place is still known by the later ones', async () => {
  const store = await storeWith([0, 1, 2, 3], 3);
  await store.delete([segmentKey(1)], { purpose });
  await store.put(segmentKey(1), segment(1, 0, { kind: 'seal' }), { purpose });
  await expect(sealWal(store)).rejects.toMatchObject({ code: 'OBJECT_CORRUPT', key: segmentKey(1) });
  const state = new MemoryEpochState(); // Unless it was released: then the seal is a stray one.
  state.onReread = () => (state.released = 2);
  expect(await indexesOf(await sealWal(store, state))).toEqual([2, 3]);
});

test('Before a loss is believed the slot and the state are looked at again', async () => {
  // Two pages of a LIST are taken at two moments: between them a zombie stored segment 1, had it reported, and went on.
  const gapped = (store: ObjectStore): ObjectStore => ({
    put: (...args) => store.put(...args),
    get: (...args) => store.get(...args),
    delete: (...args) => store.delete(...args),
    list: async (options) => {
      const { keys, more } = await store.list(options);
      return { keys: rounds++ === 0 ? keys.filter(({ key }) => key !== segmentKey(1)) : keys, more };
    },
  });
  let rounds = 0;
  expect(await indexesOf(await sealWal(gapped(await storeWith([0, 1, 2], 2))))).toEqual([0, 1, 2]);

  const swept = await storeWith([0, 2], 2); // Segment 1 was released by another recoverer's commit, and swept.
  const state = new MemoryEpochState();
  state.onReread = () => (state.released = 2);
  expect(await indexesOf(await sealWal(swept, state))).toEqual([2]);
});

test('A damaged segment stops the recovery, and nothing beyond it is sealed', async () => {
  for (const harm of [
    (bytes: Uint8Array) => (bytes[bytes.byteLength - 1]! ^= 1),
    (bytes: Uint8Array) => (bytes[bytes.byteLength - 150]! ^= 1), // In its block index.
  ]) {
    const store = await storeWith([0, 1, 2, 3], 3);
    const bytes = segment(2);
    harm(bytes);
    await store.put(segmentKey(2), bytes, { purpose });
    const error = await sealWal(store).catch((cause: unknown) => cause);
    expect(error).toMatchObject({ code: 'OBJECT_CORRUPT', key: segmentKey(2) });
    expect((error as { position: number }).position).toBeGreaterThan(0);
    expect(await kindAt(store, 4)).toBe('missing');
  }
});

test('An object of another origin in a slot is damage', async () => {
  const foreign: Partial<DataObjectHead>[] = [
    { clusterId: 'f'.repeat(32) },
    { node: 'b' },
    { nodeEpoch: 8 },
    { sequence: 2 },
    { kind: 'stream-set' },
    { kind: 'seal', node: 'b' },
  ];
  for (const more of foreign) {
    const store = await storeWith([0]);
    await store.put(segmentKey(1), segment(1, 0, more), { purpose });
    await expect(sealWal(store)).rejects.toMatchObject({ code: 'OBJECT_CORRUPT', key: segmentKey(1) });
  }
});

test('What lies behind a seal is nobody’s business, damaged or not', async () => {
  const store = await storeWith([0, 1]);
  await store.put(segmentKey(2), segment(2, 0, { kind: 'seal' }), { purpose });
  await store.put(segmentKey(3), new Uint8Array([1]), { purpose });
  const sealed = await sealWal(store);
  expect(sealed?.sealedAt).toBe(2);
});

test('A seal further ahead, made to stop a writer, does not end a WAL with a gap before it', async () => {
  const store = await storeWith([0, 1, 2, 4], 3);
  await store.put(segmentKey(30), segment(30, 0, { kind: 'seal' }), { purpose });
  const [first, second] = await Promise.all([sealWal(store), sealWal(store)]);
  expect([first?.sealedAt, second?.sealedAt]).toEqual([3, 3]);
  expect(await indexesOf(first)).toEqual([0, 1, 2]);
});

test('Requests that fail are repeated', async () => {
  const store = await storeWith([0, 1], 2);
  let requests = 0;
  const flaky = <A extends unknown[], R>(operation: (...args: A) => Promise<R>) =>
    ((...args: A) => (requests++ % 2 === 0 ? Promise.reject(unavailable()) : operation(...args))) as (
      ...args: A
    ) => Promise<R>;
  const sealed = await sealWal({
    put: flaky(store.put.bind(store)),
    get: flaky(store.get.bind(store)),
    list: flaky(store.list.bind(store)),
    delete: store.delete.bind(store),
  });
  expect(sealed?.sealedAt).toBe(2);
  expect(await indexesOf(sealed)).toEqual([0, 1]);
});

test('A store that stays away fails the recovery in the end', async () => {
  let now = 0;
  const clock = { now: () => now, monotonic: () => (now += 10_000) };
  const store = new MemoryObjectStore();
  store.list = () => Promise.reject(unavailable());
  const failed = sealWal(store, undefined, { runtime: { ...quickRuntime, clock } });
  await expect(failed).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  const deaf = new MemoryObjectStore();
  deaf.put = () => Promise.resolve({ outcome: 'unknown' });
  const undecided = sealWal(deaf, undefined, { runtime: { ...quickRuntime, clock } });
  await expect(undecided).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', outcome: 'unknown' });
});

test('A signal ends the recovery between requests, and while one is under way', async () => {
  const reason = new Error('no longer wanted');
  for (const held of ['list', 'get', 'put'] as const) {
    const store = new SimHeldStore();
    await store.inner.put(segmentKey(0), segment(0), { purpose });
    store.holds = ({ operation }) => operation === held;
    const controller = new AbortController();
    const sealing = sealWal(store, undefined, { signal: controller.signal });
    await store.next(held);
    controller.abort(reason);
    await expect(sealing).rejects.toBe(reason);
  }
  const controller = new AbortController();
  controller.abort(reason);
  await expect(sealWal(new MemoryObjectStore(), undefined, { signal: controller.signal })).rejects.toBe(reason);
});

test('A writer at full speed cannot outrun a slow recoverer', async () => {
  const memory = new MemoryObjectStore();
  const slowed = (turns: number): ObjectStore => {
    const slow = <A extends unknown[], R>(operation: (...args: A) => Promise<R>) =>
      async function slowly(...args: A): Promise<R> {
        for (let i = 0; i < turns; i += 1) await turn();
        return operation(...args);
      };
    return {
      put: slow(memory.put.bind(memory)),
      get: slow(memory.get.bind(memory)),
      list: slow(memory.list.bind(memory)),
      delete: slow(memory.delete.bind(memory)),
    };
  };
  const { wal, sink, state } = await openWal(slowed(1), { settings: { segmentSizeMinBytes: 0 } });
  let next = 0;
  const appendMax = 5_000;
  sink.onDurable = () => {
    if (next < appendMax) wal.append(batch(next++));
  };
  for (let i = 0; i < 8; i += 1) {
    wal.append(batch(next++));
    await Promise.resolve();
  }
  while (sink.durableCount < 100) await turn();
  const sealed = await sealWal(slowed(5), state);
  state.sealedAt = sealed?.sealedAt;
  expect(await sink.whenEnded()).toMatchObject({ reason: 'fenced' });
  const held = await indexesOf(sealed);
  expect(held).toEqual(upTo(held.length));
  expect(sink.durableCount).toBeLessThanOrEqual(held.length);
  expect(next).toBeLessThan(appendMax);
});

test('A WAL of another kind is not in the bucket', async () => {
  const context = {
    ...walPlace(new MemoryObjectStore()),
    identity: { kind: 'file', id: 'x' },
    released: 0,
    reread: () => Promise.resolve({ released: 0 }),
  } as const;
  await expect(objectWal().seal(context)).rejects.toMatchObject({ code: 'WAL_MISSING', walKind: 'file', walId: 'x' });
});

test('A sealed segment that is missing or damaged when its batches are read is damage', async () => {
  const store = await storeWith([0, 1]);
  const sealed = await sealWal(store);
  const [first, second] = sealed?.segments ?? [];
  const bytes = segment(0);
  bytes[0]! ^= 1;
  await store.put(segmentKey(0), bytes, { purpose });
  await store.delete([segmentKey(1)], { purpose });
  await expect(sealed?.batches(first!)).rejects.toMatchObject({ code: 'OBJECT_CORRUPT', key: segmentKey(0) });
  await expect(sealed?.batches(second!)).rejects.toMatchObject({ code: 'OBJECT_CORRUPT', key: segmentKey(1) });
});
