// Arguments of stream calls, checked before anything is done. What is wrong is a TypeError or RangeError that says
// what would be right.
import { invalidArgument, qanatError } from '../model/errors.ts';
import { batchCountMax, batchSizeMaxBytes } from '../model/limits.ts';
import type { BatchInput } from './stream.ts';

/** Checks one batch and gives its count. */
export function checkBatch(bytes: unknown, count: unknown, timestamp: unknown): number {
  if (!(bytes instanceof Uint8Array))
    throw invalidArgument(`a batch is a Uint8Array; got ${bytes === null ? 'null' : typeof bytes}`, TypeError);
  if (bytes.byteLength === 0) throw invalidArgument('a batch has at least one byte');
  if (bytes.byteLength > batchSizeMaxBytes) {
    const facts = { sizeBytes: bytes.byteLength, sizeMaxBytes: batchSizeMaxBytes };
    throw qanatError(
      'RECORD_TOO_LARGE',
      `a batch has at most ${batchSizeMaxBytes} bytes; this one has ${bytes.byteLength}`,
      facts,
    );
  }
  if (
    count !== undefined &&
    (!Number.isSafeInteger(count) || (count as number) < 1 || (count as number) > batchCountMax)
  )
    throw invalidArgument(`count is an integer from 1 to ${batchCountMax}; got ${String(count)}`, kindOf(count));
  if (timestamp !== undefined && !Number.isSafeInteger(timestamp))
    throw invalidArgument(`a timestamp is a safe integer of milliseconds; got ${String(timestamp)}`, kindOf(timestamp));
  return (count as number | undefined) ?? 1;
}

/** Checks the batches of an appendAll and gives their counts. */
export function checkBatches(batches: unknown): number[] {
  if (!Array.isArray(batches)) throw invalidArgument('appendAll takes an array of batches', TypeError);
  if (batches.length === 0) throw invalidArgument('appendAll takes at least one batch');
  return (batches as BatchInput[]).map((batch) => {
    if (batch === null || typeof batch !== 'object' || batch instanceof Uint8Array)
      throw invalidArgument('each batch of appendAll is an object { bytes, count?, timestamp? }', TypeError);
    return checkBatch(batch.bytes, batch.count, batch.timestamp);
  });
}

/** Checks that something is an offset. */
export function checkOffset(offset: unknown, what: string): number {
  if (!Number.isSafeInteger(offset) || (offset as number) < 0)
    throw invalidArgument(`${what} is an integer from 0 to 2^53 - 1; got ${String(offset)}`, kindOf(offset));
  return offset as number;
}

/** Checks that something is a positive number of bytes. */
export function checkSize(size: unknown, what: string): number {
  if (!Number.isSafeInteger(size) || (size as number) < 1)
    throw invalidArgument(`${what} is an integer of at least 1; got ${String(size)}`, kindOf(size));
  return size as number;
}

function kindOf(value: unknown): typeof TypeError | typeof RangeError {
  return typeof value === 'number' ? RangeError : TypeError;
}
