// Uploads what a sealed WAL holds, on behalf of its epoch: the half of a recovery that needs an object writer. The
// outputs are the recoverer's own, so two recoverers never write under the same key. Segments that are objects are
// registered as they are: a recovery takes as long as reading their directories, however many bytes they hold.
import type { StreamId } from '../model/ids.ts';
import type { StreamBatch } from '../model/record-batch.ts';
import type { SealedWal, WalSegment } from '../wal/wal.ts';
import { commitsOf, type CommitRun, type CommitSource } from './commit-runs.ts';
import type { RangeSource } from './rewrite.ts';

/** What uploading a sealed WAL takes besides. */
export type RecoveredRunsOptions = Pick<CommitSource, 'writer' | 'runtime' | 'runSizeMaxBytes'>;

/** The commits that upload the sealed WAL from position `from` on. */
export async function* recoveredRuns(
  from: number,
  sealed: SealedWal,
  options: RecoveredRunsOptions,
): AsyncGenerator<CommitRun, void> {
  const segments = sealed.segments.filter(({ sequence }) => sequence >= from);
  const { segmentsAreObjects } = sealed;
  const source = (read: readonly WalSegment[]): Promise<RangeSource> => readBack(sealed, read);
  const parts = { segmentsAreObjects, source, inPlace: true, ...options };
  for await (const { run } of commitsOf(from, segments, parts)) yield run;
}

/** Reads the segments of one rewritten run into memory. */
async function readBack(sealed: SealedWal, segments: readonly WalSegment[]): Promise<RangeSource> {
  const byStream = new Map<StreamId, StreamBatch[]>();
  for (const segment of segments) {
    for (const batch of await sealed.batches(segment)) {
      const batches = byStream.get(batch.stream);
      if (batches === undefined) byStream.set(batch.stream, [batch]);
      else batches.push(batch);
    }
  }
  return ({ stream, startOffset, endOffset }) => batchesBetween(byStream.get(stream) ?? [], startOffset, endOffset);
}

/** Of batches in the order of their offsets, those that start in a range. */
function* batchesBetween(
  batches: readonly StreamBatch[],
  startOffset: number,
  endOffset: number,
): Iterable<StreamBatch> {
  let low = 0;
  let high = batches.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((batches[middle] as StreamBatch).startOffset < startOffset) low = middle + 1;
    else high = middle;
  }
  for (let batch = batches[low]; batch !== undefined && batch.startOffset < endOffset; batch = batches[++low])
    yield batch;
}
