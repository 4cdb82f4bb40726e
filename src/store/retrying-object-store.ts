// Stands between the engine and a store that is slow, hangs or fails: every call is answered in time, and what can be
// tried again safely is, with growing, jittered pauses, until the deadline of its purpose.
//
// - get, list, delete and abortUploads are tried again when the store was unavailable or did not answer. Of a delete,
//   only the keys that failed for that reason.
// - A put passes once: what became of one whose answer was lost only its caller can find out, and a second try would
//   hide it. One that is not answered in time ends as 'unknown', which it is. So do puts in parts and copies.
// - No try outlasts what a request of its kind may take (request-deadlines.ts), nor the deadline, nor half of it, so
//   that there is a second one: it is aborted, and no longer waited for. Its answer, if one comes, goes to nobody. What
//   a store may still read is not left with it without bound (given-up-bodies.ts).
// - A signal of the caller ends the try under way, or the pause, at once.
import { sleep } from '../base/abort.ts';
import { backoffDelayMs, type BackoffRange } from '../base/backoff.ts';
import type { Runtime } from '../base/runtime.ts';
import { segmentSizeMaxBytes } from '../model/limits.ts';
import { invalidArgument, isQanatError, qanatError } from '../model/errors.ts';
import { boundedTry, late } from './bounded-try.ts';
import { GivenUpBodies } from './given-up-bodies.ts';
import type {
  AbortUploadsOptions,
  ByteRange,
  CopyPiece,
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
import { callLimitMs, retryDeadlineMs } from './request-deadlines.ts';

/** How long to try, and how to wait between tries. */
export interface RetryingObjectStoreOptions {
  readonly runtime: Runtime;
  /**
   * How long the store may be away: later than this after the call no try begins, and those under way end. Some
   * purposes have shorter deadlines, see request-deadlines.ts.
   */
  readonly deadlineMs: number;
  /** Bounds of the pauses; 50 ms growing to 5 s unless given. */
  readonly backoff?: BackoffRange | undefined;
}

/** A call, as far as it matters for how long it may take. */
interface Call {
  readonly operation: StoreOperation;
  readonly key: string | undefined;
  readonly bytes?: number | undefined;
  /** Requests that it makes one after the other, about. */
  readonly requests?: number | undefined;
}

/** Keys in one request of deletion. */
const deletedAtOnce = 1_000;

/** A try gets so long even where the deadline is shorter: less would be no try. */
const tryMinMs = 1_000;

/** An object store that answers in time, and tries again what can be tried again safely. */
export class RetryingObjectStore implements ObjectStore {
  readonly #store: ObjectStore;
  readonly #runtime: Runtime;
  readonly #deadlineMs: number;
  readonly #backoff: BackoffRange;
  readonly #givenUp = new GivenUpBodies();
  declare readonly putLarge?: NonNullable<ObjectStore['putLarge']>;
  declare readonly copyRanges?: NonNullable<ObjectStore['copyRanges']>;
  declare readonly abortUploads?: NonNullable<ObjectStore['abortUploads']>;
  declare readonly probe?: NonNullable<ObjectStore['probe']>;

  constructor(store: ObjectStore, options: RetryingObjectStoreOptions) {
    const { runtime, deadlineMs, backoff = { delayMinMs: 50, delayMaxMs: 5000 } } = options;
    if (!(deadlineMs >= 0)) throw invalidArgument(`deadlineMs is a number of milliseconds; got ${String(deadlineMs)}`);
    this.#store = store;
    this.#runtime = runtime;
    this.#deadlineMs = deadlineMs;
    this.#backoff = backoff;
    const putLarge = store.putLarge?.bind(store);
    if (putLarge !== undefined)
      this.putLarge = async (key, body, how) =>
        this.#writeOnce(inParts(key, how?.sizeBytes ?? 0), how, (own) => putLarge(key, body, own));
    const copyRanges = store.copyRanges?.bind(store);
    if (copyRanges !== undefined)
      this.copyRanges = async (key, pieces, how) =>
        this.#writeOnce(inParts(key, copiedBytes(pieces)), how, (own) => copyRanges(key, pieces, own));
    const abortUploads = store.abortUploads?.bind(store);
    if (abortUploads !== undefined)
      this.abortUploads = (how: AbortUploadsOptions) =>
        this.#retry({ operation: 'list', key: how?.prefix }, how, (own) => abortUploads(own));
    // A probe judges each answer: none is tried again.
    const probe = store.probe?.bind(store);
    if (probe !== undefined) this.probe = probe;
  }

  put(key: string, body: Uint8Array, options: PutOptions): Promise<PutResult> {
    if (!isWhole(options) || !(body instanceof Uint8Array)) return this.#store.put(key, body, options);
    const call = { operation: 'put', key, bytes: body.byteLength } as const;
    if (!this.#givenUp.hasRoomFor(body)) return Promise.reject(this.#tooManyGivenUp(key));
    return this.#writeOnce(call, options, (own) => this.#store.put(key, body, own), body);
  }

  get(key: string, options: GetOptions): Promise<GetResult> {
    const call = { operation: 'get', key, bytes: bytesOf(options?.range) } as const;
    return this.#retry(call, options, (own) => this.#store.get(key, own));
  }

  list(options: ListOptions): Promise<ListResult> {
    return this.#retry({ operation: 'list', key: options?.prefix }, options, (own) => this.#store.list(own));
  }

  async delete(keys: readonly string[], options: StoreRequestOptions): Promise<DeleteResult> {
    if (!Array.isArray(keys)) return this.#store.delete(keys, options);
    const failed: DeleteResult['failed'][number][] = [];
    let rest: readonly string[] = [...(keys as readonly string[])];
    const first: Call = { operation: 'delete', key: rest[0], requests: Math.ceil(rest.length / deletedAtOnce) };
    const deletion = async (own: StoreRequestOptions): Promise<void> => {
      const answer = await this.#store.delete(rest, own);
      own.signal?.throwIfAborted(); // Given up meanwhile: another try has begun where this one began.
      const again = answer.failed.filter(({ cause }) => isQanatError(cause, 'STORE_UNAVAILABLE'));
      failed.push(...answer.failed.filter((one) => !again.includes(one)));
      rest = again.map(({ key }) => key);
      if (again.length > 0) throw new SomeLeft(again);
    };
    try {
      await this.#retry(first, options, deletion);
      return { failed };
    } catch (cause) {
      if (cause instanceof SomeLeft) return { failed: [...failed, ...cause.failed] };
      // Before, others were deleted: that is told key by key.
      const hasBegun = rest.length < keys.length || failed.length > 0;
      if (!hasBegun || options.signal?.aborted === true || !isQanatError(cause, 'STORE_UNAVAILABLE')) throw cause;
      return { failed: [...failed, ...rest.map((key) => ({ key, cause }))] };
    }
  }

  /** One try, which may have taken effect when it is given up. */
  async #writeOnce<O extends StoreRequestOptions, T>(
    call: Call,
    options: O,
    run: (options: O) => Promise<T>,
    body?: Uint8Array,
  ): Promise<T | { readonly outcome: 'unknown' }> {
    if (!isWhole(options)) return run(options);
    const { signal, purpose } = options;
    const onGivenUp = (attempt: Promise<unknown>): void => {
      if (body !== undefined) this.#givenUp.hold(body, attempt);
    };
    const limitMs = this.#limitMs(call, purpose, Infinity);
    const begin = (own: AbortSignal): Promise<T> => run({ ...options, signal: own });
    const answer = await boundedTry(this.#runtime, begin, { limitMs, signal, onGivenUp });
    return answer === late ? { outcome: 'unknown' } : answer;
  }

  async #retry<O extends StoreRequestOptions, T>(call: Call, options: O, run: (options: O) => Promise<T>): Promise<T> {
    if (!isWhole(options)) return run(options);
    const { clock, random } = this.#runtime;
    const { signal, purpose } = options;
    const deadline = clock.monotonic() + retryDeadlineMs(purpose, this.#deadlineMs);
    const begin = (own: AbortSignal): Promise<T> => run({ ...options, signal: own });
    for (let attempt = 1; ; attempt++) {
      let failure: unknown;
      try {
        const limitMs = this.#limitMs(call, purpose, deadline - clock.monotonic());
        const answer = await boundedTry(this.#runtime, begin, { limitMs, signal });
        if (answer !== late) return answer;
        failure = noAnswer(call, limitMs);
      } catch (cause) {
        if (!(cause instanceof SomeLeft) && !isQanatError(cause, 'STORE_UNAVAILABLE')) throw cause;
        failure = cause;
      }
      const delayMs = backoffDelayMs(attempt, this.#backoff, random);
      if (clock.monotonic() + delayMs > deadline) throw failure;
      await sleep(this.#runtime, delayMs, signal);
    }
  }

  /** How long the next try of a call may take, if so much time is left for it. */
  #limitMs({ operation, bytes, requests }: Call, purpose: StorePurpose, restMs: number): number {
    const limitMs = callLimitMs({ operation, purpose, bytes }, requests);
    // How long many pieces take says nothing of how long the store has been away.
    if (operation === 'put' && requests !== undefined) return limitMs;
    const halfMs = retryDeadlineMs(purpose, this.#deadlineMs) / 2;
    return Math.min(limitMs, Math.max(tryMinMs, Math.min(restMs, halfMs)));
  }

  #tooManyGivenUp(key: string): Error {
    const message = `${key} is not written: the store has not let go of earlier bodies that it never answered for`;
    return qanatError('STORE_UNAVAILABLE', message, { operation: 'put', key });
  }
}

/** Some keys of a deletion failed in a way that may pass. Never seen outside of this file. */
class SomeLeft extends Error {
  readonly failed: DeleteResult['failed'];

  constructor(failed: DeleteResult['failed']) {
    super('some keys were not deleted');
    this.failed = failed;
  }
}

/** Whether a call gets as far as a request: all others are refused by the store, in its own words. */
function isWhole(options: StoreRequestOptions | null | undefined): options is StoreRequestOptions {
  return typeof options === 'object' && options !== null && options.signal?.aborted !== true;
}

/** What is asked for, unless that makes no sense. */
function bytesOf(range: ByteRange | undefined): number | undefined {
  const { start, end, last } = (range ?? {}) as { start?: unknown; end?: unknown; last?: unknown };
  const bytes = typeof start === 'number' && typeof end === 'number' ? end - start : last;
  return typeof bytes === 'number' && bytes >= 0 ? bytes : undefined;
}

/** A call that moves bytes piece by piece: each piece has the time of a request. */
function inParts(key: string, sizeBytes: number): Call {
  const known = sizeBytes >= 0 ? sizeBytes : 0; // What is no size is refused by the store.
  const requests = Math.ceil(known / segmentSizeMaxBytes);
  return { operation: 'put', key, bytes: Math.min(known, segmentSizeMaxBytes), requests };
}

function copiedBytes(pieces: readonly CopyPiece[]): number {
  if (!Array.isArray(pieces)) return 0;
  const sizes = (pieces as readonly CopyPiece[]).map((piece) =>
    'bytes' in piece ? piece.bytes.byteLength : (bytesOf(piece.range) ?? 0),
  );
  return sizes.reduce((sum, bytes) => sum + bytes, 0);
}

function noAnswer({ operation, key }: Call, limitMs: number): Error {
  const outcome = operation === 'delete' ? 'unknown' : 'none';
  const of = key === undefined ? '' : ` of ${key}`;
  const message = `the store gave no answer to a ${operation}${of} within ${limitMs} ms; try again`;
  return qanatError('STORE_UNAVAILABLE', message, { operation, key }, { outcome });
}
