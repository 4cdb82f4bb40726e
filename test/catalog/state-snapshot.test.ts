import { isDeepStrictEqual } from 'node:util';
import { describe, expect, test } from 'vitest';
import { decodeState, encodeState } from '../../src/catalog/state-snapshot.ts';
import type { CatalogState } from '../../src/catalog/state.ts';
import { SnapshotEncoder } from '../../src/format/snapshot.ts';
import { streamId } from '../../src/model/ids.ts';
import { Replica, clusterId, describeState } from './replica.ts';

const place = { key: 'snapshot', clusterId };
const turn = (): Promise<void> => Promise.resolve();
const again = async (state: CatalogState): Promise<CatalogState> =>
  decodeState(await encodeState(state, turn), place, turn);

/** A state with something in every table, and in every optional field of each. */
function everything(): Replica {
  const replica = new Replica();
  const wal = { kind: 'file', id: 'disk 1' } as const;
  replica.apply('nonce', { kind: 'register', node: 'a', wal, attributes: { rack: 'r1' }, rules: 3 });
  const [a, b] = [1, replica.register('b')];
  const [named, plain, gone] = [replica.create(a, 'snapshot of a stream'), replica.create(a), replica.create(b)];
  replica.apply(a, { kind: 'attributes', stream: streamId(plain), attributes: { owner: 'é', '': 'empty' } });
  replica.apply(a, replica.segment(a, 0, [named, 0, 10, 1_700_000_000_000], [plain, 0, 1]));
  replica.apply(a, replica.segment(a, 1, [named, 10, 2 ** 40], [plain, 1, 5, -3.5]));
  const data = [replica.object('data', 6, [plain, 5, 7])];
  const close = { ...replica.segment(a, 2), to: 2, settledBelow: 7, closeStreams: [streamId(plain)], objects: data };
  replica.apply(a, close);
  replica.open(b, plain);
  replica.apply(b, replica.segment(b, 0, [plain, 7, 9]));
  replica.trim(a, named, 10);
  replica.trim(b, plain, 100);
  replica.apply(b, { ...replica.segment(b, 1), closeStreams: [streamId(gone)] });
  replica.apply(b, { kind: 'delete', stream: streamId(gone) });
  replica.apply(b, { kind: 'kv-put', key: 'ключ', value: new Uint8Array([0, 255]) });
  replica.apply(b, { kind: 'kv-put', key: 'k', value: new Uint8Array() });
  replica.apply(b, { kind: 'kv-delete', key: 'k' });
  replica.applyAll(b, [
    { kind: 'kv-put', key: 'z', value: new Uint8Array(), ifVersion: 7 },
    { kind: 'create', attributes: {} },
  ]);
  const c = replica.register('c');
  replica.apply(c, { ...replica.segment(c, 0), closeEpoch: true });
  const d = replica.register('d', 'memory');
  replica.fence(b, 'd');
  replica.recovered(b, d, 0);
  for (const [node, sealedAt] of [
    ['cut', 2 ** 33],
    ['gone', 3],
  ] as const) {
    const epoch = replica.register(node);
    replica.fence(b, node);
    replica.apply(b, { kind: 'recovered', node, epoch, from: 0, sealedAt, givenUp: true });
  }
  replica.apply(b, { kind: 'forget-node', node: 'gone' });
  replica.register('a');
  replica.register('a', 'none');
  return replica;
}

