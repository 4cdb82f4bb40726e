// Reads that are asked twice when the first answer takes long: a store of many machines has slow ones, and a second
// request mostly meets another. Whichever answers first counts.
//
// - Only for reads. Of two puts nobody could tell which one took effect, and when the other one will.
// - Both begin after the call did, so either answer is one that the store gives to a read that begins now.
// - What is late is learnt: most of the recent answers of similar size came sooner. Before enough of them came, nothing
//   is late.
// - A second request costs as much as the first. So there is at most one for 20 reads, four at once, and 8 MiB at once,
//   and none while the store asks for less: it would be slower for all.
// - The one that is not needed is aborted, and what becomes of it is nobody's business. No timer outlives a call.
import { abortable } from '../base/abort.ts';
import { MiB } from '../base/bytes.ts';
import type { Runtime } from '../base/runtime.ts';
import { RecentTimes } from './recent-times.ts';

/** How a Hedger is made. */
export interface HedgerOptions {
  readonly runtime: Runtime;
  /** While it says so, no second request is begun: the store asks for less. */
  readonly isSuspended?: (() => boolean) | undefined;
}

/** What a read is. */
export interface HedgedRead {
  /** About how many bytes will come. */
  readonly sizeBytes: number;
  readonly signal?: AbortSignal | undefined;
}

/** How many reads there were, how many of them were asked twice, and how often the second answer counted. */
export interface HedgeCounts {
  readonly reads: number;
  readonly hedges: number;
  readonly won: number;
}

/** A second request begins when this many times as long has passed as 95 of 100 recent answers took. */
const delayFactor = 1.5;
/** Nothing is late sooner: a busy process alone takes as long now and then. */
const delayMinMs = 20;
/** Everything is late by then. */
const delayMaxMs = 2_000;
/** Each read saves one towards a second request, which costs this many. */
const readsPerHedge = 20;
/** What four of them cost may be saved up: a calm hour is no reason for a storm. */
const savedMax: number = 4 * readsPerHedge;
const atOnceMax = 4;
const atOnceMaxBytes: number = 8 * MiB;

/** Asks a second time when the first answer is late. */
export class Hedger {
  readonly #runtime: Runtime;
  readonly #isSuspended: () => boolean;
  readonly #times = new RecentTimes();
  #saved = 0;
  #atOnce = 0;
  #atOnceBytes = 0;
  #reads = 0;
  #hedges = 0;
  #won = 0;

  constructor(options: HedgerOptions) {
    this.#runtime = options.runtime;
    this.#isSuspended = options.isSuspended ?? (() => false);
  }

  counts(): HedgeCounts {
    return { reads: this.#reads, hedges: this.#hedges, won: this.#won };
  }

  /** When the answer to a read of this size is late; undefined while not enough is known. */
  delayMs(sizeBytes: number): number | undefined {
    const usualMs = this.#times.usualMs(sizeBytes);
    return usualMs === undefined ? undefined : Math.min(delayMaxMs, Math.max(delayMinMs, usualMs * delayFactor));
  }

  /**
   * Reads, by one request or by two. `begin` makes a request that honours its signal. What has to wait for a place
   * waits before this call: waiting in a queue would be taken for a slow store, and a second place would not help.
   */
  async run<T>(begin: (signal: AbortSignal) => Promise<T>, { sizeBytes, signal }: HedgedRead): Promise<T> {
    signal?.throwIfAborted();
    const { clock, timers } = this.#runtime;
    const startedAt = clock.monotonic();
    this.#reads += 1;
    this.#saved = Math.min(savedMax, this.#saved + 1);
    return abortable((resolve, reject) => {
      const open = new Set<AbortController>();
      let isOver = false;
      let giveBack = (): void => {};
      let failure: { readonly cause: unknown } | undefined;
      const ask = async (isSecond: boolean): Promise<void> => {
        const controller = new AbortController();
        open.add(controller);
        try {
          const answer = await begin(controller.signal);
          open.delete(controller);
          if (!isOver) {
            this.#times.add(sizeBytes, clock.monotonic() - startedAt);
            if (isSecond) this.#won += 1;
            resolve(answer);
          }
        } catch (cause) {
          open.delete(controller);
          failure ??= { cause };
          if (open.size === 0) reject(failure.cause);
        }
        if (open.size === 0) giveBack();
      };
      const askAgain = (): void => {
        if (!this.#take(sizeBytes)) return;
        giveBack = () => this.#giveBack(sizeBytes);
        void ask(true);
      };
      void ask(false);
      const delayMs = this.delayMs(sizeBytes);
      const timer = delayMs === undefined ? undefined : timers.after(delayMs, askAgain, { background: true });
      return () => {
        isOver = true;
        timer?.cancel();
        for (const controller of open) controller.abort(signal?.reason);
      };
    }, signal);
  }

  /** Whether a second request may be begun: then it counts until both have ended. */
  #take(sizeBytes: number): boolean {
    const fits = this.#atOnce < atOnceMax && this.#atOnceBytes + sizeBytes <= atOnceMaxBytes;
    if (!fits || this.#saved < readsPerHedge || this.#isSuspended()) return false;
    this.#saved -= readsPerHedge;
    this.#atOnce += 1;
    this.#atOnceBytes += sizeBytes;
    this.#hedges += 1;
    return true;
  }

  #giveBack(sizeBytes: number): void {
    this.#atOnce -= 1;
    this.#atOnceBytes -= sizeBytes;
  }
}
