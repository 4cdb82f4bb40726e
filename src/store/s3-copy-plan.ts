// Which parts an upload has that puts a value together from pieces: pure.
//
// A server takes parts of 5 MiB and more, the last excepted. So a large range is copied by the server as a part of its
// own; what is smaller, and bytes that we hold, are gathered into parts that we send, and take what they lack from the
// front of the range that follows.
import { MiB } from '../base/bytes.ts';
import type { CopyPiece } from './object-store.ts';

/** The least that a part may have, unless it is the last. */
export const partSizeMinBytes: number = 5 * MiB;

/** The most that is copied in one request: so that each is answered in time. */
export const partSizeMaxBytes: number = 256 * MiB;

/** A piece of one source. */
export interface CopySource {
  readonly key: string;
  readonly start: number;
  readonly end: number;
}

/** One part: copied by the server, or gathered here from sources and bytes, in order, and sent. */
export type CopyPart =
  | { readonly copy: CopySource }
  | { readonly gather: readonly (CopySource | Uint8Array)[]; readonly sizeBytes: number };

/** Plans the parts of a value. Their sum is the pieces, in order. */
export function planCopy(pieces: readonly CopyPiece[], sizes: { minBytes: number; maxBytes: number }): CopyPart[] {
  const { minBytes, maxBytes } = sizes;
  const parts: CopyPart[] = [];
  let gathered: (CopySource | Uint8Array)[] = [];
  let gatheredBytes = 0;
  const send = (): void => {
    if (gatheredBytes > 0) parts.push({ gather: gathered, sizeBytes: gatheredBytes });
    gathered = [];
    gatheredBytes = 0;
  };
  const gather = (piece: CopySource | Uint8Array): void => {
    if (lengthOf(piece) === 0) return;
    gathered.push(piece);
    gatheredBytes += lengthOf(piece);
    if (gatheredBytes >= minBytes) send();
  };
  for (const piece of pieces) {
    if ('bytes' in piece) {
      // Cut, so that no part is much larger than the least.
      for (let at = 0; at < piece.bytes.byteLength; at += minBytes)
        gather(piece.bytes.subarray(at, Math.min(piece.bytes.byteLength, at + minBytes)));
      continue;
    }
    const { key, range } = piece;
    let { start } = range;
    if (gatheredBytes > 0) {
      const end = Math.min(range.end, start + minBytes - gatheredBytes);
      gather({ key, start, end });
      start = end;
    }
    for (; range.end - start >= minBytes;) {
      // The rest after this part must not be too small to be a part: then both share it.
      const left = range.end - start;
      const length = left <= maxBytes ? left : Math.min(maxBytes, left - minBytes);
      parts.push({ copy: { key, start, end: start + length } });
      start += length;
    }
    gather({ key, start, end: range.end });
  }
  send();
  return parts;
}

function lengthOf(piece: CopySource | Uint8Array): number {
  return piece instanceof Uint8Array ? piece.byteLength : piece.end - piece.start;
}
