// The segment files of one incarnation of the file WAL: one is written, some are full, some are ready to be written
// next. Files are filled with zeros before they are used, because overwriting is what a disk does fast and without a
// change of its own books; a full one whose groups are all released is used again.
//
// - Only files of this incarnation's folder are written. A file is used again only when an applied change has released
//   everything in it, and what it still holds has lower group numbers than anything written later.
// - A file's name is on the disk before a group is written to it.
// - A full disk is met while a file is prepared, before anything in it could be acknowledged.
import { join } from 'node:path';
import { assert } from '../base/assert.ts';
import { MiB } from '../base/bytes.ts';
import { writeTo, type WalFile, type WalFiles } from './wal-files.ts';

/** How segment files are kept. */
export interface SegmentFileSizes {
  readonly fileSizeBytes: number;
  /** Files that are kept ready; further ones are removed. */
  readonly sparesMax: number;
}

/** Where a group goes. */
export interface GroupPlace {
  readonly file: WalFile;
  readonly position: number;
}

interface SegmentFile {
  readonly file: WalFile;
  readonly path: string;
  /** The highest segment that has a group in it. */
  lastSegment: number;
}

/** Name of a segment file. */
export function segmentFileName(slot: number): string {
  return `${String(slot).padStart(8, '0')}.seg`;
}

/** Whether a name is that of a segment file. */
export function isSegmentFileName(name: string): boolean {
  return /^\d{8,}\.seg$/.test(name);
}

export class SegmentFiles {
  readonly #files: WalFiles;
  readonly #folder: string;
  readonly #sizes: SegmentFileSizes;
  #nextSlot: number;
  #current: SegmentFile | undefined;
  #position = 0;
  readonly #full: SegmentFile[] = [];
  readonly #spares: SegmentFile[] = [];
  #preparing: Promise<void> | undefined;
  #isClosed = false;

  constructor(files: WalFiles, folder: string, sizes: SegmentFileSizes, slotsInUse: number) {
    this.#files = files;
    this.#folder = folder;
    this.#sizes = sizes;
    this.#nextSlot = slotsInUse;
  }

  /** Takes room for a group of a segment; undefined when the next file is due: call `rotate`. */
  place(sizeBytes: number, segment: number): GroupPlace | undefined {
    assert(sizeBytes <= this.#sizes.fileSizeBytes, () => `a group of ${sizeBytes} bytes does not fit a file`);
    const current = this.#current;
    if (current === undefined || this.#position + sizeBytes > this.#sizes.fileSizeBytes) return undefined;
    const position = this.#position;
    this.#position += sizeBytes;
    current.lastSegment = segment;
    return { file: current.file, position };
  }

  /** Goes on to the next file, as soon as one is ready, and prepares another. */
  async rotate(): Promise<void> {
    if (this.#spares.length === 0) await this.#prepare();
    const next = this.#spares.shift();
    assert(next !== undefined, 'a prepared file is ready');
    if (this.#current !== undefined) this.#full.push(this.#current);
    this.#current = next;
    this.#position = 0;
    if (this.#spares.length === 0) this.#prepare().catch(() => {}); // It is tried again when it is needed.
  }

  /** Frees the files that hold nothing from `position` on. Those that are not needed any more are removed. */
  async release(position: number): Promise<void> {
    for (let i = 0; i < this.#full.length;) {
      const file = this.#full[i] as SegmentFile;
      if (file.lastSegment >= position) {
        i += 1;
        continue;
      }
      this.#full.splice(i, 1);
      if (this.#spares.length < this.#sizes.sparesMax && !this.#isClosed) this.#spares.push(file);
      else await this.#discard(file);
    }
  }

  /** Closes the files; nothing may be under way in them. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#preparing?.catch(() => {});
    const all = [...(this.#current === undefined ? [] : [this.#current]), ...this.#full, ...this.#spares];
    this.#current = undefined;
    this.#full.length = 0;
    this.#spares.length = 0;
    for (const { file } of all) await file.close().catch(() => {});
  }

  /** Makes a file ready. Callers that come meanwhile wait for the same one. */
  #prepare(): Promise<void> {
    this.#preparing ??= this.#makeSpare().finally(() => (this.#preparing = undefined));
    return this.#preparing;
  }

  async #makeSpare(): Promise<void> {
    const slot = this.#nextSlot;
    const path = join(this.#folder, segmentFileName(slot));
    await makeSegmentFile(this.#files, path, this.#sizes.fileSizeBytes);
    this.#nextSlot = slot + 1;
    await this.#files.syncDirectory(this.#folder);
    await this.adopt(slot);
  }

  /** Takes a file that was made before as one that is ready. */
  async adopt(slot: number): Promise<void> {
    const path = join(this.#folder, segmentFileName(slot));
    const file = await this.#files.open(path, 'write-durably');
    this.#spares.push({ file, path, lastSegment: -1 });
  }

  async #discard({ file, path }: SegmentFile): Promise<void> {
    await file.close().catch(() => {});
    await this.#files.remove(path).catch(() => {});
  }
}

const zeros = new Uint8Array(1 * MiB);

/** Makes a file of zeros, on the disk. If that fails, the file is gone. */
export async function makeSegmentFile(files: WalFiles, path: string, sizeBytes: number): Promise<void> {
  const file = await files.open(path, 'create');
  try {
    for (let position = 0; position < sizeBytes; position += zeros.byteLength)
      await writeTo(file, zeros.subarray(0, Math.min(zeros.byteLength, sizeBytes - position)), position);
    await file.sync();
  } catch (cause) {
    await file.close().catch(() => {});
    await files.remove(path).catch(() => {});
    throw cause;
  }
  await file.close();
}
