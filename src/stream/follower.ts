// Every batch from an offset on, and then whatever comes: a hand-written iterator, so that leaving the loop, or
// calling return() while a next() waits, frees it at once.
//
// - Steps are answered in the order of the calls, one batch each.
// - What is in memory is given at once, with no promise but the one that next() returns. Waiting is one object that can
//   be taken back, so ten thousand followers are woken in one pass.
// - After the first failure, and after the end, every step says that it is over.
import { Fifo } from '../base/fifo.ts';
import { checkCallOptions } from '../model/check-options.ts';
import { invalidArgument, isQanatError } from '../model/errors.ts';
import type { RecordBatch } from '../model/record-batch.ts';
import { checkOffset } from './check-arguments.ts';
import type { EndListener, EndWait } from './end-wait.ts';
import { freshCursor, type ReadCursor } from './reading.ts';
import type { CallOptions, ReadResult } from './stream.ts';

/** What followers of one reader stand on; each has a cursor of its own. */
export interface Followed {
  startOffset(): number;
  endOffset(): number;
  /**
   * What is in memory, at once; undefined if the answer takes time. Throws what `read` rejects with. Who was woken need
   * not let the event loop turn first.
   */
  readNow(cursor: ReadCursor, from: number, isWoken: boolean): ReadResult | undefined;
  read(cursor: ReadCursor, from: number): Promise<ReadResult>;
  waitBeyond(offset: number, listener: EndListener): EndWait;
}

type StepResult = IteratorResult<RecordBatch, undefined>;

interface Step {
  readonly resolve: (result: StepResult) => void;
  readonly reject: (cause: unknown) => void;
}

const over: StepResult = Object.freeze({ done: true, value: undefined });

const noBatches: readonly RecordBatch[] = [];

export class Follower implements AsyncIterableIterator<RecordBatch>, EndListener {
  readonly #followed: Followed;
  readonly #cursor: ReadCursor = freshCursor();
  readonly #from: number | 'start' | 'end';
  readonly #signal: AbortSignal | undefined;
  /** What was wrong with the options; the first step says so. */
  readonly #refusal: unknown;
  #position: number | undefined;
  #batches: readonly RecordBatch[] = noBatches;
  #taken = 0;
  #done = false;
  /** The step that waits, and those after it. While there is one, a read or a wait is under way for it. */
  #step: Step | undefined;
  #later: Fifo<Step> | undefined;
  #wait: EndWait | undefined;
  #onAbort: (() => void) | undefined;

  constructor(followed: Followed, from: number | 'start' | 'end', options: CallOptions) {
    this.#followed = followed;
    this.#from = from;
    try {
      checkCallOptions(options);
      this.#signal = options.signal;
    } catch (refused) {
      this.#refusal = refused;
    }
    if (from === 'end') this.#position = followed.endOffset(); // Fixed at the call, not at the first step.
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<StepResult> {
    if (this.#done) return Promise.resolve(over);
    if (this.#step === undefined && this.#taken < this.#batches.length && this.#signal?.aborted !== true)
      return Promise.resolve({ done: false, value: this.#batches[this.#taken++] as RecordBatch });
    return new Promise((resolve, reject) => {
      const step = { resolve, reject };
      if (this.#step === undefined) {
        this.#step = step;
        this.#goOn(false);
      } else {
        this.#later ??= new Fifo();
        this.#later.push(step);
      }
    });
  }

  return(): Promise<StepResult> {
    this.#finish();
    return Promise.resolve(over);
  }

  /** EndListener: there is more to read. */
  beyond(): void {
    this.#settled();
    this.#goOn(true);
  }

  /** EndListener: there will be no more. Also for a read that fails. */
  failed(cause: unknown): void {
    this.#settled();
    this.#fail(cause);
  }

  /** Answers the steps that wait, as far as memory goes; then waits for more. */
  #goOn(isWoken: boolean): void {
    try {
      if (this.#refusal !== undefined) throw this.#refusal;
      while (this.#step !== undefined) {
        this.#signal?.throwIfAborted();
        if (this.#taken === this.#batches.length && !this.#fill(isWoken)) return;
        const { resolve } = this.#step;
        this.#step = this.#later?.shift();
        resolve({ done: false, value: this.#batches[this.#taken++] as RecordBatch });
      }
    } catch (cause) {
      this.#fail(cause);
    }
  }

  /** Takes what is in memory. False if it has to wait, and then it does. */
  #fill(isWoken: boolean): boolean {
    this.#position ??= this.#startingPoint();
    const position = this.#position;
    const result = this.#followed.readNow(this.#cursor, position, isWoken);
    if (result !== undefined && result.batches.length > 0) {
      this.#take(result);
      return true;
    }
    if (this.#signal !== undefined) {
      this.#onAbort = () => this.#fail(this.#signal?.reason);
      this.#signal.addEventListener('abort', this.#onAbort, { once: true });
    }
    if (result === undefined) void this.#read(position);
    else {
      const wait = this.#followed.waitBeyond(position, this);
      if (wait.isWaiting) this.#wait = wait;
    }
    return false;
  }

  #take({ batches, nextOffset }: ReadResult): void {
    this.#batches = batches;
    this.#taken = 0;
    this.#position = nextOffset;
  }

  /** A read cannot be taken back: who leaves meanwhile does not look at what it gives. */
  async #read(position: number): Promise<void> {
    try {
      const result = await this.#followed.read(this.#cursor, position);
      if (this.#done) return;
      this.#settled();
      this.#take(result);
    } catch (cause) {
      if (!this.#done) this.failed(cause);
      return;
    }
    this.#goOn(false);
  }

  /** Nothing is under way any more. */
  #settled(): void {
    this.#wait = undefined;
    if (this.#onAbort !== undefined) this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#onAbort = undefined;
  }

  #startingPoint(): number {
    if (this.#from === 'start') return this.#followed.startOffset();
    if (typeof this.#from === 'string')
      throw invalidArgument(`follow starts at an offset, 'start' or 'end'; got '${this.#from}'`);
    return checkOffset(this.#from, 'an offset');
  }

  /** The first step that waits is told; those after it, that it is over. */
  #fail(cause: unknown): void {
    if (!isOver(cause)) {
      this.#step?.reject(cause);
      this.#step = this.#later?.shift();
    }
    this.#finish();
  }

  #finish(): void {
    this.#done = true;
    this.#batches = noBatches;
    this.#taken = 0;
    this.#wait?.end();
    this.#settled();
    for (; this.#step !== undefined; this.#step = this.#later?.shift()) this.#step.resolve(over);
  }
}

/** Whether an error means that there is nothing more to follow, as opposed to something wrong. */
function isOver(cause: unknown): boolean {
  return (
    isQanatError(cause, 'STREAM_CLOSED') || isQanatError(cause, 'STREAM_NOT_FOUND') || isQanatError(cause, 'CLOSED')
  );
}
