import { describe, expect, test } from 'vitest';
import { EpochRanges } from '../../src/catalog/epoch-ranges.ts';
import { PartList } from '../../src/catalog/stream-range-index.ts';

/** Parts of these lengths, end to end, in objects 1, 2, 3, … */
function partsOf(lengths: readonly number[], timestamps: readonly (number | undefined)[] = []): PartList {
  const parts = new PartList();
  let startOffset = 0;
  for (const [i, length] of lengths.entries()) {
    const endOffset = startOffset + length;
    parts.append({ object: i + 1, startOffset, endOffset, sizeBytes: length * 2, maxTimestamp: timestamps[i] });
    startOffset = endOffset;
  }
  return parts;
}

describe('parts', () => {
  test('are found by any offset in them, and by none outside', () => {
    const parts = partsOf([3, 1, 5]);
    expect([0, 2, 3, 4, 8, 9, -1].map((offset) => parts.find(offset))).toEqual([0, 0, 1, 2, 2, -1, -1]);
    expect(parts.at(2)).toEqual({ object: 3, startOffset: 4, endOffset: 9, sizeBytes: 10, maxTimestamp: undefined });
    expect(new PartList().find(0)).toBe(-1);
    expect(() => parts.at(3)).toThrow(/index/);
  });

  test('leave at the front only, when they are wholly trimmed', () => {
    const parts = partsOf([3, 1, 5]);
    const removed: number[][] = [];
    const remove = (object: number, sizeBytes: number): void => void removed.push([object, sizeBytes]);
    parts.trimBelow(2, remove);
    expect(removed).toEqual([]);
    parts.trimBelow(4, remove);
    expect(removed).toEqual([
      [1, 6],
      [2, 2],
    ]);
    expect([parts.length, parts.find(3), parts.find(4)]).toEqual([1, -1, 0]);
    parts.trimBelow(100, remove);
    expect([parts.length, removed.length]).toEqual([0, 3]);
  });

  test('come and go a hundred thousand times in the same small room', () => {
    const parts = new PartList();
    let removed = 0;
    for (let i = 0; i < 100_000; i++) {
      parts.append({ object: i, startOffset: i, endOffset: i + 1, sizeBytes: 1, maxTimestamp: i });
      if (i >= 10) parts.trimBelow(i - 9, () => void removed++);
    }
    expect([parts.length, removed]).toEqual([10, 99_990]);
    expect(parts.at(parts.find(99_995)).object).toBe(99_995);
  });

  test('give the first, in offset order, at or after a timestamp', () => {
    const timestamps = [5, undefined, 3, 9, 7, 9, 12];
    const parts = partsOf([1, 1, 1, 1, 1, 1, 1], timestamps);
    const first = (timestamp: number): number => parts.firstPartAtOrAfterTimestamp(timestamp);
    expect([0, 5, 6, 9, 10, 13].map(first)).toEqual([0, 0, 3, 3, 6, -1]);
    parts.append({ object: 8, startOffset: 7, endOffset: 8, sizeBytes: 1, maxTimestamp: 13 });
    expect(first(13)).toBe(7);
    parts.trimBelow(4, () => {}); // The maximum of the rest is hidden by the 9 that goes: [7, 9, 12, 13] stay.
    expect([6, 8, 10, 13, 14].map(first)).toEqual([0, 1, 2, 3, -1]);
    parts.trimBelow(6, () => {}); // What stays begins with a maximum: [12, 13].
    expect([1, 13, 14].map(first)).toEqual([0, 1, -1]);
    expect(partsOf([1, 1]).firstPartAtOrAfterTimestamp(Number.NEGATIVE_INFINITY)).toBe(0);
    expect(partsOf([1, 1]).firstPartAtOrAfterTimestamp(0)).toBe(-1);
  });
});

describe('epoch ranges', () => {
  const history = (): EpochRanges => {
    const ranges = new EpochRanges();
    ranges.extend(1, 0, 10);
    ranges.extend(1, 10, 15);
    ranges.extend(4, 15, 20);
    ranges.extend(6, 20, 21);
    return ranges;
  };

  test('know the epoch of every record', () => {
    const ranges = history();
    expect(ranges.length).toBe(3);
    expect([0, 14, 15, 19, 20, 21].map((offset) => ranges.epochAt(offset))).toEqual([1, 1, 4, 4, 6, undefined]);
  });

  test('know where the records of an epoch, or of the last before it, end', () => {
    const ranges = history();
    expect([0, 1, 3, 4, 5, 6, 9].map((epoch) => ranges.endOffsetOf(epoch))).toEqual([
      undefined,
      15,
      15,
      20,
      20,
      21,
      21,
    ]);
    expect([0, 1, 3, 5, 9].map((epoch) => ranges.epochAtOrBelow(epoch))).toEqual([undefined, 1, 1, 4, 6]);
  });

  test('leave when they are wholly trimmed', () => {
    const ranges = history();
    ranges.trimBelow(15);
    expect([ranges.length, ranges.epochAt(14), ranges.epochAt(15)]).toEqual([2, undefined, 4]);
    ranges.trimBelow(19);
    expect(ranges.at(0)).toEqual({ streamEpoch: 4, startOffset: 15, endOffset: 20 });
    ranges.trimBelow(21);
    expect([ranges.length, ranges.epochAt(20), ranges.endOffsetOf(9)]).toEqual([0, undefined, undefined]);
  });
});
