// Counts requests and bytes by operation and purpose, and tells the observer of every call when it has been answered or
// has failed. It changes nothing: answers and errors pass as they are. What counts as a request is told in
// request-counter.ts; a call that makes none (wrong arguments, a signal that has fired already) is not counted.
import type { Runtime } from '../base/runtime.ts';
import { systemRuntime } from '../base/runtime.ts';
import type { Observer } from '../model/events.ts';
import { emit, silentObserver } from '../model/events.ts';
import type {
  AbortUploadsOptions,
  CopyPiece,
  DeleteResult,
  GetOptions,
  GetResult,
  ListOptions,
  ListResult,
  ObjectStore,
  PutLargeOptions,
  PutOptions,
  PutResult,
  RequestTally,
  StoreOperation,
  StoreRequestOptions,
} from './object-store.ts';
import { RequestCounter, type RequestCounts } from './request-counter.ts';

/** What a MeteredObjectStore can be given: the clock for durations, and who is told. */
export interface MeteredObjectStoreOptions {
  readonly runtime?: Runtime | undefined;
  readonly observer?: Observer | undefined;
}

/** What is told of a call, and what it counts as if the store does not tell its requests. */
interface Call<T> {
  readonly operation: StoreOperation;
  readonly key: string | undefined;
  readonly bytesIn: number;
  readonly bytesOut: (answer: T) => number;
  readonly outcome: (answer: T) => string;
}

/** An object store that counts what is asked of another one. It has the optional methods that the other one has. */
export class MeteredObjectStore implements ObjectStore {
  readonly #store: ObjectStore;
  readonly #runtime: Runtime;
  readonly #observer: Observer;
  readonly #counter = new RequestCounter();
  declare readonly putLarge?: NonNullable<ObjectStore['putLarge']>;
  declare readonly copyRanges?: NonNullable<ObjectStore['copyRanges']>;
  declare readonly abortUploads?: NonNullable<ObjectStore['abortUploads']>;
  declare readonly probe?: NonNullable<ObjectStore['probe']>;

