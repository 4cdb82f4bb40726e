// Counts requests and bytes by operation and purpose, and tells the observer of every request when it has been
// answered or has failed. It changes nothing: answers and errors pass as they are. A call that makes no request (wrong
// arguments, a signal that has fired already) is not counted.
import type { Runtime } from '../base/runtime.ts';
import { systemRuntime } from '../base/runtime.ts';
import type { Observer } from '../model/events.ts';
import { emit, silentObserver } from '../model/events.ts';
import type {
  DeleteResult,
  GetOptions,
  GetResult,
  ListOptions,
  ListResult,
  ObjectStore,
  PutOptions,
  PutResult,
  StoreOperation,
  StorePurpose,
  StoreRequestOptions,
} from './object-store.ts';

/** What has been asked of a store with one operation, for one purpose. */
export interface RequestCounts {
  readonly operation: StoreOperation;
  readonly purpose: StorePurpose;
  /** Requests answered or failed. */
  readonly requests: number;
  /** Bytes of bodies given to the store. */
  readonly bytesIn: number;
  /** Bytes of values got from the store. */
  readonly bytesOut: number;
}

/** What a MeteredObjectStore can be given: the clock for durations, and who is told. */
export interface MeteredObjectStoreOptions {
  readonly runtime?: Runtime | undefined;
  readonly observer?: Observer | undefined;
}

interface Request<T> {
  readonly operation: StoreOperation;
  readonly key: string | undefined;
  readonly bytesIn: number;
  readonly bytesOut: (answer: T) => number;
  readonly outcome: (answer: T) => string;
}

/** An object store that counts what is asked of another one. */
export class MeteredObjectStore implements ObjectStore {
  readonly #store: ObjectStore;
  readonly #runtime: Runtime;
  readonly #observer: Observer;
  readonly #counts = new Map<string, { -readonly [K in keyof RequestCounts]: RequestCounts[K] }>();

  constructor(store: ObjectStore, options: MeteredObjectStoreOptions = {}) {
    this.#store = store;
    this.#runtime = options.runtime ?? systemRuntime;
    this.#observer = options.observer ?? silentObserver;
  }

  /** What has been asked so far, in the order of first use. */
  counts(): readonly RequestCounts[] {
    return [...this.#counts.values()].map((counts) => ({ ...counts }));
  }

  put(key: string, body: Uint8Array, options: PutOptions): Promise<PutResult> {
    const bytesIn = body instanceof Uint8Array ? body.byteLength : 0;
    const request = { operation: 'put', key, bytesIn, bytesOut: none, outcome: (r: PutResult) => r.outcome } as const;
    return this.#measure(request, options, () => this.#store.put(key, body, options));
  }

  get(key: string, options: GetOptions): Promise<GetResult> {
    const request = { operation: 'get', key, bytesIn: 0, bytesOut: bytesOfGet, outcome: outcomeOfGet } as const;
    return this.#measure(request, options, () => this.#store.get(key, options));
  }

  list(options: ListOptions): Promise<ListResult> {
    const key = (options as ListOptions | undefined)?.prefix;
    const request = { operation: 'list', key, bytesIn: 0, bytesOut: none, outcome: () => 'listed' } as const;
    return this.#measure(request, options, () => this.#store.list(options));
  }

  delete(keys: readonly string[], options: StoreRequestOptions): Promise<DeleteResult> {
    const key = Array.isArray(keys) && keys.length === 1 ? (keys[0] as string) : undefined;
    const request = { operation: 'delete', key, bytesIn: 0, bytesOut: none, outcome: outcomeOfDelete } as const;
    return this.#measure(request, options, () => this.#store.delete(keys, options));
  }

  async #measure<T>(request: Request<T>, options: StoreRequestOptions, run: () => Promise<T>): Promise<T> {
    if ((options as StoreRequestOptions | undefined)?.signal?.aborted) return run();
    const startMs = this.#runtime.clock.monotonic();
    try {
      const answer = await run();
      this.#record(request, options, startMs, request.bytesOut(answer), request.outcome(answer));
      return answer;
    } catch (cause) {
      const outcome = outcomeOfFailure(cause, (options as StoreRequestOptions | undefined)?.signal);
      if (outcome !== 'INVALID_ARGUMENT') this.#record(request, options, startMs, 0, outcome);
      throw cause;
    }
  }

  #record<T>(
    { operation, key, bytesIn }: Request<T>,
    { purpose }: StoreRequestOptions,
    startMs: number,
    bytesOut: number,
    outcome: string,
  ): void {
    const name = `${operation} ${purpose}`;
    let counts = this.#counts.get(name);
    if (counts === undefined) {
      counts = { operation, purpose, requests: 0, bytesIn: 0, bytesOut: 0 };
      this.#counts.set(name, counts);
    }
    counts.requests += 1;
    counts.bytesIn += bytesIn;
    counts.bytesOut += bytesOut;
    const durationMs = this.#runtime.clock.monotonic() - startMs;
    emit(this.#observer, 'storeRequest', { operation, purpose, key, bytes: bytesIn + bytesOut, durationMs, outcome });
  }
}

function none(): number {
  return 0;
}

function bytesOfGet(answer: GetResult): number {
  return typeof answer === 'string' ? 0 : answer.bytes.byteLength;
}

function outcomeOfGet(answer: GetResult): string {
  return typeof answer === 'string' ? answer : 'found';
}

function outcomeOfDelete({ failed }: DeleteResult): string {
  return failed.length === 0 ? 'deleted' : 'failed';
}

function outcomeOfFailure(cause: unknown, signal: AbortSignal | undefined): string {
  if (signal?.aborted && cause === signal.reason) return 'aborted';
  const code = (cause as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' ? code : 'failed';
}
