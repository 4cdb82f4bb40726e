// The stream-range index of one stream: which object holds which of its offsets. Parts are contiguous, in order, and
// added only at the end (I2); trimming removes them only at the front. There may be millions of them in one replica,
// so they are numbers in one array: no object per part, and nothing at all for a stream without parts.
import { assert } from '../base/assert.ts';

/** One part, as the state keeps it. */
export interface Part {
  /** Id of the object that holds it. */
  readonly object: number;
  readonly startOffset: number;
  readonly endOffset: number;
  readonly sizeBytes: number;
  readonly maxTimestamp: number | undefined;
}

/** Numbers per part in the columns: object, startOffset, endOffset, sizeBytes, maxTimestamp (NaN for none). */
const partWidth = 5;

const noColumns = new Float64Array(0);

export class PartList {
  #columns: Float64Array = noColumns;
  /** Place of the first part that is not trimmed. */
  #head = 0;
  #length = 0;
  /** Largest timestamp up to each part, as far as anybody has asked; kept in line by appending and trimming. */
  #runningMax: number[] | undefined;

  get length(): number {
    return this.#length;
  }

  /** Part number `index`, counted from the first that is not trimmed. */
  at(index: number): Part {
    assert(index >= 0 && index < this.#length, 'a part is asked for by an index below the length');
    const timestamp = this.#column(index, 4);
    return {
      object: this.#column(index, 0),
      startOffset: this.#column(index, 1),
      endOffset: this.#column(index, 2),
      sizeBytes: this.#column(index, 3),
      maxTimestamp: Number.isNaN(timestamp) ? undefined : timestamp,
    };
  }

  /** Index of the part that holds `offset`, or -1. */
  find(offset: number): number {
    const index = this.#firstWhere((i) => this.#column(i, 2) > offset);
    return index < this.#length && this.#column(index, 1) <= offset ? index : -1;
  }

  /** Index of the first part, in offset order, whose largest timestamp is at or after `timestamp`, or -1. */
  firstPartAtOrAfterTimestamp(timestamp: number): number {
    const maxima = this.#maxima();
    const index = this.#firstWhere((i) => (maxima[i] as number) >= timestamp);
    return index < this.#length ? index : -1;
  }

  /** Adds a part at the end. */
  append(part: Part): void {
    this.#makeRoom(1);
    const at = (this.#head + this.#length) * partWidth;
    this.#columns[at] = part.object;
    this.#columns[at + 1] = part.startOffset;
    this.#columns[at + 2] = part.endOffset;
    this.#columns[at + 3] = part.sizeBytes;
    this.#columns[at + 4] = part.maxTimestamp ?? Number.NaN;
    this.#length += 1;
  }

  /** Removes the parts that lie wholly below `startOffset`, and tells of each. */
  trimBelow(startOffset: number, removed: (object: number, sizeBytes: number) => void): void {
    let count = 0;
    for (; count < this.#length && this.#column(count, 2) <= startOffset; count++)
      removed(this.#column(count, 0), this.#column(count, 3));
    if (count === 0) return;
    this.#trimMaxima(count);
    this.#head += count;
    this.#length -= count;
    if (this.#length > 0) return;
    this.#columns = noColumns;
    this.#head = 0;
  }

  /** Makes room for `count` more parts at once. */
  reserve(count: number): void {
    if (count > 0) this.#makeRoom(count);
  }

  #column(index: number, column: number): number {
    return this.#columns[(this.#head + index) * partWidth + column] as number;
  }

  /** First index for which `holds`, which must hold for all after it too; the length if there is none. */
  #firstWhere(holds: (index: number) => boolean): number {
    let low = 0;
    let high = this.#length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (holds(middle)) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** Room for `count` more at the end: by moving down over what was trimmed, where that is half, or by growing. */
  #makeRoom(count: number): void {
    const needed = this.#length + count;
    const capacity = this.#columns.length / partWidth;
    if (this.#head + needed <= capacity) return;
    const live = this.#columns.subarray(this.#head * partWidth, (this.#head + this.#length) * partWidth);
    if (needed <= capacity / 2) {
      this.#columns.set(live, 0);
    } else {
      const grown = this.#length === 0 ? needed : Math.max(needed, Math.ceil(this.#length * 1.5));
      this.#columns = new Float64Array(grown * partWidth);
      this.#columns.set(live, 0);
    }
    this.#head = 0;
  }

  #maxima(): number[] {
    this.#runningMax ??= [];
    const maxima = this.#runningMax;
    for (let i = maxima.length; i < this.#length; i++) {
      const timestamp = this.#column(i, 4);
      const before = i === 0 ? Number.NEGATIVE_INFINITY : (maxima[i - 1] as number);
      maxima.push(timestamp > before ? timestamp : before);
    }
    return maxima;
  }

  /** Where the first part that stays is itself a maximum, what follows is still right; else it is built again. */
  #trimMaxima(count: number): void {
    const maxima = this.#runningMax;
    if (maxima === undefined) return;
    if (count < maxima.length && maxima[count] === this.#column(count, 4)) maxima.splice(0, count);
    else this.#runningMax = undefined;
  }
}
