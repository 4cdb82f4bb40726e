// The last bytes of every data object: who wrote it, as what, and where its block index is.
//
// - The last 16 bytes (size of the footer, version, magic, checksum) are laid out the same in every version for ever,
//   and no version's footer exceeds 4 KiB: so an older reader can tell a newer object from a damaged one.
// - Blocks, index and footer fill an object exactly: one byte more or less is damage.
import { assert } from '../base/assert.ts';
import { crc32 } from '../base/checksum.ts';
import { equalBytes, utf8, viewOf } from '../base/bytes.ts';
import { formatVersion, nodeNameMaxLength } from '../model/limits.ts';
import { checkVersion, corrupt } from './damage.ts';
import type { BytesPlace } from './damage.ts';
import { clusterIdBytes, readClusterId, readUint64, writeUint64 } from './numbers.ts';

/** A segment of a WAL, its end, an object of many streams, or of one. */
export type DataObjectKind = 'wal-segment' | 'seal' | 'stream-set' | 'stream';

/** Who wrote an object, and as what. */
export interface DataObjectHead {
  /** 32 hex digits. */
  readonly clusterId: string;
  readonly kind: DataObjectKind;
  readonly node: string;
  readonly nodeEpoch: number;
  readonly sequence: number;
  /**
   * Of a WAL segment: all segments of its WAL below this sequence were stored and acknowledged when it was cut, so a
   * recovery that misses one of them knows that the bucket has lost it. 0 for every other kind.
   */
  readonly durableBelow: number;
}

/** The footer, decoded. */
export interface Footer extends DataObjectHead {
  readonly indexPosition: number;
  readonly indexSizeBytes: number;
  readonly indexCrc: number;
}

/** Where a data object is stored, and its whole size. */
export interface ObjectPlace extends BytesPlace {
  readonly size: number;
}

/** Bytes of a footer of this version. */
export const footerSizeBytes = 144;

/** Bytes at the very end that are laid out the same in every version. */
const trailerSizeBytes = 16;
const magic = utf8('QANATOBJ');
const kinds: readonly DataObjectKind[] = ['wal-segment', 'seal', 'stream-set', 'stream'];

/** Writes the footer at the end of `bytes`, over everything that stands there. */
export function writeFooter(bytes: Uint8Array, footer: Footer): void {
  assert(footer.kind === 'wal-segment' || footer.durableBelow === 0, 'only a WAL segment tells what is durable');
  assert(footer.durableBelow <= footer.sequence, 'a segment cannot know of durable segments after itself');
  const node = utf8(footer.node);
  assert(node.byteLength >= 1 && node.byteLength <= nodeNameMaxLength, () => `not a node name: ${footer.node}`);
  const footerBytes = bytes.subarray(bytes.byteLength - footerSizeBytes);
  const view = viewOf(footerBytes);
  footerBytes.fill(0);
  footerBytes.set(clusterIdBytes(footer.clusterId), 0);
  writeUint64(view, 16, footer.nodeEpoch);
  writeUint64(view, 24, footer.sequence);
  writeUint64(view, 32, footer.durableBelow);
  writeUint64(view, 40, footer.indexPosition);
  view.setUint32(48, footer.indexSizeBytes);
  view.setUint32(52, footer.indexCrc);
  view.setUint8(56, kinds.indexOf(footer.kind) + 1);
  view.setUint8(57, node.byteLength);
  footerBytes.set(node, 58);
  view.setUint16(128, footerSizeBytes);
  view.setUint16(130, formatVersion);
  footerBytes.set(magic, 132);
  view.setUint32(140, crc32(footerBytes.subarray(0, 140)));
}

