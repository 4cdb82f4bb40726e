// Cuts what comes over a socket into frames: four bytes of length, then as many bytes. A frame that came in one chunk
// is a view of it; one that came in several is put together once, in memory that grows with what really came, because
// anybody can announce anything.

/** Frames up to here get their memory at once. */
const trustedSizeBytes = 262_144;

/** A length that no frame has. */
export class FrameSizeError extends Error {
  override readonly name = 'FrameSizeError';
  readonly sizeBytes: number;

  constructor(sizeBytes: number) {
    super(`a frame cannot have ${sizeBytes} bytes`);
    this.sizeBytes = sizeBytes;
  }
}

/** The bytes of one connection, on their way to being frames. */
export class FrameSplitter {
  readonly #sizeMaxBytes: number;
  readonly #prefix = new Uint8Array(4);
  #prefixBytes = 0;
  /** Undefined between frames. */
  #sizeBytes: number | undefined;
  #frame: Uint8Array = new Uint8Array(0);
  #filledBytes = 0;

  constructor(sizeMaxBytes: number) {
    this.#sizeMaxBytes = sizeMaxBytes;
  }

  /** Bytes of the frame that is not whole yet; 0 between frames. */
  get partialBytes(): number {
    return this.#prefixBytes + this.#filledBytes;
  }

  /** Takes a chunk; gives each frame that is whole now to `onFrame`, in order. Throws FrameSizeError. */
  push(chunk: Uint8Array, onFrame: (frame: Uint8Array) => void): void {
    let at = 0;
    while (at < chunk.byteLength) {
      if (this.#sizeBytes === undefined) at = this.#readPrefix(chunk, at);
      if (this.#sizeBytes === undefined) return;
      const missing = this.#sizeBytes - this.#filledBytes;
      const available = chunk.byteLength - at;
      if (this.#filledBytes === 0 && available >= missing) {
        onFrame(chunk.subarray(at, at + missing));
        this.#begin();
      } else {
        const taken = Math.min(missing, available);
        this.#fill(chunk.subarray(at, at + taken));
        if (taken === missing) {
          onFrame(this.#frame);
          this.#begin();
        }
      }
      at += Math.min(missing, available);
    }
  }

  #readPrefix(chunk: Uint8Array, start: number): number {
    let at = start;
    while (this.#prefixBytes < 4 && at < chunk.byteLength) this.#prefix[this.#prefixBytes++] = chunk[at++] as number;
    if (this.#prefixBytes < 4) return at;
    const [a = 0, b = 0, c = 0, d = 0] = this.#prefix;
    const sizeBytes = (a << 24) | (b << 16) | (c << 8) | d;
    if (sizeBytes <= 0 || sizeBytes > this.#sizeMaxBytes) throw new FrameSizeError(sizeBytes);
    this.#sizeBytes = sizeBytes;
    return at;
  }

  #fill(bytes: Uint8Array): void {
    const sizeBytes = this.#sizeBytes as number;
    const needed = this.#filledBytes + bytes.byteLength;
    if (needed > this.#frame.byteLength) {
      const roomBytes = needed <= trustedSizeBytes ? Math.min(sizeBytes, trustedSizeBytes) : 4 * needed;
      const frame = Buffer.allocUnsafeSlow(Math.min(sizeBytes, roomBytes));
      frame.set(this.#frame.subarray(0, this.#filledBytes));
      this.#frame = frame;
    }
    this.#frame.set(bytes, this.#filledBytes);
    this.#filledBytes = needed;
  }

  #begin(): void {
    this.#sizeBytes = undefined;
    this.#prefixBytes = 0;
    this.#filledBytes = 0;
    this.#frame = new Uint8Array(0);
  }
}
