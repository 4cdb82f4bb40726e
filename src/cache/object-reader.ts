// Reads data objects: directories, and runs of neighbouring blocks, cached by bytes, one request for any number of
// callers. A failure is never cached. A missing object is an answer (undefined): who asked looks at the state again.
//
// Bytes are handed out as views of what the store gave and are never written to or used again: there is no pool of
// buffers here, what is evicted is left to the garbage collector.
import { LRUCache } from 'lru-cache';
import { sharedAbortController } from '../base/abort.ts';
import { ByteBudget } from '../base/byte-budget.ts';
import { SingleFlight } from '../base/single-flight.ts';
import type { Block } from '../format/block.ts';
import { checkOrigin } from '../format/data-object.ts';
import { readDirectory, type ObjectDirectory } from '../format/object-directory.ts';
import { isQanatError, qanatError } from '../model/errors.ts';
import { objectKey, type ObjectFamily } from '../model/object-key.ts';
import type { ByteRange, ObjectStore } from '../store/object-store.ts';
import { BlockRun, BlockTable, spanOf, type RunPlace } from './block-run.ts';

/** An object as the state knows it. */
export interface ReadableObject {
  readonly id: number;
  readonly family: ObjectFamily;
  readonly node: string;
  readonly writerEpoch: number;
  readonly sequence: number;
  readonly sizeBytes: number;
}

/** Where an object may stand that no state names yet. Its size is known once it was found. */
export type ObjectPlace = Omit<ReadableObject, 'sizeBytes'>;

/** A WAL segment that was found in its place. */
export interface FoundSegment {
  readonly object: ReadableObject;
  readonly directory: ObjectDirectory;
}

/** The key under which an object of the state lies. */
export function keyOf(clusterId: string, object: ObjectPlace): string {
  const { family, node, writerEpoch: nodeEpoch, sequence } = object;
  return objectKey(clusterId, { family, node, nodeEpoch, sequence });
}

/** What has been found in the cache, and what was not. */
export interface CacheCounts {
  readonly hits: number;
  readonly misses: number;
  readonly sizeBytes: number;
}

const directoryOverheadBytes = 256;

/** A run on its way; undefined if the object is missing. */
type Flight = Promise<BlockRun | undefined>;

export class ObjectReader {
  readonly #store: ObjectStore;
  readonly #clusterId: string;
  readonly #directories: LRUCache<number, ObjectDirectory>;
  readonly #directoryFlights = new SingleFlight<number, ObjectDirectory | undefined>();
  /** Runs that are kept, and which of them has a block. */
  readonly #runs: LRUCache<BlockRun, BlockRun>;
  readonly #runOfBlock = new BlockTable<BlockRun>();
  /** Runs on their way, by each of their blocks: anybody may join. */
  readonly #flights = new BlockTable<Flight>();
  /** Bytes of reads under way. */
  readonly #budget: ByteBudget;
  readonly #closing = sharedAbortController();
  /** Objects whose directory somebody has waited for: the next block of one that is looked for came with it: no hit. */
  readonly #waitedFor = new Set<number>();
  #hits = 0;
  #misses = 0;

