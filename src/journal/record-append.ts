// Appending one record to an object journal (J2).
//
//   create journal/<n> if-absent ──── stored ─────────────► GET root ──► collected | appended
//        │  ▲                                                  ▲
//        │  └─────────────── nothing there, above the floor ───┤
//        ├── exists, and no earlier attempt ► taken            │
//        └── anything else ─────────────────► GET journal/<n> ─┘ ─────► collected | appended | taken
//
// - The GET of the root starts after the answer to the create, or after the record was read: only then does a floor
//   below the index prove that what was seen at the index is no ghost.
// - An index at or below the floor is 'collected', whatever was read there.
// - An empty slot above the floor is never "not appended": the earlier attempt may still land, so the same bytes are
//   sent again.
// - A put is never cut short. An append that is given up while one may still land leaves its index in `unresolved`, so
//   that the next attempt at it does not mistake itself for the only one.
import { equalBytes } from '../base/bytes.ts';
import { isQanatError, qanatError, type QanatError } from '../model/errors.ts';
import type { ObjectStore } from '../store/object-store.ts';
import type { AppendVerdict } from './journal.ts';
import { recordKey } from './journal-key.ts';
import { isPassing, type Patience } from './patience.ts';
import type { RootFile } from './root-file.ts';

/** What appending and reading work on. */
export interface RecordPlace {
  readonly store: ObjectStore;
  readonly clusterId: string;
  readonly root: RootFile;
}

/** One record on its way to its index. */
export interface RecordToAppend {
  readonly index: number;
  readonly bytes: Uint8Array;
  /** Indexes at which an attempt of this journal object may still land. */
  readonly unresolved: Set<number>;
}

/** What stands at an index, as its would-be writer sees it. */
export type FoundRecord = 'own' | 'other' | 'nothing';

/** The verdict on what was found at `index`, given a floor that was read later; undefined: send it again. */
export function judgeFound(index: number, found: FoundRecord, floor: number): AppendVerdict | undefined {
  if (index <= floor) return 'collected';
  if (found === 'own') return 'appended';
  if (found === 'other') return 'taken';
  return undefined;
}

/** Appends the record, or throws: outcome 'none' if certainly nothing was written, otherwise 'unknown'. */
export async function appendRecord(
  place: RecordPlace,
  record: RecordToAppend,
  patience: Patience,
): Promise<AppendVerdict> {
  const { index, unresolved } = record;
  try {
    const verdict = await reachVerdict(place, record, patience);
    unresolved.delete(index);
    return verdict;
  } catch (cause) {
    if (unresolved.has(index)) throw unknownOutcome(cause, recordKey(place.clusterId, index));
    throw cause;
  }
}

async function reachVerdict(place: RecordPlace, record: RecordToAppend, patience: Patience): Promise<AppendVerdict> {
  const { index } = record;
  for (;;) {
    // Nothing is created where it could only be a ghost.
    if (index <= place.root.floorSeen) return 'collected';
    const onlyAttempt = !record.unresolved.has(index);
    const created = await create(place, record, patience);
    if (created === 'exists' && onlyAttempt) return 'taken';
    if (created !== 'refused' || !onlyAttempt) {
      const found = created === 'stored' ? 'own' : await find(place, record, patience);
      const { floor } = await place.root.read(patience);
      const verdict = judgeFound(index, found, floor);
      if (verdict !== undefined) return verdict;
    }
    await patience.pause();
  }
}

/** One attempt. 'refused': the store threw, so this attempt has certainly written nothing. */
async function create(
  { store, clusterId }: RecordPlace,
  { index, bytes, unresolved }: RecordToAppend,
  patience: Patience,
): Promise<'stored' | 'exists' | 'unknown' | 'refused'> {
  const onlyAttempt = !unresolved.has(index);
  unresolved.add(index);
  const attempt = store.put(recordKey(clusterId, index), bytes, { if: 'absent', purpose: 'journal' }).then(
    ({ outcome }) => ({ outcome, cause: undefined }),
    (cause: unknown) => ({ outcome: 'refused' as const, cause }),
  );
  const { outcome, cause } = await patience.until(attempt);
  if (outcome === 'stored' || outcome === 'unknown') return outcome;
  if (outcome === 'exists' || outcome === 'changed') return 'exists';
  if (onlyAttempt) unresolved.delete(index);
  if (!isPassing(cause)) throw cause;
  return 'refused';
}

async function find(
  { store, clusterId }: RecordPlace,
  { index, bytes }: RecordToAppend,
  patience: Patience,
): Promise<FoundRecord> {
  const key = recordKey(clusterId, index);
  const value = await patience.insist((signal) => store.get(key, { purpose: 'journal', signal }));
  if (value === 'missing' || value === 'not-modified') return 'nothing';
  return equalBytes(value.bytes, bytes) ? 'own' : 'other';
}

/** The same error saying that the record may stand; a reason that is no error of ours becomes the cause of one. */
function unknownOutcome(cause: unknown, key: string): Error {
  if (isQanatError(cause) && cause.code !== 'STORE_UNAVAILABLE') return outcomeUnknown(cause);
  if (cause instanceof Error && cause.name === 'InvariantError') return cause;
  return qanatError(
    'STORE_UNAVAILABLE',
    `whether the record ${key} was appended is not known yet; append the same bytes again to learn it`,
    { operation: 'append', key },
    { outcome: 'unknown', cause },
  );
}

function outcomeUnknown(error: QanatError): Error {
  return qanatError(error.code, error.message, error, { outcome: 'unknown', action: error.action, cause: error });
}
