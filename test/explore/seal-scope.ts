// Small scopes of fencing and recovery: a node with appends under way, others that take over from it at the same time,
// and a sweeper. All are real stream sets over the object WAL; what they share are an object store, and a journal whose
// calls are one atomic step each (that the journal on an object store is as good as that is explored in
// journal-scope.ts). Puts of the victim and of the recoverers may lose their answer, land late, or land twice.
//
// What must be true when all have ended (W1 to W8):
// - What was acknowledged is in the history, at its offset, and can be read by whoever comes next.
// - What was refused with outcome 'none' is not in the history.
// - The epoch is recovered once, and one recoverer at most says that it did it.
// - Every object that the state refers to exists; the history is a prefix of what was appended.
// These are facts that nothing takes back, so that judging them at the end judges them all along.
import assert from 'node:assert/strict';
import { applyRecord } from '../../src/catalog/apply-change.ts';
import type { ChangeRecord } from '../../src/catalog/change.ts';
import { checkProgress, checkState, progressOf } from '../../src/catalog/invariants.ts';
import { CatalogState } from '../../src/catalog/state.ts';
import { StreamSet } from '../../src/engine/stream-set.ts';
import { clusterOfRecord, decodeJournalRecord } from '../../src/format/journal-record.ts';
import { isQanatError } from '../../src/model/errors.ts';
import { epochPrefix, objectKey, sequenceOfKey } from '../../src/model/object-key.ts';
import { bytesOf, ExploredClient, textOf, type ClientEvent, type Seams } from './explored-client.ts';
import type { Exploration, Whole } from './search.ts';
import { Worlds, type Request, type World } from './small-world.ts';

export interface SealScope {
  /** Segments that the victim has under way: one batch each. */
  readonly segments: number;
  /** Whether a segment was acknowledged before, and is being uploaded when it all begins. */
  readonly uploads: boolean;
  /** Other nodes that take over from it: 'B', 'C'. */
  readonly recoverers: readonly string[];
  /** New incarnations of the victim itself, which start at the same time: 'D', 'E'. */
  readonly starters: readonly string[];
  /** Whether those who take over name the incarnation, or mean whatever is current when they look. */
  readonly namesEpoch: boolean;
  /** Who reads on another node, twice, while all this happens: 'V'. */
  readonly readers: readonly string[];
  /** Whether what is garbage may be deleted at any moment. */
  readonly sweeps: boolean;
  readonly faults: number;
  readonly switches: number;
}

const settings = { segmentSizeMinBytes: 1, catalogRefreshMs: 3_600_000 };

export function sealExploration(scope: SealScope): Exploration {
  const { recoverers, starters, readers, namesEpoch, sweeps, faults, switches } = scope;
  const states = new CatalogStates();
  const worlds = new Worlds((before, request, after) => {
    if (request.op === 'append' && after.records !== before.records) states.of(after.records);
    return '';
  });
  const clients = [
    new ExploredClient('A', worlds, victim(scope)),
    ...recoverers.map((name) => new ExploredClient(name, worlds, recoverer(name.toLowerCase(), namesEpoch))),
    ...starters.map((name) => new ExploredClient(name, worlds, starter)),
    ...readers.map((name) => new ExploredClient(name, worlds, liveReader)),
  ];
  const readBack = new Map<number, Promise<readonly string[]>>();
  return {
    worlds,
    clients,
    notes: JSON.stringify([]),
    faults,
    switches,
    canBeLost: isWalPut,
    canBeDoubled: isWalPut,
    others: (world) => (sweeps ? states.garbage(world).map((key): Request => ({ op: 'delete', keys: [key] })) : []),
    judge: (whole, index) => keepInMind(whole, index, clients[index]?.name ?? ''),
    judgeEnd: async (whole) => {
      const { world } = whole;
      let reading = readBack.get(world.id);
      if (reading === undefined) readBack.set(world.id, (reading = readAll(worlds, world)));
      judgeEnd(whole, states.of(world.records), await reading);
    },
  };
}

function isWalPut(request: Request): boolean {
  return request.op === 'put' && request.key.includes('/wal/');
}

