// Random histories of several writers, judged by the state and by a second implementation; every invariant is checked
// after every record. A second replica, and one that starts from a snapshot in the middle, must arrive at the same.
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Change, Verdict } from '../../src/catalog/change.ts';
import { decodeState, encodeState } from '../../src/catalog/state-snapshot.ts';
import type { CatalogState } from '../../src/catalog/state.ts';
import { streamId } from '../../src/model/ids.ts';
import type { WalKind } from '../../src/model/wal-identity.ts';
import { NaiveCatalog } from './naive-catalog.ts';
import { Replica, clusterId, describeState } from './replica.ts';

type Dice = readonly number[];
const nodes = ['a', 'b', 'c'] as const;
const kinds: readonly WalKind[] = ['object', 'object', 'object', 'file', 'memory', 'none'];
const kindOfStep = [
  ...['register', 'fence', 'recovered', 'recovered', 'settle', 'create', 'create', 'open', 'open', 'delete'],
  ...['trim', 'trim', 'attributes', 'kv-put', 'kv-delete', 'rules', 'repeat', 'forget-node'],
  ...['commit', 'commit', 'commit', 'commit', 'commit', 'commit', 'commit', 'close', 'close'],
];

/** Picks by a number that was drawn: mostly what is right, now and then what is beside it. */
const off = (die: number | undefined): number => ((die ?? 0) % 16 === 0 ? 1 : 0);
const pick = <T>(values: readonly T[], die: number | undefined): T | undefined => values[(die ?? 0) % values.length];

class History {
  readonly replica = new Replica();
  readonly naive = new NaiveCatalog();
  readonly #lastNumbers = new Map<number | string, number>();
  readonly seen = new Set<string>();
  #lastRecord: { writer: number | string; changes: readonly Change[] } | undefined;

  step([what, who, ...dice]: Dice): void {
    const kind = pick(kindOfStep, what) as string;
    if (kind === 'repeat' && this.#lastRecord !== undefined) {
      const { writer, changes } = this.#lastRecord;
      return this.#record(writer, this.#lastNumbers.get(writer) ?? 1, changes);
    }
    const epochs = this.naive.epochs;
    if (kind === 'register' || kind === 'repeat' || epochs.length === 0) {
      const wal = { kind: pick(kinds, dice[1]) as WalKind, id: '' };
      const node = pick(nodes, dice[0]) as string;
      return this.#next(`n${this.naive.index}`, [{ kind: 'register', node, wal, attributes: {}, rules: 1 }]);
    }
    const live = epochs.filter(({ phase }) => phase === 'open' || phase === 'recovering');
    const writer = pick(off(dice[6]) === 1 || live.length === 0 ? epochs : live, who)?.epoch as number;
    const first = this.#change(kind, writer, dice);
    const isDouble = (dice[7] ?? 0) % 4 === 0;
    this.#next(writer, isDouble ? [first, this.#change('kv-put', writer, dice), first] : [first]);
  }

