// How long one call of the journal goes on trying: until it has its answer, the deadline passes, or the caller's signal
// fires. Reads are repeated with a growing delay; writes are never cut short here, only no longer waited for.
import { setMaxListeners } from 'node:events';
import { sleep, untilAborted } from '../base/abort.ts';
import { backoffDelayMs, type BackoffRange } from '../base/backoff.ts';
import type { Runtime, Timer } from '../base/runtime.ts';
import { isQanatError, qanatError, type ErrorOutcome } from '../model/errors.ts';

/** Short enough not to be felt after a hiccup, long enough not to hammer a store that is down. */
const backoff: BackoffRange = { delayMinMs: 25, delayMaxMs: 3_000 };

/** The patience of one call. `end()` must be called when the call has its answer. */
export class Patience {
  readonly #runtime: Runtime;
  readonly #controller = new AbortController();
  readonly #deadline: Timer;
  readonly #caller: AbortSignal | undefined;
  readonly #onAbort = (): void => this.#controller.abort(this.#caller?.reason);
  #pauses = 0;
  #lastFailure: unknown;
  #outcome: ErrorOutcome = 'none';

  constructor(runtime: Runtime, deadlineMs: number, caller: AbortSignal | undefined) {
    this.#runtime = runtime;
    this.#caller = caller;
    setMaxListeners(0, this.#controller.signal); // A window of reads listens to one signal.
    this.#deadline = runtime.timers.after(deadlineMs, () => this.#controller.abort(this.#outOfTime(deadlineMs)));
    caller?.addEventListener('abort', this.#onAbort, { once: true });
    if (caller?.aborted) this.#onAbort();
  }

  /** Whether there is none left: the deadline has passed or the caller's signal has fired. */
  get isOver(): boolean {
    return this.#controller.signal.aborted;
  }

  /** Says that from now on something may have been written: running out of time is then an unknown outcome. */
  hasWritten(): void {
    this.#outcome = 'unknown';
  }

  /** Waits for work that goes on by itself; rejects when patience ends first. */
  async until<T>(work: Promise<T>): Promise<T> {
    return untilAborted(work, this.#controller.signal);
  }

  /** Repeats an operation without effects until it answers. What a repetition cannot mend is thrown on. */
  async insist<T>(operation: (signal: AbortSignal) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        this.#controller.signal.throwIfAborted();
        return await this.until(operation(this.#controller.signal));
      } catch (cause) {
        if (this.isOver) throw this.#controller.signal.reason;
        if (!isPassing(cause)) throw cause;
        this.#lastFailure = cause;
        await this.#sleep(attempt);
      }
    }
  }

  /** Waits a little before the next try of something larger; longer each time. */
  async pause(cause?: unknown): Promise<void> {
    if (cause !== undefined) this.#lastFailure = cause;
    this.#pauses += 1;
    await this.#sleep(this.#pauses);
  }

  end(): void {
    this.#deadline.cancel();
    this.#caller?.removeEventListener('abort', this.#onAbort);
  }

  async #sleep(attempt: number): Promise<void> {
    await sleep(this.#runtime, backoffDelayMs(attempt, backoff, this.#runtime.random), this.#controller.signal);
  }

  #outOfTime(deadlineMs: number): Error {
    return qanatError(
      'STORE_UNAVAILABLE',
      `the journal had no answer from its store within ${deadlineMs} ms`,
      { operation: 'journal', key: undefined },
      { outcome: this.#outcome, cause: this.#lastFailure },
    );
  }
}

/** Whether trying again may help. */
export function isPassing(cause: unknown): boolean {
  return isQanatError(cause) && cause.action === 'retry';
}
