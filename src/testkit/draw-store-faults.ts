// A world of faults from a seed: which kind of bad day the store has, and how bad. All faults in it keep the contract
// of ObjectStore, so whoever trusts a store must come through; only how long that takes may differ. The numbers are
// such that patience of 20 seconds for a call of many requests is enough: harsher ones would test patience, not care.
import type { Random } from '../index.ts';
import { drawInteger, seededRandom } from './seeded-random.ts';
import { commonStoreFaults, type FaultRule } from './store-faults.ts';

/** A kind of day that a store can have. */
export type StoreFaultProfile = 'calm' | 'common' | 'slow' | 'lossy' | 'throttled' | 'overtaken' | 'silent' | 'mixed';

/** The faults of a day. */
export interface DrawnStoreFaults {
  readonly profile: StoreFaultProfile;
  readonly faults: readonly FaultRule[];
}

type Draw = (random: Random) => readonly FaultRule[];

const profiles: Readonly<Record<StoreFaultProfile, Draw>> = {
  calm: (random) => [latency(random, 1, 30)],
  common: () => commonStoreFaults,
  slow: (random) => [
    { fault: { kind: 'latency', minMs: 1 + drawInteger(random, 20), maxMs: 4_000, shape: 'long-tailed' } },
    { probability: between(random, 0.001, 0.01), forMs: 2_000, fault: { kind: 'latency', minMs: 200, maxMs: 1_000 } },
  ],
  lossy: (random) => {
    const probability = between(random, 0.01, 0.1);
    return [
      latency(random, 1, 60),
      { probability, fault: { kind: 'unknown-before' } },
      { probability, fault: { kind: 'unknown-after' } },
      { probability, fault: { kind: 'late-put', minMs: 1, maxMs: 30_000 } },
      { probability, fault: { kind: 'doubled-put', minMs: 1, maxMs: 30_000 } },
      { probability, fault: { kind: 'unavailable' } },
      { operation: 'delete', probability, fault: { kind: 'unavailable', afterEffect: true } },
    ];
  },
  throttled: (random) => [
    latency(random, 5, 100),
    {
      probability: between(random, 0.002, 0.01),
      forCalls: 2 + drawInteger(random, 3),
      fault: { kind: 'unavailable' },
    },
    { probability: between(random, 0.0005, 0.002), forMs: 1_500, fault: { kind: 'unavailable' } },
    { fault: { kind: 'key-rate', perKeyMs: 100 + drawInteger(random, 900) } },
    { probability: 0.5, fault: { kind: 'small-page', keysMax: 1 + drawInteger(random, 5) } },
  ],
  overtaken: (random) => {
    const probability = between(random, 0.02, 0.1);
    return [
      latency(random, 1, 200),
      { probability, fault: { kind: 'overtaken-put', maxMs: 3_000 } },
      { probability, fault: { kind: 'put-after-delete', maxMs: 60_000 } },
      { probability, fault: { kind: 'conflict-before' } },
      { probability, fault: { kind: 'conflict-after' } },
      { probability, fault: { kind: 'doubled-put', minMs: 1, maxMs: 5_000 } },
    ];
  },
  silent: (random) => {
    const probability = between(random, 0.005, 0.02);
    return [
      latency(random, 1, 40),
      { probability, fault: { kind: 'time-out-before', minMs: 500, maxMs: 2_000 } },
      { probability, fault: { kind: 'time-out-after', minMs: 500, maxMs: 2_000 } },
    ];
  },
  mixed: (random) => [
    ...commonStoreFaults,
    { probability: 0.01, forCalls: 2 + drawInteger(random, 3), fault: { kind: 'unavailable' } },
    { probability: 0.02, fault: { kind: 'conflict-before' } },
    { probability: 0.02, fault: { kind: 'conflict-after' } },
    { probability: 0.01, fault: { kind: 'overtaken-put', maxMs: 2_000 } },
    { probability: 0.02, fault: { kind: 'put-after-delete', maxMs: 60_000 } },
    { probability: 0.01, fault: { kind: 'time-out-before', minMs: 100, maxMs: 3_000 } },
    { probability: 0.01, fault: { kind: 'time-out-after', minMs: 100, maxMs: 3_000 } },
  ],
};

/** Draws what goes wrong in the world of a seed: a kind of day, and its numbers. The same seed gives the same. */
export function drawStoreFaults(seed: number): DrawnStoreFaults {
  const random = seededRandom(seed);
  const names = Object.keys(profiles) as StoreFaultProfile[];
  const profile = names[drawInteger(random, names.length)]!;
  return { profile, faults: profiles[profile](random) };
}

function latency(random: Random, minMs: number, maxMs: number): FaultRule {
  return { fault: { kind: 'latency', minMs, maxMs: minMs + drawInteger(random, maxMs - minMs + 1) } };
}

function between(random: Random, least: number, most: number): number {
  return least + random.fraction() * (most - least);
}
