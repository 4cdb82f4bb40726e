// Limits of the package, lowered: so that a world of a few dozen records meets snapshots, collected journals, and
// objects of many blocks. Nothing depends on their values; they are edits, because no caller is to choose them.
import type { SourceEdit } from './source-tree.mjs';

/** Sizes of file WALs of which a world meets many ends. */
export const fileWalSizes = {
  fileSizeBytes: 65_536,
  sparesMax: 2,
  groupSizeMaxBytes: 32_768,
  segmentSizeBytes: 4_096,
} as const;

const limits = 'model/limits.ts';

export const smallLimits: readonly SourceEdit[] = [
  { file: limits, from: `snapshotIntervalRecords = 512`, to: `snapshotIntervalRecords = 4` },
  { file: limits, from: `blockSizeTargetBytes: number = 512 * KiB`, to: `blockSizeTargetBytes: number = 1 * KiB` },
  { file: limits, from: `unreleasedSegmentsMax = 256`, to: `unreleasedSegmentsMax = 24` },
  { file: 'catalog/catalog.ts', from: `const runLength = 256;`, to: `const runLength = 4;` },
];
