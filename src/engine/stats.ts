// Numbers about a set, as plain data.
import type { RequestCounts } from '../store/request-counter.ts';
import type { Foundation } from './foundation.ts';
import type { MemoryShares } from './memory-shares.ts';
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
  /** Bytes of batches that readers of this set were given, from memory or from the store. */
  readonly readBytes: number;
  /** Requests to the store as they go over the wire, and bytes of values, by operation and purpose. */
  readonly requests: readonly RequestCounts[];
  /** What a writing set has under way; absent for a view. */
  readonly writing?: WritingStats;
}

/** What a writing set has under way. */
export interface WritingStats {
  readonly openStreamCount: number;
  /** Appends that are not settled. */
  readonly pendingAppends: number;
  /** How long the oldest of them has been waiting, at most; 0 if there is none. */
  readonly oldestPendingMs: number;
  /** Bytes of batches that have become durable. */
  readonly appendedBytes: number;
  /** Bytes appended and not uploaded yet. */
  readonly unuploadedBytes: number;
  /** How long the oldest of them has been durable; 0 if there is none. */
  readonly unuploadedAgeMs: number;
  readonly unreleasedSegments: number;
  /** Bytes handed to the WAL and not durable yet. */
  readonly walPendingBytes: number;
  /** Batches in memory, uploaded or not. */
  readonly tailSizeBytes: number;
  /** The shares into which `memoryMaxBytes` is cut. */
  readonly shares: MemoryShares;
}

export function viewStats(foundation: Foundation, status: SetStatusName): Stats {
  const { catalog, objects, metered, readPath } = foundation;
  return {
    status,
    journalIndex: catalog.state.index,
    streamCount: catalog.state.streamCount,
    cache: objects.counts(),
    readBytes: readPath.readBytes,
    requests: metered.counts(),
  };
}
