// When to upload (pure): by size, and by number of segments, so that a recovery stays short.
import { unreleasedSegmentsMax } from '../model/limits.ts';
import type { WalSegment } from '../wal/wal.ts';

export interface UploadSettings {
  readonly uploadSizeBytes: number;
}

/** Whether the unreleased run is long or large enough. */
export function uploadIsDue(unreleased: readonly WalSegment[], settings: UploadSettings): boolean {
  if (unreleased.length >= unreleasedSegmentsMax) return true;
  let sizeBytes = 0;
  for (const segment of unreleased) sizeBytes += segment.sizeBytes;
  return sizeBytes >= settings.uploadSizeBytes;
}
