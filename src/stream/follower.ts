// Every batch from an offset on, and then whatever comes: a hand-written iterator, so that leaving the loop, or
// calling return() while a next() waits, frees it at once.
import { checkCallOptions } from '../model/check-options.ts';
import { invalidArgument, isQanatError } from '../model/errors.ts';
import type { RecordBatch } from '../model/record-batch.ts';
import { checkOffset } from './check-arguments.ts';
import type { CallOptions, ReadOptions, ReadResult } from './stream.ts';

/** What a follower stands on. */
export interface Followed {
  readonly startOffset: number;
  readonly endOffset: number;
  read(from: number, options: ReadOptions): Promise<ReadResult>;
  whenBeyond(offset: number, options: CallOptions): Promise<number>;
}

export class Follower implements AsyncIterableIterator<RecordBatch> {
  readonly #followed: Followed;
  readonly #options: CallOptions;
  readonly #left = new AbortController();
  readonly #from: number | 'start' | 'end';
  #position: number | undefined;
  #batches: readonly RecordBatch[] = [];
  #taken = 0;
  #done = false;
  #last: Promise<unknown> = Promise.resolve();

  constructor(followed: Followed, from: number | 'start' | 'end', options: CallOptions) {
    this.#followed = followed;
    this.#from = from;
    this.#options = options;
    if (from === 'end') this.#position = followed.endOffset; // Fixed at the call, not at the first step.
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Steps are taken one after the other, however they are called. */
  next(): Promise<IteratorResult<RecordBatch, undefined>> {
    const step = this.#last.then(() => this.#step());
    this.#last = step.catch(() => {});
    return step;
  }

  async return(): Promise<IteratorResult<RecordBatch, undefined>> {
    this.#finish();
    return { done: true, value: undefined };
  }

  async #step(): Promise<IteratorResult<RecordBatch, undefined>> {
    if (this.#done) return { done: true, value: undefined };
    try {
      checkCallOptions(this.#options);
      this.#options.signal?.throwIfAborted();
      while (this.#taken >= this.#batches.length) await this.#fill();
      const value = this.#batches[this.#taken++] as RecordBatch;
      return { done: false, value };
    } catch (cause) {
      const left = this.#done;
      this.#finish();
      if (left || isOver(cause)) return { done: true, value: undefined };
      throw cause;
    }
  }

  async #fill(): Promise<void> {
    this.#position ??= this.#startingPoint();
    const caller = this.#options.signal;
    const onAbort = (): void => this.#left.abort(caller?.reason);
    caller?.addEventListener('abort', onAbort, { once: true });
    try {
      const { signal } = this.#left;
      let result = await this.#followed.read(this.#position, { signal });
      if (result.batches.length === 0) {
        await this.#followed.whenBeyond(this.#position, { signal });
        result = await this.#followed.read(this.#position, { signal });
      }
      this.#batches = result.batches;
      this.#taken = 0;
      this.#position = result.nextOffset;
    } finally {
      caller?.removeEventListener('abort', onAbort);
    }
  }

  #startingPoint(): number {
    if (this.#from === 'start') return this.#followed.startOffset;
    if (typeof this.#from === 'string')
      throw invalidArgument(`follow starts at an offset, 'start' or 'end'; got '${this.#from}'`);
    return checkOffset(this.#from, 'an offset');
  }

  #finish(): void {
    this.#done = true;
    this.#batches = [];
    this.#taken = 0;
    this.#left.abort(new Error('the follower has left'));
  }
}

/** Whether an error means that there is nothing more to follow, as opposed to something wrong. */
function isOver(cause: unknown): boolean {
  return (
    isQanatError(cause, 'STREAM_CLOSED') || isQanatError(cause, 'STREAM_NOT_FOUND') || isQanatError(cause, 'CLOSED')
  );
}
