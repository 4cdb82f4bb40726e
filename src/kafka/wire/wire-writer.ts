// Writes the primitives of the Kafka protocol into one frame. Large byte fields are not copied: a frame is a list of
// chunks, to be written one after the other.

/** The length of a frame stands in front of it. */
const lengthBytes = 4;

/** Byte fields from this size on are referenced: copying less is cheaper than one chunk more. */
const referencedFromBytes = 4_096;

export class WireWriter {
  readonly #chunks: Uint8Array[] = [];
  #buffer: Buffer;
  #view: DataView;
  /** The first buffer, which begins with room for the frame's length. */
  readonly #first: Buffer;
  /** Where the part of the buffer begins that is in no chunk yet. */
  #from = lengthBytes;
  #at = lengthBytes;
  #chunkedBytes = 0;

  constructor(sizeGuessBytes = 512) {
    this.#first = Buffer.allocUnsafe(lengthBytes + sizeGuessBytes);
    this.#buffer = this.#first;
    this.#view = viewOf(this.#buffer);
  }

  /** Bytes written so far. */
  get sizeBytes(): number {
    return this.#chunkedBytes + this.#at - this.#from;
  }

  int8(value: number): void {
    const at = this.#room(1); // Before the view is looked at: it may be another one afterwards.
    this.#view.setInt8(at, value);
  }

  int16(value: number): void {
    const at = this.#room(2);
    this.#view.setInt16(at, value);
  }

  int32(value: number): void {
    const at = this.#room(4);
    this.#view.setInt32(at, value);
  }

  /** What is beyond 63 bits, as the number next to the largest is, becomes the largest. */
  int64(value: number): void {
    const at = this.#room(8);
    const isTooLarge = value >= 2 ** 63;
    this.#view.setInt32(at, isTooLarge ? 0x7fff_ffff : Math.floor(value / 2 ** 32));
    this.#view.setUint32(at + 4, isTooLarge ? 0xffff_ffff : value >>> 0);
  }

  bool(value: boolean): void {
    this.int8(value ? 1 : 0);
  }

  uuid(value: string): void {
    const at = this.#room(16);
    this.#buffer.fill(0, at, at + 16);
    this.#buffer.write(value, at, 16, 'base64url');
  }

  unsignedVarint(value: number): void {
    let rest = value;
    while (rest > 0x7f) {
      this.int8((rest & 0x7f) | 0x80);
      rest = Math.floor(rest / 128);
    }
    this.int8(rest);
  }

  /** The text alone; what tells its length is written by who knows how. */
  text(value: string, sizeBytes: number): void {
    const at = this.#room(sizeBytes);
    this.#buffer.write(value, at, sizeBytes, 'utf8');
  }

  bytes(value: Uint8Array): void {
    if (value.byteLength >= referencedFromBytes) {
      this.#close();
      this.#push(value);
      return;
    }
    const at = this.#room(value.byteLength);
    this.#buffer.set(value, at);
  }

  /** The frame, with its length in front. The writer must not be used any more. */
  frame(): readonly Uint8Array[] {
    this.#close();
    this.#first.writeInt32BE(this.#chunkedBytes);
    const [first, ...others] = this.#chunks;
    const { buffer, byteOffset } = this.#first;
    const isBehind = first?.buffer === buffer && first.byteOffset === byteOffset + lengthBytes;
    // Most frames are one chunk: it stands where its length is already.
    if (isBehind) return [this.#first.subarray(0, lengthBytes + first.byteLength), ...others];
    return [this.#first.subarray(0, lengthBytes), ...this.#chunks];
  }

  /** What was written, in one piece and without a length. */
  toBytes(): Uint8Array {
    this.#close();
    const [first] = this.#chunks;
    return this.#chunks.length === 1 && first !== undefined ? first : Buffer.concat(this.#chunks);
  }

  #room(sizeBytes: number): number {
    const at = this.#at;
    if (at + sizeBytes > this.#buffer.length) return this.#grow(sizeBytes);
    this.#at = at + sizeBytes;
    return at;
  }

  #grow(sizeBytes: number): number {
    this.#close();
    this.#buffer = Buffer.allocUnsafe(Math.max(sizeBytes, 2 * this.#buffer.length));
    this.#view = viewOf(this.#buffer);
    this.#from = 0;
    this.#at = sizeBytes;
    return 0;
  }

  #close(): void {
    if (this.#at === this.#from) return;
    this.#push(this.#buffer.subarray(this.#from, this.#at));
    this.#from = this.#at;
  }

  #push(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#chunkedBytes += chunk.byteLength;
  }
}

function viewOf(buffer: Buffer): DataView {
  return new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}
