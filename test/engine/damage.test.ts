// Damage to anything that lies in the store: every object cut, flipped, deleted, put in another's place. What comes of it
// is the right bytes, or an error that names the object; never wrong bytes, a hang, or an error without a code.
//
// What cannot be noticed, by design, because nothing that remains speaks of it:
// - the deletion of the newest journal record. Who reads the journal cannot tell it from a journal that ends there;
// - the deletion of the last segments of a WAL that is not released, while no later segment says that they were
//   acknowledged. They cannot be told from segments that never arrived.
// Both lose an end and never a middle: what is read is a prefix of the truth. Everything else that is deleted while the
// state refers to it is noticed at the latest when it is read.
import { writeFile, readFile, readdir, truncate, unlink, cp } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { FileObjectStore, MemoryObjectStore, StreamSet } from '../../src/index.ts';
import type { ObjectStore } from '../../src/index.ts';
import { buildCluster, judge, type Cluster, type Judgement } from './damaged-cluster.ts';
import { copyOf, keysOf } from './failing-store.ts';
import { errorOf, errorsOf, someDirectory } from './world.ts';

type Kind = 'cluster' | 'root' | 'record' | 'snapshot' | 'wal' | 'data';

const kindOf = (key: string): Kind => {
  if (key === 'qanat.json') return 'cluster';
  if (key.endsWith('/journal/root')) return 'root';
  if (key.includes('/journal/snapshot')) return 'snapshot';
  if (key.includes('/journal/')) return 'record';
  return key.includes('/wal/') ? 'wal' : 'data';
};

const get = async (store: ObjectStore, key: string): Promise<Uint8Array> => {
  const value = await store.get(key, { purpose: 'probe' });
  if (typeof value === 'string') throw new Error(`${key} is ${value}`);
  return value.bytes;
};

/** A copy of the store in which one object has other bytes, or is gone. */
async function changed(store: ObjectStore, key: string, bytes: Uint8Array | undefined): Promise<MemoryObjectStore> {
  const copy = await copyOf(store);
  if (bytes === undefined) await copy.delete([key], { purpose: 'probe' });
  else await copy.put(key, bytes, { purpose: 'probe' });
  return copy;
}

function flipped(bytes: Uint8Array, at: number, bit: number): Uint8Array {
  const damaged = Uint8Array.from(bytes);
  damaged[at]! ^= 1 << bit;
  return damaged;
}

/** Lengths to cut to. */
const cuts = (size: number): number[] =>
  [...new Set([0, 1, Math.floor(size / 2), size - 21, size - 1])].filter((n) => n >= 0 && n < size);

let small: Cluster;
let smallKeys: string[];
let newestRecord: string;
let lastSegment: string;
beforeAll(async () => {
  small = await buildCluster(0);
  smallKeys = await keysOf(small.store);
  newestRecord = smallKeys.findLast((key) => kindOf(key) === 'record')!;
  // Segments of the incarnation before are data objects now: the last one is that of the highest epoch.
  const epochOf = (key: string): number => Number(/-(\d+)\/\d+$/.exec(key)?.[1]);
  lastSegment = smallKeys
    .filter((key) => kindOf(key) === 'wal')
    .toSorted((a, b) => epochOf(a) - epochOf(b))
    .at(-1)!;
});

test('the cluster has all kinds of objects, and undamaged it is read whole', async () => {
  const kinds = new Set(smallKeys.map((key) => kindOf(key)));
  expect([...kinds].toSorted()).toEqual(expect.arrayContaining(['cluster', 'record', 'root', 'wal']));
  expect(await judge(small, await copyOf(small.store), 'undamaged')).toEqual({ errors: [], isShort: false });
});

/** Whoever reads everything reads these whole. */
const isReadWhole = (key: string): boolean => ['cluster', 'root', 'record'].includes(kindOf(key));

function expectNoticed({ errors, isShort }: Judgement, key: string, what: string): void {
  expect(isShort && errors.length === 0, `${what}: something is missing, and nobody said so`).toBe(false);
  if (isReadWhole(key)) expect(errors.length, `${what}: nobody noticed`).toBeGreaterThan(0);
}

