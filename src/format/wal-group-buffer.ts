// Where a group of the file WAL is put together. Small batches are copied into a slab that was allocated and touched
// beforehand; large ones are referred to and written from where they lie. The checksum runs along while the group
// fills, so that little is left to do when the disk is free for it.
import { assert } from '../base/assert.ts';
import { KiB } from '../base/bytes.ts';
import { crc32 } from '../base/checksum.ts';
import {
  alignedSizeBytes,
  groupFrameSizeBytes,
  groupHeadSizeBytes,
  writeGroupFrame,
  writeGroupHead,
  writeGroupOrigin,
} from './wal-group.ts';
import type { GroupOrigin } from './wal-group.ts';
import type { StreamBatch } from '../model/record-batch.ts';

/** Batches below this are copied: one piece is written faster than many. */
const copyBelowBytes: number = 32 * KiB;

/** So many bytes of frames are summed at once while a group fills. */
const sumAtBytes: number = 64 * KiB;

export class GroupBuffer {
  /** The batches in it, in order. */
  readonly batches: StreamBatch[] = [];
  /** Their bytes, without frames. */
  payloadBytes = 0;
  readonly #slab: Uint8Array;
  readonly #view: DataView;
  readonly #head: Uint8Array;
  #framesSizeBytes = 0;
  /** Slab bytes in use, the head's included. */
  #used = groupHeadSizeBytes;
  /** Slab bytes from here on are not summed yet. */
  #unsummedFrom = groupHeadSizeBytes;
  /** Slab bytes from here on are not among the pieces yet. */
  #unlistedFrom = 0;
  readonly #pieces: Uint8Array[] = [];
  #crc = 0;

  constructor(sizeBytes: number, origin: GroupOrigin) {
    this.#slab = new Uint8Array(sizeBytes).fill(0);
    this.#view = new DataView(this.#slab.buffer);
    this.#head = this.#slab.subarray(0, groupHeadSizeBytes);
    writeGroupOrigin(this.#slab, 'group', origin);
  }

  /** What it takes of a file as it is. */
  get sizeBytes(): number {
    return alignedSizeBytes(groupHeadSizeBytes + this.#framesSizeBytes);
  }

  /** Whether a batch may be added. An empty group takes any batch, however large. */
  fits({ bytes }: StreamBatch): boolean {
    if (this.batches.length === 0) return true;
    const sizeBytes = groupHeadSizeBytes + this.#framesSizeBytes + groupFrameSizeBytes + bytes.byteLength;
    return alignedSizeBytes(sizeBytes) <= this.#slab.byteLength;
  }

  add(batch: StreamBatch): void {
    const { bytes } = batch;
    const sizeBytes = bytes.byteLength;
    this.batches.push(batch);
    this.payloadBytes += sizeBytes;
    this.#framesSizeBytes += groupFrameSizeBytes + sizeBytes;
    writeGroupFrame(this.#view, this.#used, batch);
    this.#used += groupFrameSizeBytes;
    if (sizeBytes < copyBelowBytes && alignedSizeBytes(this.#used + sizeBytes) <= this.#slab.byteLength) {
      this.#slab.set(bytes, this.#used);
      this.#used += sizeBytes;
      if (this.#used - this.#unsummedFrom >= sumAtBytes) this.#sum();
      return;
    }
    this.#sum();
    this.#crc = crc32(bytes, this.#crc);
    this.#pieces.push(this.#slab.subarray(this.#unlistedFrom, this.#used), bytes);
    this.#unlistedFrom = this.#used;
  }

  /** Ends the group with its head. What to write: whole sectors. */
  finish(number: number, segment: number, segmentStart: number): readonly Uint8Array[] {
    this.#sum();
    const framesSizeBytes = this.#framesSizeBytes;
    const facts = { number, segment, segmentStart, batchCount: this.batches.length, framesSizeBytes };
    writeGroupHead(this.#view, this.#head, facts, this.#crc);
    const paddingBytes = this.sizeBytes - groupHeadSizeBytes - framesSizeBytes;
    assert(this.#used + paddingBytes <= this.#slab.byteLength, 'a group leaves room for what fills its last sector');
    const end = this.#used + paddingBytes;
    this.#slab.fill(0, this.#used, end);
    if (end > this.#unlistedFrom) this.#pieces.push(this.#slab.subarray(this.#unlistedFrom, end));
    return this.#pieces;
  }

  clear(): void {
    this.batches.length = 0;
    this.#pieces.length = 0;
    this.payloadBytes = 0;
    this.#framesSizeBytes = 0;
    this.#used = groupHeadSizeBytes;
    this.#unsummedFrom = groupHeadSizeBytes;
    this.#unlistedFrom = 0;
    this.#crc = 0;
  }

  #sum(): void {
    if (this.#unsummedFrom === this.#used) return;
    this.#crc = crc32(this.#slab.subarray(this.#unsummedFrom, this.#used), this.#crc);
    this.#unsummedFrom = this.#used;
  }
}