  #next(writer: number | string, changes: readonly Change[]): void {
    this.#record(writer, (this.#lastNumbers.get(writer) ?? 0) + 1, changes);
  }

  #record(writer: number | string, number: number, changes: readonly Change[]): void {
    this.#lastNumbers.set(writer, number);
    this.#lastRecord = { writer, changes };
    const expected = this.naive.apply(writer, number, changes);
    const verdicts = this.replica.applyNumbered(writer, number, changes).map(toText);
    same({ changes, verdicts }, { changes, verdicts: expected });
    changes.forEach(({ kind }, i) => this.seen.add(`${kind} ${(expected[i] ?? '').split(' ')[0]}`));
    this.#compare();
  }

  #change(kind: string, writer: number, [a = 0, b = 0, c = 0, d = 0]: Dice): Change {
    const stream = streamId((pick([...this.naive.streams.keys()], a) ?? 0) + off(b) || 1);
    const known = this.naive.streams.get(stream);
    const epoch = pick(this.naive.epochs, a);
    const owed = this.naive.epochs.filter(({ phase }) => phase === 'owed');
    switch (kind) {
      case 'fence':
        return { kind, node: epoch?.node ?? 'a', epoch: (epoch?.epoch ?? 1) + off(b) };
      case 'recovered': {
        const target = pick(owed.length > 0 && off(b) === 0 ? owed : this.naive.epochs, a);
        const from = (target?.released ?? 0) + off(c);
        const change = { kind, node: target?.node ?? 'a', epoch: target?.epoch ?? 1, from, sealedAt: from } as const;
        return d % 4 === 0 ? { ...change, sealedAt: from + (d % 3), givenUp: true } : change;
      }
      case 'settle':
        return { kind, settledBelow: b % 12 };
      case 'create':
        return b % 3 === 0 ? { kind, attributes: {}, name: `s${c % 4}` } : { kind, attributes: { c: `${c}` } };
      case 'open':
        return c % 3 === 0
          ? { kind, stream, expectedEpoch: (known?.epoch ?? 1) + (d % 3 === 0 ? 1 : 0) }
          : { kind, stream };
      case 'delete':
        return { kind, stream };
      case 'trim':
        return { kind, stream, streamEpoch: (known?.epoch ?? 1) + off(c), startOffset: (known?.start ?? 0) + (d % 9) };
      case 'attributes':
        return { kind, stream, attributes: { d: `${d}` }, ...(c % 2 === 0 ? { ifVersion: b % 3 } : {}) };
      case 'kv-put':
        return { kind, key: `k${a % 3}`, value: Uint8Array.of(b % 256), ...(c % 2 === 0 ? { ifVersion: d % 4 } : {}) };
      case 'kv-delete':
        return { kind, key: `k${a % 3}`, ...(c % 2 === 0 ? { ifVersion: d % 4 } : {}) };
      case 'forget-node':
        return { kind, node: off(b) === 1 ? 'nobody' : (pick(nodes, a) as string) };
      case 'rules':
        return { kind, rules: 1 + off(a) };
      default:
        return this.#commit(kind === 'close', writer, [a, b, c, d]);
    }
  }

  #commit(isClose: boolean, writer: number, [a = 0, b = 0, c = 0, d = 0]: Dice): Change {
    const owed = this.naive.epochs.filter(({ phase }) => phase === 'owed');
    const candidates = b % 2 === 0 ? owed : this.naive.epochs.filter(({ epoch }) => epoch === writer || b % 8 === 7);
    const self = this.naive.epochs.find(({ epoch }) => epoch === writer);
    const target = pick(candidates, a) ?? self;
    const from = (target?.released ?? 0) + off(c);
    const own = [...this.naive.streams.values()].filter(({ owner }) => owner === target?.epoch);
    const streams = off(d) === 0 ? own : [...this.naive.streams.values()];
    const ends = new Map(streams.map(({ id, end }) => [id, end]));
    const objects = Array.from({ length: (a + d) % 3 }, (_, i) => ({
      family: (b + i) % 3 === 0 ? ('data' as const) : ('wal' as const),
      sequence: (b + i) % 3 === 0 ? Math.max(0, (self?.settled ?? 0) + ((c + i) % 3) - off(b) * 2) : from + i,
      sizeBytes: 100,
      parts: streams.slice(0, 1 + (c % 3)).map(({ id, epoch }) => {
        const startOffset = (ends.get(id) ?? 0) + off(a + i);
        const endOffset = startOffset + 1 + ((b + i) % 4);
        ends.set(id, endOffset);
        const maxTimestamp = d % 5 === 0 ? undefined : 1_000 + d;
        return { stream: streamId(id), streamEpoch: epoch, startOffset, endOffset, sizeBytes: 7, maxTimestamp };
      }),
    }));
    const commit = {
      kind: 'commit',
      epoch: target?.epoch ?? 1,
      from,
      to: from + 2,
      objects,
      settledBelow: c % 9,
    } as const;
    if (!isClose) return commit;
    if (d % 4 === 0) return { ...commit, closeEpoch: true };
    return { ...commit, closeStreams: streams.slice(0, 1 + (d % 2)).map(({ id }) => streamId(id)) };
  }

  /** What can be read, by whom it was written, and who owns what, is the same in both. */
  #compare(): void {
    const { state } = this.replica;
    const { naive } = this;
    const own = [...state.streams()].map((stream) => [
      ...[stream.id, stream.startOffset, stream.endOffset, stream.ownerEpoch, stream.streamEpoch],
      readable(stream).map((offset) => [objectOf(state, stream.parts, offset), stream.ranges.epochAt(offset)]),
    ]);
    const others = [...naive.streams.values()].map(({ id, start, end, owner, epoch, offsets }) => [
      ...[id, start, end, owner, epoch],
      readable({ startOffset: start, endOffset: end }).map((offset) => {
        const at = offset < end ? offsets.get(offset) : undefined;
        return [at?.object, at?.epoch];
      }),
    ]);
    same(own, others);
    same([...state.objects()].map(nameOf).sort(), [...naive.readableObjects()].sort());
    same(
      naive.epochs.map(({ epoch }) => [
        ...[state.isOver(epoch), state.sealedAt(epoch), state.appliedBelow(epoch), state.epoch(epoch)?.released],
        state.nodeOfEpoch(epoch),
      ]),
      naive.epochs.map(({ phase, sealedAt, appliedBelow, released, node }) => [
        ...[phase === 'over', sealedAt, appliedBelow, phase === 'over' ? undefined : released, node],
      ]),
    );
    const listed = new Set(naive.epochs.map(({ node }) => node).filter((node) => !naive.forgotten.has(node)));
    same([...state.nodes()].map(({ name }) => name).sort(), [...listed].sort());
  }
}

