// The data objects of the state. An object is live while any part of it is; then it is retired: nothing refers to it
// any more, and it may be deleted (I6, I7).
//
// The retired list is bounded. It only lets the sweeper delete after a time of grace: a retired object that has left
// the list is garbage by its sequence all the same (S5). It does not leave while its sequence could be named again.
import { assert } from '../base/assert.ts';
import type { ObjectFamily } from '../model/object-key.ts';

/** A data object: who wrote it as which of its works, and how much of it is still referred to. */
export interface ObjectState {
  readonly id: number;
  readonly family: ObjectFamily;
  /** The epoch under whose prefix it lies. */
  readonly writerEpoch: number;
  readonly node: string;
  readonly sequence: number;
  readonly sizeBytes: number;
  /** Bytes of the parts that are not wholly trimmed or deleted. */
  readonly liveBytes: number;
  readonly livePartCount: number;
  /** Index of the record since which nothing refers to it. */
  readonly retiredAt: number | undefined;
}

export type ObjectEntry = { -readonly [K in keyof ObjectState]: ObjectState[K] };

/** Retired objects that are remembered. */
export const retiredObjectsMax = 4_096;

type Origins = Map<number, Map<number, ObjectEntry>>;

export class ObjectTable {
  readonly #live = new Map<number, ObjectEntry>();
  /** In the order in which they were retired. */
  readonly #retired = new Map<number, ObjectEntry>();
  readonly #origins: Readonly<Record<ObjectFamily, Origins>> = { wal: new Map(), data: new Map() };
  /** The id that the next object gets. */
  nextId = 1;
  #liveSizeBytes = 0;

  /** An object, live or retired. */
  get(id: number): ObjectEntry | undefined {
    return this.#live.get(id) ?? this.#retired.get(id);
  }

  byOrigin(family: ObjectFamily, writerEpoch: number, sequence: number): ObjectEntry | undefined {
    return this.#origins[family].get(writerEpoch)?.get(sequence);
  }

  live(): Iterable<ObjectEntry> {
    return this.#live.values();
  }

  retired(): Iterable<ObjectEntry> {
    return this.#retired.values();
  }

  get liveCount(): number {
    return this.#live.size;
  }

  /** Sizes of all live objects, with what is trimmed of them. */
  get liveSizeBytes(): number {
    return this.#liveSizeBytes;
  }

  get retiredCount(): number {
    return this.#retired.size;
  }

  /** Adds an object without parts yet; `settle` follows once all its parts are counted. */
  create(origin: Pick<ObjectState, 'family' | 'writerEpoch' | 'node' | 'sequence' | 'sizeBytes'>): ObjectEntry {
    const object: ObjectEntry = {
      ...origin,
      id: this.nextId,
      liveBytes: 0,
      livePartCount: 0,
      retiredAt: undefined,
    };
    this.nextId += 1;
    this.add(object);
    return object;
  }

  /** Adds an object as it is: a new one, or the next of a snapshot. */
  add(object: ObjectEntry): void {
    const table = object.retiredAt === undefined ? this.#live : this.#retired;
    table.set(object.id, object);
    if (object.retiredAt === undefined) this.#liveSizeBytes += object.sizeBytes;
    const origins = this.#origins[object.family];
    const ofEpoch = origins.get(object.writerEpoch) ?? new Map<number, ObjectEntry>();
    origins.set(object.writerEpoch, ofEpoch);
    ofEpoch.set(object.sequence, object);
  }

  /** One part of it is gone; the last one takes the object along. */
  releasePart(id: number, sizeBytes: number, index: number): void {
    const object = this.#live.get(id);
    assert(object !== undefined && object.livePartCount > 0, 'a part belongs to a live object');
    object.livePartCount -= 1;
    object.liveBytes -= sizeBytes;
    this.settle(object, index);
  }

  /** Retires the object if nothing of it is alive. */
  settle(object: ObjectEntry, index: number): void {
    if (object.livePartCount > 0) return;
    object.retiredAt = index;
    this.#live.delete(object.id);
    this.#liveSizeBytes -= object.sizeBytes;
    this.#retired.set(object.id, object);
  }

  /** Forgets the oldest retired objects above the limit, as long as their sequences can never be named again. */
  forgetRetired(isDecided: (object: ObjectState) => boolean): void {
    for (const object of this.#retired.values()) {
      if (this.#retired.size <= retiredObjectsMax || !isDecided(object)) return;
      this.#retired.delete(object.id);
      const ofEpoch = this.#origins[object.family].get(object.writerEpoch);
      ofEpoch?.delete(object.sequence);
      if (ofEpoch?.size === 0) this.#origins[object.family].delete(object.writerEpoch);
    }
  }
}
