// A snapshot of the catalog: a head, chunks of plain data with a name each, an end. Both sides work chunk by chunk, so
// that a caller can let the event loop turn between two of them.
//
// - Each chunk has a checksum; the end has one over the checksums of all that came before, head included, so a chunk
//   that is missing, doubled, moved or of another snapshot is found.
// - What a decoder gave may be believed once it has come to its end without an error.
import { assert } from '../base/assert.ts';
import { crc32 } from '../base/checksum.ts';
import { MiB, utf8, viewOf } from '../base/bytes.ts';
import { ByteReader } from './byte-reader.ts';
import { corrupt } from './damage.ts';
import type { BytesPlace } from './damage.ts';
import { encloseBody, envelopeHeadSizeBytes, openEnvelope } from './envelope.ts';
import { allocateBytes, clusterIdBytes, writeUint64 } from './numbers.ts';
import { decodePlain, encodePlain } from './plain-data.ts';

/** Of which state a snapshot is. */
export interface SnapshotHead {
  readonly clusterId: string;
  /** Index of the last record that is in it. */
  readonly index: number;
  /** Version of the rules under which it was made. */
  readonly rules: number;
}

/** A named series of rows: whatever plain data the catalog makes of a table. */
export interface SnapshotChunk {
  readonly chunk: string;
  readonly rows: unknown;
}

/** Where a snapshot was read; what is given of cluster and index is compared. */
export interface SnapshotPlace extends BytesPlace {
  readonly clusterId?: string | undefined;
  readonly index?: number | undefined;
}

/** Head of a chunk, and of the end: mark, size of the name, two zeros, size of the rows or count, checksum. */
const chunkHeadSizeBytes = 12;
const chunkMark = 1;
const endMark = 2;
const headBodySizeBytes = 28;

export class SnapshotEncoder {
  readonly #pieces: Uint8Array[];
  #chunkCount = 0;
  #checksum = 0;

  constructor(head: SnapshotHead) {
    const body = new Uint8Array(headBodySizeBytes);
    const view = viewOf(body);
    assert(Number.isInteger(head.rules) && head.rules >= 0 && head.rules < 2 ** 32, 'rules are a 32-bit number');
    body.set(clusterIdBytes(head.clusterId), 0);
    writeUint64(view, 16, head.index);
    view.setUint32(24, head.rules);
    const bytes = encloseBody('QANATSNP', body);
    this.#pieces = [bytes];
    this.#checksum = crc32(bytes);
  }

  /** Adds a chunk. The rows are encoded now: they may change afterwards. */
  add(chunk: string, rows: unknown): void {
    const name = utf8(chunk);
    assert(name.byteLength >= 1 && name.byteLength <= 255, 'the name of a chunk has 1 to 255 bytes');
    const body = encodePlain(rows);
    const head = markHead(chunkMark, name.byteLength, body.byteLength);
    const crc = crc32(body, crc32(name, crc32(head.subarray(0, 8))));
    viewOf(head).setUint32(8, crc);
    this.#pieces.push(head, name, body);
    this.#chunkCount += 1;
    this.#checksum = crc32(head.subarray(8), this.#checksum);
  }

  /** The bytes of the snapshot. Nothing may be added afterwards. */
  finish(): Uint8Array {
    const steps = this.finishing();
    for (;;) {
      const step = steps.next();
      if (step.done) return step.value;
    }
  }

  /** As `finish`, in steps of about a MiB: bringing together what is large takes its time. */
  *finishing(): Generator<undefined, Uint8Array> {
    const end = markHead(endMark, 0, this.#chunkCount);
    viewOf(end).setUint32(8, crc32(end.subarray(0, 8), this.#checksum));
    this.#pieces.push(end);
    const bytes = allocateBytes(this.#pieces.reduce((sum, piece) => sum + piece.byteLength, 0));
    let position = 0;
    let yieldedAt = 0;
    for (const piece of this.#pieces.splice(0)) {
      bytes.set(piece, position);
      position += piece.byteLength;
      if (position - yieldedAt < MiB) continue;
      yieldedAt = position;
      yield;
    }
    return bytes;
  }
}

/** Decodes and checks the head of a snapshot. */
export function decodeSnapshotHead(bytes: Uint8Array, place: SnapshotPlace): SnapshotHead {
  const reader = new ByteReader(openEnvelope('QANATSNP', bytes, place), place, envelopeHeadSizeBytes);
  const clusterId = reader.clusterId();
  if (place.clusterId !== undefined && clusterId !== place.clusterId)
    throw reader.damaged(`a snapshot of another cluster, ${clusterId}`);
  const index = reader.uint64();
  if (place.index !== undefined && index !== place.index)
    throw reader.damaged(`a snapshot of index ${index}, not of ${place.index}`);
  const rules = reader.uint32();
  if (reader.remaining > 0) throw reader.damaged('bytes follow the head of the snapshot');
  return { clusterId, index, rules };
}

/** Decodes a snapshot, one chunk at a time. */
export function* decodeSnapshot(bytes: Uint8Array, place: SnapshotPlace): Generator<SnapshotChunk, void> {
  decodeSnapshotHead(bytes, place);
  let position = envelopeHeadSizeBytes + headBodySizeBytes;
  let checksum = crc32(bytes.subarray(0, position));
  for (let chunkCount = 0; ; chunkCount += 1) {
    const start = position;
    const reader = new ByteReader(bytes.subarray(start), place, start);
    const head = reader.view(chunkHeadSizeBytes);
    const { mark, nameSize, size, crc } = readMark(head, place, start);
    if (mark === endMark) {
      if (crc32(head.subarray(0, 8), checksum) !== crc || size !== chunkCount || nameSize !== 0)
        throw corrupt(place, start, 'the checksum of its end is wrong');
      if (reader.remaining > 0) throw reader.damaged('bytes follow its end');
      return;
    }
    const name = reader.view(nameSize);
    const rows = reader.view(size);
    if (crc32(rows, crc32(name, crc32(head.subarray(0, 8)))) !== crc)
      throw corrupt(place, start, 'the checksum of a chunk is wrong');
    position += chunkHeadSizeBytes + nameSize + size;
    checksum = crc32(head.subarray(8), checksum);
    const chunk = new ByteReader(name, place, start + chunkHeadSizeBytes).text(nameSize);
    yield { chunk, rows: decodePlain(rows, place, position - size) };
  }
}

function markHead(mark: number, nameSize: number, size: number): Uint8Array {
  const head = new Uint8Array(chunkHeadSizeBytes);
  const view = viewOf(head);
  view.setUint8(0, mark);
  view.setUint8(1, nameSize);
  view.setUint32(4, size);
  return head;
}

function readMark(
  head: Uint8Array,
  place: BytesPlace,
  position: number,
): { mark: number; nameSize: number; size: number; crc: number } {
  const view = viewOf(head);
  const mark = view.getUint8(0);
  if ((mark !== chunkMark && mark !== endMark) || view.getUint16(2) !== 0)
    throw corrupt(place, position, 'neither a chunk nor the end begins here');
  return { mark, nameSize: view.getUint8(1), size: view.getUint32(4), crc: view.getUint32(8) };
}
