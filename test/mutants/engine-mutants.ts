// The engine with one rule taken out, in as many ways as there are rules that worlds can tell. Each is the real source
// with the lines below changed: a line that is gone fails the run, and this list has to be mended. Of those that the
// scopes and the scripts of the journal also find, the edits stand there.
import { scopeMutants } from '../explore/mutants.ts';
import { mutants as journalMutants } from '../journal/mutants.ts';
import type { SourceEdit } from './source-tree.mjs';

export interface EngineMutant {
  readonly name: string;
  /** The rule that it breaks. */
  readonly breaks: string;
  readonly edits: readonly SourceEdit[];
  /** The verdicts of worlds by which it may be caught: what the rule is there for. */
  readonly verdicts: readonly string[];
  /** Worlds within which it is caught: many times what it took. */
  readonly worlds: number;
  /** Whether `npm test` hunts it. */
  readonly isQuick: boolean;
  /** What catches it where worlds do not, or why nothing can. */
  readonly elsewhere?: string | undefined;
}

type Caught = Omit<EngineMutant, 'name' | 'breaks' | 'edits'>;

function caught(worlds: number, verdicts: string): Caught {
  return { worlds, verdicts: verdicts.split(', '), isQuick: false };
}

function quickly(worlds: number, verdicts: string): Caught {
  return { ...caught(worlds, verdicts), isQuick: true };
}

function elsewhere(what: string): Caught {
  return { worlds: 0, verdicts: [], isQuick: false, elsewhere: what };
}

function one(name: string, breaks: string, by: Caught, file: string, from: string, to: string): EngineMutant {
  return { name, breaks, ...by, edits: [{ file, from, to }] };
}

type Line = readonly [file: string, from: string, to: string];

function many(name: string, breaks: string, by: Caught, ...edits: readonly Line[]): EngineMutant {
  return { name, breaks, ...by, edits: edits.map(([file, from, to]) => ({ file, from, to })) };
}

function ofScopes(name: string, breaks: string, by: Caught): EngineMutant {
  const mutant = scopeMutants.find((other) => other.name === name);
  if (mutant === undefined) throw new Error(`there is no mutant ${name} of the scopes`);
  return { name, breaks, ...by, edits: mutant.edits };
}

function ofJournal(name: string, breaks: string, by: Caught): EngineMutant {
  const mutant = journalMutants.find((other) => other.name === name);
  if (mutant === undefined) throw new Error(`there is no mutant ${name} of the journal`);
  return { name, breaks, ...by, edits: mutant.edits.map((edit) => ({ ...edit, file: `journal/${edit.file}` })) };
}

const commit = 'catalog/apply-commit.ts';
const applyStream = 'catalog/apply-stream.ts';
const fileWriter = 'wal/file-wal-writer.ts';
const fileSeal = 'wal/file-wal-seal.ts';
const appendPath = 'stream/append-path.ts';
const liveSegments = 'stream/live-segments.ts';
const uploader = 'upload/uploader.ts';

