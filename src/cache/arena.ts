// Slabs for small batches: a record of a hundred bytes must not pin the socket buffer it came in. A slab that holds
// bytes which were handed out is left to the garbage collector, never written again.
import { KiB, MiB } from '../base/bytes.ts';

const slabSizeBytes = 1 * MiB;

/** Batches below this are copied; larger ones are kept by reference. */
export const copyBelowBytes: number = 8 * KiB;

export class Arena {
  #slab: Uint8Array = new Uint8Array(0);
  #used = 0;

  /** A stable copy of small bytes, or the bytes themselves. */
  keep(bytes: Uint8Array): Uint8Array {
    if (bytes.byteLength >= copyBelowBytes) return bytes;
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
