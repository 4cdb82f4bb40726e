// What the operations of a stream say about any moment: how far it was trimmed, whether it was deleted, what was given
// up, how many records there can be at most. Each is told in logarithmic time.
import { FirstAtLeast, firstReached } from './first-at-least.ts';
import type { HistoryEntry } from './history-verdict.ts';
import type { HistoryCall, HistoryDelete, HistoryGiveUp, HistoryTrim } from './history.ts';

/** When an operation was called. */
export function callTime({ operation }: { readonly operation: HistoryCall }): number {
  return operation.calledAt;
}

/** When an operation was answered; for one that never was, after everything. */
export function answerTime({ operation }: { readonly operation: HistoryCall }): number {
  return operation.answeredAt ?? Infinity;
}

/** Of a stream, what its facts follow from. */
interface StreamOperations {
  readonly trims: readonly HistoryEntry<HistoryTrim>[];
  readonly deletes: readonly HistoryEntry<HistoryDelete>[];
  readonly giveUps: readonly HistoryEntry<HistoryGiveUp>[];
  readonly batches: readonly { readonly count: number; readonly firstCalledAt: number }[];
}

export class StreamFacts {
  /** Trims by when they were acknowledged, and by when they were called; deletions likewise. */
  readonly #trimmed: Maxima<HistoryEntry<HistoryTrim>>;
  readonly #trimCalls: Maxima<HistoryEntry<HistoryTrim>>;
  readonly #deleted: Maxima<HistoryEntry<HistoryDelete>>;
  readonly #deleteCalls: Maxima<HistoryEntry<HistoryDelete>>;
  readonly #giveUps: readonly HistoryEntry<HistoryGiveUp>[];
  readonly #giveUpFroms: FirstAtLeast;
  readonly #giveUpAnswers: Maxima<HistoryEntry<HistoryGiveUp>>;
  readonly #callTimes: readonly number[];
  readonly #recordSums: readonly number[];

  constructor({ trims, deletes, giveUps, batches }: StreamOperations) {
    const trimmed = trims.filter(({ operation }) => operation.outcome === 'ok');
    const trimCalls = trims.filter(({ operation }) => operation.outcome !== 'none');
    const deleted = deletes.filter(({ operation }) => operation.outcome === 'ok');
    const deleteCalls = deletes.filter(({ operation }) => operation.outcome !== 'none');
    this.#trimmed = new Maxima(trimmed, answerTime, ({ operation }) => operation.startOffset);
    this.#trimCalls = new Maxima(trimCalls, callTime, ({ operation }) => operation.startOffset);
    this.#deleted = new Maxima(deleted, answerTime, () => 0);
    this.#deleteCalls = new Maxima(deleteCalls, callTime, () => 0);
    this.#giveUps = giveUps.toSorted((a, b) => callTime(a) - callTime(b));
    this.#giveUpFroms = new FirstAtLeast(this.#giveUps.map(({ operation }) => -operation.from));
    this.#giveUpAnswers = new Maxima(giveUps, callTime, answerTime);
    const called = batches.filter(({ firstCalledAt }) => firstCalledAt !== Infinity);
    called.sort((a, b) => a.firstCalledAt - b.firstCalledAt);
    this.#callTimes = called.map(({ firstCalledAt }) => firstCalledAt);
    let sum = 0;
    this.#recordSums = called.map(({ count }) => (sum += count));
  }

  /** The trim with the highest offset among those that were acknowledged by then. */
  trimmedBy(time: number): HistoryEntry<HistoryTrim> | undefined {
    return this.#trimmed.by(time);
  }

  /** The trim with the highest offset among those that were called by then and may have happened. */
  trimCalledBy(time: number): HistoryEntry<HistoryTrim> | undefined {
    return this.#trimCalls.by(time);
  }

  /** A deletion that was acknowledged by then. */
  deletedBy(time: number): HistoryEntry<HistoryDelete> | undefined {
    return this.#deleted.by(time);
  }

  /** A deletion that was called by then and may have happened. */
  deleteCalledBy(time: number): HistoryEntry<HistoryDelete> | undefined {
    return this.#deleteCalls.by(time);
  }

  get hasGiveUps(): boolean {
    return this.#giveUps.length > 0;
  }

  /** The first giving up called at this time or later that includes the offset below `endOffset`. */
  givenUp(endOffset: number, since: number): HistoryEntry<HistoryGiveUp> | undefined {
    const from = firstReached(this.#giveUps, (entry) => callTime(entry) >= since);
    return this.#giveUps[this.#giveUpFroms.first(from, 1 - endOffset)];
  }

  /** Whether somebody was giving up just then, so that it is not known what is still there. */
  isGivingUp(time: number): boolean {
    const last = this.#giveUpAnswers.by(time);
    return last !== undefined && answerTime(last) > time;
  }

  /** Records of all batches whose append was called by then and may have happened. */
  recordsBy(time: number): number {
    const count = firstReached(this.#callTimes, (calledAt) => calledAt > time);
    return this.#recordSums[count - 1] ?? 0;
  }
}

/** Which item had the highest value so far, at any time. */
class Maxima<T> {
  readonly #times: readonly number[];
  readonly #best: readonly T[];

  constructor(items: readonly T[], timeOf: (item: T) => number, valueOf: (item: T) => number) {
    const sorted = items.toSorted((a, b) => timeOf(a) - timeOf(b));
    this.#times = sorted.map(timeOf);
    let best = sorted[0];
    this.#best = sorted.map((item) => {
      if (best === undefined || valueOf(item) > valueOf(best)) best = item;
      return best;
    });
  }

  /** The one with the highest value among those of this time or before. */
  by(time: number): T | undefined {
    return this.#best[firstReached(this.#times, (own) => own > time) - 1];
  }
}
