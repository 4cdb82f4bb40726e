// The small scopes, by name: what each is, and whether every run of the tests explores it.
import { journalExploration, type JournalScope } from './journal-scope.ts';
import { sealExploration, type SealScope } from './seal-scope.ts';
import type { Exploration } from './search.ts';

export interface Scope {
  readonly title: string;
  /** Explored by `npm test`; the others take longer, and are for `npm run explore`. */
  readonly isQuick: boolean;
  readonly make: () => Exploration;
}

const journal: JournalScope = { writers: ['A', 'B'], collectors: ['C'], reader: false, faults: 0, switches: Infinity };
const three: JournalScope = { ...journal, writers: ['A', 'B', 'D'], collectors: ['C', 'E'] };
const seal: SealScope = {
  segments: 2,
  uploads: false,
  recoverers: ['B', 'C'],
  starters: [],
  namesEpoch: false,
  readers: [],
  sweeps: true,
  faults: 0,
  switches: Infinity,
};
const upload: SealScope = { ...seal, segments: 1, uploads: true };

function scope(title: string, isQuick: boolean, make: () => Exploration): Scope {
  return { title, isQuick, make };
}

export const scopes: Readonly<Record<string, Scope>> = {
  'journal-reader': scope('a writer, a collector and a reader of the journal', true, () =>
    journalExploration({ ...journal, writers: ['A'], reader: true }),
  ),
  'journal-reader-fault': scope('a writer, a collector and a reader of the journal, one fault', false, () =>
    journalExploration({ ...journal, writers: ['A'], reader: true, faults: 1 }),
  ),
  'journal-fault': scope('a writer and a collector of the journal, one fault', true, () =>
    journalExploration({ ...journal, writers: ['A'], faults: 1 }),
  ),
  'journal-two-writers': scope('two writers and a collector of the journal', true, () => journalExploration(journal)),
  'journal-two-writers-fault': scope('two writers and a collector of the journal, one fault', false, () =>
    journalExploration({ ...journal, faults: 1 }),
  ),
  'journal-two-collectors': scope('a writer and two collectors of the journal', false, () =>
    journalExploration({ ...journal, writers: ['A'], collectors: ['C', 'E'] }),
  ),
  'journal-three-writers-1': scope('three writers and two collectors of the journal, up to one switch', true, () =>
    journalExploration({ ...three, switches: 1 }),
  ),
  'journal-three-writers-2': scope('three writers and two collectors of the journal, up to two switches', false, () =>
    journalExploration({ ...three, switches: 2 }),
  ),
  'journal-three-writers-3': scope('three writers and two collectors of the journal, up to three switches', false, () =>
    journalExploration({ ...three, switches: 3 }),
  ),
  'seal-fault': scope('two segments under way, a recoverer, a sweeper, one fault', true, () =>
    sealExploration({ ...seal, recoverers: ['B'], faults: 1 }),
  ),
  'seal-two-faults': scope('two segments under way, a recoverer, a sweeper, two faults', false, () =>
    sealExploration({ ...seal, recoverers: ['B'], faults: 2 }),
  ),
  'seal-two-recoverers': scope('two segments under way, two recoverers, a sweeper', false, () => sealExploration(seal)),
  'seal-two-recoverers-fault': scope('two segments under way, two recoverers, a sweeper, one fault', false, () =>
    sealExploration({ ...seal, faults: 1 }),
  ),
  'seal-one-segment': scope('a segment under way, two recoverers, a sweeper', true, () =>
    sealExploration({ ...seal, segments: 1 }),
  ),
  'upload-fault': scope('an upload and a segment under way, a recoverer, a sweeper, one fault', true, () =>
    sealExploration({ ...upload, recoverers: ['B'], faults: 1 }),
  ),
  'upload-two-recoverers': scope('an upload and a segment under way, two recoverers, a sweeper', false, () =>
    sealExploration(upload),
  ),
  'upload-two-recoverers-fault': scope(
    'an upload and a segment under way, two recoverers, a sweeper, one fault',
    false,
    () => sealExploration({ ...upload, faults: 1 }),
  ),
  'start-two': scope('a segment under way, two new incarnations of the node, a sweeper', true, () =>
    sealExploration({ ...seal, segments: 1, recoverers: [], starters: ['D', 'E'] }),
  ),
  'start-two-fault': scope(
    'two segments under way, two new incarnations of the node, a sweeper, one fault',
    false,
    () => sealExploration({ ...seal, recoverers: [], starters: ['D', 'E'], faults: 1 }),
  ),
  'start-and-recover': scope('a segment under way, a new incarnation, a recoverer, a sweeper', false, () =>
    sealExploration({ ...seal, segments: 1, recoverers: ['B'], starters: ['D'], namesEpoch: true }),
  ),
  'start-and-recover-either': scope(
    'a segment under way, a new incarnation, a recoverer of whatever is current, a sweeper',
    true,
    () => sealExploration({ ...seal, segments: 1, recoverers: ['B'], starters: ['D'] }),
  ),
  'live-reader': scope('two segments under way, a recoverer, a sweeper, a reader of live segments', false, () =>
    sealExploration({ ...seal, recoverers: ['B'], readers: ['V'] }),
  ),
  'live-reader-fault': scope(
    'two segments under way, a recoverer, a sweeper, a reader of live segments, one fault',
    false,
    () => sealExploration({ ...seal, recoverers: ['B'], readers: ['V'], faults: 1 }),
  ),
};
