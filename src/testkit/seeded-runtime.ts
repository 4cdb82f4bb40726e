// A Runtime whose chance comes from a seed and whose time passes only when nothing else can happen: the same seed
// gives the same history, and an hour of waiting takes no time.
//
// `run` drives the world: it lets everything that is ready come to rest, then moves the clock to the earliest timer and
// fires it, and so on until the body has settled. What is done inside must not wait for the machine (files, sockets,
// real timers): that cannot be repeated, and would look like standing still.
import type { Clock, Random, Runtime, Timers } from '../index.ts';
import { InvariantError, systemRuntime } from '../index.ts';
import { seededRandom } from './seeded-random.ts';
import { TimerQueue } from './timer-queue.ts';
import { checkFields, shown, wrongArgument } from './wrong-argument.ts';

/** What a SeededRuntime is made of. */
export interface SeededRuntimeOptions {
  /** Any integer. */
  readonly seed: number;
  /** What the clock says in the beginning, in milliseconds since 1970. Some day in 2023 unless given. */
  readonly startMs?: number | undefined;
  /** How much of its own time a run may take before it counts as going round in circles; a day unless given. */
  readonly runMaxMs?: number | undefined;
}

/** What a timer of the machine can wait for at most; one that is asked to wait longer fires at once. */
const delayMaxMs = 2 ** 31 - 1;

/** A turn of the event loop takes this long, so that whoever turns until the clock has moved comes to an end. */
const turnMs = 0.001;

/** So often the machine's event loop turns in vain before the world is taken to stand still. */
const idleTurnsMax = 8;

/** Time and chance of a simulated world. */
export class SeededRuntime implements Runtime {
  /** The seed it was made from: what a failing test prints. */
  readonly seed: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly timers: Timers;
  readonly #queue = new TimerQueue();
  readonly #runMaxMs: number;
  #elapsedMs = 0;
  #wallMs: number;
  #running = false;

  constructor(options: SeededRuntimeOptions) {
    checkFields(options, ['seed', 'startMs', 'runMaxMs'], 'what a SeededRuntime is made of');
    const { seed, startMs = 1_700_000_000_000, runMaxMs = 24 * 60 * 60 * 1000 } = options;
    if (!Number.isFinite(startMs)) throw wrongArgument(`startMs is a time in milliseconds; got ${shown(startMs)}`);
    if (!(typeof runMaxMs === 'number' && runMaxMs > 0)) {
      throw wrongArgument(`runMaxMs is a number of milliseconds, more than 0; got ${shown(runMaxMs)}`);
    }
    this.random = seededRandom(seed);
    this.seed = seed;
    this.#wallMs = startMs;
    this.#runMaxMs = runMaxMs;
    this.clock = {
      now: () => Math.floor(this.#wallMs + this.#elapsedMs),
      monotonic: () => this.#elapsedMs,
    };
    this.timers = {
      after: (delayMs, run) => {
        if (!(delayMs <= delayMaxMs)) {
          throw wrongArgument(`a timer waits 0 to ${delayMaxMs} ms, or fires at once; got ${shown(delayMs)}`);
        }
        return { cancel: this.#queue.add(this.#elapsedMs + Math.max(0, delayMs), run) };
      },
      turn: () =>
        new Promise((resolve) => {
          this.#queue.add(this.#elapsedMs + turnMs, resolve);
        }),
    };
  }

  /** Timers that have not fired yet: after a world has been closed there should be none. */
  get pendingTimers(): number {
    return this.#queue.size;
  }

  /** Moves the wall clock, forwards or backwards; what measures durations does not notice. */
  jumpClock(byMs: number): void {
    this.#wallMs += byMs;
  }

  /** Runs a world until `body` has settled, and gives what it gives. Rejects if nothing can happen any more before. */
  async run<T>(body: () => Promise<T>): Promise<T> {
    if (this.#running) throw wrongArgument('this runtime runs a world already; wait for it, or make another runtime');
    this.#running = true;
    try {
      return await this.#run(body);
    } finally {
      this.#running = false;
    }
  }

  async #run<T>(body: () => Promise<T>): Promise<T> {
    const endMs = this.#elapsedMs + this.#runMaxMs;
    let outcome: { readonly value: T } | { readonly cause: unknown } | undefined;
    const start = async (): Promise<T> => body();
    start().then(
      (value) => (outcome = { value }),
      (cause: unknown) => (outcome = { cause }),
    );
    let idleTurns = 0;
    for (;;) {
      await systemRuntime.timers.turn(); // All that is ready comes to rest before the machine's loop has turned.
      if (outcome !== undefined) break;
      const next = this.#queue.take();
      if (next === undefined) {
        if (idleTurns++ < idleTurnsMax) continue;
        throw stuck(this.seed, `stands still at ${this.#elapsedMs} ms: nothing is scheduled and the body waits`);
      }
      idleTurns = 0;
      this.#elapsedMs = Math.max(this.#elapsedMs, next.dueMs);
      if (this.#elapsedMs > endMs) {
        throw stuck(this.seed, `has run for ${this.#runMaxMs} ms of its own time and the body still waits`);
      }
      next.run();
    }
    if ('cause' in outcome) throw outcome.cause;
    return outcome.value;
  }
}

function stuck(seed: number, problem: string): InvariantError {
  return new InvariantError(`the world of seed ${seed} ${problem}`);
}
