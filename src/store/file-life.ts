// One life of one key: from the put that made it to its deletion.
//
// A life is named by its first value, `<stem>~1`; the values that replaced it are `<stem>~<life>/2`, `/3`, … and the
// value that counts is the highest. A life that is over leaves nothing that a later one could take for its own. Old
// values are removed from below, in order, and never the newest `keptCount`; the highest goes only with the key.
import { readdir, rmdir, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { damagedValue, errnoOf } from './file-failure.ts';
import type { KeyPlace } from './file-key.ts';
import { lifeDirectory } from './file-key.ts';
import type { OpenFile } from './file-value.ts';
import { openValueFile, unlessMissing } from './file-value.ts';

/**
 * So many values below the highest, itself included, stay. A writer that linked a number within reach of the highest
 * knows that nobody can have had that number and lost it again.
 */
export const keptCount = 8;

/** The value of a key that stands, with what is needed to replace it. Both files are open until `close`. */
export interface StandingValue {
  readonly life: string;
  readonly number: number;
  readonly file: OpenFile;
  readonly etag: string;
  /** Where the name of the value lies. */
  readonly directory: string;
  /** Inode of the first value: while `<stem>~1` has it, the life goes on. */
  readonly firstInode: bigint;
  readonly close: () => Promise<void>;
}

/** The etag of a value: its number in its life, and the name drawn for its put. */
export function etagOf(number: number, name: string): string {
  return `${number}-${name}`;
}

/** Opens the value that stands, or answers undefined when the key is not there. */
export async function openStanding(place: KeyPlace, key: string): Promise<StandingValue | undefined> {
  for (;;) {
    const first = await openValueFile(place.first);
    if (first === undefined) return undefined;
    const standing = await openNewest(place, key, first).catch(async (cause: unknown) => {
      await first.handle.close();
      throw cause;
    });
    if (standing !== undefined) return standing;
    await first.handle.close(); // Replaced or deleted under our eyes: somebody else has moved on, so look again.
  }
}

/** The newest value of the life that `first` has begun; undefined if the answer would be out of date already. */
export async function openNewest(place: KeyPlace, key: string, first: OpenFile): Promise<StandingValue | undefined> {
  const life = first.name;
  if (life === undefined) throw damagedValue(key);
  const directory = lifeDirectory(place, life);
  const number = (await laterNumbers(directory)).at(-1);
  if (number === undefined) {
    // No later value, or all of them have been deleted since we opened the first one: that one would then be stale.
    if (!(await isLiving(place, first.inode))) return undefined;
    return {
      life,
      number: 1,
      file: first,
      etag: etagOf(1, life),
      directory: place.directory,
      firstInode: first.inode,
      close: () => first.handle.close(),
    };
  }
  const file = await openValueFile(join(directory, String(number)));
  if (file === undefined) return undefined;
  const close = async (): Promise<void> => {
    await file.handle.close();
    await first.handle.close();
  };
  if (file.name === undefined) {
    await file.handle.close();
    throw damagedValue(key);
  }
  return { life, number, file, etag: etagOf(number, file.name), directory, firstInode: first.inode, close };
}

/** Whether the first value of a key is still this inode, which the caller holds open. */
export async function isLiving(place: KeyPlace, firstInode: bigint): Promise<boolean> {
  const now = await unlessMissing(stat(place.first, { bigint: true }));
  return now?.ino === firstInode;
}

/** Numbers of the values after the first, ascending. */
export async function laterNumbers(directory: string): Promise<number[]> {
  const names = (await unlessMissing(readdir(directory))) ?? [];
  return names
    .filter((name) => /^[1-9][0-9]{0,14}$/.test(name))
    .map(Number)
    .toSorted((a, b) => a - b);
}

/** Removes values that nobody can see any more, oldest first. */
export async function removeOutdated(directory: string, numbers: readonly number[]): Promise<void> {
  const newest = numbers.at(-1) ?? 0;
  for (const number of numbers) {
    if (number > newest - keptCount) return;
    await unlessMissing(unlink(join(directory, String(number))));
  }
}

/** Removes what a life that is over has left. The highest goes last, so whoever still looks never sees an old value. */
export async function removeLife(directory: string): Promise<void> {
  for (;;) {
    for (const number of await laterNumbers(directory)) await unlessMissing(unlink(join(directory, String(number))));
    try {
      await unlessMissing(rmdir(directory));
      return;
    } catch (cause) {
      // A writer that has not noticed yet has linked one more value.
      if (errnoOf(cause) !== 'ENOTEMPTY' && errnoOf(cause) !== 'EEXIST') throw cause;
      if ((await laterNumbers(directory)).length === 0) return; // What is left in there is foreign.
    }
  }
}
