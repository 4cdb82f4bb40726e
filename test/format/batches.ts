// Batches for the tests of data objects: by hand, and drawn by fast-check.
import * as fc from 'fast-check';
import type { DataObjectHead } from '../../src/format/data-object.ts';
import { streamId } from '../../src/model/ids.ts';
import type { StreamBatch } from '../../src/model/record-batch.ts';
import { clusterId } from './damaging.ts';

export const head: DataObjectHead = {
  clusterId,
  kind: 'wal-segment',
  node: 'node-a',
  nodeEpoch: 7,
  sequence: 42,
  durableBelow: 40,
};

/** A batch of `size` bytes that tell where it belongs. */
export function batchOf(
  stream: number,
  startOffset: number,
  options: { count?: number; epoch?: number; timestamp?: number; size?: number } = {},
): StreamBatch {
  const { count = 1, epoch = 1, timestamp, size = 5 } = options;
  const bytes = new Uint8Array(size).fill((stream * 31 + startOffset) & 0xff);
  return { stream: streamId(stream), streamEpoch: epoch, startOffset, count, timestamp, bytes };
}

/** One step of a stream in a drawn series: mostly the next batch, now and then a gap or a new epoch before it. */
interface Step {
  readonly stream: number;
  readonly count: number;
  readonly gap: number;
  readonly epochStep: number;
  readonly timestamp: number | undefined;
  readonly bytes: Uint8Array;
}

const step: fc.Arbitrary<Step> = fc.record({
  stream: fc.oneof(fc.integer({ min: 1, max: 4 }), fc.constantFrom(2 ** 40, Number.MAX_SAFE_INTEGER)),
  count: fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constant(2 ** 31 - 1)),
  gap: fc.oneof({ arbitrary: fc.constant(0), weight: 8 }, { arbitrary: fc.constantFrom(1, 2 ** 33), weight: 1 }),
  epochStep: fc.oneof({ arbitrary: fc.constant(0), weight: 8 }, { arbitrary: fc.constant(1), weight: 1 }),
  timestamp: fc.option(fc.maxSafeInteger(), { nil: undefined }),
  bytes: fc.uint8Array({ maxLength: 40 }),
});

/** Batches of a few interleaved streams, each stream's in the order of offsets. */
export const someBatches: fc.Arbitrary<StreamBatch[]> = fc.array(step, { maxLength: 40 }).map((steps) => {
  const ends = new Map<number, { offset: number; epoch: number }>();
  return steps.map(({ stream, count, gap, epochStep, timestamp, bytes }) => {
    const end = ends.get(stream) ?? { offset: (stream * 1_000) % 2 ** 45, epoch: 1 };
    const startOffset = end.offset + gap;
    const streamEpoch = end.epoch + epochStep;
    ends.set(stream, { offset: startOffset + count, epoch: streamEpoch });
    return { stream: streamId(stream), streamEpoch, startOffset, count, timestamp, bytes };
  });
});
