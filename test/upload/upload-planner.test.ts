import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { encodeDataObject } from '../../src/format/data-object.ts';
import { streamId } from '../../src/model/ids.ts';
import {
  outputSizeMax,
  ownObjectSizeMinBytes,
  planUpload,
  planUploadInPieces,
  runStreamsMax,
  type PlannedRange,
  type PlannedSegment,
} from '../../src/upload/upload-planner.ts';

const KiB = 1024;
const MiB = 1024 * KiB;
const settings = {
  segmentsAreObjects: true,
  objectSizeMaxBytes: 32 * MiB,
  ownObjectSizeMinBytes,
  runSizeMaxBytes: 64 * MiB,
};

type Sizes = Readonly<Record<number, number>>;

/** A segment with so many bytes of each stream, at offsets that follow from its sequence. */
function segment(sequence: number, sizes: Sizes): PlannedSegment {
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

const many = (count: number, sizes: Sizes): PlannedSegment[] =>
  Array.from({ length: count }, (_, i) => segment(i, sizes));

const streams = (count: number, sizeBytes: number, from = 1): Sizes =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [i + from, sizeBytes]));

const sizeOf = (ranges: readonly PlannedRange[]): number => ranges.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);

const inWords = (sizeBytes: number): string =>
  sizeBytes >= MiB ? `${Number((sizeBytes / MiB).toFixed(1))} MiB` : `${Number((sizeBytes / KiB).toFixed(1))} KiB`;

/** The worked examples: what stands in the first column of the table, and the segments that it means. */
const examples: readonly (readonly [text: string, wal: 'object' | 'file', segments: readonly PlannedSegment[]])[] = [
  ['8 segments of 8 MiB, one stream', 'object', many(8, { 1: 8 * MiB })],
  ['256 segments of 2 KiB, one stream', 'object', many(256, { 1: 2 * KiB })],
  ['64 segments of 256 KiB, two streams, half of each', 'object', many(64, { 1: 128 * KiB, 2: 128 * KiB })],
  ['7 segments of 7.8 MiB, 1,000 streams in each', 'object', many(7, streams(1_000, 8 * KiB))],
  ['8 segments of 7.8 MiB, 1,000 streams in each', 'object', many(8, streams(1_000, 8 * KiB))],
  [
    '60 segments of 1 MiB: 900 KiB of stream A, 16 others',
    'object',
    many(60, { 1: 900 * KiB, ...streams(16, 7.75 * KiB, 2) }),
  ],
  ['one segment of 2 KiB, and nothing else', 'object', [segment(0, { 1: 2 * KiB })]],
  ['one segment of 2 KiB, and nothing else', 'file', [segment(0, { 1: 2 * KiB })]],
  ['32 segments of 1 MiB, one stream', 'file', many(32, { 1: 1 * MiB })],
  ['32 segments of 1 MiB, 100 streams', 'file', many(32, streams(100, 10.24 * KiB))],
];

/** What the plan is, in words. */
function outcomeOf(wal: 'object' | 'file', segments: readonly PlannedSegment[]): string {
  const steps = planUpload(segments, { ...settings, segmentsAreObjects: wal === 'object' });
  const words = steps.flatMap((step) => {
    if (step.action === 'register') return [`registered: ${step.segments.length}`];
    const kinds = new Map<string, number>();
    for (const { kind, ranges } of step.outputs) {
      const ofStreams = new Set(ranges.map(({ stream }) => stream)).size;
      const of = kind === 'stream' ? 'stream' : `stream-set, ${ofStreams} ${ofStreams === 1 ? 'stream' : 'streams'}`;
      const text = `${of}, ${inWords(sizeOf(ranges))}`;
      kinds.set(text, (kinds.get(text) ?? 0) + 1);
    }
    return [...kinds].map(([text, count]) => `${count} × (${text})`);
  });
  return words.join('; ');
}

