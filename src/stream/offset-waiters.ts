// Those who wait for a stream's end to pass an offset. Waking is one pass over those who wait, and none at all while
// nobody waits for so little. A waiter may wait again while it is woken: it is not met twice in one pass.

/** Somebody who waits until the end is beyond `offset`. One of the two is called, once. */
export interface Waiter {
  readonly offset: number;
  resolve(endOffset: number): void;
  reject(cause: unknown): void;
}

export class OffsetWaiters {
  readonly #waiters = new Set<Waiter>();
  /** Nobody waits for an offset below this one. */
  #lowestOffset = Infinity;

  get count(): number {
    return this.#waiters.size;
  }

  /** Registers a waiter; the function returned takes it back. */
  add(offset: number, resolve: (endOffset: number) => void, reject: (cause: unknown) => void): () => void {
    const waiter = { offset, resolve, reject };
    this.join(waiter);
    return () => this.leave(waiter);
  }

  /** Registers a waiter that is an object already. */
  join(waiter: Waiter): void {
    this.#waiters.add(waiter);
    if (waiter.offset < this.#lowestOffset) this.#lowestOffset = waiter.offset;
  }

  /** Takes a waiter back. */
  leave(waiter: Waiter): void {
    this.#waiters.delete(waiter);
  }

  /** Resolves all who wait for something below `endOffset`. */
  wake(endOffset: number): void {
    if (endOffset <= this.#lowestOffset || this.#waiters.size === 0) return;
    const due: Waiter[] = [];
    this.#lowestOffset = Infinity;
    for (const waiter of this.#waiters) {
      if (waiter.offset < endOffset) due.push(waiter);
      else if (waiter.offset < this.#lowestOffset) this.#lowestOffset = waiter.offset;
    }
    // Whoever gives up because of an earlier one is not called any more.
    for (const waiter of due) if (this.#waiters.delete(waiter)) waiter.resolve(endOffset);
  }

  /** Rejects all. */
  fail(cause: unknown): void {
    const failed = [...this.#waiters];
    this.#lowestOffset = Infinity;
    for (const waiter of failed) if (this.#waiters.delete(waiter)) waiter.reject(cause);
  }
}
