// What is known of one stream from its creation to its deletion: every append that was attempted, in the order of the
// calls, and where each stands, as far as an answer or a read has told. Nothing is assumed of an append whose outcome
// is unknown, except that it is in its place or nowhere.
//
//   anchor 0   #1 count 2, acknowledged [0, 2)   #2 count 3, unknown   #3 count 1, called after #2 had failed
//              → #3 stands at 2 or at 5; had #2 not failed yet when #3 was called: at 5
//
// Invariants: a place once known is never another one; a recovery decides all that was undecided, for ever.
import type { LogBatch, LogRange, LogReadBatch } from './log-driver.ts';
import { hold, LogViolation, type LogProperty } from './log-violation.ts';

/** One batch that somebody wanted to append. */
export interface LogAttempt extends LogBatch {
  readonly history: LogHistory;
  /** Its place among the attempts of its stream. */
  readonly order: number;
  readonly label: string;
  readonly calledAt: number;
  answeredAt: number;
  status: 'pending' | 'acknowledged' | 'refused' | 'unknown';
  /** Where it stands, once that is known. */
  startOffset: number | undefined;
  /** All tries of the same append, this one among them: one at most may stand. */
  readonly tries: LogAttempt[];
  /** The promise that is broken if it stands where it must not. */
  about: LogProperty | undefined;
}

/** What an attempt begins with. */
export interface LogAttemptFacts extends LogBatch {
  readonly label: string;
  /** When it is called, in ticks of the model. */
  readonly tick: number;
}

/** What was known when a call was made: no answer may be behind it. */
export interface LogKnowledge {
  readonly startOffset: number;
  readonly endOffset: number;
}

/** One stream, as far as it is known: made by `LogModel.newHistory`. Told what cannot be, it throws a LogViolation. */
export class LogHistory {
  readonly name: string;
  /** Which stream of that name, from 1. */
  readonly generation: number;
  readonly #attempts: LogAttempt[] = [];
  /** Everything before this attempt is decided; the next one stands at this offset. */
  #anchor = { order: 0, offset: 0 };
  #startOffset = 0;
  #endOffset = 0;
  #registeredEnd = 0;
  /** Trims that are under way, or whose outcome is unknown. */
  readonly #openTrims = new Map<number, number>();
  #trims = 0;

  constructor(name: string, generation: number) {
    this.name = name;
    this.generation = generation;
  }

