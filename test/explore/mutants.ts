// What the scopes must find: the engine with one rule taken out, as the models had it that showed why the rule is there.
import { mutants as journalMutants } from '../journal/mutants.ts';
import type { SourceEdit } from '../mutants/mutated-source.ts';

export interface ScopeMutant {
  readonly name: string;
  /** The rule that it breaks. */
  readonly breaks: string;
  readonly edits: readonly SourceEdit[];
  /** The scope that finds it. */
  readonly scope: string;
}

/** A mutant of the journal, which is also caught by scripts. */
function ofJournal(name: string, scope: string): ScopeMutant {
  const mutant = journalMutants.find((other) => other.name === name);
  if (mutant === undefined) throw new Error(`there is no mutant ${name} of the journal`);
  const edits = mutant.edits.map((edit) => ({ ...edit, file: `journal/${edit.file}` }));
  return { name, breaks: mutant.breaks, edits, scope };
}

const firstStored = `this.#flights.find(({ isStored }) => isStored)`;

export const scopeMutants: readonly ScopeMutant[] = [
  ofJournal('no-check-after-the-create', 'journal-two-writers'),
  ofJournal('check-before-the-create', 'journal-two-writers'),
  {
    name: 'floor-above-the-older-snapshot',
    breaks: 'R9: the floor stays at or below the older of two snapshots',
    edits: [
      ...ofJournal('floor-above-the-older-snapshot', '').edits,
      {
        file: 'journal/next-root.ts',
        from: `assert(after.floor <= olderIndex(after), 'the floor of a journal never passes the older snapshot');`,
        to: ``,
      },
    ],
    scope: 'journal-two-writers',
  },
  ofJournal('reader-believes-nothing-there', 'journal-reader'),
  {
    name: 'released-read-before-the-fence',
    breaks: 'W1',
    edits: [
      { file: 'recovery/recover-epoch.ts', from: `released: owed.released,`, to: `released: 0,` },
      { file: 'recovery/recover-epoch.ts', from: `{ released: now.released }`, to: `{ released: 0 }` },
    ],
    scope: 'upload-fault',
  },
  {
    name: 'recovered-counts-twice',
    breaks: 'W2',
    edits: [
      {
        file: 'catalog/apply-node.ts',
        from: `sealedAt !== undefined ? voids('recovered', sealedAt) :`,
        to: `sealedAt !== undefined ? applies() :`,
      },
      {
        file: 'catalog/apply-node.ts',
        from: `finishRecovery(state, node, change, change.givenUp === true, tell);`,
        to: `if (node.unrecovered === undefined) return state.tables.nodes.ledger.seal(change.epoch, change.sealedAt);
  finishRecovery(state, node, change, change.givenUp === true, tell);`,
      },
      {
        file: 'catalog/node-table.ts',
        from: `assert(at >= 0 && Number.isNaN(this.#columns[at + 2]), 'an epoch is sealed once');`,
        to: ``,
      },
    ],
    scope: 'seal-one-segment',
  },
  {
    name: 'one-node-slot',
    breaks: 'R2: one slot per node, without `unrecovered`',
    edits: [
      {
        file: 'catalog/apply-node.ts',
        from: `if (epoch.status === 'recovering') {
    nodes.end(node, 'current');
    return;
  }`,
        to: `if (node.unrecovered !== undefined) nodes.end(node, 'unrecovered');`,
      },
    ],
    scope: 'start-two',
  },
  {
    name: 'acknowledge-out-of-order',
    breaks: 'W7',
    edits: [
      {
        file: 'wal/object-wal.ts',
        from: `for (let first = this.#flights[0]; first?.isStored; first = this.#flights[0]) {
      this.#flights.shift();`,
        to: `for (let first = ${firstStored}; first !== undefined; first = ${firstStored}) {
      this.#flights.splice(this.#flights.indexOf(first), 1);`,
      },
      {
        file: 'wal/object-wal.ts',
        from: `assert(segment.sequence === this.#reportedSegments, 'segments are reported in the order of their sequences');`,
        to: ``,
      },
    ],
    scope: 'seal-fault',
  },
  {
    name: 'exists-is-stored',
    breaks: 'W6: a slot that is taken is looked at',
    edits: [{ file: 'wal/segment-flight.ts', from: `return this.#whatStands(bytes);`, to: `return 'stored';` }],
    scope: 'seal-one-segment',
  },
  {
    name: 'a-seal-means-none',
    breaks: 'W4: what became of an append is decided by the state',
    edits: [
      { file: 'wal/object-wal.ts', from: `const sealedAt = await this.#askSealedAt();`, to: `const sealedAt = 0;` },
    ],
    scope: 'seal-fault',
  },
  {
    name: 'seal-without-condition',
    breaks: 'W3: a slot is filled once',
    edits: [
      {
        file: 'wal/object-wal-slots.ts',
        from: `{ if: 'absent', purpose: 'recovery' } as const`,
        to: `{ purpose: 'recovery' } as const`,
      },
    ],
    scope: 'seal-one-segment',
  },
  {
    name: 'follower-across-a-gap',
    breaks: 'W8, R13',
    edits: [
      {
        file: 'stream/live-segments.ts',
        from: `if (typeof slot.value === 'string') return;
        this.#takeIn`,
        to: `if (typeof slot.value === 'string') {
          if (position > 2) return;
          position += 1;
          continue;
        }
        this.#takeIn`,
      },
      {
        file: 'stream/live-segments.ts',
        from: `followed.scannedTo !== sequence) continue;`,
        to: `followed.scannedTo > sequence) continue;`,
      },
      {
        file: 'stream/live-segments.ts',
        from: `if (part.startOffset !== endOffset) {`,
        to: `if (part.startOffset < 0) {`,
      },
    ],
    scope: 'live-reader',
  },
];
