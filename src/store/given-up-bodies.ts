// Bodies of puts that were given up, for as long as the store may still read them. A store that looks at signals lets
// go at once; with one that does not, only so many bodies are left, or a store that hangs would fill the memory (I9).
import { MiB } from '../base/bytes.ts';

/** Beyond the budget of the engine, and only with a store that neither answers nor lets go. */
const heldMaxBytes: number = 32 * MiB;

export class GivenUpBodies {
  /** How many attempts have a body. */
  readonly #attempts = new Map<Uint8Array, number>();
  #heldBytes = 0;

  /** Whether another put may be begun: of a body that is held already it costs nothing. */
  hasRoomFor(body: Uint8Array): boolean {
    return this.#heldBytes < heldMaxBytes || this.#attempts.has(body);
  }

  /** Remembers a body until the attempt, which never rejects, has ended. */
  hold(body: Uint8Array, attempt: Promise<unknown>): void {
    const count = this.#attempts.get(body) ?? 0;
    if (count === 0) this.#heldBytes += body.byteLength;
    this.#attempts.set(body, count + 1);
    void attempt.then(() => this.#letGo(body));
  }

  #letGo(body: Uint8Array): void {
    const count = this.#attempts.get(body)!;
    if (count > 1) {
      this.#attempts.set(body, count - 1);
      return;
    }
    this.#attempts.delete(body);
    this.#heldBytes -= body.byteLength;
  }
}
