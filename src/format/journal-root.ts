// The root of the object journal: the floor, and the two snapshots that may be loaded. The one object that is replaced.
import { assert } from '../base/assert.ts';
import { utf8, viewOf } from '../base/bytes.ts';
import { ByteReader } from './byte-reader.ts';
import type { BytesPlace } from './damage.ts';
import { encloseBody, envelopeHeadSizeBytes, openWholeEnvelope } from './envelope.ts';
import { clusterIdBytes, writeUint64 } from './numbers.ts';

/** A snapshot, as the root names it. */
export interface SnapshotName {
  readonly index: number;
  /** SHA-256 of its bytes: 32 bytes. */
  readonly digest: Uint8Array;
  readonly sizeBytes: number;
}

/** What the root says. */
export interface JournalRoot {
  readonly clusterId: string;
  /** The highest index that may be gone; never above the older of two snapshots. */
  readonly floor: number;
  /** At most two, newest first. */
  readonly snapshots: readonly SnapshotName[];
  /** Drawn for each root, so that no two are the same bytes. */
  readonly nonce: string;
}

/** Where the root was read; its cluster is compared if it is given. */
export interface RootPlace extends BytesPlace {
  readonly clusterId?: string | undefined;
}

const digestSizeBytes = 32;
const snapshotSizeBytes = 48;
const nonceMaxBytes = 255;

/** Encodes a root. */
export function encodeJournalRoot(root: JournalRoot): Uint8Array {
  const problem = problemOf(root);
  assert(problem === undefined, () => `a root of a journal cannot be written: ${problem}`);
  const nonce = utf8(root.nonce);
  assert(nonce.byteLength <= nonceMaxBytes, 'the nonce of a root has up to 255 bytes');
  const head = new Uint8Array(25 + root.snapshots.length * snapshotSizeBytes + 1);
  const view = viewOf(head);
  head.set(clusterIdBytes(root.clusterId), 0);
  writeUint64(view, 16, root.floor);
  view.setUint8(24, root.snapshots.length);
  root.snapshots.forEach(({ index, digest, sizeBytes }, i) => {
    const at = 25 + i * snapshotSizeBytes;
    assert(digest.byteLength === digestSizeBytes, 'the digest of a snapshot has 32 bytes');
    writeUint64(view, at, index);
    writeUint64(view, at + 8, sizeBytes);
    head.set(digest, at + 16);
  });
  view.setUint8(head.byteLength - 1, nonce.byteLength);
  return encloseBody('QANATROT', head, nonce);
}

/** Decodes a root. */
export function decodeJournalRoot(bytes: Uint8Array, place: RootPlace): JournalRoot {
  const body = openWholeEnvelope('QANATROT', bytes, place);
  const reader = new ByteReader(body, place, envelopeHeadSizeBytes);
  const clusterId = reader.clusterId();
  if (place.clusterId !== undefined && clusterId !== place.clusterId)
    throw reader.damaged(`the root of another cluster, ${clusterId}`);
  const floor = reader.uint64();
  const count = reader.uint8();
  if (count > 2) throw reader.damaged(`it names ${count} snapshots`);
  const snapshots: SnapshotName[] = [];
  for (let i = 0; i < count; i += 1) {
    const index = reader.uint64();
    const sizeBytes = reader.uint64();
    snapshots.push({ index, digest: reader.copy(digestSizeBytes), sizeBytes });
  }
  const nonce = reader.text(reader.uint8());
  if (reader.remaining > 0) throw reader.damaged('bytes follow its end');
  const root = { clusterId, floor, snapshots, nonce };
  const problem = problemOf(root);
  if (problem !== undefined) throw reader.damaged(problem);
  return root;
}

function problemOf({ floor, snapshots }: JournalRoot): string | undefined {
  if (snapshots.length > 2) return 'it names more than two snapshots';
  const newest = snapshots[0]?.index ?? 1;
  const older = snapshots[1]?.index ?? 0;
  if (newest <= older) return 'its snapshots are not newest first';
  if (floor > older) return 'its floor is above the older snapshot';
  return undefined;
}
