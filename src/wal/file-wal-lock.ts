// The lock of a file WAL's directory: a file that says who uses it. It keeps a second start of a node from fencing a
// first one by mistake. It is politeness and no more: who ends up with it wrongly harms nobody, because what is
// acknowledged rests on the file `owner` and on the epochs (R12).
import { join } from 'node:path';
import { utf8 } from '../base/bytes.ts';
import { drawId, type Random } from '../base/runtime.ts';
import { qanatError } from '../model/errors.ts';
import { errnoOf } from '../store/file-failure.ts';
import { temporaryPath } from './file-wal-place.ts';
import { isAlive, thisProcess, type ProcessFacts } from './process-facts.ts';
import { readSmallFile, unlessMissing, writeNewFile, type WalFiles } from './wal-files.ts';

const lockName = 'lock';
const triesMax = 100;

/** Who holds a lock. */
interface LockHolder extends ProcessFacts {
  readonly node: string;
  /** Drawn for each lock. */
  readonly token: string;
}

export class DirectoryLock {
  readonly #files: WalFiles;
  readonly #directory: string;
  readonly #random: Random;
  readonly #token: string;
  #released: Promise<void> | undefined;

  private constructor(files: WalFiles, directory: string, random: Random, token: string) {
    this.#files = files;
    this.#directory = directory;
    this.#random = random;
    this.#token = token;
  }

  /** Takes the lock, or rejects with WAL_LOCKED while its holder lives. */
  static async take(files: WalFiles, directory: string, node: string, random: Random): Promise<DirectoryLock> {
    const path = join(directory, lockName);
    const holder = { ...thisProcess(), node, token: drawId(random) };
    const temporary = temporaryPath(directory, random);
    await writeNewFile(files, temporary, utf8(`${JSON.stringify(holder, null, 2)}\n`));
    try {
      for (let tries = 1; ; tries += 1) {
        try {
          await files.link(temporary, path);
          return new DirectoryLock(files, directory, random, holder.token);
        } catch (cause) {
          if (errnoOf(cause) !== 'EEXIST') throw cause;
        }
        const present = await readHolder(files, path);
        if (present === undefined) continue;
        if (isAlive(present) || tries >= triesMax) throw locked(present, path);
        await takeAway(files, directory, random, (found) => !isAlive(found));
      }
    } finally {
      await files.remove(temporary).catch(() => {});
    }
  }

  /** Lets go, if it is still ours. */
  release(): Promise<void> {
    const isOurs = ({ token }: LockHolder): boolean => token === this.#token;
    this.#released ??= takeAway(this.#files, this.#directory, this.#random, isOurs).catch(() => {});
    return this.#released;
  }
}

/** Removes the lock file if it says what `isMeant` expects, and leaves any other where it is. */
async function takeAway(
  files: WalFiles,
  directory: string,
  random: Random,
  isMeant: (holder: LockHolder) => boolean,
): Promise<void> {
  const path = join(directory, lockName);
  const present = await readHolder(files, path);
  if (present === undefined || !isMeant(present)) return;
  const aside = temporaryPath(directory, random);
  await unlessMissing(files.rename(path, aside));
  const taken = await readHolder(files, aside);
  // Somebody was faster, and what was taken away is a new lock: it is put back.
  if (taken !== undefined && !isMeant(taken)) await files.link(aside, path).catch(() => {});
  await unlessMissing(files.remove(aside));
}

/** What a lock file says. One that says nothing intelligible is nobody's: its process number is 0. */
async function readHolder(files: WalFiles, path: string): Promise<LockHolder | undefined> {
  const bytes = await readSmallFile(files, path);
  if (bytes === undefined) return undefined;
  const nobody: LockHolder = { node: '', host: '', bootId: undefined, pid: 0, startTime: undefined, token: '' };
  try {
    const found = JSON.parse(new TextDecoder().decode(bytes)) as LockHolder | null;
    return typeof found?.pid === 'number' && Number.isSafeInteger(found.pid) ? { ...nobody, ...found } : nobody;
  } catch {
    return nobody;
  }
}

function locked({ node, host, pid }: LockHolder, path: string): Error {
  const holder = `process ${pid} on ${host}`;
  const message = `the WAL of node ${node} is in use by ${holder}; if that is wrong, remove ${JSON.stringify(path)}`;
  return qanatError('WAL_LOCKED', message, { node, holder });
}
