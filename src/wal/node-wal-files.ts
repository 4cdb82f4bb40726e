// The operating system's files. The way of an append uses callbacks and one call per group: with O_DSYNC the write is
// the sync; where the system has no O_DSYNC, fdatasync follows each write.
import {
  close,
  constants,
  fdatasync,
  fstat,
  fstatSync,
  fsync,
  open,
  read,
  write,
  writev,
  type NoParamCallback,
} from 'node:fs';
import { link, mkdir, readdir, rename, rmdir, unlink } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { WalFile, WalFiles } from './wal-files.ts';

const openFile = promisify(open);
const closeFile = promisify(close);
const syncFile = promisify(fsync);
const statFile = promisify(fstat);

// Node's types take the flag for granted; not every system has it.
const durableFlag = constants.O_DSYNC as number | undefined;

const flags = {
  create: constants.O_RDWR | constants.O_CREAT | constants.O_EXCL,
  read: constants.O_RDONLY,
  'write-durably': constants.O_RDWR | (durableFlag ?? 0),
} as const;

/** The files of the machine. */
export const nodeWalFiles: WalFiles = {
  open: async (path, how) => new NodeWalFile(await openFile(path, flags[how]), how === 'write-durably'),
  list: (directory) => readdir(directory),
  makeDirectory: (path) => mkdir(path),
  syncDirectory: async (path) => {
    const directory = await openFile(path, constants.O_RDONLY);
    try {
      await syncFile(directory);
    } finally {
      await closeFile(directory);
    }
  },
  rename: (from, to) => rename(from, to),
  link: (from, to) => link(from, to),
  remove: (path) => unlink(path),
  removeDirectory: (path) => rmdir(path),
};

class NodeWalFile implements WalFile {
  readonly #descriptor: number;
  readonly #syncsApart: boolean;

  constructor(descriptor: number, isDurable: boolean) {
    this.#descriptor = descriptor;
    this.#syncsApart = isDurable && durableFlag === undefined;
  }

  write(pieces: readonly Uint8Array[], position: number, done: (failure: Error | undefined) => void): void {
    const [first] = pieces;
    if (first === undefined) return done(undefined);
    let sizeBytes = 0;
    for (const piece of pieces) sizeBytes += piece.byteLength;
    const written = (failure: Error | null, writtenBytes: number): void => {
      if (failure !== null) done(failure);
      else if (writtenBytes !== sizeBytes) done(new Error(`only ${writtenBytes} of ${sizeBytes} bytes were written`));
      else if (this.#syncsApart) fdatasync(this.#descriptor, toDone(done));
      else done(undefined);
    };
    if (pieces.length === 1) write(this.#descriptor, first, 0, sizeBytes, position, written);
    else writev(this.#descriptor, pieces, position, written);
  }

  async read(bytes: Uint8Array, position: number): Promise<number> {
    let count = 0;
    while (count < bytes.byteLength) {
      const more = await this.#read(bytes, count, position + count);
      if (more === 0) break;
      count += more;
    }
    return count;
  }

  async size(): Promise<number> {
    return (await statFile(this.#descriptor)).size;
  }

  linkCount(): number {
    return fstatSync(this.#descriptor).nlink;
  }

  sync(): Promise<void> {
    return new Promise((resolve, reject) => {
      fdatasync(
        this.#descriptor,
        toDone((failure) => (failure === undefined ? resolve() : reject(failure))),
      );
    });
  }

  close(): Promise<void> {
    return closeFile(this.#descriptor);
  }

  #read(bytes: Uint8Array, start: number, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      read(this.#descriptor, bytes, start, bytes.byteLength - start, position, (failure, count) =>
        failure === null ? resolve(count) : reject(failure),
      );
    });
  }
}

function toDone(done: (failure: Error | undefined) => void): NoParamCallback {
  return (failure) => done(failure ?? undefined);
}
