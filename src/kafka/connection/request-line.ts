// The requests of one connection: which may begin, and in which order they are answered. Pure of sockets.
//
// Kafka takes up the next request of a connection when the one before is answered. So does this line, but for
// produces: one that follows another need not wait, since appends keep the order in which they were called. Answers
// leave in the order of the requests, whatever is ready first.

/** A request on its way. */
interface Slot {
  readonly isProduce: boolean;
  isReady: boolean;
  /** Undefined if it is not answered. */
  answer: readonly Uint8Array[] | undefined;
}

/** Produces of one connection that may be under way at once. */
const underWayMax = 64;

export class RequestLine {
  readonly #slots: Slot[] = [];

  /** Requests that have begun and are not answered. */
  get length(): number {
    return this.#slots.length;
  }

  /** Whether a request may begin now. */
  mayBegin(isProduce: boolean): boolean {
    const [first] = this.#slots;
    // Whatever follows a produce that is under way is one, too: nothing else has begun beside it.
    return first === undefined || (isProduce && first.isProduce && this.#slots.length < underWayMax);
  }

  /** A request begins. What is returned is called with its answer. */
  begin(isProduce: boolean): (answer: readonly Uint8Array[] | undefined) => void {
    const slot: Slot = { isProduce, isReady: false, answer: undefined };
    this.#slots.push(slot);
    return (answer) => {
      slot.isReady = true;
      slot.answer = answer;
    };
  }

  /** The answers that may leave now, in order. */
  takeReady(): (readonly Uint8Array[])[] {
    const answers: (readonly Uint8Array[])[] = [];
    while (this.#slots[0]?.isReady === true) {
      const { answer } = this.#slots.shift() as Slot;
      if (answer !== undefined) answers.push(answer);
    }
    return answers;
  }
}
