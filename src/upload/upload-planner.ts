// What becomes of a run of WAL segments (pure): which are registered as they are, and which are rewritten together.
//
// A registered segment costs no PUT, but a reader of one stream asks for each range in it by itself. So a segment is
// registered where its ranges are at least a block long on average: a reader fetches no less at once anyway. It is
// also registered where there is nothing to merge it with, because rewriting it would gain nothing. Neighbours with
// short ranges are rewritten into one stream-set object, in which each stream's range is one; a stream whose run alone
// is long gets an object of its own.
//
// docs/architecture.md has worked examples, and the test of this file reads them there.
import { MiB } from '../base/bytes.ts';
import { blockIndexEntrySizeBytes, footerSizeBytes } from '../format/data-object.ts';
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
  /** An object is written with one PUT, from one buffer of this size. */
  readonly objectSizeMaxBytes: number;
  /** A stream with at least this much in a run gets an object of its own. */
  readonly ownObjectSizeMinBytes: number;
  /** One commit rewrites at most so much: a failure repeats no more than this, and a recovery reads it into memory. */
  readonly runSizeMaxBytes: number;
}

/** From how much of one stream on it gets an object of its own. */
export const ownObjectSizeMinBytes: number = 8 * MiB;

/** Each stream of a run is a part in its commit, and a commit has to fit one record. */
export const runStreamsMax = 4_096;

/** Ranges of a stream that join are one, up to this size: so runs of any length have few ranges. */
const joinedRangeMaxBytes: number = 1 * MiB;

/** Plans the upload of unreleased segments, in order. */
export function planUpload<S extends PlannedSegment>(
  segments: readonly S[],
  settings: UploadPlanSettings,
): readonly UploadStep<S>[] {
  const planning = planUploadInPieces(segments, settings);
  for (;;) {
    const { done, value } = planning.next();
    if (done) return value;
  }
}

/** The same in pieces: after each segment is a good moment for a pause. */
export function* planUploadInPieces<S extends PlannedSegment>(
  segments: readonly S[],
  settings: UploadPlanSettings,
): Generator<undefined, readonly UploadStep<S>[]> {
  const steps: UploadStep<S>[] = [];
  // What is registered one after the other is one step, and so one commit: a lone short segment is no reason for two.
  let registered: S[] | undefined;
  for (const run of yield* runsOfOneKind(segments, settings)) {
    const [first] = run;
    if (first === undefined) continue;
    if (settings.segmentsAreObjects && (run.length === 1 || isGoodToRead(first))) {
      if (registered === undefined) steps.push({ action: 'register', segments: (registered = []) });
      registered.push(...run);
    } else {
      registered = undefined;
      steps.push({ action: 'rewrite', segments: run, outputs: yield* planOutputs(run, settings) });
    }
  }
  return steps;
}

/** Whether a reader loses nothing if the segment stays as it is. */
function isGoodToRead(segment: PlannedSegment): boolean {
  return segment.sizeBytes >= segment.parts.length * blockSizeTargetBytes;
}

/** Consecutive segments that are treated alike; a run to be rewritten fits a few buffers and one record. */
function* runsOfOneKind<S extends PlannedSegment>(
  segments: readonly S[],
  { segmentsAreObjects, runSizeMaxBytes }: UploadPlanSettings,
): Generator<undefined, readonly S[][]> {
  const runs: S[][] = [];
  let sizeBytes = 0;
  const streams = new Set<StreamId>();
  for (const segment of segments) {
    const run = runs.at(-1);
    const previous = run?.at(-1);
    const alike = previous !== undefined && (!segmentsAreObjects || isGoodToRead(previous) === isGoodToRead(segment));
    const added = new Set<StreamId>();
    for (const { stream } of segment.parts) if (!streams.has(stream)) added.add(stream);
    const fits = sizeBytes + segment.sizeBytes <= runSizeMaxBytes && streams.size + added.size <= runStreamsMax;
    if (run !== undefined && alike && fits) {
      run.push(segment);
      sizeBytes += segment.sizeBytes;
    } else {
      runs.push([segment]);
      sizeBytes = segment.sizeBytes;
      streams.clear();
      for (const { stream } of segment.parts) added.add(stream);
    }
    for (const stream of added) streams.add(stream);
    yield;
  }
  return runs;
}

