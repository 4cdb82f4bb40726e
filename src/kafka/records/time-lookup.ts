// Finds a record by time inside one batch.
import { KafkaRefusal } from '../kafka-error.ts';
import { batchHeaderBytes } from './batch-header.ts';
import type { BatchHeader } from './batch-header.ts';
import { plainRecords } from './compression.ts';
import { RecordCursor } from './record-cursor.ts';

/** Where a record lies, and its time. */
export interface TimedOffset {
  readonly offset: number;
  readonly timestamp: number;
}

/**
 * The first record of a whole batch whose timestamp is `timestamp` or later. Where the records cannot be looked at, it
 * is the first of the batch: a reader that begins there misses nothing.
 */
export function firstAtOrAfter(batch: Uint8Array, header: BatchHeader, timestamp: number): TimedOffset | undefined {
  if (header.maxTimestamp < timestamp) return undefined;
  const first = { offset: header.baseOffset, timestamp: header.maxTimestamp };
  if (header.timestampType === 'LogAppendTime') return first;
  try {
    return search(cursorOver(batch, header), header, timestamp);
  } catch (cause) {
    if (cause instanceof KafkaRefusal) return first;
    throw cause;
  }
}

function cursorOver(batch: Uint8Array, header: BatchHeader): RecordCursor {
  if (header.compression === 'none') return new RecordCursor(batch, batchHeaderBytes, header.sizeBytes);
  return new RecordCursor(plainRecords(batch, header));
}

function search(cursor: RecordCursor, header: BatchHeader, timestamp: number): TimedOffset | undefined {
  for (let left = header.recordCount; left > 0; left -= 1) {
    cursor.next();
    const found = header.baseTimestamp + cursor.timestampDelta;
    if (found >= timestamp) return { offset: header.baseOffset + cursor.offsetDelta, timestamp: found };
  }
  return undefined;
}
