// One memory budget, cut into named shares (pure). Everything that grows with load has a share, and everything that
// has a share is bounded by it (I9).
import { MiB } from '../base/bytes.ts';

/** The shares of a budget, in bytes. */
export interface MemoryShares {
  /** Batches appended and not uploaded: from here on the acknowledgement of an append waits for room. */
  readonly unuploaded: number;
  /** From here on appends are refused. */
  readonly unuploadedMax: number;
  /**
   * Buffers of WAL writes: of those under way, and what an object WAL keeps for its next segments (at rest, 8 MiB at
   * most); the two in which a file WAL puts its groups together are among them.
   */
  readonly walBuffers: number;
  /** The buffer of an object that is being uploaded. */
  readonly uploadBuffer: number;
  /** Batches that are uploaded and still kept for tail readers. */
  readonly tail: number;
  /** Directories and blocks read from objects. */
  readonly blocks: number;
  /** Blocks on their way from the store. */
  readonly reads: number;
}

/**
 * Cuts a budget. 256 MiB: 64 MiB unuploaded (refused from 112 MiB), 48 MiB of WAL buffers, 32 MiB for an upload, 16 MiB
 * of tail, 32 MiB of blocks, 16 MiB of reads: 256 MiB in all.
 */
export function memoryShares(memoryMaxBytes: number): MemoryShares {
  const sixteenth = Math.floor(memoryMaxBytes / 16);
  return {
    unuploaded: 4 * sixteenth,
    unuploadedMax: 7 * sixteenth,
    walBuffers: 3 * sixteenth,
    uploadBuffer: 2 * sixteenth,
    tail: sixteenth,
    blocks: 2 * sixteenth,
    reads: sixteenth,
  };
}

/**
 * What one commit rewrites at most. No share of its own: of an upload it is in memory anyway, as what is not uploaded;
 * a recovery reads it, while what it takes the place of takes no appends yet.
 */
export function uploadRunSizeMaxBytes({ unuploaded }: MemoryShares): number {
  return Math.min(unuploaded, 64 * MiB);
}
