// Those who wait for a stream's end to pass an offset. Waking is one pass over those who are due.

interface Waiter {
  readonly offset: number;
  readonly resolve: (endOffset: number) => void;
  readonly reject: (cause: unknown) => void;
}

export class OffsetWaiters {
  readonly #waiters = new Set<Waiter>();

  get count(): number {
    return this.#waiters.size;
  }

  /** Registers a waiter; the function returned takes it back. */
  add(offset: number, resolve: (endOffset: number) => void, reject: (cause: unknown) => void): () => void {
    const waiter = { offset, resolve, reject };
    this.#waiters.add(waiter);
    return () => this.#waiters.delete(waiter);
  }

  /** Resolves all who wait for something below `endOffset`. */
  wake(endOffset: number): void {
    for (const waiter of this.#waiters) {
      if (waiter.offset >= endOffset) continue;
      this.#waiters.delete(waiter);
      waiter.resolve(endOffset);
    }
  }

  /** Rejects all. */
  fail(cause: unknown): void {
    for (const { reject } of this.#waiters) reject(cause);
    this.#waiters.clear();
  }
}
