// The way of a read: the tail where this set owns the stream, else the parts that the state names, and beyond those
// the live segments of the owner's WAL, through cached directories and blocks. What is in memory is read at once, in a
// synchronous section. What an object holds of a stream is what the state says, not what its directory lists (R8). At
// every seam the next batch must continue where the last one ended, or the bytes are corrupt: readers see one
// history without gaps (I3).
import { untilAborted } from '../base/abort.ts';
import { assert } from '../base/assert.ts';
import type { Timers } from '../base/runtime.ts';
import type { Block } from '../format/block.ts';
import type { ObjectDirectory } from '../format/object-directory.ts';
import { checkCallOptions } from '../model/check-options.ts';
import { qanatError } from '../model/errors.ts';
import type { StreamId } from '../model/ids.ts';
import { readSizeDefaultBytes } from '../model/limits.ts';
import type { OffsetRange } from '../model/offset-range.ts';
import { keyOf, type ObjectReader, type ReadableObject } from '../cache/object-reader.ts';
import { afterRead } from '../cache/read-ahead.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { Part } from '../catalog/stream-range-index.ts';
import { checkOffset, checkSize } from './check-arguments.ts';
import type { LiveSegments } from './live-segments.ts';
import { isReadWhole, prefetchFrom, rangeFrom } from './prefetch.ts';
import { Reading, type LocatedBlock, type ReadCursor, type ReadTarget } from './reading.ts';
import type { ReadOptions, ReadResult } from './stream.ts';
import { Turns } from './turns.ts';

/** How a block is looked for. */
export interface LocateOptions {
  readonly signal?: AbortSignal | undefined;
  /** The reader goes on where it stopped: its neighbours will be wanted too. */
  readonly ahead?: boolean | undefined;
}

/** What an object holds of a stream. */
type HeldRange = Pick<Part, 'endOffset' | 'sizeBytes'>;

const noOptions: ReadOptions = Object.freeze({});

export class ReadPath {
  readonly #catalog: Catalog;
  readonly #objects: ObjectReader;
  readonly #live: LiveSegments;
  readonly #clusterId: string;
  readonly #turns: Turns;
  #readBytes = 0;

  constructor(catalog: Catalog, objects: ObjectReader, live: LiveSegments, clusterId: string, timers: Timers) {
    this.#catalog = catalog;
    this.#objects = objects;
    this.#live = live;
    this.#clusterId = clusterId;
    this.#turns = new Turns(timers);
  }

  /** Bytes of batches that readers were given, from memory or not. */
  get readBytes(): number {
    return this.#readBytes;
  }

