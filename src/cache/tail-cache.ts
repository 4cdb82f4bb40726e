// The newest batches of one open stream: what was appended by this set and is not evicted yet. Batches enter at the
// call of append, in order; readers see them up to the durable end only.
//
// Kept as columns, with no object per batch: views are made for readers when they ask.
import { assert } from '../base/assert.ts';
import type { RecordBatch } from '../model/record-batch.ts';

/** What a cached batch costs besides its bytes. */
const columnsSizeBytes = 48;

export class StreamTail {
  readonly streamEpoch: number;
  /** End of each batch; its start is the end of the one before. */
  #ends: number[] = [];
  #timestamps: number[] = [];
  #buffers: ArrayBufferLike[] = [];
  #positions: number[] = [];
  #lengths: number[] = [];
  /** Batches before this one were dropped. */
  #head = 0;
  #startOffset: number;
  #sizeBytes = 0;

  constructor(startOffset: number, streamEpoch: number) {
    this.#startOffset = startOffset;
    this.streamEpoch = streamEpoch;
  }

  /** First offset held. */
  get startOffset(): number {
    return this.#startOffset;
  }

  /** Offset after the last batch, durable or not. */
  get endOffset(): number {
    return this.#ends.length === 0 ? this.#startOffset : (this.#ends[this.#ends.length - 1] as number);
  }

  /** Memory held, overhead included. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Takes the next batch. The memory it costs. */
  add(count: number, timestamp: number | undefined, bytes: Uint8Array): number {
    this.#ends.push(this.endOffset + count);
    this.#timestamps.push(timestamp ?? Number.NaN);
    this.#buffers.push(bytes.buffer);
    this.#positions.push(bytes.byteOffset);
    this.#lengths.push(bytes.byteLength);
    this.#sizeBytes += bytes.byteLength + columnsSizeBytes;
    return bytes.byteLength + columnsSizeBytes;
  }

  /** Index of the batch that holds `offset`, for `batch`; valid until the next drop. -1 if it is not held. */
  find(offset: number): number {
    if (offset < this.#startOffset || offset >= this.endOffset) return -1;
    let low = this.#head;
    let high = this.#ends.length - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#ends[middle] as number) <= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The batch at an index of `find`, or one after it; undefined past the last. */
  batch(index: number): RecordBatch | undefined {
    if (index >= this.#ends.length) return undefined;
    assert(index >= this.#head, 'a batch that was dropped is not read');
    const startOffset = index === this.#head ? this.#startOffset : (this.#ends[index - 1] as number);
    const endOffset = this.#ends[index] as number;
    const timestamp = this.#timestamps[index] as number;
    const bytes = new Uint8Array(
      this.#buffers[index] as ArrayBuffer,
      this.#positions[index] as number,
      this.#lengths[index] as number,
    );
    const batch = { startOffset, endOffset, count: endOffset - startOffset, streamEpoch: this.streamEpoch, bytes };
    return Number.isNaN(timestamp) ? batch : { ...batch, timestamp };
  }

  /** Drops whole batches that end at or below `offset`. The bytes freed. */
  dropBelow(offset: number): number {
    const before = this.#sizeBytes;
    while (this.#head < this.#ends.length && (this.#ends[this.#head] as number) <= offset) this.#dropFirst();
    if (this.#head > 64 && this.#head * 2 > this.#ends.length) this.#compact();
    return before - this.#sizeBytes;
  }

  #dropFirst(): void {
    const index = this.#head;
    this.#startOffset = this.#ends[index] as number;
    this.#sizeBytes -= (this.#lengths[index] as number) + columnsSizeBytes;
    this.#buffers[index] = emptyBuffer;
    this.#head += 1;
  }

  #compact(): void {
    for (const column of [this.#ends, this.#timestamps, this.#positions, this.#lengths]) column.splice(0, this.#head);
    this.#buffers.splice(0, this.#head);
    this.#head = 0;
  }
}

const emptyBuffer = new ArrayBuffer(0);
