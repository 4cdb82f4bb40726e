// A request brings blocks ahead of their readers, and one of them is damaged on its way. Whoever read it later was told
// that the object is damaged, though it never was. A block that comes damaged is fetched once more; only one that comes
// damaged twice is damaged in the store.
import { expect, test } from 'vitest';
import { MemoryObjectStore, StreamSet } from '../../src/index.ts';
import type { GetOptions, GetResult } from '../../src/index.ts';

/** Damages the first block of whatever is read of segments and data objects, a number of times. */
class DamagingObjectStore extends MemoryObjectStore {
  damagesLeft = 0;
  dataGets = 0;

  override async get(key: string, options: GetOptions): Promise<GetResult> {
    const value = await super.get(key, options);
    if (!/\/(data|wal)\//.test(key) || typeof value === 'string') return value;
    this.dataGets += 1;
    if (this.damagesLeft === 0) return value;
    this.damagesLeft -= 1;
    const bytes = Uint8Array.from(value.bytes);
    bytes[10]! ^= 4;
    return { ...value, bytes };
  }
}

const batches = [0, 1, 2].map((fill) => new Uint8Array(1_000).fill(fill));

async function readAll(damages: number): Promise<{ read: number[]; dataGets: number }> {
  const store = new DamagingObjectStore();
  const writer = await StreamSet.open({ node: 'a', store, settings: { segmentSizeMinBytes: 1 } });
  const stream = await writer.create({ name: 's' });
  for (const bytes of batches) await stream.append(bytes);
  await writer.close();
  const view = await StreamSet.openReadOnly({ store });
  try {
    store.damagesLeft = damages;
    const reader = await view.reader('s');
    const { batches: read } = await reader.read(0, { maxBytes: 10_000 });
    return { read: read.map(({ bytes }) => bytes[0]!), dataGets: store.dataGets };
  } finally {
    await view.close();
  }
}

test('a block that came damaged is fetched once more', async () => {
  const undamaged = await readAll(0);
  const damaged = await readAll(1);
  expect(undamaged.read).toEqual([0, 1, 2]);
  expect(damaged).toEqual({ read: [0, 1, 2], dataGets: undamaged.dataGets + 1 });
});

test('one that comes damaged whenever it is fetched is damaged', async () => {
  await expect(readAll(1_000)).rejects.toMatchObject({ code: 'OBJECT_CORRUPT' });
});
