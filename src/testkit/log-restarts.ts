// Starting a log again, cleanly or after a crash, as often as it takes; and what must be there afterwards: every
// stream, all that was acknowledged, nothing that was deleted. What is found then is the history for ever.
import { isUnavailable, type LogCalls, type LogFailure, type LogOutcome } from './log-calls.ts';
import type { LogDisturbance, LogDriver, LogRange, LogUsurped } from './log-driver.ts';
import type { LogFollowers } from './log-followers.ts';
import { decideHistory, type LogModel, type LogName } from './log-model.ts';
import { hold, LogViolation } from './log-violation.ts';

/** How a log starts again: after a clean end, after a crash, or in another process while the old one goes on. */
export type LogRestart = 'reopen' | 'crash' | 'usurp';

/** A log that cannot be started in so many quiet tries never will be. */
const triesMax = 5;

/** Calls that were made, and requests that were made for them. */
export interface LogToll {
  readonly calls: number;
  readonly requests: number;
}

export class LogRestarts {
  readonly #driver: LogDriver;
  readonly #calls: LogCalls;
  readonly #model: LogModel;
  readonly #followers: LogFollowers;
  /** Rises with every restart: calls under way may fail by it. */
  #era = 0;
  #isDisturbed = false;
  #hasFailed = false;
  #usurped: LogUsurped | undefined;
  /** Calls and requests until the log had started, if nothing has gone wrong since. */
  #calm: LogToll | undefined;

  constructor(driver: LogDriver, calls: LogCalls, model: LogModel, followers: LogFollowers) {
    this.#driver = driver;
    this.#calls = calls;
    this.#model = model;
    this.#followers = followers;
    this.#calm = this.#toll();
  }

  /** Whether calls may fail for reasons that are not theirs. */
  get isDisturbed(): boolean {
    return this.#isDisturbed;
  }

  /** Whether the log has ended by itself. */
  get isDue(): boolean {
    return this.#calls.now('isEnded', () => this.#driver.isEnded?.()) ?? this.#hasFailed;
  }

  /** The process that had the log before another took it over, if it still lives. */
  get usurped(): LogUsurped | undefined {
    return this.#usurped;
  }

  /** What it has cost so far since the log was started, if nothing has gone wrong since. */
  get calmToll(): LogToll | undefined {
    const before = this.#isDisturbed ? undefined : this.#calm;
    if (before === undefined) return undefined;
    const now = this.#toll();
    return { calls: now.calls - before.calls, requests: now.requests - before.requests };
  }

  disturbed(): void {
    this.#isDisturbed = true;
    this.#calm = undefined;
  }

  /** The log comes to its end now: what is under way may fail by it. */
  ending(): void {
    this.#era += 1;
    this.#calls.ending();
    for (const name of this.#model.names) {
      name.isOpen = false;
      name.moves += 1;
    }
  }

  #toll(): LogToll {
    const made = this.#calls.now('requests', () => this.#driver.requests?.());
    return { calls: this.#calls.count, requests: made?.total ?? 0 };
  }

  /** Whether something that begins now may have failed, asked when it has. */
  watch(): () => boolean {
    const era = this.#era;
    return () => {
      const mayFail = this.#isDisturbed || this.#era !== era;
      if (mayFail) this.#hasFailed = true;
      return mayFail;
    };
  }

