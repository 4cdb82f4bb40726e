import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readBatchHeader, setBatchPlace, stampAppendTime } from '../../../src/kafka/records/batch-header.ts';
import { firstAtOrAfter } from '../../../src/kafka/records/time-lookup.ts';
import type { TimedOffset } from '../../../src/kafka/records/time-lookup.ts';
import { changed, javaBatch, kafkajsBatch, platformaticBatch, usualTimestamp } from './make-batches.ts';

const baseOffset = 2 ** 40;

function find(batch: Uint8Array, timestamp: number): TimedOffset | undefined {
  setBatchPlace(batch, baseOffset, 1);
  return firstAtOrAfter(batch, readBatchHeader(batch), timestamp);
}

describe('firstAtOrAfter', () => {
  test.each(['none', 'gzip', 'snappy', 'lz4'] as const)('finds a record inside a batch with %s', (compression) => {
    const batch = javaBatch('mixed', compression);
    // The times of its records, relative to the first: 0, 500, 250, -1000, 1000.
    const at = (delta: number): TimedOffset | undefined => find(batch, usualTimestamp + delta);
    expect(at(-5000)).toEqual({ offset: baseOffset, timestamp: usualTimestamp });
    expect(at(0)).toEqual({ offset: baseOffset, timestamp: usualTimestamp });
    expect(at(1)).toEqual({ offset: baseOffset + 1, timestamp: usualTimestamp + 500 });
    expect(at(500)).toEqual({ offset: baseOffset + 1, timestamp: usualTimestamp + 500 });
    expect(at(501)).toEqual({ offset: baseOffset + 4, timestamp: usualTimestamp + 1000 });
    expect(at(1000)).toEqual({ offset: baseOffset + 4, timestamp: usualTimestamp + 1000 });
    expect(at(1001)).toBeUndefined();
  });

  test('finds what a linear search over the times finds', async () => {
    const times = fc.array(fc.integer({ min: -1, max: 2 ** 41 }), { minLength: 1, maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(times, fc.integer({ min: -1, max: 2 ** 41 }), async (some, wanted) => {
        const batch = await kafkajsBatch(some.map((timestamp) => ({ value: 'v', timestamp })));
        const index = some.findIndex((timestamp) => timestamp >= wanted);
        const expected = index < 0 ? undefined : { offset: baseOffset + index, timestamp: some[index] };
        expect(find(batch, wanted)).toEqual(expected);
      }),
    );
  });

  test('finds the first record where all have the time of the log', () => {
    const batch = javaBatch('mixed', 'none');
    stampAppendTime(batch, usualTimestamp + 5000);
    expect(find(batch, usualTimestamp + 5000)).toEqual({ offset: baseOffset, timestamp: usualTimestamp + 5000 });
    expect(find(batch, usualTimestamp + 5001)).toBeUndefined();
  });

  test('finds nothing where the header states a time that no record has', async () => {
    const batch = await kafkajsBatch([{ value: 'a' }, { value: 'b' }], { maxTimestamp: usualTimestamp + 9 });
    expect(find(batch, usualTimestamp + 9)).toBeUndefined();
  });

  test('does not look beyond its batch, into the bytes that follow', () => {
    const batch = platformaticBatch([{ value: 'a', timestamp: usualTimestamp }]);
    const over = changed(batch, (view) => {
      view.setInt8(61, batch[61]! + 8); // The record says that it is four bytes longer,
      view.setInt8(66, batch[66]! + 8); // and so does its value.
      view.setBigInt64(27, BigInt(usualTimestamp - 9));
    });
    const blob = Buffer.concat([over, new Uint8Array(50)]);
    // Could it be read, the record would be of nine milliseconds before.
    expect(firstAtOrAfter(blob, readBatchHeader(blob), 0)).toEqual({ offset: 0, timestamp: usualTimestamp });
  });

  test('finds the first record of a batch that cannot be looked into', () => {
    const packed = platformaticBatch([{ value: 'a' }, { value: 'b', timestamp: usualTimestamp + 9 }]);
    for (const code of [1, 2, 3, 4, 5]) {
      const unreadable = changed(packed, (view) => view.setInt16(21, code));
      expect(find(unreadable, usualTimestamp + 9)).toEqual({ offset: baseOffset, timestamp: usualTimestamp + 9 });
      expect(find(unreadable, usualTimestamp + 10)).toBeUndefined();
    }
  });
});
