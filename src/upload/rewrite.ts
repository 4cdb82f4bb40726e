// Runs the rewriting part of a plan: reads the planned ranges where they are in memory or in a WAL, and writes the
// planned objects. Any part that does not cover its range exactly is a bug, found before anything is committed.
import { assert } from '../base/assert.ts';
import type { StreamBatch } from '../model/record-batch.ts';
import type { CommittedObject } from '../catalog/change.ts';
import type { ObjectWriter } from './object-writer.ts';
import type { PlannedOutput, PlannedRange } from './upload-planner.ts';

/** The batches of a range, in order. */
export type RangeSource = (range: PlannedRange) => readonly StreamBatch[];

/** Writes the objects of a rewritten run, one after the other: one buffer at a time. In the order of the plan. */
export async function writeOutputs(
  outputs: readonly PlannedOutput[],
  source: RangeSource,
  writer: ObjectWriter,
): Promise<readonly CommittedObject[]> {
  const objects: CommittedObject[] = [];
  try {
    for (const { kind, ranges } of outputs) {
      const batches = ranges.flatMap((range) => covering(range, source(range)));
      objects.push(await writer.write(kind, batches));
    }
  } catch (cause) {
    writer.decide(objects); // Given up: these are never proposed.
    throw cause;
  }
  return objects;
}

/** The batches of a range, proven to be all of it and nothing else. */
function covering(range: PlannedRange, batches: readonly StreamBatch[]): readonly StreamBatch[] {
  let offset = range.startOffset;
  for (const { startOffset, count, streamEpoch } of batches) {
    assert(
      startOffset === offset && streamEpoch === range.streamEpoch,
      () => `stream ${range.stream}: ${startOffset} follows ${offset}`,
    );
    offset += count;
  }
  assert(offset === range.endOffset, () => `stream ${range.stream}: ${offset} is not the end ${range.endOffset}`);
  return batches;
}