/** A node with batches under way: batch n is at offset n. */
const victim =
  ({ segments, uploads }: SealScope) =>
  async ({ store, journal, runtime, tell }: Seams): Promise<void> => {
    const set = await StreamSet.open({ node: 'a', store, journal, runtime, settings });
    const stream = await set.create({ name: 's' });
    if (uploads) {
      await stream.append(batch(0));
      tell({ what: 'acknowledged', offset: 0 });
    }
    tell({ what: 'ready' });
    const uploading = uploads ? set.upload().catch(() => {}) : undefined;
    const first = uploads ? 1 : 0;
    const appends: Promise<void>[] = [];
    for (let offset = first; offset < first + segments; offset += 1) {
      appends.push(
        stream.append(batch(offset)).then(
          ({ startOffset }) => tell({ what: 'acknowledged', offset: startOffset }),
          (cause: unknown) =>
            tell({ what: 'refused', offset, outcome: isQanatError(cause) ? cause.outcome : String(cause) }),
        ),
      );
      for (let turns = 0; turns < 5; turns += 1) await runtime.timers.turn(); // A segment of its own.
    }
    await Promise.all([...appends, uploading]);
  };

/** The victim is the first to register. */
const victimEpoch = 1;

/** Takes over from the victim; where others start, from that incarnation only, or from whichever is current. */
const recoverer =
  (node: string, namesEpoch: boolean) =>
  async ({ store, journal, runtime, tell }: Seams): Promise<void> => {
    const set = await StreamSet.open({ node, store, journal, runtime, settings });
    tell({ what: 'ready' });
    const { alreadyDone } = await set.recover('a', namesEpoch ? { epoch: victimEpoch } : {});
    tell({ what: 'recovered', alreadyDone });
  };

/** The next incarnation of the victim. Of two that start at once the later one fences the earlier. */
async function starter({ store, journal, runtime, tell }: Seams): Promise<void> {
  tell({ what: 'ready' });
  try {
    await StreamSet.open({ node: 'a', store, journal, runtime, settings });
    tell({ what: 'started' });
  } catch (cause) {
    if (!isQanatError(cause, 'NODE_FENCED')) throw cause;
    tell({ what: 'overtaken' });
  }
}

/** Reads what the victim has stored, registered or not, to the end, and then once more. */
async function liveReader({ store, journal, runtime, tell }: Seams): Promise<void> {
  const view = await StreamSet.openReadOnly({ store, journal, runtime, settings });
  const reader = await view.reader('s');
  tell({ what: 'ready' });
  for (let times = 0; times < 2; times += 1) {
    await view.sync();
    for (let offset = 0; offset < reader.endOffset; offset += 1) {
      const { batches } = await reader.read(offset);
      tell({ what: 'seen', offset, texts: batches.map(({ bytes }) => textOf(bytes)) });
    }
  }
}

function batch(offset: number): Uint8Array {
  return bytesOf(`batch ${offset}`);
}

/** All that a client has said that counts in the end. */
function keepInMind({ clients, notes }: Whole, index: number, name: string): string {
  const known = JSON.parse(notes) as ClientEvent[];
  for (const event of clients[index]?.events ?? []) {
    if (event.what === 'broke') assert.fail(`${name} fails: ${String(event['message'])}`);
    if (event.what !== 'ready') known.push({ ...event, by: name });
  }
  return JSON.stringify(known.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)));
}

/** What a client may say, taken together. */
interface Told {
  readonly what: string;
  readonly offset: number;
  readonly outcome: string;
  readonly texts: readonly string[];
  readonly alreadyDone: boolean;
}

function judgeEnd({ world, notes }: Whole, state: CatalogState, history: readonly string[]): void {
  const told = JSON.parse(notes) as Told[];
  history.forEach((text, offset) =>
    assert.equal(text, `batch ${offset}`, 'the history is what was appended, in order'),
  );
  for (const { what, offset, outcome, texts } of told) {
    if (what === 'acknowledged') assert.ok(offset < history.length, `offset ${offset} was acknowledged, and is lost`);
    if (what === 'seen') assert.deepEqual(texts, history.slice(offset, offset + texts.length), 'what was read stays');
    if (what !== 'refused') continue;
    assert.ok(outcome === 'none' || outcome === 'unknown', `offset ${offset} was refused with ${outcome}`);
    if (outcome === 'none') assert.ok(offset >= history.length, `offset ${offset} is in the history, and was denied`);
  }
  const winners = told.filter(({ what, alreadyDone }) => what === 'recovered' && !alreadyDone);
  assert.ok(winners.length <= 1, 'two say that they recovered the epoch');
  const node = state.node('a');
  assert.ok(node?.unrecovered === undefined, 'the epoch is recovered');
  for (const { family, node: writer, writerEpoch, sequence } of state.objects()) {
    const key = objectKey(state.clusterId, { family, node: writer, nodeEpoch: writerEpoch, sequence });
    assert.ok(world.values.has(key), `${key} is referred to, and missing`);
  }
}