test('a flipped bit in any byte of any object is noticed, or changes nothing that is read', async () => {
  let flips = 0;
  let noticed = 0;
  for (const key of smallKeys) {
    const bytes = await get(small.store, key);
    // Every byte of what decides (and of one object of each kind); every fifth of the others.
    const step = key === lastSegment || kindOf(key) === 'root' || key === newestRecord || key === 'qanat.json' ? 1 : 7;
    for (let at = 0; at < bytes.byteLength; at += step) {
      const what = `${key}: bit ${at % 8} of byte ${at}`;
      const store = await changed(small.store, key, flipped(bytes, at, at % 8));
      const judgement = await judge(small, store, what, at % 8 === 0 || key === lastSegment);
      expectNoticed(judgement, key, what);
      flips += 1;
      if (judgement.errors.length > 0) noticed += 1;
    }
  }
  expect(flips).toBeGreaterThan(500);
  expect(noticed / flips).toBeGreaterThan(0.8);
});

test('an object that was cut is noticed, or changes nothing that is read', async () => {
  for (const key of smallKeys) {
    const bytes = await get(small.store, key);
    for (const length of cuts(bytes.byteLength)) {
      const what = `${key} cut to ${length} bytes`;
      expectNoticed(await judge(small, await changed(small.store, key, bytes.subarray(0, length)), what), key, what);
    }
  }
});

test('an object that is longer than it was is noticed, or changes nothing that is read', async () => {
  for (const key of smallKeys) {
    const bytes = await get(small.store, key);
    const what = `${key} with a byte too many`;
    expectNoticed(
      await judge(small, await changed(small.store, key, Buffer.concat([bytes, bytes.subarray(0, 1)])), what),
      key,
      what,
    );
  }
});

test('an object in the place of another of its kind is noticed, or changes nothing that is read', async () => {
  for (const key of smallKeys) {
    const others = smallKeys.filter((other) => other !== key && kindOf(other) === kindOf(key));
    for (const other of [others[0], others.at(-1)]) {
      if (other === undefined) continue;
      const what = `${other} in the place of ${key}`;
      expectNoticed(
        await judge(small, await changed(small.store, key, await get(small.store, other)), what),
        key,
        what,
      );
    }
  }
});

test('a deleted object is noticed, but for the two ends that nothing speaks of', async () => {
  let ends = 0;
  for (const key of smallKeys) {
    const what = `${key} deleted`;
    const judgement = await judge(small, await changed(small.store, key, undefined), what);
    if (key === newestRecord || key === lastSegment) {
      // Nothing that remains was written after it. If it is noticed all the same, then because of what it referred to.
      ends += 1;
      expect(judgement.isShort || judgement.errors.length > 0, what).toBe(true);
      continue;
    }
    expect(judgement.errors.length, what).toBeGreaterThan(0);
    expect(
      judgement.errors.some((error) => error.code === 'OBJECT_CORRUPT'),
      what,
    ).toBe(true);
  }
  expect(ends).toBe(2);
});

test('the cluster file of another cluster is no beginning of a new one', async () => {
  const other = new MemoryObjectStore();
  await (await StreamSet.open({ node: 'a', store: other })).close();
  const store = await changed(small.store, 'qanat.json', await get(other, 'qanat.json'));
  const before = await keysOf(store);
  for (const error of await errorsOf([StreamSet.open({ node: 'a', store }), StreamSet.openReadOnly({ store })]))
    expect(error).toMatchObject({
      code: expect.stringMatching(/OBJECT_CORRUPT|STORE_UNSUITABLE/),
    });
  expect(await errorOf(StreamSet.open({ node: 'a', store }))).toMatchObject({
    code: 'OBJECT_CORRUPT',
    key: 'qanat.json',
  });
  expect(await keysOf(store)).toEqual(before);
});

