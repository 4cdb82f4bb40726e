// Readers of a partition are freed with it: those that nobody uses at once, the others when they are given back.
import { expect, it } from 'vitest';
import { MemoryObjectStore, memoryWal, StreamSet, type StreamReader } from '../../../src/index.ts';
import { PartitionReaders } from '../../../src/kafka/topics/partition-readers.ts';

it.each(['that nobody uses', 'that is in use'])('a reader %s is closed', async (which) => {
  const store = new MemoryObjectStore();
  const writing = await StreamSet.open({ node: 'n', store, wal: memoryWal() });
  await (await writing.create({ name: 's' })).append(new Uint8Array(100));
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
  const reading = readers.read(0, { maxBytes: 100 }); // Nothing is in memory, so it is read by a reader.
  if (which === 'that nobody uses') await reading;
  await readers.close();
  expect((await reading).batches).toHaveLength(1);
  expect(made).toHaveLength(1);
  await expect(made[0]?.read(0)).rejects.toMatchObject({ code: 'CLOSED' });
  await set.close();
});
