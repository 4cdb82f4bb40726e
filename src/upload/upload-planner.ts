// What becomes of a run of WAL segments (pure): which are registered as they are, and which are rewritten together.
//
// A registered segment costs no PUT, but a reader of one stream asks for each range in it by itself. So a segment is
// registered where its ranges are at least a block long on average: a reader fetches no less at once anyway. It is
// also registered where there is nothing to merge it with, because rewriting it would gain nothing. Neighbours with
// short ranges are rewritten into one stream-set object, in which each stream's range is one; a stream whose run alone
// is long gets an object of its own.
//
// Worked examples (block 512 KiB, own object from 8 MiB):
//   8 segments of 8 MiB, one stream each           ranges of 8 MiB: all registered, no PUT, no bytes read
//   256 segments of 2 KiB, one stream              ranges of 2 KiB: one stream-set object of 512 KiB, one PUT
//   8 segments of 8 MiB, 1,000 streams in each     ranges of 8 KiB: two objects of 32 MiB, 2 × 1,000 ranges, not 8,000
//   64 segments of 1 MiB, stream A 900 KiB of each ranges of 60 KiB on average: A's 56 MiB in two objects of its own,
//                                                  the rest in one stream-set object
//   one segment of 2 KiB, and the set closes       nothing to merge with: registered
import { MiB } from '../base/bytes.ts';
import type { StreamId } from '../model/ids.ts';
import { blockSizeTargetBytes } from '../model/limits.ts';
import type { ObjectPart } from '../model/record-batch.ts';

/** A durable WAL segment, as far as the plan needs to know. */
export interface PlannedSegment {
  readonly sequence: number;
  readonly sizeBytes: number;
  readonly parts: readonly ObjectPart[];
}

/** A range of one stream that goes into an object. */
export interface PlannedRange {
  readonly stream: StreamId;
  readonly streamEpoch: number;
  readonly startOffset: number;
  readonly endOffset: number;
  readonly sizeBytes: number;
}

/** An object to write: many streams' ranges, or one stream's alone. */
export interface PlannedOutput {
  readonly kind: 'stream-set' | 'stream';
  readonly ranges: readonly PlannedRange[];
}

/** A step: consecutive segments that are released together, as they are or rewritten. */
export type UploadStep<S extends PlannedSegment> =
  | { readonly action: 'register'; readonly segments: readonly S[] }
  | { readonly action: 'rewrite'; readonly segments: readonly S[]; readonly outputs: readonly PlannedOutput[] };

/** What the plan depends on besides the segments. */
export interface UploadPlanSettings {
  /** Whether a segment is a data object and can be registered at all. */
  readonly segmentsAreObjects: boolean;
  /** An object is written with one PUT, from one buffer of about this size. */
  readonly objectSizeMaxBytes: number;
  /** A stream with at least this much in a run gets an object of its own. */
  readonly ownObjectSizeMinBytes: number;
}

/** From how much of one stream on it gets an object of its own. */
export const ownObjectSizeMinBytes: number = 8 * MiB;

/** Plans the upload of unreleased segments, in order. */
export function planUpload<S extends PlannedSegment>(
  segments: readonly S[],
  settings: UploadPlanSettings,
): readonly UploadStep<S>[] {
  const steps: UploadStep<S>[] = [];
  for (const run of runsOfOneKind(segments, settings)) {
    const [first] = run;
    if (first === undefined) continue;
    const register = settings.segmentsAreObjects && (run.length === 1 || isGoodToRead(first));
    if (register) steps.push({ action: 'register', segments: run });
    else steps.push({ action: 'rewrite', segments: run, outputs: planOutputs(run, settings) });
  }
  return steps;
}

/** Whether a reader loses nothing if the segment stays as it is. */
function isGoodToRead(segment: PlannedSegment): boolean {
  return segment.sizeBytes >= segment.parts.length * blockSizeTargetBytes;
}

/** Consecutive segments that are treated alike; a run to be rewritten fits a few buffers and one record. */
function runsOfOneKind<S extends PlannedSegment>(segments: readonly S[], settings: UploadPlanSettings): readonly S[][] {
  const runs: S[][] = [];
  let sizeBytes = 0;
  let streams = new Set<StreamId>();
  for (const segment of segments) {
    const run = runs.at(-1);
    const previous = run?.at(-1);
    const { segmentsAreObjects } = settings;
    const alike = previous !== undefined && (!segmentsAreObjects || isGoodToRead(previous) === isGoodToRead(segment));
    const united = new Set(streams);
    for (const { stream } of segment.parts) united.add(stream);
    const fits = sizeBytes + segment.sizeBytes <= runSizeMaxBytes && united.size <= runStreamsMax;
    if (run !== undefined && alike && fits) {
      run.push(segment);
      sizeBytes += segment.sizeBytes;
      streams = united;
    } else {
      runs.push([segment]);
      sizeBytes = segment.sizeBytes;
      streams = new Set(segment.parts.map(({ stream }) => stream));
    }
  }
  return runs;
}

/** One commit releases at most so much: a failure repeats no more than this. */
const runSizeMaxBytes: number = 64 * MiB;

/** Each stream of a run is a part in its commit, and a commit has to fit one record. */
const runStreamsMax = 4_096;

/**
 * The objects of a rewritten run. Ranges of one stream stay in order over the outputs, because the commit names the
 * objects in this order and every part must continue its stream.
 */
function planOutputs(segments: readonly PlannedSegment[], settings: UploadPlanSettings): readonly PlannedOutput[] {
  const own: PlannedOutput[] = [];
  const shared: PlannedRange[] = [];
  for (const ranges of rangesByStream(segments).values()) {
    const sizeBytes = ranges.reduce((sum, range) => sum + range.sizeBytes, 0);
    if (sizeBytes >= settings.ownObjectSizeMinBytes)
      for (const part of splitBySize(ranges, settings.objectSizeMaxBytes)) own.push({ kind: 'stream', ranges: part });
    else shared.push(...ranges);
  }
  const sets = splitBySize(shared, settings.objectSizeMaxBytes).map(
    (ranges) => ({ kind: 'stream-set', ranges }) as const,
  );
  return [...sets, ...own];
}

/** Ranges of each stream in the order of their offsets; streams in the order of their ids. */
function rangesByStream(segments: readonly PlannedSegment[]): Map<StreamId, PlannedRange[]> {
  const byStream = new Map<StreamId, PlannedRange[]>();
  for (const { parts } of segments) {
    for (const { stream, streamEpoch, startOffset, endOffset, sizeBytes } of parts) {
      const ranges = byStream.get(stream) ?? [];
      ranges.push({ stream, streamEpoch, startOffset, endOffset, sizeBytes });
      byStream.set(stream, ranges);
    }
  }
  return new Map([...byStream].toSorted(([a], [b]) => a - b));
}

function splitBySize(ranges: readonly PlannedRange[], sizeMaxBytes: number): readonly PlannedRange[][] {
  const groups: PlannedRange[][] = [];
  let sizeBytes = 0;
  for (const range of ranges) {
    const group = groups.at(-1);
    if (group !== undefined && sizeBytes + range.sizeBytes <= sizeMaxBytes) {
      group.push(range);
      sizeBytes += range.sizeBytes;
    } else {
      groups.push([range]);
      sizeBytes = range.sizeBytes;
    }
  }
  return groups;
}
