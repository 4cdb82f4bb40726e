// Whether a history is one at all: what is no operation, or contradicts itself, is refused with the place where it is.
// What a log did is never refused here, however wrong it is: that is a finding.
import type { HistoryAppend, HistoryOperation, HistoryRead } from './history.ts';
import { shown, wrongArgument } from './wrong-argument.ts';

const kinds: readonly string[] = ['append', 'read', 'trim', 'delete', 'look-up', 'give-up'];
const outcomes: readonly unknown[] = ['ok', 'none', 'unknown'];

/** Throws a TypeError if this is no history. */
export function demandHistory(history: unknown): void {
  if (!Array.isArray(history)) {
    throw wrongArgument(`a history is an array of operations; got ${shown(history)}`);
  }
  for (const [index, operation] of history.entries()) demandOperation(index, operation);
}

function demandOperation(index: number, operation: HistoryOperation | null | undefined): void {
  const demand = (condition: boolean, sentence: string, got: unknown): void => {
    if (!condition) throw wrongArgument(`operation ${index} of the history: ${sentence}; got ${shown(got)}`);
  };
  if (typeof operation !== 'object' || operation === null) {
    throw wrongArgument(`operation ${index} of the history is an object with a 'do'; got ${shown(operation)}`);
  }
  const { client, stream, calledAt, answeredAt } = operation;
  demand(kinds.includes(operation.do), `'do' is one of ${kinds.join(', ')}`, operation.do);
  demand(typeof client === 'string', 'client is a string', client);
  demand(typeof stream === 'string', 'stream is a string', stream);
  demand(Number.isFinite(calledAt), 'calledAt is a number', calledAt);
  demand(answeredAt === undefined || Number.isFinite(answeredAt), 'answeredAt is a number, or absent', answeredAt);
  demand((answeredAt ?? Infinity) >= calledAt, `an answer does not come before its call at ${calledAt}`, answeredAt);
  if ('outcome' in operation || ['append', 'trim', 'delete'].includes(operation.do)) {
    const { outcome } = operation as HistoryAppend;
    demand(outcomes.includes(outcome), "outcome is 'ok', 'none' or 'unknown'", outcome);
    demand(outcome !== 'ok' || answeredAt !== undefined, "what is 'ok' has an answeredAt", answeredAt);
  }
  switch (operation.do) {
    case 'append':
      return demandAppend(operation, demand);
    case 'read':
      if (answeredAt !== undefined) demandRead(operation, demand);
      return;
    case 'trim':
      return demand(isOffset(operation.startOffset), 'startOffset is an offset', operation.startOffset);
    case 'look-up': {
      const { timestamp, offset } = operation;
      demand(Number.isFinite(timestamp), 'timestamp is a number', timestamp);
      return demand(offset === undefined || isOffset(offset), 'offset is an offset, or absent', offset);
    }
    case 'give-up':
      return demand(isOffset(operation.from), 'from is an offset', operation.from);
    case 'delete':
      return;
  }
}

type Demand = (condition: boolean, sentence: string, got: unknown) => void;

function demandAppend({ batches, outcome, startOffset, endOffset }: HistoryAppend, demand: Demand): void {
  demand(Array.isArray(batches), 'batches is an array', batches);
  for (const batch of batches) {
    demand(typeof batch?.id === 'string', 'a batch has an id, a string', batch);
    demand(
      Number.isSafeInteger(batch.count) && batch.count > 0,
      `${batch.id} has a count, an integer from 1 on`,
      batch.count,
    );
    const isTime = batch.timestamp === undefined || Number.isFinite(batch.timestamp);
    demand(isTime, `the timestamp of ${batch.id} is a number, or absent`, batch.timestamp);
  }
  if (outcome !== 'ok') return;
  demand(isOffset(startOffset), "an append that is 'ok' has a startOffset", startOffset);
  demand(isOffset(endOffset), "an append that is 'ok' has an endOffset", endOffset);
}

function demandRead({ from, seen, startOffset, endOffset }: HistoryRead, demand: Demand): void {
  demand(isOffset(from), 'from is an offset', from);
  demand(isOffset(startOffset), 'startOffset is an offset', startOffset);
  demand(isOffset(endOffset), 'endOffset is an offset', endOffset);
  demand(Array.isArray(seen), 'seen is an array', seen);
  for (const batch of seen) {
    const isSeen = typeof batch?.id === 'string' && typeof batch.isWhole === 'boolean';
    demand(isSeen, 'what was seen has an id, a string, and isWhole, a boolean', batch);
    const hasRange = isOffset(batch.startOffset) && isOffset(batch.endOffset);
    demand(hasRange, 'what was seen has a startOffset and an endOffset', batch);
  }
}

/** Any number: a log that tells a negative offset is wrong, and the history of it is right. */
function isOffset(value: unknown): value is number {
  return Number.isFinite(value);
}
