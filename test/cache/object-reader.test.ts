// Reading data objects: one request for any number of callers, nothing kept of a failure, blocks of a small object with
// its directory.
import { expect, test } from 'vitest';
import { MemoryObjectStore, qanatError } from '../../src/index.ts';
import type { GetOptions, GetResult, StreamBatch } from '../../src/index.ts';
import { ObjectReader, keyOf, type ReadableObject } from '../../src/cache/object-reader.ts';
import { encodeDataObject } from '../../src/format/data-object.ts';
import { streamId } from '../../src/model/ids.ts';

const clusterId = '0123456789abcdef'.repeat(2);

class CountingObjectStore extends MemoryObjectStore {
  gets = 0;
  failsNext = 0;
  override async get(key: string, options: GetOptions): Promise<GetResult> {
    this.gets += 1;
    await new Promise((resolve) => setTimeout(resolve, 1));
    if (this.failsNext-- > 0) throw qanatError('STORE_UNAVAILABLE', 'no', { operation: 'get', key });
    return super.get(key, options);
  }
}

/** A store with one object of `count` batches, and a reader of it. */
async function world(
  count: number,
  sizeBytes: number,
): Promise<{ store: CountingObjectStore; reader: ObjectReader; object: ReadableObject; key: string }> {
  const store = new CountingObjectStore();
  const batches: StreamBatch[] = Array.from({ length: count }, (_, i) => ({
    ...{ stream: streamId(1), streamEpoch: 1, startOffset: i, count: 1, timestamp: undefined },
    bytes: new Uint8Array(sizeBytes).fill(i),
  }));
  const head = { clusterId, kind: 'stream', node: 'a', nodeEpoch: 1, sequence: 0, durableBelow: 0 } as const;
  const { bytes } = encodeDataObject(head, batches);
  const object: ReadableObject = {
    id: 1,
    family: 'data',
    node: 'a',
    writerEpoch: 1,
    sequence: 0,
    sizeBytes: bytes.byteLength,
  };
  const key = keyOf(clusterId, object);
  await store.put(key, bytes, { purpose: 'upload' });
  return { store, reader: new ObjectReader(store, clusterId, 64 * 2 ** 20, 16 * 2 ** 20), object, key };
}

test('any number of callers share one request for a directory and one for a block', async () => {
  const { store, reader, object } = await world(20, 200_000);
  const directories = await Promise.all(Array.from({ length: 50 }, () => reader.directory(object)));
  expect(store.gets).toBe(1);
  expect(new Set(directories).size).toBe(1);
  const directory = directories[0]!;
  expect(directory.index.blockCount).toBeGreaterThan(4);
  const blocks = await Promise.all(Array.from({ length: 50 }, () => reader.block(object, directory, 1)));
  expect(store.gets).toBe(2);
  expect(new Set(blocks).size).toBe(1);
  await Promise.all([reader.directory(object), reader.block(object, directory, 1)]);
  expect(store.gets).toBe(2);
  expect(reader.counts()).toMatchObject({ hits: 1, misses: 50 });
  expect(reader.cachedBlock(object, 1)).toBe(blocks[0]);
  expect(reader.cachedBlock(object, 0)).toBeUndefined();
  expect(reader.counts()).toMatchObject({ hits: 2, misses: 50 });
});

test('a block that came with the directory somebody waited for is no hit; one that was fetched ahead is', async () => {
  const { store, reader, object } = await world(2, 100);
  const directory = (await reader.directory(object))!;
  expect(await reader.block(object, directory, 0)).toBeDefined();
  expect(reader.counts()).toMatchObject({ hits: 0, misses: 1 });
  expect(await reader.block(object, directory, 0)).toBeDefined();
  expect(reader.counts()).toMatchObject({ hits: 1, misses: 1 });
  expect(store.gets).toBe(1);

  const ahead = await world(2, 100);
  const fetched = (await ahead.reader.prefetchDirectory(ahead.object, true))!;
  expect(await ahead.reader.directory(ahead.object)).toBe(fetched);
  expect(await ahead.reader.block(ahead.object, fetched, 0)).toBeDefined();
  expect(ahead.reader.counts()).toMatchObject({ hits: 1, misses: 0 });
});

