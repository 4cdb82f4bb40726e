// Short ways to write a history by hand. Batches are written as 'a b:2': a of one record, b of two; seen ones with
// their offset, 'a@0 b:2@1', a '!' behind those that are not whole. Times are [called, answered], or [called].
import type {
  HistoryAppend,
  HistoryBatch,
  HistoryDelete,
  HistoryGiveUp,
  HistoryLookUp,
  HistoryOutcome,
  HistoryRead,
  HistorySeen,
  HistoryTrim,
} from '../../src/testkit/history.ts';

export type Times = readonly [calledAt: number, answeredAt?: number];

const callOf = (client: string, [calledAt, answeredAt]: Times, stream: string) =>
  answeredAt === undefined ? { client, stream, calledAt } : { client, stream, calledAt, answeredAt };

const wordsOf = (text: string): readonly string[] => text.split(' ').filter((word) => word !== '');

/** 'a b:2 c~7': c has the timestamp 7. */
function batchesOf(text: string): readonly HistoryBatch[] {
  return wordsOf(text).map((word) => {
    const [, id = '', count = '1', timestamp] = /^([^:~]+)(?::(\d+))?(?:~(\d+))?$/.exec(word) ?? [];
    return { id, count: Number(count), ...(timestamp === undefined ? {} : { timestamp: Number(timestamp) }) };
  });
}

function seenOf(text: string): readonly HistorySeen[] {
  return wordsOf(text).map((word) => {
    const [, id = '', count = '1', at = '0', mark] = /^([^:@]+)(?::(\d+))?@(\d+)(!?)$/.exec(word) ?? [];
    const startOffset = Number(at);
    return { id, isWhole: mark === '', startOffset, endOffset: startOffset + Number(count) };
  });
}

/** A number says where the batches were told to be. */
export function append(
  client: string,
  times: Times,
  text: string,
  outcome: number | HistoryOutcome,
  stream = 's',
): HistoryAppend {
  const batches = batchesOf(text);
  const call = { do: 'append' as const, ...callOf(client, times, stream), batches };
  if (typeof outcome !== 'number') return { ...call, outcome };
  const endOffset = outcome + batches.reduce((sum, { count }) => sum + count, 0);
  return { ...call, outcome: 'ok', startOffset: outcome, endOffset };
}

export function read(
  client: string,
  times: Times,
  from: number,
  [startOffset, endOffset]: readonly [number, number],
  text: string,
  stream = 's',
): HistoryRead {
  return { do: 'read', ...callOf(client, times, stream), from, startOffset, endOffset, seen: seenOf(text) };
}

/** A read by whoever may lag. */
export function peek(...call: Parameters<typeof read>): HistoryRead {
  return { ...read(...call), mayLag: true };
}

export function trim(times: Times, startOffset: number, outcome: HistoryOutcome = 'ok', stream = 's'): HistoryTrim {
  return { do: 'trim', ...callOf('t', times, stream), startOffset, outcome };
}

export function remove(times: Times, outcome: HistoryOutcome = 'ok', stream = 's'): HistoryDelete {
  return { do: 'delete', ...callOf('d', times, stream), outcome };
}

export function lookUp(times: Times, timestamp: number, offset?: number, stream = 's'): HistoryLookUp {
  const call = { do: 'look-up' as const, ...callOf('l', times, stream), timestamp };
  return offset === undefined ? call : { ...call, offset };
}

export function giveUp(times: Times, from: number, stream = 's'): HistoryGiveUp {
  return { do: 'give-up', ...callOf('g', times, stream), from };
}
