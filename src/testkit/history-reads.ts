// What each read says by itself: whether what was seen is what somebody appended, joins, begins where it should, and
// may still or already be there. What is credible of it gives batches their places.
import { placeAt, type Certainty } from './history-batches.ts';
import { answerTime } from './history-facts.ts';
import type { StreamHistory, TrackedBatch } from './history-stream.ts';
import { describeSeen, type FindingList, type HistoryEntry } from './history-verdict.ts';
import type { HistoryRead, HistorySeen } from './history.ts';

type ReadEntry = HistoryEntry<HistoryRead>;

/** Judges all reads of a stream, each by itself; gives what is certain by them. */
export function checkReads(
  stream: StreamHistory,
  batches: ReadonlyMap<string, TrackedBatch>,
  findings: FindingList,
): readonly Certainty[] {
  const certainties: Certainty[] = [];
  for (const read of stream.reads.toSorted((a, b) => answerTime(a) - answerTime(b))) {
    checkContiguous(stream, read, findings);
    checkRange(stream, read, findings);
    for (const seen of read.operation.seen) {
      const batch = batches.get(seen.id);
      if (!isCredible(stream, read, { seen, batch }, findings) || batch === undefined) continue;
      const certainty = sighted(stream, read, { seen, batch });
      if (certainty !== undefined) certainties.push(certainty);
    }
  }
  return certainties;
}

/** Writes down where a batch was seen. It is certain from then on, unless the reader may be ahead of others. */
function sighted(
  { facts }: StreamHistory,
  read: ReadEntry,
  { seen, batch }: { readonly seen: HistorySeen; readonly batch: TrackedBatch },
): Certainty | undefined {
  const place = placeAt(batch, seen.startOffset, read);
  if (place === undefined) return undefined;
  const { calledAt, mayLag = false } = read.operation;
  place.lastShownAt = Math.max(place.lastShownAt, calledAt);
  place.sighting ??= read;
  // A follower may see what is durable before its own writer knows that it is: others need not show it at once.
  if (mayLag || facts.isGivingUp(calledAt)) return undefined;
  const lapsesAt = facts.givenUp(place.endOffset, calledAt)?.operation.calledAt ?? Infinity;
  if (place.certainUntil === lapsesAt) return undefined;
  place.certainUntil = lapsesAt;
  return { place, since: answerTime(read), lapsesAt, witness: read };
}

function checkContiguous({ name, facts }: StreamHistory, read: ReadEntry, findings: FindingList): void {
  const { from, seen, startOffset, endOffset } = read.operation;
  const [first] = seen;
  if (startOffset > endOffset) {
    findings.add('gap', `${name} was told to be [${startOffset}, ${endOffset}), which is no range`, read);
  }
  if (first === undefined) {
    const isDeleted = facts.deleteCalledBy(answerTime(read)) !== undefined;
    if (from >= startOffset && from < endOffset && !isDeleted) {
      const range = `[${startOffset}, ${endOffset})`;
      findings.add('gap', `a read of ${name} from ${from} gave nothing, though ${range} could be read`, read);
    }
    return;
  }
  // Below the start, the read raced with a trim: it may begin at what was asked, or at what is left.
  const begins = [from, Math.max(from, startOffset)];
  if (!begins.some((offset) => first.startOffset <= offset && offset < first.endOffset)) {
    findings.add('gap', `a read of ${name} from ${from} began with ${describeSeen(first)}`, read);
  }
  for (let i = 1; i < seen.length; i++) {
    const [before, after] = [seen[i - 1], seen[i]];
    if (before === undefined || after === undefined || before.endOffset === after.startOffset) continue;
    const pair = `${describeSeen(before)} is followed by ${describeSeen(after)}`;
    return findings.add('gap', `in a read of ${name} ${pair}`, read);
  }
}

/** The range that was told, against deletions, trims and all that was appended. */
function checkRange({ name, facts }: StreamHistory, read: ReadEntry, findings: FindingList): void {
  const { startOffset, endOffset, calledAt, seen, mayLag = false } = read.operation;
  const answeredAt = answerTime(read);
  const told = `${name} was told to be [${startOffset}, ${endOffset})`;
  const deleted = facts.deletedBy(calledAt);
  if (deleted !== undefined) {
    if (!mayLag && (startOffset < endOffset || seen.length > 0)) {
      findings.add('resurrected', `${told} after it had been deleted`, deleted, read);
    }
    return;
  }
  const trimmed = facts.trimmedBy(calledAt);
  const trimmedTo = trimmed?.operation.startOffset ?? 0;
  if (trimmed !== undefined && !mayLag) {
    const below = seen.find((batch) => batch.endOffset <= trimmedTo);
    if (below !== undefined) {
      findings.add(
        'resurrected',
        `${describeSeen(below)} of ${name}, trimmed to ${trimmedTo}, was seen`,
        trimmed,
        read,
      );
    } else if (startOffset < trimmedTo) {
      findings.add('resurrected', `${told} after it had been trimmed to ${trimmedTo}`, trimmed, read);
    }
  }
  if (facts.deleteCalledBy(answeredAt) !== undefined) return;
  const called = facts.trimCalledBy(answeredAt);
  const startMax = Math.max(called?.operation.startOffset ?? 0, 0);
  if (startOffset > startMax) {
    const trims = called === undefined ? 'no trim had been called' : `the highest trim was to ${startMax}`;
    findings.add('trimmed-early', `${told}; ${trims}`, ...(called === undefined ? [] : [called]), read);
  }
  const recordsMax = facts.recordsBy(answeredAt);
  if (endOffset > recordsMax) {
    findings.add('gap', `${told}, though all appends until then have ${recordsMax} records`, read);
  }
}

/** Whether this can be the batch that its bytes name: whole, appended to this stream, not before it was called. */
function isCredible(
  { name }: StreamHistory,
  read: ReadEntry,
  { seen, batch }: { readonly seen: HistorySeen; readonly batch: TrackedBatch | undefined },
  findings: FindingList,
): boolean {
  const what = `${describeSeen(seen)} of ${name}`;
  const [appended] = batch?.tries ?? [];
  if (!seen.isWhole) {
    findings.add('torn', `${what} is not what was appended`, ...(appended === undefined ? [] : [appended]), read);
    return false;
  }
  if (batch === undefined || appended === undefined) {
    findings.add('phantom', `${what} was appended by nobody`, read);
    return false;
  }
  if (batch.stream.name !== name) {
    const deleted = batch.stream.facts.deleteCalledBy(answerTime(read));
    if (deleted === undefined) {
      findings.add('phantom', `${what} was appended to ${batch.stream.name}`, appended, read);
    } else {
      findings.add('resurrected', `${what} is of ${batch.stream.name}, which was deleted`, appended, deleted, read);
    }
    return false;
  }
  if (batch.firstCalledAt > answerTime(read)) {
    if (appended.operation.calledAt > answerTime(read)) {
      findings.add('phantom', `${what} was seen before its append was called`, appended, read);
    } else findings.add('aborted-read', `${what} was seen; its append failed without effect`, appended, read);
    return false;
  }
  if (seen.endOffset - seen.startOffset !== batch.count) {
    const records = `${seen.endOffset - seen.startOffset} records, and was appended with ${batch.count}`;
    findings.add('torn', `${what} has ${records}`, appended, read);
    return false;
  }
  return true;
}
