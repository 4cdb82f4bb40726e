// What retention by size leaves of a partition.

/** A piece of a partition in the object store. */
export interface StoredPiece {
  readonly startOffset: number;
  readonly endOffset: number;
  readonly sizeBytes: number;
}

/**
 * The first offset that stays: objects go, the oldest first, as long as what is left has at least `retentionBytes`.
 * `outsideBytes` are in no object yet. 0 if nothing goes.
 */
export function retainedFrom(pieces: readonly StoredPiece[], outsideBytes: number, retentionBytes: number): number {
  let sizeBytes = outsideBytes;
  for (const piece of pieces) sizeBytes += piece.sizeBytes;
  let from = 0;
  for (const piece of pieces) {
    sizeBytes -= piece.sizeBytes;
    if (sizeBytes < retentionBytes) return from;
    from = piece.endOffset;
  }
  return from;
}
