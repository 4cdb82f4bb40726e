// Stable copies of what callers append. A caller may write to its buffer again as soon as its append is settled, so the
// cache never keeps the caller's bytes; and a batch of a hundred bytes must not pin the buffer it came in, so small
// ones share slabs. Bytes that were handed out are never written again: a slab is left to the garbage collector.
import { KiB, MiB } from '../base/bytes.ts';

const slabSizeBytes = 1 * MiB;

/** Batches below this share slabs; larger ones have memory of their own. */
export const slabBelowBytes: number = 64 * KiB;

export class Arena {
  #slab: Uint8Array = new Uint8Array(0);
  #used = 0;

  /** A copy that nobody else can write to. */
  keep(bytes: Uint8Array): Uint8Array {
    if (bytes.byteLength >= slabBelowBytes) return new Uint8Array(bytes);
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
