// Appends that were refused because too much waits for the store. They have changed nothing; when they are told so is
// chosen such that trying again makes sense: when there is room for them, in the order of their calls, and otherwise
// after a while.
//
// Telling at once would invite ten thousand callers to try again at once, over and over: the refusals alone then take
// more processor time than there is, and the upload that would make room never gets its turn (I9, I10).
import { Fifo } from '../base/fifo.ts';
import type { Clock, Timer, Timers } from '../base/runtime.ts';

/** A refused append is told so no later than this. */
const refusalDelayMaxMs = 1_000;

interface Refusal {
  readonly sizeBytes: number;
  readonly dueAt: number;
  readonly tell: () => void;
}

export class Refusals {
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #waiting = new Fifo<Refusal>();
  #timer: Timer | undefined;

  constructor(clock: Clock, timers: Timers) {
    this.#clock = clock;
    this.#timers = timers;
  }

  /** A promise that rejects with `error` in its time. */
  refuse(sizeBytes: number, error: Error): Promise<never> {
    return new Promise((_, reject) => {
      const dueAt = this.#clock.monotonic() + refusalDelayMaxMs;
      this.#waiting.push({ sizeBytes, dueAt, tell: () => reject(error) });
      this.#timer ??= this.#timers.after(refusalDelayMaxMs, () => this.#tellDue());
    });
  }

  /** There is room for so many bytes: those that it is enough for are told, the oldest ones first. */
  tellFor(roomBytes: number): void {
    let left = roomBytes;
    for (let first = this.#waiting.first; first !== undefined && first.sizeBytes <= left; first = this.#waiting.first) {
      left -= first.sizeBytes;
      this.#tellFirst();
    }
  }

  /** Nothing will make room any more. */
  tellAll(): void {
    while (this.#waiting.length > 0) this.#tellFirst();
  }

  #tellDue(): void {
    this.#timer = undefined;
    const now = this.#clock.monotonic();
    for (let first = this.#waiting.first; first !== undefined && first.dueAt <= now; first = this.#waiting.first)
      this.#tellFirst();
    const next = this.#waiting.first;
    if (next !== undefined) this.#timer ??= this.#timers.after(next.dueAt - now, () => this.#tellDue());
  }

  #tellFirst(): void {
    this.#waiting.shift()?.tell();
    if (this.#waiting.length > 0) return;
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}
