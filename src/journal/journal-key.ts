// The keys of an object journal. Records sort before everything else under the prefix, in the order of their indexes;
// a snapshot's name is its index and the digest of its bytes, so that two writers never overwrite each other.
import { journalPrefix, numberIn, padNumber } from '../model/object-key.ts';

/** Key of the one mutable object: floor, snapshots, nonce. */
export function rootKey(clusterId: string): string {
  return `${journalPrefix(clusterId)}root`;
}

/** Key of the record at `index`. */
export function recordKey(clusterId: string, index: number): string {
  return `${journalPrefix(clusterId)}${padNumber(index)}`;
}

/** All snapshots lie below this. */
export function snapshotPrefix(clusterId: string): string {
  return `${journalPrefix(clusterId)}snapshot-`;
}

/** Key of the snapshot at `index` whose bytes have this SHA-256. */
export function snapshotKey(clusterId: string, index: number, digest: Uint8Array): string {
  return `${snapshotPrefix(clusterId)}${padNumber(index)}-${Buffer.from(digest).toString('hex')}`;
}

/** The index of a record's key; undefined for any other key. */
export function recordIndexOf(key: string): number | undefined {
  return numberIn(/^[^/]+\/journal\/(\d{16})$/.exec(key)?.[1]);
}

/** The index of a snapshot's key; undefined for any other key. */
export function snapshotIndexOf(key: string): number | undefined {
  return numberIn(/^[^/]+\/journal\/snapshot-(\d{16})-[0-9a-f]{64}$/.exec(key)?.[1]);
}