  /** What is certain now: the start is at least, the end at least this. */
  get known(): LogKnowledge {
    return { startOffset: this.#startOffset, endOffset: this.#endOffset };
  }

  /** The furthest that the start can be. */
  get startMax(): number {
    return Math.max(this.#startOffset, ...this.#openTrims.values());
  }

  /** The end if everything that may be there is there. */
  get endMax(): number {
    let end = this.#anchor.offset;
    for (const { status, startOffset, count } of this.#attempts.slice(this.#anchor.order)) {
      if (startOffset !== undefined) end = startOffset + count;
      else if (status !== 'refused') end += count;
    }
    return Math.max(end, this.#endOffset);
  }

  /** Whether there are appends of which nobody knows whether they happened. */
  get isInDoubt(): boolean {
    return this.#undecided().some(({ status }) => status === 'unknown');
  }

  /** An append is called; or called again, if `again` is the last try. */
  attempt(facts: LogAttemptFacts, again?: LogAttempt): LogAttempt {
    const attempt = this.#newAttempt(facts, again?.tries ?? []);
    attempt.tries.push(attempt);
    this.#attempts.push(attempt);
    if (again !== undefined) attempt.about = 'once';
    return attempt;
  }

  /** An append by somebody who has lost the log: it must not be seen, whatever is answered. */
  attemptByUsurped(facts: LogAttemptFacts): LogAttempt {
    const attempt = this.#newAttempt(facts, []);
    attempt.tries.push(attempt);
    return Object.assign(attempt, { status: 'refused', about: 'fenced' } as const);
  }

  /** The append was acknowledged. */
  acknowledge(attempts: readonly LogAttempt[], range: LogRange, tick: number): void {
    let at = range.startOffset;
    for (const attempt of attempts) {
      const standing = this.#place(attempt, at);
      Object.assign(attempt, { status: 'refused', answeredAt: tick }); // A try that another one stands for.
      standing.status = 'acknowledged';
      standing.answeredAt = tick;
      at += attempt.count;
    }
    const labels = attempts.map(({ label }) => label).join(', ');
    hold(at === range.endOffset, 'offsets', () => `${labels} got [${range.startOffset}, ${range.endOffset})`);
  }

  /** The append was refused: it must not be seen, now or later. */
  refuse(attempts: readonly LogAttempt[], tick: number): void {
    for (const attempt of attempts) {
      const { about, label } = attempt;
      hold(attempt.startOffset === undefined, about ?? 'refused', () => `${label} was refused, and was read`);
      attempt.status = 'refused';
      attempt.answeredAt = tick;
    }
  }

  /** The append failed, and may have happened. */
  doubt(attempts: readonly LogAttempt[], tick: number): void {
    for (const attempt of attempts) {
      const isElsewhere = attempt.tries.some((other) => other !== attempt && other.startOffset !== undefined);
      Object.assign(attempt, { status: isElsewhere ? 'refused' : 'unknown', answeredAt: tick });
    }
  }

  /** A trim has been called; gives its number for `trimmed`. */
  trim(startOffset: number): number {
    this.#trims += 1;
    this.#openTrims.set(this.#trims, startOffset);
    return this.#trims;
  }

  /** A trim has been answered. Of one with an unknown outcome nothing is said here. */
  trimmed(trim: number, outcome: 'done' | 'refused'): void {
    const startOffset = this.#openTrims.get(trim) ?? 0;
    this.#openTrims.delete(trim);
    if (outcome === 'refused') return;
    hold(startOffset <= this.endMax, 'sensible', () => `${this.name} was trimmed to ${startOffset}, beyond its end`);
    this.#startOffset = Math.max(this.#startOffset, startOffset);
    this.#endOffset = Math.max(this.#endOffset, startOffset);
  }

  /** Somebody was told what can be read. `before` is what was known when they asked. */
  observeRange({ startOffset, endOffset }: LogRange, before: LogKnowledge): void {
    const { name } = this;
    const shown = `[${startOffset}, ${endOffset})`;
    hold(startOffset <= endOffset, 'sensible', () => `the range of ${name} is ${shown}`);
    hold(startOffset >= before.startOffset, 'trimmed', () => `${name} is ${shown}, trimmed to ${before.startOffset}`);
    const trims = [...this.#openTrims.values()];
    const isTrim = startOffset === before.startOffset || startOffset === this.#startOffset;
    const isBetween = startOffset > before.startOffset && startOffset < this.#startOffset;
    hold(isTrim || isBetween || trims.includes(startOffset), 'trimmed', () => {
      return `${name} starts at ${startOffset}; it was trimmed to ${this.#startOffset}`;
    });
    if (endOffset < before.endOffset) {
      const lost = this.#attempts.find((attempt) => endOf(attempt) > endOffset && attempt.status === 'acknowledged');
      const what = `${name} ends at ${endOffset}, and ended at ${before.endOffset}`;
      if (lost !== undefined) throw new LogViolation('durable', `${what}: ${lost.label} is lost`);
      throw new LogViolation('monotonic', what);
    }
    hold(endOffset <= this.endMax, 'offsets', () => `${name} ends at ${endOffset}; all appends end at ${this.endMax}`);
    this.#startOffset = Math.max(this.#startOffset, startOffset);
    this.#endOffset = Math.max(this.#endOffset, endOffset);
  }

  /** A batch was read. `named` is whom its bytes name. */
  observe(named: LogAttempt, batch: LogReadBatch): void {
    const { startOffset, endOffset, count } = batch;
    const attempt = this.#tryAt(named, startOffset);
    const { about, label } = attempt;
    const shown = `${label} at [${startOffset}, ${endOffset})`;
    hold(attempt.status !== 'refused', about ?? 'refused', () => `${shown} was refused, and was read`);
    const isWhole = endOffset - startOffset === count && count === attempt.count;
    hold(isWhole, 'offsets', () => `${shown} was appended with ${attempt.count} records, and has ${count}`);
    const standing = this.#attempts.find((other) => other.startOffset === startOffset);
    if (standing !== undefined && standing !== attempt) {
      const property = standing.status === 'acknowledged' ? 'durable' : 'oneHistory';
      throw new LogViolation(property, `${standing.label} stood at ${startOffset}; what was read there is ${shown}`);
    }
    this.#place(attempt, startOffset);
    this.#endOffset = Math.max(this.#endOffset, endOffset);
  }

  /** Somebody was told the registered end, and afterwards the end of what is durable. */
  observeRegistered(registeredEnd: number, durableEnd: number): void {
    const { name } = this;
    hold(registeredEnd <= durableEnd, 'monotonic', () => {
      return `${name} is registered to ${registeredEnd}, and durable to ${durableEnd}`;
    });
    hold(registeredEnd >= this.#registeredEnd, 'monotonic', () => {
      return `${name} is registered to ${registeredEnd}, and was to ${this.#registeredEnd}`;
    });
    this.#registeredEnd = registeredEnd;
  }

  /** A look-up by time that was called at `calledAt` gave `found`. */
  observeLookUp(timestamp: number, calledAt: number, before: LogKnowledge, found: number | undefined): void {
    const shown = `${this.name} looked up by time ${timestamp} gave ${found ?? 'nothing'}`;
    const late = this.#attempts.filter((one) => one.timestamp !== undefined && one.timestamp >= timestamp);
    const starts = [before.startOffset, this.startMax];
    const isThere = late.some((attempt) => {
      if (found === undefined || attempt.status === 'refused') return false;
      const { startOffset, count } = attempt;
      const possible = startOffset === undefined ? [...this.#possibleStarts(attempt)] : [startOffset];
      return possible.some((at) => {
        const isReadable = at + count > before.startOffset;
        const isCut = starts.some((start) => start === found && at < start && start < at + count);
        return isReadable && (at === found || isCut);
      });
    });
    hold(found === undefined || isThere, 'timely', () => `${shown}, where no batch of such a time begins`);
    const missed = late.find(({ status, answeredAt, startOffset = 0, count }) => {
      const isKnown = status === 'acknowledged' && answeredAt < calledAt && startOffset + count > this.startMax;
      return isKnown && startOffset + count <= (found ?? Infinity); // One that is cut by the start may begin there.
    });
    hold(missed === undefined, 'timely', () => `${shown}; ${missed?.label}, of ${missed?.timestamp}, was there before`);
  }

  /** After a recovery, and with everything read: what was not there never will be. */
  decide({ startOffset, endOffset }: LogRange): void {
    this.#anchor = { order: this.#attempts.length, offset: endOffset };
    this.#startOffset = startOffset;
    this.#endOffset = endOffset;
    this.#openTrims.clear();
  }

  #newAttempt({ tick, ...facts }: LogAttemptFacts, tries: LogAttempt[]): LogAttempt {
    const { length: order } = this.#attempts;
    return {
      ...{ ...facts, history: this, order, tries, calledAt: tick, answeredAt: Infinity },
      ...{ status: 'pending', startOffset: undefined, about: undefined },
    };
  }

  /** Of the tries of an append the one that stands at an offset, or that may. */
  #tryAt(attempt: LogAttempt, startOffset: number): LogAttempt {
    const { tries } = attempt;
    if (tries.length < 2) return attempt;
    const may = ({ status, order }: LogAttempt): boolean => status !== 'refused' && order >= this.#anchor.order;
    return (
      tries.find((one) => one.startOffset !== undefined) ??
      tries.find((one) => may(one) && this.#possibleStarts(one).has(startOffset)) ??
      attempt
    );
  }

  #place(named: LogAttempt, startOffset: number): LogAttempt {
    const attempt = this.#tryAt(named, startOffset);
    const { label, order, tries } = attempt;
    const about = tries.at(-1)?.about;
    if (attempt.startOffset !== undefined) {
      const was = attempt.startOffset;
      hold(was === startOffset, about ?? 'offsets', () => `${label} stands at ${was}, and at ${startOffset}`);
      return attempt;
    }
    hold(order >= this.#anchor.order || startOffset < this.#startOffset, about ?? 'oneHistory', () => {
      return `${label} stands at ${startOffset}; the history after the recovery was fixed without it`;
    });
    const possible = this.#possibleStarts(attempt);
    hold(possible.has(startOffset), about ?? 'offsets', () => {
      return `${label} stands at ${startOffset}; after all before it, it can stand at ${[...possible].join(' or ')}`;
    });
    const next = this.#attempts.find((other) => other.order > order && other.startOffset !== undefined);
    hold(startOffset + attempt.count <= (next?.startOffset ?? Infinity), about ?? 'offsets', () => {
      return `${label} at ${startOffset} lies over ${next?.label} at ${next?.startOffset}`;
    });
    attempt.startOffset = startOffset;
    for (const other of tries) if (other !== attempt) other.status = 'refused'; // They have come to nothing.
    this.#endOffset = Math.max(this.#endOffset, startOffset + attempt.count);
    return attempt;
  }

  /** Where an attempt can stand, given those before it. One that had failed when this was called may be nowhere. */
  #possibleStarts({ order, calledAt }: LogAttempt): ReadonlySet<number> {
    let starts = new Set([this.#anchor.offset]);
    for (const before of this.#attempts.slice(this.#anchor.order, order)) {
      if (before.status === 'refused') continue;
      if (before.startOffset !== undefined) starts = new Set([endOf(before)]);
      else {
        const after = [...starts].map((start) => start + before.count);
        const isRetry = before.tries[0] !== before;
        const mayBeNowhere = isRetry || (before.status === 'unknown' && before.answeredAt < calledAt);
        starts = new Set(mayBeNowhere ? [...starts, ...after] : after);
      }
    }
    return starts;
  }

  #undecided(): readonly LogAttempt[] {
    const undecided = this.#attempts.slice(this.#anchor.order);
    return undecided.filter(({ status, startOffset }) => status !== 'refused' && startOffset === undefined);
  }
}

function endOf({ startOffset, count }: LogAttempt): number {
  return startOffset === undefined ? 0 : startOffset + count;
}
