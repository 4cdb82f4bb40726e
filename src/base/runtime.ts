// The only door to time and chance. Everything that looks at a clock, waits, yields or draws a number does it through
// one injected Runtime, so that a simulated one can replay a whole world from a seed. No other file may name a timer,
// a clock or a random source (a test about the source guards this).
import { randomFillSync } from 'node:crypto';

/** Two clocks: one for stamps that people read, one for durations. Neither is ever trusted for safety. */
export interface Clock {
  /** Milliseconds since 1970. May jump in either direction. */
  now(): number;
  /** Milliseconds since some moment of this process; never goes back. */
  monotonic(): number;
}

/** Source of chance. */
export interface Random {
  /** A fresh array of `length` random bytes. */
  bytes(length: number): Uint8Array;
  /** A number in [0, 1). */
  fraction(): number;
}

/** One scheduled call. */
export interface Timer {
  /** Takes the call back, if it has not been made. */
  cancel(): void;
}

/** Waiting and yielding. */
export interface Timers {
  /** Calls `run` once after `delayMs`. A background timer does not keep the process alive. */
  after(delayMs: number, run: () => void, options?: { readonly background?: boolean }): Timer;
  /** Lets the event loop turn once: used between slices of long work. */
  turn(): Promise<void>;
}

/** Time and chance, as one component. */
export interface Runtime {
  readonly clock: Clock;
  readonly random: Random;
  readonly timers: Timers;
}

/** The runtime of the machine: real clocks, real timers, cryptographic randomness. */
export const systemRuntime: Runtime = {
  clock: {
    now: () => Date.now(),
    monotonic: () => performance.now(),
  },
  random: {
    bytes: (length) => randomFillSync(new Uint8Array(length)),
    fraction: () => Math.random(),
  },
  timers: {
    after: (delayMs, run, options) => {
      const timer = setTimeout(run, delayMs);
      if (options?.background) timer.unref();
      return { cancel: () => clearTimeout(timer) };
    },
    turn: () => new Promise((resolve) => setImmediate(resolve)),
  },
};

/** A moment as others want to be given it: milliseconds since 1970, as a clock tells them. */
export function toDate(nowMs: number): Date {
  return new Date(nowMs);
}

/** A random identity of 128 bits, in 32 hex digits. */
export function drawId(random: Random): string {
  return Buffer.from(random.bytes(16)).toString('hex');
}
