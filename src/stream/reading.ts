// One read on its way: what it has taken, and how far it may go. It takes batches from the tail and from blocks, and at
// every seam it checks that the next batch continues the last one (I3).
import { assert } from '../base/assert.ts';
import type { Block } from '../format/block.ts';
import type { StreamId, StreamRef } from '../model/ids.ts';
import type { OffsetRange } from '../model/offset-range.ts';
import type { RecordBatch } from '../model/record-batch.ts';
import { freshReader, type ReadAheadState } from '../cache/read-ahead.ts';
import type { StreamTail } from '../cache/tail-cache.ts';
import type { ReadStop } from './stream.ts';

/** A stream as it is read: where it begins and ends now, and the tail if it is ours. */
export interface ReadTarget {
  readonly id: StreamId;
  readonly ref: StreamRef;
  /** The tail, while this set owns the stream. */
  tail(): StreamTail | undefined;
  /** The readable range now; throws if the stream is gone or the handle closed. */
  bounds(): OffsetRange;
}

/** A block of an object and the part of it that counts. */
export interface LocatedBlock {
  readonly block: Block;
  /** End of what the object holds of the stream. */
  readonly partEndOffset: number;
}

/** A reader's memory: how far to read ahead, how far it has been done, and from where on to look again. */
export interface ReadCursor {
  ahead: ReadAheadState;
  prefetchedTo: number;
  lookAgainAt: number;
}

/** Before the first read. */
export function freshCursor(): ReadCursor {
  return { ahead: freshReader, prefetchedTo: 0, lookAgainAt: 0 };
}

export class Reading {
  readonly target: ReadTarget;
  readonly cursor: ReadCursor;
  readonly from: number;
  readonly startOffset: number;
  readonly endOffset: number;
  readonly batches: RecordBatch[] = [];
  nextOffset: number;
  sizeBytes = 0;
  stopped: ReadStop | undefined;
  /** It had to wait for the store. */
  waited = false;
  /** Something that had been fetched ahead for it was gone. */
  evicted = false;
  /** Not everything came from the tail. */
  usedObjects = false;
  readonly #to: number;
  readonly #maxBytes: number;
  /** The tail as it was at the call: what it held then is readable to the end, whatever becomes of the stream. */
  readonly #tail: StreamTail | undefined;

  constructor(target: ReadTarget, cursor: ReadCursor, range: OffsetRange, from: number, to: number, maxBytes: number) {
    this.target = target;
    this.cursor = cursor;
    this.from = from;
    this.nextOffset = from;
    this.startOffset = range.startOffset;
    this.endOffset = range.endOffset;
    this.#to = to;
    this.#maxBytes = maxBytes;
    this.#tail = target.tail();
  }

  get isComplete(): boolean {
    return this.stopped !== undefined || this.nextOffset >= this.#to;
  }

  /** The next batch is not in memory. */
  missed(wasFetchedAhead: boolean): void {
    this.waited = true;
    if (wasFetchedAhead) this.evicted = true;
  }

  /** Takes batches of the tail; false if it does not hold the next offset. */
  takeTail(): boolean {
    const tail = this.#tail;
    if (tail === undefined) return false;
    const first = tail.find(this.nextOffset);
    if (first < 0) return false;
    for (let index = first; ; index++) {
      const batch = tail.batch(index);
      if (batch === undefined || !this.#take(batch)) return true;
    }
  }

  /** Takes batches of the block that holds the next offset. */
  takeBlock({ block, partEndOffset }: LocatedBlock): void {
    this.usedObjects = true;
    for (let index = block.find(this.nextOffset); index < block.batchCount; index++) {
      const batch = block.batch(index);
      if (batch.startOffset >= partEndOffset || !this.#take(batch)) return;
    }
  }

  /** Takes a batch; false if no more are wanted. */
  #take(batch: RecordBatch): boolean {
    const isFirst = this.batches.length === 0;
    const { startOffset, endOffset } = batch;
    const { byteLength } = batch.bytes;
    if (!isFirst && this.sizeBytes + byteLength > this.#maxBytes) {
      this.stopped = 'max-bytes';
      return false;
    }
    const continues = isFirst
      ? startOffset <= this.nextOffset && this.nextOffset < endOffset
      : startOffset === this.nextOffset;
    if (!continues) this.#throwGap(batch);
    this.batches.push(batch);
    this.sizeBytes += byteLength;
    this.nextOffset = endOffset;
    return endOffset < this.#to;
  }

  #throwGap({ startOffset }: RecordBatch): never {
    assert(false, `stream ${this.target.id}: a batch at ${startOffset} does not continue ${this.nextOffset}`);
  }
}
