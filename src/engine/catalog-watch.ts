// watch(): what changed in streams, nodes and kv, in order. A watcher that does not keep up is told 'reloaded' in place
// of what it missed, so that its memory stays bounded.
import type { Catalog } from '../catalog/catalog.ts';
import type { CatalogChange } from '../catalog/change.ts';

const waitingMax = 10_000;

export class CatalogWatch implements AsyncIterableIterator<CatalogChange> {
  #waiting: CatalogChange[] = [];
  #wake: (() => void) | undefined;
  #ended: { readonly error?: unknown } | undefined;
  #last: Promise<unknown> = Promise.resolve();
  readonly #free: () => void;

  constructor(
    catalog: Catalog,
    hold: () => () => void,
    signal: AbortSignal | undefined,
    onFree: (watch: CatalogWatch) => void,
  ) {
    const release = hold();
    const unsubscribe = catalog.subscribe((change) => this.#take(change));
    const onAbort = (): void => {
      this.#waiting = [];
      this.end(signal?.reason);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    this.#free = () => {
      signal?.removeEventListener('abort', onAbort);
      unsubscribe();
      release();
      onFree(this);
    };
    if (signal?.aborted) onAbort();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Steps are taken one after the other, however they are called. */
  next(): Promise<IteratorResult<CatalogChange, undefined>> {
    const step = this.#last.then(() => this.#step());
    this.#last = step.catch(() => {});
    return step;
  }

  async return(): Promise<IteratorResult<CatalogChange, undefined>> {
    this.#waiting = [];
    this.end();
    this.#ended = {};
    return { done: true, value: undefined };
  }

  /** No more changes: the set has closed, or ended with `error`. What waits is still given. */
  end(error?: unknown): void {
    if (this.#ended !== undefined) return;
    this.#ended = error === undefined ? {} : { error };
    this.#free();
    this.#wake?.();
  }

  async #step(): Promise<IteratorResult<CatalogChange, undefined>> {
    while (this.#waiting.length === 0 && this.#ended === undefined)
      await new Promise<void>((resolve) => (this.#wake = resolve));
    const value = this.#waiting.shift();
    if (value !== undefined) return { done: false, value };
    if (this.#ended?.error === undefined) return { done: true, value: undefined };
    const { error } = this.#ended;
    this.#ended = {};
    throw error;
  }

  #take(change: CatalogChange): void {
    if (this.#waiting.length >= waitingMax) this.#waiting = [{ index: change.index, of: 'catalog', what: 'reloaded' }];
    else this.#waiting.push(change);
    this.#wake?.();
  }
}