test('the worked examples of the documentation are what is planned', () => {
  const path = fileURLToPath(new URL('../../docs/architecture.md', import.meta.url));
  const page = readFileSync(path, 'utf8');
  const table = page.slice(page.indexOf('### What an upload makes of segments'));
  const rows = table
    .slice(0, table.indexOf('\n\n', table.indexOf('| ---')))
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .slice(2) // The head of the table, and the line below it.
    .map((line) =>
      line
        .split('|')
        .slice(1, 4)
        .map((cell) => cell.trim()),
    );
  expect(rows).toEqual(examples.map(([text, wal, segments]) => [text, wal, outcomeOf(wal, segments)]));
});

test('segments that are registered one after the other are one step, whatever they are like', () => {
  const large = segment(0, { 1: 8 * MiB });
  const small = segment(1, { 1: 2 * KiB });
  const after = (one: PlannedSegment, sequence: number): PlannedSegment => ({ ...one, sequence });
  const alternating = Array.from({ length: 20 }, (_, i) => after(i % 2 === 0 ? large : small, i));
  expect(planUpload(alternating, settings)).toEqual([{ action: 'register', segments: alternating }]);
  const withTwoSmall = [...alternating, after(small, 20), after(small, 21), after(large, 22)];
  const steps = planUpload(withTwoSmall, settings);
  expect(steps.map(({ action, segments }) => [action, segments.length])).toEqual([
    ['register', 19],
    ['rewrite', 3],
    ['register', 1],
  ]);
  expect(steps.flatMap(({ segments }) => segments)).toEqual(withTwoSmall);
});

test('every object fits the buffer that it is encoded in, also at its edge', () => {
  for (const objectSizeMaxBytes of [8 * MiB, 8 * MiB + 1, 9 * MiB + 12_345]) {
    for (const sizes of [streams(1, 1 * MiB), streams(100, 10 * KiB), streams(3, 100 * KiB), streams(1_000, 50)]) {
      const steps = planUpload(many(200, sizes), { ...settings, objectSizeMaxBytes });
      for (const step of steps) {
        if (step.action === 'register') continue;
        for (const { ranges } of step.outputs) {
          expect(outputSizeMax(ranges)).toBeLessThanOrEqual(objectSizeMaxBytes);
        }
      }
    }
  }
});

test('an object is never larger than planned, whatever its batches', () => {
  const clusterId = '0123456789abcdef'.repeat(2);
  const head = { clusterId, kind: 'stream-set', node: 'a', nodeEpoch: 1, sequence: 0, durableBelow: 0 } as const;
  const frameBytes = 16;
  for (const [batchBytes, count] of [
    [1, 2_000],
    [300 * KiB, 20],
    [262_129, 20],
    [600 * KiB, 10],
  ] as const) {
    const batches = [1, 2].flatMap((stream) =>
      Array.from({ length: count }, (_, i) => ({
        ...{ stream: streamId(stream), streamEpoch: 1, startOffset: i, count: 1, timestamp: undefined },
        bytes: new Uint8Array(batchBytes),
      })),
    );
    const range = { streamEpoch: 1, startOffset: 0, endOffset: count, sizeBytes: count * (batchBytes + frameBytes) };
    const { bytes } = encodeDataObject(head, batches);
    const planned = outputSizeMax([1, 2].map((stream) => ({ stream: streamId(stream), ...range })));
    expect(bytes.byteLength).toBeLessThanOrEqual(planned);
    expect(planned - bytes.byteLength).toBeLessThan(5_000);
  }
});

