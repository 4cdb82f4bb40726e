// A group: what the file WAL writes at once, and what a recovery takes or leaves as a whole. A head of fixed width,
// then the batches of the group in the order of their appends, each behind a frame that names its stream.
//
// - A group's number is given once in an epoch, and groups are dense. So what a recycled file still holds of its former
//   life can never be taken for a continuation: its numbers are lower.
// - The head names the segment that the group belongs to, and the segment's first group, so that a recovery notices
//   when the beginning of what it needs is missing.
// - The checksum covers the frames and then the head, in this order: the frames are summed while the group fills,
//   before it is known what the head will say.
// - A seal is a group without batches, in a file of its own: its number and segment are the first that are not in the
//   WAL and never will be.
//
// Groups start at multiples of 512 bytes, so that no sector holds bytes of two of them.
import { crc32 } from '../base/checksum.ts';
import { viewOf } from '../base/bytes.ts';
import { streamId } from '../model/ids.ts';
import { batchCountMax, formatVersion } from '../model/limits.ts';
import type { StreamBatch } from '../model/record-batch.ts';
import { checkVersion, corrupt, type BytesPlace } from './damage.ts';
import { plainView, readTimestamp, readUint64, writeTimestamp } from './numbers.ts';

/** Bytes before the frames. */
export const groupHeadSizeBytes = 72;

/** Bytes before each batch. */
export const groupFrameSizeBytes = 40;

/** Groups start at multiples of this. */
export const groupAlignmentBytes = 512;

/** The checksum ends the head. */
const crcPosition = 68;
const two32 = 2 ** 32;
const kinds = ['group', 'seal'] as const;
const magic = new TextEncoder().encode('QANATWAL');
const magicHigh = viewOf(magic).getUint32(0);
const magicLow = viewOf(magic).getUint32(4);

/** Whose groups they are. */
export interface GroupOrigin {
  /** Id of the WAL: 32 hex digits. */
  readonly walId: string;
  readonly nodeEpoch: number;
}

/** What a head says of its group. */
export interface GroupFacts {
  /** Place among all groups of the epoch, from 0. */
  readonly number: number;
  /** Sequence of the segment that it belongs to. */
  readonly segment: number;
  /** Number of the first group of that segment. */
  readonly segmentStart: number;
  readonly batchCount: number;
  /** Bytes of the frames. */
  readonly framesSizeBytes: number;
}

/** All that a head says. */
export interface GroupHead extends GroupOrigin, GroupFacts {
  readonly kind: 'group' | 'seal';
}

/** What a group of so many bytes takes of a file. */
export function alignedSizeBytes(sizeBytes: number): number {
  return Math.ceil(sizeBytes / groupAlignmentBytes) * groupAlignmentBytes;
}

/** Writes the frame of a batch, without its bytes. On the way of every append: it checks nothing. */
export function writeGroupFrame(view: DataView, position: number, batch: StreamBatch): void {
  const { stream, streamEpoch, startOffset } = batch;
  view.setUint32(position, stream / two32);
  view.setUint32(position + 4, stream);
  view.setUint32(position + 8, streamEpoch / two32);
  view.setUint32(position + 12, streamEpoch);
  view.setUint32(position + 16, startOffset / two32);
  view.setUint32(position + 20, startOffset);
  writeTimestamp(view, position + 24, batch.timestamp);
  view.setUint32(position + 32, batch.count);
  view.setUint32(position + 36, batch.bytes.byteLength);
}

/** Writes what all heads of an epoch have in common at the start of `bytes`. */
export function writeGroupOrigin(bytes: Uint8Array, kind: GroupHead['kind'], { walId, nodeEpoch }: GroupOrigin): void {
  const view = viewOf(bytes);
  bytes.set(magic, 0);
  view.setUint16(8, formatVersion);
  view.setUint8(10, kinds.indexOf(kind) + 1);
  view.setUint8(11, 0);
  writeNumber(view, 16, nodeEpoch);
  bytes.set(Buffer.from(walId, 'hex'), 24);
}

/** Completes a head that has its origin, over frames whose checksum is known. `head` is its bytes, and no more. */
export function writeGroupHead(view: DataView, head: Uint8Array, facts: GroupFacts, framesCrc: number): void {
  view.setUint32(12, facts.framesSizeBytes);
  writeNumber(view, 40, facts.number);
  writeNumber(view, 48, facts.segment);
  writeNumber(view, 56, facts.segmentStart);
  view.setUint32(64, facts.batchCount);
  view.setUint32(crcPosition, headCrc(head, framesCrc));
}

