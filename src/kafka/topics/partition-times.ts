// Which record of a partition is the first at or after a moment, and which is the latest of all. The storage engine
// finds the batch by the time it was given for it; the record is found in the batch by its own.
import type { Stream } from '../../index.ts';
import { readBatchHeader } from '../records/batch-header.ts';
import { firstAtOrAfter, type TimedOffset } from '../records/time-lookup.ts';
import type { RecordsAhead } from './records-ahead.ts';

/** Batches looked into where the one that was found has no record late enough. */
const batchesMax = 10_000;

/** The time that the storage engine is given of a batch: never later than now, so that no batch keeps the others. */
export function engineTimestamp(maxTimestamp: number, nowMs: number): number {
  return maxTimestamp < 0 ? nowMs : Math.min(maxTimestamp, nowMs);
}

/** The first record at or after a moment; undefined if there is none. */
export async function findOffsetAt(
  stream: Stream,
  ahead: RecordsAhead,
  timestamp: number,
  signal: AbortSignal | undefined,
): Promise<TimedOffset | undefined> {
  if (!Number.isSafeInteger(timestamp)) return undefined; // No clock shows so much.
  const { startOffset, endOffset } = stream;
  const byEngine = await stream.offsetAt(timestamp, { signal });
  const byAhead = ahead.firstAtOrAfter(timestamp, startOffset, endOffset)?.baseOffset;
  const first = Math.min(byEngine ?? endOffset, byAhead ?? endOffset);
  if (first >= endOffset) return undefined;
  return firstRecord(stream, Math.max(first, stream.startOffset), endOffset, timestamp, signal);
}

async function firstRecord(
  stream: Stream,
  from: number,
  to: number,
  timestamp: number,
  signal: AbortSignal | undefined,
): Promise<TimedOffset | undefined> {
  let left = batchesMax;
  for (let offset = from; offset < to && left > 0;) {
    const { batches, nextOffset } = await stream.read(offset, { to, signal });
    for (const { bytes, startOffset } of batches) {
      left -= 1;
      const found = firstAtOrAfter(bytes, readBatchHeader(bytes), timestamp);
      // A batch may begin before the first offset that can be read.
      if (found !== undefined) return { ...found, offset: Math.max(found.offset, startOffset, stream.startOffset) };
    }
    offset = nextOffset;
  }
  return undefined;
}

/** The latest record, and the first of them if there are several; undefined in a partition without records. */
export async function findLatest(
  stream: Stream,
  ahead: RecordsAhead,
  nowMs: number,
  signal: AbortSignal | undefined,
): Promise<TimedOffset | undefined> {
  const inLog = await latestInLog(stream, nowMs, signal);
  const { startOffset, endOffset } = stream;
  const batchAhead = ahead.latest(startOffset, endOffset);
  if (batchAhead === undefined || batchAhead.maxTimestamp <= (inLog?.timestamp ?? -1)) return inLog;
  const from = Math.max(batchAhead.baseOffset, startOffset);
  return firstRecord(stream, from, endOffset, batchAhead.maxTimestamp, signal);
}

/** Halves the time between the oldest batch and now until only the latest is left: about thirty looks. */
async function latestInLog(
  stream: Stream,
  nowMs: number,
  signal: AbortSignal | undefined,
): Promise<TimedOffset | undefined> {
  let found = await stream.offsetAt(0, { signal });
  let known = 0;
  // The clock may have been set back since something was appended.
  let beyond = nowMs + 1;
  for (let width = 1; (await stream.offsetAt(beyond, { signal })) !== undefined; width *= 2) beyond += width * 1_000;
  while (beyond - known > 1) {
    const middle = Math.floor((known + beyond) / 2);
    const offset = await stream.offsetAt(middle, { signal });
    if (offset === undefined) beyond = middle;
    else {
      known = middle;
      found = offset;
    }
  }
  if (found === undefined || found >= stream.endOffset) return undefined;
  const { batches } = await stream.read(Math.max(found, stream.startOffset), { maxBytes: 1, signal });
  const [batch] = batches;
  if (batch === undefined) return undefined;
  const header = readBatchHeader(batch.bytes);
  const record = firstAtOrAfter(batch.bytes, header, header.maxTimestamp);
  return record === undefined ? undefined : { ...record, offset: Math.max(record.offset, stream.startOffset) };
}
