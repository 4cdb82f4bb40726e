// Object journals with one rule taken out: each is the real source with the lines below changed. If a line is no longer
// there, the run fails and this list has to be mended; a mutant that no script catches fails the test.

export interface Edit {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

export interface Mutant {
  /** Also the name of its folder. */
  readonly name: string;
  /** The rule that it breaks, and where the models have it. */
  readonly breaks: string;
  readonly edits: readonly Edit[];
}

const judged = `if (index <= floor) return 'collected';`;
const readerCheck = `const { floor } = await place.root.read(patience);
  if (from <= floor) return 'collected';`;
const forward = `let gap = await readForward(place, from, limit, records, patience);`;
const verified = `if (verify !== undefined) await patience.until(verify(stored));`;
const named = `await place.root.advance((root) => rootWithSnapshot(root, snapshot, drawId(runtime.random)), patience);`;
const created = `const created = await create(place, record, patience);`;
const checked = `const { floor } = await place.root.read(patience);`;
const raised = `const root = await place.root.advance(`;

function one(name: string, breaks: string, file: string, from: string, to: string): Mutant {
  return { name, breaks, edits: [{ file, from, to }] };
}

export const mutants: readonly Mutant[] = [
  one(
    'collected-is-taken',
    'J2, M1 runs 1 and 2: an index below the floor is not "not appended"',
    'record-append.ts',
    judged,
    `if (index <= floor) return 'taken';`,
  ),
  one(
    'collected-is-appended',
    'J2: an index below the floor is not "appended" either',
    'record-append.ts',
    judged,
    `if (index <= floor) return 'appended';`,
  ),
  one(
    'stranger-below-the-floor-is-taken',
    'J2, M1 run 8: the floor wins over what was read',
    'record-append.ts',
    judged,
    `if (index <= floor) return found === 'other' ? 'taken' : 'collected';`,
  ),
  one(
    'empty-below-the-floor-is-taken',
    'J2, M1 run 12a',
    'record-append.ts',
    judged,
    `if (index <= floor) return found === 'nothing' ? 'taken' : 'collected';`,
  ),
  one(
    'empty-below-the-floor-is-appended',
    'J2, M1 run 12b',
    'record-append.ts',
    judged,
    `if (index <= floor) return found === 'nothing' ? 'appended' : 'collected';`,
  ),
  one(
    'empty-is-taken',
    'J2, M1 run 9: an empty slot is not "not appended"',
    'record-append.ts',
    `if (found === 'other') return 'taken';`,
    `if (found !== 'own') return 'taken';`,
  ),
  one(
    'exists-is-taken',
    'J2: after an unknown answer "exists" may be oneself',
    'record-append.ts',
    `if (created === 'exists' && onlyAttempt) return 'taken';`,
    `if (created === 'exists') return 'taken';`,
  ),
  one(
    'given-up-is-forgotten',
    'J2: an append that was given up may still land',
    'record-append.ts',
    `if (unresolved.has(index)) throw unknownOutcome(`,
    `if (unresolved.delete(index)) throw unknownOutcome(`,
  ),
  one(
    'no-check-after-the-create',
    'R10, M1 m1',
    'record-append.ts',
    checked,
    `if (created === 'stored') return 'appended';\n      ${checked}`,
  ),
  {
    name: 'check-before-the-create',
    breaks: 'R10, M1 m2',
    edits: [
      { file: 'record-append.ts', from: created, to: `const early = await place.root.read(patience);\n    ${created}` },
      { file: 'record-append.ts', from: checked, to: `const { floor } = early;` },
    ],
  },
  {
    name: 'root-before-the-record',
    breaks: 'J2: the root is read after the record was looked for',
    edits: [
      {
        file: 'record-append.ts',
        from: `const found = created === 'stored' ? 'own' : await find(place, record, patience);`,
        to: `const { floor } = await place.root.read(patience);
      const found = created === 'stored' ? 'own' : await find(place, record, patience);`,
      },
      { file: 'record-append.ts', from: `      ${checked}\n      const verdict`, to: `      const verdict` },
    ],
  },
  one(
    'floor-after-deleting',
    'R9, M1 m3',
    'collect.ts',
    raised,
    `const now = await place.root.read(patience);
  const isGarbage = (index: number): boolean => index <= Math.min(upTo, olderIndex(now));
  await deleteWhile(place, journalPrefix(place.clusterId), recordIndexOf, isGarbage, patience);
  ${raised}`,
  ),
  one(
    'floor-above-the-older-snapshot',
    'R9: the floor stays at or below the older of two snapshots',
    'next-root.ts',
    `const floor = Math.min(upTo, olderIndex(root));`,
    `const floor = Math.min(upTo, newestIndex(root));`,
  ),
  one(
    'root-put-is-trusted',
    'J5: the answer to a root put is not trusted',
    'root-file.ts',
    `await this.#put(wanted, { etag }, patience);`,
    `await this.#put(wanted, { etag }, patience);\n      return wanted;`,
  ),
  one(
    'root-put-without-condition',
    'J5, M1 m4: a stale saver moves the root back',
    'root-file.ts',
    `{ if: condition, purpose: 'journal' }`,
    `{ if: condition === 'absent' ? condition : undefined, purpose: 'journal' }`,
  ),
  one(
    'root-behind-is-accepted',
    'R9: nobody accepts a root that is behind one seen before',
    'root-file.ts',
    `if (before !== undefined && !isNotBehind(read.root, before.root))`,
    `if (before === undefined && !isNotBehind(read.root, read.root))`,
  ),
  {
    name: 'reader-checks-before-it-reads',
    breaks: 'R11, M1 m6',
    edits: [
      { file: 'record-read.ts', from: readerCheck, to: '' },
      { file: 'record-read.ts', from: forward, to: `${readerCheck}\n  ${forward}` },
    ],
  },
  one(
    'reader-never-checks',
    'R11, M1 m7',
    'record-read.ts',
    `if (from <= floor) return 'collected';\n  if (gap`,
    `if (gap`,
  ),
  one(
    'reader-believes-nothing-there',
    'R11: also an empty run is checked',
    'record-read.ts',
    `if (from <= floor) return 'collected';\n  if (gap`,
    `if (from <= floor && records.length > 0) return 'collected';\n  if (gap`,
  ),
  {
    name: 'named-before-verified',
    breaks: 'R9, J5: a snapshot is named only once it was read back and verified',
    edits: [
      { file: 'snapshot-file.ts', from: verified, to: '' },
      { file: 'snapshot-file.ts', from: named, to: `${named}\n  ${verified}` },
    ],
  },
  one(
    'own-snapshot-deleted',
    'J6, M1b m1: nothing is deleted because it is "mine"',
    'snapshot-file.ts',
    named,
    `try {
    ${named}
  } catch (cause) {
    await place.store.delete([snapshotKey(place.clusterId, index, snapshot.digest)], { purpose: 'snapshot' });
    throw cause;
  }`,
  ),
  one(
    'older-snapshot-deleted',
    'J6, M1b m2: a snapshot goes only when it is below both that the root names',
    'collect.ts',
    `index < olderIndex(root);`,
    `index < (root.snapshots[0]?.index ?? 0);`,
  ),
];
