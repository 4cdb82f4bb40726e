// Decides when the object WAL cuts a segment, and how much of what waits goes into it. Pure: the writer asks it after
// every append, flush and report.
//
// With k segments in flight (cut, and not yet reported in order) and k < inFlightMax a segment is cut when
//   - k = 0: nothing is under way, so waiting would only add latency; or
//   - at least k × segmentSizeMinBytes wait: the fuller the pipe, the larger the next segment has to be; or
//   - somebody waits for a flush that covers a waiting batch.
// With inFlightMax in flight, or inFlightSizeMaxBytes, batches only collect. So segment n + inFlightMax is never sent
// before segment n has been reported, which tells a recoverer a lost segment from one that never arrived.
//
// Worked example, segmentSizeMinBytes = 256 KiB, an append of 100 KiB every millisecond, a PUT takes 40 ms:
//   0 ms    k = 0: cut (100 KiB)                          6 ms    k = 2, 300 KiB < 512 KiB: collect
//   3 ms    k = 1, 300 KiB ≥ 256 KiB: cut (300 KiB)       9 ms    k = 2, 600 KiB ≥ 512 KiB: cut (600 KiB)
//   17 ms   k = 3, 800 KiB ≥ 768 KiB: cut (800 KiB)       40 ms   k falls as PUTs return, and with it the bar
// One hundred appends of 100 bytes in one tick: k = 0, one segment with all of them.

/** What the writer has under way and waiting. */
export interface CutterState {
  /** Segments cut and not yet reported in order. */
  readonly inFlightCount: number;
  readonly inFlightBytes: number;
  readonly waitingCount: number;
  readonly waitingBytes: number;
  /** Whether a flush waits for a batch that is not in a segment yet. */
  readonly flushWanted: boolean;
}

export interface CutterSettings {
  readonly segmentSizeMinBytes: number;
  readonly inFlightMax: number;
  readonly inFlightSizeMaxBytes: number;
}

/** Whether a segment is to be cut now. */
export function segmentIsDue(state: CutterState, settings: CutterSettings): boolean {
  const { inFlightCount, inFlightBytes, waitingCount, waitingBytes, flushWanted } = state;
  if (waitingCount === 0 || inFlightCount >= settings.inFlightMax) return false;
  if (inFlightBytes >= settings.inFlightSizeMaxBytes) return false;
  if (inFlightCount === 0 || flushWanted) return true;
  return waitingBytes >= inFlightCount * settings.segmentSizeMinBytes;
}

/**
 * How many of the waiting batches, whose sizes are given in order, fit one segment of at most `sizeMaxBytes`. A batch
 * is never split; the first one is always taken (the writer asserts that any legal batch fits).
 *
 * Sizes 3, 4, 5 in at most 8: two batches. Sizes 9, 1 in at most 8: one.
 */
export function countThatFits(sizes: Iterable<number>, sizeMaxBytes: number): number {
  let count = 0;
  let total = 0;
  for (const size of sizes) {
    total += size;
    if (count > 0 && total > sizeMaxBytes) break;
    count += 1;
  }
  return count;
}

/** How many of the batches, in order, come before the one that would bring in more than `streamsMax` streams. */
export function countWithinStreams(batches: readonly { readonly stream: number }[], streamsMax: number): number {
  if (batches.length <= streamsMax) return batches.length;
  const streams = new Set<number>();
  let previous: number | undefined;
  const beyond = batches.findIndex(({ stream }) => {
    if (stream === previous) return false;
    previous = stream;
    return streams.add(stream).size > streamsMax;
  });
  return beyond < 0 ? batches.length : beyond;
}