  /** Starts the log again and checks what it holds. */
  async restart(how: LogRestart, meanwhile: LogDisturbance | undefined): Promise<void> {
    const first = how === 'crash' && this.#driver.crash === undefined ? 'reopen' : how;
    for (let tries = 1; ; tries += 1) {
      if (tries > triesMax) throw new LogViolation('answers', `it did not start again in ${triesMax} tries`);
      const again = this.#driver.crash === undefined ? 'reopen' : 'crash';
      const started = await this.#start(tries === 1 ? first : again, tries === 1 ? meanwhile : undefined);
      if (started && (await this.#verify())) break;
      await this.#calls.within('settle', () => this.#driver.settle?.());
    }
    this.#calls.check();
  }

  /** The process that lost the log ends, too. */
  async leaveUsurped(): Promise<void> {
    const usurped = this.#usurped;
    this.#usurped = undefined;
    if (usurped === undefined) return;
    await this.#calls.within('the close of the process that lost the log', () => usurped.close()).catch(onlyViolation);
  }

  async #start(how: LogRestart, meanwhile: LogDisturbance | undefined): Promise<boolean> {
    const wasDisturbed = this.#isDisturbed;
    if (how === 'usurp') await this.leaveUsurped();
    this.ending();
    this.#isDisturbed = meanwhile !== undefined || (how === 'reopen' && wasDisturbed);
    this.#calm = undefined;
    const what = meanwhile === undefined ? how : `${how}, and meanwhile ${meanwhile.kind}`;
    const outcome = await this.#ask(
      what,
      () => this.#change(how, meanwhile),
      () => {},
    );
    await this.#calls.all();
    await this.#followers.abandon();
    this.#hasFailed = false;
    if (outcome !== 'done' || meanwhile !== undefined) return outcome === 'done';
    this.#isDisturbed = false;
    this.#calm = this.#toll();
    return true;
  }

  #change(how: LogRestart, meanwhile: LogDisturbance | undefined): Promise<void> {
    const driver = this.#driver;
    if (how === 'crash' && driver.crash !== undefined) return driver.crash(meanwhile);
    if (how !== 'usurp' || driver.usurp === undefined) return driver.reopen();
    return driver.usurp().then((usurped) => void (this.#usurped = usurped));
  }

  /** Opens every stream and reads it to its end. False if it could not be done now. */
  async #verify(): Promise<boolean> {
    for (const name of this.#model.names) {
      if (!(await this.#verifyName(name))) return false;
    }
    return true;
  }

  async #verifyName(name: LogName): Promise<boolean> {
    const opened = await this.#ask(
      `open ${name.name}`,
      () => this.#driver.open(name.name),
      () => {
        const there = name.history ?? name.doubt;
        hold(there !== undefined, 'nothingOld', () => `the stream ${name.name} is back; it was deleted`);
        Object.assign(name, { history: there, doubt: undefined, isOpen: true });
      },
      {
        STREAM_NOT_FOUND: () => {
          hold(name.history === undefined, 'durable', () => `the stream ${name.name} is lost`);
          name.doubt = undefined;
        },
      },
    );
    if (opened !== 'done') return opened === 'refused';
    return this.#verifyHistory(name);
  }

  async #verifyHistory({ name, history }: LogName): Promise<boolean> {
    if (history === undefined) return true;
    let range: LogRange = { startOffset: 0, endOffset: 0 };
    const before = history.known;
    const ranged = await this.#ask(
      `range of ${name}`,
      () => this.#driver.range(name),
      (given) => {
        history.observeRange(given, before);
        range = given;
        return `[${given.startOffset}, ${given.endOffset})`;
      },
    );
    if (ranged !== 'done') return false;
    let next = range.startOffset;
    while (next < range.endOffset) {
      const call = { history, from: next, options: {}, before: history.known };
      const from = next;
      const outcome = await this.#ask(
        `read ${name} from ${from}`,
        () => this.#driver.read(name, from),
        (result) => {
          this.#model.observeRead(call, result);
          next = result.batches.at(-1)?.endOffset ?? next;
          return `${result.batches.length} batches`;
        },
        { OFFSET_OUT_OF_RANGE: () => this.#model.observeOutOfRange(call) },
      );
      if (outcome === 'failed') return false;
      hold(next > from, 'durable', () => `${name} cannot be read at ${from}; it ends at ${range.endOffset}`);
    }
    decideHistory(history, range, next);
    return true;
  }

  #ask<T>(
    what: string,
    act: () => Promise<T>,
    done: (value: T) => string | void,
    refusals: Readonly<Record<string, () => void>> = {},
  ): Promise<LogOutcome> {
    const mayFail = this.watch();
    return this.#calls.ask({
      what,
      act,
      done,
      refusals,
      mayFail: (failure: LogFailure) => isUnavailable(failure) && mayFail(),
    });
  }
}

function onlyViolation(cause: unknown): void {
  if (cause instanceof LogViolation) throw cause;
}
