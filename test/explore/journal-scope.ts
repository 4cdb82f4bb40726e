// Small scopes of the journal on an object store: writers that append one record each until it stands, collectors that
// snapshot twice and collect, a reader. The real ObjectJournal, its requests in every order.
//
// What must be true is judged against the history as the store saw it: the first record created at each index. There is
// one record at an index above the floor; an answer to an append is the truth; a run that was read is the history, and
// a run that ends shows all that was acknowledged before it was asked for; the root goes forward and names snapshots
// that are the history; nothing is deleted that may still be needed (J1 to J7).
import assert from 'node:assert/strict';
import { decodeJournalRoot, encodeJournalRoot, type JournalRoot } from '../../src/format/journal-root.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { recordIndexOf, recordKey, rootKey, snapshotKey } from '../../src/journal/journal-key.ts';
import { isNotBehind } from '../../src/journal/next-root.ts';
import { ObjectJournal } from '../../src/journal/object-journal.ts';
import { JournalReplica, recordOf, textOf as nameOf } from '../../src/testkit/journal-replica.ts';
import { createHash } from 'node:crypto';
import { bytesOf, ExploredClient, type Seams } from './explored-client.ts';
import type { Exploration, Whole } from './search.ts';
import { Worlds, type Request, type World } from './small-world.ts';

export interface JournalScope {
  readonly writers: readonly string[];
  readonly collectors: readonly string[];
  readonly reader: boolean;
  readonly faults: number;
  readonly switches: number;
}

const clusterId = '0123456789abcdef'.repeat(2);
const rootAt = rootKey(clusterId);

/** Runs of two records are read one request after the other. */
const runLength = 2;

/** What the judge keeps in mind: the highest index acknowledged, and what each reading client must see. */
interface Notes {
  readonly acknowledged: number;
  readonly known: Readonly<Record<string, number>>;
}

export function journalExploration({ writers, collectors, reader, faults, switches }: JournalScope): Exploration {
  const worlds = new Worlds(historyAfter);
  const names = ['P', ...writers, ...collectors, ...(reader ? ['R'] : [])];
  const programOf = (name: string): ((seams: Seams) => Promise<void>) => {
    if (name === 'P') return begin;
    if (writers.includes(name)) return write(name);
    return collectors.includes(name) ? collect(name) : read;
  };
  return {
    worlds,
    clients: names.map((name) => new ExploredClient(name, worlds, programOf(name))),
    notes: JSON.stringify({ acknowledged: 1, known: {} } satisfies Notes),
    faults,
    switches,
    canBeLost: isDecisive,
    canBeDoubled: isDecisive,
    judge: (whole, index) => judge(whole, index, names[index] as string),
    judgeEnd: (whole) => Promise.resolve(judgeEnd(whole, writers)),
  };
}

/** Creates of records and replacements of the root: what they were answered is what all turns on. */
function isDecisive(request: Request): boolean {
  return request.op === 'put' && (recordIndexOf(request.key) !== undefined || request.key === rootAt);
}

/** Record 1 exists, with a snapshot of it. */
async function begin({ store, tell }: Seams): Promise<void> {
  const first = recordOf('P1');
  const snapshots = [{ index: 1, digest: sha256('P1'), sizeBytes: 2 }];
  const root = encodeJournalRoot({ clusterId, floor: 0, snapshots, nonce: 'P' });
  await store.put(snapshotKey(clusterId, 1, sha256('P1')), first, { purpose: 'snapshot' });
  await store.put(rootAt, root, { purpose: 'journal' });
  await store.put(recordKey(clusterId, 1), first, { purpose: 'journal' });
  tell({ what: 'ready' });
}

/** A client that has opened the journal, applied record 1 and looked behind the end. */
async function openReplica({ store, runtime, tell }: Seams): Promise<JournalReplica> {
  const journal = await ObjectJournal.open({ store, clusterId, runtime });
  await journal.read(2, 8);
  tell({ what: 'ready' });
  const replica = new JournalReplica(outspoken(journal, tell), runLength);
  replica.history = ['P1'];
  return replica;
}

const write =
  (name: string) =>
  async (seams: Seams): Promise<void> => {
    const replica = await openReplica(seams);
    await replica.append(`${name}1`);
    seams.tell({ what: 'history', history: replica.history });
  };

const collect =
  (name: string) =>
  async (seams: Seams): Promise<void> => {
    const replica = await openReplica(seams);
    const snapshotOf = (index: number): Uint8Array => recordOf(replica.history.slice(0, index).join('\n'));
    await replica.sync();
    if (replica.index < 2) return;
    await replica.journal.saveSnapshot(2, snapshotOf(2));
    if (replica.index < 3) await replica.append(`${name}1`);
    await replica.journal.saveSnapshot(3, snapshotOf(3));
    await replica.journal.truncate(3);
    seams.tell({ what: 'history', history: replica.history });
  };

async function read(seams: Seams): Promise<void> {
  const replica = await openReplica(seams);
  await replica.sync();
  await replica.sync(); // Begun later: it must show what was acknowledged since.
  seams.tell({ what: 'history', history: replica.history });
}

