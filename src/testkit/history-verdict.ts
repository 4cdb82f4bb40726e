// What can be wrong with a history, and how a finding is told. At most so many findings of a kind are kept: the first
// ones say what is wrong, and a log that loses everything would fill the memory.
import type { HistoryOperation, HistorySeen } from './history.ts';

/** What checkHistory can find: what was promised, by its number among the properties, and how it was broken. */
export const historyVerdicts = {
  lost: 'P1 what was acknowledged or seen can be read; it was missing, and no later read shows it',
  stale: 'P3 a read that may not lag shows all that was acknowledged or seen before it; it did not, a later one does',
  duplicated: 'P7 a batch is in one place, however often its append was tried; it is in two',
  overwritten: 'P2 each offset is given once; two batches have it',
  reordered: 'P3 what was appended later stands later; it stands before',
  resurrected: 'P9, P10 what was trimmed or deleted is gone for ever; it was there',
  torn: 'P4 a batch is read whole, as it was appended; it was not',
  'aborted-read': 'P16 an append that failed without effect is never seen; it was',
  phantom: 'P3 only what was appended to a stream is read from it; there was something else',
  gap: 'P2 offsets are contiguous, and a read begins with the batch that holds its offset; it left something out',
  'non-monotonic': 'P6 neither start nor end goes back; for one client it did',
  misplaced: 'P2 a batch stands where its acknowledgement says; it was seen elsewhere',
  misdated: 'P15 a look-up by time finds the first batch that is not older; it did not',
  'trimmed-early': 'P9 nothing goes without a trim; the stream begins above all trims',
  unanswered: 'P5 every call is answered; this one never was',
} as const;

/** The short name of something that is wrong. */
export type HistoryVerdict = keyof typeof historyVerdicts;

/** An operation of a history and where in the history it is. */
export interface HistoryEntry<T extends HistoryOperation = HistoryOperation> {
  readonly index: number;
  readonly operation: T;
}

/** Something that is wrong, and the operations that show it, in the order of their calls. */
export interface HistoryFinding {
  readonly verdict: HistoryVerdict;
  readonly message: string;
  readonly operations: readonly HistoryEntry[];
}

/** How many findings of a kind are kept. */
const findingsOfAKindMax = 20;

/** The findings so far. */
export class FindingList {
  readonly #kinds = new Map<HistoryVerdict, HistoryFinding[]>();

  /** Whether no more findings of this kind are kept, so that nobody needs to look for them. */
  isFull(verdict: HistoryVerdict): boolean {
    return (this.#kinds.get(verdict)?.length ?? 0) >= findingsOfAKindMax;
  }

  add(verdict: HistoryVerdict, message: string, ...entries: readonly HistoryEntry[]): void {
    if (this.isFull(verdict)) return;
    const byCall = [...new Map(entries.map((entry) => [entry.index, entry])).values()].toSorted(compareCalls);
    const operations = byCall.map(({ index, operation }) => ({ index, operation }));
    const found = this.#kinds.get(verdict) ?? [];
    this.#kinds.set(verdict, found);
    found.push({ verdict, message, operations });
  }

  /** All of them: in the order of the verdicts, those of a kind in the order in which they were found. */
  list(): readonly HistoryFinding[] {
    const verdicts = Object.keys(historyVerdicts) as HistoryVerdict[];
    return verdicts.flatMap((verdict) => this.#kinds.get(verdict) ?? []);
  }
}

function compareCalls(a: HistoryEntry, b: HistoryEntry): number {
  return a.operation.calledAt - b.operation.calledAt || a.index - b.index;
}

/** An operation as a line: when, who, what, and what came of it. */
export function describeHistoryOperation(operation: HistoryOperation): string {
  const { client, stream, calledAt, answeredAt } = operation;
  const when = `${calledAt}..${answeredAt ?? 'never'}`;
  return `${when} ${client}: ${operation.do} ${stream} ${describeAnswer(operation)}`;
}

function describeAnswer(operation: HistoryOperation): string {
  switch (operation.do) {
    case 'append': {
      const { batches, outcome, startOffset, endOffset } = operation;
      const what = listed(batches.map(({ id, count }) => (count === 1 ? id : `${id} (${count} records)`)));
      return `${what}: ${outcome === 'ok' ? `at [${startOffset}, ${endOffset})` : outcome}`;
    }
    case 'read': {
      const { from, seen, startOffset, endOffset, mayLag = false, answeredAt } = operation;
      const asked = `from ${from}${mayLag ? ', may lag' : ''}`;
      if (answeredAt === undefined) return asked;
      return `${asked}: of [${startOffset}, ${endOffset}) ${listed(seen.map(describeSeen))}`;
    }
    case 'trim':
      return `to ${operation.startOffset}: ${operation.outcome}`;
    case 'delete':
      return operation.outcome;
    case 'look-up':
      return `time ${operation.timestamp}: ${operation.offset ?? 'none'}`;
    case 'give-up':
      return `from ${operation.from}`;
  }
}

/** What was seen, as text. */
export function describeSeen({ id, startOffset, endOffset, isWhole }: HistorySeen): string {
  return `${id} at [${startOffset}, ${endOffset})${isWhole ? '' : ', not whole'}`;
}

/** A long list is cut: a line is to be read. */
function listed(items: readonly string[]): string {
  if (items.length === 0) return 'nothing';
  const shownMax = 8;
  if (items.length <= shownMax) return items.join(', ');
  return `${items.slice(0, shownMax).join(', ')} and ${items.length - shownMax} more`;
}
