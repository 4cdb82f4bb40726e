// A journal that the host gives beside a store: the two must belong together. What the store holds means something
// only to the journal it was written with; to any other, all of it is garbage, and to an empty one the cluster would
// begin anew.
import { clusterOfRecord } from '../format/journal-record.ts';
import { decodeSnapshotHead } from '../format/snapshot.ts';
import { isQanatError, qanatError } from '../model/errors.ts';
import { clusterFileKey } from '../model/object-key.ts';
import type { Journal } from '../journal/journal.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { firstKeys } from './other-keys.ts';

/**
 * Refuses the journal of another cluster (STORE_UNSUITABLE), and an empty one beside data (OBJECT_CORRUPT). What it
 * cannot read is left to the catalog, which reads it all.
 */
export async function checkGivenJournal(
  journal: Journal,
  store: ObjectStore,
  clusterId: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const begins = (): Promise<string | undefined> => clusterOf(journal, signal);
  const other = await begins();
  if (other !== undefined) return checkSame(other, clusterId);
  const data = (await firstKeys(store, 2, signal)).find((key) => key !== clusterFileKey);
  if (data === undefined) return;
  // A node writes nothing before it is registered: with what was listed there, its journal is not empty any more.
  const later = await begins();
  if (later !== undefined) return checkSame(later, clusterId);
  const found = `the store holds data, such as ${data}`;
  const message = `the journal is empty, but ${found}; give the journal that it was written with`;
  throw qanatError('OBJECT_CORRUPT', message, { key: 'journal/1', position: undefined });
}

/** The cluster that a journal speaks of; undefined if it is empty. */
async function clusterOf(journal: Journal, signal: AbortSignal | undefined): Promise<string | undefined> {
  try {
    const first = await journal.read(1, 1, { signal });
    if (first !== 'collected') {
      const [bytes] = first.records;
      return bytes === undefined ? undefined : clusterOfRecord(bytes, { key: 'journal/1' });
    }
    const [snapshot] = await journal.snapshots({ signal });
    if (snapshot === undefined) return unreadable;
    return decodeSnapshotHead(await snapshot.read({ signal }), { key: `journal/snapshot ${snapshot.index}` }).clusterId;
  } catch (cause) {
    if (isQanatError(cause, 'OBJECT_CORRUPT') || isQanatError(cause, 'FORMAT_UNSUPPORTED')) return unreadable;
    throw cause;
  }
}

const unreadable = 'unreadable';

function checkSame(found: string, clusterId: string): void {
  if (found === clusterId || found === unreadable) return;
  const problem = `the journal is of cluster ${found}, and the store of cluster ${clusterId}`;
  throw qanatError('STORE_UNSUITABLE', `this store cannot be used: ${problem}`, { problem });
}
