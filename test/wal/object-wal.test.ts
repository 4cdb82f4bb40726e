import { expect, test } from 'vitest';
import { MemoryObjectStore } from '../../src/store/memory-object-store.ts';
import { batch, indexesOf, openWal, sealWal, upTo } from './wal-place.ts';

test('Appends of one tick share a segment and are reported in order', async () => {
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
