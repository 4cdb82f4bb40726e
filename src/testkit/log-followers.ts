// Those who follow a stream in a script: each must be given all of the history from where it began, once and in order,
// and may end only for a reason.
import type { LogDriver } from './log-driver.ts';
import { failureOf, type LogCalls } from './log-calls.ts';
import type { LogModel, LogName } from './log-model.ts';
import type { LogHistory } from './log-history.ts';
import { hold, LogViolation } from './log-violation.ts';

type BatchIterator = ReturnType<NonNullable<LogDriver['follow']>>;

interface Follower {
  readonly label: string;
  readonly name: string;
  readonly history: LogHistory;
  readonly iterator: BatchIterator;
  readonly from: number;
  position: number;
  hasBegun: boolean;
  hasEnded: boolean;
  /** Whether it may end now: the stream was closed or deleted, the log ended, or it was asked to. */
  readonly mayEnd: () => boolean;
  hasLeft: boolean;
  /** Settles when it has ended. */
  pump: Promise<void>;
  readonly waiting: { readonly offset: number; readonly resolve: () => void }[];
}

export class LogFollowers {
  readonly #calls: LogCalls;
  readonly #model: LogModel;
  #followers: Follower[] = [];
  #count = 0;

  constructor(calls: LogCalls, model: LogModel) {
    this.#calls = calls;
    this.#model = model;
  }

  /** Somebody follows a stream from an offset on. */
  add(name: LogName, history: LogHistory, from: number, iterator: BatchIterator, mayEnd: () => boolean): void {
    this.#count += 1;
    const label = `follower ${this.#count} of ${name.name} from ${from}`;
    const follower: Follower = {
      ...{ label, name: name.name, history, iterator, from, position: from, mayEnd },
      ...{ hasBegun: false, hasEnded: false, hasLeft: false, pump: Promise.resolve(), waiting: [] },
    };
    this.#followers.push(follower);
    follower.pump = this.#pump(follower);
  }

  /** Whether anybody follows. */
  get areThere(): boolean {
    return this.#followers.some(({ hasEnded }) => !hasEnded);
  }

  /** The oldest follower of a stream stops. */
  async leave(name: string): Promise<void> {
    const follower = this.#followers.find((candidate) => candidate.name === name && !candidate.hasEnded);
    if (follower === undefined) return;
    follower.hasLeft = true;
    await this.#calls.within(`leaving ${follower.label}`, () => follower.iterator.return?.());
    this.#calls.note(`${follower.label} left at ${follower.position}`);
    this.#end(follower);
  }

  /** Waits until everybody has what is durable now. */
  async catchUp(): Promise<void> {
    for (const follower of this.#followers) {
      const { endOffset } = follower.history.known;
      if (follower.hasEnded || follower.position >= endOffset) continue;
      const reached = new Promise<void>((resolve) => follower.waiting.push({ offset: endOffset, resolve }));
      try {
        await this.#calls.within(`${follower.label}, waiting for ${endOffset}`, () => reached);
      } catch (cause) {
        const { label, position } = follower;
        throw new LogViolation('followed', `${label} stands at ${position}; ${endOffset} is durable`, cause);
      }
      this.#calls.check();
    }
  }

  /** Everybody leaves; the log they followed is gone. */
  async abandon(): Promise<void> {
    const followers = this.#followers;
    this.#followers = [];
    for (const follower of followers) {
      follower.hasLeft = true;
      this.#end(follower);
    }
    const leaving = followers.map(({ iterator, label }) =>
      this.#calls.within(`leaving ${label}`, async () => iterator.return?.()).catch(onlyViolation),
    );
    await Promise.all(leaving);
  }

  /** The log was closed: whoever waits for more is told. */
  async allEnd(): Promise<void> {
    for (const { label, pump } of this.#followers) {
      await this.#calls.within(`${label}, waiting while the log is closed`, () => pump, 'settles');
    }
    this.#calls.check();
  }

  async #pump(follower: Follower): Promise<void> {
    const { label, iterator, history } = follower;
    try {
      for (;;) {
        this.#calls.count += 1;
        const { done, value } = await iterator.next();
        if (follower.hasLeft) return;
        if (done === true) break;
        this.#take(follower, value);
      }
      this.#calls.note(`${label} ended at ${follower.position}`);
      this.#judgeEnd(follower, 'ended');
    } catch (cause) {
      if (follower.hasLeft && !(cause instanceof LogViolation)) return;
      if (cause instanceof LogViolation) this.#calls.violation ??= cause;
      else {
        const { code } = failureOf(cause);
        this.#calls.note(`${label} ended at ${follower.position} → ${code}`);
        const isTrimmed = code === 'OFFSET_OUT_OF_RANGE' && follower.position < history.startMax;
        if (!isTrimmed) this.#judgeEnd(follower, `threw ${cause instanceof Error ? cause.stack : String(cause)}`);
      }
    } finally {
      this.#end(follower);
    }
  }

  #take(follower: Follower, batch: Awaited<ReturnType<BatchIterator['next']>>['value']): void {
    const { label, position, history, hasBegun } = follower;
    const { startOffset, endOffset } = batch as { startOffset: number; endOffset: number };
    const isNext = hasBegun ? startOffset === position : startOffset <= position && position < endOffset;
    hold(isNext, 'followed', () => `${label} stood at ${position} and was given [${startOffset}, ${endOffset})`);
    this.#model.observe(history, batch);
    follower.hasBegun = true;
    follower.position = endOffset;
    for (const { offset, resolve } of follower.waiting) if (offset <= endOffset) resolve();
  }

  #judgeEnd({ label, position, mayEnd }: Follower, how: string): void {
    if (mayEnd()) return;
    this.#calls.violation ??= new LogViolation(
      'followed',
      `${label} stood at ${position} and ${how}, without a reason`,
    );
  }

  #end(follower: Follower): void {
    follower.hasEnded = true;
    for (const { resolve } of follower.waiting) resolve();
  }
}

function onlyViolation(cause: unknown): void {
  if (cause instanceof LogViolation) throw cause;
}
