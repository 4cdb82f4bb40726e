// Waiting for streams that other nodes write: whoever waits has the journal and the owners' WALs looked at, and is
// woken when the stream has grown. Nobody waits, nothing is asked.
import type { Runtime, Timer } from '../base/runtime.ts';
import { emit, type Observer } from '../model/events.ts';
import type { StreamId } from '../model/ids.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { CatalogChange } from '../catalog/change.ts';
import { OffsetWaiters } from '../stream/offset-waiters.ts';

/** Looks for what others did at an interval, while anybody is interested. */
export class CatalogPoller {
  readonly #look: () => Promise<void>;
  readonly #runtime: Runtime;
  readonly #observer: Observer;
  readonly #intervalMs: number;
  #interested = 0;
  #timer: Timer | undefined;
  #refreshing = false;
  #refreshedAt = -Infinity;
  #stopped = false;

  /** `look` reads what is new in the journal, and in what others have stored. */
  constructor(look: () => Promise<void>, runtime: Runtime, observer: Observer, intervalMs: number) {
    this.#look = look;
    this.#runtime = runtime;
    this.#observer = observer;
    this.#intervalMs = intervalMs;
  }

  /** Somebody waits for changes of others, until the returned function is called. */
  hold(): () => void {
    this.#interested += 1;
    this.#schedule();
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#interested -= 1;
      if (this.#interested === 0) this.#cancel();
    };
  }

  /** Looks now, in the background, unless that was done within the interval. */
  poke(): void {
    const dueMs = this.#refreshedAt + this.#intervalMs - this.#runtime.clock.monotonic();
    if (this.#refreshing || this.#stopped || this.#timer !== undefined || dueMs > 0) return;
    void this.#refresh();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel();
  }

  /** An interval after the last time, whoever came and went meanwhile: one timer, or one refresh, at a time. */
  #schedule(): void {
    if (this.#timer !== undefined || this.#refreshing || this.#stopped || this.#interested === 0) return;
    const dueMs = this.#refreshedAt + this.#intervalMs - this.#runtime.clock.monotonic();
    this.#timer = this.#runtime.timers.after(Math.max(0, dueMs), () => void this.#refresh());
  }

  async #refresh(): Promise<void> {
    this.#timer = undefined;
    this.#refreshing = true;
    this.#refreshedAt = this.#runtime.clock.monotonic();
    try {
      await this.#look();
    } catch (cause) {
      if (!this.#stopped) emit(this.#observer, 'backgroundFailed', { work: 'catalog refresh', cause });
    } finally {
      this.#refreshing = false;
      this.#schedule();
    }
  }

  #cancel(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}

/** Who waits for which stream's registered end. */
export class RegisteredEnds {
  readonly #catalog: Catalog;
  readonly #poller: CatalogPoller;
  readonly #waiters = new Map<StreamId, OffsetWaiters>();
  readonly #unsubscribe: () => void;

  constructor(catalog: Catalog, poller: CatalogPoller) {
    this.#catalog = catalog;
    this.#poller = poller;
    this.#unsubscribe = catalog.subscribe((change) => this.#onChange(change));
  }

  /** Resolves when it is worth looking at the stream again; the returned function gives up waiting. */
  wait(id: StreamId, offset: number, resolve: () => void, reject: (cause: unknown) => void): () => void {
    const waiters = this.#waiters.get(id) ?? new OffsetWaiters();
    this.#waiters.set(id, waiters);
    const release = this.#poller.hold();
    const remove = waiters.add(offset, resolve, reject);
    return () => {
      remove();
      release();
      if (waiters.count === 0 && this.#waiters.get(id) === waiters) this.#waiters.delete(id);
    };
  }

  /** Makes those who wait for less than `endOffset` look again; all of them where the stream has a writer here now. */
  wake(id: StreamId, endOffset: number = Infinity): void {
    this.#waiters.get(id)?.wake(endOffset);
  }

  /** Ends all waiting with `error`. */
  fail(error: Error): void {
    for (const waiters of [...this.#waiters.values()]) waiters.fail(error);
  }

  close(): void {
    this.#unsubscribe();
  }

  /** Opening, closing and deleting also make readers look again: the tail may be here now, or the stream gone. */
  #onChange(change: CatalogChange): void {
    if (change.of === 'stream') {
      const waiters = this.#waiters.get(change.stream);
      if (waiters === undefined) return;
      const moved = change.what === 'opened' || change.what === 'deleted';
      waiters.wake(moved ? Infinity : (this.#catalog.state.stream(change.stream)?.endOffset ?? Infinity));
    } else if (change.of === 'catalog') {
      for (const waiters of [...this.#waiters.values()]) waiters.wake(Infinity);
    }
  }
}
