// The streams of the state. Whether a stream is open is not written down: it follows from the epoch that owns it, so
// that the recovery of a node touches none of its streams.
import type { Attributes, StreamId } from '../model/ids.ts';
import { streamId } from '../model/ids.ts';
import { EpochRanges } from './epoch-ranges.ts';
import { PartList } from './stream-range-index.ts';

/** A stream. Its registered end is what objects hold; the owner's WAL may hold more. */
export interface StreamState {
  readonly id: StreamId;
  readonly name: string | undefined;
  readonly attributes: Attributes;
  /** 1 when created, one more with each change of the attributes. */
  readonly attributesVersion: number;
  /** The epoch that has, or had, it open; 0 once its owner has closed it. */
  readonly ownerEpoch: number;
  /** Counts ownerships: 1 when created, one more with each open. */
  readonly streamEpoch: number;
  /** Nothing below it is readable. May run ahead of the registered end, never of the durable one. */
  readonly startOffset: number;
  /** The registered end: where the next part must start. */
  readonly endOffset: number;
  readonly parts: Omit<PartList, 'append' | 'trimBelow' | 'reserve'>;
  readonly ranges: Omit<EpochRanges, 'extend' | 'trimBelow'>;
}

const noAttributes: Attributes = Object.freeze({});

/** A stream as the table keeps it. Only apply-change.ts and the files beside it change one. */
export class StreamEntry implements StreamState {
  readonly id: StreamId;
  readonly name: string | undefined;
  attributes: Attributes;
  attributesVersion = 1;
  ownerEpoch: number;
  streamEpoch = 1;
  startOffset = 0;
  endOffset = 0;
  readonly parts: PartList = new PartList();
  readonly ranges: EpochRanges = new EpochRanges();

  constructor(id: StreamId, name: string | undefined, attributes: Attributes, ownerEpoch: number) {
    this.id = id;
    this.name = name;
    this.attributes = Object.keys(attributes).length === 0 ? noAttributes : attributes;
    this.ownerEpoch = ownerEpoch;
  }
}

export class StreamTable {
  readonly #byId = new Map<number, StreamEntry>();
  readonly #byName = new Map<string, StreamEntry>();
  /** Ids in order, so that a listing can begin anywhere. */
  readonly #ids: number[] = [];
  /** The id that the next stream gets. Ids are dense and never given twice (I13). */
  nextId = 1;

  get size(): number {
    return this.#byId.size;
  }

  get(id: number): StreamEntry | undefined {
    return this.#byId.get(id);
  }

  byName(name: string): StreamEntry | undefined {
    return this.#byName.get(name);
  }

  /** Streams in order of id, from `from` on. */
  *from(from: number): Iterable<StreamEntry> {
    for (let at = lowerBound(this.#ids, from); at < this.#ids.length; at++)
      yield this.#byId.get(this.#ids[at] as number) as StreamEntry;
  }

  create(name: string | undefined, attributes: Attributes, ownerEpoch: number): StreamEntry {
    const stream = new StreamEntry(streamId(this.nextId), name, attributes, ownerEpoch);
    this.nextId += 1;
    this.add(stream);
    return stream;
  }

  /** Adds a stream whose id is above all others: a new one, or the next of a snapshot. */
  add(stream: StreamEntry): void {
    this.#byId.set(stream.id, stream);
    if (stream.name !== undefined) this.#byName.set(stream.name, stream);
    this.#ids.push(stream.id);
  }

  delete(stream: StreamEntry): void {
    this.#byId.delete(stream.id);
    if (stream.name !== undefined) this.#byName.delete(stream.name);
    this.#ids.splice(lowerBound(this.#ids, stream.id), 1);
  }
}

/** First place in an ascending array whose value is at or above `value`. */
function lowerBound(ascending: readonly number[], value: number): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ascending[middle] as number) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
