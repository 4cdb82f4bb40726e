// Where a decoder writes what it makes of compressed bytes: grows as needed, up to a limit that it was given, and never
// takes more from what was written than is there.

/** Thrown where compressed bytes would become more than is allowed. */
export class TooManyPlainBytes extends Error {
  override readonly name = 'TooManyPlainBytes';
}

/** Bytes that are being decompressed. */
export class PlainOutput {
  readonly #bytesMax: number;
  #bytes: Uint8Array;
  #at = 0;

  constructor(expectedBytes: number, bytesMax: number) {
    this.#bytesMax = bytesMax;
    this.#bytes = new Uint8Array(Math.min(expectedBytes, bytesMax));
  }

  get length(): number {
    return this.#at;
  }

  /** Appends a piece of `source`. The caller made sure that it lies inside. */
  append(source: Uint8Array, start: number, end: number): void {
    this.reserve(end - start);
    if (end - start > 32) this.#bytes.set(source.subarray(start, end), this.#at);
    else for (let from = start, to = this.#at; from < end; from += 1, to += 1) this.#bytes[to] = source[from]!;
    this.#at += end - start;
  }

  /** Appends `length` bytes again that begin `distance` before the end; where they overlap, they repeat. */
  repeat(distance: number, length: number): void {
    if (distance < 1 || distance > this.#at) throw new RangeError(`Nothing lies ${distance} bytes back.`);
    this.reserve(length);
    const bytes = this.#bytes;
    const start = this.#at;
    const end = start + length;
    if (distance >= length && length > 32) bytes.copyWithin(start, start - distance, end - distance);
    else if (distance === 1) bytes.fill(bytes[start - 1]!, start, end);
    else for (let at = start; at < end; at += 1) bytes[at] = bytes[at - distance]!;
    this.#at = end;
  }

  /** What was written. */
  written(): Uint8Array {
    return this.#bytes.subarray(0, this.#at);
  }

  /** Makes room for `length` more bytes. */
  reserve(length: number): void {
    const needed = this.#at + length;
    if (needed <= this.#bytes.length) return;
    if (needed > this.#bytesMax) throw new TooManyPlainBytes(`The bytes would become more than ${this.#bytesMax}.`);
    const larger = new Uint8Array(Math.min(this.#bytesMax, Math.max(needed, this.#bytes.length * 2)));
    larger.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = larger;
  }
}
