// The moment of a write in a FileObjectStore: linking a value, which is whole and on the disk under a temporary name,
// to the name that makes it count. The head of file-object-store.ts tells why this is safe.
//
// Outcomes: an error thrown from here means that nothing was linked. From the link on nothing throws any more; what
// cannot be told is 'unknown'.
import { link, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { throwIfAborted } from '../base/abort.ts';
import { qanatError } from '../model/errors.ts';
import type { FileDirectories } from './file-directories.ts';
import { errnoOf } from './file-failure.ts';
import type { KeyPlace } from './file-key.ts';
import { lifeDirectory } from './file-key.ts';
import type { StandingValue } from './file-life.ts';
import { etagOf, isLiving, keptCount, laterNumbers, openStanding, removeLife, removeOutdated } from './file-life.ts';
import type { TemporaryValue } from './file-temporaries.ts';
import { unlessMissing } from './file-value.ts';
import type { PutCondition, PutResult } from './object-store.ts';

/** A put whose bytes are on the disk. */
export interface PendingPut {
  readonly directories: FileDirectories;
  readonly place: KeyPlace;
  readonly key: string;
  readonly temporary: TemporaryValue;
  readonly condition: PutCondition | undefined;
  readonly signal: AbortSignal | undefined;
}

/** A refusal that is certain before anything is written: saves the writing. */
export async function refusalBeforehand(
  directories: FileDirectories,
  place: KeyPlace,
  key: string,
  condition: PutCondition | undefined,
): Promise<PutResult | undefined> {
  if (condition === undefined) return undefined;
  if (condition === 'absent') return (await isThere(directories, place)) ? { outcome: 'exists' } : undefined;
  const standing = await openStanding(place, key);
  await standing?.close();
  return standing?.etag === condition.etag ? undefined : { outcome: 'changed' };
}

/** Makes the value count, if its condition holds. */
export async function linkValue(put: PendingPut): Promise<PutResult> {
  const { condition } = put;
  for (;;) {
    throwIfAborted(put.signal);
    if (condition === 'absent') return linkFirst(put);
    const standing = await openStanding(put.place, put.key);
    if (standing === undefined) {
      if (condition !== undefined) return { outcome: 'changed' };
      const made = await linkFirst(put);
      if (made.outcome !== 'exists') return made;
      continue;
    }
    try {
      if (condition !== undefined && condition.etag !== standing.etag) return { outcome: 'changed' };
      const replaced = await linkNext(put, standing);
      if (replaced !== 'overtaken') return replaced;
      if (condition !== undefined) return { outcome: 'changed' };
    } finally {
      await standing.close();
    }
  }
}

/** Begins a life. */
async function linkFirst(put: PendingPut): Promise<PutResult> {
  const { directories, place, temporary } = put;
  for (let attempt = 1; ; attempt++) {
    await directories.ensure(place.directory);
    try {
      await link(temporary.path, place.first);
      break;
    } catch (cause) {
      const errno = errnoOf(cause);
      if (errno === 'EEXIST') {
        await isThere(directories, place); // What we tell of must be on the disk; it may be deleted again by now.
        return { outcome: 'exists' };
      }
      if (errno === 'EIO') return { outcome: 'unknown' };
      // ENOENT: somebody has removed directories that were durable.
      if (errno !== 'ENOENT' || attempt === 3) throw linkFailure(cause);
      directories.forget();
    }
  }
  try {
    await directories.sync(place.directory);
    return { outcome: 'stored', etag: etagOf(1, temporary.name) };
  } catch {
    return { outcome: 'unknown' };
  }
}

/** Replaces the value that was seen to stand; 'overtaken' if somebody else was faster, and then nothing is linked. */
export async function linkNext(put: PendingPut, standing: StandingValue): Promise<PutResult | 'overtaken'> {
  const { directories, place, temporary } = put;
  const life = lifeDirectory(place, standing.life);
  const number = standing.number + 1;
  if (standing.number === 1) await directories.ensureChild(life);
  try {
    await link(temporary.path, join(life, String(number)));
  } catch (cause) {
    const errno = errnoOf(cause);
    if (errno === 'EEXIST') return 'overtaken';
    if (errno === 'EIO') return { outcome: 'unknown' };
    if (errno === 'ENOENT' && !(await isLiving(place, standing.firstInode))) return 'overtaken';
    throw linkFailure(cause);
  }
  try {
    await directories.sync(life);
    const numbers = await laterNumbers(life);
    const living = await isLiving(place, standing.firstInode);
    await (living ? removeOutdated(life, numbers) : removeLife(life)).catch(() => {});
    const surely = living && (numbers.at(-1) ?? number) < number + keptCount;
    // Without a condition the value counts in any case, as one that was replaced or deleted at once.
    if (!surely && put.condition !== undefined) return { outcome: 'unknown' };
    return { outcome: 'stored', etag: etagOf(number, temporary.name) };
  } catch {
    return { outcome: 'unknown' };
  }
}

/** Whether the key has a value; then it is on the disk for good when this answers. */
async function isThere(directories: FileDirectories, place: KeyPlace): Promise<boolean> {
  const first = await unlessMissing(stat(place.first));
  if (first !== undefined && first.nlink > 1) await directories.sync(place.directory);
  return first !== undefined;
}

function linkFailure(cause: unknown): unknown {
  const errno = errnoOf(cause);
  if (errno !== 'EPERM' && errno !== 'ENOTSUP' && errno !== 'EOPNOTSUPP' && errno !== 'ENOSYS') return cause;
  const problem = 'the file system of the directory has no hard links';
  return qanatError(
    'STORE_UNSUITABLE',
    `${problem}; keep the store on a local POSIX file system`,
    { problem },
    { cause },
  );
}
