// Long work in slices: between two of them the event loop turns, so that appends and reads are not held up. A slice
// ends after a time, because machines and memory differ; and after an amount of work, whatever the clock says.
import type { Runtime } from '../base/runtime.ts';

/** A slice takes this long at most, give or take one piece of work. */
const sliceMaxMs = 2;

/** Pieces of a slice, and so the most that one does under a clock that stands. */
const piecesMax = 16;

export class WorkSlices {
  readonly #runtime: Runtime;
  #startedAt: number;
  #pieces = 0;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
    this.#startedAt = runtime.clock.monotonic();
  }

  /** After each piece of work, which takes a fraction of a millisecond: turns the event loop if a slice is over. */
  async pause(): Promise<void> {
    this.#pieces += 1;
    const { clock, timers } = this.#runtime;
    if (this.#pieces < piecesMax && clock.monotonic() - this.#startedAt < sliceMaxMs) return;
    await timers.turn();
    this.#pieces = 0;
    this.#startedAt = clock.monotonic();
  }
}