test('a run is split where it would be too large for one commit', () => {
  for (const runSizeMaxBytes of [4 * MiB, 64 * MiB]) {
    const steps = planUpload(many(40, streams(100, 10 * KiB)), { ...settings, runSizeMaxBytes });
    expect(steps.length).toBe(runSizeMaxBytes === 4 * MiB ? 10 : 1);
    for (const { segments } of steps)
      expect(segments.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)).toBeLessThanOrEqual(runSizeMaxBytes);
  }
  const wide = [segment(0, streams(4_000, 10)), segment(1, streams(90, 10, 3_990)), segment(2, streams(90, 10, 4_008))];
  const counts = planUpload(wide, { ...settings, segmentsAreObjects: false }).map(({ segments }) => segments.length);
  expect(counts).toEqual([2, 1]); // 4,079 streams together; the third would make it 4,097.
  const fits = [...wide.slice(0, 2), segment(2, streams(90, 10, 4_007))];
  expect(runStreamsMax).toBe(4_096);
  const all = planUpload(fits, { ...settings, segmentsAreObjects: false }).map(({ segments }) => segments.length);
  expect(all).toEqual([3]);
});

test('neighbouring ranges of a stream are one, unless its epoch changes or something is missing', () => {
  const [a, b, c, d] = [0, 1, 2, 4].map((sequence) => segment(sequence, { 1: 2 * KiB }));
  const later = { ...c!, parts: c!.parts.map((part) => ({ ...part, streamEpoch: 2 })) };
  const [step] = planUpload([a!, b!, later, d!], { ...settings, segmentsAreObjects: false });
  const ranges = step?.action === 'rewrite' ? step.outputs.flatMap((output) => output.ranges) : [];
  expect(ranges.map(({ startOffset, endOffset, streamEpoch }) => [startOffset, endOffset, streamEpoch])).toEqual([
    [0, 20, 1],
    [20, 30, 2],
    [40, 50, 1],
  ]);
});

test('a plan is made in pieces of one segment', () => {
  const planning = planUploadInPieces(many(20, streams(50, KiB)), settings);
  let pieces = 0;
  while (!planning.next().done) pieces += 1;
  expect(pieces).toBe(40); // Each is looked at twice: for its run, and for its ranges.
});

test('segments that are no objects are always rewritten', () => {
  const steps = planUpload([segment(0, { 1: 8 * MiB })], { ...settings, segmentsAreObjects: false });
  expect(steps.map(({ action }) => action)).toEqual(['rewrite']);
});

test('whatever the segments, every part is uploaded once, in the order of its stream', () => {
  const shapes = [
    { 1: 8 * MiB },
    { 1: 2 * KiB, 2: 3 * KiB },
    streams(1_000, KiB),
    { 3: 9 * MiB, 1: KiB },
    { 2: 600 * KiB },
  ];
  const segments = Array.from({ length: 300 }, (_, i) => segment(i, shapes[(i * i) % 5] as Sizes));
  const offsetsOf = (parts: readonly Pick<PlannedRange, 'startOffset' | 'endOffset'>[]): number[] =>
    parts.flatMap(({ startOffset, endOffset }) =>
      Array.from({ length: (endOffset - startOffset) / 10 }, (_, i) => startOffset + 10 * i),
    );
  for (const segmentsAreObjects of [true, false]) {
    const uploaded = new Map<number, PlannedRange[]>();
    let sequence = 0;
    for (const step of planUpload(segments, { ...settings, segmentsAreObjects })) {
      for (const { sequence: next } of step.segments) expect(next).toBe(sequence++);
      const ranges: readonly PlannedRange[] =
        step.action === 'register'
          ? step.segments.flatMap(({ parts }) => parts)
          : step.outputs.flatMap((output) => output.ranges);
      for (const range of ranges) uploaded.set(range.stream, [...(uploaded.get(range.stream) ?? []), range]);
    }
    expect(sequence).toBe(300);
    for (const [stream, ranges] of uploaded) {
      const wanted = segments.flatMap(({ parts }) => parts.filter((part) => part.stream === stream));
      expect(offsetsOf(ranges)).toEqual(offsetsOf(wanted));
      expect(sizeOf(ranges)).toBe(wanted.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0));
    }
  }
});
