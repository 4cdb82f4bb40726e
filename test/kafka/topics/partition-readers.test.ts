// Readers of a partition are freed with it: those that nobody uses at once, the others when they are given back.
import { expect, it } from 'vitest';
import { MemoryObjectStore, memoryWal, StreamSet, type StreamReader } from '../../../src/index.ts';
import { PartitionReaders } from '../../../src/kafka/topics/partition-readers.ts';

it('all readers are closed, also one that is in use', async () => {
  const store = new MemoryObjectStore();
  const writing = await StreamSet.open({ node: 'n', store, wal: memoryWal() });
  const first = await writing.create({ name: 's' });
  for (let i = 0; i < 3; i++) await first.append(new Uint8Array(100));
  await writing.close();
  const set = await StreamSet.open({ node: 'n', store, wal: memoryWal() });
  const made: StreamReader[] = [];
  const reader = set.reader.bind(set);
  set.reader = async (...args) => {
    const one = await reader(...args);
    made.push(one);
    return one;
  };
  const readers = new PartitionReaders(set, await set.open('s'));
  await readers.read(0, { maxBytes: 100 }); // Nothing is in memory, so it is read by a reader.
  const underWay = readers.read(2, { maxBytes: 100 });
  await readers.close();
  expect((await underWay).batches).toHaveLength(1);
  expect(made.length).toBeGreaterThan(0);
  for (const one of made) await expect(one.read(0)).rejects.toMatchObject({ code: 'CLOSED' });
  await set.close();
});
