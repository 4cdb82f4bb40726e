// A block: consecutive batches of one stream under one epoch, each behind a frame of fixed width. It says nothing of
// itself that its index entry knows (stream, epoch, start offset, checksum).
//
// A decoded block keeps two compact arrays, and makes an object of a batch only when it is asked for one.
import { assert } from '../base/assert.ts';
import { crc32 } from '../base/checksum.ts';
import { viewOf } from '../base/bytes.ts';
import { batchCountMax } from '../model/limits.ts';
import type { RecordBatch } from '../model/record-batch.ts';
import { batchFrameSizeBytes, laterTimestamp } from './block-index.ts';
import type { BlockEntry } from './block-index.ts';
import { corrupt } from './damage.ts';
import type { BytesPlace } from './damage.ts';
import { plainView, readTimestamp } from './numbers.ts';

export class Block {
  readonly batchCount: number;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #streamEpoch: number;
  /** Where each frame starts in the block, and where the last one ends. */
  readonly #positions: Uint32Array;
  /** Start offset of each batch, and the end offset of the last. */
  readonly #offsets: Float64Array;

  private constructor(
    bytes: Uint8Array,
    view: DataView,
    streamEpoch: number,
    positions: Uint32Array,
    offsets: Float64Array,
  ) {
    this.batchCount = offsets.length - 1;
    this.#bytes = bytes;
    this.#view = view;
    this.#streamEpoch = streamEpoch;
    this.#positions = positions;
    this.#offsets = offsets;
  }

  /** Checks the bytes of a block against its index entry. They are kept, not copied. */
  static decode(bytes: Uint8Array, entry: BlockEntry, place: BytesPlace): Block {
    const damaged = (what: string): Error => corrupt(place, entry.position, what);
    if (bytes.byteLength !== entry.sizeBytes) throw damaged(`a block of ${entry.sizeBytes} bytes was cut`);
    if (crc32(bytes) !== entry.crc) throw damaged('the checksum of a block is wrong');
    const { batchCount } = entry;
    // The entry was checked: so many frames fit the bytes, hence the arrays are no larger than a part of them.
    if (batchCount * batchFrameSizeBytes > bytes.byteLength) throw damaged('a block cannot hold its batches');
    const view = viewOf(bytes);
    const positions = new Uint32Array(batchCount + 1);
    const offsets = new Float64Array(batchCount + 1);
    let position = 0;
    let offset = entry.startOffset;
    let maxTimestamp: number | undefined;
    for (let i = 0; i < batchCount; i += 1) {
      if (position + batchFrameSizeBytes > bytes.byteLength) throw damaged('the frames of a block exceed it');
      positions[i] = position;
      offsets[i] = offset;
      const count = view.getUint32(position + 4);
      if (count < 1 || count > batchCountMax) throw damaged(`a batch of ${count} records cannot be`);
      const timestamp = readTimestamp(view, position + 8);
      if (Number.isNaN(timestamp)) throw damaged('a timestamp is none');
      maxTimestamp = laterTimestamp(maxTimestamp, timestamp);
      position += batchFrameSizeBytes + view.getUint32(position);
      offset += count;
    }
    positions[batchCount] = position;
    offsets[batchCount] = offset;
    if (position !== bytes.byteLength || offset !== entry.endOffset || maxTimestamp !== entry.maxTimestamp)
      throw damaged('the frames of a block disagree with the block index');
    return new Block(plainView(bytes), view, entry.streamEpoch, positions, offsets);
  }

  /** Index of the batch that holds `offset`, or −1. */
  find(offset: number): number {
    const offsets = this.#offsets;
    let low = 0;
    let high = this.batchCount;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((offsets[middle + 1] as number) <= offset) low = middle + 1;
      else high = middle;
    }
    return low < this.batchCount && (offsets[low] as number) <= offset ? low : -1;
  }

  /** Batch `i`; its bytes are a view of the block's. */
  batch(i: number): RecordBatch {
    assert(i >= 0 && i < this.batchCount, () => `no batch ${i} in a block of ${this.batchCount}`);
    const position = this.#positions[i] as number;
    const startOffset = this.#offsets[i] as number;
    const endOffset = this.#offsets[i + 1] as number;
    const timestamp = readTimestamp(this.#view, position + 8);
    const bytes = this.#bytes.subarray(position + batchFrameSizeBytes, this.#positions[i + 1]);
    const count = endOffset - startOffset;
    const streamEpoch = this.#streamEpoch;
    return timestamp === undefined
      ? { startOffset, endOffset, count, streamEpoch, bytes }
      : { startOffset, endOffset, count, streamEpoch, timestamp, bytes };
  }
}
