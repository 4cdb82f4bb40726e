// The memory that uploads encode objects into: one buffer, used again and again, so that an upload neither waits for
// fresh memory nor leaves any to the garbage collector. Whoever needs it while it is in use waits (I9).
//
// A store may read a body until its put has settled and every attempt that it started has ended. So a buffer is used
// again only after answers that say so; after any other it is left to the garbage collector, which knows who reads it.
import { assert } from '../base/assert.ts';
import { MiB } from '../base/bytes.ts';
import { Limiter } from '../base/limiter.ts';
import { allocateBytes } from '../format/numbers.ts';
import { segmentSizeMaxBytes } from '../model/limits.ts';

/** Buffers are multiples of this, so that neighbours in size share one. */
const granuleBytes: number = 1 * MiB;

/** A buffer while it is lent. */
export interface LentBuffer {
  readonly bytes: Uint8Array;
  /** Somebody may go on reading it, for who knows how long: it is not used again. */
  abandon(): void;
}

export class UploadBuffers {
  readonly sizeMaxBytes: number;
  readonly #turns = new Limiter(1);
  #kept: Uint8Array = noBytes;

  constructor(sizeMaxBytes: number) {
    assert(sizeMaxBytes >= segmentSizeMaxBytes, 'any batch fits the buffer of an upload');
    this.sizeMaxBytes = sizeMaxBytes;
  }

  /** Lends a buffer of at least `sizeBytes`, or of the largest size there is, for as long as `use` takes. */
  async use<T>(sizeBytes: number, use: (buffer: LentBuffer) => Promise<T>): Promise<T> {
    return this.#turns.run(async () => {
      const wantedBytes = Math.min(Math.ceil(sizeBytes / granuleBytes) * granuleBytes, this.sizeMaxBytes);
      if (this.#kept.byteLength < wantedBytes) {
        this.#kept = noBytes; // The smaller one may go before the larger one comes.
        this.#kept = allocateBytes(wantedBytes);
      }
      const abandon = (): void => void (this.#kept = noBytes);
      return use({ bytes: this.#kept, abandon });
    });
  }
}

const noBytes = new Uint8Array(0);
