// What reaches a store through faulty connections: those over the same store know of each other's puts and deletes, so
// that a put can wait for a rival, land after a deletion, or be refused because its key was written a moment ago.
import type { ObjectStore } from '../index.ts';
import { perKeyMaxMs } from './check-fault-rules.ts';

/** What somebody can wait for. */
export type StoreLanding = 'stored' | 'deleted';

const traffics = new WeakMap<ObjectStore, StoreTraffic>();

export class StoreTraffic {
  readonly #waiting: Readonly<Record<StoreLanding, Map<string, Set<() => void>>>> = {
    stored: new Map(),
    deleted: new Map(),
  };
  /** When puts reached the store, the oldest first. */
  readonly #putsAtMs = new Map<string, number>();

  /** The one traffic of a store. */
  static of(store: ObjectStore): StoreTraffic {
    const known = traffics.get(store) ?? new StoreTraffic();
    traffics.set(store, known);
    return known;
  }

  /** Tells those who wait for it. */
  landed(what: StoreLanding, key: string): void {
    const waiting = this.#waiting[what].get(key);
    this.#waiting[what].delete(key);
    for (const wake of waiting ?? []) wake();
  }

  /** Calls `wake` once when this happens next; gives what takes that back. */
  next(what: StoreLanding, key: string, wake: () => void): () => void {
    const waiting = this.#waiting[what].get(key) ?? new Set();
    this.#waiting[what].set(key, waiting.add(wake));
    return () => {
      waiting.delete(wake);
      if (waiting.size === 0 && this.#waiting[what].get(key) === waiting) this.#waiting[what].delete(key);
    };
  }

  /** A put reaches the store. */
  putArrives(key: string, nowMs: number): void {
    this.#putsAtMs.delete(key);
    this.#putsAtMs.set(key, nowMs);
    for (const [old, atMs] of this.#putsAtMs) {
      if (atMs + perKeyMaxMs > nowMs) break;
      this.#putsAtMs.delete(old);
    }
  }

  /** When a put of the key reached the store, if that was not long ago. */
  lastPutAtMs(key: string): number {
    return this.#putsAtMs.get(key) ?? -Infinity;
  }
}