test('neighbours that are asked for together come in one request, and each may be joined', async () => {
  const { store, reader, object } = await world(20, 200_000);
  const directory = (await reader.directory(object))!;
  const first = reader.block(object, directory, 0, 3);
  const third = reader.block(object, directory, 2);
  expect((await first)?.batch(0).startOffset).toBe(0);
  expect((await third)?.batch(0).startOffset).toBe(directory.index.entry(2).startOffset);
  expect(store.gets).toBe(2);
});

test('the blocks of a small object come with its directory', async () => {
  const { store, reader, object } = await world(3, 100);
  const directory = (await reader.directory(object))!;
  expect((await reader.block(object, directory, 0))?.batchCount).toBe(3);
  expect(store.gets).toBe(1);
});

test('a failure, a missing object and damage are told to all who wait, and kept for nobody', async () => {
  const { store, reader, object, key } = await world(20, 200_000);
  store.failsNext = 2;
  const failed = await Promise.allSettled([reader.directory(object), reader.directory(object)]);
  expect(failed.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(store.gets).toBe(2);
  const directory = (await reader.directory(object))!;
  store.failsNext = 1;
  await expect(reader.block(object, directory, 0, 2)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  const whole = (await store.get(key, { purpose: 'read' })) as { bytes: Uint8Array };
  await store.delete([key], { purpose: 'sweep' });
  expect(await reader.block(object, directory, 0)).toBeUndefined();
  expect(await new ObjectReader(store, clusterId, 1_000, 1_000).directory(object)).toBeUndefined();
  const damaged = Uint8Array.from(whole.bytes);
  damaged[100]! ^= 1;
  await store.put(key, damaged, { purpose: 'upload' });
  await expect(reader.block(object, directory, 0)).rejects.toMatchObject({ code: 'OBJECT_CORRUPT', key });
  await store.put(key, whole.bytes, { purpose: 'upload' });
  expect((await reader.block(object, directory, 0))?.batch(0).bytes.byteLength).toBe(200_000);
});

test('who joined a request that was under way, and fails, has one more try', async () => {
  const { store, reader, object } = await world(20, 200_000);
  const directory = (await reader.directory(object))!;
  const three = (): Promise<PromiseSettledResult<unknown>[]> =>
    Promise.allSettled(Array.from({ length: 3 }, () => reader.block(object, directory, 0)));
  const before = store.gets;
  store.failsNext = 2;
  expect((await three()).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  expect(store.gets).toBe(before + 2);
  store.failsNext = 1;
  expect((await three()).map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled']);
  expect(store.gets).toBe(before + 4);
});

test('an object that is not the one the state names is damage', async () => {
  const { reader, object, store, key } = await world(2, 100);
  for (const other of [{ sequence: 1 }, { node: 'b' }, { writerEpoch: 2 }]) {
    const foreign = { ...object, id: 2, ...other };
    const { bytes } = (await store.get(key, { purpose: 'read' })) as { bytes: Uint8Array };
    await store.put(keyOf(clusterId, foreign), bytes, { purpose: 'upload' });
    await expect(reader.directory(foreign)).rejects.toMatchObject({
      code: 'OBJECT_CORRUPT',
      key: keyOf(clusterId, foreign),
    });
  }
  await expect(reader.directory({ ...object, id: 3, sizeBytes: object.sizeBytes + 1 })).rejects.toMatchObject({
    code: 'OBJECT_CORRUPT',
  });
});

test('the cache is bounded by bytes under many readers at once, and so are their reads under way', async () => {
  const { store, object } = await world(400, 50_000);
  const reader = new ObjectReader(store, clusterId, 4 * 2 ** 20, 2 * 2 ** 20);
  const directory = (await reader.directory(object))!;
  const { blockCount } = directory.index;
  let [underWayBytes, underWayMost] = [0, 0];
  const get = store.get.bind(store);
  store.get = async (key, options) => {
    const { range } = options;
    const sizeBytes = range !== undefined && 'start' in range ? range.end - range.start : 0;
    underWayBytes += sizeBytes;
    underWayMost = Math.max(underWayMost, underWayBytes);
    return get(key, options).finally(() => (underWayBytes -= sizeBytes));
  };
  await Promise.all(
    Array.from({ length: 50 }, async (_, n) => {
      for (let i = 0; i < 20; i++) {
        const index = (n * 7 + i * 3) % blockCount;
        const block = await reader.block(object, directory, index, Math.min(i % 3, blockCount - 1 - index));
        expect(block?.batch(0).startOffset).toBe(directory.index.entry(index).startOffset);
        expect(reader.counts().sizeBytes).toBeLessThanOrEqual(4 * 2 ** 20);
      }
    }),
  );
  expect(underWayMost).toBeLessThanOrEqual(2 * 2 ** 20);
  expect(underWayMost).toBeGreaterThan(2 ** 20);
});

test('blocks that came together are evicted together, and keep no more memory than was counted', async () => {
  const { store, object } = await world(40, 200_000);
  const reader = new ObjectReader(store, clusterId, 4 * 2 ** 20, 2 * 2 ** 20);
  const directory = (await reader.directory(object))!;
  const counted = reader.counts().sizeBytes;
  const first = (await reader.block(object, directory, 0, 2))!;
  const third = reader.cachedBlock(object, 2)!;
  expect(first.batch(0).bytes.buffer).toBe(third.batch(0).bytes.buffer);
  expect(reader.counts().sizeBytes - counted).toBeGreaterThanOrEqual(first.batch(0).bytes.buffer.byteLength);
  for (let index = 3; index < directory.index.blockCount; index++) await reader.block(object, directory, index);
  expect([0, 1, 2].map((index) => reader.isHere(object, index))).toEqual([false, false, false]);
});

test('a store that gives a part of a larger buffer does not have the rest of it kept', async () => {
  const { store, reader, object } = await world(20, 200_000);
  const directory = (await reader.directory(object))!;
  const get = store.get.bind(store);
  store.get = async (key, options) => {
    const value = (await get(key, options)) as Exclude<GetResult, string>;
    const wide = new Uint8Array(8 * 2 ** 20);
    wide.set(value.bytes, 1_000);
    return { ...value, bytes: wide.subarray(1_000, 1_000 + value.bytes.byteLength) };
  };
  const block = (await reader.block(object, directory, 0))!;
  expect(block.batch(0).bytes.buffer.byteLength).toBeLessThan(2 ** 20);
});

test('a damaged block harms those who read it, not those who read its neighbours, and is fetched anew', async () => {
  const { store, reader, object, key } = await world(20, 200_000);
  const directory = (await reader.directory(object))!;
  const { bytes } = (await store.get(key, { purpose: 'read' })) as Exclude<GetResult, string>;
  const damaged = Uint8Array.from(bytes);
  damaged[directory.index.entry(1).position + 20]! ^= 1;
  await store.put(key, damaged, { purpose: 'upload' });
  expect((await reader.block(object, directory, 0, 2))?.batch(0).startOffset).toBe(0);
  await expect(reader.block(object, directory, 1)).rejects.toMatchObject({ code: 'OBJECT_CORRUPT', key });
  await store.put(key, bytes, { purpose: 'upload' });
  expect((await reader.block(object, directory, 1))?.batch(0).startOffset).toBe(directory.index.entry(1).startOffset);
});

test('a small object comes in one request, with its directory and all its blocks', async () => {
  const { store, reader, object } = await world(20, 50_000);
  const directory = (await reader.directory(object, true))!;
  for (let index = 0; index < directory.index.blockCount; index++)
    expect(reader.cachedBlock(object, index)?.batch(0).startOffset).toBe(directory.index.entry(index).startOffset);
  expect(store.gets).toBe(1);
});
