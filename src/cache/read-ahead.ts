// How far to read ahead (pure): nothing for a reader that jumps; for one that goes on where it stopped, twice as much
// each time it had to wait, and half as much when what was fetched for it was evicted before it came.
//
//   reads 0–1 MiB, waits          window 0 → 1 MiB
//   reads 1–2 MiB, waits          1 → 2 MiB
//   reads 2–3 MiB, no wait        2 MiB: it helps, and that is enough
//   reads 3–4 MiB, was evicted    2 → 1 MiB
//   reads 90–91 MiB               → 0
import { MiB } from '../base/bytes.ts';

/** What is remembered of one reader. */
export interface ReadAheadState {
  /** Where its last read ended. */
  readonly nextOffset: number;
  readonly windowBytes: number;
}

/** What happened in a read. */
export interface ObservedRead {
  readonly from: number;
  readonly nextOffset: number;
  /** It waited for the store. */
  readonly waited: boolean;
  /** Something that had been fetched ahead for it was gone. */
  readonly evicted: boolean;
}

export const windowMinBytes: number = 1 * MiB;
export const windowMaxBytes: number = 8 * MiB;

/** Before the first read. */
export const freshReader: ReadAheadState = { nextOffset: 0, windowBytes: 0 };

/** The state after a read. */
export function afterRead(state: ReadAheadState, read: ObservedRead): ReadAheadState {
  return { nextOffset: read.nextOffset, windowBytes: nextWindow(state, read) };
}

function nextWindow(state: ReadAheadState, read: ObservedRead): number {
  if (read.from !== state.nextOffset) return 0;
  if (read.evicted) return state.windowBytes / 2 < windowMinBytes ? 0 : state.windowBytes / 2;
  if (!read.waited) return state.windowBytes;
  return Math.min(windowMaxBytes, Math.max(windowMinBytes, state.windowBytes * 2));
}
