// All batches that this set has appended and still holds, of all its streams, in the order of their appends. They are
// released in that order, as the WAL is, and the oldest ones go first: so that this is a queue, and what a thousand
// streams append in turn lies side by side.
//
//   dropped | released: may go, can be read from objects | not released: always here | the next append
//           ^ #first                                     ^ #releasedTo               ^ #next
//
// - A batch is known by its number in that order, which is given once. Its facts are columns in chunks; there is no
//   object per batch.
// - A batch that is not released is never dropped. So who works on what is not released (a WAL until it reports, an
//   upload until the change that releases what it uploaded is applied) may use `peek`: those bytes stay as they are
//   until then, and afterwards their memory is used again. Everybody else is lent them (`lend`), for ever.
// - Everything counts: the bytes, and what the columns cost.
import { assert } from '../base/assert.ts';
import { Arena, type Slab } from './arena.ts';

/** What a held batch costs besides its bytes. */
const columnsSizeBytes = 48;
const chunkLength = 4_096;

/** Whose batches they are: told, in their order, when they go. */
export interface BatchOwner {
  dropFirst(): void;
}

/** Facts of batches whose numbers follow each other. */
interface Chunk {
  readonly owners: (BatchOwner | undefined)[];
  readonly slabs: (Slab | undefined)[];
  readonly positions: Uint32Array;
  readonly lengths: Uint32Array;
  readonly endOffsets: Float64Array;
  /** NaN where there is none. */
  readonly timestamps: Float64Array;
}

export class TailPool {
  readonly #arena: Arena;
  /** Those with live batches, from the one of #first on. */
  readonly #chunks: Chunk[] = [newChunk()];
  #spareChunk: Chunk | undefined;
  #first = 0;
  #releasedTo = 0;
  #next = 0;
  #sizeBytes = 0;

  /** `memoryMaxBytes`: up to here, memory that is not needed is kept for what comes next. */
  constructor(memoryMaxBytes: number) {
    this.#arena = new Arena(memoryMaxBytes);
  }

  /** Memory of the batches held. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Memory that waits to be used again. */
  get freeBytes(): number {
    return this.#arena.freeBytes;
  }

  /** Takes a copy of a batch. Its number. */
  add(owner: BatchOwner, endOffset: number, timestamp: number | undefined, bytes: Uint8Array): number {
    const number = this.#next;
    const index = number % chunkLength;
    const slab = this.#arena.keep(bytes); // First, for it may find no memory: then nothing has changed.
    if (index === 0 && number > this.#first) this.#addChunk();
    const chunk = this.#chunks[this.#chunks.length - 1] as Chunk;
    chunk.owners[index] = owner;
    chunk.slabs[index] = slab;
    chunk.positions[index] = slab.usedBytes - bytes.byteLength;
    chunk.lengths[index] = bytes.byteLength;
    chunk.endOffsets[index] = endOffset;
    chunk.timestamps[index] = timestamp ?? Number.NaN;
    this.#sizeBytes += bytes.byteLength + columnsSizeBytes;
    this.#next = number + 1;
    return number;
  }

  endOffset(number: number): number {
    return this.#chunkOf(number).endOffsets[number % chunkLength] as number;
  }

  timestamp(number: number): number | undefined {
    const timestamp = this.#chunkOf(number).timestamps[number % chunkLength] as number;
    return Number.isNaN(timestamp) ? undefined : timestamp;
  }

  /** The bytes of a batch that is not released, for somebody who is done with them before it is. */
  peek(number: number): Uint8Array {
    return this.#view(number, this.#slabOf(number));
  }

  /** The bytes of a batch, for somebody who may keep them: they are never overwritten. */
  lend(number: number): Uint8Array {
    const slab = this.#slabOf(number);
    slab.isLent = true;
    return this.#view(number, slab);
  }

  /** The next `count` batches, in the order of their appends, can be read from objects: they may go. */
  release(count: number): void {
    this.#releasedTo += count;
    assert(this.#releasedTo <= this.#next, 'what is released was appended');
  }

  /** Drops released batches, the oldest ones first, until no more than `sizeMaxBytes` are held. */
  evict(sizeMaxBytes: number): void {
    while (this.#sizeBytes > sizeMaxBytes && this.#first < this.#releasedTo) this.#dropFirst();
  }

  #dropFirst(): void {
    const index = this.#first % chunkLength;
    const chunk = this.#chunks[0] as Chunk;
    (chunk.owners[index] as BatchOwner).dropFirst();
    this.#arena.letGo(chunk.slabs[index] as Slab);
    chunk.owners[index] = undefined; // Neither a stream that was closed nor its memory is kept alive from here.
    chunk.slabs[index] = undefined;
    this.#sizeBytes -= (chunk.lengths[index] as number) + columnsSizeBytes;
    this.#first += 1;
    if (index === chunkLength - 1) this.#dropChunk();
  }

  #addChunk(): void {
    this.#chunks.push(this.#spareChunk ?? newChunk());
    this.#spareChunk = undefined;
  }

  #dropChunk(): void {
    const chunk = this.#chunks.shift();
    if (this.#chunks.length === 0 && chunk !== undefined) this.#chunks.push(chunk);
    else this.#spareChunk = chunk;
  }

  #chunkOf(number: number): Chunk {
    assert(number >= this.#first && number < this.#next, 'a batch that was dropped is not read');
    return this.#chunks[Math.floor(number / chunkLength) - Math.floor(this.#first / chunkLength)] as Chunk;
  }

  #slabOf(number: number): Slab {
    return this.#chunkOf(number).slabs[number % chunkLength] as Slab;
  }

  #view(number: number, slab: Slab): Uint8Array {
    const chunk = this.#chunkOf(number);
    const index = number % chunkLength;
    return new Uint8Array(slab.bytes.buffer, chunk.positions[index] as number, chunk.lengths[index] as number);
  }
}

function newChunk(): Chunk {
  return {
    owners: [],
    slabs: [],
    positions: new Uint32Array(chunkLength),
    lengths: new Uint32Array(chunkLength),
    endOffsets: new Float64Array(chunkLength),
    timestamps: new Float64Array(chunkLength),
  };
}
