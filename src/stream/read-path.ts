// The way of a read: the tail where this set owns the stream, else the parts that the state names, through cached
// directories and blocks. What an object holds of a stream is what the state says, not what its directory lists (R8).
// At every seam the next batch must continue where the last one ended, or the bytes are corrupt: readers see one
// history without gaps (I3).
import { untilAborted } from '../base/abort.ts';
import { assert } from '../base/assert.ts';
import type { Block } from '../format/block.ts';
import { checkCallOptions } from '../model/check-options.ts';
import { qanatError } from '../model/errors.ts';
import type { StreamId, StreamRef } from '../model/ids.ts';
import { readSizeDefaultBytes } from '../model/limits.ts';
import type { OffsetRange } from '../model/offset-range.ts';
import type { RecordBatch } from '../model/record-batch.ts';
import { keyOf, type ObjectReader, type ReadableObject } from '../cache/object-reader.ts';
import { afterRead, type ReadAheadState } from '../cache/read-ahead.ts';
import type { StreamTail } from '../cache/tail-cache.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { checkOffset, checkSize } from './check-arguments.ts';
import { prefetchFrom, rangeFrom } from './prefetch.ts';
import type { ReadOptions, ReadResult, ReadStop } from './stream.ts';

/** A stream as it is read: where it begins and ends now, and the tail if it is ours. */
export interface ReadTarget {
  readonly id: StreamId;
  readonly ref: StreamRef;
  readonly tail: StreamTail | undefined;
  /** What is remembered of this reader between its reads. */
  readonly cursor: ReadCursor;
  /** The readable range now; throws if the stream is gone or the handle closed. */
  bounds(): OffsetRange;
}

/** A reader's memory: how far to read ahead, and how far it has been done. */
export interface ReadCursor {
  ahead: ReadAheadState;
  prefetchedTo: number;
}

/** A block of an object and the part of it that counts. */
export interface LocatedBlock {
  readonly block: Block;
  readonly key: string;
  /** End of what the object holds of the stream. */
  readonly partEndOffset: number;
}

/** How a block is looked for. */
export interface LocateOptions {
  readonly onlyCached?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  /** The reader goes on where it stopped: its neighbours will be wanted too. */
  readonly ahead?: boolean | undefined;
  /** Called if the block has to be fetched. */
  readonly onMiss?: (() => void) | undefined;
}

export class ReadPath {
  readonly #catalog: Catalog;
  readonly #objects: ObjectReader;
  readonly #clusterId: string;

  constructor(catalog: Catalog, objects: ObjectReader, clusterId: string) {
    this.#catalog = catalog;
    this.#objects = objects;
    this.#clusterId = clusterId;
  }

  async read(target: ReadTarget, from: number, options: ReadOptions = {}): Promise<ReadResult> {
    checkCallOptions(options);
    checkOffset(from, 'an offset');
    const maxBytes = options.maxBytes === undefined ? readSizeDefaultBytes : checkSize(options.maxBytes, 'maxBytes');
    options.signal?.throwIfAborted();
    const { startOffset, endOffset } = target.bounds();
    const to = options.to === undefined ? endOffset : Math.min(checkOffset(options.to, 'to'), endOffset);
    if (from < startOffset || from > endOffset) throw outOfRange(from, { startOffset, endOffset });
    const batches: RecordBatch[] = [];
    let sizeBytes = 0;
    let nextOffset = from;
    let stopped: ReadStop | undefined;
    const seen = { waited: false, evicted: false };
    while (stopped === undefined && nextOffset < to) {
      options.signal?.throwIfAborted();
      const located =
        this.#fromTail(target, nextOffset) ?? (await this.#fromObjects(target, nextOffset, options, seen));
      if (located === undefined) {
        stopped = 'not-cached';
        break;
      }
      for (const batch of located) {
        if (nextOffset >= to) break;
        if (batches.length > 0 && sizeBytes + batch.bytes.byteLength > maxBytes) {
          stopped = 'max-bytes';
          break;
        }
        assert(
          batches.length === 0
            ? batch.startOffset <= nextOffset && nextOffset < batch.endOffset
            : batch.startOffset === nextOffset,
          () => `stream ${target.id}: a batch at ${batch.startOffset} does not continue ${nextOffset}`,
        );
        batches.push(batch);
        sizeBytes += batch.bytes.byteLength;
        nextOffset = batch.endOffset;
      }
    }
    stopped ??= nextOffset >= endOffset ? 'end' : 'to';
    target.cursor.ahead = afterRead(target.cursor.ahead, { from, nextOffset, ...seen });
    if (seen.waited || target.cursor.prefetchedTo > nextOffset) this.#readAhead(target, nextOffset);
    return { batches, nextOffset, startOffset, endOffset, stopped };
  }

