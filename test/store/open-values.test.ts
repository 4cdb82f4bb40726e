// Values that a FileObjectStore holds open between gets: what others do to them is seen by the next get, and no more of
// them stay open, and no longer, than is said.
import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readlinkSync, symlinkSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { FileObjectStore } from '../../src/store/file-object-store.ts';
import type { GetResult, StoredValue } from '../../src/store/object-store.ts';
import { SeededRuntime } from '../../src/testkit.ts';
import { someDirectory } from '../engine/world.ts';

const probe = { purpose: 'probe' } as const;
const sizeBytes = 300_000;
const filled = (byte: number): Uint8Array => new Uint8Array(sizeBytes).fill(byte);
const part = { ...probe, range: { start: 1_000, end: 2_000 } } as const;

function valueOf(result: GetResult): StoredValue {
  if (typeof result === 'string') throw new Error(`it is ${result}`);
  return result;
}

/** How many files below a directory this process has open. */
function openFiles(directory: string): number {
  let count = 0;
  for (const file of readdirSync('/proc/self/fd')) {
    try {
      if (readlinkSync(join('/proc/self/fd', file)).startsWith(directory)) count += 1;
    } catch {
      // It was the listing itself.
    }
  }
  return count;
}

const onLinux = test.skipIf(process.platform !== 'linux');

async function world(): Promise<{ directory: string; store: FileObjectStore; other: FileObjectStore }> {
  const directory = await someDirectory();
  const store = new FileObjectStore(directory);
  return { directory, store, other: new FileObjectStore(directory) };
}

onLinux('a value that is read in parts is held open, and gives what it gave', async () => {
  const { directory, store } = await world();
  const body = randomBytes(sizeBytes);
  await store.put('a/value', body, probe);
  const etag = valueOf(await store.get('a/value', part)).etag;
  expect(openFiles(directory)).toBe(1);
  const ranges = [
    { start: 0, end: 10 },
    { start: 299_990, end: 400_000 },
    { start: 500_000, end: 500_001 },
    { last: 7 },
  ];
  for (const range of [...ranges, undefined]) {
    const { bytes, ...rest } = valueOf(await store.get('a/value', range === undefined ? probe : { ...probe, range }));
    const [start, end] = range === undefined ? [0] : 'last' in range ? [-range.last] : [range.start, range.end];
    expect(Buffer.compare(bytes, body.subarray(start, end))).toBe(0);
    expect(rest).toEqual({ etag, size: sizeBytes });
  }
  expect(await store.get('a/value', { ...part, ifNoneMatch: etag })).toBe('not-modified');
  expect(openFiles(directory)).toBe(1);
});

test('what others delete, replace and make anew is seen by the next get of a value held open', async () => {
  const { store, other } = await world();
  const { etag } = (await other.put('k', filled(1), probe)) as { etag: string };
  const read = async (): Promise<number | string> => {
    const result = await store.get('k', part);
    return typeof result === 'string' ? result : (result.bytes[0] as number);
  };
  expect(await read()).toBe(1);
  expect(await other.put('k', filled(2), { ...probe, if: { etag } })).toMatchObject({ outcome: 'stored' });
  expect(await read()).toBe(2);
  await other.delete(['k'], probe);
  expect(await read()).toBe('missing');
  for (let byte = 3; byte < 30; byte++) {
    await other.put('k', filled(byte), { ...probe, if: 'absent' });
    expect(await read()).toBe(byte);
    expect(await read()).toBe(byte);
    if (byte % 2 === 0) await other.delete(['k'], probe);
    else await store.delete(['k'], probe);
    expect(await read()).toBe('missing');
  }
});

