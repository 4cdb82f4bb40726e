// Objects that somebody else has put next to ours, in every folder and with names like ours: nothing of the engine
// stumbles over them, takes them for its own, or touches them.
import { expect, test } from 'vitest';
import { MemoryObjectStore, objectWal, StreamSet, systemRuntime } from '../../src/index.ts';
import { isKeyOfCluster } from '../../src/model/object-key.ts';
import { FaultyObjectStore } from '../../src/testkit/faulty-object-store.ts';
import { keysOf } from './failing-store.ts';
import { bytesOf, openSet, openView, readAll, textOf } from './world.ts';

const names = [
  'notes.txt',
  '0',
  '0000000000000000.bak',
  '0000000000000001.bak',
  '0000000000000001/0000000000000002',
  '0000000000000002/root',
  '99999999999999999',
  '9999999999999999x',
  'root.old',
  'root/1',
  'snapshot-0000000000000001',
  `snapshot-0000000000000001-${'0'.repeat(63)}`,
  `old/snapshot-0000000000000001-${'0'.repeat(64)}`,
  '~',
  'ü😀',
];

/** Every folder that our keys lie in, and the top. */
function foldersOf(keys: readonly string[]): readonly string[] {
  const folders = keys.flatMap((key) => key.split('/').map((_, depth, parts) => parts.slice(0, depth).join('/')));
  return [...new Set(folders)].map((folder) => (folder === '' ? '' : `${folder}/`));
}

/** Plants foreign objects beside ours, and remembers them. */
async function plant(store: MemoryObjectStore, planted: Map<string, string>): Promise<void> {
  const ours = (await keysOf(store)).filter((key) => !planted.has(key));
  for (const folder of foldersOf(ours)) {
    for (const name of names) {
      const key = `${folder}${name}`;
      if (planted.has(key) || (await store.get(key, { purpose: 'probe' })) !== 'missing') continue;
      planted.set(key, `mine: ${key}`);
      await store.put(key, bytesOf(`mine: ${key}`), { purpose: 'probe' });
    }
  }
}

test('foreign objects in every folder hinder nothing, and are byte for byte the same afterwards', async () => {
  const store = new MemoryObjectStore();
  const planted = new Map<string, string>();
  const settings = { storeDeadlineMs: 2_000, segmentSizeMinBytes: 1 };
  const connection = new FaultyObjectStore(store, { runtime: systemRuntime, seed: 1, faults: [] });
  const dying = await StreamSet.open({ node: 'a', store: connection, wal: objectWal(), settings });
  const stream = await dying.create({ name: 's' });
  const texts: string[] = [];
  const append = async (text: string, to: typeof stream): Promise<void> => {
    await to.append(bytesOf(text));
    texts.push(text);
  };
  await append('before', stream);
  await plant(store, planted);
  await dying.upload();
  for (const text of ['b', 'c', 'd']) await append(text, stream);
  await plant(store, planted);
  connection.crash();
  await dying.close();

  const other = await openSet(store, { node: 'b' });
  await plant(store, planted);
  expect((await other.recover('a')).streamCount).toBe(1);
  const taken = await other.open('s');
  expect(await readAll(taken)).toEqual(texts);
  // So many changes that snapshots are written and the beginning of the journal is collected.
  const first = (await keysOf(store)).find((key) => /\/journal\/\d{16}$/.test(key)) as string;
  for (let i = 0; i < 1_300; i++) await other.kv.put('k', bytesOf(`${i}`));
  await expect.poll(() => store.get(first, { purpose: 'probe' })).toBe('missing');
  await append('after', taken);
  await plant(store, planted);
  await other.upload();
  await other.close();

  const again = await openSet(store, { node: 'a' });
  expect(await readAll(await again.open('s'))).toEqual(texts);
  const view = await openView(store);
  expect(await readAll(await view.reader('s'))).toEqual(texts);
  await again.close();

  expect(planted.size).toBeGreaterThan(100);
  for (const [key, text] of planted) {
    const value = await store.get(key, { purpose: 'probe' });
    expect(typeof value === 'string' ? value : textOf(value.bytes), key).toBe(text);
  }
  const clusterId = first.split('/')[0] as string;
  const seen = (await keysOf(store)).filter((key) => !isKeyOfCluster(key, clusterId));
  expect(new Set(seen)).toEqual(new Set(planted.keys()));
});

test('a gap in the journal is noticed also where something foreign stands behind it', async () => {
  const store = new MemoryObjectStore();
  const set = await openSet(store);
  for (let i = 0; i < 5; i++) await set.kv.put('k', bytesOf(`${i}`));
  await set.close();
  const records = (await keysOf(store)).filter((key) => /\/journal\/\d{16}$/.test(key));
  const [lost, next] = records as [string, string]; // Whoever finds no first record lists what is behind it.
  await store.delete([lost], { purpose: 'probe' });
  await store.put(`${lost}.bak`, bytesOf('mine'), { purpose: 'probe' });
  expect(next > `${lost}.bak`).toBe(true);
  await expect(StreamSet.open({ node: 'a', store })).rejects.toMatchObject({ code: 'OBJECT_CORRUPT', key: lost });
});
