import { expect, test } from 'vitest';
import { countThatFits, countWithinStreams, segmentIsDue, type CutterState } from '../../src/wal/segment-cutter.ts';

const settings = { segmentSizeMinBytes: 256, inFlightMax: 8, inFlightSizeMaxBytes: 100_000 };

function due(inFlightCount: number, waitingBytes: number, more: Partial<CutterState> = {}): boolean {
  const state = { inFlightCount, inFlightBytes: 0, waitingBytes, waitingCount: 1, flushWanted: false, ...more };
  return segmentIsDue(state, settings);
}

test('A segment is cut at once when nothing is in flight, however little waits', () => {
  expect(due(0, 1)).toBe(true);
  expect(due(0, 0)).toBe(true); // A batch may be of no bytes.
});

test('With k segments in flight, k times the minimum has to wait', () => {
  for (let k = 1; k < 8; k += 1) {
    expect(due(k, k * 256 - 1)).toBe(false);
    expect(due(k, k * 256)).toBe(true);
  }
});

test('With the most segments in flight nothing is cut, not even for a flush', () => {
  expect(due(8, 1_000_000)).toBe(false);
  expect(due(8, 1_000_000, { flushWanted: true })).toBe(false);
  expect(due(7, 1, { flushWanted: true })).toBe(true);
});

test('With the most bytes in flight nothing is cut', () => {
  expect(due(2, 5_000, { inFlightBytes: 99_999 })).toBe(true);
  expect(due(2, 5_000, { inFlightBytes: 100_000 })).toBe(false);
});

test('A segment holds no more streams than one change can name', () => {
  const batches = [1, 2, 1, 3, 2].map((stream) => ({ stream }));
  expect(countWithinStreams(batches, 2)).toBe(3);
  expect(countWithinStreams(batches, 3)).toBe(5);
  expect(countWithinStreams([], 3)).toBe(0);
});

test('Nothing is cut when nothing waits', () => {
  expect(due(0, 0, { waitingCount: 0 })).toBe(false);
  expect(due(0, 0, { waitingCount: 0, flushWanted: true })).toBe(false);
});

test('The worked example of the file is what the code does', () => {
  const cuts: string[] = [];
  let waiting = 0;
  let inFlight = 0;
  for (let ms = 0; ms <= 17; ms += 1) {
    waiting += 100;
    if (!due(inFlight, waiting)) continue;
    cuts.push(`${ms}: ${waiting}`);
    inFlight += 1;
    waiting = 0;
  }
  expect(cuts).toEqual(['0: 100', '3: 300', '9: 600', '17: 800']);
});

test('A segment takes what fits, and never less than one batch', () => {
  expect(countThatFits([3, 4, 5], 8)).toBe(2);
  expect(countThatFits([3, 4, 1], 8)).toBe(3);
  expect(countThatFits([9, 1], 8)).toBe(1);
  expect(countThatFits([], 8)).toBe(0);
});
