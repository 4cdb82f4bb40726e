// What one request fetched of an object: neighbouring blocks, as views of the bytes that came. They are cached and
// evicted together, so a block is never copied and never keeps more memory alive than the cache has counted.
//
// A block is checked and decoded when somebody first asks for it, and once: what nobody reads costs no checksum, and a
// damaged block harms only those who read it.
import { Block } from '../format/block.ts';
import type { BlockEntry } from '../format/block-index.ts';

/** Bytes that a decoded block keeps per batch, and one more time: a position and an offset. */
const decodedBatchSizeBytes = 12;

/** What the objects of a run and of one block cost, about. */
const overheadSizeBytes = 256;

/** A run keeps the buffer its bytes came in; one that is larger by more than this share is not kept, but copied out. */
const slackShare = 0.25;

/** Which blocks a run holds. Their entries are its own: it does not keep the index of the whole object alive. */
export interface RunPlace {
  readonly object: number;
  readonly key: string;
  /** Number of the first block. */
  readonly first: number;
  readonly entries: readonly BlockEntry[];
}

/** Where in the object the blocks start, and their bytes: they lie one after the other. */
export function spanOf({ entries }: RunPlace): { readonly start: number; readonly sizeBytes: number } {
  const start = (entries[0] as BlockEntry).position;
  const last = entries[entries.length - 1] as BlockEntry;
  return { start, sizeBytes: last.position + last.sizeBytes - start };
}

export class BlockRun {
  readonly place: RunPlace;
  /** All memory that the run keeps. */
  readonly sizeBytes: number;
  readonly #bytes: Uint8Array;
  readonly #blocks: (Block | undefined)[];

  constructor(place: RunPlace, bytes: Uint8Array) {
    this.place = place;
    const { buffer } = bytes;
    const isTight = buffer.byteLength <= bytes.byteLength * (1 + slackShare);
    this.#bytes = isTight ? bytes : new Uint8Array(bytes);
    this.#blocks = Array.from({ length: place.entries.length });
    this.sizeBytes = this.#bytes.buffer.byteLength + decodedSizeOf(place);
  }

  /** Block number `index` of the object, which is one of the run's. Throws OBJECT_CORRUPT if it is damaged. */
  block(index: number): Block {
    const { first, key, entries } = this.place;
    const known = this.#blocks[index - first];
    if (known !== undefined) return known;
    const entry = entries[index - first] as BlockEntry;
    const at = entry.position - (entries[0] as BlockEntry).position;
    const block = Block.decode(this.#bytes.subarray(at, at + entry.sizeBytes), entry, { key });
    this.#blocks[index - first] = block;
    return block;
  }
}

function decodedSizeOf({ entries }: RunPlace): number {
  let sizeBytes = overheadSizeBytes;
  for (const { batchCount } of entries) sizeBytes += overheadSizeBytes + (batchCount + 1) * decodedBatchSizeBytes;
  return sizeBytes;
}

/** Values by object and block. */
export class BlockTable<T> {
  readonly #objects = new Map<number, Map<number, T>>();

  get(object: number, index: number): T | undefined {
    return this.#objects.get(object)?.get(index);
  }

  /** Puts one value at all blocks of a run. */
  set({ object, first, entries }: RunPlace, value: T): void {
    let blocks = this.#objects.get(object);
    if (blocks === undefined) {
      blocks = new Map();
      this.#objects.set(object, blocks);
    }
    for (let index = first; index < first + entries.length; index++) blocks.set(index, value);
  }

  /** Removes a value from the blocks of a run, where another one has not taken its place. */
  remove({ object, first, entries }: RunPlace, value: T): void {
    const blocks = this.#objects.get(object);
    if (blocks === undefined) return;
    for (let index = first; index < first + entries.length; index++)
      if (blocks.get(index) === value) blocks.delete(index);
    if (blocks.size === 0) this.#objects.delete(object);
  }
}
