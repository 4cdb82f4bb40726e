// The commits that upload a run of segments: registered ones named as they are, the others rewritten first. An upload
// and a recovery both work through this, so both release a WAL in one way (R1).
import { recordSizeMaxBytes } from '../model/limits.ts';
import type { CommittedObject } from '../catalog/change.ts';
import { planRegistration } from '../catalog/plan-registration.ts';
import type { WalSegment } from '../wal/wal.ts';
import type { ObjectWriter } from './object-writer.ts';
import { writeOutputs, type RangeSource } from './rewrite.ts';
import { ownObjectSizeMinBytes, planUpload, type UploadStep } from './upload-planner.ts';

/** What one commit releases, and the objects it adds. */
export interface CommitRun {
  readonly from: number;
  readonly to: number;
  readonly objects: readonly CommittedObject[];
}

/** How the segments of a run become objects. */
export interface CommitSource {
  readonly segmentsAreObjects: boolean;
  /** Where the batches of some segments are. */
  readonly source: (segments: readonly WalSegment[]) => RangeSource | Promise<RangeSource>;
  readonly writer: ObjectWriter;
  /** An object is written from one buffer of about this size. */
  readonly objectSizeMaxBytes: number;
  /** Segments that are objects are all registered as they are: nothing is read or written, whatever reading costs. */
  readonly inPlace?: boolean | undefined;
}

/**
 * The commits for `segments`, from position `from` on, written as they are asked for: the caller commits one before it
 * asks for the next. At least one, so that a close has a change to travel in.
 */
export async function* commitsOf(
  from: number,
  segments: readonly WalSegment[],
  { segmentsAreObjects, source, writer, objectSizeMaxBytes, inPlace }: CommitSource,
): AsyncGenerator<{ readonly run: CommitRun; readonly isLast: boolean }, void> {
  const steps: readonly UploadStep<WalSegment>[] =
    inPlace && segmentsAreObjects && segments.length > 0
      ? [{ action: 'register', segments }]
      : planUpload(segments, { segmentsAreObjects, objectSizeMaxBytes, ownObjectSizeMinBytes });
  if (steps.length === 0) yield { run: { from, to: from, objects: [] }, isLast: true };
  let position = from;
  for (const [i, step] of steps.entries()) {
    const runs =
      step.action === 'register'
        ? planRegistration(position, step.segments, recordSizeMaxBytes / 2)
        : [await rewritten(position, step.segments, await source(step.segments), step.outputs, writer)];
    for (const [j, run] of runs.entries()) {
      yield { run, isLast: i === steps.length - 1 && j === runs.length - 1 };
      position = run.to;
    }
  }
}

async function rewritten(
  from: number,
  segments: readonly WalSegment[],
  source: RangeSource,
  outputs: Parameters<typeof writeOutputs>[0],
  writer: ObjectWriter,
): Promise<CommitRun> {
  const objects = await writeOutputs(outputs, source, writer);
  return { from, to: (segments.at(-1)?.sequence ?? from - 1) + 1, objects };
}
