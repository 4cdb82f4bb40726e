// Damage to the segment files of a set that died, as the next one sees it when it opens: what was never acknowledged
// whole is the tail and is cut; anything before a later good group is OBJECT_CORRUPT, with the file and the place.
import { open, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { FileObjectStore } from '../../src/index.ts';
import type { StreamSet, WalFactory } from '../../src/index.ts';
import { KiB } from '../../src/base/bytes.ts';
import { fileWalOfSizes } from '../../src/wal/file-wal.ts';
import { diedCopyOf } from './died-copy.ts';
import { errorOf, openSet, openView, bytesOf, readAll, someDirectory } from './world.ts';

/** Each batch of the history below is a group of 1,536 bytes; a file holds five. */
const groupBytes = 1_536;
const sizes = { fileSizeBytes: 8 * KiB, sparesMax: 2, groupSizeMaxBytes: 4 * KiB, segmentSizeBytes: 4 * KiB };
const walIn = (directory: string): WalFactory => fileWalOfSizes({ directory: join(directory, 'wal', 'a') }, sizes);
const texts = Array.from({ length: 12 }, (_, i) => `${i}`.padEnd(1_100, '.'));

/** The directory of a node that died: two batches are uploaded, ten more are in the files of its WAL. */
let directory: string;
/** The segment files of its epoch, in order: 0 and 1 of the first file are uploaded. */
let files: readonly string[];
beforeEach(async () => {
  const living = await someDirectory();
  const set = await openSet(new FileObjectStore(living), { wal: walIn(living) });
  const stream = await set.create({ name: 's' });
  for (const [i, text] of texts.entries()) {
    await stream.append(bytesOf(text));
    if (i === 1) await set.upload();
  }
  directory = await diedCopyOf(living);
  const folder = join(directory, 'wal', 'a', String(set.nodeEpoch).padStart(16, '0'));
  const names = (await readdir(folder)).filter((name) => name.endsWith('.seg')).toSorted();
  files = names.map((name) => join(folder, name));
});

const reopen = (): Promise<StreamSet> => openSet(new FileObjectStore(directory), { wal: walIn(directory) });

async function flip(file: string, position: number): Promise<void> {
  const handle = await open(file, 'r+');
  const byte = Buffer.alloc(1);
  await handle.read(byte, 0, 1, position);
  byte[0] = (byte[0] ?? 0) ^ 0x10;
  await handle.write(byte, 0, 1, position);
  await handle.close();
}

test('undamaged, everything is there, in the files that were expected', async () => {
  const heads = await Promise.all(files.map(async (file) => (await readFile(file)).subarray(0, 8).toString()));
  expect(heads.slice(0, 3)).toEqual(['QANATWAL', 'QANATWAL', 'QANATWAL']);
  const stream = await (await reopen()).open('s');
  expect(await readAll(stream)).toEqual(texts);
});

test.each([
  ['a bit of its head is flipped', (file: string) => flip(file, groupBytes + 20)],
  ['a bit of its bytes is flipped', (file: string) => flip(file, groupBytes + 500)],
  ['its file is cut in its head', (file: string) => truncate(file, groupBytes + 30)],
  ['its file is cut in its bytes', (file: string) => truncate(file, groupBytes + 700)],
  ['its file is cut before it', (file: string) => truncate(file, groupBytes)],
])('the last group is the tail, and is cut, when %s', async (_, damage) => {
  await damage(files[2]!); // Groups 10 and 11.
  const set = await reopen();
  const stream = await set.open('s');
  expect(await readAll(stream)).toEqual(texts.slice(0, 11));
  expect(await stream.append(bytesOf('instead'))).toEqual({ startOffset: 11, endOffset: 12 });
  await set.close();
  expect(await readAll(await (await reopen()).open('s'))).toEqual([...texts.slice(0, 11), 'instead']);
});

test.each([
  ['the first that is needed, flipped', 0, 2 * groupBytes + 500, 3 * groupBytes],
  ['one in the middle of a file, flipped', 1, 2 * groupBytes + 20, 3 * groupBytes],
  ['the last of a file, flipped', 1, 4 * groupBytes + 900, 0],
] as const)(
  'a group before a later good one is OBJECT_CORRUPT, as often as it is tried: %s',
  async (_, file, position, foundAt) => {
    await flip(files[file]!, position);
    const facts = { code: 'OBJECT_CORRUPT', outcome: 'none', action: 'repair' };
    const place = { key: files[foundAt === 0 ? file + 1 : file], position: foundAt };
    for (let attempt = 0; attempt < 3; attempt += 1)
      expect(await errorOf(reopen())).toMatchObject({ ...facts, ...place });
    const view = await openView(new FileObjectStore(directory));
    expect(await readAll(await view.reader('s'))).toEqual(texts.slice(0, 2)); // Up to the registered end.
    await flip(files[file]!, position); // The file is restored from a copy.
    expect(await readAll(await (await reopen()).open('s'))).toEqual(texts);
  },
);

test('a file that is cut before a good one is OBJECT_CORRUPT', async () => {
  await truncate(files[1]!, 3 * groupBytes + 100);
  expect(await errorOf(reopen())).toMatchObject({ code: 'OBJECT_CORRUPT', key: files[2], position: 0 });
});

test('a group that was uploaded may be damaged: nobody needs it', async () => {
  await flip(files[0]!, 500);
  expect(await readAll(await (await reopen()).open('s'))).toEqual(texts);
});

test('a file that is gone is noticed; without any file the WAL is missing', async () => {
  await writeFile(files[1]!, '');
  expect(await errorOf(reopen())).toMatchObject({ code: 'OBJECT_CORRUPT', key: files[2] });
  for (const file of files) await rm(file);
  expect(await errorOf(reopen())).toMatchObject({ code: 'WAL_MISSING', node: 'a', walKind: 'file' });
});

test('what was cut does not come back, also if the next one dies too', async () => {
  await flip(files[2]!, groupBytes + 500);
  await (await (await reopen()).open('s')).append(bytesOf('instead'));
  directory = await diedCopyOf(directory);
  expect(await readAll(await (await reopen()).open('s'))).toEqual([...texts.slice(0, 11), 'instead']);
});
