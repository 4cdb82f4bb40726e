// Temporary files of a FileObjectStore: a value is written and put on the disk here before it is linked to its name.
// What a process that died has left is removed by whoever puts first, once it is older than an hour. A put that takes
// longer than that fails, and has written nothing.
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Runtime } from '../base/runtime.ts';
import { drawId } from '../base/runtime.ts';
import type { FileDirectories } from './file-directories.ts';
import { errnoOf } from './file-failure.ts';
import { temporaryDirectoryName } from './file-key.ts';
import { removeIfThere, unlessMissing, writeValueFile } from './file-value.ts';

const staleAfterMs = 60 * 60 * 1000;

/** A value on the disk, under a temporary name. */
export interface TemporaryValue {
  readonly path: string;
  /** The name drawn for the put, in 24 hex digits. */
  readonly name: string;
}

/** The temporary directory below `root`. */
export class FileTemporaries {
  readonly #directories: FileDirectories;
  readonly #directory: string;
  readonly #runtime: Runtime;
  #cleaning: Promise<void> | undefined;

  constructor(directories: FileDirectories, root: string, runtime: Runtime) {
    this.#directories = directories;
    this.#directory = join(root, temporaryDirectoryName);
    this.#runtime = runtime;
  }

  /** Writes a body to a file of its own. */
  async write(body: Uint8Array): Promise<TemporaryValue> {
    for (let attempt = 1; ; attempt++) {
      const drawn = this.#runtime.random.bytes(12);
      const path = join(this.#directory, drawId(this.#runtime.random));
      await this.#directories.ensure(this.#directory);
      await (this.#cleaning ??= this.#clean());
      try {
        await writeValueFile(path, drawn, body);
        return { path, name: Buffer.from(drawn).toString('hex') };
      } catch (cause) {
        // EEXIST: another process draws the same names. ENOENT: somebody has removed the directory since we made it.
        const errno = errnoOf(cause);
        if ((errno !== 'ENOENT' && errno !== 'EEXIST') || attempt === 5) throw cause;
        if (errno === 'ENOENT') this.#directories.forget();
      }
    }
  }

  /** Removes what has been left behind, as well as it goes. */
  async #clean(): Promise<void> {
    try {
      const now = this.#runtime.clock.now();
      for (const name of (await unlessMissing(readdir(this.#directory))) ?? []) {
        const path = join(this.#directory, name);
        const found = await unlessMissing(stat(path));
        if (found !== undefined && found.mtimeMs < now - staleAfterMs) await removeIfThere(path);
      }
    } catch {
      // It costs space, nothing else; the next process tries again.
    }
  }
}
