// Runs the rewriting part of a plan: reads the planned ranges where they are in memory or in a WAL, and writes the
// planned objects. Any part that does not cover its range exactly is a bug, found before anything is committed.
//
// Reading and encoding go on in slices. What a slice reads is copied within the slice: between two of them only the
// offset that was reached is known, and the next slice looks for it anew.
import { assert } from '../base/assert.ts';
import type { Runtime } from '../base/runtime.ts';
import { batchFrameSizeBytes, type ObjectEncoder } from '../format/data-object.ts';
import type { StreamBatch } from '../model/record-batch.ts';
import type { CommittedObject } from '../catalog/change.ts';
import type { ObjectWriter } from './object-writer.ts';
import { outputSizeMax, type PlannedOutput, type PlannedRange } from './upload-planner.ts';
import { WorkSlices } from './work-slices.ts';

/**
 * The batches of a range, in order, made as they are asked for.
 *
 * What is assumed of them: each is valid until the event loop turns, no longer. The upload walks them, copies their
 * bytes and lets go of the walk within one synchronous section; after a turn it asks again, from the first offset that
 * it has not copied. So a source need not lend, pin or keep anything for it. Between two slices the batches of a range
 * that is not released must stay where the source finds them; if the set ends and they go, `ending` says so first.
 */
export type RangeSource = (range: Pick<PlannedRange, 'stream' | 'startOffset' | 'endOffset'>) => Iterable<StreamBatch>;

/** What writing objects takes. */
export interface Rewriting {
  readonly source: RangeSource;
  readonly writer: ObjectWriter;
  readonly runtime: Runtime;
  /** Why there is no sense in going on, if there is none: the set has ended. */
  readonly ending?: (() => Error | undefined) | undefined;
}

/** Bytes and batches that are copied at once: a fraction of a millisecond. */
const pieceMaxBytes = 256 * 1024;
const pieceMaxBatches = 1_024;

/**
 * Writes the objects of a rewritten run, one after the other: one buffer at a time. In the order of the plan; an output
 * that does not fit the buffer becomes several objects.
 */
export async function writeOutputs(
  outputs: readonly PlannedOutput[],
  rewriting: Rewriting,
): Promise<readonly CommittedObject[]> {
  const { writer } = rewriting;
  const objects: CommittedObject[] = [];
  try {
    for (const { kind, ranges } of outputs) {
      const walk = new RangeWalk(ranges);
      while (!walk.isOver)
        objects.push(await writer.write(kind, outputSizeMax(walk.rest()), (encoder) => fill(encoder, walk, rewriting)));
    }
  } catch (cause) {
    writer.decide(objects); // Given up: these are never proposed.
    throw cause;
  }
  return objects;
}

/** Adds what is left of a walk to an object, as far as it fits. */
async function fill(encoder: ObjectEncoder, walk: RangeWalk, { source, runtime, ending }: Rewriting): Promise<void> {
  const slices = new WorkSlices(runtime);
  for (;;) {
    const ended = ending?.();
    if (ended !== undefined) throw ended;
    if (!walk.copy(source, encoder)) return;
    await slices.pause();
  }
}

/** Goes over the ranges of an output, and proves that what it is given is all of them and nothing else. */
class RangeWalk {
  readonly #ranges: readonly PlannedRange[];
  /** The range that is being read, and the offset up to which it was. */
  #index = 0;
  #offset: number;

  constructor(ranges: readonly PlannedRange[]) {
    this.#ranges = ranges;
    this.#offset = ranges[0]?.startOffset ?? 0;
  }

  get isOver(): boolean {
    return this.#index >= this.#ranges.length;
  }

  /** The ranges that are not read, the one under way as a whole. */
  rest(): readonly PlannedRange[] {
    return this.#ranges.slice(this.#index);
  }

  /** Copies a piece. False: that was all, or all that fits. */
  copy(source: RangeSource, encoder: ObjectEncoder): boolean {
    let bytesLeft = pieceMaxBytes;
    let batchesLeft = pieceMaxBatches;
    for (let range = this.#ranges[this.#index]; range !== undefined; range = this.#ranges[this.#index]) {
      const { stream, streamEpoch, endOffset } = range;
      for (const batch of source({ stream, startOffset: this.#offset, endOffset })) {
        if (bytesLeft <= 0 || batchesLeft <= 0) return true;
        const { startOffset, count, bytes } = batch;
        assert(
          startOffset === this.#offset && batch.stream === stream && batch.streamEpoch === streamEpoch,
          () => `stream ${stream}: ${startOffset} follows ${this.#offset}`,
        );
        if (!encoder.fits(bytes.byteLength)) {
          assert(encoder.blocksBytes > 0, 'any batch fits the buffer of an upload');
          return false;
        }
        encoder.add(batch);
        this.#offset += count;
        bytesLeft -= batchFrameSizeBytes + bytes.byteLength;
        batchesLeft -= 1;
      }
      assert(this.#offset === endOffset, () => `stream ${stream}: ${this.#offset} is not the end ${endOffset}`);
      this.#index += 1;
      this.#offset = this.#ranges[this.#index]?.startOffset ?? 0;
      batchesLeft -= 1; // A range costs a look-up.
    }
    return false;
  }
}
