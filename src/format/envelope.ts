// The first 20 bytes of everything in the journal, and of the name plate of a file WAL: magic, version, size, checksum,
// laid out the same in every version for ever, so that an older reader can tell a newer format from damage.
import { crc32 } from '../base/checksum.ts';
import { utf8, viewOf } from '../base/bytes.ts';
import { formatVersion } from '../model/limits.ts';
import { checkVersion, corrupt } from './damage.ts';
import type { BytesPlace } from './damage.ts';
import { allocateBytes } from './numbers.ts';

/** What stands in an envelope. */
export type EnvelopeKind = 'QANATREC' | 'QANATROT' | 'QANATSNP' | 'QANATWID';

/** Bytes before the body. */
export const envelopeHeadSizeBytes = 20;

/** Encloses a body, given in pieces. */
export function encloseBody(kind: EnvelopeKind, ...pieces: readonly Uint8Array[]): Uint8Array {
  const sizeBytes = pieces.reduce((sum, piece) => sum + piece.byteLength, 0);
  const bytes = allocateBytes(envelopeHeadSizeBytes + sizeBytes);
  const view = viewOf(bytes);
  bytes.set(utf8(kind), 0);
  view.setUint16(8, formatVersion);
  view.setUint16(10, 0);
  view.setUint32(12, sizeBytes);
  let position = envelopeHeadSizeBytes;
  for (const piece of pieces) {
    bytes.set(piece, position);
    position += piece.byteLength;
  }
  view.setUint32(16, checksumOf(bytes));
  return bytes;
}

/** Checks the envelope at the start of `bytes` and gives its body. What follows it is the caller's to judge. */
export function openEnvelope(kind: EnvelopeKind, bytes: Uint8Array, place: BytesPlace): Uint8Array {
  if (bytes.byteLength < envelopeHeadSizeBytes) throw corrupt(place, 0, `it has only ${bytes.byteLength} bytes`);
  const view = viewOf(bytes);
  if (utf8(kind).some((byte, i) => bytes[i] !== byte)) throw corrupt(place, 0, `it does not begin with ${kind}`);
  const end = envelopeHeadSizeBytes + view.getUint32(12);
  if (end > bytes.byteLength) throw corrupt(place, 12, `${end} bytes are announced, ${bytes.byteLength} are there`);
  const enclosed = bytes.subarray(0, end);
  if (checksumOf(enclosed) !== view.getUint32(16)) throw corrupt(place, 16, 'its checksum is wrong');
  checkVersion(place, 8, view.getUint16(8));
  if (view.getUint16(10) !== 0) throw corrupt(place, 10, 'two bytes that should be zero are not');
  return enclosed.subarray(envelopeHeadSizeBytes);
}

/** Like `openEnvelope`, for bytes that hold nothing else. */
export function openWholeEnvelope(kind: EnvelopeKind, bytes: Uint8Array, place: BytesPlace): Uint8Array {
  const body = openEnvelope(kind, bytes, place);
  const end = envelopeHeadSizeBytes + body.byteLength;
  if (end !== bytes.byteLength) throw corrupt(place, end, 'bytes follow its end');
  return body;
}

/** The checksum of everything but itself. */
function checksumOf(bytes: Uint8Array): number {
  return crc32(bytes.subarray(envelopeHeadSizeBytes), crc32(bytes.subarray(0, 16)));
}
