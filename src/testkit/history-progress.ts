// Each client's reads of a stream, one after another: neither start nor end of what it is told goes back. The end may,
// to where somebody has given up.
import { answerTime } from './history-facts.ts';
import type { StreamHistory } from './history-stream.ts';
import type { FindingList, HistoryEntry } from './history-verdict.ts';
import type { HistoryRead } from './history.ts';

type ReadEntry = HistoryEntry<HistoryRead>;

/** Judges the ranges that clients were told. */
export function checkProgress(stream: StreamHistory, findings: FindingList): void {
  const clients = new Map<string, ReadEntry[]>();
  for (const read of stream.reads) {
    if (stream.facts.deleteCalledBy(answerTime(read)) !== undefined) continue;
    const reads = clients.get(read.operation.client) ?? [];
    clients.set(read.operation.client, reads);
    reads.push(read);
  }
  for (const reads of clients.values()) checkClient(stream, reads, findings);
}

function checkClient({ name, facts }: StreamHistory, reads: readonly ReadEntry[], findings: FindingList): void {
  const answered = reads.toSorted((a, b) => answerTime(a) - answerTime(b));
  let next = 0;
  let [start, end]: [ReadEntry | undefined, ReadEntry | undefined] = [undefined, undefined];
  for (const read of reads) {
    const { calledAt, client, startOffset, endOffset } = read.operation;
    for (; next < answered.length; next++) {
      const before = answered[next];
      if (before === undefined || before === read || answerTime(before) > calledAt) break;
      if (before.operation.startOffset > (start?.operation.startOffset ?? -Infinity)) start = before;
      if (before.operation.endOffset > (end?.operation.endOffset ?? -Infinity)) end = before;
    }
    if (start !== undefined && start.operation.startOffset > startOffset) {
      const message = `the start of ${name} went back from ${start.operation.startOffset} to ${startOffset}`;
      findings.add('non-monotonic', `${message} for ${client}`, start, read);
    }
    if (end === undefined || end.operation.endOffset <= endOffset) continue;
    // Whoever may lag may have been behind somebody giving up at any time before.
    const wasBefore = end.operation.mayLag === true || facts.isGivingUp(end.operation.calledAt);
    const since = wasBefore ? -Infinity : end.operation.calledAt;
    const giveUp = facts.givenUp(endOffset + 1, since);
    if (giveUp !== undefined && giveUp.operation.calledAt <= answerTime(read)) {
      end = read;
      continue;
    }
    const message = `the end of ${name} went back from ${end.operation.endOffset} to ${endOffset}`;
    findings.add('non-monotonic', `${message} for ${client}`, end, read);
  }
}