  /** Batches of the tail from the one that holds `offset`; undefined if the tail does not hold it. */
  #fromTail(target: ReadTarget, offset: number): Iterable<RecordBatch> | undefined {
    const { tail } = target;
    if (tail === undefined) return undefined;
    const first = tail.find(offset);
    return first < 0 ? undefined : tailBatches(tail, first);
  }

  /** Batches of the block that holds `offset`; undefined if `onlyCached` and it is not in memory. */
  async #fromObjects(
    target: ReadTarget,
    offset: number,
    options: ReadOptions,
    seen: { waited: boolean; evicted: boolean },
  ): Promise<Iterable<RecordBatch> | undefined> {
    const onMiss = (): void => {
      seen.waited = true;
      if (offset < target.cursor.prefetchedTo) seen.evicted = true;
    };
    const ahead = target.cursor.ahead.nextOffset === offset || offset < target.cursor.prefetchedTo;
    const located = await this.locate(target, offset, { ...options, onMiss, ahead });
    return located === undefined ? undefined : blockBatches(located, offset);
  }

  /** Starts fetching what the reader will want next, as far as its window reaches. */
  #readAhead(target: ReadTarget, offset: number): void {
    const { windowBytes } = target.cursor.ahead;
    const { state } = this.#catalog;
    const stream = state.stream(target.id);
    if (windowBytes === 0 || stream === undefined || offset >= stream.endOffset) return;
    target.cursor.prefetchedTo = prefetchFrom(state, this.#objects, stream, offset, windowBytes);
  }

  /** The block that holds a registered offset. Undefined if `onlyCached` and it is not in memory. */
  async locate(
    target: { readonly id: StreamId; readonly ref: StreamRef },
    offset: number,
    options: LocateOptions,
  ): Promise<LocatedBlock | undefined> {
    for (let missingObject = 0; ;) {
      const { object, endOffset } = this.#partAt(target, offset);
      const key = keyOf(this.#clusterId, object);
      if (object.id === missingObject) throw corrupt(key, `${key} is missing, and the catalog refers to it`);
      const block = await this.#blockOf(object, target.id, offset, key, options);
      if (block === 'not-cached') return undefined;
      if (block !== 'missing') return { block, key, partEndOffset: endOffset };
      missingObject = object.id; // A newer state may have it elsewhere; if not, it is lost.
      await this.#catalog.sync({ signal: options.signal });
    }
  }

  #partAt(
    target: { readonly id: StreamId; readonly ref: StreamRef },
    offset: number,
  ): { object: ReadableObject; endOffset: number } {
    const { state } = this.#catalog;
    const stream = state.stream(target.id);
    if (stream === undefined)
      throw qanatError('STREAM_NOT_FOUND', `stream ${JSON.stringify(target.ref)} was deleted`, { stream: target.ref });
    const index = stream.parts.find(offset);
    if (index < 0) {
      const { startOffset, endOffset } = stream;
      if (offset < startOffset) throw outOfRange(offset, { startOffset, endOffset });
      assert(false, `stream ${target.id}: offset ${offset} is durable and no object holds it`);
    }
    const part = stream.parts.at(index);
    const object = state.object(part.object);
    assert(object !== undefined, `object ${part.object} is referred to and known`);
    return { object, endOffset: part.endOffset };
  }

  async #blockOf(
    object: ReadableObject,
    stream: StreamId,
    offset: number,
    key: string,
    options: LocateOptions,
  ): Promise<Block | 'missing' | 'not-cached'> {
    const cached = this.#objects.cachedDirectory(object);
    if (cached === undefined && options.onlyCached) return 'not-cached';
    const directory = cached ?? (await untilAborted(this.#objects.directory(object), options.signal));
    if (directory === undefined) return 'missing';
    const index = directory.index.find(stream, offset);
    if (index < 0)
      throw corrupt(key, `${key} does not hold offset ${offset} of stream ${stream}, as the catalog says it does`);
    if (options.onlyCached) return this.#objects.cachedBlock(object, index) ?? 'not-cached';
    if (this.#objects.cachedBlock(object, index) === undefined && !this.#objects.isHere(object, index))
      options.onMiss?.();
    const aheadCount = options.ahead ? rangeFrom(directory, stream, index).count - 1 : 0;
    const block = this.#objects.block(object, directory, index, aheadCount);
    return (await untilAborted(block, options.signal)) ?? 'missing';
  }
}

function* tailBatches(tail: StreamTail, first: number): Generator<RecordBatch, void> {
  for (let index = first; ; index++) {
    const batch = tail.batch(index);
    if (batch === undefined) return;
    yield batch;
  }
}

function* blockBatches({ block, partEndOffset }: LocatedBlock, offset: number): Generator<RecordBatch, void> {
  for (let index = block.find(offset); index < block.batchCount; index++) {
    const batch = block.batch(index);
    if (batch.startOffset >= partEndOffset) return;
    yield batch;
  }
}

/** The error of an offset outside the readable range. */
export function outOfRange(offset: number, { startOffset, endOffset }: OffsetRange): Error {
  return qanatError('OFFSET_OUT_OF_RANGE', `offset ${offset} is outside [${startOffset}, ${endOffset}]`, {
    offset,
    startOffset,
    endOffset,
  });
}

function corrupt(key: string, message: string): Error {
  return qanatError('OBJECT_CORRUPT', message, { key, position: undefined });
}
