// First in, first out, in a ring that is used again: what passes through it leaves no garbage behind.

const initialCapacity = 16;
/** A larger ring is given up when it has run empty. */
const keptCapacityMax = 16_384;

export class Fifo<T> {
  /** Its length is a power of two, so that places wrap with a mask. */
  #ring: (T | undefined)[] = emptyRing(initialCapacity);
  #head = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** The oldest item, left where it is. */
  get first(): T | undefined {
    return this.#ring[this.#head];
  }

  push(item: T): void {
    if (this.#length === this.#ring.length) this.#grow();
    this.#ring[(this.#head + this.#length) & (this.#ring.length - 1)] = item;
    this.#length += 1;
  }

  /** The oldest item; undefined if there is none. */
  shift(): T | undefined {
    if (this.#length === 0) return undefined;
    const item = this.#ring[this.#head];
    this.#ring[this.#head] = undefined; // Not kept alive by its old place.
    this.#head = (this.#head + 1) & (this.#ring.length - 1);
    this.#length -= 1;
    if (this.#length === 0 && this.#ring.length > keptCapacityMax) {
      this.#ring = emptyRing(initialCapacity);
      this.#head = 0;
    }
    return item;
  }

  #grow(): void {
    const ring = this.#ring;
    this.#ring = [...ring.slice(this.#head), ...ring.slice(0, this.#head), ...emptyRing<T>(ring.length)];
    this.#head = 0;
  }
}

function emptyRing<T>(capacity: number): (T | undefined)[] {
  return Array.from<T | undefined>({ length: capacity }).fill(undefined);
}
