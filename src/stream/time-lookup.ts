// offsetAt: the first batch, in offset order, whose timestamp is at or after a moment. Parts carry the largest
// timestamp of what they hold, so the search reads one directory and one block where the answer is in an object.
import type { StreamId } from '../model/ids.ts';
import type { OffsetRange } from '../model/offset-range.ts';
import type { RecordBatch } from '../model/record-batch.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { LivePart, LiveSegments } from './live-segments.ts';
import type { ReadPath } from './read-path.ts';
import type { ReadTarget } from './reading.ts';

const isLateEnough = (batch: RecordBatch, timestamp: number): boolean =>
  batch.timestamp !== undefined && batch.timestamp >= timestamp;

/** Where offsets are looked for. */
export interface TimeLookupSources {
  readonly catalog: Catalog;
  readonly live: LiveSegments;
  readonly readPath: ReadPath;
}

/** Start of the first batch at or after `timestamp`, never below the readable start; undefined if there is none. */
export async function findOffsetAt(
  target: ReadTarget,
  timestamp: number,
  { catalog, live, readPath }: TimeLookupSources,
  signal: AbortSignal | undefined,
): Promise<number | undefined> {
  const { startOffset, endOffset } = target.bounds();
  const clamp = (offset: number): number => Math.max(offset, startOffset);
  for (let offset = startOffset; offset < endOffset;) {
    const part = nextPartBy(catalog, live, target.id, offset, timestamp);
    if (part === undefined) break;
    const found = await firstInPart(
      target,
      Math.max(offset, part.startOffset),
      part.endOffset,
      timestamp,
      readPath,
      signal,
    );
    if (found !== undefined) return found < endOffset ? clamp(found) : undefined;
    offset = part.endOffset;
  }
  const inTail = firstInTail(target, catalog, { startOffset, endOffset }, timestamp);
  return inTail === undefined ? undefined : clamp(inTail);
}

/** The first part, registered or in a live segment, from `offset` on with a late enough timestamp in it. */
function nextPartBy(
  catalog: Catalog,
  live: LiveSegments,
  id: StreamId,
  offset: number,
  timestamp: number,
): OffsetRange | undefined {
  const parts = catalog.state.stream(id)?.parts;
  if (parts === undefined) return undefined;
  const first = parts.firstPartAtOrAfterTimestamp(timestamp);
  const current = parts.find(offset);
  const isLate = (part: Pick<LivePart, 'endOffset' | 'maxTimestamp'>): boolean =>
    part.endOffset > offset && part.maxTimestamp !== undefined && part.maxTimestamp >= timestamp;
  for (let index = Math.max(first, current, 0); first >= 0 && index < parts.length; index++) {
    const part = parts.at(index);
    if (isLate(part)) return part;
  }
  return live.partsOf(id).find(isLate);
}

async function firstInPart(
  target: ReadTarget,
  from: number,
  endOffset: number,
  timestamp: number,
  readPath: ReadPath,
  signal: AbortSignal | undefined,
): Promise<number | undefined> {
  for (let offset = from; offset < endOffset;) {
    const { block, partEndOffset } = await readPath.locate(target, offset, { signal });
    for (let index = block.find(offset); index < block.batchCount; index++) {
      const batch = block.batch(index);
      if (batch.startOffset >= partEndOffset) return undefined;
      if (isLateEnough(batch, timestamp)) return batch.startOffset;
      offset = batch.endOffset;
    }
  }
  return undefined;
}

/** What the tail holds beyond the registered end, in the readable range: a trim may have run ahead of that end. */
function firstInTail(
  target: ReadTarget,
  catalog: Catalog,
  { startOffset, endOffset }: OffsetRange,
  timestamp: number,
): number | undefined {
  const tail = target.tail();
  if (tail === undefined) return undefined;
  const registeredEnd = catalog.state.stream(target.id)?.endOffset ?? 0;
  const first = tail.find(Math.max(registeredEnd, startOffset, tail.startOffset));
  if (first < 0) return undefined;
  for (let index = first; ; index++) {
    const batch = tail.batch(index);
    if (batch === undefined || batch.startOffset >= endOffset) return undefined;
    if (isLateEnough(batch, timestamp)) return batch.startOffset;
  }
}
