// What the root may become: pure rules. It only moves forward (J5): a new root has a newer snapshot or a higher floor,
// nothing lower than before, and its floor never passes the older of the two snapshots it names (R9).
import { assert } from '../base/assert.ts';
import type { JournalRoot, SnapshotName } from '../format/journal-root.ts';

/** How many snapshots a root names at most: the newest, and one to fall back on. */
const snapshotsMax = 2;

/** The root of a journal that has just begun. */
export function firstRoot(clusterId: string, nonce: string): JournalRoot {
  return { clusterId, floor: 0, snapshots: [], nonce };
}

/** Index of the newest snapshot; 0 when there is none. */
export function newestIndex(root: JournalRoot): number {
  return root.snapshots[0]?.index ?? 0;
}

/** Index of the older of two snapshots; 0 while there are fewer. The floor never passes it. */
export function olderIndex(root: JournalRoot): number {
  return root.snapshots[1]?.index ?? 0;
}

/** The root with one more snapshot, or undefined if it already names one that is as new. */
export function rootWithSnapshot(root: JournalRoot, snapshot: SnapshotName, nonce: string): JournalRoot | undefined {
  if (newestIndex(root) >= snapshot.index) return undefined;
  return checkStep(root, { ...root, snapshots: [snapshot, ...root.snapshots].slice(0, snapshotsMax), nonce });
}

/** The root with the floor raised towards `upTo`, or undefined if that does not raise it. */
export function rootWithFloor(root: JournalRoot, upTo: number, nonce: string): JournalRoot | undefined {
  const floor = Math.min(upTo, olderIndex(root));
  if (floor <= root.floor) return undefined;
  return checkStep(root, { ...root, floor, nonce });
}

/** Whether nothing in `later` is lower than in `earlier`. */
export function isNotBehind(later: JournalRoot, earlier: JournalRoot): boolean {
  return later.floor >= earlier.floor && newestIndex(later) >= newestIndex(earlier);
}

function checkStep(before: JournalRoot, after: JournalRoot): JournalRoot {
  assert(isNotBehind(after, before), 'the root of a journal never moves back');
  assert(after.floor <= olderIndex(after), 'the floor of a journal never passes the older snapshot');
  return after;
}
