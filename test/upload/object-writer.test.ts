import { expect, test } from 'vitest';
import { MemoryObjectStore, systemRuntime } from '../../src/index.ts';
import type { PutOptions, PutResult, StreamBatch } from '../../src/index.ts';
import type { CommittedObject } from '../../src/catalog/change.ts';
import type { ObjectEncoder } from '../../src/format/data-object.ts';
import { streamId } from '../../src/model/ids.ts';
import { ObjectWriter } from '../../src/upload/object-writer.ts';
import { OutageObjectStore, keysOf } from '../engine/failing-store.ts';

const MiB = 1024 * 1024;
const clusterId = '0123456789abcdef'.repeat(2);
const place = {
  clusterId,
  node: 'a',
  nodeEpoch: 3,
  runtime: systemRuntime,
  storeDeadlineMs: 200,
  objectSizeMaxBytes: 8 * MiB,
};
const batches: readonly StreamBatch[] = [
  { stream: streamId(1), streamEpoch: 1, startOffset: 0, count: 2, timestamp: undefined, bytes: new Uint8Array([1]) },
];
const sizeBytes = 1_000;
const fill = async (encoder: ObjectEncoder): Promise<void> => {
  for (const batch of batches) encoder.add(batch);
};
const registered = (sequence: number): CommittedObject => ({ family: 'wal', sequence, sizeBytes: 1, parts: [] });

test('the watermark stands at the lowest sequence that is not decided, own objects aside', async () => {
  const writer = new ObjectWriter({ ...place, store: new MemoryObjectStore() });
  expect(writer.settledBelow()).toBe(0);
  const [first, second, third] = [
    await writer.write('stream', sizeBytes, fill),
    await writer.write('stream-set', sizeBytes, fill),
    await writer.write('stream', sizeBytes, fill),
  ];
  expect([first, second, third].map(({ sequence }) => sequence)).toEqual([0, 1, 2]);
  expect(writer.settledBelow()).toBe(0);
  expect(writer.settledBelow([first])).toBe(1);
  expect(writer.settledBelow([second])).toBe(0);
  writer.decide([second]);
  expect(writer.settledBelow([first])).toBe(2);
  writer.decide([first, third]);
  expect(writer.settledBelow()).toBe(3);
});

test('a segment that a change registers says nothing about the data object with the same number', async () => {
  const writer = new ObjectWriter({ ...place, store: new MemoryObjectStore() });
  const underWay = await writer.write('stream', sizeBytes, fill);
  expect(writer.settledBelow([registered(underWay.sequence)])).toBe(0);
  writer.decide([registered(underWay.sequence)]);
  expect(writer.settledBelow()).toBe(0);
});

test('a lost answer is asked for again, and what stands is taken for what it is', async () => {
  for (const failure of ['unknown-done', 'unknown-undone', 'unavailable'] as const) {
    const store = new MemoryObjectStore();
    const outage = new OutageObjectStore(store, failure, 1);
    setTimeout(() => (outage.from = Infinity), 20);
    const writer = new ObjectWriter({ ...place, store: outage });
    await writer.write('stream', sizeBytes, fill);
    expect(await keysOf(store)).toHaveLength(1);
  }
});

test('an object that cannot be written is given up, and its sequence with it', async () => {
  const outage = new OutageObjectStore(new MemoryObjectStore(), 'unavailable', 1);
  const writer = new ObjectWriter({ ...place, store: outage });
  await expect(writer.write('stream', sizeBytes, fill)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  expect(writer.settledBelow()).toBe(1);
  outage.from = Infinity;
  expect((await writer.write('stream', sizeBytes, fill)).sequence).toBe(1);
});

test('a foreign object in its place is damage, never success', async () => {
  const store = new (class extends MemoryObjectStore {
    override async put(key: string, _body: Uint8Array, options: PutOptions): Promise<PutResult> {
      return super.put(key, new Uint8Array(500), options).then(() => super.put(key, _body, options));
    }
  })();
  const writer = new ObjectWriter({ ...place, store });
  await expect(writer.write('stream', sizeBytes, fill)).rejects.toMatchObject({ code: 'OBJECT_CORRUPT' });
});

test('a body is overwritten only if no put of it may still be read', async () => {
  for (const failure of ['unknown-done', 'unknown-undone', 'unavailable', undefined] as const) {
    const bodies: Uint8Array[] = [];
    const outage = new OutageObjectStore(
      new MemoryObjectStore(),
      failure ?? 'unavailable',
      failure === undefined ? Infinity : 1,
    );
    if (failure !== undefined) setTimeout(() => (outage.from = Infinity), 20);
    const seen = new (class extends MemoryObjectStore {
      override put(key: string, body: Uint8Array, options: PutOptions): Promise<PutResult> {
        bodies.push(body);
        return outage.put(key, body, options);
      }
      override get(...request: Parameters<MemoryObjectStore['get']>): ReturnType<MemoryObjectStore['get']> {
        return outage.get(...request);
      }
    })();
    const writer = new ObjectWriter({ ...place, store: seen });
    await writer.write('stream', sizeBytes, fill);
    const first = bodies[0]!;
    await writer.write('stream', sizeBytes, fill);
    const isUsedAgain = bodies.at(-1)!.buffer === first.buffer;
    expect(isUsedAgain, String(failure)).toBe(failure === undefined || failure === 'unavailable');
  }
});
