// Half-open ranges of offsets: [startOffset, endOffset).

/** Offsets from `startOffset` up to, not including, `endOffset`. */
export interface OffsetRange {
  readonly startOffset: number;
  readonly endOffset: number;
}
