// Snapshots of an object journal: objects of their own, named by the root once they have been read back (R9, J5).
//
// - A snapshot's key is made of its index and the digest of its bytes: equal content may be written any number of
//   times, different content never meets.
// - Nothing here deletes: a writer does not know whether its own snapshot has been named (J6).
import { createHash } from 'node:crypto';
import { equalBytes } from '../base/bytes.ts';
import { drawId, type Runtime } from '../base/runtime.ts';
import type { SnapshotName } from '../format/journal-root.ts';
import { invalidArgument, qanatError } from '../model/errors.ts';
import { recordKey, snapshotKey } from './journal-key.ts';
import { newestIndex, rootWithSnapshot } from './next-root.ts';
import { isPassing, type Patience } from './patience.ts';
import type { RecordPlace } from './record-append.ts';

/** Reads the bytes of a snapshot that a root named, and compares them with what the root says. */
export async function readSnapshot(
  place: RecordPlace,
  snapshot: SnapshotName,
  patience: Patience,
): Promise<Uint8Array> {
  const { index, digest } = snapshot;
  const key = snapshotKey(place.clusterId, index, digest);
  const bytes = await fetchSnapshot(place, key, patience);
  if (bytes !== undefined && isAsNamed(bytes, snapshot)) return bytes;
  const root = await place.root.read(patience);
  if (bytes !== undefined || root.snapshots.some((named) => named.index === index))
    throw qanatError(
      'OBJECT_CORRUPT',
      `the snapshot at ${index} is ${bytes === undefined ? 'missing' : 'not what was saved'}: ${key}`,
      { key, position: undefined },
    );
  throw qanatError('STORE_UNAVAILABLE', `the snapshot at ${index} was replaced by newer ones; ask for them again`, {
    operation: 'get',
    key,
  });
}

/** Stores a snapshot, reads it back, has it verified, and only then names it in the root. */
export async function saveSnapshot(
  place: RecordPlace,
  index: number,
  bytes: Uint8Array,
  verify: ((bytes: Uint8Array) => Promise<void>) | undefined,
  runtime: Runtime,
  patience: Patience,
): Promise<void> {
  if (newestIndex(await place.root.read(patience)) >= index) return;
  if (!(await hasRecord(place, index, patience))) return;
  const snapshot: SnapshotName = { index, digest: sha256(bytes), sizeBytes: bytes.byteLength };
  const stored = await storeSnapshot(place, snapshot, bytes, patience);
  if (stored === undefined) return;
  if (verify !== undefined) await patience.until(verify(stored));
  await place.root.advance((root) => rootWithSnapshot(root, snapshot, drawId(runtime.random)), patience);
}

/** A snapshot above the last record would stand for a history that does not exist. False: it is no longer needed. */
async function hasRecord(place: RecordPlace, index: number, patience: Patience): Promise<boolean> {
  const key = recordKey(place.clusterId, index);
  const value = await patience.insist((signal) =>
    place.store.get(key, { range: { start: 0, end: 1 }, purpose: 'journal', signal }),
  );
  if (value !== 'missing') return true;
  if (newestIndex(await place.root.read(patience)) >= index) return false;
  throw invalidArgument(`a snapshot stands for records that exist; there is no record ${index}`);
}

/** Puts the bytes until they can be read back; undefined if the root got ahead meanwhile, so that nobody needs them. */
async function storeSnapshot(
  place: RecordPlace,
  snapshot: SnapshotName,
  bytes: Uint8Array,
  patience: Patience,
): Promise<Uint8Array | undefined> {
  const key = snapshotKey(place.clusterId, snapshot.index, snapshot.digest);
  for (;;) {
    try {
      // Without a condition: the same name always has the same bytes, and a damaged copy is mended.
      await patience.until(place.store.put(key, bytes, { purpose: 'snapshot' }));
    } catch (cause) {
      if (patience.isOver || !isPassing(cause)) throw cause;
    }
    const stored = await fetchSnapshot(place, key, patience);
    if (stored !== undefined && isAsNamed(stored, snapshot)) return stored;
    if (newestIndex(await place.root.read(patience)) >= snapshot.index) return undefined;
    await patience.pause();
  }
}

async function fetchSnapshot(place: RecordPlace, key: string, patience: Patience): Promise<Uint8Array | undefined> {
  const value = await patience.insist((signal) => place.store.get(key, { purpose: 'snapshot', signal }));
  return value === 'missing' || value === 'not-modified' ? undefined : value.bytes;
}

function isAsNamed(bytes: Uint8Array, { digest, sizeBytes }: SnapshotName): boolean {
  return bytes.byteLength === sizeBytes && equalBytes(sha256(bytes), digest);
}

function sha256(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(bytes).digest());
}
