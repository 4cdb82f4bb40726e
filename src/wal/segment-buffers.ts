// The memory that segments of the object WAL are encoded into, used again, so that a busy writer leaves none to the
// garbage collector, which would look through its whole heap for it.
//
// - A store may read a body until its put has settled and every attempt that it started has ended. So memory is used
//   again only if its user says so; all other is left to the garbage collector, which knows who reads it.
// - What is lent and what is kept are at most `sizeMaxBytes` together: with what a writer can have under way for that,
//   keeping buffers takes no memory that it could not take anyway (I9). A writer that has nothing under way keeps what
//   one segment needs at most.
// - A segment has no buffer of more than one and a half times its size: whoever counts bodies that are held counts what
//   they hold, nearly. What is smaller than `pooledMinBytes` costs little, and is never used again.
import { assert } from '../base/assert.ts';
import { KiB } from '../base/bytes.ts';
import { allocateBytes } from '../format/numbers.ts';
import { segmentSizeMaxBytes } from '../model/limits.ts';

const pooledMinBytes: number = 64 * KiB;

/** What a writer keeps that has nothing under way. */
const idleMaxBytes: number = segmentSizeMaxBytes;

export class SegmentBuffers {
  readonly #sizeMaxBytes: number;
  /** Nobody reads them; the one that has waited longest comes first. */
  #kept: Uint8Array[] = [];
  #keptBytes = 0;
  /** The size of each buffer that is lent. */
  readonly #lent = new Map<ArrayBufferLike, number>();
  #lentBytes = 0;

  constructor(sizeMaxBytes: number) {
    this.#sizeMaxBytes = sizeMaxBytes;
  }

  /** Bytes of the buffers that are lent. */
  get lentBytes(): number {
    return this.#lentBytes;
  }

  /** Bytes of the buffers that wait for their next use. */
  get keptBytes(): number {
    return this.#keptBytes;
  }

  /** Lends a buffer of at least `sizeBytes`, whatever it holds. It is ended by `takeBack` or `letGo`, once. */
  lend(sizeBytes: number): Uint8Array {
    const buffer = this.#takeKept(sizeBytes) ?? this.#allocate(sizeBytes);
    this.#lent.set(buffer.buffer, buffer.byteLength);
    this.#lentBytes += buffer.byteLength;
    return buffer;
  }

  /** Nobody reads the buffer that these bytes are in any more: the next segment may be encoded over it. */
  takeBack(bytes: Uint8Array): void {
    const { buffer } = bytes;
    const isWhole = buffer.byteLength === this.#lent.get(buffer); // Not if it was transferred to another thread.
    if (isWhole && buffer.byteLength >= pooledMinBytes) {
      this.#kept.push(new Uint8Array(buffer));
      this.#keptBytes += buffer.byteLength;
    }
    this.letGo(bytes);
  }

  /** Unless it was taken back, somebody may go on reading the buffer that these bytes are in: it is not used again. */
  letGo({ buffer }: Uint8Array): void {
    const sizeBytes = this.#lent.get(buffer);
    assert(sizeBytes !== undefined, 'a buffer is lent once, and ended once');
    this.#lent.delete(buffer);
    this.#lentBytes -= sizeBytes;
    this.#shrink(this.#lentBytes === 0 ? Math.min(idleMaxBytes, this.#sizeMaxBytes) : this.#roomBytes());
  }

  /** Keeps nothing. */
  clear(): void {
    this.#shrink(0);
  }

  /** The smallest one that is kept and suits. */
  #takeKept(sizeBytes: number): Uint8Array | undefined {
    if (sizeBytes < pooledMinBytes) return undefined;
    let found: Uint8Array | undefined;
    for (const buffer of this.#kept) {
      const suits = buffer.byteLength >= sizeBytes && buffer.byteLength <= 1.5 * sizeBytes;
      if (suits && (found === undefined || buffer.byteLength < found.byteLength)) found = buffer;
    }
    if (found === undefined) return undefined;
    this.#kept.splice(this.#kept.indexOf(found), 1);
    this.#keptBytes -= found.byteLength;
    return found;
  }

  /** What is kept and does not suit goes first, as far as there is no room for both. */
  #allocate(sizeBytes: number): Uint8Array {
    const bufferBytes = bufferSizeBytes(sizeBytes);
    this.#shrink(this.#roomBytes() - bufferBytes);
    return allocateBytes(bufferBytes);
  }

  #roomBytes(): number {
    return this.#sizeMaxBytes - this.#lentBytes;
  }

  /** Lets go of those that have waited longest, until no more than so much is kept. */
  #shrink(keptMaxBytes: number): void {
    let count = 0;
    for (; this.#keptBytes > Math.max(0, keptMaxBytes); count += 1) this.#keptBytes -= this.#kept[count]!.byteLength;
    if (count > 0) this.#kept = this.#kept.slice(count);
  }
}

/**
 * The size of a new buffer: the next of 5, 6, 7 and 8 eighths of a power of two, so that segments of about one size
 * share buffers, at the cost of a quarter at most. 5.1 MiB: 6 MiB. Below the least that is used again: just the size.
 */
function bufferSizeBytes(sizeBytes: number): number {
  if (sizeBytes < pooledMinBytes) return sizeBytes;
  const stepBytes = 2 ** (Math.ceil(Math.log2(sizeBytes)) - 3);
  return Math.ceil(sizeBytes / stepBytes) * stepBytes;
}
