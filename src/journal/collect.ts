// Collecting an object journal: the floor is raised first, durably, and only what lies below a root that was read is
// deleted (R9, J6). Requests that come late give birth to records below the floor, so each collection lists the whole
// prefix again; what it cannot delete now, the next one will.
import { drawId, type Runtime } from '../base/runtime.ts';
import { qanatError } from '../model/errors.ts';
import { journalPrefix } from '../model/object-key.ts';
import { recordIndexOf, snapshotIndexOf, snapshotPrefix } from './journal-key.ts';
import { olderIndex, rootWithFloor } from './next-root.ts';
import type { Patience } from './patience.ts';
import type { RecordPlace } from './record-append.ts';

/** Keys listed and deleted by one request each: what S3 allows. */
const batchMax = 1_000;

/** Raises the floor as far as `upTo` and the older snapshot allow. The floor reached. */
export async function raiseFloor(
  place: RecordPlace,
  upTo: number,
  runtime: Runtime,
  patience: Patience,
): Promise<number> {
  const root = await place.root.advance((seen) => rootWithFloor(seen, upTo, drawId(runtime.random)), patience);
  return root.floor;
}

/** Deletes records at or below the floor and snapshots below both that are named, by a root that is read now. */
export async function deleteCollected(place: RecordPlace, patience: Patience): Promise<void> {
  const root = await place.root.read(patience);
  const { clusterId } = place;
  await deleteWhile(place, journalPrefix(clusterId), recordIndexOf, (index) => index <= root.floor, patience);
  const isBelowBoth = (index: number): boolean => index < olderIndex(root);
  await deleteWhile(place, snapshotPrefix(clusterId), snapshotIndexOf, isBelowBoth, patience);
}

/** Deletes keys under `prefix`, page by page in the order of their indexes, up to the first that is still needed. */
async function deleteWhile(
  { store }: RecordPlace,
  prefix: string,
  indexOf: (key: string) => number | undefined,
  isGarbage: (index: number) => boolean,
  patience: Patience,
): Promise<void> {
  let after: string | undefined;
  for (let more = true; more;) {
    const page = await patience.insist((signal) =>
      store.list({ prefix, after, limit: batchMax, purpose: 'journal', signal }),
    );
    const ours = page.keys.filter(({ key }) => indexOf(key) !== undefined);
    const garbage = ours.filter(({ key }) => isGarbage(indexOf(key) as number)).map(({ key }) => key);
    if (garbage.length > 0) await deleteAll(store, garbage, patience);
    after = page.keys.at(-1)?.key;
    more = page.more && garbage.length === ours.length && after !== undefined;
  }
}

async function deleteAll(store: RecordPlace['store'], keys: readonly string[], patience: Patience): Promise<void> {
  const { failed } = await patience.until(store.delete(keys, { purpose: 'journal' }));
  const first = failed[0];
  if (first === undefined) return;
  throw qanatError(
    'STORE_UNAVAILABLE',
    `${failed.length} of ${keys.length} collected objects could not be deleted; the first is ${first.key}`,
    { operation: 'delete', key: first.key },
    { cause: first.cause },
  );
}
