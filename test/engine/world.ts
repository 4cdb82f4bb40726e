// What the tests of the whole engine share: sets that are closed after the test, directories that are removed, batches
// whose bytes tell where they belong, and reading a stream to its end.
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { FileObjectStore, MemoryObjectStore, StreamSet } from '../../src/index.ts';
import type { ObjectStore, OpenOptions, StreamReader, StreamSetView } from '../../src/index.ts';

type CleanUp = () => Promise<unknown>;
const cleanUps: CleanUp[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
});

/** Calls `cleanUp` after the test, the last one first. */
export function later(cleanUp: CleanUp): void {
  cleanUps.push(cleanUp);
}

/** Opens a set that is closed after the test. */
export async function openSet(store: ObjectStore, more: Partial<OpenOptions> = {}): Promise<StreamSet> {
  const set = await StreamSet.open({ node: 'a', store, settings: { storeDeadlineMs: 2_000 }, ...more });
  later(() => set.close());
  return set;
}

/** Opens a view that is closed after the test. */
export async function openView(store: ObjectStore): Promise<StreamSetView> {
  const view = await StreamSet.openReadOnly({ store, settings: { catalogRefreshMs: 10, storeDeadlineMs: 2_000 } });
  later(() => view.close());
  return view;
}

/** Where file systems live in memory, if there is such a place: these tests are not about disks, which are slow. */
const scratch = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

/** A directory that is removed after the test. */
export async function someDirectory(): Promise<string> {
  const directory = await mkdtemp(join(scratch, 'qanat-test-'));
  later(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** A store of the package. */
interface StoreKind {
  readonly kind: string;
  readonly make: () => Promise<ObjectStore>;
  /** The WAL of a node that asks for none. */
  readonly walKind: string;
}

/** The two stores of the package, made anew. */
export const stores: readonly StoreKind[] = [
  { kind: 'MemoryObjectStore', make: () => Promise.resolve(new MemoryObjectStore()), walKind: 'object' },
  { kind: 'FileObjectStore', make: async () => new FileObjectStore(await someDirectory()), walKind: 'file' },
];

export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
export const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** Everything that can be read of a stream, as texts. */
export async function readAll(reader: StreamReader): Promise<string[]> {
  return (await readBatches(reader)).map(({ bytes }) => textOf(bytes));
}

/** Everything that can be read of a stream; fails on a gap. */
export async function readBatches(reader: StreamReader): Promise<{ startOffset: number; bytes: Uint8Array }[]> {
  const found: { startOffset: number; bytes: Uint8Array }[] = [];
  for (let offset = reader.startOffset; ;) {
    const { batches, nextOffset, stopped } = await reader.read(offset);
    for (const { startOffset, endOffset, bytes } of batches) {
      if (startOffset > offset) throw new Error(`a gap: ${startOffset} follows ${offset}`);
      offset = endOffset;
      found.push({ startOffset, bytes });
    }
    if (stopped === 'end') return found;
    offset = nextOffset;
  }
}

/** What a promise did within a time: its value, its error, or 'waits'. */
export async function within<T>(ms: number, promise: Promise<T>): Promise<T | 'waits'> {
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<'waits'>((resolve) => (timer = setTimeout(() => resolve('waits'), ms)));
  try {
    return await Promise.race([promise, patience]);
  } finally {
    clearTimeout(timer);
  }
}

/** The errors of calls that were made at once: each is listened to from the beginning. */
export async function errorsOf(calls: readonly Promise<unknown>[]): Promise<(Error & Record<string, unknown>)[]> {
  return Promise.all(calls.map(errorOf));
}

/** The error that a promise rejects with; fails if it does not. */
export async function errorOf(promise: Promise<unknown>): Promise<Error & Record<string, unknown>> {
  try {
    const value = await promise;
    throw new TypeError(`it resolved with ${JSON.stringify(value)}`);
  } catch (cause) {
    if (cause instanceof Error) return cause as Error & Record<string, unknown>;
    throw new TypeError(`it rejected with ${String(cause)}`, { cause });
  }
}
