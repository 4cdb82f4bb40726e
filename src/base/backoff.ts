// Delays between tries: exponential with full jitter, so that many who lost the same race do not meet again.
import type { Random } from './runtime.ts';

/** Bounds of a growing delay. */
export interface BackoffRange {
  readonly delayMinMs: number;
  readonly delayMaxMs: number;
}

/** The delay before try number `attempt` (1 is the first retry): uniform in [0, min(max, min × 2^attempt)). */
export function backoffDelayMs(attempt: number, range: BackoffRange, random: Random): number {
  const ceiling = Math.min(range.delayMaxMs, range.delayMinMs * 2 ** Math.min(attempt, 30));
  return Math.floor(random.fraction() * ceiling);
}
