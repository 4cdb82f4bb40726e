// Changes of the small key-value store. A condition names the version that must stand; 0 stands for absence.
import type { KvDeleteChange, KvPutChange, Verdict } from './change.ts';
import type { CatalogState } from './state.ts';
import { applies, voids, type Tell } from './verdict.ts';

export function judgeKvPut(state: CatalogState, change: KvPutChange): Verdict {
  const version = state.kv(change.key)?.version ?? 0;
  return (change.ifVersion ?? version) === version ? applies(state.kvVersion + 1) : voids('conflict', version);
}

export function putKv(state: CatalogState, change: KvPutChange, tell: Tell): void {
  // A copy: the bytes of a decoded record may be a view that would keep the whole record in memory.
  const version = state.tables.kv.put(change.key, new Uint8Array(change.value));
  tell?.({ index: state.index + 1, of: 'kv', what: 'put', key: change.key, version });
}

export function judgeKvDelete(state: CatalogState, change: KvDeleteChange): Verdict {
  const version = state.kv(change.key)?.version ?? 0;
  if ((change.ifVersion ?? version) !== version) return voids('conflict', version);
  return version === 0 ? voids('not-found') : applies();
}

export function deleteKv(state: CatalogState, change: KvDeleteChange, tell: Tell): void {
  const version = state.kv(change.key)?.version ?? 0;
  state.tables.kv.delete(change.key);
  tell?.({ index: state.index + 1, of: 'kv', what: 'deleted', key: change.key, version });
}
