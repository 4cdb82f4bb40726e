// A row of numbers that finds the first one from a place on that is at least so large, in logarithmic time: a tree of
// maxima. Empty places hold -Infinity.
//
//   values  3 1 7 2      first(1, 2) → 2, where the 7 is      first(3, 5) → none: 4, the length

export class FirstAtLeast {
  readonly length: number;
  readonly #width: number;
  /** The root at 1, the children of i at 2i and 2i + 1, the values from #width on. */
  readonly #maxima: Float64Array;

  constructor(values: readonly number[]) {
    this.length = values.length;
    let width = 1;
    while (width < values.length) width *= 2;
    this.#width = width;
    this.#maxima = new Float64Array(2 * width).fill(-Infinity);
    for (const [i, value] of values.entries()) this.#maxima[width + i] = value;
    for (let i = width - 1; i > 0; i--) this.#maxima[i] = Math.max(this.#at(2 * i), this.#at(2 * i + 1));
  }

  set(index: number, value: number): void {
    let i = this.#width + index;
    this.#maxima[i] = value;
    for (i >>= 1; i > 0; i >>= 1) this.#maxima[i] = Math.max(this.#at(2 * i), this.#at(2 * i + 1));
  }

  /** The first index from `from` on whose value is at least `value`; `length` if there is none. */
  first(from: number, value: number): number {
    if (from >= this.length) return this.length;
    let i = this.#width + from;
    while (this.#at(i) < value) {
      // Up while this is a right child, which has nothing to its right below the same parent; then over to the right.
      while (i % 2 === 1) i >>= 1;
      if (i === 0) return this.length;
      i += 1;
    }
    while (i < this.#width) i = this.#at(2 * i) >= value ? 2 * i : 2 * i + 1;
    return i - this.#width;
  }

  #at(i: number): number {
    return this.#maxima[i] ?? -Infinity;
  }
}

/** The first index of a sorted row at which `isReached` holds; the length if it holds nowhere. */
export function firstReached<T>(sorted: readonly T[], isReached: (item: T) => boolean): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isReached(sorted[middle] as T)) high = middle;
    else low = middle + 1;
  }
  return low;
}
