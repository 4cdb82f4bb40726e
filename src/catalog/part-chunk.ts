// The parts of the stream-range index in a snapshot. There may be millions: they go as columns, and without the starts
// that their ends imply, because the parts of a stream are contiguous (I2).
import { assert } from '../base/assert.ts';
import { columnsOf, narrowed, rowsOf, type Column } from './columns.ts';
import type { StreamState, StreamTable } from './stream-table.ts';

const partsPerChunk = 8_192;

/** The parts of a run of streams, as columns. */
export interface PartRows {
  /** Stream, count, and startOffset of the first, of each series of parts; the others start where one ends. */
  readonly series: unknown;
  readonly objects: Column;
  readonly lengths: Column;
  readonly sizes: Column;
  readonly timestamps: Column;
}

/** All parts of all streams, in chunks of a bounded number. */
export function* partChunks(streams: Iterable<StreamState>): Iterable<PartRows> {
  let builder = new PartChunk();
  for (const { id, parts } of streams) {
    for (let from = 0; from < parts.length;) {
      from += builder.add(id, parts, from);
      if (!builder.isFull) continue;
      yield builder.rows();
      builder = new PartChunk();
    }
  }
  if (!builder.isEmpty) yield builder.rows();
}

/** Adds the parts of a chunk to their streams. */
export function readParts(streams: StreamTable, rows: unknown): void {
  const { series, objects, lengths, sizes, timestamps } = rows as PartRows;
  let at = 0;
  for (const [id, count, start] of rowsOf(series, 3) as [number, number, number][]) {
    const stream = streams.get(id);
    assert(stream !== undefined && at + count <= timestamps.length, 'parts belong to a stream');
    stream.parts.reserve(count);
    let startOffset = start;
    for (const end = at + count; at < end; at++) {
      const endOffset = startOffset + (lengths[at] as number);
      const [object, sizeBytes, timestamp] = [objects[at] as number, sizes[at] as number, timestamps[at] as number];
      const maxTimestamp = Number.isNaN(timestamp) ? undefined : timestamp;
      stream.parts.append({ object, startOffset, endOffset, sizeBytes, maxTimestamp });
      startOffset = endOffset;
    }
  }
}

class PartChunk {
  #count = 0;
  readonly #series: number[][] = [];
  readonly #objects = new Float64Array(partsPerChunk);
  readonly #lengths = new Float64Array(partsPerChunk);
  readonly #sizes = new Float64Array(partsPerChunk);
  readonly #timestamps = new Float64Array(partsPerChunk);

  get isFull(): boolean {
    return this.#count === partsPerChunk;
  }

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  /** Takes the parts of one stream from `from` on, as many as there is room for; how many. */
  add(stream: number, parts: StreamState['parts'], from: number): number {
    const count = Math.min(parts.length - from, partsPerChunk - this.#count);
    this.#series.push([stream, count, parts.at(from).startOffset]);
    for (let i = from; i < from + count; i++) {
      const part = parts.at(i);
      this.#objects[this.#count] = part.object;
      this.#lengths[this.#count] = part.endOffset - part.startOffset;
      this.#sizes[this.#count] = part.sizeBytes;
      this.#timestamps[this.#count] = part.maxTimestamp ?? Number.NaN;
      this.#count += 1;
    }
    return count;
  }

  rows(): PartRows {
    const used = (column: Float64Array): Float64Array => column.subarray(0, this.#count);
    return {
      series: columnsOf(this.#series),
      objects: narrowed(used(this.#objects)),
      lengths: narrowed(used(this.#lengths)),
      sizes: narrowed(used(this.#sizes)),
      timestamps: used(this.#timestamps),
    };
  }
}
