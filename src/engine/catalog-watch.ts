// watch(): what changed in streams, nodes and kv, in order. A watcher that does not keep up is told 'reloaded' in place
// of what it missed, so that its memory stays bounded.
import { abortable } from '../base/abort.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { CatalogChange } from '../catalog/change.ts';

const waitingMax = 10_000;

export class CatalogWatch implements AsyncIterableIterator<CatalogChange> {
  #waiting: CatalogChange[] = [];
  #wake: (() => void) | undefined;
  #ended: { readonly error?: Error } | undefined;
  readonly #signal: AbortSignal | undefined;
  readonly #free: () => void;

  constructor(
    catalog: Catalog,
    hold: () => () => void,
    signal: AbortSignal | undefined,
    onFree: (watch: CatalogWatch) => void,
  ) {
    this.#signal = signal;
    const release = hold();
    const unsubscribe = catalog.subscribe((change) => this.#take(change));
    this.#free = () => {
      unsubscribe();
      release();
      onFree(this);
    };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<CatalogChange, undefined>> {
    try {
      while (this.#waiting.length === 0 && this.#ended === undefined)
        await abortable<void>((resolve) => {
          this.#wake = resolve;
          return () => (this.#wake = undefined);
        }, this.#signal);
    } catch (cause) {
      this.end();
      throw cause;
    }
    const value = this.#waiting.shift();
    if (value !== undefined) return { done: false, value };
    if (this.#ended?.error !== undefined) {
      const { error } = this.#ended;
      this.#ended = {};
      throw error;
    }
    return { done: true, value: undefined };
  }

  async return(): Promise<IteratorResult<CatalogChange, undefined>> {
    this.#waiting = [];
    this.end();
    return { done: true, value: undefined };
  }

  /** No more changes: the set has closed, or ended with `error`. What waits is still given. */
  end(error?: Error): void {
    if (this.#ended !== undefined) return;
    this.#ended = error === undefined ? {} : { error };
    this.#free();
    this.#wake?.();
  }

  #take(change: CatalogChange): void {
    if (this.#waiting.length >= waitingMax) this.#waiting = [{ index: change.index, of: 'catalog', what: 'reloaded' }];
    else this.#waiting.push(change);
    this.#wake?.();
  }
}
