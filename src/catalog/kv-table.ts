// The small key-value store inside the state. Keys are ordered by their UTF-16 code units (as `<` compares strings).
// Versions come from one counter for all keys, so that no version ever stands for two values: not across a deletion,
// not within one record.

/** A value, with the version that a conditional write must name. */
export interface KvState {
  readonly value: Uint8Array;
  readonly version: number;
}

export class KvTable {
  readonly #byKey = new Map<string, KvState>();
  readonly #keys: string[] = [];
  /** The last version given. */
  lastVersion = 0;

  get size(): number {
    return this.#byKey.size;
  }

  get(key: string): KvState | undefined {
    return this.#byKey.get(key);
  }

  /** Entries whose key starts with `prefix`, in order of key. */
  *withPrefix(prefix: string): Iterable<{ readonly key: string } & KvState> {
    for (let at = this.#lowerBound(prefix); at < this.#keys.length; at++) {
      const key = this.#keys[at] as string;
      if (!key.startsWith(prefix)) return;
      yield { key, ...(this.#byKey.get(key) as KvState) };
    }
  }

  /** Sets a value under the next version, and gives that version. */
  put(key: string, value: Uint8Array): number {
    this.lastVersion += 1;
    this.set(key, { value, version: this.lastVersion });
    return this.lastVersion;
  }

  /** Sets a value as it is. */
  set(key: string, state: KvState): void {
    if (!this.#byKey.has(key)) this.#keys.splice(this.#lowerBound(key), 0, key);
    this.#byKey.set(key, state);
  }

  delete(key: string): void {
    if (this.#byKey.delete(key)) this.#keys.splice(this.#lowerBound(key), 1);
  }

  #lowerBound(key: string): number {
    let low = 0;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#keys[middle] as string) < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
