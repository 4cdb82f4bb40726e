// Places for requests, apart for each purpose, so that work in the background never takes those of an append or of a
// read, and a purpose that is throttled does not hold up the others.
//
// - What keeps a promise to somebody who waits has wide lanes; what can wait for ever has narrow ones.
// - Each lane has its own limit (adaptive-limiter.ts). A store throttles by key prefix, and purposes write under
//   prefixes of their own, so what one of them meets says little of another.
import { AdaptiveLimiter, type Lease } from './adaptive-limiter.ts';
import type { StorePurpose } from './object-store.ts';

/** How many requests of each purpose are under way at once, at most. */
export const purposeLimits: Readonly<Record<StorePurpose, number>> = {
  // A WAL has 8 segments under way; twice that, for the looks and deletions that go with them.
  wal: 16,
  // A window of 32 reads when catching up, and the one record under way (J4) with its look at the root must not wait
  // behind it.
  journal: 40,
  // One object is written at a time, and is looked at; the parts of a large one go side by side.
  upload: 8,
  // Ranges of 1 MiB: 64 of them fill any line, and their memory is bounded elsewhere.
  read: 64,
  // Looks at the segments of other nodes, some for each node.
  follow: 32,
  // Directories of at most 256 segments, which streams wait for.
  recovery: 64,
  snapshot: 4,
  // Copies by the store itself are cheap to ask for; still no more than an upload.
  compaction: 8,
  // Nobody waits for it.
  sweep: 4,
  // Checks race many writers on purpose.
  probe: 16,
  cluster: 4,
};

/** One lane as it is now. */
export interface LaneState {
  readonly purpose: StorePurpose;
  readonly limit: number;
  readonly limitMax: number;
  readonly running: number;
  readonly waiting: number;
}

/** One adaptive limit for each purpose. */
export class PurposeLanes {
  readonly #lanes: ReadonlyMap<string, AdaptiveLimiter>;
  /** For purposes that the types do not know. */
  readonly #other: AdaptiveLimiter;

  constructor(limits: Readonly<Partial<Record<StorePurpose, number>>> = {}) {
    const all = { ...purposeLimits, ...limits };
    this.#lanes = new Map(
      Object.entries(all).map(([purpose, limitMax]) => [purpose, new AdaptiveLimiter({ limitMax })]),
    );
    this.#other = new AdaptiveLimiter({ limitMax: all.sweep });
  }

  /** Takes a place in the lane of a purpose, as soon as there is one. */
  enter(purpose: StorePurpose, signal?: AbortSignal): Promise<Lease> {
    return this.#lane(purpose).enter(signal);
  }

  /** Whether the store has asked for less of this, not long ago. */
  isReduced(purpose: StorePurpose): boolean {
    return this.#lane(purpose).isReduced;
  }

  /** All lanes as they are now. */
  limits(): readonly LaneState[] {
    return [...this.#lanes].map(([purpose, { limit, limitMax, running, waiting }]) => {
      return { purpose: purpose as StorePurpose, limit, limitMax, running, waiting };
    });
  }

  #lane(purpose: StorePurpose): AdaptiveLimiter {
    return this.#lanes.get(purpose) ?? this.#other;
  }
}
