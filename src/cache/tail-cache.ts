// The newest batches of one open stream: what was appended by this set and is not evicted yet. Batches enter at the
// call of append, in order; readers see them up to the durable end only. What they are made of lies in the pool of all
// tails, which drops the oldest ones; a tail knows where its own are.
import { assert } from '../base/assert.ts';
import type { RecordBatch } from '../model/record-batch.ts';
import type { BatchOwner, TailPool } from './tail-pool.ts';

export class StreamTail implements BatchOwner {
  readonly streamEpoch: number;
  readonly #pool: TailPool;
  /** The batches, by their numbers in the pool, from #head on. */
  #numbers: number[] = [];
  #head = 0;
  #startOffset: number;
  #endOffset: number;

  constructor(startOffset: number, streamEpoch: number, pool: TailPool) {
    this.#startOffset = startOffset;
    this.#endOffset = startOffset;
    this.streamEpoch = streamEpoch;
    this.#pool = pool;
  }

  /** First offset held. */
  get startOffset(): number {
    return this.#startOffset;
  }

  /** Offset after the last batch, durable or not. */
  get endOffset(): number {
    return this.#endOffset;
  }

  /**
   * Takes a copy of the next batch. The copy, for the WAL: it stays as it is until the batch is released, which is
   * after the WAL has reported it.
   */
  add(count: number, timestamp: number | undefined, bytes: Uint8Array): Uint8Array {
    const endOffset = this.#endOffset + count;
    const number = this.#pool.add(this, endOffset, timestamp, bytes);
    this.#endOffset = endOffset; // Only now: where there is no memory for a batch, no offsets are lost with it.
    this.#numbers.push(number);
    return this.#pool.peek(number);
  }

  /** Index of the batch that holds `offset`, for `batch`; valid until the next drop. -1 if it is not held. */
  find(offset: number): number {
    if (offset < this.#startOffset || offset >= this.#endOffset) return -1;
    let low = this.#head;
    let high = this.#numbers.length - 1;
    // Batches of one size are found at once: probes lie far apart in memory, and each may cost a miss of its caches.
    const share = (offset - this.#startOffset) / (this.#endOffset - this.#startOffset);
    const guess = Math.min(high, low + Math.floor(share * (high - low + 1)));
    if (offset >= this.#endAt(guess)) low = guess + 1;
    else if (guess === low || offset >= this.#endAt(guess - 1)) return guess;
    else high = guess - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#endAt(middle) <= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #endAt(index: number): number {
    return this.#pool.endOffset(this.#numbers[index] as number);
  }

  /** The batch at an index of `find`, or one after it; undefined past the last. Its bytes are the reader's for ever. */
  batch(index: number): RecordBatch | undefined {
    return this.#batch(index, true);
  }

  /** The same for who is done with its bytes before it is released: an upload. */
  peek(index: number): RecordBatch | undefined {
    return this.#batch(index, false);
  }

  #batch(index: number, isLent: boolean): RecordBatch | undefined {
    const number = this.#numbers[index];
    if (number === undefined) return undefined;
    assert(index >= this.#head, 'a batch that was dropped is not read');
    const pool = this.#pool;
    const startOffset = index === this.#head ? this.#startOffset : pool.endOffset(this.#numbers[index - 1] as number);
    const endOffset = pool.endOffset(number);
    const timestamp = pool.timestamp(number);
    const bytes = isLent ? pool.lend(number) : pool.peek(number);
    const batch = { startOffset, endOffset, count: endOffset - startOffset, streamEpoch: this.streamEpoch, bytes };
    return timestamp === undefined ? batch : { ...batch, timestamp };
  }

  /** The pool drops the oldest batch. */
  dropFirst(): void {
    this.#startOffset = this.#pool.endOffset(this.#numbers[this.#head] as number);
    this.#head += 1;
    if (this.#head === this.#numbers.length) {
      this.#numbers = [];
      this.#head = 0;
    } else if (this.#head >= 64 && this.#head * 2 >= this.#numbers.length) {
      this.#numbers.splice(0, this.#head);
      this.#head = 0;
    }
  }
}
