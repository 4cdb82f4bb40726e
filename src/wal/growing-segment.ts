// The directory of a segment that is filled group by group: which range of which stream it holds so far. Batches of a
// stream come in the order of their offsets; neighbours that join are one part.
import type { StreamId } from '../model/ids.ts';
import type { ObjectPart, StreamBatch } from '../model/record-batch.ts';
import { batchFrameSizeBytes } from '../format/block-index.ts';
import type { WalSegment } from './wal.ts';

type GrowingPart = { -readonly [K in keyof ObjectPart]: ObjectPart[K] };

export class GrowingSegment implements WalSegment {
  readonly sequence: number;
  sizeBytes = 0;
  batchCount = 0;
  readonly #parts: GrowingPart[] = [];
  /** The last part of each stream. */
  readonly #lastParts = new Map<StreamId, GrowingPart>();
  #last: GrowingPart | undefined;
  #sorted: readonly ObjectPart[] | undefined;

  constructor(sequence: number) {
    this.sequence = sequence;
  }

  /** What it holds so far, by stream. */
  get parts(): readonly ObjectPart[] {
    this.#sorted ??= this.#parts.map((part) => ({ ...part })).toSorted((a, b) => a.stream - b.stream);
    return this.#sorted;
  }

  add({ stream, streamEpoch, startOffset, count, timestamp, bytes }: StreamBatch): void {
    this.batchCount += 1;
    this.#sorted = undefined;
    const sizeBytes = batchFrameSizeBytes + bytes.byteLength;
    this.sizeBytes += sizeBytes;
    const endOffset = startOffset + count;
    const part = this.#last?.stream === stream ? this.#last : this.#lastParts.get(stream);
    if (part !== undefined && part.endOffset === startOffset && part.streamEpoch === streamEpoch) {
      part.endOffset = endOffset;
      part.sizeBytes += sizeBytes;
      if (timestamp !== undefined && !(timestamp <= (part.maxTimestamp ?? -Infinity))) part.maxTimestamp = timestamp;
      this.#last = part;
      return;
    }
    const added = { stream, streamEpoch, startOffset, endOffset, sizeBytes, maxTimestamp: timestamp };
    this.#parts.push(added);
    this.#lastParts.set(stream, added);
    this.#last = added;
  }
}
