// Tries get, list and delete again when the store was unavailable, with growing, jittered pauses, until a deadline.
//
// A put passes once, as it is: what became of one whose answer was lost only its caller can find out, and a second
// try would hide it. The deadline decides whether another try begins; it does not cut one off. That is for the
// signal, which every try and every pause honours.
import { sleep } from '../base/abort.ts';
import { backoffDelayMs, type BackoffRange } from '../base/backoff.ts';
import type { Runtime } from '../base/runtime.ts';
import { invalidArgument, isQanatError } from '../model/errors.ts';
import type {
  DeleteResult,
  GetOptions,
  GetResult,
  ListOptions,
  ListResult,
  ObjectStore,
  PutOptions,
  PutResult,
  StoreRequestOptions,
} from './object-store.ts';

/** How long to try, and how to wait between tries. */
export interface RetryingObjectStoreOptions {
  readonly runtime: Runtime;
  /** No try begins later than this after the call. */
  readonly deadlineMs: number;
  /** Bounds of the pauses; 50 ms growing to 5 s unless given. */
  readonly backoff?: BackoffRange | undefined;
}

/** An object store that tries again what can be tried again safely. */
export class RetryingObjectStore implements ObjectStore {
  readonly #store: ObjectStore;
  readonly #runtime: Runtime;
  readonly #deadlineMs: number;
  readonly #backoff: BackoffRange;

  constructor(store: ObjectStore, options: RetryingObjectStoreOptions) {
    const { runtime, deadlineMs, backoff = { delayMinMs: 50, delayMaxMs: 5000 } } = options;
    if (!(deadlineMs >= 0)) throw invalidArgument(`deadlineMs is a number of milliseconds; got ${String(deadlineMs)}`);
    this.#store = store;
    this.#runtime = runtime;
    this.#deadlineMs = deadlineMs;
    this.#backoff = backoff;
  }

  put(key: string, body: Uint8Array, options: PutOptions): Promise<PutResult> {
    return this.#store.put(key, body, options);
  }

  get(key: string, options: GetOptions): Promise<GetResult> {
    return this.#retry(() => this.#store.get(key, options), options);
  }

  list(options: ListOptions): Promise<ListResult> {
    return this.#retry(() => this.#store.list(options), options);
  }

  delete(keys: readonly string[], options: StoreRequestOptions): Promise<DeleteResult> {
    return this.#retry(() => this.#store.delete(keys, options), options);
  }

  async #retry<T>(run: () => Promise<T>, options: StoreRequestOptions): Promise<T> {
    const { clock, random } = this.#runtime;
    const deadline = clock.monotonic() + this.#deadlineMs;
    for (let attempt = 1; ; attempt++) {
      try {
        return await run();
      } catch (cause) {
        if (!isQanatError(cause, 'STORE_UNAVAILABLE')) throw cause;
        const delayMs = backoffDelayMs(attempt, this.#backoff, random);
        if (clock.monotonic() + delayMs > deadline) throw cause;
        await sleep(this.#runtime, delayMs, options.signal);
      }
    }
  }
}
