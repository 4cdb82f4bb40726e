import { expect, test } from 'vitest';
import { streamId } from '../../src/model/ids.ts';
import { planUpload, ownObjectSizeMinBytes, type PlannedSegment } from '../../src/upload/upload-planner.ts';

const KiB = 1024;
const MiB = 1024 * KiB;
const settings = { segmentsAreObjects: true, objectSizeMaxBytes: 32 * MiB, ownObjectSizeMinBytes };

/** A segment with so many bytes of each stream, at offsets that follow from its sequence. */
function segment(sequence: number, sizes: Readonly<Record<number, number>>): PlannedSegment {
  const parts = Object.entries(sizes).map(([stream, sizeBytes]) => ({
    stream: streamId(Number(stream)),
    streamEpoch: 1,
    startOffset: sequence * 10,
    endOffset: sequence * 10 + 10,
    sizeBytes,
    maxTimestamp: undefined,
  }));
  return { sequence, sizeBytes: parts.reduce((sum, part) => sum + part.sizeBytes, 0), parts };
}

const many = (count: number, sizes: Readonly<Record<number, number>>): PlannedSegment[] =>
  Array.from({ length: count }, (_, i) => segment(i, sizes));

const thousand = (sizeBytes: number): Record<number, number> =>
  Object.fromEntries(Array.from({ length: 1_000 }, (_, i) => [i + 1, sizeBytes]));

test('eight segments of 8 MiB of one stream are registered as they are', () => {
  const steps = planUpload(many(8, { 1: 8 * MiB }), settings);
  expect(steps.map(({ action }) => action)).toEqual(['register']);
  expect(steps[0]?.segments.length).toBe(8);
});

test('256 segments of 2 KiB become one object', () => {
  const steps = planUpload(many(256, { 1: 2 * KiB }), settings);
  expect(steps).toHaveLength(1);
  const [step] = steps;
  if (step?.action !== 'rewrite') throw new Error('it is rewritten');
  expect(step.outputs.map(({ kind, ranges }) => [kind, ranges.length])).toEqual([['stream-set', 256]]);
});

test('segments of 8 MiB with a thousand streams in each are rewritten into objects of 32 MiB', () => {
  const steps = planUpload(many(8, thousand(8 * KiB)), settings);
  const outputs = steps.flatMap((step) => (step.action === 'rewrite' ? step.outputs : []));
  expect(steps.every(({ action }) => action === 'rewrite')).toBe(true);
  expect(outputs).toHaveLength(2);
  for (const { kind, ranges } of outputs) {
    expect(kind).toBe('stream-set');
    expect(ranges.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)).toBeLessThanOrEqual(32 * MiB);
  }
});

test('a stream with a long run gets objects of its own, the others share one', () => {
  const sizes = { 1: 900 * KiB, ...Object.fromEntries(Array.from({ length: 16 }, (_, i) => [i + 2, 6 * KiB])) };
  const steps = planUpload(many(60, sizes), settings);
  const outputs = steps.flatMap((step) => (step.action === 'rewrite' ? step.outputs : []));
  const own = outputs.filter(({ kind }) => kind === 'stream');
  expect(own.length).toBeGreaterThan(1);
  for (const { ranges } of own) for (const { stream } of ranges) expect(stream).toBe(1);
  expect(outputs.filter(({ kind }) => kind === 'stream-set')).toHaveLength(1);
});

test('one short segment has nothing to merge with, and is registered', () => {
  expect(planUpload([segment(0, { 1: 2 * KiB })], settings).map(({ action }) => action)).toEqual(['register']);
});

test('segments that are no objects are always rewritten', () => {
  const steps = planUpload([segment(0, { 1: 8 * MiB })], { ...settings, segmentsAreObjects: false });
  expect(steps.map(({ action }) => action)).toEqual(['rewrite']);
});

test('whatever the segments, every part is uploaded once, in the order of its stream', () => {
  const shapes = [{ 1: 8 * MiB }, { 1: 2 * KiB, 2: 3 * KiB }, thousand(KiB), { 3: 9 * MiB, 1: KiB }, { 2: 600 * KiB }];
  const segments = Array.from({ length: 300 }, (_, i) => segment(i, shapes[(i * i) % 5] as Record<number, number>));
  for (const segmentsAreObjects of [true, false]) {
    const ends = new Map<number, number[]>();
    let sequence = 0;
    for (const step of planUpload(segments, { ...settings, segmentsAreObjects })) {
      for (const { sequence: next } of step.segments) expect(next).toBe(sequence++);
      const ranges =
        step.action === 'register'
          ? step.segments.flatMap(({ parts }) => parts)
          : step.outputs.flatMap((output) => output.ranges);
      for (const { stream, startOffset } of ranges) ends.set(stream, [...(ends.get(stream) ?? []), startOffset]);
    }
    expect(sequence).toBe(300);
    for (const [stream, starts] of ends) {
      const wanted = segments.flatMap(({ parts }) => parts.filter((part) => part.stream === stream));
      expect(starts).toEqual(wanted.map(({ startOffset }) => startOffset));
    }
  }
});