onLinux('a value held open is not given while it cannot be told whether it was replaced', async () => {
  const { directory, store } = await world();
  const { etag } = (await store.put('k', filled(1), probe)) as { etag: string };
  await store.get('k', part);
  expect(openFiles(directory)).toBe(1);
  const name = `k~${etag.replace('1-', '')}`; // The directory of later values: a name that leads only to itself.
  symlinkSync(name, join(directory, 'objects', name));
  await expect(store.get('k', part)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  expect(openFiles(directory)).toBe(0);
});

test('a get never gives a value that was gone before it began, whoever races with it', async () => {
  const { store, other } = await world();
  let deleted = 0; // Values up to this one are certainly gone.
  let isOver = false;
  const churn = (async () => {
    for (let byte = 1; byte <= 120; byte++) {
      await other.put('k', filled(byte), probe);
      if (byte % 3 === 0) await other.delete(['k'], probe);
      deleted = byte % 3 === 0 ? byte : byte - 1;
    }
    isOver = true;
  })();
  const seen = new Set<number>();
  const readers = Array.from({ length: 4 }, async () => {
    while (!isOver) {
      const before = deleted;
      const result = await store.get('k', part);
      if (typeof result === 'string') continue;
      const byte = result.bytes[0] as number;
      expect(byte).toBeGreaterThan(before);
      expect(result.bytes.every((one) => one === byte)).toBe(true);
      seen.add(byte);
    }
  });
  await Promise.all([churn, ...readers]);
  expect(seen.size).toBeGreaterThan(5);
});

onLinux('at most 32 values are held open, and none that was not read for some seconds', async () => {
  const directory = await someDirectory();
  const runtime = new SeededRuntime({ seed: 1 });
  const store = new FileObjectStore(directory, { runtime });
  for (let i = 0; i < 40; i++) await store.put(`k${i}`, filled(i), probe);
  for (let i = 0; i < 40; i++) await store.get(`k${i}`, part);
  await settled(() => openFiles(directory) === 32);
  await Promise.all(Array.from({ length: 40 }, (_, i) => store.get(`k${i}`, part)));
  await settled(() => openFiles(directory) === 32);
  const pass = (ms: number): Promise<void> =>
    runtime.run(() => new Promise((resolve) => runtime.timers.after(ms, resolve)));
  await pass(2_500);
  await store.get('k39', part);
  await pass(2_000);
  await settled(() => openFiles(directory) === 1);
  expect(valueOf(await store.get('k39', part)).bytes[0]).toBe(39);
  await store.delete(['k39'], probe);
  await settled(() => openFiles(directory) === 0);
  await pass(10_000);
  expect(runtime.pendingTimers).toBe(0);
});

onLinux('small values and whole ones are not held open', async () => {
  const { directory, store } = await world();
  await store.put('small', new Uint8Array(1_000), probe);
  await store.put('large', filled(1), probe);
  await store.get('small', { ...probe, range: { last: 10 } });
  await store.get('large', probe);
  await store.get('large', { ...probe, range: { last: sizeBytes } });
  expect(openFiles(directory)).toBe(0);
});

test('a file that was cut while it was held open is damaged, and found so', async () => {
  const { directory, store } = await world();
  await store.put('k', filled(1), probe);
  await store.get('k', part);
  truncateSync(join(directory, 'objects', 'k~1'), 1_500);
  await expect(store.get('k', part)).rejects.toMatchObject({ code: 'OBJECT_CORRUPT', key: 'k' });
});

test('bytes of a get are never written again by another one', async () => {
  const { store } = await world();
  const body = randomBytes(sizeBytes);
  await store.put('k', body, probe);
  const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
  const first = valueOf(await store.get('k', part)).bytes;
  const second = valueOf(await store.get('k', part)).bytes;
  const before = [digest(first), digest(second)];
  await Promise.all(
    Array.from({ length: 50 }, (_, i) =>
      store.get('k', { ...probe, range: { start: 1_000 * i, end: 1_000 * i + 1_000 } }),
    ),
  );
  expect([digest(first), digest(second)]).toEqual(before);
  expect(first.buffer).not.toBe(second.buffer);
});

async function settled(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !holds(); i++) await new Promise((resolve) => setTimeout(resolve, 2));
  expect(holds()).toBe(true);
}