  constructor(store: ObjectStore, clusterId: string, sizeMaxBytes: number, readsMaxBytes: number) {
    this.#budget = new ByteBudget(readsMaxBytes);
    this.#store = store;
    this.#clusterId = clusterId;
    const directoriesMaxBytes = Math.max(1, Math.floor(sizeMaxBytes / 4));
    this.#directories = new LRUCache({
      maxSize: directoriesMaxBytes,
      sizeCalculation: (directory) => directory.index.sizeBytes + directoryOverheadBytes,
      dispose: (_, id) => this.#waitedFor.delete(id),
    });
    this.#runs = new LRUCache({
      maxSize: Math.max(1, sizeMaxBytes - directoriesMaxBytes),
      sizeCalculation: (run) => run.sizeBytes,
      dispose: (run) => this.#runOfBlock.remove(run.place, run),
    });
  }

  /** Gives up what is on its way, and asks for nothing any more: whoever waits or comes is told why. */
  close(reason: Error): void {
    this.#closing.abort(reason);
  }

  counts(): CacheCounts {
    const sizeBytes = this.#runs.calculatedSize + this.#directories.calculatedSize;
    return { hits: this.#hits, misses: this.#misses, sizeBytes };
  }

  /**
   * The block directory of an object; undefined if the object is missing. With `whole` its blocks come in the same
   * request.
   */
  async directory(object: ReadableObject, whole = false): Promise<ObjectDirectory | undefined> {
    const cached = this.#directories.get(object.id);
    if (cached !== undefined) return cached;
    const directory = await this.#directoryFlights.run(object.id, async () => {
      if (!whole) return this.#fetchDirectory(object);
      await this.#budget.take(object.sizeBytes);
      return this.#fetchWhole(object);
    });
    if (this.#directories.has(object.id)) this.#waitedFor.add(object.id);
    return directory;
  }

  /** What stands in a slot of somebody's WAL. What was found is cached like any other object; a miss is not. */
  async discover(place: ObjectPlace): Promise<'missing' | 'seal' | FoundSegment> {
    const directory =
      this.#directories.get(place.id) ??
      (await this.#directoryFlights.run(place.id, () =>
        this.#openObject(place, (key, range) => this.#read(key, range, 'follow')),
      ));
    if (directory === undefined) return 'missing';
    if (directory.footer.kind === 'seal') return 'seal';
    return { object: { ...place, sizeBytes: directory.sizeBytes }, directory };
  }

  /** A directory that needs no request. */
  cachedDirectory(object: ReadableObject): ObjectDirectory | undefined {
    return this.#directories.get(object.id);
  }

  /** Fetches a directory in the background, with all blocks if `whole`; undefined if there is no room for it now. */
  prefetchDirectory(object: ReadableObject, whole: boolean): Promise<ObjectDirectory | undefined> | undefined {
    if (!whole || this.#directoryFlights.isFlying(object.id)) return this.directory(object);
    if (!this.#budget.tryTake(object.sizeBytes)) return undefined;
    return this.#directoryFlights.run(object.id, () => this.#fetchWhole(object));
  }

  /** Block number `index` of an object, if it needs no request. One that came damaged does. */
  cachedBlock(object: ReadableObject, index: number): Block | undefined {
    const run = this.#runOfBlock.get(object.id, index);
    if (run === undefined) return undefined;
    let block: Block;
    try {
      block = this.#blockOf(run, index);
    } catch {
      return undefined; // Whoever fetches it anew is told if it is damaged again.
    }
    if (this.#waitedFor.delete(object.id)) this.#misses += 1;
    else this.#hits += 1;
    this.#runs.get(run); // Used now.
    return block;
  }

  /**
   * Block number `index` of an object; undefined if the object is missing. A miss fetches up to `aheadCount` more of
   * its successors in the same request, where they are neither cached nor on their way.
   *
   * It is fetched once more if it comes damaged, which may have happened on its way; or if it was on its way before
   * this call and does not come, because the time of that request had begun to run before.
   */
  async block(
    object: ReadableObject,
    directory: ObjectDirectory,
    index: number,
    aheadCount = 0,
  ): Promise<Block | undefined> {
    const cached = this.cachedBlock(object, index);
    if (cached !== undefined) return cached;
    this.#waitedFor.delete(object.id);
    this.#misses += 1;
    for (let isSecond = false; ; isSecond = true) {
      const joined = this.#flights.get(object.id, index);
      try {
        const run = await (joined ?? this.#launchFrom(object, directory, index, 1 + aheadCount));
        return run === undefined ? undefined : this.#blockOf(run, index);
      } catch (cause) {
        if (isSecond || (joined === undefined && !isQanatError(cause, 'OBJECT_CORRUPT'))) throw cause;
      }
    }
  }

  /**
   * Fetches up to `count` blocks from `index` on in the background, in one request, if the budget for reads has room.
   * Gives how many blocks from `index` on need no request of their own any more.
   */
  prefetch(object: ReadableObject, directory: ObjectDirectory, index: number, count: number): number {
    if (this.isHere(object, index)) return 1;
    const place = this.#placeOf(object, directory, index, count);
    if (!this.#budget.tryTake(spanOf(place).sizeBytes)) return 0;
    this.#launch(place, () => this.#fetchRun(place)).catch(() => {}); // Whoever needs it meets the failure itself.
    return place.entries.length;
  }

  /** Whether a block is in memory or on its way. */
  isHere({ id }: ObjectPlace, index: number): boolean {
    return this.#runOfBlock.get(id, index) !== undefined || this.#flights.get(id, index) !== undefined;
  }

  /** The run from `index` on of at most `count` blocks that are not here; the first one is known not to be. */
  #placeOf(object: ReadableObject, directory: ObjectDirectory, index: number, count: number): RunPlace {
    let free = 1;
    while (free < count && !this.isHere(object, index + free)) free += 1;
    return runPlace(object, keyOf(this.#clusterId, object), directory, index, free);
  }

  /** Fetches a run as soon as the budget for reads has room. */
  #launchFrom(object: ReadableObject, directory: ObjectDirectory, index: number, count: number): Flight {
    const place = this.#placeOf(object, directory, index, count);
    return this.#launch(place, async () => {
      await this.#budget.take(spanOf(place).sizeBytes);
      return this.#fetchRun(place);
    });
  }

  /** Makes a fetch one that others can join, until it has landed. */
  #launch(place: RunPlace, fetch: () => Flight): Flight {
    const flight = fetch().finally(() => this.#flights.remove(place, flight));
    this.#flights.set(place, flight);
    return flight;
  }

  /** One ranged read, paid for already. */
  async #fetchRun(place: RunPlace): Flight {
    const { start, sizeBytes } = spanOf(place);
    try {
      const { bytes } = await this.#read(place.key, { start, end: start + sizeBytes });
      return this.#keep(new BlockRun(place, bytes));
    } catch (cause) {
      if (cause instanceof MissingObject) return undefined;
      throw cause;
    } finally {
      this.#budget.give(sizeBytes);
    }
  }

  #keep(run: BlockRun): BlockRun {
    this.#runs.set(run, run);
    if (this.#runs.has(run)) this.#runOfBlock.set(run.place, run); // One that is larger than the cache is not kept.
    return run;
  }

  /** A damaged block takes its run with it, so that it is fetched anew. */
  #blockOf(run: BlockRun, index: number): Block {
    try {
      return run.block(index);
    } catch (cause) {
      this.#runs.delete(run);
      throw cause;
    }
  }

  async #fetchDirectory(object: ReadableObject): Promise<ObjectDirectory | undefined> {
    return this.#openObject(object, (key, range) => this.#read(key, range));
  }

  /** An object in one request, paid for already. */
  async #fetchWhole(object: ReadableObject): Promise<ObjectDirectory | undefined> {
    const { sizeBytes } = object;
    let whole: { readonly bytes: Uint8Array; readonly size: number } | undefined;
    try {
      return await this.#openObject(
        object,
        async (key, range) => {
          whole ??= await this.#read(key, { last: sizeBytes });
          return cutOf(whole, range) ?? this.#read(key, range);
        },
        () => whole?.bytes,
      );
    } finally {
      this.#budget.give(sizeBytes);
    }
  }

  /** Reads, checks and keeps a directory, and the blocks that came with it: of a small object, that is all of them. */
  async #openObject(
    object: ObjectPlace & Partial<ReadableObject>,
    read: (key: string, range: ByteRange) => Promise<{ bytes: Uint8Array; size: number }>,
    came?: () => Uint8Array | undefined,
  ): Promise<ObjectDirectory | undefined> {
    const key = keyOf(this.#clusterId, object);
    let tail: Uint8Array | undefined;
    try {
      const directory = await readDirectory(key, async (range) => {
        const value = await read(key, range);
        tail ??= value.bytes;
        return value;
      });
      const { node, writerEpoch: nodeEpoch, sequence } = object;
      checkOrigin(directory.footer, { clusterId: this.#clusterId, node, nodeEpoch, sequence }, { key });
      if (directory.sizeBytes !== (object.sizeBytes ?? directory.sizeBytes)) {
        const message = `${key} has ${directory.sizeBytes} bytes; the catalog says ${object.sizeBytes}`;
        throw qanatError('OBJECT_CORRUPT', message, { key, position: undefined });
      }
      this.#directories.set(object.id, directory);
      const bytes = came?.() ?? tail;
      if (bytes !== undefined) this.#keepTail(object, directory, key, bytes);
      return directory;
    } catch (cause) {
      if (cause instanceof MissingObject) return undefined;
      throw cause;
    }
  }

  /** Keeps the blocks that lie wholly in the last bytes of an object, as far as they are not here. */
  #keepTail(object: ObjectPlace, directory: ObjectDirectory, key: string, tail: Uint8Array): void {
    const { index, footer, sizeBytes } = directory;
    const tailStart = sizeBytes - tail.byteLength;
    let first = index.blockCount;
    while (first > 0 && index.entry(first - 1).position >= tailStart && !this.isHere(object, first - 1)) first -= 1;
    const count = index.blockCount - first;
    if (count === 0) return;
    const start = index.entry(first).position;
    const bytes = tail.subarray(start - tailStart, footer.indexPosition - tailStart);
    this.#keep(new BlockRun(runPlace(object, key, directory, first, count), bytes));
  }

  /** One ranged read. No caller's signal: the answer is shared by all who wait for it. */
  async #read(
    key: string,
    range: ByteRange,
    purpose: 'read' | 'follow' = 'read',
  ): Promise<{ bytes: Uint8Array; size: number }> {
    const value = await this.#store.get(key, { range, purpose, signal: this.#closing.signal });
    if (value === 'missing') throw new MissingObject();
    if (value === 'not-modified')
      throw qanatError('STORE_UNSUITABLE', 'the store answered not-modified to an unconditional read', {
        problem: 'get',
      });
    return value;
  }
}

class MissingObject extends Error {}

/** Blocks [first, first + count) of an object. */
function runPlace(
  { id }: ObjectPlace,
  key: string,
  { index }: ObjectDirectory,
  first: number,
  count: number,
): RunPlace {
  return { object: id, key, first, entries: Array.from({ length: count }, (_, i) => index.entry(first + i)) };
}

/** A range out of the last bytes of a value; undefined if they do not hold it. */
function cutOf(
  { bytes, size }: { readonly bytes: Uint8Array; readonly size: number },
  range: ByteRange,
): { bytes: Uint8Array; size: number } | undefined {
  const held = size - bytes.byteLength;
  const { start, end } = 'last' in range ? { start: Math.max(0, size - range.last), end: size } : range;
  return start < held ? undefined : { bytes: bytes.subarray(start - held, Math.max(start, end) - held), size };
}