/** Decodes the footer in the last bytes of an object (at least `footerSizeBytes` of them, or the whole object). */
export function decodeFooter(tail: Uint8Array, place: ObjectPlace): Footer {
  const bytes = checkTrailer(tail, place);
  const view = viewOf(bytes);
  const position = place.size - footerSizeBytes;
  const kind = kinds[view.getUint8(56) - 1];
  if (kind === undefined) throw corrupt(place, position + 56, `there is no kind of object ${view.getUint8(56)}`);
  const footer: Footer = {
    clusterId: readClusterId(bytes, 0),
    kind,
    node: readNode(bytes, place, position),
    nodeEpoch: readUint64(view, 16),
    sequence: readUint64(view, 24),
    durableBelow: readUint64(view, 32),
    indexPosition: readUint64(view, 40),
    indexSizeBytes: view.getUint32(48),
    indexCrc: view.getUint32(52),
  };
  if (!(footer.nodeEpoch >= 0 && footer.sequence >= 0)) throw corrupt(place, position + 16, 'a number is out of range');
  if (!(footer.durableBelow <= (kind === 'wal-segment' ? footer.sequence : 0)))
    throw corrupt(place, position + 32, 'it claims segments that cannot have been durable');
  if (footer.indexPosition + footer.indexSizeBytes !== position)
    throw corrupt(place, position + 40, `block index and footer do not fill its ${place.size} bytes`);
  if (kind === 'seal' && position !== 0) throw corrupt(place, position + 56, 'a seal holds nothing');
  return footer;
}

/** Compares what the footer says of its writer with what the key says: a foreign object is damage. */
export function checkOrigin(footer: Footer, expected: Partial<DataObjectHead>, place: BytesPlace): void {
  for (const field of ['clusterId', 'kind', 'node', 'nodeEpoch', 'sequence', 'durableBelow'] as const) {
    const wanted = expected[field];
    if (wanted !== undefined && footer[field] !== wanted)
      throw corrupt(
        place,
        footer.indexPosition + footer.indexSizeBytes,
        `a foreign object: its ${field} is ${footer[field]}, not ${wanted}`,
      );
  }
}

/** Checks magic, size, checksum and version, in this order, and gives the bytes of a footer of this version. */
function checkTrailer(tail: Uint8Array, place: ObjectPlace): Uint8Array {
  if (tail.byteLength < trailerSizeBytes || tail.byteLength > place.size)
    throw corrupt(place, 0, `${place.size} bytes, of which ${tail.byteLength} were read, are no data object`);
  const trailer = viewOf(tail.subarray(tail.byteLength - trailerSizeBytes));
  const trailerPosition = place.size - trailerSizeBytes;
  if (magic.some((byte, i) => trailer.getUint8(4 + i) !== byte))
    throw corrupt(place, trailerPosition + 4, 'it does not end as a data object does');
  const size = trailer.getUint16(0);
  if (size < trailerSizeBytes || size > tail.byteLength)
    throw corrupt(place, trailerPosition, `a footer of ${size} bytes cannot be`);
  const bytes = tail.subarray(tail.byteLength - size);
  if (crc32(bytes.subarray(0, size - 4)) !== trailer.getUint32(12))
    throw corrupt(place, place.size - size, 'the checksum of its footer is wrong');
  checkVersion(place, trailerPosition + 2, trailer.getUint16(2));
  if (size !== footerSizeBytes) throw corrupt(place, trailerPosition, `a footer of ${size} bytes cannot be`);
  return bytes;
}

function readNode(bytes: Uint8Array, place: ObjectPlace, position: number): string {
  const length = bytes[57] ?? 0;
  const name = bytes.subarray(58, 58 + length);
  const rest = bytes.subarray(58 + length, 128);
  const legal = length >= 1 && length <= nodeNameMaxLength;
  if (!legal || name.some((byte) => byte < 0x21 || byte > 0x7e) || rest.some((byte) => byte !== 0))
    throw corrupt(place, position + 57, 'its node name is none');
  return Buffer.from(name).toString('latin1');
}

/**
 * Whether a stored object, known by its size and its last bytes, is this one: the footer carries the checksums of
 * everything before it, so equal footers and sizes mean equal bytes.
 */
export function isSameObject(
  stored: { readonly bytes: Uint8Array; readonly size: number },
  object: Uint8Array,
): boolean {
  return (
    stored.size === object.byteLength && equalBytes(stored.bytes, object.subarray(object.byteLength - footerSizeBytes))
  );
}
