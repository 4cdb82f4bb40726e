// How many requests may be under way at once, as the store bears it: fewer as soon as it asks for less, and again more,
// one by one, while it answers.
//
// - Throttled: the limit is halved, and not again by requests that had been begun before: what is under way when a
//   store begins to refuse is refused as one.
// - Answered: the limit grows by one for as many answers as it counts, up to its maximum.
// - Failed in another way (no answer in time, a reset): the limit stays. Most failures say nothing of load: after an
//   outage everything has to go on at once, and a limit that had shrunk meanwhile would hold it up. A store that is too
//   busy to answer at all is spared by the limit itself, because a request keeps its place until it is given up, and by
//   the pauses between tries.
// - Places are given in the order of asking. Whoever gives up waiting leaves at once. Nothing here waits for time.
import { abortable } from '../base/abort.ts';
import { invalidArgument } from '../model/errors.ts';

/** How a request ended, as far as it says something of the load that the store bears. */
export type LeaseOutcome = 'ok' | 'throttled' | 'failed';

/** A place among the requests under way. */
export interface Lease {
  /** Gives the place back. Only the first call counts. */
  leave(outcome: LeaseOutcome): void;
}

/** Bounds of a limit. It begins at its maximum. */
export interface AdaptiveLimiterOptions {
  readonly limitMax: number;
  /** 1 unless given. */
  readonly limitMin?: number | undefined;
}

const shrinkFactor = 0.5;

/** Limits how many requests are under way. */
export class AdaptiveLimiter {
  readonly #limitMax: number;
  readonly #limitMin: number;
  /** Its whole part counts; the rest is on its way to the next one. */
  #limit: number;
  #running = 0;
  /** Rises whenever the limit shrinks. */
  #generation = 0;
  readonly #waiting = new Set<() => void>();

  constructor(options: AdaptiveLimiterOptions) {
    const { limitMax, limitMin = 1 } = options;
    if (!Number.isSafeInteger(limitMin) || limitMin < 1 || !Number.isSafeInteger(limitMax) || limitMax < limitMin)
      throw invalidArgument(
        `a limit lies between two integers, at least 1; got ${String(limitMin)} and ${String(limitMax)}`,
      );
    this.#limitMax = limitMax;
    this.#limitMin = limitMin;
    this.#limit = limitMax;
  }

  /** How many may be under way now. More may still be, since before it shrank. */
  get limit(): number {
    return Math.floor(this.#limit);
  }

  get limitMax(): number {
    return this.#limitMax;
  }

  /** How many are under way. */
  get running(): number {
    return this.#running;
  }

  /** How many wait for a place. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Whether the store has asked for less and the limit has not grown back since. */
  get isReduced(): boolean {
    return this.limit < this.#limitMax;
  }

  /** Takes a place, as soon as there is one. */
  async enter(signal?: AbortSignal): Promise<Lease> {
    signal?.throwIfAborted();
    if (this.#running < this.limit) return this.#lease(); // Then nobody waits: see `#admit`.
    return abortable((resolve) => {
      const take = (): void => resolve(this.#lease());
      this.#waiting.add(take);
      return () => void this.#waiting.delete(take);
    }, signal);
  }

  #lease(): Lease {
    const generation = this.#generation;
    let isOver = false;
    this.#running += 1;
    return {
      leave: (outcome) => {
        if (isOver) return;
        isOver = true;
        this.#running -= 1;
        if (outcome === 'ok') this.#limit = Math.min(this.#limitMax, this.#limit + 1 / this.limit);
        else if (outcome === 'throttled' && generation === this.#generation) this.#shrink();
        this.#admit();
      },
    };
  }

  #shrink(): void {
    this.#generation += 1;
    this.#limit = Math.max(this.#limitMin, Math.floor(this.#limit * shrinkFactor));
  }

  /** Lets in all for whom there is room: whenever somebody waits, the limit is reached. */
  #admit(): void {
    for (const take of this.#waiting) {
      if (this.#running >= this.limit) return;
      this.#waiting.delete(take);
      take();
    }
  }
}
