// Reads the primitives of the Kafka protocol out of one frame. Whatever the bytes are, it reads within the frame or
// throws WireError; what it gives of byte fields are views, not copies.

/** The bytes of a frame are not what the protocol says. */
export class WireError extends Error {
  override readonly name = 'WireError';
}

/** Elements of arrays in one frame, all together: decoding must not hold up what others asked for. */
export const frameElementsMax = 100_000;

export class WireReader {
  readonly #bytes: Buffer;
  readonly #view: DataView;
  #at: number;
  #end: number;
  #elementsLeft = frameElementsMax;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = 0;
    this.#end = bytes.byteLength;
  }

  /** Bytes that are left. */
  get remaining(): number {
    return this.#end - this.#at;
  }

  int8(): number {
    return this.#view.getInt8(this.#take(1));
  }

  int16(): number {
    return this.#view.getInt16(this.#take(2));
  }

  int32(): number {
    return this.#view.getInt32(this.#take(4));
  }

  /** Exact up to 2^53; beyond it the nearest number. */
  int64(): number {
    const at = this.#take(8);
    return this.#view.getInt32(at) * 2 ** 32 + this.#view.getUint32(at + 4);
  }

  bool(): boolean {
    return this.int8() !== 0;
  }

  /** 16 bytes as 22 characters of base64url, which is how Kafka prints them. */
  uuid(): string {
    const at = this.#take(16);
    return this.#bytes.toString('base64url', at, at + 16);
  }

  unsignedVarint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#view.getUint8(this.#take(1));
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) {
        if (value > 0xffff_ffff) break;
        return value;
      }
    }
    throw new WireError('a number of variable length is longer than 32 bits');
  }

  string(sizeBytes: number): string {
    const at = this.#take(sizeBytes);
    return this.#bytes.toString('utf8', at, at + sizeBytes);
  }

  bytes(sizeBytes: number): Uint8Array {
    const at = this.#take(sizeBytes);
    return this.#bytes.subarray(at, at + sizeBytes);
  }

  skip(sizeBytes: number): void {
    this.#take(sizeBytes);
  }

  /** Allows fewer elements of arrays from here on. */
  limitElements(count: number): void {
    this.#elementsLeft = Math.min(this.#elementsLeft, count);
  }

  /** Counts the elements of an array, of which each takes a byte at least. */
  elements(count: number): number {
    if (count > this.remaining) throw new WireError(`an array of ${count} elements does not fit its frame`);
    this.#elementsLeft -= count;
    if (this.#elementsLeft < 0) throw new WireError('a frame has more elements of arrays than are allowed');
    return count;
  }

  /** Lets `read` see the next `sizeBytes` only, and goes on behind them whatever it has read. */
  within<T>(sizeBytes: number, read: () => T): T {
    const start = this.#take(sizeBytes);
    const outerEnd = this.#end;
    this.#at = start;
    this.#end = start + sizeBytes;
    try {
      return read();
    } finally {
      this.#at = start + sizeBytes;
      this.#end = outerEnd;
    }
  }

  #take(sizeBytes: number): number {
    const at = this.#at;
    if (sizeBytes < 0 || sizeBytes > this.#end - at) throw new WireError('a frame ends within a field');
    this.#at = at + sizeBytes;
    return at;
  }
}
