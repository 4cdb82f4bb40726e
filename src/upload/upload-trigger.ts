// When to upload (pure): by size, and by number of segments, so that a recovery stays short. By age, the uploader's
// timer sees to it.
import { unreleasedSegmentsMax } from '../model/limits.ts';
import type { WalSegment } from '../wal/wal.ts';

export interface UploadSettings {
  readonly uploadSizeBytes: number;
  readonly uploadAgeMaxMs: number;
  /** One commit rewrites at most so much. */
  readonly runSizeMaxBytes: number;
}

/** Whether the unreleased run is long or large enough. */
export function uploadIsDue(
  unreleased: readonly WalSegment[],
  unuploadedBytes: number,
  { uploadSizeBytes }: UploadSettings,
): boolean {
  if (unreleased.length === 0) return false;
  return unreleased.length >= unreleasedSegmentsMax || unuploadedBytes >= uploadSizeBytes;
}
