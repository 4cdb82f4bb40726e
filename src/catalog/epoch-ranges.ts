// Which stream epoch wrote which offsets of one stream: what a follower needs to find where its history parts from the
// stream's. An epoch that wrote nothing, or whose records are all trimmed, leaves no range, so this stays as short as
// the history that can still be read.
import { assert } from '../base/assert.ts';

const noColumns: readonly number[] = [];

export class EpochRanges {
  /** Pairs of stream epoch and first offset, both ascending. Never changed in place: pairs are few and added rarely. */
  #columns: readonly number[] = noColumns;
  #endOffset = 0;

  get length(): number {
    return this.#columns.length / 2;
  }

  /** Range number `index`, in order. */
  at(index: number): { readonly streamEpoch: number; readonly startOffset: number; readonly endOffset: number } {
    assert(index >= 0 && index < this.length, 'a range is asked for by an index below the length');
    return {
      streamEpoch: this.#columns[index * 2] as number,
      startOffset: this.#columns[index * 2 + 1] as number,
      endOffset: this.#endOf(index),
    };
  }

  /** The epoch under which the record at `offset` was appended; undefined outside the registered ranges. */
  epochAt(offset: number): number | undefined {
    if (offset >= this.#endOffset) return undefined;
    return this.#columns[this.#lastAtOrBelow(1, offset) * 2];
  }

  /** The largest epoch at or below `streamEpoch` that has a range. */
  epochAtOrBelow(streamEpoch: number): number | undefined {
    return this.#columns[this.#lastAtOrBelow(0, streamEpoch) * 2];
  }

  /** Where the records of `streamEpoch`, or of the largest epoch below it that has a range, end. */
  endOffsetOf(streamEpoch: number): number | undefined {
    const index = this.#lastAtOrBelow(0, streamEpoch);
    return index < 0 ? undefined : this.#endOf(index);
  }

  /** Takes in that `streamEpoch` wrote [startOffset, endOffset), the next in order. */
  extend(streamEpoch: number, startOffset: number, endOffset: number): void {
    if (this.#columns.at(-2) !== streamEpoch) this.#columns = [...this.#columns, streamEpoch, startOffset];
    this.#endOffset = endOffset;
  }

  /** Forgets the ranges that lie wholly below `startOffset`. */
  trimBelow(startOffset: number): void {
    let count = 0;
    while (count < this.length && this.#endOf(count) <= startOffset) count++;
    if (count > 0) this.#columns = count === this.length ? noColumns : this.#columns.slice(count * 2);
  }

  #endOf(index: number): number {
    return this.#columns[index * 2 + 3] ?? this.#endOffset;
  }

  /** Last range whose epoch (column 0) or first offset (column 1) is at or below `value`, or -1. */
  #lastAtOrBelow(column: 0 | 1, value: number): number {
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#columns[middle * 2 + column] as number) <= value) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}