/** The journal, saying what it was asked and what it answered. */
function outspoken(journal: Journal, tell: Seams['tell']): Journal {
  return {
    append: async (index, bytes) => {
      const verdict = await journal.append(index, bytes);
      tell({ what: 'verdict', index, text: nameOf(bytes), verdict });
      return verdict;
    },
    read: async (from, limit) => {
      tell({ what: 'asked' });
      const run = await journal.read(from, limit);
      if (run === 'collected') tell({ what: 'collected', from });
      else tell({ what: 'run', from, limit, texts: run.records.map(nameOf) });
      return run;
    },
    snapshots: () => journal.snapshots(),
    saveSnapshot: (index, bytes) => journal.saveSnapshot(index, bytes),
    truncate: (upTo) => journal.truncate(upTo),
    close: () => journal.close(),
  };
}

function rootOf({ values }: Pick<World, 'values'>): JournalRoot | undefined {
  const value = values.get(rootAt);
  return value === undefined ? undefined : decodeJournalRoot(bytesOf(value), { key: rootAt });
}

const historyOf = ({ past }: Pick<World, 'past'>): readonly string[] => (past === '' ? [] : past.split('\n'));

/** Keeps the first record created at each index; what a request must not do is found here. */
function historyAfter(before: World, request: Request, after: Pick<World, 'values' | 'records'>): string {
  const history = [...historyOf(before)];
  const root = rootOf(before);
  if (request.op === 'put' && after.values.get(request.key) !== before.values.get(request.key)) {
    const index = recordIndexOf(request.key);
    if (index !== undefined && index > (root?.floor ?? 0)) {
      assert.equal(history[index - 1], undefined, `a second record is created at ${index}, above the floor`);
      assert.equal(history.length, index - 1, `a record is created at ${index}, and the one before is missing`);
      history[index - 1] = request.body;
    }
    if (request.key === rootAt) checkRoot(root, rootOf(after) as JournalRoot, after, history);
  }
  if (request.op === 'delete')
    for (const key of request.keys) {
      assert.ok((recordIndexOf(key) ?? 0) <= (root?.floor ?? 0), 'a record is deleted above the floor');
      const isNamed = root?.snapshots.some(({ index, digest }) => snapshotKey(clusterId, index, digest) === key);
      assert.ok(isNamed !== true, 'a snapshot is deleted while the root names it');
    }
  return history.join('\n');
}

function checkRoot(
  before: JournalRoot | undefined,
  root: JournalRoot,
  { values }: Pick<World, 'values'>,
  history: readonly string[],
): void {
  assert.ok(before === undefined || isNotBehind(root, before), 'the root moves back');
  if (before === undefined) return;
  assert.ok(root.floor <= (root.snapshots[1]?.index ?? 0), 'the floor passes the older snapshot');
  for (const { index, digest } of root.snapshots) {
    const snapshot = values.get(snapshotKey(clusterId, index, digest));
    assert.ok(snapshot !== undefined, `the root names a snapshot at ${index} that does not exist`);
    assert.equal(snapshot, history.slice(0, index).join('\n'), `the snapshot at ${index} is the history`);
  }
}

function judge({ world, clients, notes: text }: Whole, index: number, name: string): string {
  let notes = JSON.parse(text) as Notes;
  const history = historyOf(world);
  const floor = rootOf(world)?.floor ?? 0;
  for (const event of clients[index]?.events ?? []) {
    const { what, from, texts, limit } = event as unknown as {
      what: string;
      from: number;
      texts: string[];
      limit: number;
    };
    if (what === 'broke') assert.fail(`${name}: ${String(event['message'])}`);
    if (what === 'history') {
      const seen = event['history'] as string[];
      assert.deepEqual(seen, history.slice(0, seen.length), `what ${name} has applied is a prefix of the history`);
    }
    if (what === 'verdict') {
      const { verdict, text: record, index: at } = event as unknown as { verdict: string; text: string; index: number };
      if (verdict === 'collected') assert.ok(at <= floor, `${at} is collected above the floor`);
      else assert.equal(verdict === 'appended', history[at - 1] === record, `append of ${record} at ${at}: ${verdict}`);
      if (verdict === 'appended') notes = { ...notes, acknowledged: Math.max(notes.acknowledged, at) };
    }
    if (what === 'asked') notes = { ...notes, known: { ...notes.known, [name]: notes.acknowledged } };
    if (what === 'collected') assert.ok(from <= floor, `the run from ${from} is collected above the floor`);
    if (what === 'run') {
      const end = from - 1 + texts.length;
      assert.deepEqual(texts, history.slice(from - 1, end), 'a run is the history');
      const known = notes.known[name] ?? 0;
      if (texts.length < limit) assert.ok(end >= known, `a run ends at ${end}; ${known} was acknowledged`);
    }
    if (what === 'run' || what === 'collected') {
      const { [name]: _, ...known } = notes.known;
      notes = { ...notes, known };
    }
  }
  return JSON.stringify(notes);
}

function judgeEnd({ world }: Whole, writers: readonly string[]): void {
  const history = historyOf(world);
  assert.equal(new Set(history).size, history.length, `a record stands twice: ${history.join()}`);
  for (const writer of writers) assert.ok(history.includes(`${writer}1`), `${writer}1 is in the history`);
  const { floor, snapshots } = rootOf(world) as JournalRoot;
  assert.ok(floor === 0 || snapshots.length === 2, 'a floor stands on two snapshots');
  for (let index = floor + 1; index <= history.length; index += 1)
    assert.equal(world.values.get(recordKey(clusterId, index)), history[index - 1], `record ${index} can be read`);
}

function sha256(text: string): Uint8Array {
  return new Uint8Array(createHash('sha256').update(text).digest());
}
