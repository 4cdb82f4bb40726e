// A record of the journal: who proposed it, where it stands, what it follows, and the changes as plain data. What the
// changes mean is the catalog's business.
import { assert } from '../base/assert.ts';
import { utf8, viewOf } from '../base/bytes.ts';
import { ByteReader } from './byte-reader.ts';
import { corrupt } from './damage.ts';
import type { BytesPlace } from './damage.ts';
import { encloseBody, envelopeHeadSizeBytes, openWholeEnvelope } from './envelope.ts';
import { clusterIdBytes, writeUint64 } from './numbers.ts';
import { decodePlain, encodePlain } from './plain-data.ts';

/** A record, its changes not looked at. */
export interface RecordEnvelope {
  readonly clusterId: string;
  readonly index: number;
  /** A node epoch, or the nonce of a record that registers a node. */
  readonly writer: number | string;
  readonly number: number;
  /** Running digest of everything before this record: 16 bytes. */
  readonly previousDigest: Uint8Array;
  readonly changes: readonly unknown[];
}

/** Where a record was found: it must say the same of itself. */
export interface RecordPlace extends BytesPlace {
  readonly clusterId: string;
  readonly index: number;
}

const digestSizeBytes = 16;
const headSizeBytes = 50;
const writerNameMaxBytes = 255;

/** Encodes a record. */
export function encodeJournalRecord(envelope: RecordEnvelope): Uint8Array {
  const { clusterId, index, writer, number, previousDigest, changes } = envelope;
  assert(previousDigest.byteLength === digestSizeBytes, 'the digest of a record has 16 bytes');
  assert(index >= 1, () => `a record stands at 1 or later, not at ${index}`);
  const name = typeof writer === 'string' ? utf8(writer) : encodeEpoch(writer);
  assert(name.byteLength >= 1 && name.byteLength <= writerNameMaxBytes, 'the nonce of a writer has 1 to 255 bytes');
  const head = new Uint8Array(headSizeBytes);
  const view = viewOf(head);
  head.set(clusterIdBytes(clusterId), 0);
  writeUint64(view, 16, index);
  writeUint64(view, 24, number);
  head.set(previousDigest, 32);
  view.setUint8(48, typeof writer === 'string' ? 2 : 1);
  view.setUint8(49, name.byteLength);
  return encloseBody('QANATREC', head, name, encodePlain(changes));
}

/** The cluster that a record belongs to, whichever that is. */
export function clusterOfRecord(bytes: Uint8Array, place: BytesPlace): string {
  return new ByteReader(openWholeEnvelope('QANATREC', bytes, place), place, envelopeHeadSizeBytes).clusterId();
}

/** Decodes a record, and checks that it belongs where it was found. */
export function decodeJournalRecord(bytes: Uint8Array, place: RecordPlace): RecordEnvelope {
  const body = openWholeEnvelope('QANATREC', bytes, place);
  const reader = new ByteReader(body, place, envelopeHeadSizeBytes);
  const clusterId = reader.clusterId();
  if (clusterId !== place.clusterId) throw reader.damaged(`a record of another cluster, ${clusterId}`);
  const index = reader.uint64();
  if (index !== place.index) throw reader.damaged(`the record of index ${index} stands at ${place.index}`);
  const number = reader.uint64();
  const previousDigest = reader.copy(digestSizeBytes);
  const writer = readWriter(reader);
  const start = body.byteLength - reader.remaining;
  const changes = decodePlain(body.subarray(start), place, envelopeHeadSizeBytes + start);
  if (!Array.isArray(changes)) throw corrupt(place, envelopeHeadSizeBytes + start, 'its changes are no list');
  return { clusterId, index, writer, number, previousDigest, changes: changes as readonly unknown[] };
}

function readWriter(reader: ByteReader): number | string {
  const kind = reader.uint8();
  const size = reader.uint8();
  if (kind === 1 && size === 8) return reader.uint64();
  if (kind === 2 && size >= 1) return reader.text(size);
  throw reader.damaged('its writer is none');
}

function encodeEpoch(epoch: number): Uint8Array {
  const bytes = new Uint8Array(8);
  writeUint64(viewOf(bytes), 0, epoch);
  return bytes;
}
