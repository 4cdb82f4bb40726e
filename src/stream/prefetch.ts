// Fetches what a reader will want next: blocks after the one it has, over as many objects as its window reaches. Only
// what the catalog names is fetched, in ranges of about 1 MiB; whatever fails here is met by the read that needs it.
import { MiB } from '../base/bytes.ts';
import type { ObjectDirectory } from '../format/object-directory.ts';
import type { StreamId } from '../model/ids.ts';
import type { ObjectReader, ReadableObject } from '../cache/object-reader.ts';
import type { CatalogState, StreamState } from '../catalog/state.ts';
import type { Part } from '../catalog/stream-range-index.ts';

/** A range is long enough at this size for the cost of its request to vanish. */
export const rangeSizeBytes: number = 1 * MiB;

/** An object of at most about one range is fetched in one request, with its directory. */
export const wholeSizeMaxBytes: number = rangeSizeBytes + rangeSizeBytes / 4;

/** Directories fetched ahead at once: each is a request. */
const directoriesAheadMax = 4;

/** Whether a reader that goes on should have an object in one piece: it is small, and most of it is this stream. */
export function isReadWhole({ sizeBytes }: ReadableObject, part: Pick<Part, 'sizeBytes'>): boolean {
  return sizeBytes <= wholeSizeMaxBytes && part.sizeBytes >= sizeBytes / 2;
}

/**
 * Starts fetching up to `windowBytes` of a stream from `offset` on. Gives the offset up to which it is here or coming.
 */
export function prefetchFrom(
  state: CatalogState,
  objects: ObjectReader,
  stream: StreamState,
  offset: number,
  windowBytes: number,
): number {
  let reached = offset;
  let remainingBytes = windowBytes;
  let directoriesAhead = 0;
  const first = stream.parts.find(offset);
  for (let i = first; first >= 0 && i < stream.parts.length && remainingBytes > 0; i++) {
    const part = stream.parts.at(i);
    const object = state.object(part.object);
    if (object === undefined) return reached;
    const directory = objects.cachedDirectory(object);
    if (directory === undefined) {
      const whole = isReadWhole(object, part);
      if (!whole && ++directoriesAhead > directoriesAheadMax) return reached;
      const coming = objects.prefetchDirectory(object, whole);
      if (coming === undefined) return reached;
      coming.catch(() => {});
      remainingBytes -= part.sizeBytes; // Blocks that do not come with it follow when the next read looks ahead.
      if (whole && reached === Math.max(offset, part.startOffset)) reached = part.endOffset;
      continue;
    }
    const from = Math.max(offset, part.startOffset);
    const fetched = prefetchPart(objects, object, directory, stream.id, from, remainingBytes);
    if (fetched === undefined) return reached;
    const endOffset = Math.min(fetched.endOffset, part.endOffset);
    if (reached === from) reached = endOffset;
    remainingBytes -= fetched.sizeBytes;
    if (endOffset < part.endOffset) return reached;
  }
  return reached;
}

/** The blocks of one object, range by range; undefined if none could be started. */
function prefetchPart(
  objects: ObjectReader,
  object: ReadableObject,
  directory: ObjectDirectory,
  stream: StreamId,
  offset: number,
  windowBytes: number,
): { readonly endOffset: number; readonly sizeBytes: number } | undefined {
  const { index } = directory;
  let endOffset: number | undefined;
  let sizeBytes = 0;
  let block = index.find(stream, offset);
  while (block >= 0 && block < index.blockCount && sizeBytes < windowBytes) {
    const { count } = rangeFrom(directory, stream, block);
    if (count === 0) break;
    const started = objects.prefetch(object, directory, block, count);
    if (started === 0) break;
    const last = index.entry(block + started - 1);
    sizeBytes += last.position + last.sizeBytes - index.entry(block).position;
    endOffset = last.endOffset;
    block += started;
  }
  return endOffset === undefined ? undefined : { endOffset, sizeBytes };
}

/** How many neighbouring blocks of the stream make one range. */
export function rangeFrom(
  { index }: ObjectDirectory,
  stream: StreamId,
  first: number,
): { readonly count: number; readonly sizeBytes: number } {
  let count = 0;
  let sizeBytes = 0;
  for (let block = first; block < index.blockCount && sizeBytes < rangeSizeBytes; block++) {
    const entry = index.entry(block);
    if (entry.stream !== stream) break;
    count += 1;
    sizeBytes += entry.sizeBytes;
  }
  return { count, sizeBytes };
}
