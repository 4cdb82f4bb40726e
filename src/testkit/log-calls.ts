// Calls to a log under test: each is given a time in which it must be answered, its answer is judged, and what came of
// it is written down. Calls that nobody waits for are kept in a set, and the first violation among them in one place.
//
// Invariants: no call of the log can hold a script up for longer than its limit, and none that throws where it should
// give a promise is taken for anything else; both are told with the name of the call.
import type { Runtime } from '../index.ts';
import { LogViolation, type LogProperty } from './log-violation.ts';

/** A failed call, as the suite looks at it. */
export interface LogFailure {
  readonly code: string;
  readonly outcome: 'none' | 'unknown';
}

/** How the failures of a call are judged. */
export interface LogCall<T> {
  readonly what: string;
  readonly act: () => Promise<T>;
  /** Judges an answer; gives it in a few words. */
  readonly done: (value: T) => string | void;
  /** Judges refusals, by their code. */
  readonly refusals?: Readonly<Record<string, () => void>> | undefined;
  /** Whether this failure may be, here and now. */
  readonly mayFail: (failure: LogFailure) => boolean;
  /** Takes notice of a failure that may be. */
  readonly failed?: ((failure: LogFailure) => void) | undefined;
  /** The signal that the call was given, if any: its reason is a failure that may be. */
  readonly signal?: AbortSignal | undefined;
}

/** What became of a call. */
export type LogOutcome = 'done' | 'refused' | 'failed';

const unavailable: readonly string[] = ['STORE_UNAVAILABLE', 'NODE_FENCED', 'CLOSED', 'CRASHED', 'OVERLOADED'];

/** Whether a failure says that the log could not do it now. */
export function isUnavailable({ code }: LogFailure): boolean {
  return unavailable.includes(code);
}

/** Reads the two fields of an error that count. */
export function failureOf(cause: unknown): LogFailure {
  const { code, outcome } = (cause ?? {}) as { readonly code?: unknown; readonly outcome?: unknown };
  return { code: typeof code === 'string' ? code : 'no code', outcome: outcome === 'none' ? 'none' : 'unknown' };
}

export class LogCalls {
  /** What was asked and answered, in order. */
  readonly lines: string[] = [];
  /** The first promise that was found broken by a call that nobody waited for. */
  violation: LogViolation | undefined;
  /** Calls that were made. */
  count = 0;
  /** Rises whenever the process that answers calls comes to an end: what was under way must settle then. */
  #endings = 0;
  readonly #pending = new Set<Promise<unknown>>();
  readonly #runtime: Runtime;
  readonly #limitMs: number;
  readonly #startMs: number;

  constructor(runtime: Runtime, limitMs: number) {
    this.#runtime = runtime;
    this.#limitMs = limitMs;
    this.#startMs = runtime.clock.monotonic();
  }

  note(text: string): void {
    const atMs = this.#runtime.clock.monotonic() - this.#startMs;
    this.lines.push(`${atMs.toFixed(3)} ms  ${text}`);
  }

  /** Whether calls are in the background. */
  get areUnderWay(): boolean {
    return this.#pending.size > 0;
  }

  /** Throws what a call in the background has found. */
  check(): void {
    if (this.violation !== undefined) throw this.violation;
  }

  /** The log is closed, dropped or taken over now. */
  ending(): void {
    this.#endings += 1;
  }

  /** Makes a call and judges its answer. */
  async ask<T>(call: LogCall<T>): Promise<LogOutcome> {
    const { what } = call;
    let value: T;
    try {
      value = await this.within(what, call.act);
    } catch (cause) {
      if (cause instanceof LogViolation) throw cause;
      return this.#judgeFailure(call, cause);
    }
    this.note(`${what} → ${this.#judged(what, () => call.done(value)) ?? 'done'}`);
    return 'done';
  }

  /** Makes a call in the background. */
  start(work: () => Promise<unknown>): void {
    const pending = work().catch((cause: unknown) => {
      this.violation ??= cause instanceof LogViolation ? cause : unforeseen('the suite itself', cause);
    });
    this.#pending.add(pending);
    void pending.then(() => this.#pending.delete(pending));
  }

  /** Waits until all calls in the background are answered. */
  async all(): Promise<void> {
    while (this.#pending.size > 0) await Promise.all(this.#pending);
    this.check();
  }

  /** Makes a call and waits for its answer, but not for ever. */
  async within<T>(what: string, act: () => T | Promise<T>, promise: LogProperty = 'answers'): Promise<T> {
    const endings = this.#endings;
    this.count += 1;
    const answer = Promise.resolve(this.now(what, act));
    const limit = new Promise<never>((_, reject) => {
      const { timers } = this.#runtime;
      const late = (): void => {
        const property: LogProperty = this.#endings === endings ? promise : 'settles';
        reject(new LogViolation(property, `${what} has no answer after ${this.#limitMs} ms`));
      };
      const timer = timers.after(this.#limitMs, late);
      const cancel = (): void => timer.cancel();
      answer.then(cancel, cancel);
    });
    return Promise.race([answer, limit]);
  }

  /** Makes a call that is answered at once, or gives a promise: either way it must not throw. */
  now<T>(what: string, act: () => T): T {
    try {
      return act();
    } catch (cause) {
      if (cause instanceof LogViolation) throw cause;
      throw new LogViolation('answers', `${what} threw where it was called: ${shownFailure(cause)}`, cause);
    }
  }

  #judgeFailure<T>({ what, refusals, mayFail, failed, signal }: LogCall<T>, cause: unknown): LogOutcome {
    if (signal?.aborted === true && cause === signal.reason) {
      this.note(`${what} → aborted`);
      failed?.({ code: 'aborted', outcome: 'unknown' });
      return 'failed';
    }
    const failure = failureOf(cause);
    const refusal = refusals?.[failure.code];
    this.note(`${what} → ${failure.code}${failure.outcome === 'unknown' ? ', outcome unknown' : ''}`);
    if (refusal !== undefined && failure.outcome === 'none') {
      this.#judged(what, refusal);
      return 'refused';
    }
    if (!mayFail(failure)) throw unforeseen(what, cause, signal?.aborted === true ? 'abortable' : 'sensible');
    failed?.(failure);
    return 'failed';
  }

  #judged<T>(what: string, judge: () => T): T {
    try {
      return judge();
    } catch (cause) {
      this.note(`${what} → wrong: ${(cause as Error).message}`);
      throw cause;
    }
  }
}

function unforeseen(what: string, cause: unknown, property: LogProperty = 'sensible'): LogViolation {
  return new LogViolation(property, `${what} failed: ${shownFailure(cause)}`, cause);
}

function shownFailure(cause: unknown): string {
  return (cause instanceof Error ? cause.stack : undefined) ?? String(cause);
}
