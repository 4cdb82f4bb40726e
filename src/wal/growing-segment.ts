// The directory of a segment that is filled group by group: which range of which stream it holds so far. Batches of a
// stream come in the order of their offsets; neighbours that join are one part.
//
// While it fills, only batches that follow each other at once are joined, in rows of plain numbers: most segments of
// many streams are looked at once, when they are uploaded, and an object for each part would outlive its youth.
import { streamId } from '../model/ids.ts';
import type { ObjectPart, StreamBatch } from '../model/record-batch.ts';
import { batchFrameSizeBytes } from '../format/block-index.ts';
import type { WalSegment } from './wal.ts';

type GrowingPart = { -readonly [K in keyof ObjectPart]: ObjectPart[K] };

export class GrowingSegment implements WalSegment {
  readonly sequence: number;
  sizeBytes = 0;
  batchCount = 0;
  /** Six numbers a row: stream, its epoch, start, end, bytes, and the largest timestamp or NaN. */
  readonly #rows: number[] = [];
  #parts: readonly ObjectPart[] | undefined;

  constructor(sequence: number) {
    this.sequence = sequence;
  }

  /** What it holds so far, by stream. */
  get parts(): readonly ObjectPart[] {
    this.#parts ??= partsOf(this.#rows);
    return this.#parts;
  }

  add(batch: StreamBatch): void {
    const { stream, streamEpoch, startOffset } = batch;
    const sizeBytes = batchFrameSizeBytes + batch.bytes.byteLength;
    const endOffset = startOffset + batch.count;
    const timestamp = batch.timestamp ?? Number.NaN;
    this.batchCount += 1;
    this.sizeBytes += sizeBytes;
    this.#parts = undefined;
    const rows = this.#rows;
    const last = rows.length - 6;
    if (last >= 0 && rows[last] === stream && rows[last + 1] === streamEpoch && rows[last + 3] === startOffset) {
      rows[last + 3] = endOffset;
      rows[last + 4] = (rows[last + 4] as number) + sizeBytes;
      if (!(timestamp <= (rows[last + 5] as number)) && batch.timestamp !== undefined) rows[last + 5] = timestamp;
    } else rows.push(stream, streamEpoch, startOffset, endOffset, sizeBytes, timestamp);
  }
}

function partsOf(rows: readonly number[]): readonly ObjectPart[] {
  const parts: GrowingPart[] = [];
  const lastParts = new Map<number, GrowingPart>();
  for (let row = 0; row < rows.length; row += 6) {
    const [stream, streamEpoch, startOffset, endOffset, sizeBytes, timestamp] = rows.slice(row, row + 6) as Row;
    const maxTimestamp = Number.isNaN(timestamp) ? undefined : timestamp;
    const part = lastParts.get(stream);
    if (part !== undefined && part.endOffset === startOffset && part.streamEpoch === streamEpoch) {
      part.endOffset = endOffset;
      part.sizeBytes += sizeBytes;
      if (maxTimestamp !== undefined && !(maxTimestamp <= (part.maxTimestamp ?? -Infinity)))
        part.maxTimestamp = maxTimestamp;
      continue;
    }
    const added = { stream: streamId(stream), streamEpoch, startOffset, endOffset, sizeBytes, maxTimestamp };
    parts.push(added);
    lastParts.set(stream, added);
  }
  return parts.sort((a, b) => a.stream - b.stream);
}

type Row = [number, number, number, number, number, number];
