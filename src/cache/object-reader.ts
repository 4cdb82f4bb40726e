// Reads data objects: directories and blocks, cached by bytes, one request for any number of callers. A failure is
// never cached. A missing object is an answer (undefined): whoever asked looks at the state again.
import { LRUCache } from 'lru-cache';
import { ByteBudget } from '../base/byte-budget.ts';
import { SingleFlight } from '../base/single-flight.ts';
import { Block } from '../format/block.ts';
import { checkOrigin } from '../format/data-object.ts';
import { readDirectory, type ObjectDirectory } from '../format/object-directory.ts';
import { qanatError } from '../model/errors.ts';
import { objectKey, type ObjectFamily } from '../model/object-key.ts';
import type { ByteRange, ObjectStore } from '../store/object-store.ts';

/** An object as the state knows it. */
export interface ReadableObject {
  readonly id: number;
  readonly family: ObjectFamily;
  readonly node: string;
  readonly writerEpoch: number;
  readonly sequence: number;
  readonly sizeBytes: number;
}

/** The key under which an object of the state lies. */
export function keyOf(clusterId: string, object: ReadableObject): string {
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

export class ObjectReader {
  readonly #store: ObjectStore;
  readonly #clusterId: string;
  readonly #directories: LRUCache<number, ObjectDirectory>;
  readonly #blocks: LRUCache<string, Block>;
  readonly #directoryFlights = new SingleFlight<number, ObjectDirectory | undefined>();
  /** Blocks on their way, each with the promise that anybody may join. */
  readonly #flights = new Map<string, Promise<Block | undefined>>();
  /** Bytes of reads under way. */
  readonly #budget: ByteBudget;
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
    });
    this.#blocks = new LRUCache({
      maxSize: Math.max(1, sizeMaxBytes - directoriesMaxBytes),
    });
  }

  counts(): CacheCounts {
    const sizeBytes = this.#blocks.calculatedSize + this.#directories.calculatedSize;
    return { hits: this.#hits, misses: this.#misses, sizeBytes };
  }

  /** The block directory of an object; undefined if the object is missing. */
  directory(object: ReadableObject): Promise<ObjectDirectory | undefined> {
    const cached = this.#directories.get(object.id);
    if (cached !== undefined) return Promise.resolve(cached);
    return this.#directoryFlights.run(object.id, () => this.#fetchDirectory(object));
  }

  /** A directory that needs no request. */
  cachedDirectory(object: ReadableObject): ObjectDirectory | undefined {
    return this.#directories.get(object.id);
  }

  /** Block number `index` of an object, if it needs no request. */
  cachedBlock(object: ReadableObject, index: number): Block | undefined {
    return this.#blocks.get(blockKey(object, index));
  }

  /**
   * Block number `index` of an object; undefined if the object is missing. A miss fetches up to `aheadCount` more of
   * its successors in the same request, where they are neither cached nor on their way.
   */
  block(object: ReadableObject, directory: ObjectDirectory, index: number, aheadCount = 0): Promise<Block | undefined> {
    const cached = this.#blocks.get(blockKey(object, index));
    if (cached !== undefined) {
      this.#hits += 1;
      return Promise.resolve(cached);
    }
    this.#misses += 1;
    const flying = this.#flights.get(blockKey(object, index));
    if (flying !== undefined) return flying;
    return this.#load(object, directory, index, this.#freeCount(object, index, 1 + aheadCount), false);
  }

  /**
   * Fetches up to `count` blocks from `index` on in the background, in one request, if the budget for reads has room.
   * Gives how many blocks from `index` on need no request of their own any more.
   */
  prefetch(object: ReadableObject, directory: ObjectDirectory, index: number, count: number): number {
    if (this.isHere(object, index)) return 1;
    const free = this.#freeCount(object, index, count);
    const sizeBytes = spanOf(directory, index, free);
    if (!this.#budget.tryTake(sizeBytes)) return 0;
    this.#load(object, directory, index, free, true).catch(() => {}); // Whoever needs it meets the failure itself.
    return free;
  }

  /** Whether a block is in memory or on its way. */
  isHere(object: ReadableObject, index: number): boolean {
    const key = blockKey(object, index);
    return this.#blocks.has(key) || this.#flights.has(key);
  }

  /** How many blocks from `index` on are not here, at most `count`; the first one is known not to be. */
  #freeCount(object: ReadableObject, index: number, count: number): number {
    let free = 1;
    while (free < count && !this.isHere(object, index + free)) free += 1;
    return free;
  }

  /** One ranged read for `count` neighbours; each is a flight of its own for whoever wants to join. */
  #load(
    object: ReadableObject,
    directory: ObjectDirectory,
    first: number,
    count: number,
    isPaid: boolean,
  ): Promise<Block | undefined> {
    const blocks = this.#fetchBlocks(object, directory, first, count, isPaid);
    for (let i = 0; i < count; i++) {
      const key = blockKey(object, first + i);
      const flight = blocks.then((fetched) => fetched?.[i]);
      this.#flights.set(key, flight);
      const land = (): void => void this.#flights.delete(key);
      flight.then(land, land);
    }
    return blocks.then((fetched) => fetched?.[0]);
  }

  async #fetchDirectory(object: ReadableObject): Promise<ObjectDirectory | undefined> {
    const key = keyOf(this.#clusterId, object);
    let tail: Uint8Array | undefined;
    const read = async (range: ByteRange): Promise<{ bytes: Uint8Array; size: number }> => {
      const value = await this.#read(key, range);
      tail ??= value.bytes;
      return value;
    };
    try {
      const directory = await readDirectory(key, read);
      const { node, writerEpoch: nodeEpoch, sequence } = object;
      checkOrigin(directory.footer, { clusterId: this.#clusterId, node, nodeEpoch, sequence }, { key });
      if (directory.sizeBytes !== object.sizeBytes) {
        const message = `${key} has ${directory.sizeBytes} bytes; the catalog says ${object.sizeBytes}`;
        throw qanatError('OBJECT_CORRUPT', message, { key, position: undefined });
      }
      this.#directories.set(object.id, directory);
      if (tail !== undefined) this.#keepTail(object, directory, tail);
      return directory;
    } catch (cause) {
      if (cause instanceof MissingObject) return undefined;
      throw cause;
    }
  }

  /** Blocks that came with the directory need no request: of a small object, that is all of them. */
  #keepTail(object: ReadableObject, directory: ObjectDirectory, tail: Uint8Array): void {
    const start = directory.sizeBytes - tail.byteLength;
    for (let index = directory.index.blockCount - 1; index >= 0; index--) {
      if (directory.index.entry(index).position < start) return;
      if (this.isHere(object, index)) continue;
      try {
        this.#takeIn(object, directory, index, tail, start);
      } catch {
        // A damaged block is the concern of whoever reads it, and fetches it for that.
      }
    }
  }

  async #fetchBlocks(
    object: ReadableObject,
    directory: ObjectDirectory,
    first: number,
    count: number,
    isPaid: boolean,
  ): Promise<readonly Block[] | undefined> {
    const key = keyOf(this.#clusterId, object);
    const sizeBytes = spanOf(directory, first, count);
    const start = directory.index.entry(first).position;
    if (!isPaid) await this.#budget.take(sizeBytes);
    try {
      const { bytes } = await this.#read(key, { start, end: start + sizeBytes });
      return Array.from({ length: count }, (_, i) => this.#takeIn(object, directory, first + i, bytes, start));
    } catch (cause) {
      if (cause instanceof MissingObject) return undefined;
      throw cause;
    } finally {
      this.#budget.give(sizeBytes);
    }
  }

  /** Decodes a block out of a larger read. It gets memory of its own, or evicting its neighbours would free nothing. */
  #takeIn(object: ReadableObject, directory: ObjectDirectory, index: number, bytes: Uint8Array, start: number): Block {
    const entry = directory.index.entry(index);
    const at = entry.position - start;
    const isAlone = at === 0 && entry.sizeBytes === bytes.byteLength;
    const own = isAlone ? bytes : new Uint8Array(bytes.subarray(at, at + entry.sizeBytes));
    const block = Block.decode(own, entry, { key: keyOf(this.#clusterId, object) });
    this.#blocks.set(blockKey(object, index), block, { size: entry.sizeBytes });
    return block;
  }

  /** One ranged read. No signal: the answer is shared by all who wait for it. */
  async #read(key: string, range: ByteRange): Promise<{ bytes: Uint8Array; size: number }> {
    const value = await this.#store.get(key, { range, purpose: 'read' });
    if (value === 'missing') throw new MissingObject();
    if (value === 'not-modified')
      throw qanatError('STORE_UNSUITABLE', 'the store answered not-modified to an unconditional read', {
        problem: 'get',
      });
    return value;
  }
}

class MissingObject extends Error {}

function blockKey({ id }: ReadableObject, index: number): string {
  return `${id}/${index}`;
}

/** Bytes from block `first` to the end of its `count`th: blocks lie one after the other. */
function spanOf({ index }: ObjectDirectory, first: number, count: number): number {
  const last = index.entry(first + count - 1);
  return last.position + last.sizeBytes - index.entry(first).position;
}
