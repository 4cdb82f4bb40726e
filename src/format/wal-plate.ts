// The name plate of a file WAL's directory, in the file `wal-id`: whose WAL it is, and the id that was drawn for it
// when the directory was first used. A recovery looks at nothing in a directory before it has read this.
import { utf8 } from '../base/bytes.ts';
import { ByteReader } from './byte-reader.ts';
import type { BytesPlace } from './damage.ts';
import { encloseBody, openWholeEnvelope } from './envelope.ts';
import { clusterIdBytes, clusterIdSizeBytes } from './numbers.ts';

/** What the plate says. */
export interface WalPlate {
  readonly clusterId: string;
  /** 32 hex digits. */
  readonly walId: string;
  readonly node: string;
}

/** Encodes the plate. */
export function encodeWalPlate({ clusterId, walId, node }: WalPlate): Uint8Array {
  return encloseBody('QANATWID', clusterIdBytes(clusterId), clusterIdBytes(walId), utf8(node));
}

/** Decodes the plate. */
export function decodeWalPlate(bytes: Uint8Array, place: BytesPlace): WalPlate {
  const reader = new ByteReader(openWholeEnvelope('QANATWID', bytes, place), place);
  const clusterId = reader.clusterId();
  const walId = reader.clusterId();
  const node = reader.text(reader.remaining);
  if (node === '' || bytes.byteLength <= 2 * clusterIdSizeBytes) throw reader.damaged('it names no node');
  return { clusterId, walId, node };
}
