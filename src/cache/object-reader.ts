// Reads data objects: directories and blocks, cached by bytes, one request for any number of callers. A failure is
// never cached. A missing object is an answer (undefined): whoever asked looks at the state again.
import { LRUCache } from 'lru-cache';
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
  readonly #blockFlights = new SingleFlight<string, Block | undefined>();
  #hits = 0;
  #misses = 0;

  constructor(store: ObjectStore, clusterId: string, sizeMaxBytes: number) {
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
  directory(object: ReadableObject, signal?: AbortSignal): Promise<ObjectDirectory | undefined> {
    const cached = this.#directories.get(object.id);
    if (cached !== undefined) return Promise.resolve(cached);
    signal?.throwIfAborted();
    return this.#directoryFlights.run(object.id, () => this.#fetchDirectory(object));
  }

  /** A directory that needs no request. */
  cachedDirectory(object: ReadableObject): ObjectDirectory | undefined {
    return this.#directories.get(object.id);
  }

  /** Block number `index` of an object, if it needs no request. */
  cachedBlock(object: ReadableObject, index: number): Block | undefined {
    return this.#blocks.get(`${object.id}/${index}`);
  }

  /** Block number `index` of an object; undefined if the object is missing. */
  block(object: ReadableObject, directory: ObjectDirectory, index: number): Promise<Block | undefined> {
    const key = `${object.id}/${index}`;
    const cached = this.#blocks.get(key);
    if (cached !== undefined) {
      this.#hits += 1;
      return Promise.resolve(cached);
    }
    this.#misses += 1;
    return this.#blockFlights.run(key, () => this.#fetchBlock(object, directory, index, key));
  }

  async #fetchDirectory(object: ReadableObject): Promise<ObjectDirectory | undefined> {
    const key = keyOf(this.#clusterId, object);
    const read = (range: ByteRange): Promise<{ bytes: Uint8Array; size: number }> => this.#read(key, range);
    try {
      const directory = await readDirectory(key, read);
      const { node, writerEpoch: nodeEpoch, sequence } = object;
      checkOrigin(directory.footer, { clusterId: this.#clusterId, node, nodeEpoch, sequence }, { key });
      if (directory.sizeBytes !== object.sizeBytes)
        throw qanatError(
          'OBJECT_CORRUPT',
          `${key} has ${directory.sizeBytes} bytes; the catalog says ${object.sizeBytes}`,
          { key, position: undefined },
        );
      this.#directories.set(object.id, directory);
      return directory;
    } catch (cause) {
      if (cause instanceof MissingObject) return undefined;
      throw cause;
    }
  }

  async #fetchBlock(
    object: ReadableObject,
    directory: ObjectDirectory,
    index: number,
    cacheKey: string,
  ): Promise<Block | undefined> {
    const key = keyOf(this.#clusterId, object);
    const entry = directory.index.entry(index);
    try {
      const { bytes } = await this.#read(key, { start: entry.position, end: entry.position + entry.sizeBytes });
      const block = Block.decode(bytes, entry, { key });
      this.#blocks.set(cacheKey, block, { size: entry.sizeBytes });
      return block;
    } catch (cause) {
      if (cause instanceof MissingObject) return undefined;
      throw cause;
    }
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
