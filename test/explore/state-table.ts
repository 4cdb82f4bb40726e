// The states that an exploration has seen: a fingerprint of 64 bits for each, and a number beside it. Two states with
// the same fingerprint would be taken for one; among ten million states the odds of any such pair are 1 in 350,000.

export class StateTable {
  count = 0;
  /** By place: what was worked out for a state. */
  values: Float64Array = new Float64Array(1 << 12);
  #highs: Uint32Array = new Uint32Array(1 << 12);
  #lows: Uint32Array = new Uint32Array(1 << 12);
  /** Place + 1 of the state whose fingerprint leads here; open addressing. */
  #slots: Int32Array = new Int32Array(1 << 13);

  /** The place of a state. A new one is at `count - 1`, as it was before the call plus one, with the value NaN. */
  place(parts: readonly number[]): number {
    const high = mix(parts, 0x9e3779b9);
    const low = mix(parts, 0x85ebca6b);
    let slot = this.#slotOf(high, low);
    const known = this.#slots[slot] as number;
    if (known > 0) return known - 1;
    if (this.count === this.values.length) {
      this.#grow();
      slot = this.#slotOf(high, low);
    }
    const place = this.count;
    this.count += 1;
    this.#slots[slot] = this.count;
    this.#highs[place] = high;
    this.#lows[place] = low;
    this.values[place] = NaN;
    return place;
  }

  #slotOf(high: number, low: number): number {
    const mask = this.#slots.length - 1;
    for (let slot = low & mask; ; slot = (slot + 1) & mask) {
      const place = (this.#slots[slot] as number) - 1;
      if (place < 0 || (this.#highs[place] === high && this.#lows[place] === low)) return slot;
    }
  }

  #grow(): void {
    const larger = <T extends Float64Array | Uint32Array>(from: T, to: T): T => {
      to.set(from);
      return to;
    };
    const size = this.values.length * 2;
    this.values = larger(this.values, new Float64Array(size));
    this.#highs = larger(this.#highs, new Uint32Array(size));
    this.#lows = larger(this.#lows, new Uint32Array(size));
    this.#slots = new Int32Array(size * 2);
    for (let place = 0; place < this.count; place += 1)
      this.#slots[this.#slotOf(this.#highs[place] as number, this.#lows[place] as number)] = place + 1;
  }
}

/** 32 bits made of all parts: the rounds of MurmurHash3. */
function mix(parts: readonly number[], seed: number): number {
  let hash = seed;
  for (const part of parts) {
    let k = Math.imul(part, 0xcc9e2d51);
    k = (k << 15) | (k >>> 17);
    hash ^= Math.imul(k, 0x1b873593);
    hash = (hash << 13) | (hash >>> 19);
    hash = (Math.imul(hash, 5) + 0xe6546b64) | 0;
  }
  hash ^= parts.length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
