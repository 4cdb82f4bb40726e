// The journal that lies in the store beside the objects. It is begun where there is none yet, but never beside what
// belongs to another cluster: a cluster file that was restored from elsewhere is no beginning of a new history.
import { isQanatError, qanatError } from '../model/errors.ts';
import { clusterFileKey, clusterPrefix } from '../model/object-key.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { ObjectJournal, type ObjectJournalOptions } from '../journal/object-journal.ts';
import { firstKeys } from './other-keys.ts';

/** Opens the journal of a cluster; with `create`, begins it if the store holds nothing but the cluster file. */
export async function openOwnJournal(options: ObjectJournalOptions, create: boolean): Promise<ObjectJournal> {
  try {
    return await ObjectJournal.open({ ...options, create: false });
  } catch (cause) {
    if (!create || !isQanatError(cause, 'STORE_UNSUITABLE')) throw cause;
  }
  await checkNothingElse(options.store, options.clusterId, options.signal);
  return ObjectJournal.open({ ...options, create: true });
}

async function checkNothingElse(store: ObjectStore, clusterId: string, signal?: AbortSignal): Promise<void> {
  const isOurs = (key: string): boolean => key === clusterFileKey || key.startsWith(clusterPrefix(clusterId));
  const foreign = (await firstKeys(store, 2, signal)).find((key) => !isOurs(key));
  if (foreign === undefined) return;
  const found = `the store holds no cluster ${clusterId}, but other keys, such as ${foreign}`;
  const message = `${clusterFileKey} names another cluster: ${found}; restore it, or use an empty store`;
  throw qanatError('OBJECT_CORRUPT', message, { key: clusterFileKey, position: undefined });
}
