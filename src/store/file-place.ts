// Where a FileObjectStore may live: in a directory that is missing, empty, or made by one before. The objects lie in
// `objects` below it, so that other things of the same node (a file WAL) have room beside them. A directory that holds
// something else is refused before anything is made in it.
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { qanatError } from '../model/errors.ts';
import { errnoOf } from './file-failure.ts';

/** Name of the directory of objects. */
export const objectsDirectoryName = 'objects';

/** What the system says about a path that will not become right by waiting. */
const lasting: Readonly<Record<string, string>> = {
  EACCES: 'this process may not look into it',
  EPERM: 'this process may not look into it',
  ENOTDIR: 'it, or something above it, is a file',
  ELOOP: 'there are too many symbolic links on the way to it',
  ENAMETOOLONG: 'its path is too long',
};

export class FilePlace {
  readonly #directory: string;
  #isOurs = false;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Rejects with STORE_UNSUITABLE unless the directory may be used. Asks the system until `objects` is there. */
  async check(): Promise<void> {
    if (this.#isOurs) return;
    try {
      const found = await stat(join(this.#directory, objectsDirectoryName));
      if (!found.isDirectory()) throw this.#unsuitable(`its '${objectsDirectoryName}' is a file`);
      this.#isOurs = true;
    } catch (cause) {
      if (errnoOf(cause) !== 'ENOENT') throw this.#judge(cause);
      await this.#checkEmpty();
    }
  }

  async #checkEmpty(): Promise<void> {
    let names: readonly string[];
    try {
      names = await readdir(this.#directory);
    } catch (cause) {
      if (errnoOf(cause) === 'ENOENT') return;
      throw this.#judge(cause);
    }
    // Another process may have begun between the two looks.
    if (names.length === 0 || names.includes(objectsDirectoryName)) return;
    const problem = `it holds something else, such as '${names.toSorted()[0]}', and no '${objectsDirectoryName}'`;
    throw this.#unsuitable(`${problem}; give an empty directory, or one that does not exist`);
  }

  #judge(cause: unknown): unknown {
    const problem = lasting[errnoOf(cause) ?? ''];
    return problem === undefined ? cause : this.#unsuitable(problem, cause);
  }

  #unsuitable(problem: string, cause?: unknown): Error {
    const message = `the directory ${JSON.stringify(this.#directory)} cannot be used as an object store: ${problem}`;
    return qanatError('STORE_UNSUITABLE', message, { problem }, { cause });
  }
}