/** What a newcomer reads of the stream. */
async function readAll(worlds: Worlds, world: World): Promise<readonly string[]> {
  const texts: string[] = [];
  const reader = new ExploredClient('Z', worlds, async ({ store, journal, runtime, tell }) => {
    const view = await StreamSet.openReadOnly({ store, journal, runtime, settings });
    const stream = await view.reader('s');
    for (let offset = 0; offset < stream.endOffset;) {
      const { batches, nextOffset } = await stream.read(offset);
      for (const { bytes } of batches) texts.push(textOf(bytes));
      assert.ok(nextOffset > offset, 'a read below the end goes on');
      offset = nextOffset;
    }
    tell({ what: 'read' });
  });
  let [state, standing] = [await reader.begin(), world];
  while (!state.isDone) {
    const [pending] = state.pending;
    assert.ok(pending !== undefined, 'a reader waits for nothing');
    const effect = worlds.perform(standing, pending.numbered);
    standing = effect.world;
    state = await reader.goOn(state, pending.number, effect.answer);
  }
  const [end] = state.events;
  assert.equal(end?.what, 'read', `a newcomer cannot read: ${String(end?.['message'])}`);
  return texts;
}

/** The state after each journal that comes up: the real one, checked after every record. */
class CatalogStates {
  /** By the last record, which names all before it by their digest. */
  readonly #states = new Map<string, CatalogState>();
  readonly #garbage = new Map<number, readonly string[]>();

  of(records: readonly string[]): CatalogState {
    const last = records.at(-1) ?? '';
    let state = this.#states.get(last);
    if (state === undefined) this.#states.set(last, (state = replay(records)));
    return state;
  }

  /** Segments and seals that a sweeper may delete: unreferenced, of an epoch that is over, and not its seal (W3). */
  garbage(world: World): readonly string[] {
    let keys = this.#garbage.get(world.id);
    if (keys === undefined) this.#garbage.set(world.id, (keys = garbageOf(world, this.of(world.records))));
    return keys;
  }
}

function replay(records: readonly string[]): CatalogState {
  const clusterId = clusterOfRecord(bytesOf(records[0] as string), { key: 'journal/1' });
  const state = new CatalogState(clusterId);
  const recovered = new Set<number>();
  for (const [i, text] of records.entries()) {
    const bytes = bytesOf(text);
    const record = decodeJournalRecord(bytes, { key: 'journal', clusterId, index: i + 1 }) as unknown as ChangeRecord;
    const earlier = progressOf(state);
    const verdicts = applyRecord(state, record, bytes, undefined);
    const findings = [...checkState(state), ...checkProgress(earlier, state)];
    assert.deepEqual(findings, [], `the state after record ${i + 1}`);
    for (const [n, change] of record.changes.entries()) {
      if (change.kind !== 'recovered' || verdicts[n]?.applied !== true) continue;
      assert.ok(!recovered.has(change.epoch), `epoch ${change.epoch} is recovered twice`);
      recovered.add(change.epoch);
    }
  }
  return state;
}

function garbageOf({ values }: World, state: CatalogState): string[] {
  const garbage: string[] = [];
  for (let epoch = 1; epoch <= state.index; epoch += 1) {
    const sealedAt = state.sealedAt(epoch);
    if (state.nodeOfEpoch(epoch) !== 'a' || !state.isOver(epoch) || sealedAt === undefined) continue;
    const prefix = epochPrefix(state.clusterId, { family: 'wal', node: 'a', nodeEpoch: epoch });
    for (const key of values.keys()) {
      const sequence = key.startsWith(prefix) ? sequenceOfKey(key) : undefined;
      if (sequence === undefined || sequence === sealedAt) continue;
      const object = state.objectByOrigin('wal', epoch, sequence);
      if (object === undefined || object.retiredAt !== undefined) garbage.push(key);
    }
  }
  return garbage;
}
