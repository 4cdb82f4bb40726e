// The directory of a data object: one entry of fixed width per block, searched in place, never decoded as a whole.
//
// - Entries are sorted by stream and start offset. Within a stream, offsets do not overlap and epochs do not fall.
// - Blocks stand in the order of their entries and fill the object up to the index, so every byte has a checksum.
import { crc32 } from '../base/checksum.ts';
import { viewOf } from '../base/bytes.ts';
import { streamId } from '../model/ids.ts';
import type { StreamId } from '../model/ids.ts';
import type { ObjectPart } from '../model/record-batch.ts';
import { corrupt } from './damage.ts';
import type { BytesPlace } from './damage.ts';
import type { Footer } from './footer.ts';
import { plainView, readTimestamp, readUint64, writeTimestamp, writeUint64 } from './numbers.ts';

/** What the index says of one block. */
export interface BlockEntry {
  readonly stream: StreamId;
  readonly streamEpoch: number;
  readonly startOffset: number;
  readonly endOffset: number;
  /** Where in the object the block starts. */
  readonly position: number;
  readonly sizeBytes: number;
  readonly batchCount: number;
  /** The largest timestamp in it; undefined when no batch has one. */
  readonly maxTimestamp: number | undefined;
  readonly crc: number;
}

/** Bytes of one entry. */
export const blockIndexEntrySizeBytes = 60;

/** Bytes that stand before the bytes of each batch in a block. */
export const batchFrameSizeBytes = 16;

/** Writes one entry at `at`. */
export function writeBlockEntry(view: DataView, at: number, entry: BlockEntry): void {
  writeUint64(view, at, entry.stream);
  writeUint64(view, at + 8, entry.streamEpoch);
  writeUint64(view, at + 16, entry.startOffset);
  writeUint64(view, at + 24, entry.endOffset);
  writeUint64(view, at + 32, entry.position);
  writeTimestamp(view, at + 40, entry.maxTimestamp);
  view.setUint32(at + 48, entry.sizeBytes);
  view.setUint32(at + 52, entry.batchCount);
  view.setUint32(at + 56, entry.crc);
}

export class BlockIndex {
  readonly blockCount: number;
  readonly sizeBytes: number;
  readonly #view: DataView;

  private constructor(bytes: Uint8Array) {
    this.#view = viewOf(bytes);
    this.sizeBytes = bytes.byteLength;
    this.blockCount = bytes.byteLength / blockIndexEntrySizeBytes;
  }

  /** Checks the bytes of an index against the footer that names them. They are kept, not copied. */
  static decode(bytes: Uint8Array, footer: Footer, place: BytesPlace): BlockIndex {
    if (bytes.byteLength !== footer.indexSizeBytes || bytes.byteLength % blockIndexEntrySizeBytes !== 0)
      throw corrupt(place, footer.indexPosition, `a block index of ${bytes.byteLength} bytes cannot be`);
    if (crc32(bytes) !== footer.indexCrc)
      throw corrupt(place, footer.indexPosition, 'the checksum of its block index is wrong');
    const index = new BlockIndex(plainView(bytes));
    index.#check(footer, place);
    return index;
  }

