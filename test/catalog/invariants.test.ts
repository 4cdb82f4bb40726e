// Each invariant is known to be able to fail: a state is broken by hand, and the finding is named.
import { describe, expect, test } from 'vitest';
import { checkProgress, checkState, progressOf } from '../../src/catalog/invariants.ts';
import type { EpochEntry } from '../../src/catalog/node-table.ts';
import type { ObjectEntry } from '../../src/catalog/object-table.ts';
import type { CatalogState } from '../../src/catalog/state.ts';
import type { StreamEntry } from '../../src/catalog/stream-table.ts';
import { streamId } from '../../src/model/ids.ts';
import { Replica, present } from './replica.ts';

/** Node a with stream 1 in objects 1 and 2, a fenced node b, a closed node c. */
function sound(): CatalogState {
  const replica = new Replica();
  const [a, b, c] = [replica.register('a'), replica.register('b'), replica.register('c')];
  const s = replica.create(a, 's');
  replica.apply(a, replica.segment(a, 0, [s, 0, 10]));
  replica.apply(a, replica.segment(a, 1, [s, 10, 20]));
  replica.apply(a, { kind: 'kv-put', key: 'k', value: new Uint8Array() });
  replica.apply(a, { kind: 'kv-put', key: 'l', value: new Uint8Array() });
  replica.fence(a, 'b');
  replica.apply(c, { ...replica.segment(c, 0), closeEpoch: true });
  expect(checkState(replica.state)).toEqual([]);
  expect([a, b, c]).toEqual([1, 2, 3]);
  return replica.state;
}

const streamOf = (state: CatalogState): StreamEntry => present(state.tables.streams.get(1));
const objectOf = (state: CatalogState, id: number): ObjectEntry => present(state.tables.objects.get(id));
const epochOf = (state: CatalogState, epoch: number): EpochEntry => present(state.tables.nodes.epoch(epoch));
const part = { object: 2, startOffset: 20, endOffset: 25, sizeBytes: 0, maxTimestamp: undefined };

describe('a state', () => {
  test.each<[string, string, (state: CatalogState) => void]>([
    ['I1', 'readable records in no part', (state) => streamOf(state).parts.trimBelow(99, () => {})],
    ['I1', 'a start below its first part', (state) => streamOf(state).parts.trimBelow(10, () => {})],
    ['I1', 'parts of nothing readable', (state) => void (streamOf(state).startOffset = 20)],
    ['I2', 'an end beyond its parts', (state) => void (streamOf(state).endOffset = 30)],
    ['I2', 'a gap between parts', (state) => streamOf(state).parts.append({ ...part, startOffset: 21 })],
    ['I3', 'readable records of no epoch', (state) => streamOf(state).ranges.trimBelow(99)],
    ['I3', 'epochs that go back', (state) => streamOf(state).ranges.extend(0, 20, 20)],
    ['I4', 'records of an epoch to come', (state) => streamOf(state).ranges.extend(2, 19, 20)],
    ['I4', 'an owner to come', (state) => void (streamOf(state).ownerEpoch = 99)],
    [
      'I4',
      'an open epoch where an older one is owed',
      (state) =>
        state.tables.nodes.restore(
          ...([
            present(state.tables.nodes.get('a')),
            'unrecovered' as const,
            { ...epochOf(state, 1), epoch: 2 },
          ] as const),
        ),
    ],
    ['I4', 'a recovering epoch where nothing is owed', (state) => void (epochOf(state, 1).status = 'recovering')],
    ['I4', 'an owed epoch that never was open', (state) => void (epochOf(state, 2).status = 'recovering')],
    ['I4', 'a recovered epoch that is not over', (state) => state.tables.nodes.ledger.seal(2, 0)],
    [
      'I4',
      'an epoch that was replaced and is current',
      (state) => void (present(state.tables.nodes.get('a')).lastEpoch = 7),
    ],
    ['I6', 'a part of no object', (state) => state.tables.objects.releasePart(2, 100, 1)],
    ['I7', 'an object that counts wrongly', (state) => void (objectOf(state, 1).liveBytes += 1)],
    ['I7', 'a retired object that holds something', (state) => void (objectOf(state, 3).livePartCount = 1)],
    ['I7', 'a part that is wholly trimmed', (state) => void (streamOf(state).startOffset = 10)],
    ['I13', 'a stream id to come', (state) => void (state.tables.streams.nextId = 1)],
    ['I13', 'two objects of one sequence', (state) => void state.tables.objects.create({ ...objectOf(state, 1) })],
    ['I13', 'one version for two values', (state) => state.tables.kv.set('k', { value: new Uint8Array(), version: 2 })],
    [
      'I14',
      'an answer for a writer that is over',
      (state) => void state.tables.nodes.writers.set(77, { number: 1, verdicts: [] }),
    ],
    ['R1', 'a WAL object that is not released', (state) => void (epochOf(state, 1).released = 1)],
  ])('%s: %s is found', (number, _, damage) => {
    const state = sound();
    damage(state);
    expect(checkState(state)).toContainEqual(expect.stringMatching(new RegExp(`^${number} `)));
  });
});

describe('progress', () => {
  test.each<[string, (state: CatalogState) => void]>([
    ['index', (state) => void (state.index -= 1)],
    ['nextObjectId', (state) => void (state.tables.objects.nextId -= 1)],
    ['kvVersion', (state) => void (state.tables.kv.lastVersion -= 1)],
    ['startOffset of stream 1', (state) => void (streamOf(state).startOffset -= 1)],
    ['endOffset of stream 1', (state) => void (streamOf(state).endOffset -= 1)],
    ['streamEpoch of stream 1', (state) => void (streamOf(state).streamEpoch -= 1)],
    ['released position of epoch 1', (state) => void (epochOf(state, 1).released -= 1)],
    ['watermark of epoch 1', (state) => void (epochOf(state, 1).settledBelow -= 1)],
  ])('back of %s is found', (what, damage) => {
    const state = sound();
    const before = progressOf(state);
    expect(checkProgress(before, state)).toEqual([]);
    damage(state);
    expect(checkProgress(before, state)).toContainEqual(expect.stringContaining(`I5 ${what} went back`));
  });

  test('finds a stream and an epoch that come back, and a seal that moves', () => {
    const replica = new Replica();
    const [a, b] = [replica.register('a'), replica.register('b')];
    const s = replica.create(a);
    replica.apply(a, { ...replica.segment(a, 0), closeStreams: [streamId(s)] });
    const stream = streamOf(replica.state);
    replica.apply(a, { kind: 'delete', stream: streamId(s) });
    const epoch = epochOf(replica.state, b);
    replica.fence(a, 'b');
    replica.recovered(a, b, 0);
    const before = progressOf(replica.state);
    replica.state.tables.streams.add(stream);
    replica.state.tables.nodes.restore(present(replica.state.tables.nodes.get('b')), 'unrecovered', epoch);
    expect(checkProgress(before, replica.state)).toEqual(['I13 stream 1 came back', 'I4 epoch 2 came back']);
    const moved = { ...before, seals: new Map([[b, 5]]) };
    expect(checkProgress(moved, replica.state)).toContain('W2 epoch 2 was sealed at 5 and is not now');
  });
});
