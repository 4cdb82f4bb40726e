// Look-ups by time, against the batches whose places are known: the answer is the first of them that is not older than
// what was asked for, unless a trim may have taken it.
import type { Certainty } from './history-batches.ts';
import { FirstAtLeast, firstReached } from './first-at-least.ts';
import type { CertainRow } from './history-losses.ts';
import { answerTime } from './history-facts.ts';
import type { Place, StreamHistory } from './history-stream.ts';
import type { FindingList, HistoryEntry } from './history-verdict.ts';
import type { HistoryLookUp } from './history.ts';

type LookUpEntry = HistoryEntry<HistoryLookUp>;

/** Judges the look-ups of a stream. */
export function checkLookUps(stream: StreamHistory, rows: readonly CertainRow[], findings: FindingList): void {
  if (stream.lookUps.length === 0) return;
  for (const row of rows) checkAgainstRow(stream, row, findings);
  checkAnswers(stream, findings);
}

/** What is certain when a look-up is called, and new enough, is not passed over. */
function checkAgainstRow(stream: StreamHistory, { lapsesAt, byEnd }: CertainRow, findings: FindingList): void {
  const { facts, name } = stream;
  const indexes = [...byEnd.keys()].sort((a, b) => (byEnd[a]?.since ?? 0) - (byEnd[b]?.since ?? 0));
  const certain = new FirstAtLeast(byEnd.map(() => -Infinity));
  const all = new FirstAtLeast(byEnd.map(({ place }) => place.batch.timestamp ?? -Infinity));
  let next = 0;
  // With nothing given up, what is certain later counts too; there is one row then.
  const first = facts.hasGiveUps ? (byEnd[indexes[0] ?? 0]?.since ?? 0) : -Infinity;
  const begin = firstReached(stream.lookUps, ({ operation }) => operation.calledAt >= first);
  const end = firstReached(stream.lookUps, ({ operation }) => operation.calledAt >= lapsesAt);
  for (const lookUp of stream.lookUps.slice(begin, Math.max(begin, end))) {
    const { calledAt, offset = Infinity, timestamp, mayLag = false } = lookUp.operation;
    const answeredAt = answerTime(lookUp);
    for (; next < indexes.length; next++) {
      const index = indexes[next] ?? 0;
      const certainty = byEnd[index];
      if (certainty === undefined || certainty.since > calledAt) break;
      certain.set(index, certainty.place.batch.timestamp ?? -Infinity);
    }
    if (lapsesAt <= answeredAt || facts.deleteCalledBy(answeredAt) !== undefined) continue;
    const gone = facts.trimCalledBy(answeredAt)?.operation.startOffset ?? 0;
    const from = firstReached(byEnd, ({ place }) => place.startOffset >= gone);
    // Whoever gives an offset has everything before it, unless what stood there has been given up since; whoever may
    // not lag has all that is certain.
    const hasBefore = offset !== Infinity && !facts.hasGiveUps;
    const tree = hasBefore ? all : certain;
    const passed = mayLag && !hasBefore ? undefined : byEnd[tree.first(from, timestamp)];
    if (passed !== undefined && passed.place.startOffset < offset) tell(lookUp, passed);
  }

  function tell(lookUp: LookUpEntry, { place, witness }: Certainty): void {
    const { timestamp, offset } = lookUp.operation;
    const answer = offset === undefined ? 'found nothing' : `found offset ${offset}`;
    findings.add(
      'misdated',
      `time ${timestamp} in ${name} ${answer}, and passed over ${dated(place)}`,
      witness,
      lookUp,
    );
  }
}

/** The batch at the offset that was found is not older, and begins there. */
function checkAnswers(stream: StreamHistory, findings: FindingList): void {
  const { facts, name, batches, lookUps } = stream;
  const places = batches.flatMap((batch) => batch.places).sort((a, b) => a.endOffset - b.endOffset);
  for (const lookUp of lookUps) {
    const { timestamp, offset } = lookUp.operation;
    if (offset === undefined) continue;
    const answeredAt = answerTime(lookUp);
    const found = `time ${timestamp} in ${name} found offset ${offset}`;
    const recordsMax = facts.recordsBy(answeredAt);
    if (offset >= recordsMax) {
      findings.add('misdated', `${found}; all appends until then have ${recordsMax} records`, lookUp);
      continue;
    }
    const place = places[firstReached(places, ({ endOffset }) => endOffset > offset)];
    // With things given up, another batch may have stood there.
    if (place === undefined || place.startOffset > offset || facts.hasGiveUps) continue;
    // A batch of which a part is trimmed begins where that trim, or one before it, has put the start.
    const trimmedTo = facts.trimCalledBy(answeredAt)?.operation.startOffset ?? 0;
    const isBeginning = offset === place.startOffset || offset <= trimmedTo;
    const isOlder = place.batch.timestamp !== undefined && place.batch.timestamp < timestamp;
    if (!isOlder && isBeginning) continue;
    findings.add('misdated', `${found}; there is ${dated(place)}`, place.witness, lookUp);
  }
}

function dated({ batch, startOffset, endOffset }: Place): string {
  return `${batch.id} at [${startOffset}, ${endOffset}), of time ${batch.timestamp ?? 'unknown'}`;
}