export const engineMutants: readonly EngineMutant[] = [
  ofScopes('released-read-before-the-fence', 'W1', quickly(100, 'lost, surprise, unavailable')),
  ofScopes('recovered-counts-twice', 'W2', elsewhere('the scope `seal-one-segment`')),
  ofScopes('one-node-slot', 'R2', caught(200, 'lost, overwritten, surprise')),
  ofScopes('acknowledge-out-of-order', 'W7', caught(200, 'lost, surprise')),
  ofScopes('exists-is-stored', 'W6', quickly(200, 'lost, overwritten')),
  ofScopes('a-seal-means-none', 'W4', caught(3000, 'aborted-read')),
  ofScopes('seal-without-condition', 'W3', caught(1500, 'overwritten, lost')),
  many(
    'follower-across-a-gap',
    'W8, R13',
    caught(3000, 'overwritten, gap, surprise'),
    [liveSegments, `for (let width = 1; ;`, `for (let width = 4; ;`],
    [
      liveSegments,
      `if (typeof slot.value === 'string') return;
        this.#takeIn`,
      `if (typeof slot.value === 'string') {
          if (slots.every((other) => other.status === 'fulfilled' && typeof other.value === 'string')) return;
          position += 1;
          continue;
        }
        this.#takeIn`,
    ],
    [liveSegments, `followed.scannedTo !== sequence) continue;`, `followed.scannedTo > sequence) continue;`],
    [liveSegments, `if (part.startOffset !== endOffset) {`, `if (part.startOffset < 0) {`],
  ),
  ofJournal('no-check-after-the-create', 'R10, J2: the floor check is skipped', caught(200, 'lost, surprise')),
  ofJournal(
    'check-before-the-create',
    'R10, J2: the floor check begins before the create has finished',
    caught(2000, 'lost, surprise, hang'),
  ),
  ofJournal('floor-above-the-older-snapshot', 'R9, J5', quickly(50, 'surprise')),
  ofJournal(
    'reader-believes-nothing-there',
    'R11, J7: an empty read is not checked against the floor',
    caught(1000, 'stream, lost, surprise'),
  ),
  ofJournal('reader-never-checks', 'R11, J7', caught(1000, 'stream, surprise, lost')),
  ofJournal('root-put-without-condition', 'J5', quickly(200, 'surprise, unavailable')),
  one(
    'register-before-the-seal',
    'W1, W5',
    caught(1500, 'lost, overwritten'),
    'wal/object-wal-seal.ts',
    `return (await this.#slots.createSeal(position)) ? 'sealed' : 'again';`,
    `void this.#slots.createSeal(position).catch(() => {});
    return 'sealed';`,
  ),
  one(
    'no-seal',
    'W3: recovery seals nothing',
    caught(100, 'lost, overwritten'),
    'wal/object-wal-seal.ts',
    `return (await this.#slots.createSeal(position)) ? 'sealed' : 'again';`,
    `return 'sealed';`,
  ),
  many(
    'a-seal-is-passed-over',
    'W2, W3: recovery reads on behind the seal of another one',
    caught(1000, 'unavailable, aborted-read, lost'),
    [fileSeal, `const known = await this.#readSeal();`, `const known = undefined as End | undefined;`],
    [fileSeal, `const adopted = await this.#writeSeal(end);`, `await this.#writeSeal(end);\n    const adopted = end;`],
  ),
  one(
    'the-last-segment-is-skipped',
    'R1: recovery registers all that is below the seal',
    quickly(50, 'lost, overwritten'),
    'recovery/recover-epoch.ts',
    `return await factory.seal(recoveryContext(options, owed));`,
    `const found = await factory.seal(recoveryContext(options, owed));
    if (found === undefined || found.segments.length === 0) return found;
    return { ...found, sealedAt: found.sealedAt - 1, segments: found.segments.slice(0, -1) };`,
  ),
  one(
    'release-without-from',
    'O2',
    caught(1500, 'surprise, lost'),
    commit,
    `if (change.from !== epoch.released) return voids('position', epoch.released);`,
    ``,
  ),
  one(
    'close-registers-nothing',
    'O1',
    caught(300, 'hang, surprise, unavailable'),
    uploader,
    `const segments = wal.unreleased().filter(({ sequence }) => sequence >= epoch.released);`,
    `const segments =
        streams.length > 0 ? [] : wal.unreleased().filter(({ sequence }) => sequence >= epoch.released);`,
  ),
  one(
    'the-block-index-is-believed',
    'R8: what an object holds of a stream is what the state says',
    elsewhere('nothing, until objects are compacted: the state and the index agree'),
    'stream/reading.ts',
    `if (batch.startOffset >= partEndOffset || !this.#take(batch)) return;`,
    `if (batch.startOffset >= Number.POSITIVE_INFINITY + partEndOffset || !this.#take(batch)) return;`,
  ),
  many(
    'acknowledged-before-the-cache-has-it',
    'P3: what was acknowledged can be read',
    quickly(50, 'surprise'),
    [appendPath, `const kept = stream.tail.add(count, timestamp, bytes);`, `const kept = new Uint8Array(bytes);`],
    [
      appendPath,
      `if (stream.waiters.count > 0) woken.add(stream);`,
      `if (stream.waiters.count > 0) woken.add(stream);
      void this.#options.timers.turn().then(() => stream.tail.add(batch.count, batch.timestamp, batch.bytes));`,
    ],
  ),
  one(
    'acknowledged-before-it-is-stored',
    'R1, I1: an append is acknowledged when it is durable',
    quickly(200, 'overwritten, lost'),
    'wal/object-wal.ts',
    `const outcome = await flight.fly(bytes);`,
    `flight.isStored = true;
      this.#reportStored();
      const outcome = await flight.fly(bytes);`,
  ),
  one(
    'open-steals-a-stream',
    'O3, R7',
    caught(300, 'hang, overwritten, surprise'),
    applyStream,
    `if (state.isOpen(stream)) return voids('owned', stream.ownerEpoch);
  if ((change.expectedEpoch`,
    `if ((change.expectedEpoch`,
  ),
  many(
    'the-stream-epoch-is-not-raised',
    'O4, I13',
    quickly(100, 'stream'),
    [applyStream, `stream.streamEpoch += 1;`, ``],
    [applyStream, `return applies(stream.streamEpoch + 1);`, `return applies(stream.streamEpoch);`],
  ),
  many(
    'a-fenced-change-is-applied',
    'O4, I4',
    caught(3000, 'surprise, unavailable'),
    [
      'catalog/apply-change.ts',
      `if (proposer === undefined || !state.isCurrent(writer)) return`,
      `if (proposer === undefined) return`,
    ],
    [
      'catalog/catalog.ts',
      `if (this.#state.node(this.#node)?.current?.epoch === writer) return undefined;`,
      `if (this.#state.epoch(writer) !== undefined) return undefined;`,
    ],
  ),
  one(
    'a-snapshot-forgets-a-trim',
    'I5: a trim is for ever',
    caught(100, 'rejection, resurrected'),
    'catalog/state-snapshot.ts',
    `...[s.id, s.attributesVersion, s.ownerEpoch, s.streamEpoch, s.startOffset, s.endOffset, s.ranges.length],`,
    `...[s.id, s.attributesVersion, s.ownerEpoch, s.streamEpoch, Math.min(s.startOffset, s.parts.at(0)?.startOffset ?? s.startOffset), s.endOffset, s.ranges.length],`,
  ),
  one(
    'a-trim-is-not-clipped',
    'S6',
    caught(1000, 'surprise'),
    commit,
    `if (endOffset <= stream.startOffset) return false;`,
    ``,
  ),
  one(
    'a-trim-goes-back',
    'I5: a trim is for ever',
    caught(500, 'resurrected, surprise'),
    applyStream,
    `if (change.startOffset <= stream.startOffset) return;`,
    ``,
  ),
  one(
    'an-offset-is-given-twice',
    'I2, I13: the offsets of an append that is under way are given again',
    quickly(50, 'surprise, torn'),
    appendPath,
    `const startOffset = stream.nextOffset;`,
    `const startOffset = stream.durableEndOffset;`,
  ),
  one(
    'unknown-is-told-as-none',
    'W4, R12: what was sent and not answered may be stored',
    quickly(200, 'aborted-read, gap'),
    'wal/segment-flight.ts',
    `const more = { outcome: 'unknown', cause: this.#lastFailure } as const;`,
    `const more = { outcome: 'none', cause: this.#lastFailure } as const;`,
  ),
  one(
    'readers-see-what-is-not-durable',
    'I3',
    caught(300, 'aborted-read, overwritten, lost'),
    'stream/stream-reader.ts',
    `host.openStream(id)?.durableEndOffset`,
    `host.openStream(id)?.nextOffset`,
  ),
  one(
    'deleted-before-the-release-is-applied',
    'W7, I6',
    quickly(200, 'surprise, unavailable'),
    uploader,
    `const verdict = await this.#propose(change, run.objects);`,
    `if (run.objects.every(({ family }) => family !== 'wal')) void this.#options.wal.release(run.to, new Set());
    const verdict = await this.#propose(change, run.objects);`,
  ),
  one(
    'a-segment-is-released-unread',
    'R1: what is released was uploaded',
    quickly(50, 'lost, overwritten'),
    'upload/upload-planner.ts',
    `outputs: yield* planOutputs(run, settings)`,
    `outputs: yield* planOutputs(run.length > 1 ? run.slice(0, -1) : run, settings)`,
  ),
  one(
    'the-owner-file-is-not-looked-for',
    'R12',
    caught(500, 'lost, overwritten'),
    fileWriter,
    `else if (this.#parts.owner.linkCount() > 0) this.#acknowledge(flight);`,
    `else if (this.#parts.owner.linkCount() >= 0) this.#acknowledge(flight);`,
  ),
  one(
    'a-torn-group-is-accepted',
    'R12: only a group that is whole counts',
    caught(3000, 'surprise, phantom, torn, unavailable'),
    'format/wal-group.ts',
    `if (headCrc(bytes.subarray(position, start), framesCrc) !== view.getUint32(position + crcPosition)) return undefined;`,
    `void framesCrc;`,
  ),
  one(
    'nothing-is-synced',
    'R12: a write that is shown is not on the disk yet',
    caught(300, 'lost, overwritten'),
    'wal/file-wal-segments.ts',
    `const file = await this.#files.open(path, 'write-durably');`,
    `const file = await this.#files.open(path, 'read');`,
  ),
  many(
    'a-missing-wal-is-taken-for-an-empty-one',
    'R3',
    quickly(50, 'lost, overwritten'),
    [
      'engine/start-node.ts',
      `if (identity.kind !== 'file' || identity.id !== owed.wal.id)`,
      `if (identity.kind !== 'file' && identity.id === owed.wal.id)`,
    ],
    [
      fileSeal,
      `throw missing(context, directory, 'is not in');`,
      `return { sealedAt: context.released, segmentsAreObjects: false, segments: [], batches: async () => [], close: async () => {} };`,
    ],
  ),
  one(
    'the-seal-decides-alone',
    'W4: of a file WAL the state and the seal decide',
    elsewhere('`walSuite`: what recovery found is not said to be not applied'),
    fileWriter,
    `return number < decodeWalSeal(bytes, this.#origin, { key: path }).number ? 'stored' : 'none';`,
    `return bytes.length > 0 && number >= 0 ? 'stored' : 'none';`,
  ),
  one(
    'a-kv-version-is-given-again',
    'I13: no version stands for two values',
    caught(300, 'key-value, surprise'),
    'catalog/kv-table.ts',
    `this.lastVersion += 1;`,
    `this.lastVersion = (this.get(key)?.version ?? 0) + 1;`,
  ),
  many(
    'a-record-is-applied-twice',
    'I14, R5, J3',
    elsewhere('the tests of the catalog: a record whose index was collected is looked up'),
    [
      'catalog/apply-change.ts',
      `const verdicts = repeatedVerdicts(state, record) ?? applyChanges(state, record, effects);`,
      `void repeatedVerdicts;\n  const verdicts = applyChanges(state, record, effects);`,
    ],
    [
      'catalog/catalog.ts',
      `if (entry !== undefined && entry.number >= number) {`,
      `if (entry !== undefined && entry.number >= number && this.#closed) {`,
    ],
  ),
  one(
    'a-state-behind-is-believed',
    'P3: a sync is as new as its call',
    caught(200, 'stream, key-value'),
    'catalog/catalog.ts',
    `      await this.#catchUp();
      for (const { resolve } of syncers) resolve(this.#state.index);`,
    `      if (this.#state.index === 0) await this.#catchUp();
      for (const { resolve } of syncers) resolve(this.#state.index);`,
  ),
  one(
    'an-unknown-record-is-forgotten',
    'J1, J2: a record of unknown outcome comes before anything else',
    caught(200, 'surprise, lost'),
    'catalog/catalog.ts',
    `if (this.#unresolved !== undefined) await this.#resolveOldRecord(this.#unresolved);`,
    `this.#unresolved = undefined;`,
  ),
  one(
    'a-segment-is-taken-for-a-seal',
    'W3: who finds the slot of its seal filled reads what stands there',
    caught(500, 'lost, overwritten'),
    'wal/object-wal-slots.ts',
    `return outcome === 'stored' || (await this.read(sequence)) === 'seal';`,
    `return outcome === 'stored' || true || (await this.read(sequence)) === 'seal';`,
  ),
  one(
    'an-object-is-dated-by-its-first-batch',
    'P15',
    caught(3000, 'misdated'),
    'stream/time-lookup.ts',
    `if (batch.startOffset >= partEndOffset) return undefined;
      if (isLateEnough(batch, timestamp)) return batch.startOffset;`,
    `if (batch.startOffset >= partEndOffset) return undefined;
      return batch.startOffset;`,
  ),
];
