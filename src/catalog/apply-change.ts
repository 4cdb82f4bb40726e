// What a record does to the state: the one place where it changes. Every replica calls applyRecord with the same
// records in the same order and arrives at the same state, or finds out that it did not.
//
// - A change is judged on the state as the changes before it left it; it is applied whole, or void and changes nothing.
// - Nothing here looks at a clock, draws a number, waits, or throws because of what a change says. Only what this
//   package cannot understand (FORMAT_UNSUPPORTED) or must not believe (OBJECT_CORRUPT) throws, with nothing changed.
// - A record is applied at most once (I14): a repeated one is answered from what its writer's entry keeps (R5).
import { equalBytes } from '../base/bytes.ts';
import { qanatError } from '../model/errors.ts';
import { commit, judgeCommit } from './apply-commit.ts';
import { deleteKv, judgeKvDelete, judgeKvPut, putKv } from './apply-kv.ts';
import { fence, forgetNode, recovered, register } from './apply-node.ts';
import { judgeFence, judgeForgetNode, judgeRecovered, judgeRegister, judgeRules } from './apply-node.ts';
import { judgeStreamChange, streamChange } from './apply-stream.ts';
import type { CatalogChange, Change, ChangeRecord, Verdict } from './change.ts';
import { isId, isKnownKind, isWellShaped, isWriter } from './change-shape.ts';
import { nextDigest } from './digest.ts';
import type { EpochEntry } from './node-table.ts';
import type { ObjectState } from './object-table.ts';
import { rulesVersion, type CatalogState } from './state.ts';
import { applies, settle, voids, type Tell } from './verdict.ts';

/**
 * Applies the next record to the state and gives the verdicts on its changes, in order. Throws OBJECT_CORRUPT if the
 * record does not follow this state, and FORMAT_UNSUPPORTED if it holds a kind of change, or follows rules, that this
 * package does not know; the state is then as it was. `effects` is told of everything that the record alters.
 */
export function applyRecord(
  state: CatalogState,
  record: ChangeRecord,
  recordBytes: Uint8Array,
  effects?: (change: CatalogChange) => void,
): readonly Verdict[] {
  checkRecord(state, record);
  const verdicts = repeatedVerdicts(state, record) ?? applyChanges(state, record, effects);
  state.tables.objects.forgetRetired((object) => isDecided(state, object));
  state.digest = nextDigest(state.digest, recordBytes, verdicts);
  state.index = record.index;
  return verdicts;
}

/** The verdict that a change would get if it were the next to be applied. Changes nothing: good for failing early. */
export function judgeChange(state: CatalogState, writer: number | string, change: Change): Verdict {
  if (!isWriter(writer) || !isWellShaped(change)) return voids('malformed');
  if (change.kind === 'register') {
    // Only a nonce registers: it has no epoch that could be fenced.
    return typeof writer === 'string' ? judgeRegister(state, change) : voids('malformed');
  }
  if (typeof writer === 'string') return voids('malformed');
  const proposer = state.tables.nodes.epoch(writer);
  if (proposer === undefined || !state.isCurrent(writer)) return voids('fenced', state.newerEpochThan(writer));
  switch (change.kind) {
    case 'fence':
      return judgeFence(state, change);
    case 'commit':
      return judgeCommit(state, proposer, change);
    case 'recovered':
      return judgeRecovered(state, change);
    case 'settle':
      return applies();
    case 'kv-put':
      return judgeKvPut(state, change);
    case 'kv-delete':
      return judgeKvDelete(state, change);
    case 'forget-node':
      return judgeForgetNode(state, change);
    case 'rules':
      return judgeRules(state, change);
    default:
      return judgeStreamChange(state, proposer, change);
  }
}

/** Does what a change says, after it was judged to apply. */
function mutate(state: CatalogState, writer: number | string, change: Change, tell: Tell): void {
  switch (change.kind) {
    case 'register':
      return register(state, writer as string, change, tell);
    case 'fence':
      return fence(state, change, tell);
    case 'commit':
      return commit(state, writer as number, change, tell);
    case 'recovered':
      return recovered(state, change, tell);
    case 'settle':
      return settle(state.tables.nodes.epoch(writer as number) as EpochEntry, change.settledBelow);
    case 'kv-put':
      return putKv(state, change, tell);
    case 'kv-delete':
      return deleteKv(state, change, tell);
    case 'forget-node':
      return forgetNode(state, change, tell);
    case 'rules':
      state.rules = change.rules;
      return;
    default:
      return streamChange(state, writer as number, change, tell);
  }
}

function checkRecord(state: CatalogState, record: ChangeRecord): void {
  const key = `journal/${record.index}`;
  if (state.rules > rulesVersion) {
    const message = `the cluster follows rules ${state.rules}; this package knows rules up to ${rulesVersion}`;
    throw qanatError('FORMAT_UNSUPPORTED', message, { key, found: state.rules, supported: rulesVersion });
  }
  if (record.index !== state.index + 1)
    throw qanatError('OBJECT_CORRUPT', `record ${record.index} does not follow ${state.index}`, { key, position: 0 });
  if (!equalBytes(record.previousDigest, state.digest)) {
    const message = `record ${record.index} was written after another history than this replica's`;
    throw qanatError('OBJECT_CORRUPT', message, { key, position: 0 });
  }
  for (const change of record.changes) {
    if (isKnownKind(change)) continue;
    const message = `record ${record.index} holds a change of the unknown kind '${change.kind}'`;
    throw qanatError('FORMAT_UNSUPPORTED', message, { key, found: change.kind, supported: rulesVersion });
  }
}

/**
 * What a record is answered whose writer has already had one with its number, or a higher one, applied. The verdicts
 * kept are those of the last record: a writer has one under way at a time (J4), so nobody asks for an earlier one.
 */
function repeatedVerdicts(state: CatalogState, { writer, number }: ChangeRecord): readonly Verdict[] | undefined {
  const last = state.writer(writer);
  return last !== undefined && number <= last.number ? last.verdicts : undefined;
}

function applyChanges(state: CatalogState, record: ChangeRecord, tell: Tell): readonly Verdict[] {
  const { writer, number, changes } = record;
  const { nodes } = state.tables;
  // A nonce signs one record with one change, so that its entry in the state stands for one epoch.
  const isSound = isId(number) && (typeof writer === 'number' || changes.length === 1);
  const wasKnown = typeof writer === 'string' || nodes.epoch(writer) !== undefined;
  const verdicts = changes.map((change) => {
    const verdict = isSound ? judgeChange(state, writer, change) : voids('malformed');
    if (verdict.applied) mutate(state, writer, change, tell);
    return verdict;
  });
  if (isSound && wasKnown && keepsWriter(state, record)) nodes.writers.set(writer, { number, verdicts });
  return verdicts;
}

/** Whether a writer may still ask: its epoch is live or owed, or has closed itself with this record. */
function keepsWriter(state: CatalogState, { writer, index }: ChangeRecord): boolean {
  const { nodes } = state.tables;
  const epoch = typeof writer === 'number' ? writer : index;
  return (
    nodes.epoch(epoch) !== undefined || (typeof writer === 'number' && nodes.ofEpoch(epoch)?.closedEpoch === epoch)
  );
}

/** Whether no change can ever name this object again (S5). */
function isDecided(state: CatalogState, { family, writerEpoch, sequence }: ObjectState): boolean {
  const epoch = state.epoch(writerEpoch);
  return epoch === undefined || sequence < (family === 'wal' ? epoch.released : epoch.settledBelow);
}