/**
 * The objects of a rewritten run. Ranges of one stream stay in order over the outputs, because the commit names the
 * objects in this order and every part must continue its stream.
 */
function* planOutputs(
  segments: readonly PlannedSegment[],
  settings: UploadPlanSettings,
): Generator<undefined, readonly PlannedOutput[]> {
  const own: PlannedOutput[] = [];
  const shared: PlannedRange[] = [];
  for (const ranges of (yield* rangesByStream(segments)).values()) {
    const sizeBytes = ranges.reduce((sum, range) => sum + range.sizeBytes, 0);
    if (sizeBytes >= settings.ownObjectSizeMinBytes)
      for (const part of splitBySize(ranges, settings.objectSizeMaxBytes)) own.push({ kind: 'stream', ranges: part });
    else for (const range of ranges) shared.push(range);
  }
  const sets = splitBySize(shared, settings.objectSizeMaxBytes).map(
    (ranges) => ({ kind: 'stream-set', ranges }) as const,
  );
  return [...sets, ...own];
}

/** Ranges of each stream in the order of their offsets; streams in the order of their ids. */
function* rangesByStream(
  segments: readonly PlannedSegment[],
): Generator<undefined, ReadonlyMap<StreamId, readonly PlannedRange[]>> {
  const byStream = new Map<StreamId, JoinedRange[]>();
  for (const { parts } of segments) {
    for (const part of parts) {
      const ranges = byStream.get(part.stream);
      const last = ranges?.at(-1);
      if (ranges === undefined) byStream.set(part.stream, [rangeOf(part)]);
      else if (last !== undefined && joins(last, part)) {
        last.endOffset = part.endOffset;
        last.sizeBytes += part.sizeBytes;
      } else ranges.push(rangeOf(part));
    }
    yield;
  }
  return new Map([...byStream].toSorted(([a], [b]) => a - b));
}

type JoinedRange = { -readonly [K in keyof PlannedRange]: PlannedRange[K] };

function rangeOf({ stream, streamEpoch, startOffset, endOffset, sizeBytes }: ObjectPart): JoinedRange {
  return { stream, streamEpoch, startOffset, endOffset, sizeBytes };
}

function joins(range: PlannedRange, part: ObjectPart): boolean {
  const continues = range.endOffset === part.startOffset && range.streamEpoch === part.streamEpoch;
  return continues && range.sizeBytes + part.sizeBytes <= joinedRangeMaxBytes;
}

/**
 * Ranges in order, in as few objects as hold them for certain, of about one size; a range that fits none stands alone.
 *
 * Example: 64 ranges of 1 MiB, objects of up to 32 MiB. With their index that is a little more than two objects can
 * hold, so it becomes three of 21 or 22 MiB, and not two full ones with a tiny one behind them.
 */
function splitBySize(ranges: readonly PlannedRange[], sizeMaxBytes: number): readonly PlannedRange[][] {
  const groups: PlannedRange[][] = [];
  const allBytes = outputSizeMax(ranges);
  const enoughBytes = allBytes / Math.ceil(allBytes / (sizeMaxBytes - footerSizeBytes));
  let sizeBytes = 0;
  for (const range of ranges) {
    const group = groups.at(-1);
    const ownBytes = rangeSizeMax(range);
    if (group !== undefined && sizeBytes < enoughBytes && sizeBytes + ownBytes <= sizeMaxBytes) {
      group.push(range);
      sizeBytes += ownBytes;
    } else {
      groups.push([range]);
      sizeBytes = footerSizeBytes + ownBytes;
    }
  }
  return groups;
}

/** The size that an object of these ranges cannot exceed. */
export function outputSizeMax(ranges: readonly PlannedRange[]): number {
  return ranges.reduce((sum, range) => sum + rangeSizeMax(range), footerSizeBytes);
}

/**
 * What a range takes of an object at most, its entries in the index included. Two neighbouring blocks hold more than
 * the target together (else they were one), so a range of n bytes has at most 1 + 2n / target blocks.
 */
function rangeSizeMax({ sizeBytes }: PlannedRange): number {
  return sizeBytes + (1 + Math.floor((2 * sizeBytes) / blockSizeTargetBytes)) * blockIndexEntrySizeBytes;
}
