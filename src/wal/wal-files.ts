// The file operations of the file WAL, as a seam: the operating system's beneath a real WAL (node-wal-files.ts), a
// simulated disk that tears, loses and reorders writes beneath a tested one. Failures are errors as Node gives them,
// with `code` and `syscall`.
import { errnoOf } from '../store/file-failure.ts';

/** Nothing that is read whole is longer. */
const smallFileMaxBytes = 65_536;

/** A file that is open. */
export interface WalFile {
  /**
   * Writes the pieces, one behind the other, from `position` on. `done` is called once, later: when the bytes are on
   * the disk (if the file was opened durable), or with why they may not be. Fewer bytes than given is a failure.
   */
  write(pieces: readonly Uint8Array[], position: number, done: (failure: Error | undefined) => void): void;
  /** Reads into `bytes` from `position` on. How many bytes there were: fewer only at the end of the file. */
  read(bytes: Uint8Array, position: number): Promise<number>;
  /** Size of the file in bytes. */
  size(): Promise<number>;
  /** How many names the file has now. Answered at once, on the way of every acknowledgement. */
  linkCount(): number;
  /** Resolves when everything that was written to the file, by whomever, is on the disk. */
  sync(): Promise<void>;
  /** Lets go of the file. */
  close(): Promise<void>;
}

/** The file operations that the file WAL needs. */
export interface WalFiles {
  /** Opens a file: makes it ('create'; EEXIST if it is there), or opens one to be read, or to be written durably. */
  open(path: string, how: 'create' | 'read' | 'write-durably'): Promise<WalFile>;
  /** Names in a directory. */
  list(directory: string): Promise<readonly string[]>;
  /** Makes one directory; EEXIST if it is there, ENOENT if the one above is not. */
  makeDirectory(path: string): Promise<void>;
  /** Resolves when the names in a directory are on the disk. */
  syncDirectory(path: string): Promise<void>;
  /** Gives a file or directory another name. A directory does not replace one that has something in it. */
  rename(from: string, to: string): Promise<void>;
  /** Gives a file a second name; EEXIST if the name is taken. */
  link(from: string, to: string): Promise<void>;
  /** Takes a name from a file. */
  remove(path: string): Promise<void>;
  /** Removes an empty directory. */
  removeDirectory(path: string): Promise<void>;
}

/** Writes bytes to a file that is open. */
export function writeTo(file: WalFile, bytes: Uint8Array, position: number): Promise<void> {
  return new Promise((resolve, reject) => {
    file.write([bytes], position, (failure) => (failure === undefined ? resolve() : reject(failure)));
  });
}

/** Makes a file with these bytes, on the disk; its name is not yet. */
export async function writeNewFile(files: WalFiles, path: string, bytes: Uint8Array): Promise<void> {
  const file = await files.open(path, 'create');
  try {
    if (bytes.byteLength > 0) await writeTo(file, bytes, 0);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** The bytes of a small file; undefined if there is none. */
export async function readSmallFile(files: WalFiles, path: string): Promise<Uint8Array | undefined> {
  const file = await unlessMissing(files.open(path, 'read'));
  if (file === undefined) return undefined;
  try {
    const bytes = new Uint8Array(Math.min(await file.size(), smallFileMaxBytes));
    return bytes.subarray(0, await file.read(bytes, 0));
  } finally {
    await file.close();
  }
}

/** What the promise gives, or undefined if the file or directory it is about is not there. */
export async function unlessMissing<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch (cause) {
    if (errnoOf(cause) === 'ENOENT') return undefined;
    throw cause;
  }
}
