import { expect, test } from 'vitest';
import { changeSizeBytes } from '../../src/catalog/change-size.ts';
import { planRegistration, type RegistrableSegment } from '../../src/catalog/plan-registration.ts';
import { streamId } from '../../src/model/ids.ts';

const segment = (sequence: number, partCount: number): RegistrableSegment => ({
  sequence,
  sizeBytes: 1_000 + sequence,
  parts: Array.from({ length: partCount }, (_, i) => ({
    ...{ stream: streamId(i + 1), streamEpoch: 1, startOffset: sequence, endOffset: sequence + 1 },
    ...{ sizeBytes: 10, maxTimestamp: undefined },
  })),
});

test('a plan covers the segments from the released position on, without a gap, in changes that fit', () => {
  for (const partCounts of [
    [1],
    [40, 40, 40, 40],
    [1, 400, 1, 400, 3],
    Array.from({ length: 300 }, (_, i) => i % 30),
  ]) {
    const segments = partCounts.map((count, i) => segment(i, count));
    for (const from of [0, 1, partCounts.length - 1]) {
      const sizeMaxBytes = 5_000;
      const runs = planRegistration(from, segments, sizeMaxBytes);
      expect(runs[0]?.from).toBe(from);
      expect(runs.at(-1)?.to).toBe(partCounts.length);
      for (const [i, run] of runs.entries()) {
        if (i > 0) expect(run.from).toBe(runs[i - 1]?.to);
        expect(run.objects.map(({ sequence }) => sequence)).toEqual(
          Array.from({ length: run.to - run.from }, (_, n) => run.from + n),
        );
        const sizeBytes = changeSizeBytes({ kind: 'commit', epoch: 0, ...run, settledBelow: 0 });
        if (run.objects.length > 1) expect(sizeBytes).toBeLessThanOrEqual(sizeMaxBytes);
      }
      expect(runs.flatMap(({ objects }) => objects).map(({ parts }) => parts.length)).toEqual(partCounts.slice(from));
    }
  }
});

test('a plan of nothing is one change, for a close to travel in', () => {
  expect(planRegistration(5, [], 1_000)).toEqual([{ from: 5, to: 5, objects: [] }]);
  expect(planRegistration(5, [segment(3, 1), segment(4, 1)], 1_000)).toEqual([{ from: 5, to: 5, objects: [] }]);
});
