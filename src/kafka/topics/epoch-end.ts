// Where a leader epoch ended, as followers and consumers ask for it to find out whether what they have is still there.
// The epoch of a leader is the epoch of its stream, and no epoch ever takes anything back, so that the answer is only
// ever about what was trimmed.

/** Where an epoch begins. */
export interface EpochStart {
  readonly epoch: number;
  readonly startOffset: number;
}

/** The answer: the epoch itself, or the last one before it, and where that ended. */
export interface EpochEnd {
  readonly leaderEpoch: number;
  readonly endOffset: number;
}

export const unknownEpochEnd: EpochEnd = { leaderEpoch: -1, endOffset: -1 };

/** `epochs` are all that hold something, and the live one at the end. */
export function endOfEpoch(epochs: readonly EpochStart[], endOffset: number, requested: number): EpochEnd {
  const live = epochs.at(-1);
  if (live === undefined || requested < 0 || requested > live.epoch) return unknownEpochEnd;
  if (requested === live.epoch) return { leaderEpoch: requested, endOffset };
  const higher = epochs.find(({ epoch }) => epoch > requested) as EpochStart;
  const floor = epochs.findLast(({ epoch }) => epoch <= requested);
  return { leaderEpoch: floor?.epoch ?? requested, endOffset: higher.startOffset };
}
