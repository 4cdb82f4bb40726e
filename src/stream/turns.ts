// Turns of the event loop for reads that find everything in memory: they never wait, so a loop of them would let nobody
// else run. Each read says what it has done; after about a millisecond's worth the next one lets the loop turn first.
import type { Timers } from '../base/runtime.ts';

/** Units of work between two turns. A unit is about as much as making the view of one batch. */
const unitsPerTurn = 8_192;

/** What a read costs besides its batches. */
const unitsPerRead = 16;

/** Bytes that cost whoever goes through them about a unit. */
const bytesPerUnit: number = 8 * 1024;

export class Turns {
  readonly #timers: Timers;
  #units = 0;
  #turning: Promise<void> | undefined;

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /** Whether a read should wait for a turn before it begins. */
  get isDue(): boolean {
    return this.#units >= unitsPerTurn;
  }

  /** A read has found so much in memory. */
  spend(batchCount: number, sizeBytes: number): void {
    this.#units += unitsPerRead + batchCount + sizeBytes / bytesPerUnit;
  }

  /** The next turn, shared by all who wait for it. */
  take(): Promise<void> {
    this.#turning ??= this.#turn();
    return this.#turning;
  }

  async #turn(): Promise<void> {
    await this.#timers.turn();
    this.#units = 0;
    this.#turning = undefined;
  }
}
