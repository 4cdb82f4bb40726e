// Memory for stable copies of what callers append. A caller may write to its buffer again as soon as its append is
// settled, so the cache never keeps the caller's bytes; and a batch of a hundred bytes must not pin the buffer it came
// in, so batches share slabs.
//
// - A slab is used again when nothing in it is live: memory that was touched before is far cheaper than fresh memory.
// - Bytes that were handed out are never written again (`isLent`): such a slab is left to the garbage collector.
// - What is kept for use again counts against the same limit as what is in use, so that a burst leaves no more behind
//   than it was allowed to take.
import { KiB, MiB } from '../base/bytes.ts';

export const slabSizeBytes: number = 1 * MiB;

/** Batches below this share slabs; larger ones have memory of their own, which is not used again. */
export const slabBelowBytes: number = 256 * KiB;

/** Memory of some batches. */
export interface Slab {
  readonly bytes: Uint8Array;
  /** Bytes given to batches, from the start. */
  usedBytes: number;
  /** Batches in it that are not let go of. */
  liveCount: number;
  /** Somebody outside holds a view of it, and may hold it for ever. */
  isLent: boolean;
}

export class Arena {
  readonly #sizeMaxBytes: number;
  /** The slab that is filled; at first one that is full. */
  #slab: Slab = { ...newSlab(0), usedBytes: slabSizeBytes };
  readonly #free: Slab[] = [];
  /** Bytes of all slabs in use. */
  #inUseBytes = 0;

  /** Slabs are kept for use again as long as all together take at most `sizeMaxBytes`. */
  constructor(sizeMaxBytes: number) {
    this.#sizeMaxBytes = sizeMaxBytes;
  }

  /** Bytes of the slabs that wait to be used again. */
  get freeBytes(): number {
    return this.#free.length * slabSizeBytes;
  }

  /** Copies a batch, to the end of what is used of the slab that is given back. It is live until `letGo`. */
  keep(bytes: Uint8Array): Slab {
    const sizeBytes = bytes.byteLength;
    let slab = this.#slab;
    if (sizeBytes >= slabBelowBytes) slab = this.#ownSlab(sizeBytes);
    else if (slab.usedBytes + sizeBytes > slabSizeBytes) slab = this.#nextSlab();
    slab.bytes.set(bytes, slab.usedBytes);
    slab.usedBytes += sizeBytes;
    slab.liveCount += 1;
    return slab;
  }

  /** A batch of this slab is not needed any more. */
  letGo(slab: Slab): void {
    slab.liveCount -= 1;
    if (slab.liveCount === 0 && slab !== this.#slab) this.#retire(slab);
  }

  #ownSlab(sizeBytes: number): Slab {
    const slab = newSlab(sizeBytes);
    this.#inUseBytes += sizeBytes;
    while (this.#free.length > 0 && this.#inUseBytes + this.freeBytes > this.#sizeMaxBytes) this.#free.pop();
    return slab;
  }

  #nextSlab(): Slab {
    const full = this.#slab;
    this.#slab = this.#free.pop() ?? newSlab(slabSizeBytes);
    this.#inUseBytes += slabSizeBytes;
    if (full.liveCount === 0) this.#retire(full);
    return this.#slab;
  }

  /** Nothing in it is live: it is used again, or left to the garbage collector. */
  #retire(slab: Slab): void {
    this.#inUseBytes -= slab.bytes.byteLength;
    if (slab.isLent || slab.bytes.byteLength !== slabSizeBytes) return;
    if (this.#inUseBytes + this.freeBytes + slabSizeBytes > this.#sizeMaxBytes) return;
    slab.usedBytes = 0;
    this.#free.push(slab);
  }
}

function newSlab(sizeBytes: number): Slab {
  return { bytes: new Uint8Array(sizeBytes), usedBytes: 0, liveCount: 0, isLent: false };
}
