// Opening a data object: its footer and block index, with one ranged read of its tail and rarely a second. How bytes
// are read is given by the caller.
import { tailGuessBytes } from '../model/limits.ts';
import type { StreamBatch } from '../model/record-batch.ts';
import { BlockIndex } from './block-index.ts';
import { Block } from './block.ts';
import { corrupt } from './damage.ts';
import { decodeFooter, footerSizeBytes } from './footer.ts';
import type { Footer } from './footer.ts';

/** What is known of an object once it is open. */
export interface ObjectDirectory {
  readonly footer: Footer;
  readonly index: BlockIndex;
  /** Size of the whole object. */
  readonly sizeBytes: number;
}

/** What is asked for: bytes [start, end), or the last ones, all of them where there are fewer. */
export type ObjectRange = { readonly start: number; readonly end: number } | { readonly last: number };

/** Bytes of a range, and the size of the whole object. */
export interface ObjectBytes {
  readonly bytes: Uint8Array;
  readonly size: number;
}

/** Reads and checks footer and block index of the object at `key`. */
export async function readDirectory(
  key: string,
  read: (range: ObjectRange) => Promise<ObjectBytes>,
): Promise<ObjectDirectory> {
  const { bytes: tail, size } = await read({ last: tailGuessBytes });
  const place = { key, size };
  if (tail.byteLength !== Math.min(size, tailGuessBytes))
    throw corrupt(place, undefined, `${tail.byteLength} bytes came of the last ${tailGuessBytes} of ${size}`);
  const footer = decodeFooter(tail, place);
  const start = footer.indexPosition;
  const end = start + footer.indexSizeBytes;
  const tailStart = size - tail.byteLength;
  // The index outlives the tail it came in, so it is copied out.
  if (start >= tailStart) {
    const bytes = Uint8Array.prototype.slice.call(tail, start - tailStart, end - tailStart);
    return { footer, index: BlockIndex.decode(bytes, footer, place), sizeBytes: size };
  }
  const second = await read({ start, end });
  if (second.size !== size) throw corrupt(place, undefined, `its size changed from ${size} to ${second.size}`);
  return { footer, index: BlockIndex.decode(second.bytes, footer, place), sizeBytes: size };
}

/** All batches of a whole object, in the order of its index. Their bytes are views of `bytes`. */
export function decodeWhole(
  key: string,
  bytes: Uint8Array,
): { readonly footer: Footer; readonly batches: readonly StreamBatch[] } {
  const place = { key, size: bytes.byteLength };
  const footer = decodeFooter(bytes, place);
  const indexBytes = bytes.subarray(footer.indexPosition, bytes.byteLength - footerSizeBytes);
  const index = BlockIndex.decode(indexBytes, footer, place);
  const batches: StreamBatch[] = [];
  for (let i = 0; i < index.blockCount; i += 1) {
    const entry = index.entry(i);
    const block = Block.decode(bytes.subarray(entry.position, entry.position + entry.sizeBytes), entry, place);
    for (let j = 0; j < block.batchCount; j += 1) {
      const { startOffset, count, streamEpoch, timestamp, bytes: payload } = block.batch(j);
      batches.push({ stream: entry.stream, streamEpoch, startOffset, count, timestamp, bytes: payload });
    }
  }
  return { footer, batches };
}
