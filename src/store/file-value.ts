// One value in one file: 16 bytes of header, then the body as it is.
//
//   0        4                         16
//   | "qnv1" | name drawn for this put | body …
//
// The drawn name tells any two puts apart, for ever: it makes the etag, and that of a key's first value is the key's
// life. A file is whole and on disk before it is linked to a name that readers look at, and never written again.
import { open, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { errnoOf } from './file-failure.ts';

/** Bytes before the body. */
export const valueHeaderBytes = 16;

const magic = Buffer.from('qnv1', 'latin1');

/** Bodies up to this size are written together with the header, as one piece. */
const joinMaxBytes = 64 * 1024;

/** A file that is held open, so that its inode cannot be given to another one. */
export interface OpenFile {
  readonly handle: FileHandle;
  readonly inode: bigint;
  /** More than one: its temporary name is still there, so its final name may not be on the disk for good. */
  readonly links: bigint;
  /** Size of the body; negative when the file is too short to be a value. */
  readonly size: number;
  /** The name drawn for the put, in 24 hex digits; undefined when the file is no value. */
  readonly name: string | undefined;
}

/** Writes a value to a file of its own, and on the disk. After a failure the file is gone. */
export async function writeValueFile(path: string, name: Uint8Array, body: Uint8Array): Promise<void> {
  const handle = await open(path, 'wx');
  try {
    try {
      const header = Buffer.concat([magic, name]);
      if (body.byteLength <= joinMaxBytes) await writeAll(handle, Buffer.concat([header, body]));
      else {
        await writeAll(handle, header);
        await writeAll(handle, body);
      }
      await handle.datasync();
    } finally {
      await handle.close();
    }
  } catch (cause) {
    await removeIfThere(path);
    throw cause;
  }
}

/** Opens a value, or answers undefined when there is no such file. */
export async function openValueFile(path: string): Promise<OpenFile | undefined> {
  const handle = await unlessMissing(open(path, 'r'));
  if (handle === undefined) return undefined;
  try {
    const header = new Uint8Array(valueHeaderBytes);
    const [stat, count] = await Promise.all([handle.stat({ bigint: true }), readAll(handle, header, 0)]);
    const isValue = count === valueHeaderBytes && magic.equals(header.subarray(0, magic.byteLength));
    const name = isValue ? Buffer.from(header.subarray(magic.byteLength)).toString('hex') : undefined;
    return { handle, inode: stat.ino, links: stat.nlink, size: Number(stat.size) - valueHeaderBytes, name };
  } catch (cause) {
    await handle.close();
    throw cause;
  }
}

/** Bytes [start, end) of the body; fewer only when the file has been damaged. */
export async function readBody(file: OpenFile, start: number, end: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(Buffer.allocUnsafeSlow(end - start).buffer);
  const count = await readAll(file.handle, bytes, valueHeaderBytes + start);
  return bytes.subarray(0, count);
}

/** What a promise gives, or undefined when the file it is about is not there. */
export async function unlessMissing<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch (cause) {
    if (errnoOf(cause) === 'ENOENT') return undefined;
    throw cause;
  }
}

/** Removes a file, as well as it goes. */
export async function removeIfThere(path: string): Promise<void> {
  await rm(path, { force: true }).catch(() => {});
}

async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.byteLength;) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.byteLength - done);
    done += bytesWritten;
  }
}

async function readAll(handle: FileHandle, into: Uint8Array, position: number): Promise<number> {
  let done = 0;
  while (done < into.byteLength) {
    const { bytesRead } = await handle.read(into, done, into.byteLength - done, position + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return done;
}
