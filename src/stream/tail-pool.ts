// The memory of all tails of a set. Batches that are registered may go when the pool is too large: they can be read
// from objects.
import type { OpenStream } from './open-stream.ts';

export class TailPool {
  /** Streams with cached batches, those that were written to longest ago first. */
  readonly #warm = new Set<OpenStream>();
  #sizeBytes = 0;

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** A stream's tail has grown. */
  add(stream: OpenStream, sizeBytes: number): void {
    this.#sizeBytes += sizeBytes;
    this.#warm.add(stream);
  }

  /** A stream is given up: its tail goes with it. */
  remove(stream: OpenStream): void {
    if (this.#warm.delete(stream)) this.#sizeBytes -= stream.tail.sizeBytes;
  }

  /** Drops registered batches, stream by stream, until the pool is within `sizeMaxBytes` or nothing more may go. */
  evict(sizeMaxBytes: number, registeredEnd: (stream: OpenStream) => number): void {
    // Over a copy: a stream that stays is added again, and would be met again for ever.
    for (const stream of [...this.#warm]) {
      if (this.#sizeBytes <= sizeMaxBytes) return;
      this.#sizeBytes -= stream.tail.dropBelow(registeredEnd(stream));
      this.#warm.delete(stream);
      if (stream.tail.sizeBytes > 0) this.#warm.add(stream); // Now among the last to be looked at.
    }
  }
}
