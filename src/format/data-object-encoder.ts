// Encodes a data object batch by batch into memory that it is given: blocks from the front as batches come, and at the
// end their index and the footer behind them. Whoever has much to encode stops between any two batches.
//
// - Batches come by stream, ascending, and within a stream in the order of offsets; anything else is a bug.
// - Each batch is copied when it is added, so nothing of it is held afterwards.
// - The same batches give the same bytes, however they are spread over time.
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
import { writeTimestamp } from './numbers.ts';

/** The bytes of a data object and what they hold. */
export interface EncodedDataObject {
  readonly bytes: Uint8Array;
  /** One per contiguous run of a stream under one epoch, sorted by stream and start offset. */
  readonly parts: readonly ObjectPart[];
}

/** Says where blocks begin, and checks all that a decoder will rely on. */
export class BlockCutter {
  readonly #blockSizeTargetBytes: number;
  #blockBytes = 0;
  #stream = 0;
  #streamEpoch = 0;
  #endOffset = 0;
  blockCount = 0;
  /** Bytes of all blocks. */
  blocksBytes = 0;

  constructor(blockSizeTargetBytes: number = limits.blockSizeTargetBytes) {
    this.#blockSizeTargetBytes = blockSizeTargetBytes;
  }

  /** Takes the next batch. Whether a block begins with it. */
  add(batch: StreamBatch): boolean {
    const { stream, streamEpoch, startOffset, count, bytes } = batch;
    const sameStream = stream === this.#stream;
    const isCount = Number.isInteger(count) && count >= 1 && count <= limits.batchCountMax;
    const isInOrder = sameStream
      ? startOffset >= this.#endOffset && streamEpoch >= this.#streamEpoch
      : stream > this.#stream;
    if (!isCount || !isInOrder) this.#refuse(batch, isCount);
    const frameBytes = batchFrameSizeBytes + bytes.byteLength;
    const continues = sameStream && startOffset === this.#endOffset && streamEpoch === this.#streamEpoch;
    const begins = !continues || this.#blockBytes + frameBytes > this.#blockSizeTargetBytes;
    if (begins) {
      this.blockCount += 1;
      this.#blockBytes = 0;
    }
    this.#blockBytes += frameBytes;
    this.blocksBytes += frameBytes;
    this.#stream = stream;
    this.#streamEpoch = streamEpoch;
    this.#endOffset = startOffset + count;
    return begins;
  }

  /** Apart from `add`, which is called for every batch: a message that is made there would cost each of them. */
  #refuse({ stream, streamEpoch, startOffset, count }: StreamBatch, isCount: boolean): never {
    assert(isCount, `a batch of ${count} records`);
    assert(stream >= this.#stream, `batches of stream ${stream} come after those of stream ${this.#stream}`);
    assert(false, `batches of stream ${stream} come out of order at ${startOffset} of epoch ${streamEpoch}`);
  }
}

export class ObjectEncoder {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #cutter: BlockCutter;
  readonly #entries: BlockEntry[] = [];
  readonly #parts: ObjectPart[] = [];
  /** Where the next batch goes. */
  #position = 0;
  /** The block that is being filled: where it starts, and what has come to it since. */
  #start: Pick<StreamBatch, 'stream' | 'streamEpoch' | 'startOffset'> | undefined;
  #blockPosition = 0;
  #endOffset = 0;
  #batchCount = 0;
  #maxTimestamp: number | undefined;

  /** `bytes` is written from its start; what it held before does not matter. */
  constructor(bytes: Uint8Array, blockSizeTargetBytes?: number) {
    this.#bytes = bytes;
    this.#view = viewOf(bytes);
    this.#cutter = new BlockCutter(blockSizeTargetBytes);
  }

  /** Bytes of the batches so far, frames included. */
  get blocksBytes(): number {
    return this.#position;
  }

  /** Whether there is room for a batch of so many bytes, and still for the index and the footer. */
  fits(sizeBytes: number): boolean {
    const blocksBytes = this.#position + batchFrameSizeBytes + sizeBytes;
    const indexBytes = (this.#cutter.blockCount + 1) * blockIndexEntrySizeBytes;
    return blocksBytes + indexBytes + footerSizeBytes <= this.#bytes.byteLength;
  }

  /** Copies a batch in. */
  add(batch: StreamBatch): void {
    const { stream, streamEpoch, startOffset, bytes: payload, count, timestamp } = batch;
    if (this.#cutter.add(batch)) {
      this.#endBlock();
      this.#start = { stream, streamEpoch, startOffset };
      this.#blockPosition = this.#position;
    }
    const at = this.#position;
    this.#view.setUint32(at, payload.byteLength);
    this.#view.setUint32(at + 4, count);
    writeTimestamp(this.#view, at + 8, timestamp);
    this.#bytes.set(payload, at + batchFrameSizeBytes);
    this.#position = at + batchFrameSizeBytes + payload.byteLength;
    this.#endOffset = startOffset + count;
    this.#batchCount += 1;
    this.#maxTimestamp = laterTimestamp(this.#maxTimestamp, timestamp);
  }

  /** Ends the object. Its bytes are the beginning of those that were given. */
  finish(head: DataObjectHead): EncodedDataObject {
    this.#endBlock();
    assert(head.kind !== 'seal' || this.#entries.length === 0, 'a seal holds nothing');
    assert(
      head.kind !== 'stream' || this.#entries[0]?.stream === this.#entries.at(-1)?.stream,
      'an object of one stream was given two',
    );
    const indexPosition = this.#position;
    assert(indexPosition === this.#cutter.blocksBytes, 'the blocks must fill what was measured for them');
    const indexSizeBytes = this.#entries.length * blockIndexEntrySizeBytes;
    const bytes = this.#bytes.subarray(0, indexPosition + indexSizeBytes + footerSizeBytes);
    for (const [i, entry] of this.#entries.entries())
      writeBlockEntry(this.#view, indexPosition + i * blockIndexEntrySizeBytes, entry);
    const indexCrc = crc32(bytes.subarray(indexPosition, indexPosition + indexSizeBytes));
    writeFooter(bytes, { ...head, indexPosition, indexSizeBytes, indexCrc });
    return { bytes, parts: this.#parts };
  }

  #endBlock(): void {
    if (this.#start === undefined) return;
    const position = this.#blockPosition;
    const entry: BlockEntry = {
      stream: this.#start.stream,
      streamEpoch: this.#start.streamEpoch,
      startOffset: this.#start.startOffset,
      endOffset: this.#endOffset,
      position,
      sizeBytes: this.#position - position,
      batchCount: this.#batchCount,
      maxTimestamp: this.#maxTimestamp,
      crc: crc32(this.#bytes.subarray(position, this.#position)),
    };
    this.#entries.push(entry);
    addToParts(this.#parts, entry);
    this.#start = undefined;
    this.#batchCount = 0;
    this.#maxTimestamp = undefined;
  }
}
