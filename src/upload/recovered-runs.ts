// Uploads what a sealed WAL holds, on behalf of its epoch: the half of a recovery that needs an object writer. The
// outputs are the recoverer's own, so two recoverers never write under the same key. Segments that are objects are
// registered as they are: a recovery takes as long as reading their directories, however many bytes they hold.
import type { StreamBatch } from '../model/record-batch.ts';
import type { SealedWal, WalSegment } from '../wal/wal.ts';
import { commitsOf, type CommitRun } from './commit-runs.ts';
import type { ObjectWriter } from './object-writer.ts';
import type { RangeSource } from './rewrite.ts';

/** The commits that upload the sealed WAL from position `from` on. */
export async function* recoveredRuns(
  from: number,
  sealed: SealedWal,
  writer: ObjectWriter,
  objectSizeMaxBytes: number,
): AsyncGenerator<CommitRun, void> {
  const segments = sealed.segments.filter(({ sequence }) => sequence >= from);
  const { segmentsAreObjects } = sealed;
  const source = (read: readonly WalSegment[]): Promise<RangeSource> => readBack(sealed, read);
  const ways = { segmentsAreObjects, source, writer, objectSizeMaxBytes, inPlace: true };
  for await (const { run } of commitsOf(from, segments, ways)) yield run;
}

/** Reads the segments of one rewritten run into memory. */
async function readBack(sealed: SealedWal, segments: readonly WalSegment[]): Promise<RangeSource> {
  const batches: StreamBatch[] = [];
  for (const segment of segments) batches.push(...(await sealed.batches(segment)));
  return ({ stream, startOffset, endOffset }) =>
    batches.filter(
      (batch) => batch.stream === stream && batch.startOffset >= startOffset && batch.startOffset < endOffset,
    );
}
