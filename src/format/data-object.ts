// Encoding of a data object: blocks, block index, footer, in one piece of memory, measured first. WAL segments, seals,
// uploads and compactions are all this.
//
// - A batch is never split. A block holds consecutive batches of one stream under one epoch.
// - The same head and batches give the same bytes, so a retry can be recognised.
import * as limits from '../model/limits.ts';
import type { StreamBatch } from '../model/record-batch.ts';
import { batchFrameSizeBytes, blockIndexEntrySizeBytes } from './block-index.ts';
import { BlockCutter, ObjectEncoder } from './data-object-encoder.ts';
import type { EncodedDataObject } from './data-object-encoder.ts';
import { footerSizeBytes } from './footer.ts';
import type { DataObjectHead } from './footer.ts';
import { allocateBytes } from './numbers.ts';

export { batchFrameSizeBytes, blockIndexEntrySizeBytes } from './block-index.ts';
export { ObjectEncoder } from './data-object-encoder.ts';
export type { EncodedDataObject } from './data-object-encoder.ts';
export { checkOrigin, decodeFooter, footerSizeBytes, isSameObject } from './footer.ts';
export type { DataObjectHead, Footer } from './footer.ts';

export interface EncodeDataObjectOptions {
  /** Size at which a block is full; a larger batch is a block of its own. */
  readonly blockSizeTargetBytes?: number | undefined;
  /** Gives memory of at least so many bytes, whatever it holds; fresh memory of just the size unless given. */
  readonly memory?: ((sizeBytes: number) => Uint8Array) | undefined;
}

/**
 * The size that an object of these batches cannot exceed. `runCount`: how many contiguous runs under one epoch there
 * are, which is the number of streams, and one more for each change of epoch or gap within a stream.
 *
 * Two neighbouring blocks of a run hold more than the target together (else they were one), so a run of n bytes has
 * at most 1 + 2n / target blocks.
 */
export function encodedSizeMax(
  batchCount: number,
  payloadBytes: number,
  runCount: number,
  blockSizeTargetBytes: number = limits.blockSizeTargetBytes,
): number {
  const blocksBytes = payloadBytes + batchCount * batchFrameSizeBytes;
  const blockCountMax = Math.min(batchCount, runCount + Math.floor((2 * blocksBytes) / blockSizeTargetBytes));
  return blocksBytes + blockCountMax * blockIndexEntrySizeBytes + footerSizeBytes;
}

/** Encodes batches as one object. Those of a stream come in the order of offsets; streams may be interleaved. */
export function encodeDataObject(
  head: DataObjectHead,
  batches: readonly StreamBatch[],
  { blockSizeTargetBytes, memory = allocateBytes }: EncodeDataObjectOptions = {},
): EncodedDataObject {
  const ordered = sortByStream(batches);
  const measured = new BlockCutter(blockSizeTargetBytes);
  for (const batch of ordered) measured.add(batch);
  const { blocksBytes, blockCount } = measured;
  const bytes = memory(blocksBytes + blockCount * blockIndexEntrySizeBytes + footerSizeBytes);
  const encoder = new ObjectEncoder(bytes, blockSizeTargetBytes);
  for (const batch of ordered) encoder.add(batch);
  return encoder.finish(head);
}

/** The batches grouped by stream, ascending, otherwise in their order: a counting sort with one look-up a batch. */
function sortByStream(batches: readonly StreamBatch[]): readonly StreamBatch[] {
  const slotOfStream = new Map<number, number>();
  const streams: number[] = [];
  const counts: number[] = [];
  const slots = new Uint32Array(batches.length);
  let sorted = true;
  let previous = 0;
  let slot = 0;
  for (let i = 0; i < batches.length; i += 1) {
    const { stream } = batches[i] as StreamBatch;
    if (stream !== previous) {
      if (stream < previous) sorted = false;
      slot = slotOfStream.get(stream) ?? streams.length;
      if (slot === streams.length) {
        slotOfStream.set(stream, slot);
        streams.push(stream);
        counts.push(0);
      }
      previous = stream;
    }
    slots[i] = slot;
    counts[slot] = (counts[slot] as number) + 1;
  }
  if (sorted) return batches;
  const next = new Uint32Array(streams.length);
  let position = 0;
  for (const stream of [...streams].sort((a, b) => a - b)) {
    const of = slotOfStream.get(stream) as number;
    next[of] = position;
    position += counts[of] as number;
  }
  const ordered = Array.from<StreamBatch>({ length: batches.length });
  for (let i = 0; i < batches.length; i += 1) {
    const of = slots[i] as number;
    const at = next[of] as number;
    ordered[at] = batches[i] as StreamBatch;
    next[of] = at + 1;
  }
  return ordered;
}