  /** Reads from `from` on; the cursor is what is remembered between the reads of one reader. */
  read(target: ReadTarget, cursor: ReadCursor, from: number, options: ReadOptions = noOptions): Promise<ReadResult> {
    try {
      const reading = begin(target, cursor, from, options);
      if (this.#turns.isDue) return this.#readAfterTurn(reading, options);
      if (!this.#advance(reading)) {
        if (!options.onlyCached) return this.#readOn(reading, options.signal);
        reading.stopped = 'not-cached';
      }
      return Promise.resolve(this.#finish(reading));
    } catch (refused) {
      return Promise.reject(refused as Error);
    }
  }

  /**
   * What is in memory of a read without limits: at least one batch, or nothing because there is nothing yet. Undefined
   * if it takes time: a request, or a turn of the event loop. Throws what `read` rejects with.
   */
  readNow(target: ReadTarget, cursor: ReadCursor, from: number, isWoken: boolean): ReadResult | undefined {
    if (this.#turns.isDue && !isWoken) return undefined;
    const reading = begin(target, cursor, from, noOptions);
    if (!this.#advance(reading)) {
      if (reading.batches.length === 0) return undefined;
      reading.stopped = 'not-cached';
    }
    return this.#finish(reading, isWoken || reading.batches.length === 0);
  }

  async #readAfterTurn({ target, cursor, from }: Reading, options: ReadOptions): Promise<ReadResult> {
    await untilAborted(this.#turns.take(), options.signal);
    return this.read(target, cursor, from, options);
  }

  /** Goes on with a read that needs the store. */
  async #readOn(reading: Reading, signal: AbortSignal | undefined): Promise<ReadResult> {
    do {
      const { target, cursor, nextOffset } = reading;
      const { ahead, prefetchedTo } = cursor;
      reading.missed(nextOffset < prefetchedTo && !this.#isComing(target, nextOffset));
      const isNext = ahead.nextOffset === nextOffset || nextOffset < prefetchedTo || reading.batches.length > 0;
      reading.takeBlock(await this.locate(target, nextOffset, { signal, ahead: isNext }));
      signal?.throwIfAborted();
    } while (!this.#advance(reading));
    return this.#finish(reading);
  }

  /** Takes what is in memory. Whether that was all: if not, the next batch has to be fetched. */
  #advance(reading: Reading): boolean {
    while (!reading.isComplete) {
      if (reading.takeTail()) continue;
      const located = this.#inMemory(reading.target, reading.nextOffset);
      if (located === undefined) return false;
      reading.takeBlock(located);
    }
    return true;
  }

  #finish(reading: Reading, isFree = false): ReadResult {
    const { cursor, nextOffset, batches, startOffset, endOffset } = reading;
    this.#readBytes += reading.sizeBytes;
    if (!isFree) this.#turns.spend(batches.length, reading.sizeBytes);
    if (reading.usedObjects) {
      cursor.ahead = afterRead(cursor.ahead, reading);
      if (cursor.ahead.windowBytes > 0 && (reading.waited || nextOffset >= cursor.lookAgainAt))
        this.#readAhead(reading);
    }
    const stopped = reading.stopped ?? (nextOffset >= endOffset ? 'end' : 'to');
    return { batches, nextOffset, startOffset, endOffset, stopped };
  }

  /** Starts fetching what the reader will want next, as far as its window reaches. */
  #readAhead({ target, cursor, nextOffset: offset }: Reading): void {
    const { state } = this.#catalog;
    const stream = state.stream(target.id);
    if (stream === undefined || offset >= stream.endOffset) return;
    const reached = prefetchFrom(state, this.#objects, stream, offset, cursor.ahead.windowBytes);
    cursor.prefetchedTo = reached;
    // Half of it is enough to go on with: looking after every batch would cost more than it saves.
    cursor.lookAgainAt = offset + Math.ceil((reached - offset) / 2);
  }

  /** The block that holds an offset, if that needs no request. */
  #inMemory(target: ReadTarget, offset: number): LocatedBlock | undefined {
    const { object, part } = this.#partAt(target, offset);
    const directory = this.#objects.cachedDirectory(object);
    if (directory === undefined) return undefined;
    const block = this.#objects.cachedBlock(object, this.#blockAt(object, directory, target.id, offset));
    return block === undefined ? undefined : { block, partEndOffset: part.endOffset };
  }

  /** Whether the block that holds an offset is on its way, as far as that can be told without a request. */
  #isComing(target: ReadTarget, offset: number): boolean {
    const { object } = this.#partAt(target, offset);
    const directory = this.#objects.cachedDirectory(object);
    const index = directory?.index.find(target.id, offset) ?? -1;
    return directory === undefined || (index >= 0 && this.#objects.isHere(object, index));
  }

  /** The block that holds an offset that is registered, or stored in a live segment. */
  async locate(
    target: Pick<ReadTarget, 'id' | 'ref' | 'tail'>,
    offset: number,
    { signal, ahead }: LocateOptions,
  ): Promise<LocatedBlock> {
    for (let missingObject = 0; ;) {
      const { object, part } = this.#partAt(target, offset);
      if (object.id === missingObject) throw this.#corrupt(object, 'is missing, and the catalog refers to it');
      const block = await untilAborted(this.#fetch(object, part, target.id, offset, ahead === true), signal);
      if (block !== undefined) return { block, partEndOffset: part.endOffset };
      missingObject = object.id; // A newer state may have it elsewhere; if not, it is lost.
      await this.#catalog.sync({ signal });
    }
  }

  /** What holds an offset: a part that the state names, or a live segment of another node beyond those. */
  #partAt(
    target: Pick<ReadTarget, 'id' | 'ref' | 'tail'>,
    offset: number,
  ): { readonly object: ReadableObject; readonly part: HeldRange } {
    const { state } = this.#catalog;
    const stream = state.stream(target.id);
    if (stream === undefined)
      throw qanatError('STREAM_NOT_FOUND', `stream ${JSON.stringify(target.ref)} was deleted`, { stream: target.ref });
    const { startOffset, endOffset } = stream;
    if (offset < startOffset) throw outOfRange(offset, { startOffset, endOffset });
    const index = stream.parts.find(offset);
    if (index < 0 && offset >= endOffset && target.tail() === undefined) {
      const live = this.#live.partAt(target.id, offset);
      if (live !== undefined) return { object: live.object, part: live };
      throw outOfRange(offset, { startOffset, endOffset }); // It was given up while it was read.
    }
    assert(index >= 0, () => `stream ${target.id}: offset ${offset} is durable and no object holds it`);
    const part = stream.parts.at(index);
    const object = state.object(part.object);
    assert(object !== undefined, () => `object ${part.object} is referred to and known`);
    return { object, part };
  }

  /** The block of an object that holds an offset; undefined if the object is missing. */
  async #fetch(
    object: ReadableObject,
    part: HeldRange,
    stream: StreamId,
    offset: number,
    ahead: boolean,
  ): Promise<Block | undefined> {
    const directory = await this.#objects.directory(object, ahead && isReadWhole(object, part));
    if (directory === undefined) return undefined;
    const index = this.#blockAt(object, directory, stream, offset);
    const aheadCount = ahead ? rangeFrom(directory, stream, index).count - 1 : 0;
    return this.#objects.block(object, directory, index, aheadCount);
  }

