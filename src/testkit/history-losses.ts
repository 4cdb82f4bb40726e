// What was certain when a read was called, and is not in its answer: lost, or late. Only reads that may not lag are
// judged. Everything certain is in rows by offset, one for each moment at which something was given up.
import type { Certainty } from './history-batches.ts';
import { FirstAtLeast, firstReached } from './first-at-least.ts';
import { answerTime } from './history-facts.ts';
import type { Place, StreamHistory } from './history-stream.ts';
import type { FindingList, HistoryEntry } from './history-verdict.ts';
import type { HistoryRead } from './history.ts';

/** How many missing batches of one read are told. */
const missingOfAReadMax = 20;

/** Certainties that lapse together, by their end offsets. */
export interface CertainRow {
  readonly lapsesAt: number;
  readonly byEnd: readonly Certainty[];
}

export function rowsOf(certainties: readonly Certainty[]): readonly CertainRow[] {
  const rows = new Map<number, Certainty[]>();
  for (const certainty of certainties) {
    const row = rows.get(certainty.lapsesAt) ?? [];
    rows.set(certainty.lapsesAt, row);
    row.push(certainty);
  }
  return [...rows].map(([lapsesAt, row]) => {
    return { lapsesAt, byEnd: row.sort((a, b) => a.place.endOffset - b.place.endOffset) };
  });
}

/** Judges what is missing in the reads of a stream. */
export function checkLosses(stream: StreamHistory, rows: readonly CertainRow[], findings: FindingList): void {
  const trees = rows.map(({ byEnd, lapsesAt }) => {
    const begins = byEnd.reduce((first, { since }) => Math.min(first, since), Infinity);
    return { byEnd, lapsesAt, begins, sinces: new FirstAtLeast(byEnd.map(({ since }) => -since)) };
  });
  const told = { lost: new Set<Place>(), stale: new Set<Place>() };
  const { facts, name } = stream;

  for (const read of stream.reads) {
    if (findings.isFull('lost') && findings.isFull('stale')) return;
    const { mayLag = false, seen, startOffset, endOffset, calledAt } = read.operation;
    const answeredAt = answerTime(read);
    if (mayLag || facts.deleteCalledBy(answeredAt) !== undefined) continue;
    const ids = new Set(seen.map(({ id }) => id));
    // What is trimmed, or perhaps trimmed, may be missing.
    const gone = Math.max(startOffset, facts.trimCalledBy(answeredAt)?.operation.startOffset ?? 0);
    const [begin, end] = [seen[0]?.startOffset ?? Infinity, seen.at(-1)?.endOffset ?? -Infinity];
    for (const { lapsesAt, begins, byEnd, sinces } of trees) {
      if (lapsesAt <= answeredAt || begins > calledAt) continue;
      const missing = (above: number, until: number, looksMax: number): void => {
        let i = firstReached(byEnd, ({ place }) => place.endOffset > Math.max(above, gone));
        for (let looks = 0; looks < looksMax; looks++) {
          i = sinces.first(i, -calledAt);
          const certainty = byEnd[i];
          if (certainty === undefined || certainty.place.endOffset > until) return;
          if (!ids.has(certainty.place.batch.id)) tell(certainty, read);
          i += 1;
        }
      };
      missing(begin, end, seen.length + missingOfAReadMax);
      missing(Math.max(endOffset, end), Infinity, missingOfAReadMax);
    }
  }

  function tell({ place, witness }: Certainty, read: HistoryEntry<HistoryRead>): void {
    const { batch, startOffset, endOffset, lastShownAt } = place;
    const verdict = lastShownAt >= answerTime(read) ? 'stale' : 'lost';
    if (told[verdict].has(place)) return;
    told[verdict].add(place);
    const how = witness.operation.do === 'append' ? 'acknowledged' : 'seen';
    const end = read.operation.endOffset;
    const answer = endOffset > end ? `was told that ${name} ends at ${end}` : `passed over it`;
    const what = `${batch.id} at [${startOffset}, ${endOffset}) of ${name} had been ${how}`;
    findings.add(verdict, `${what} when a read was called that ${answer}`, witness, read);
  }
}