  constructor(store: ObjectStore, options: MeteredObjectStoreOptions = {}) {
    this.#store = store;
    this.#runtime = options.runtime ?? systemRuntime;
    this.#observer = options.observer ?? silentObserver;
    const putLarge = store.putLarge?.bind(store);
    if (putLarge !== undefined)
      this.putLarge = (key, body, how) =>
        this.#measure(putLargeCall(key, how), how, (told) => putLarge(key, body, told));
    const copyRanges = store.copyRanges?.bind(store);
    if (copyRanges !== undefined)
      this.copyRanges = (key, pieces, how) =>
        this.#measure(copyCall(key, pieces), how, (told) => copyRanges(key, pieces, told));
    const abortUploads = store.abortUploads?.bind(store);
    const probe = store.probe?.bind(store);
    if (probe !== undefined) this.probe = (how) => probe({ ...how, tally: this.#probeTally(how?.tally) });
    if (abortUploads !== undefined) this.abortUploads = (how) => this.#measure(abortCall(how), how, abortUploads);
  }

  /** What has been asked so far, in the order of first use. */
  counts(): readonly RequestCounts[] {
    return this.#counter.counts();
  }

  put(key: string, body: Uint8Array, options: PutOptions): Promise<PutResult> {
    const call = { operation: 'put', key, bytesIn: sizeOf(body), bytesOut: none, outcome: outcomeOfPut } as const;
    return this.#measure(call, options, (told) => this.#store.put(key, body, told));
  }

  get(key: string, options: GetOptions): Promise<GetResult> {
    const call = { operation: 'get', key, bytesIn: 0, bytesOut: bytesOfGet, outcome: outcomeOfGet } as const;
    return this.#measure(call, options, (told) => this.#store.get(key, told));
  }

  list(options: ListOptions): Promise<ListResult> {
    const key = (options as ListOptions | undefined)?.prefix;
    const call = { operation: 'list', key, bytesIn: 0, bytesOut: none, outcome: () => 'listed' } as const;
    return this.#measure(call, options, (told) => this.#store.list(told));
  }

  delete(keys: readonly string[], options: StoreRequestOptions): Promise<DeleteResult> {
    const key = Array.isArray(keys) && keys.length === 1 ? (keys[0] as string) : undefined;
    const call = { operation: 'delete', key, bytesIn: 0, bytesOut: none, outcome: outcomeOfDelete } as const;
    return this.#measure(call, options, (told) => this.#store.delete(keys, told));
  }

  /** A probe makes requests of all kinds at once; values arrive with those that get. */
  #probeTally(outer: RequestTally | undefined): RequestTally {
    const gets = this.#counter.tally('get', 'probe', outer);
    return {
      sent: (operation, valueBytes) => this.#counter.tally(operation, 'probe', outer).sent(operation, valueBytes),
      received: (valueBytes) => gets.received(valueBytes),
    };
  }

  async #measure<T, O extends StoreRequestOptions>(
    { operation, key, bytesIn, bytesOut: bytesOf, outcome: outcomeOf }: Call<T>,
    options: O,
    run: (options: O) => Promise<T>,
  ): Promise<T> {
    // The store refuses options that are none, and a signal that has fired: neither makes a request.
    if (typeof options !== 'object' || (options as O | null) === null || options.signal?.aborted) return run(options);
    const { purpose, signal } = options;
    const startMs = this.#runtime.clock.monotonic();
    const ended = (bytesOut: number, outcome: string): void => {
      this.#counter.ended(operation, purpose, bytesIn, bytesOut);
      const durationMs = this.#runtime.clock.monotonic() - startMs;
      const bytes = bytesIn + bytesOut;
      emit(this.#observer, 'storeRequest', { operation, purpose, key, bytes, durationMs, outcome });
    };
    try {
      const answer = await run({ ...options, tally: this.#counter.tally(operation, purpose, options.tally) });
      ended(bytesOf(answer), outcomeOf(answer));
      return answer;
    } catch (cause) {
      const outcome = outcomeOfFailure(cause, signal);
      if (outcome !== 'INVALID_ARGUMENT') ended(0, outcome);
      throw cause;
    }
  }
}

function putLargeCall(key: string, options: PutLargeOptions): Call<PutResult> {
  const { sizeBytes = 0 } = (options as PutLargeOptions | undefined) ?? {};
  return { operation: 'put', key, bytesIn: sizeBytes, bytesOut: none, outcome: outcomeOfPut };
}

/** What is copied within the store is no byte of ours. */
function copyCall(key: string, pieces: readonly CopyPiece[]): Call<PutResult | 'missing'> {
  const bytesIn = Array.isArray(pieces)
    ? (pieces as readonly CopyPiece[]).reduce(
        (sum, piece) => sum + sizeOf((piece as { bytes?: unknown } | null | undefined)?.bytes),
        0,
      )
    : 0;
  const outcome = (answer: PutResult | 'missing'): string => (answer === 'missing' ? answer : answer.outcome);
  return { operation: 'put', key, bytesIn, bytesOut: none, outcome };
}

/** Giving up begins with a look at what there is. */
function abortCall(options: AbortUploadsOptions): Call<number> {
  const key = (options as AbortUploadsOptions | undefined)?.prefix;
  return { operation: 'list', key, bytesIn: 0, bytesOut: none, outcome: () => 'cleared' };
}

function none(): number {
  return 0;
}

function sizeOf(body: unknown): number {
  return body instanceof Uint8Array ? body.byteLength : 0;
}

function bytesOfGet(answer: GetResult): number {
  return typeof answer === 'string' ? 0 : answer.bytes.byteLength;
}

function outcomeOfPut({ outcome }: PutResult): string {
  return outcome;
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