/** A seal: nothing of this epoch's WAL is in it from this group, and from this segment, on. */
export function encodeWalSeal(origin: GroupOrigin, number: number, segment: number): Uint8Array {
  const bytes = new Uint8Array(groupAlignmentBytes);
  writeGroupOrigin(bytes, 'seal', origin);
  const facts = { number, segment, segmentStart: number, batchCount: 0, framesSizeBytes: 0 };
  writeGroupHead(viewOf(bytes), bytes.subarray(0, groupHeadSizeBytes), facts, 0);
  return bytes;
}

/** Decodes the file of a seal. OBJECT_CORRUPT if it is none of this epoch. */
export function decodeWalSeal(bytes: Uint8Array, origin: GroupOrigin, place: BytesPlace): GroupHead {
  const head = readGroupHead(bytes, 0, origin, place);
  if (head?.kind !== 'seal' || bytes.byteLength !== groupAlignmentBytes) throw corrupt(place, 0, 'it is no seal');
  return head;
}

/**
 * The head of the group that begins at `position`, if a whole group of this origin with right checksums does; else
 * undefined: a torn group, zeros, what another life of the file has left. Only a newer format is an error.
 */
export function readGroupHead(
  bytes: Uint8Array,
  position: number,
  origin: GroupOrigin,
  place: BytesPlace,
): GroupHead | undefined {
  if (position + groupHeadSizeBytes > bytes.byteLength) return undefined;
  const view = viewOf(bytes);
  if (view.getUint32(position) !== magicHigh || view.getUint32(position + 4) !== magicLow) return undefined;
  const framesSizeBytes = view.getUint32(position + 12);
  const start = position + groupHeadSizeBytes;
  if (start + framesSizeBytes > bytes.byteLength) return undefined;
  const framesCrc = crc32(bytes.subarray(start, start + framesSizeBytes));
  if (headCrc(bytes.subarray(position, start), framesCrc) !== view.getUint32(position + crcPosition)) return undefined;
  checkVersion(place, position + 8, view.getUint16(position + 8));
  const walId = Buffer.from(bytes.buffer, bytes.byteOffset + position + 24, 16).toString('hex');
  const nodeEpoch = readUint64(view, position + 16);
  if (walId !== origin.walId || nodeEpoch !== origin.nodeEpoch) return undefined;
  const kind = kinds[view.getUint8(position + 10) - 1];
  if (kind === undefined) throw corrupt(place, position + 10, 'it is neither a group nor a seal');
  const number = readUint64(view, position + 40);
  const segment = readUint64(view, position + 48);
  const segmentStart = readUint64(view, position + 56);
  if (!(number >= 0 && segment >= 0 && segmentStart <= number))
    throw corrupt(place, position + 40, 'its numbers are off');
  const batchCount = view.getUint32(position + 64);
  return { kind, walId, nodeEpoch, number, segment, segmentStart, batchCount, framesSizeBytes };
}

/** Calls `take` with each batch of a group whose head was read at `position`. The bytes are views. */
export function readGroupBatches(
  bytes: Uint8Array,
  position: number,
  head: GroupHead,
  place: BytesPlace,
  take: (batch: StreamBatch) => void,
): void {
  const view = viewOf(bytes);
  const damaged = (what: string): Error => corrupt(place, position, what);
  let at = position + groupHeadSizeBytes;
  const end = at + head.framesSizeBytes;
  for (let i = 0; i < head.batchCount; i += 1) {
    if (at + groupFrameSizeBytes > end) throw damaged('the frames of a group exceed it');
    const stream = readUint64(view, at);
    const streamEpoch = readUint64(view, at + 8);
    const startOffset = readUint64(view, at + 16);
    const timestamp = readTimestamp(view, at + 24);
    const count = view.getUint32(at + 32);
    const start = at + groupFrameSizeBytes;
    at = start + view.getUint32(at + 36);
    if (at > end) throw damaged('a batch of a group exceeds it');
    const isSound = stream >= 1 && streamEpoch >= 0 && Number.isSafeInteger(startOffset + count);
    if (!isSound || count < 1 || count > batchCountMax || Number.isNaN(timestamp)) throw damaged('a frame cannot be');
    take({ stream: streamId(stream), streamEpoch, startOffset, count, timestamp, bytes: plainView(bytes, start, at) });
  }
  if (at !== end) throw damaged('bytes follow the last batch of a group');
}

function writeNumber(view: DataView, position: number, value: number): void {
  view.setUint32(position, value / two32);
  view.setUint32(position + 4, value);
}

/** The checksum goes on from that of the frames over the head. */
function headCrc(head: Uint8Array, framesCrc: number): number {
  return crc32(head.subarray(0, crcPosition), framesCrc);
}
