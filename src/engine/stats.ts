// Numbers about a set, as plain data.
import type { RequestCounts } from '../store/metered-object-store.ts';
import type { Foundation } from './foundation.ts';
import type { SetStatusName } from './set-status.ts';

/** A snapshot of what a set counts. */
export interface Stats {
  readonly status: SetStatusName;
  /** Index of the last journal record applied here. */
  readonly journalIndex: number;
  /** Streams that exist, as this set knows. */
  readonly streamCount: number;
  readonly cache: {
    /** Blocks that were found in memory, and that were not. */
    readonly hits: number;
    readonly misses: number;
    readonly sizeBytes: number;
  };
  /** Requests to the store and their bytes, by operation and purpose. */
  readonly requests: readonly RequestCounts[];
  /** What a writing set has under way; absent for a view. */
  readonly writing?: WritingStats;
}

export interface WritingStats {
  readonly openStreamCount: number;
  /** Appends that are not settled. */
  readonly pendingAppends: number;
  /** Bytes appended and not registered yet. */
  readonly unuploadedBytes: number;
  readonly unreleasedSegments: number;
  readonly tailSizeBytes: number;
}

export function viewStats(foundation: Foundation, status: SetStatusName): Stats {
  const { catalog, objects, metered } = foundation;
  return {
    status,
    journalIndex: catalog.state.index,
    streamCount: catalog.state.streamCount,
    cache: objects.counts(),
    requests: metered.counts(),
  };
}
