// Starting a log again, cleanly or after a crash, as often as it takes; and what must be there afterwards: every
// stream, all that was acknowledged, nothing that was deleted. What is found then is the history for ever.
import { isUnavailable, type LogCalls, type LogFailure, type LogOutcome } from './log-calls.ts';
import type { LogDisturbance, LogDriver, LogRange } from './log-driver.ts';
import type { LogFollowers } from './log-followers.ts';
import { decideHistory, type LogModel, type LogName } from './log-model.ts';
import { hold, LogViolation } from './log-violation.ts';

/** A log that cannot be started in so many quiet tries never will be. */
const triesMax = 5;

export class LogRestarts {
  readonly #driver: LogDriver;
  readonly #calls: LogCalls;
  readonly #model: LogModel;
  readonly #followers: LogFollowers;
  /** Rises with every restart: calls under way may fail by it. */
  #era = 0;
  #isDisturbed = false;
  #hasFailed = false;

  constructor(driver: LogDriver, calls: LogCalls, model: LogModel, followers: LogFollowers) {
    this.#driver = driver;
    this.#calls = calls;
    this.#model = model;
    this.#followers = followers;
  }

  /** Whether calls may fail for reasons that are not theirs. */
  get isDisturbed(): boolean {
    return this.#isDisturbed;
  }

  /** Whether the log has ended by itself. */
  get isDue(): boolean {
    return this.#driver.isEnded === undefined ? this.#hasFailed : this.#driver.isEnded();
  }

  disturbed(): void {
    this.#isDisturbed = true;
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
  async restart(how: 'reopen' | 'crash', meanwhile: LogDisturbance | undefined): Promise<void> {
    const first = how === 'crash' && this.#driver.crash === undefined ? 'reopen' : how;
    for (let tries = 1; ; tries += 1) {
      if (tries > triesMax) throw new LogViolation('answers', `it did not start again in ${triesMax} tries`);
      const again = this.#driver.crash === undefined ? 'reopen' : 'crash';
      const started = await this.#start(tries === 1 ? first : again, tries === 1 ? meanwhile : undefined);
      if (started && (await this.#verify())) break;
      if (this.#driver.settle !== undefined) await this.#calls.within('settle', this.#driver.settle());
    }
    this.#calls.check();
  }

  async #start(how: 'reopen' | 'crash', meanwhile: LogDisturbance | undefined): Promise<boolean> {
    const wasDisturbed = this.#isDisturbed;
    this.#era += 1;
    this.#isDisturbed = meanwhile !== undefined || (how === 'reopen' && wasDisturbed);
    for (const name of this.#model.names) {
      name.isOpen = false;
      name.moves += 1;
    }
    const what = meanwhile === undefined ? how : `${how}, and meanwhile ${meanwhile.kind}`;
    const act = async (): Promise<void> => (how === 'crash' ? this.#driver.crash?.(meanwhile) : this.#driver.reopen());
    const outcome = await this.#ask(what, act, () => {});
    await this.#calls.within(`what was under way before the ${how}`, this.#calls.all());
    await this.#followers.abandon();
    this.#hasFailed = false;
    if (outcome === 'done' && meanwhile === undefined) this.#isDisturbed = false;
    return outcome === 'done';
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
