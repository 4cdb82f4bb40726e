// Snapshots of the catalog: saved only after what was read back decodes to a sound state, loaded from the newest one
// that is whole. A bad snapshot would be the whole cluster's, so nothing here trusts the bytes it has written.
import { assert } from '../base/assert.ts';
import type { Runtime } from '../base/runtime.ts';
import type { Journal } from '../journal/journal.ts';
import { isQanatError, qanatError } from '../model/errors.ts';
import { emit, type Observer } from '../model/events.ts';
import { checkInSlices } from './invariants.ts';
import { decodeState } from './state-snapshot.ts';
import type { CatalogState } from './state.ts';

/** What keeping snapshots needs. */
export interface SnapshotOptions {
  readonly journal: Journal;
  readonly clusterId: string;
  readonly runtime: Runtime;
  readonly observer: Observer;
}

/** Saves a snapshot, and lets the journal collect what the one before stands for. */
export async function saveSnapshot(options: SnapshotOptions, index: number, bytes: Uint8Array): Promise<void> {
  const { journal, observer } = options;
  await journal.saveSnapshot(index, bytes, { verify: (read) => verify(options, index, read) });
  emit(observer, 'snapshotSaved', { index, sizeBytes: bytes.byteLength });
  await journal.truncate(index);
}

/** The state of the newest snapshot above `index` that is whole. */
export async function loadNewestSnapshot(options: SnapshotOptions, index: number): Promise<CatalogState> {
  let corrupt: unknown;
  for (const snapshot of await options.journal.snapshots()) {
    if (snapshot.index <= index) continue;
    try {
      return await decode(options, snapshot.index, await snapshot.read());
    } catch (cause) {
      if (!isQanatError(cause, 'OBJECT_CORRUPT')) throw cause;
      corrupt = cause; // The older one stands for the same history, if its successors are still there.
    }
  }
  const message = 'the journal was collected and names no snapshot that stands for it';
  throw corrupt ?? qanatError('OBJECT_CORRUPT', message, { key: 'journal/root', position: undefined });
}

async function verify(options: SnapshotOptions, index: number, bytes: Uint8Array): Promise<void> {
  for (const findings of checkInSlices(await decode(options, index, bytes))) {
    assert(findings.length === 0, () => `a snapshot holds an unsound state: ${findings[0]}`);
    await options.runtime.timers.turn();
  }
}

async function decode(options: SnapshotOptions, index: number, bytes: Uint8Array): Promise<CatalogState> {
  const { clusterId, runtime } = options;
  const state = await decodeState(bytes, { key: `journal/snapshot ${index}`, clusterId }, () => runtime.timers.turn());
  assert(state.index === index, 'a snapshot stands at the index it is named by');
  return state;
}
