// Encoding of a data object: blocks, block index, footer, in one allocation of exactly the right size. WAL segments,
// seals, uploads and compactions are all this.
//
// - A batch is never split. A block holds consecutive batches of one stream under one epoch.
// - The same head and batches give the same bytes, so a retry can be recognised.
import { assert } from '../base/assert.ts';
import { crc32 } from '../base/checksum.ts';
import { viewOf } from '../base/bytes.ts';
import * as limits from '../model/limits.ts';
import type { ObjectPart, StreamBatch } from '../model/record-batch.ts';
import {
  addToParts,
  batchFrameSizeBytes,
  blockIndexEntrySizeBytes,
  laterTimestamp,
  writeBlockEntry,
} from './block-index.ts';
import type { BlockEntry } from './block-index.ts';
import { footerSizeBytes, writeFooter } from './footer.ts';
import type { DataObjectHead } from './footer.ts';
import { allocateBytes, writeTimestamp } from './numbers.ts';

export { batchFrameSizeBytes, blockIndexEntrySizeBytes } from './block-index.ts';
export { checkOrigin, decodeFooter, footerSizeBytes, isSameObject } from './footer.ts';
export type { DataObjectHead, Footer } from './footer.ts';

/** The bytes of a data object and what they hold. */
export interface EncodedDataObject {
  readonly bytes: Uint8Array;
  /** One per contiguous run of a stream under one epoch, sorted by stream and start offset. */
  readonly parts: readonly ObjectPart[];
}

export interface EncodeDataObjectOptions {
  /** Size at which a block is full; a larger batch is a block of its own. */
  readonly blockSizeTargetBytes?: number | undefined;
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
  options: EncodeDataObjectOptions = {},
): EncodedDataObject {
  assert(head.kind !== 'seal' || batches.length === 0, 'a seal holds nothing');
  const ordered = sortByStream(batches);
  assert(
    head.kind !== 'stream' || ordered.length === 0 || ordered[0]?.stream === ordered.at(-1)?.stream,
    'an object of one stream was given two',
  );
  const { blockStarts, blocksBytes } = cutBlocks(ordered, options.blockSizeTargetBytes ?? limits.blockSizeTargetBytes);
  const blockCount = blockStarts.length;
  blockStarts.push(ordered.length);
  const indexSizeBytes = blockCount * blockIndexEntrySizeBytes;
  const bytes = allocateBytes(blocksBytes + indexSizeBytes + footerSizeBytes);
  const view = viewOf(bytes);
  const parts: ObjectPart[] = [];
  let position = 0;
  for (let block = 0; block < blockCount; block += 1) {
    const from = blockStarts[block] as number;
    const entry = writeBlock(bytes, view, position, ordered, from, blockStarts[block + 1] as number);
    writeBlockEntry(view, blocksBytes + block * blockIndexEntrySizeBytes, entry);
    addToParts(parts, entry);
    position += entry.sizeBytes;
  }
  assert(position === blocksBytes, 'the blocks must fill what was measured for them');
  const indexCrc = crc32(bytes.subarray(blocksBytes, blocksBytes + indexSizeBytes));
  writeFooter(bytes, { ...head, indexPosition: blocksBytes, indexSizeBytes, indexCrc });
  return { bytes, parts };
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

/** Where blocks begin, and the bytes of all of them. Checks all that a decoder will rely on. */
function cutBlocks(
  ordered: readonly StreamBatch[],
  blockSizeTargetBytes: number,
): { blockStarts: number[]; blocksBytes: number } {
  const blockStarts: number[] = [];
  let blocksBytes = 0;
  let blockBytes = 0;
  let stream = 0;
  let streamEpoch = 0;
  let endOffset = 0;
  for (let i = 0; i < ordered.length; i += 1) {
    const batch = ordered[i] as StreamBatch;
    const { count, startOffset } = batch;
    assert(Number.isInteger(count) && count >= 1 && count <= limits.batchCountMax, () => `a batch of ${count} records`);
    const sameStream = batch.stream === stream;
    assert(
      !sameStream || (startOffset >= endOffset && batch.streamEpoch >= streamEpoch),
      () => `batches of stream ${stream} come out of order at ${startOffset} of epoch ${batch.streamEpoch}`,
    );
    const frameBytes = batchFrameSizeBytes + batch.bytes.byteLength;
    const continues = sameStream && startOffset === endOffset && batch.streamEpoch === streamEpoch;
    if (!continues || blockBytes + frameBytes > blockSizeTargetBytes) {
      blockStarts.push(i);
      blockBytes = 0;
    }
    blockBytes += frameBytes;
    blocksBytes += frameBytes;
    stream = batch.stream;
    streamEpoch = batch.streamEpoch;
    endOffset = startOffset + count;
  }
  return { blockStarts, blocksBytes };
}

/** Writes the batches [from, to) as one block at `position`, and gives its index entry. */
function writeBlock(
  bytes: Uint8Array,
  view: DataView,
  position: number,
  ordered: readonly StreamBatch[],
  from: number,
  to: number,
): BlockEntry {
  const first = ordered[from] as StreamBatch;
  let at = position;
  let endOffset = first.startOffset;
  let maxTimestamp: number | undefined;
  for (let i = from; i < to; i += 1) {
    const { bytes: payload, count, startOffset, timestamp } = ordered[i] as StreamBatch;
    assert(startOffset === endOffset, 'the batches of a block are contiguous');
    view.setUint32(at, payload.byteLength);
    view.setUint32(at + 4, count);
    writeTimestamp(view, at + 8, timestamp);
    bytes.set(payload, at + batchFrameSizeBytes);
    at += batchFrameSizeBytes + payload.byteLength;
    endOffset += count;
    maxTimestamp = laterTimestamp(maxTimestamp, timestamp);
  }
  return {
    stream: first.stream,
    streamEpoch: first.streamEpoch,
    startOffset: first.startOffset,
    endOffset,
    position,
    sizeBytes: at - position,
    batchCount: to - from,
    maxTimestamp,
    crc: crc32(bytes.subarray(position, at)),
  };
}