  /** The block that holds `offset` of `stream`, or −1. */
  find(stream: StreamId, offset: number): number {
    const block = this.#countUpTo(stream, offset) - 1;
    if (block < 0 || this.#number(block, 0) !== stream) return -1;
    return offset < this.#number(block, 24) ? block : -1;
  }

  /** The first block of `stream`, or −1. */
  firstOf(stream: StreamId): number {
    const block = this.#countUpTo(stream, -1);
    return block < this.blockCount && this.#number(block, 0) === stream ? block : -1;
  }

  /** What the index says of block `i`. */
  entry(i: number): BlockEntry {
    const at = i * blockIndexEntrySizeBytes;
    const view = this.#view;
    return {
      stream: streamId(readUint64(view, at)),
      streamEpoch: readUint64(view, at + 8),
      startOffset: readUint64(view, at + 16),
      endOffset: readUint64(view, at + 24),
      position: readUint64(view, at + 32),
      sizeBytes: view.getUint32(at + 48),
      batchCount: view.getUint32(at + 52),
      maxTimestamp: readTimestamp(view, at + 40),
      crc: view.getUint32(at + 56),
    };
  }

  /** What the object holds: one part per contiguous run of a stream under one epoch. */
  parts(): readonly ObjectPart[] {
    const parts: ObjectPart[] = [];
    for (let i = 0; i < this.blockCount; i += 1) addToParts(parts, this.entry(i));
    return parts;
  }

  /** How many entries sort at or before (stream, offset): a binary search. */
  #countUpTo(stream: number, offset: number): number {
    let low = 0;
    let high = this.blockCount;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const found = this.#number(middle, 0);
      if (found < stream || (found === stream && this.#number(middle, 16) <= offset)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #number(block: number, field: number): number {
    return readUint64(this.#view, block * blockIndexEntrySizeBytes + field);
  }

  // A comparison with a number that was too large is false, so each check says what must hold, and negates it.
  #check(footer: Footer, place: BytesPlace): void {
    let previous: BlockEntry | undefined;
    for (let i = 0; i < this.blockCount; i += 1) {
      const entry = this.entry(i);
      const problem = problemOf(entry, previous);
      if (problem !== undefined) throw corrupt(place, footer.indexPosition + i * blockIndexEntrySizeBytes, problem);
      if (footer.kind === 'stream' && previous !== undefined && previous.stream !== entry.stream)
        throw corrupt(place, footer.indexPosition, 'an object of one stream holds two');
      previous = entry;
    }
    const end = previous === undefined ? 0 : previous.position + previous.sizeBytes;
    if (end !== footer.indexPosition) throw corrupt(place, footer.indexPosition, 'its blocks do not fill it');
  }
}

/** Extends the last part by a block that continues it, or begins the next part. */
export function addToParts(parts: ObjectPart[], entry: BlockEntry): void {
  const last = parts.at(-1);
  const { stream, streamEpoch, startOffset, endOffset, sizeBytes, maxTimestamp } = entry;
  const continues =
    last !== undefined && last.stream === stream && last.streamEpoch === streamEpoch && last.endOffset === startOffset;
  if (!continues) {
    parts.push({ stream, streamEpoch, startOffset, endOffset, sizeBytes, maxTimestamp });
    return;
  }
  parts[parts.length - 1] = {
    ...last,
    endOffset,
    sizeBytes: last.sizeBytes + sizeBytes,
    maxTimestamp: laterTimestamp(last.maxTimestamp, maxTimestamp),
  };
}

/** The larger of two timestamps of which either may be missing. */
export function laterTimestamp(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined) return b;
  return b === undefined || b <= a ? a : b;
}

function problemOf(entry: BlockEntry, previous: BlockEntry | undefined): string | undefined {
  const { stream, streamEpoch, startOffset, endOffset, position, sizeBytes, batchCount, maxTimestamp } = entry;
  if (!(stream >= 1 && streamEpoch >= 0 && startOffset >= 0 && startOffset < endOffset))
    return 'a block of its index has no sensible range';
  if (!(batchCount >= 1 && batchCount <= endOffset - startOffset && batchCount * batchFrameSizeBytes <= sizeBytes))
    return 'a block of its index has no sensible number of batches';
  if (Number.isNaN(maxTimestamp)) return 'a block of its index has a timestamp that is none';
  if (!(position === (previous === undefined ? 0 : previous.position + previous.sizeBytes)))
    return 'a block of its index is not where it should be';
  if (previous === undefined || previous.stream < stream) return undefined;
  if (!(previous.stream === stream && previous.endOffset <= startOffset && previous.streamEpoch <= streamEpoch))
    return 'its index is not sorted';
  return undefined;
}
