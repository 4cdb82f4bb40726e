// The WAL of a node that asks for none: files beside the objects of a FileObjectStore, objects everywhere else. What an
// earlier incarnation had is recovered by the kind that the state remembers, whatever the new one has (R3).
import { existsSync } from 'node:fs';
import { readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { FileObjectStore, fileWal, memoryWal, MemoryObjectStore, objectWal, systemRuntime } from '../../src/index.ts';
import type { ObjectStore, OpenOptions, QanatEvents } from '../../src/index.ts';
import { FaultyObjectStore } from '../../src/testkit/faulty-object-store.ts';
import { diedCopyOf } from './died-copy.ts';
import { keysOf } from './failing-store.ts';
import { bytesOf, errorOf, openSet, readAll, someDirectory } from './world.ts';

const walKeys = async (store: ObjectStore): Promise<string[]> =>
  (await keysOf(store)).filter((key) => key.includes('/wal/'));

test('a node on a FileObjectStore has its WAL in files beside the objects', async () => {
  const directory = await someDirectory();
  const store = new FileObjectStore(directory);
  const set = await openSet(store, { node: 'node-1.b' });
  const stream = await set.create({ name: 's' });
  await stream.append(bytesOf('1'));
  expect((await readdir(directory)).toSorted()).toEqual(['objects', 'wal']);
  expect(await readdir(join(directory, 'wal'))).toEqual(['node-1.b']);
  const epoch = String(set.nodeEpoch).padStart(16, '0');
  expect((await readdir(join(directory, 'wal', 'node-1.b'))).toSorted()).toEqual(
    [epoch, 'lock', `opened-${epoch}`, 'wal-id'].toSorted(),
  );
  expect(await walKeys(store)).toEqual([]);
  expect(await set.nodes()).toMatchObject([{ node: 'node-1.b', walKind: 'file' }]);
});

test('a node on any other store has its WAL in the store, also if files lie behind it', async () => {
  const directory = await someDirectory();
  const files = new FileObjectStore(directory);
  for (const store of [new MemoryObjectStore(), new FaultyObjectStore(files, { runtime: systemRuntime, faults: [] })]) {
    const set = await openSet(store);
    await (await set.create()).append(bytesOf('1'));
    expect(await set.nodes()).toMatchObject([{ walKind: 'object' }]);
    expect(await walKeys(store)).toHaveLength(1);
  }
  expect(await readdir(directory)).toEqual(['objects']);
});

test('a wal that is given counts, also on a FileObjectStore', async () => {
  const directory = await someDirectory();
  const set = await openSet(new FileObjectStore(directory), { wal: objectWal() });
  await (await set.create()).append(bytesOf('1'));
  expect(await readdir(directory)).toEqual(['objects']);
});

test('two nodes on one FileObjectStore have a directory each', async () => {
  const directory = await someDirectory();
  const store = new FileObjectStore(directory);
  const sets = [await openSet(store), await openSet(store, { node: 'b' })];
  for (const [i, set] of sets.entries()) await (await set.create({ name: `s${i}` })).append(bytesOf(`${i}`));
  expect((await readdir(join(directory, 'wal'))).toSorted()).toEqual(['a', 'b']);
  for (const set of sets) await set.close();
  const next = await openSet(store, { node: 'c' });
  for (const i of [0, 1]) expect(await readAll(await next.open(`s${i}`))).toEqual([`${i}`]);
});

test('a node that is opened twice in one process is WAL_LOCKED, and free again when the first has closed', async () => {
  const store = new FileObjectStore(await someDirectory());
  const first = await openSet(store);
  expect(await errorOf(openSet(store))).toMatchObject({ code: 'WAL_LOCKED', node: 'a', outcome: 'none' });
  await (await first.create({ name: 's' })).append(bytesOf('1'));
  expect(first.status).toBe('open');
  await first.close();
  expect(await readAll(await (await openSet(store)).open('s'))).toEqual(['1']);
});

test('a node that did not close is recovered from the files beside the objects, wherever they were moved', async () => {
  const directory = await someDirectory();
  const set = await openSet(new FileObjectStore(directory));
  const stream = await set.create({ name: 's' });
  await stream.append(bytesOf('uploaded'));
  await set.upload();
  for (const text of ['2', '3']) await stream.append(bytesOf(text));
  const copy = await diedCopyOf(directory);
  const moved = join(copy, '..', 'moved');
  await rename(copy, moved);
  const recovered: QanatEvents['recovered'][] = [];
  const observer = { recovered: (facts: QanatEvents['recovered']) => void recovered.push(facts) };
  const next = await openSet(new FileObjectStore(moved), { observer });
  expect(recovered).toMatchObject([{ node: 'a', nodeEpoch: set.nodeEpoch, segmentCount: 1, alreadyDone: false }]);
  const again = await next.open('s');
  expect(await again.append(bytesOf('4'))).toEqual({ startOffset: 3, endOffset: 4 });
  expect(await readAll(again)).toEqual(['uploaded', '2', '3', '4']);
});

test('a node whose last WAL was in objects is recovered from those, and goes on with files', async () => {
  const directory = await someDirectory();
  const set = await openSet(new FileObjectStore(directory), { wal: objectWal() });
  const stream = await set.create({ name: 's' });
  for (const text of ['1', '2']) await stream.append(bytesOf(text));
  const second = await diedCopyOf(directory);
  const next = await openSet(new FileObjectStore(second));
  const again = await next.open('s');
  expect(await readAll(again)).toEqual(['1', '2']);
  await again.append(bytesOf('3'));
  expect(await next.nodes()).toMatchObject([{ node: 'a', nodeEpoch: next.nodeEpoch, walKind: 'file' }]);
  const last = await openSet(new FileObjectStore(await diedCopyOf(second)));
  expect(await readAll(await last.open('s'))).toEqual(['1', '2', '3']);
});

test('a node whose last WAL was in memory goes on with files from what was uploaded', async () => {
  const directory = await someDirectory();
  const set = await openSet(new FileObjectStore(directory), { wal: memoryWal() });
  const stream = await set.create({ name: 's' });
  await stream.append(bytesOf('uploaded'));
  await set.upload();
  await stream.append(bytesOf('in memory only'));
  const next = await openSet(new FileObjectStore(await diedCopyOf(directory)));
  expect(await readAll(await next.open('s'))).toEqual(['uploaded']);
});

test('a node whose last WAL is in the files is refused with any other, and nobody is disturbed', async () => {
  const directory = await someDirectory();
  const store = new FileObjectStore(directory);
  const set = await openSet(store);
  const stream = await set.create({ name: 's' });
  await stream.append(bytesOf('1'));
  const copy = await diedCopyOf(directory);
  for (const wal of [objectWal(), memoryWal(), fileWal({ directory: await someDirectory() })]) {
    const facts = { code: 'WAL_MISSING', outcome: 'none', node: 'a', nodeEpoch: set.nodeEpoch, walKind: 'file' };
    expect(await errorOf(openSet(store, { wal }))).toMatchObject(facts);
    expect(await errorOf(openSet(new FileObjectStore(copy), { wal }))).toMatchObject(facts);
  }
  await stream.append(bytesOf('2'));
  expect(set.status).toBe('open');
  expect(await readAll(await (await openSet(new FileObjectStore(copy))).open('s'))).toEqual(['1']);
  await set.close(); // Owes nothing any more: another kind will do.
  const next = await openSet(store, { wal: objectWal() });
  expect(await readAll(await next.open('s'))).toEqual(['1', '2']);
});

test('a node whose files were lost says so, and goes on without them if it is told to', async () => {
  const directory = await someDirectory();
  const set = await openSet(new FileObjectStore(directory));
  const stream = await set.create({ name: 's' });
  await stream.append(bytesOf('uploaded'));
  await set.upload();
  await stream.append(bytesOf('only in the WAL'));
  const copy = await diedCopyOf(directory);
  await rename(join(copy, 'wal'), join(copy, '..', 'lost'));
  const store = new FileObjectStore(copy);
  expect(await errorOf(openSet(store))).toMatchObject({ code: 'WAL_MISSING', walKind: 'file' });
  expect(existsSync(join(copy, 'wal', 'a', 'lock'))).toBe(false); // Who is refused holds nothing.
  const next = await openSet(store, { walMissing: 'abandon' });
  const again = await next.open('s');
  expect(await again.append(bytesOf('again'))).toEqual({ startOffset: 1, endOffset: 2 });
  expect(await readAll(again)).toEqual(['uploaded', 'again']);
});

test('of several nodes on one directory, one finds what another left: on object WALs by itself, of files when told', async () => {
  for (const kind of ['object', 'file'] as const) {
    const wal = (): Pick<OpenOptions, 'wal'> => (kind === 'object' ? { wal: objectWal() } : {});
    const directory = await someDirectory();
    const [a, b] = [
      await openSet(new FileObjectStore(directory), wal()),
      await openSet(new FileObjectStore(directory), { ...wal(), node: 'b' }),
    ];
    await (await a.create({ name: 's' })).append(bytesOf('1'));
    if (kind === 'file') expect(await errorOf(b.recover('a'))).toMatchObject({ code: 'WAL_MISSING', walKind: 'file' });
    await b.recover('a', kind === 'file' ? { walDirectory: join(directory, 'wal', 'a') } : {});
    const stream = await b.open('s');
    expect(await stream.append(bytesOf('2'))).toEqual({ startOffset: 1, endOffset: 2 });
    expect(await readAll(stream)).toEqual(['1', '2']);
  }
});
