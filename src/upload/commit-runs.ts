// The commits that upload a run of segments: registered ones named as they are, the others rewritten first. An upload
// and a recovery both work through this, so both release a WAL in one way (R1).
import type { Runtime } from '../base/runtime.ts';
import { recordSizeMaxBytes } from '../model/limits.ts';
import type { CommittedObject } from '../catalog/change.ts';
import { planRegistration } from '../catalog/plan-registration.ts';
import type { WalSegment } from '../wal/wal.ts';
import type { ObjectWriter } from './object-writer.ts';
import { writeOutputs, type RangeSource } from './rewrite.ts';
import {
  ownObjectSizeMinBytes,
  planUploadInPieces,
  type UploadPlanSettings,
  type UploadStep,
} from './upload-planner.ts';
import { WorkSlices } from './work-slices.ts';

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
  readonly runtime: Runtime;
  /** One commit rewrites at most so much. */
  readonly runSizeMaxBytes: number;
  /** Why there is no sense in going on, if there is none: the set has ended. */
  readonly ending?: (() => Error | undefined) | undefined;
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
  parts: CommitSource,
): AsyncGenerator<{ readonly run: CommitRun; readonly isLast: boolean }, void> {
  const { segmentsAreObjects, inPlace } = parts;
  const steps: readonly UploadStep<WalSegment>[] =
    inPlace && segmentsAreObjects && segments.length > 0
      ? [{ action: 'register', segments }]
      : await planned(segments, parts);
  if (steps.length === 0) yield { run: { from, to: from, objects: [] }, isLast: true };
  let position = from;
  for (const [i, step] of steps.entries()) {
    const runs =
      step.action === 'register'
        ? planRegistration(position, step.segments, recordSizeMaxBytes / 2)
        : [await rewritten(position, step, parts)];
    for (const [j, run] of runs.entries()) {
      yield { run, isLast: i === steps.length - 1 && j === runs.length - 1 };
      position = run.to;
    }
  }
}

/** The plan, made in slices: many segments of thousands of streams are a million parts. */
async function planned(
  segments: readonly WalSegment[],
  { segmentsAreObjects, runSizeMaxBytes, writer, runtime }: CommitSource,
): Promise<readonly UploadStep<WalSegment>[]> {
  const { objectSizeMaxBytes } = writer;
  const settings: UploadPlanSettings = {
    segmentsAreObjects,
    objectSizeMaxBytes,
    ownObjectSizeMinBytes,
    runSizeMaxBytes,
  };
  const slices = new WorkSlices(runtime);
  const planning = planUploadInPieces(segments, settings);
  for (;;) {
    const { done, value } = planning.next();
    if (done) return value;
    await slices.pause();
  }
}

async function rewritten(
  from: number,
  { segments, outputs }: Extract<UploadStep<WalSegment>, { action: 'rewrite' }>,
  { source, writer, runtime, ending }: CommitSource,
): Promise<CommitRun> {
  const objects = await writeOutputs(outputs, { source: await source(segments), writer, runtime, ending });
  return { from, to: (segments.at(-1)?.sequence ?? from - 1) + 1, objects };
}
