// A machine that stops: the directory of a store, with the WAL in it, as it stands at one moment. Whoever has it open
// goes on where it was and knows nothing of the copy; in the copy the process is dead, so its lock is gone.
import { cp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { someDirectory } from './world.ts';

/** A copy of a store's directory as a process that dies now leaves it. It is removed after the test. */
export async function diedCopyOf(directory: string): Promise<string> {
  const copy = join(await someDirectory(), 'store');
  await cp(directory, copy, { recursive: true });
  for (const node of await readdir(join(copy, 'wal')).catch(() => [])) await forgetLock(join(copy, 'wal', node));
  return copy;
}

/** Takes the lock away that a dead process has left in the directory of a file WAL. */
export async function forgetLock(walDirectory: string): Promise<void> {
  await rm(join(walDirectory, 'lock'), { force: true });
}