  #blockAt(object: ReadableObject, { index }: ObjectDirectory, stream: StreamId, offset: number): number {
    const block = index.find(stream, offset);
    if (block >= 0) return block;
    throw this.#corrupt(object, `does not hold offset ${offset} of stream ${stream}, as the catalog says it does`);
  }

  #corrupt(object: ReadableObject, problem: string): Error {
    const key = keyOf(this.#clusterId, object);
    return qanatError('OBJECT_CORRUPT', `${key} ${problem}`, { key, position: undefined });
  }
}

/** Checks the arguments of a read against what is readable now. */
function begin(target: ReadTarget, cursor: ReadCursor, from: number, options: ReadOptions): Reading {
  checkCallOptions(options);
  checkOffset(from, 'an offset');
  const { signal, maxBytes, to } = options;
  if (maxBytes !== undefined) checkSize(maxBytes, 'maxBytes');
  signal?.throwIfAborted();
  const bounds = target.bounds();
  const { startOffset, endOffset } = bounds;
  const limit = to === undefined ? endOffset : Math.min(checkOffset(to, 'to'), endOffset);
  if (from < startOffset || from > endOffset) throw outOfRange(from, bounds);
  return new Reading(target, cursor, bounds, from, limit, maxBytes ?? readSizeDefaultBytes);
}

/** The error of an offset outside the readable range. */
export function outOfRange(offset: number, { startOffset, endOffset }: OffsetRange): Error {
  return qanatError('OFFSET_OUT_OF_RANGE', `offset ${offset} is outside [${startOffset}, ${endOffset}]`, {
    offset,
    startOffset,
    endOffset,
  });
}