describe('a journal with snapshots, whose beginning is collected', () => {
  let long: Cluster;
  let keys: string[];
  let snapshots: string[];
  beforeAll(async () => {
    long = await buildCluster(1_020);
    keys = await keysOf(long.store);
    snapshots = keys.filter((key) => kindOf(key) === 'snapshot');
  });

  test('is read from its newest snapshot', async () => {
    expect(snapshots).toHaveLength(2);
    expect(keys.filter((key) => kindOf(key) === 'record').length).toBeLessThan(700);
    expect(await judge(long, await copyOf(long.store), 'undamaged')).toEqual({ errors: [], isShort: false });
  });

  test('is read from the older snapshot when the newer one is damaged or gone', async () => {
    const newest = snapshots.at(-1)!;
    const bytes = await get(long.store, newest);
    const damages = [
      undefined,
      bytes.subarray(0, 10),
      new Uint8Array(0),
      flipped(bytes, 30, 2),
      await get(long.store, snapshots[0]!),
    ];
    for (const damage of damages)
      expect(await judge(long, await changed(long.store, newest, damage), 'newest snapshot')).toEqual({
        errors: [],
        isShort: false,
      });
  });

  test('is damaged when both snapshots are', async () => {
    const store = await changed(long.store, snapshots[0]!, undefined);
    await store.put(snapshots[1]!, new Uint8Array(5), { purpose: 'probe' });
    const { errors } = await judge(long, store, 'both snapshots');
    expect(errors.length).toBeGreaterThan(0);
  });

  test('shows every damage to the root, to snapshots and to records that are read', async () => {
    const newestSnapshot = Number(/snapshot-(\d+)/.exec(snapshots.at(-1)!)?.[1]);
    for (const [i, key] of keys.entries()) {
      if (!key.includes('/journal/')) continue;
      const index = Number(/\/(\d{16})$/.exec(key)?.[1] ?? 0);
      const isRead = kindOf(key) === 'root' || index > newestSnapshot;
      if (!isRead && kindOf(key) === 'record' && i % 50 !== 0) continue;
      const bytes = await get(long.store, key);
      for (const damage of [
        undefined,
        bytes.subarray(0, bytes.byteLength - 1),
        flipped(bytes, i % bytes.byteLength, i % 8),
      ]) {
        const what = `${key} ${damage === undefined ? 'deleted' : damage.byteLength}`;
        const { errors, isShort } = await judge(long, await changed(long.store, key, damage), what, i % 4 === 0);
        if (isShort)
          expect(errors.length > 0 || key === keys.findLast((one) => kindOf(one) === 'record'), what).toBe(true);
        const isEnd = damage === undefined && key === keys.findLast((one) => kindOf(one) === 'record');
        if (isRead && !isEnd) expect(errors.length, what).toBeGreaterThan(0);
      }
    }
  });

  test('is damaged when a record below a later one is gone, and when its root is', async () => {
    const records = keys.filter((key) => kindOf(key) === 'record');
    for (const key of [records.at(-2)!, records.at(-5)!, keys.find((one) => kindOf(one) === 'root')!]) {
      const { errors } = await judge(long, await changed(long.store, key, undefined), key);
      expect(errors).toContainEqual({ code: 'OBJECT_CORRUPT', key });
    }
  });
});

describe('the files of a FileObjectStore', () => {
  let directory: string;
  let files: string[];

  async function place(): Promise<void> {
    directory = await someDirectory();
    const store = new FileObjectStore(directory);
    for (const key of smallKeys) await store.put(key, await get(small.store, key), { purpose: 'probe' });
    const root = smallKeys.find((key) => kindOf(key) === 'root')!;
    await store.put(root, await get(small.store, root), { purpose: 'probe' }); // So that it has been replaced once.
    const entries = await readdir(directory, { recursive: true, withFileTypes: true });
    files = entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .toSorted();
  }

  test('may be damaged one by one: cut, flipped, deleted, exchanged', async () => {
    await place();
    expect(files.length).toBeGreaterThan(20);
    for (const [i, file] of files.entries()) {
      const bytes = await readFile(file);
      const other = await readFile(files[(i + 1) % files.length]!);
      const size = bytes.byteLength;
      const damages: (Buffer | undefined)[] = [
        undefined,
        other,
        ...cuts(size).map((length) => bytes.subarray(0, length)),
      ];
      for (const at of [0, 9, 17, 30, Math.floor(size / 2), size - 1])
        if (at < size) damages.push(Buffer.from(flipped(bytes, at, i % 8)));
      for (const [n, damage] of damages.entries()) {
        if (damage === undefined) await unlink(file);
        else await writeFile(file, damage);
        const what = `${file.slice(directory.length)} (damage ${n})`;
        const { errors, isShort } = await judge(small, new FileObjectStore(directory), what, false);
        const mayBeShort = damage === undefined && file.includes(newestRecord.slice(newestRecord.lastIndexOf('/')));
        expect(isShort && errors.length === 0 && !mayBeShort, what).toBe(false);
        await writeFile(file, bytes);
      }
    }
  });

  test('may be damaged when their node opens', async () => {
    await place();
    for (const [i, file] of files.entries()) {
      const damaged = await someDirectory();
      await cp(directory, damaged, { recursive: true });
      const path = join(damaged, file.slice(directory.length));
      if (i % 2 === 0) await truncate(path, i);
      else await writeFile(path, flipped(await readFile(file), 11 + i, i % 8));
      const { errors, isShort } = await judge(small, new FileObjectStore(damaged), path);
      expect(isShort && errors.length === 0, path).toBe(false);
    }
  });
});
