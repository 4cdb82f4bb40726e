// Judges what clients did and saw, without a model of the log: from acknowledgements and reads follows where each batch
// stands, and since when it must be shown; every read is held against that. The work grows a little faster than the
// history, by a logarithm; nothing is guessed, so a log that is right is never blamed, whatever raced with what.
//
//   places        where acknowledgements and reads put each batch: one place each, no two in one, in order
//   certainties   places that reads must show, from an acknowledgement on until they are given up
//   facts         how far a stream was trimmed, deleted, given up, appended to, by any moment
import { batchesOf, placeAcknowledged } from './history-batches.ts';
import { demandHistory } from './history-input.ts';
import { checkLookUps } from './history-look-ups.ts';
import { checkLosses, rowsOf } from './history-losses.ts';
import { checkPlaces } from './history-places.ts';
import { checkProgress } from './history-progress.ts';
import { checkReads } from './history-reads.ts';
import { answerTime } from './history-facts.ts';
import { streamsOf, type StreamHistory } from './history-stream.ts';
import { describeHistoryOperation, FindingList, historyVerdicts, type HistoryFinding } from './history-verdict.ts';
import type { History } from './history.ts';
import { shown, wrongArgument } from './wrong-argument.ts';

/** How a history is judged. */
export interface HistoryCheckOptions {
  /** Clients that died or were never waited for: their last calls need no answer (default none). */
  readonly died?: readonly string[] | undefined;
}

/**
 * What is wrong with a history, by kind; nothing, if it can be that of a log that keeps its promises. At most 20
 * findings of a kind. The streams of a history begin empty.
 */
export function checkHistory(history: History, options: HistoryCheckOptions = {}): readonly HistoryFinding[] {
  demandHistory(history);
  const { died = [] } = options;
  if (!Array.isArray(died)) throw wrongArgument(`died is an array of names of clients; got ${shown(died)}`);
  const findings = new FindingList();
  const streams = streamsOf(history);
  const batches = batchesOf(streams);
  for (const stream of streams.values()) {
    const acknowledged = placeAcknowledged(stream, batches, findings);
    const seen = checkReads(stream, batches, findings);
    const rows = rowsOf([...acknowledged, ...seen]);
    checkPlaces(stream, findings);
    checkLosses(stream, rows, findings);
    checkProgress(stream, findings);
    checkLookUps(stream, rows, findings);
    checkDeleted(stream, findings);
  }
  const excused = new Set<string>(died);
  for (const [index, operation] of history.entries()) {
    if (operation.answeredAt !== undefined || excused.has(operation.client)) continue;
    const message = `${operation.client} never had an answer from ${operation.stream}`;
    findings.add('unanswered', message, { index, operation });
  }
  return findings.list();
}

/** Nothing is appended to a stream that was deleted before. */
function checkDeleted({ appends, facts, name }: StreamHistory, findings: FindingList): void {
  for (const append of appends) {
    const deleted = facts.deletedBy(append.operation.calledAt);
    if (deleted === undefined || append.operation.outcome !== 'ok') continue;
    const answeredAt = answerTime(append);
    findings.add('resurrected', `${name} took an append at ${answeredAt}, after it had been deleted`, deleted, append);
  }
}

/** A finding as text for people: what was promised, what is wrong, and a line for each operation. */
export function describeFinding(finding: HistoryFinding): string {
  const { verdict, message, operations } = finding;
  const lines = operations.map(({ index, operation }) => `  [${index}] ${describeHistoryOperation(operation)}`);
  return [`${verdict}: ${message}`, `  (${historyVerdicts[verdict]})`, ...lines].join('\n');
}