describe('a snapshot', () => {
  test('holds everything that can be told apart', async () => {
    const { state } = everything();
    expect(describeState(await again(state))).toEqual(describeState(state));
    const empty = new Replica().state;
    expect(describeState(await again(empty))).toEqual(describeState(empty));
  });

  test('is the same bytes for the same state, also for one that came from a snapshot', async () => {
    const { state } = everything();
    const bytes = await encodeState(state, turn);
    expect(await encodeState(await again(state), turn)).toEqual(bytes);
  });

  test('answers repeated records as the state itself does', async () => {
    const replica = everything();
    const copy = new Replica();
    copy.state = await again(replica.state);
    const { record } = replica.records.findLast(({ record: { writer } }) => writer === 2) ?? { record: undefined };
    const { writer, number, changes } = record ?? { writer: 0, number: 0, changes: [] };
    const answer = replica.applyNumbered(writer, number, changes);
    expect(copy.applyNumbered(writer, number, changes)).toEqual(answer);
    expect(copy.state.digest).toEqual(replica.state.digest);
  });

  test('of tables that take many chunks comes back whole', async () => {
    const replica = new Replica();
    const a = replica.register('a');
    const { state } = replica;
    for (let i = 0; i < 1_500; i++) {
      const stream = state.tables.streams.create(i % 3 === 0 ? `s${i}` : undefined, {}, a);
      for (let part = 0; part < (i === 700 ? 20_000 : 3); part++) {
        const object = state.tables.objects.create({
          ...{ family: 'data', writerEpoch: a, node: 'a', sequence: state.tables.objects.nextId, sizeBytes: 9 },
        });
        object.livePartCount = 1;
        object.liveBytes = 1;
        const [startOffset, endOffset] = [stream.endOffset, stream.endOffset + 1 + (part % 5)];
        stream.parts.append({ object: object.id, startOffset, endOffset, sizeBytes: 1, maxTimestamp: undefined });
        stream.ranges.extend(1, startOffset, endOffset);
        stream.endOffset = endOffset;
      }
    }
    for (let i = 0; i < 40; i++) state.tables.kv.put(`k${i}`, new Uint8Array(20_000).fill(i));
    let turns = 0;
    const bytes = await encodeState(state, () => Promise.resolve(void turns++));
    const encodeTurns = turns;
    const copy = await decodeState(bytes, place, () => Promise.resolve(void turns++));
    // Not by expect: to compare so much would take it seconds.
    expect(isDeepStrictEqual(describeState(copy), describeState(state))).toBe(true);
    expect(encodeTurns).toBeGreaterThan(15);
    expect(turns - encodeTurns).toBeGreaterThan(15);
  });

  test('is refused when the state moved while it was taken', async () => {
    const replica = everything();
    const move = (): Promise<void> => {
      replica.state.index += 1;
      return Promise.resolve();
    };
    await expect(encodeState(replica.state, move)).rejects.toThrow(/does not change/);
  });
});

describe('decoding', () => {
  test('refuses damage, another cluster and what only a newer version knows', async () => {
    const { state } = everything();
    const bytes = await encodeState(state, turn);
    const corrupt = expect.objectContaining({ code: 'OBJECT_CORRUPT', key: 'snapshot' });
    for (let at = 0; at < bytes.length; at += 97) {
      const damaged = new Uint8Array(bytes);
      damaged[at] = (damaged[at] as number) ^ 0x10;
      await expect(decodeState(damaged, place, turn)).rejects.toEqual(corrupt);
    }
    await expect(decodeState(bytes.subarray(0, bytes.length - 20), place, turn)).rejects.toEqual(corrupt);
    await expect(decodeState(bytes, { ...place, clusterId: 'f'.repeat(32) }, turn)).rejects.toEqual(corrupt);
    const newer = new SnapshotEncoder({ clusterId, index: 1, rules: 2 }).finish();
    const unsupported = expect.objectContaining({ code: 'FORMAT_UNSUPPORTED' });
    await expect(decodeState(newer, place, turn)).rejects.toEqual(unsupported);
    const unknown = new SnapshotEncoder({ clusterId, index: 1, rules: 1 });
    unknown.add('leases', []);
    await expect(decodeState(unknown.finish(), place, turn)).rejects.toEqual(unsupported);
  });

  test.each([
    ['nodes', 7],
    ['ledger', [new Uint32Array(1)]],
    ['cuts', [Uint32Array.of(1), Uint32Array.of(0)]],
    ['objects', [1, 2].map(() => new Uint32Array(1))],
    ['objects', Array.from({ length: 8 }, () => Uint32Array.of(9))],
    ['parts', { series: [Uint32Array.of(9), Uint32Array.of(1), Uint32Array.of(0)], timestamps: new Float64Array(1) }],
    ['writers', [[1, 1, Float64Array.of(99, 0)]]],
    ['kv', null],
  ])('refuses a table %s that no state has', async (chunk, rows) => {
    const encoder = new SnapshotEncoder({ clusterId, index: 1, rules: 1 });
    encoder.add(chunk, rows);
    await expect(decodeState(encoder.finish(), place, turn)).rejects.toEqual(
      expect.objectContaining({ code: 'OBJECT_CORRUPT' }),
    );
  });
});
