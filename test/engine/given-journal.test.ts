// A journal and a store that do not belong together: nothing is begun, nothing is written, and it is said why.
import { expect, test } from 'vitest';
import { MemoryJournal, MemoryObjectStore, StreamSet } from '../../src/index.ts';
import type { Journal, ObjectStore } from '../../src/index.ts';
import { keysOf } from './failing-store.ts';
import { bytesOf, errorOf, later, openSet, readAll } from './world.ts';

/** A cluster of one node that has closed, with a stream in it; after many changes if it is `long`. */
async function cluster(journal?: Journal, long = false): Promise<MemoryObjectStore> {
  const store = new MemoryObjectStore();
  const set = await StreamSet.open({ node: 'a', store, journal });
  await (await set.create({ name: 's' })).append(bytesOf('1'));
  for (let i = 0; long && i < 1_100; i++) await set.kv.put('k', bytesOf(`${i}`));
  await set.close();
  return store;
}

const opens = (store: ObjectStore, journal?: Journal): readonly (() => Promise<unknown>)[] => [
  () => StreamSet.open({ node: 'b', store, journal }),
  () => StreamSet.openReadOnly({ store, journal }),
];

test.each([false, true])(
  'the journal of one cluster does not open the store of another (collected: %s)',
  async (long) => {
    const journal = new MemoryJournal();
    await cluster(journal, long);
    if (long) expect(await journal.read(1, 1)).toBe('collected');
    const other = await cluster();
    const keys = await keysOf(other);
    const [end] = await journal.snapshots();
    for (const open of opens(other, journal)) {
      const error = await errorOf(open());
      expect(error).toMatchObject({ code: 'STORE_UNSUITABLE', action: 'correct', outcome: 'none' });
      expect(error.message).toMatch(/journal is of cluster [0-9a-f]{32}, and the store of cluster [0-9a-f]{32}/);
    }
    expect(await keysOf(other)).toEqual(keys);
    expect((await journal.snapshots())[0]?.index).toBe(end?.index);
    const empty = await errorOf(StreamSet.open({ node: 'b', store: new MemoryObjectStore(), journal }));
    expect(empty).toMatchObject({ code: 'STORE_UNSUITABLE' });
  },
);

test('an empty journal is no new beginning beside a store that holds data', async () => {
  for (const store of [await cluster(new MemoryJournal()), await cluster()]) {
    const keys = await keysOf(store);
    const journal = new MemoryJournal();
    for (const open of opens(store, journal))
      expect(await errorOf(open())).toMatchObject({ code: 'OBJECT_CORRUPT', action: 'repair', key: 'journal/1' });
    expect(await journal.read(1, 1)).toEqual({ records: [] });
    expect(await keysOf(store)).toEqual(keys);
  }
});

test('a journal that was deleted from its store is no new beginning either', async () => {
  const store = await cluster();
  const journal = (await keysOf(store)).filter((key) => key.includes('/journal/'));
  await store.delete(journal, { purpose: 'probe' });
  for (const open of opens(store))
    expect(await errorOf(open())).toMatchObject({
      code: 'OBJECT_CORRUPT',
      action: 'repair',
      key: expect.stringMatching(/journal\/root$/) as string,
    });
  expect((await keysOf(store)).some((key) => key.includes('/journal/'))).toBe(false);
});

test('nodes that begin a cluster together on one journal do not take each other for strangers', async () => {
  for (let round = 0; round < 10; round++) {
    const store = new MemoryObjectStore();
    const journal = new MemoryJournal();
    const sets = await Promise.all(
      Array.from({ length: 6 }, async (_, i) => {
        const set = await StreamSet.open({ node: `n${i}`, store, journal: journal.openPeer() });
        later(() => set.close());
        await (await set.create({ name: `s${i}` })).append(bytesOf('1'));
        return set;
      }),
    );
    await sets[0]?.sync();
    expect(await readAll(await sets[0]!.reader('s5'))).toEqual(['1']);
  }
  await openSet(new MemoryObjectStore(), { journal: new MemoryJournal() });
});