/** The offsets that can be read, and the first that cannot. */
function readable({ startOffset, endOffset }: { startOffset: number; endOffset: number }): readonly number[] {
  return Array.from({ length: Math.max(0, endOffset - startOffset) + 1 }, (_, i) => startOffset + i);
}

/** As expect does, but quick where both are the same: it is asked thousands of times. */
function same(actual: unknown, expected: unknown): void {
  if (!isDeepStrictEqual(actual, expected)) expect(actual).toEqual(expected);
}

function nameOf({ family, writerEpoch, sequence }: { family: string; writerEpoch: number; sequence: number }): string {
  return `${family} ${writerEpoch} ${sequence}`;
}

function objectOf(state: CatalogState, parts: ReturnType<Replica['stream']>['parts'], offset: number): unknown {
  const index = parts.find(offset);
  const object = index < 0 ? undefined : state.object(parts.at(index).object);
  return object === undefined ? undefined : nameOf(object);
}

function toText(verdict: Verdict): string {
  return verdict.applied ? `ok ${verdict.value}` : verdict.reason;
}

const turn = (): Promise<void> => Promise.resolve();
const place = { key: 'snapshot', clusterId };

test('random histories are judged like the second implementation does, and every replica arrives at the same', async () => {
  const seen = new Map<string, number>();
  const dice = fc.array(fc.nat(999), { minLength: 12, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(fc.array(dice, { minLength: 1, maxLength: 80, size: 'max' }), fc.nat(79), async (steps, at) => {
      const history = new History();
      let middle: Uint8Array | undefined;
      for (const [i, step] of steps.entries()) {
        history.step(step);
        if (i === at) middle = await encodeState(history.replica.state, turn);
      }
      for (const what of history.seen) seen.set(what, (seen.get(what) ?? 0) + 1);
      const final = describeState(history.replica.state);

      const second = new Replica();
      for (const record of history.replica.records) second.replay(record);
      same(describeState(second.state), final);

      if (middle === undefined) return;
      const third = new Replica();
      third.state = await decodeState(middle, place, turn);
      for (const record of history.replica.records) if (record.record.index > third.state.index) third.replay(record);
      same(describeState(third.state), final);
    }),
    { numRuns: 150, seed: 20_250_601 },
  );
  // The histories are worth their time only if they reach every change and every reason that well-formed ones can have.
  const reached = [...seen.keys()].sort();
  for (const kind of ['register', 'fence', 'commit', 'recovered', 'create', 'open', 'delete', 'trim', 'kv-put'])
    expect(reached).toContain(`${kind} ok`);
  for (const reason of [
    'position',
    'discontinuous',
    'closed',
    'settled',
    'recovering',
    'conflict',
    'fenced',
    'recovered',
  ])
    expect(reached).toContain(`commit ${reason}`);
  for (const verdict of [
    'open owned',
    'open conflict',
    'create exists',
    'delete owned',
    'trim closed',
    'kv-put conflict',
  ])
    expect(reached).toContain(verdict);
  for (const verdict of ['recovered position', 'recovered recovered', 'create recovering', 'open recovering'])
    expect(reached).toContain(verdict);
  for (const verdict of ['forget-node ok', 'forget-node conflict', 'forget-node not-found'])
    expect(reached).toContain(verdict);
});
