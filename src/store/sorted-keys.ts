// An ordered set of byte strings that is cheap to add to and cheap to page through, also with 100,000 of them. Keys
// added out of order wait beside the sorted array until somebody lists; deleted ones stay in it, to be skipped, until
// they are the greater part.
//
// Invariant: every living key is in `#sorted` or in `#fresh`, and in no more than one of them.

/** Up to so many keys are inserted one by one, which moves what is above them; more are merged in one pass. */
const insertMax = 32;

export class SortedKeys {
  #sorted: string[] = [];
  #fresh: string[] = [];
  /** All keys in either array: true when alive. */
  readonly #alive = new Map<string, boolean>();
  #deadCount = 0;

  add(key: string): void {
    const known = this.#alive.get(key);
    if (known === true) return;
    this.#alive.set(key, true);
    if (known === false) {
      this.#deadCount -= 1;
      return;
    }
    const last = this.#sorted.at(-1);
    if (this.#fresh.length === 0 && (last === undefined || last < key)) this.#sorted.push(key);
    else this.#fresh.push(key);
  }

  remove(key: string): void {
    if (this.#alive.get(key) !== true) return;
    this.#alive.set(key, false);
    this.#deadCount += 1;
  }

  /** Living keys with this prefix that sort after `after`, in order, at most `limit`. */
  page(prefix: string, after: string | undefined, limit: number): string[] {
    this.#settle();
    const keys = this.#sorted;
    let index = after === undefined || after < prefix ? lowerBound(keys, prefix) : lowerBound(keys, after);
    const page: string[] = [];
    for (; index < keys.length && page.length < limit; index++) {
      const key = keys[index]!;
      if (!key.startsWith(prefix)) {
        if (key > prefix) break;
        continue;
      }
      if (key !== after && this.#alive.get(key) === true) page.push(key);
    }
    return page;
  }

  #settle(): void {
    if (this.#fresh.length > 0) {
      if (this.#fresh.length <= insertMax) for (const key of this.#fresh) insert(this.#sorted, key);
      else this.#sorted = merge(this.#sorted, this.#fresh.toSorted(byBytes));
      this.#fresh = [];
    }
    if (this.#deadCount * 2 <= this.#sorted.length) return;
    for (const key of this.#sorted) if (this.#alive.get(key) === false) this.#alive.delete(key);
    this.#sorted = this.#sorted.filter((key) => this.#alive.has(key));
    this.#deadCount = 0;
  }
}

function byBytes(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Index of the first key that is not below `bound`. */
function lowerBound(keys: readonly string[], bound: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (keys[middle]! < bound) low = middle + 1;
    else high = middle;
  }
  return low;
}

function insert(keys: string[], key: string): void {
  keys.splice(lowerBound(keys, key), 0, key);
}

function merge(a: readonly string[], b: readonly string[]): string[] {
  const merged: string[] = [];
  let i = 0;
  for (const key of b) {
    while (i < a.length && a[i]! < key) merged.push(a[i++]!);
    merged.push(key);
  }
  while (i < a.length) merged.push(a[i++]!);
  return merged;
}
