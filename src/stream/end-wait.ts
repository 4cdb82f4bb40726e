// One wait for the end of a stream to pass an offset, as one object: one stream may have ten thousand. Where this
// set owns the stream, whoever waits is told from within the report that makes a batch durable.
import type { OffsetRange } from '../model/offset-range.ts';
import type { OffsetWaiters, Waiter } from './offset-waiters.ts';

/** Who waits. One of the two is called, once, perhaps before the wait has been handed over. */
export interface EndListener {
  beyond(endOffset: number): void;
  failed(cause: unknown): void;
}

/** A reader whose end is waited for. */
export interface EndSource {
  /** The readable range now; throws if nothing is readable any more. */
  bounds(): OffsetRange;
  /** Why nothing new will come, if so. */
  ending(): Error | undefined;
  /** Those who wait for the durable end, while this set owns the stream. */
  waiters(): OffsetWaiters | undefined;
  /** Waits until it is worth looking again, for a stream of somebody else. */
  waitForRegistered(offset: number, resolve: () => void, reject: (cause: unknown) => void): () => void;
  /** Every wait, to be told when the reader is closed. */
  readonly waits: Set<EndWait>;
}

export class EndWait implements Waiter {
  readonly offset: number;
  readonly #source: EndSource;
  readonly #listener: EndListener;
  #isOver = false;
  #waiters: OffsetWaiters | undefined;
  #stop: (() => void) | undefined;

  /** Begins to wait. */
  constructor(source: EndSource, offset: number, listener: EndListener) {
    this.#source = source;
    this.offset = offset;
    this.#listener = listener;
    source.waits.add(this);
    this.#look();
  }

  get isWaiting(): boolean {
    return !this.#isOver;
  }

  /** Gives up. Whether it was still waiting. */
  end(): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    this.#source.waits.delete(this);
    this.#leave();
    return true;
  }

  /** Waiter: the end has moved. Infinity means that the stream changes hands: it is looked at when that is complete. */
  resolve(endOffset: number): void {
    this.#leave();
    if (endOffset === Infinity) queueMicrotask(() => this.#look());
    else this.#look();
  }

  /** Waiter: it will not move any more. */
  reject(cause: unknown): void {
    if (this.end()) this.#listener.failed(cause);
  }

  #look(): void {
    if (this.#isOver) return;
    const source = this.#source;
    try {
      const { endOffset } = source.bounds();
      if (endOffset > this.offset) {
        this.end();
        this.#listener.beyond(endOffset);
        return;
      }
      const ending = source.ending();
      if (ending !== undefined) throw ending;
      this.#waiters = source.waiters();
      if (this.#waiters !== undefined) this.#waiters.join(this);
      else
        this.#stop = source.waitForRegistered(
          this.offset,
          () => this.resolve(Infinity),
          (cause) => this.reject(cause),
        );
    } catch (cause) {
      this.reject(cause);
    }
  }

  #leave(): void {
    this.#waiters?.leave(this);
    this.#waiters = undefined;
    this.#stop?.();
    this.#stop = undefined;
  }
}
