// Copies of batches: the caller may reuse its buffer once the append is settled, and the tail serves the batch long
// after that. Small ones share slabs, so that a record of a hundred bytes costs no buffer of its own. What holds bytes
// that were handed out is left to the garbage collector, never written again.
import { KiB, MiB } from '../base/bytes.ts';

const slabSizeBytes = 1 * MiB;

/** Batches below this share a slab; larger ones get a buffer of their own. */
export const copyBelowBytes: number = 8 * KiB;

export class Arena {
  #slab: Uint8Array = new Uint8Array(0);
  #used = 0;

  /** A copy that nobody else can write to. */
  keep(bytes: Uint8Array): Uint8Array {
    if (bytes.byteLength >= copyBelowBytes) return new Uint8Array(bytes);
    if (this.#used + bytes.byteLength > this.#slab.byteLength) {
      this.#slab = new Uint8Array(slabSizeBytes);
      this.#used = 0;
    }
    const start = this.#used;
    this.#slab.set(bytes, start);
    this.#used += bytes.byteLength;
    return this.#slab.subarray(start, this.#used);
  }
}
