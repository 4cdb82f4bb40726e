// The requests of a probe: each carries its purpose, is timed, and is made again for a moment while the store is not
// available. One folder holds what one try of one check writes, so a try never meets what another has left behind.
import { sharedAbortController, sleep } from '../base/abort.ts';
import { InvariantError } from '../base/assert.ts';
import { backoffDelayMs } from '../base/backoff.ts';
import type { Runtime } from '../base/runtime.ts';
import { isQanatError, qanatError } from '../model/errors.ts';
import type { RaceAnswer } from './probe-findings.ts';
import type {
  ByteRange,
  DeleteResult,
  GetResult,
  ListResult,
  ObjectStore,
  PutCondition,
  PutOptions,
  PutResult,
  StoreRequestOptions,
} from './object-store.ts';

/** A put whose body is under way. */
export interface SlowPut {
  /** Resolves when the store has half of the body. */
  readonly halfway: Promise<void>;
  /** Sends the other half, and gives the answer to the whole put. */
  finish(): Promise<PutResult>;
}

/** Begins a put and stops in the middle of its body. */
export type BeginSlowPut = (key: string, body: Uint8Array, options: PutOptions) => SlowPut;

/** Tries of one request, and of one check. */
export const probeTries = 5;

const pause = { delayMinMs: 50, delayMaxMs: 1_000 };

/** What all folders of a probe share. */
export interface ProbeRun {
  readonly store: ObjectStore;
  readonly runtime: Runtime;
  readonly request: StoreRequestOptions;
  readonly slowPut: BeginSlowPut | undefined;
  /** Every key that a put was begun for. */
  readonly written: Set<string>;
}

export class ProbeFolder {
  readonly #run: ProbeRun;
  readonly prefix: string;
  readonly #stored = new Set<string>();
  #durationsMs: number[] = [];
  #hasHesitated = false;

  constructor(run: ProbeRun, prefix: string) {
    this.#run = run;
    this.prefix = prefix;
  }

  /** Whether a put of this name was answered 'stored'. */
  isStored(name: string): boolean {
    return this.#stored.has(name);
  }

  /** Whether a put without a condition may still land: what was seen after it proves nothing against the store. */
  get hasHesitated(): boolean {
    return this.#hasHesitated;
  }

  /** How long the requests took that were answered since this was last asked. */
  takeDurations(): readonly number[] {
    const taken = this.#durationsMs;
    this.#durationsMs = [];
    return taken;
  }

  /** `length` bytes that no other key and mark has. */
  body(mark: string, length: number): Uint8Array {
    return new Uint8Array(Buffer.alloc(length, `${this.prefix} ${mark} `));
  }

  /**
   * Puts a value. Without a condition the same bytes are put again while the answer is 'unknown', as everybody does who
   * must know; with one, what that answer means is for the check to say.
   */
  async put(name: string, body: Uint8Array, condition?: PutCondition): Promise<PutResult> {
    if (condition !== undefined) return this.#putOnce(name, body, condition);
    const { result, hesitated } = await this.putUntilKnown(name, body);
    this.#hasHesitated ||= hesitated;
    return result;
  }

  /** Puts a value, and the same bytes again while the answer is 'unknown'. */
  async putUntilKnown(name: string, body: Uint8Array, condition?: PutCondition): Promise<RaceAnswer> {
    let result = await this.#putOnce(name, body, condition);
    let hesitated = false;
    for (let tries = 1; result.outcome === 'unknown' && tries < probeTries; tries++) {
      hesitated = true;
      await this.wait(tries);
      result = await this.#putOnce(name, body, condition);
    }
    return { body, result, hesitated };
  }

  async #putOnce(name: string, body: Uint8Array, condition: PutCondition | undefined): Promise<PutResult> {
    const { store, request, written } = this.#run;
    const key = this.prefix + name;
    written.add(key);
    const result = await this.#timed(() => store.put(key, body, { ...request, if: condition }));
    if (result.outcome === 'stored') this.#stored.add(name);
    return result;
  }

  /** Begins a put that stops in the middle of its body. */
  putSlowly(name: string, body: Uint8Array, condition: PutCondition): SlowPut | undefined {
    const { slowPut, request, written } = this.#run;
    written.add(this.prefix + name);
    return slowPut?.(this.prefix + name, body, { ...request, if: condition });
  }

  get(name: string, how: { readonly range?: ByteRange; readonly ifNoneMatch?: string } = {}): Promise<GetResult> {
    const { store, request } = this.#run;
    return this.#timed(() => store.get(this.prefix + name, { ...request, ...how }));
  }

  list(how: { readonly prefix?: string; readonly after?: string; readonly limit?: number } = {}): Promise<ListResult> {
    const { store, request } = this.#run;
    const after = how.after === undefined ? {} : { after: this.prefix + how.after };
    const prefix = this.prefix + (how.prefix ?? '');
    return this.#timed(() => store.list({ ...request, ...how, ...after, prefix }));
  }

  delete(names: readonly string[]): Promise<DeleteResult> {
    const { store, request } = this.#run;
    const keys = names.map((name) => this.prefix + name);
    return this.#timed(() => store.delete(keys, request));
  }

  /** Looks for values in parts that were never ended; undefined if the store has no such thing. */
  async abortUploads(): Promise<number | undefined> {
    const { store, request } = this.#run;
    if (store.abortUploads === undefined) return undefined;
    return this.#timed(() => store.abortUploads!({ ...request, prefix: this.prefix, olderThanMs: 0 }));
  }

  /** The pause before the next try. */
  wait(tries: number): Promise<void> {
    const { runtime, request } = this.#run;
    return sleep(runtime, backoffDelayMs(tries, pause, runtime.random), request.signal);
  }

  /** Whether a promise is still pending after a time. It is listened to, so that it may fail meanwhile. */
  async isPendingAfter(promise: Promise<unknown>, waitMs: number): Promise<boolean> {
    const { runtime, request } = this.#run;
    const answered = sharedAbortController();
    const settle = (): void => answered.abort();
    promise.then(settle, settle);
    await sleep(runtime, waitMs, answered.signal).catch(() => {});
    request.signal?.throwIfAborted();
    return !answered.signal.aborted;
  }

  async #timed<T>(request: () => Promise<T>): Promise<T> {
    const { clock } = this.#run.runtime;
    for (let tries = 1; ; tries++) {
      const startMs = clock.monotonic();
      try {
        const answer = await request();
        this.#durationsMs.push(clock.monotonic() - startMs);
        return answer;
      } catch (cause) {
        if (!isQanatError(cause, 'STORE_UNAVAILABLE') || tries === probeTries) throw this.#understood(cause);
        await this.wait(tries);
      }
    }
  }

  /** An error that is none of ours, and not the signal's: the store does not keep the contract. */
  #understood(cause: unknown): unknown {
    const { signal } = this.#run.request;
    if (isQanatError(cause) || (signal?.aborted === true && cause === signal.reason)) return cause;
    if (cause instanceof InvariantError) return cause;
    const problem = `a request failed with ${String(cause).split('\n')[0]}`;
    return qanatError('STORE_UNSUITABLE', `this store cannot be used: ${problem}`, { problem }, { cause });
  }
}
