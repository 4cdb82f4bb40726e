// A bound on bytes that are in memory at a time. Who finds no room waits in line. Somebody who needs more than there is
// room for at all is let in alone, when nobody else is inside.

interface Waiting {
  readonly sizeBytes: number;
  readonly enter: () => void;
}

/** Holds a number of bytes, at most. */
export class ByteGate {
  readonly #maxBytes: number;
  readonly #line: Waiting[] = [];
  #heldBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Takes the bytes if there is room now, and nobody waits. */
  tryEnter(sizeBytes: number): boolean {
    if (this.#line.length > 0 || !this.#hasRoom(sizeBytes)) return false;
    this.#heldBytes += sizeBytes;
    return true;
  }

  /** Calls `enter` when the bytes are taken, at once if there is room. What is returned leaves the line. */
  enter(sizeBytes: number, enter: () => void): () => void {
    if (this.tryEnter(sizeBytes)) {
      enter();
      return () => {};
    }
    const waiting: Waiting = { sizeBytes, enter };
    this.#line.push(waiting);
    return () => {
      const at = this.#line.indexOf(waiting);
      if (at < 0) return;
      this.#line.splice(at, 1);
      this.#admit();
    };
  }

  /** Gives bytes back that were taken. */
  leave(sizeBytes: number): void {
    this.#heldBytes -= sizeBytes;
    this.#admit();
  }

  #admit(): void {
    for (let first = this.#line[0]; first !== undefined && this.#hasRoom(first.sizeBytes); first = this.#line[0]) {
      this.#line.shift();
      this.#heldBytes += first.sizeBytes;
      first.enter();
    }
  }

  #hasRoom(sizeBytes: number): boolean {
    return this.#heldBytes === 0 || this.#heldBytes + sizeBytes <= this.#maxBytes;
  }
}
