import { describe, expect, test } from 'vitest';
import { applyRecord, judgeChange } from '../../src/catalog/apply-change.ts';
import type { Change, ChangeRecord } from '../../src/catalog/change.ts';
import { nextDigest } from '../../src/catalog/digest.ts';
import { CatalogState } from '../../src/catalog/state.ts';
import { streamId } from '../../src/model/ids.ts';
import { Replica, applied, clusterId, describeState, present, refused } from './replica.ts';

const put = { kind: 'kv-put', key: 'k', value: new Uint8Array([1]) } as const;

describe('a record', () => {
  test('moves the index and the digest, over its bytes and its verdicts', () => {
    const replica = new Replica();
    const before = replica.state.digest;
    replica.register('a');
    const { bytes } = present(replica.records[0]);
    expect(replica.state.index).toBe(1);
    expect(replica.state.digest).toEqual(nextDigest(before, bytes, [applied(1)]));
    const others = [nextDigest(before, bytes, [applied(2)]), nextDigest(before, bytes, [refused('fenced', 1)])];
    for (const other of others) expect(replica.state.digest).not.toEqual(other);
    expect(new CatalogState('f'.repeat(32)).digest).not.toEqual(before);
    // Of every part of it: another byte, another history before it, or one change more.
    const other = new Uint8Array(bytes);
    other[0] = (other[0] as number) ^ 1;
    expect(nextDigest(before, other, [applied(1)])).not.toEqual(replica.state.digest);
    expect(nextDigest(other.subarray(0, 16), bytes, [applied(1)])).not.toEqual(replica.state.digest);
    expect(nextDigest(before, bytes, [applied(1), applied(1)])).not.toEqual(replica.state.digest);
  });

  test('that does not follow the state is refused as corrupt and changes nothing', () => {
    const replica = new Replica();
    replica.register('a');
    const before = describeState(replica.state);
    const record: ChangeRecord = {
      ...{ index: 2, writer: 1, number: 1, previousDigest: replica.state.digest, changes: [put] },
    };
    const bytes = new Uint8Array(8);
    const wrong = [
      { ...record, index: 1 },
      { ...record, index: 3 },
      { ...record, previousDigest: new Uint8Array(16) },
      { ...record, previousDigest: new Uint8Array(0) },
    ];
    for (const each of wrong)
      expect(() => applyRecord(replica.state, each, bytes)).toThrow(
        expect.objectContaining({ code: 'OBJECT_CORRUPT', key: `journal/${each.index}` }),
      );
    expect(describeState(replica.state)).toEqual(before);
    expect(applyRecord(replica.state, record, bytes)).toEqual([applied(1)]);
  });

  test('with a change of an unknown kind stops the replica before anything is changed', () => {
    const replica = new Replica();
    const a = replica.register('a');
    const before = describeState(replica.state);
    for (const kind of ['compact-2', 'toString', '__proto__'])
      expect(() => replica.applyAll(a, [put, { kind } as unknown as Change])).toThrow(
        expect.objectContaining({ code: 'FORMAT_UNSUPPORTED', found: kind }),
      );
    expect(describeState(replica.state)).toEqual(before);
  });

  test('of a fenced writer is void as a whole and still counts', () => {
    const replica = new Replica();
    const [a, b] = [replica.register('a'), replica.register('b')];
    replica.fence(b, 'a');
    const digest = replica.state.digest;
    expect(replica.applyAll(a, [put, put])).toEqual([refused('fenced'), refused('fenced')]);
    expect(replica.state.index).toBe(4);
    expect(replica.state.digest).not.toEqual(digest);
    expect(replica.state.kv('k')).toBeUndefined();
    expect(replica.applyAll(77, [put])).toEqual([refused('fenced')]);
  });

  test('whose writer or number is none is void', () => {
    const replica = new Replica();
    const a = replica.register('a');
    const record = { index: 2, writer: a, number: 0, previousDigest: replica.state.digest, changes: [put] };
    expect(applyRecord(replica.state, record, new Uint8Array())).toEqual([refused('malformed')]);
    const nobody = { ...record, index: 3, writer: -1, number: 1, previousDigest: replica.state.digest };
    expect(applyRecord(replica.state, nobody, new Uint8Array())).toEqual([refused('malformed')]);
    expect(replica.state.writer(-1)).toBeUndefined();
  });

  test('judges each change on what those before it left', () => {
    const replica = new Replica();
    const a = replica.register('a');
    const ifAbsent = { ...put, ifVersion: 0 };
    const verdicts = replica.applyAll(a, [ifAbsent, ifAbsent, { kind: 'create', attributes: {} }]);
    expect(verdicts).toEqual([applied(1), refused('conflict', 1), applied(1)]);
  });
});

describe('a repeated record', () => {
  test('is answered with the verdicts of the first, and changes only index and digest', () => {
    const replica = new Replica();
    const a = replica.register('a');
    const create = { kind: 'create', attributes: {} } as const;
    expect(replica.applyNumbered(a, 1, [create, create])).toEqual([applied(1), applied(2)]);
    expect(replica.applyNumbered(a, 1, [create, create])).toEqual([applied(1), applied(2)]);
    expect(replica.effects).toEqual([]);
    expect([replica.state.streamCount, replica.state.index]).toEqual([2, 3]);
    expect(replica.state.writer(a)).toEqual({ number: 1, verdicts: [applied(1), applied(2)] });
  });

  test('with a number below the last one changes nothing either', () => {
    const replica = new Replica();
    const a = replica.register('a');
    replica.applyNumbered(a, 1, [put]);
    replica.applyNumbered(a, 2, [{ ...put, ifVersion: 0 }]);
    expect(replica.applyNumbered(a, 1, [put])).toEqual([refused('conflict', 1)]);
    expect(replica.state.kvVersion).toBe(1);
  });

  test('is answered before any other check: also after its writer was fenced', () => {
    const replica = new Replica();
    const [a, b] = [replica.register('a'), replica.register('b')];
    replica.applyNumbered(a, 1, [put]);
    replica.fence(b, 'a');
    expect(replica.applyNumbered(a, 1, [put])).toEqual([applied(1)]);
    replica.recovered(b, a, 0);
    expect(replica.state.writer(a)).toBeUndefined();
    expect(replica.applyNumbered(a, 1, [put])).toEqual([refused('fenced')]);
    expect(replica.state.writer(a)).toBeUndefined();
  });

  test('of a registration grants no second epoch', () => {
    const replica = new Replica();
    const register = {
      ...({ kind: 'register', node: 'a', wal: { kind: 'object', id: '' }, attributes: {}, rules: 1 } as const),
    };
    expect(replica.applyNumbered('nonce', 1, [register])).toEqual([applied(1)]);
    expect(replica.applyNumbered('nonce', 1, [register])).toEqual([applied(1)]);
    expect(replica.state.node('a')?.current?.epoch).toBe(1);
    const second = replica.register('a');
    expect(replica.state.writer('nonce')).toBeDefined();
    replica.recovered(second, 1, 0);
    expect(replica.state.writer('nonce')).toBeUndefined();
  });

  test('that closed its epoch can be answered until the node has another', () => {
    const replica = new Replica();
    const a = replica.register('a', 'object', 'nonce');
    const closing = { ...replica.segment(a, 0), closeEpoch: true } as const;
    replica.applyNumbered(a, 1, [closing]);
    expect(replica.state.writer('nonce')).toBeUndefined();
    expect(replica.applyNumbered(a, 1, [closing])).toEqual([applied(1)]);
    expect(replica.applyNumbered(a, 2, [put])).toEqual([refused('fenced')]);
    expect(replica.state.writer(a)).toEqual({ number: 1, verdicts: [applied(1)] });
    const second = replica.register('a');
    expect(replica.state.writer(a)).toBeUndefined();
    expect(replica.applyNumbered(a, 1, [closing])).toEqual([refused('fenced', second)]);
  });
});

describe('judging', () => {
  test('foretells the verdict and changes nothing', () => {
    const replica = new Replica();
    const a = replica.register('a');
    const before = describeState(replica.state);
    expect(judgeChange(replica.state, a, { kind: 'create', name: 'x', attributes: {} })).toEqual(applied(1));
    expect(judgeChange(replica.state, a, put)).toEqual(applied(1));
    expect(judgeChange(replica.state, 99, put)).toEqual(refused('fenced'));
    expect(describeState(replica.state)).toEqual(before);
  });
});

describe('a malformed change', () => {
  const part = { stream: 1, streamEpoch: 1, startOffset: 0, endOffset: 1, sizeBytes: 1 };
  const object = { family: 'wal', sequence: 0, sizeBytes: 1, parts: [part] };
  const commit = { kind: 'commit', epoch: 1, from: 0, to: 1, objects: [object], settledBelow: 0 };
  const withPart = (change: object): object => ({
    ...commit,
    objects: [{ ...object, parts: [{ ...part, ...change }] }],
  });
  const withObject = (change: object): object => ({ ...commit, objects: [{ ...object, ...change }] });
  const registration = {
    ...{ kind: 'register', node: 'a', wal: { kind: 'object', id: '' }, attributes: {}, rules: 1 },
  };
  const wrong: readonly (readonly [string, unknown])[] = [
    ['nothing', undefined],
    ['null', null],
    ['a number', 7],
    ['an object without a kind', {}],
    ['a kind that is no text', { kind: 7 }],
    ['a commit without fields', { kind: 'commit' }],
    ['a commit that goes back', { ...commit, from: 2 }],
    ['a commit with a negative position', { ...commit, from: -1 }],
    ['a commit with a fraction', { ...commit, to: 1.5 }],
    ['a commit with minus zero', { ...commit, from: -0 }],
    ['a commit with objects that are no list', { ...commit, objects: {} }],
    ['a commit with a hole for an object', { ...commit, objects: [null] }],
    ['a WAL object outside what is released', withObject({ sequence: 1 })],
    ['an object of no family', withObject({ family: 'snapshot' })],
    ['an object named twice', { ...commit, objects: [object, object] }],
    ['an object with parts that are no list', withObject({ parts: 'none' })],
    ['a part that is null', withObject({ parts: [null] })],
    ['an empty part', withPart({ endOffset: 0 })],
    ['a part that goes back', withPart({ startOffset: 2 })],
    ['a part with a stream by name', withPart({ stream: 'x' })],
    ['a part of stream 0', withPart({ stream: 0 })],
    ['a part beyond safe integers', withPart({ endOffset: 2 ** 53 })],
    ['a part with a timestamp that is none', withPart({ maxTimestamp: Number.NaN })],
    ['a part of no size', withPart({ sizeBytes: undefined })],
    ['streams to close that are no list', { ...commit, closeStreams: 1 }],
    ['a stream closed twice', { ...commit, closeStreams: [1, 1] }],
    ['a flag that is false', { ...commit, closeEpoch: false }],
    ['a watermark that is none', { kind: 'settle', settledBelow: null }],
    ['a fence of no epoch', { kind: 'fence', node: 'a', epoch: 0 }],
    ['a fence of a node that cannot be', { kind: 'fence', node: 'A B', epoch: 1 }],
    [
      'a seal below the released position',
      { kind: 'recovered', node: 'a', epoch: 1, from: 2, sealedAt: 1, givenUp: true },
    ],
    ['an empty name', { kind: 'create', name: '', attributes: {} }],
    ['a name of 513 bytes', { kind: 'create', name: 'x'.repeat(513), attributes: {} }],
    ['a name with a lone surrogate', { kind: 'create', name: '\uD800', attributes: {} }],
    ['no attributes', { kind: 'create' }],
    ['attributes that are a list', { kind: 'create', attributes: ['x'] }],
    ['an attribute that is a number', { kind: 'create', attributes: { x: 1 } }],
    ['attributes of more than 4 KiB', { kind: 'create', attributes: { x: 'y'.repeat(4_096) } }],
    ['an open by name', { kind: 'open', stream: 'x' }],
    ['an open of a negative epoch', { kind: 'open', stream: 1, expectedEpoch: -1 }],
    ['a deletion of nothing', { kind: 'delete' }],
    ['a trim to nowhere', { kind: 'trim', stream: 1, streamEpoch: 1, startOffset: Number.POSITIVE_INFINITY }],
    ['attributes under no version', { kind: 'attributes', stream: 1, attributes: {}, ifVersion: '1' }],
    ['a value that is text', { kind: 'kv-put', key: 'k', value: 'v' }],
    ['a value of more than 64 KiB', { kind: 'kv-put', key: 'k', value: new Uint8Array(64 * 1_024 + 1) }],
    ['an empty key', { kind: 'kv-put', key: '', value: new Uint8Array() }],
    ['a deletion of a key that is none', { kind: 'kv-delete', key: 7 }],
    ['rules of version 0', { kind: 'rules', rules: 0 }],
  ];

  test.each(wrong)('%s is void and changes nothing', (_, change) => {
    const replica = new Replica();
    const a = replica.register('a');
    replica.create(a);
    const { state } = replica;
    const record = { index: 3, writer: a, number: 9, previousDigest: state.digest, changes: [change as Change] };
    const { writers: _w, index: _i, digest: _d, ...before } = describeState(state) as Record<string, unknown>;
    expect(applyRecord(state, record, new Uint8Array())).toEqual([refused('malformed')]);
    expect(describeState(state)).toMatchObject(before);
  });

  test.each([
    ['no WAL', { ...registration, wal: undefined }],
    ['a WAL of no kind', { ...registration, wal: { kind: 'tape', id: '' } }],
    ['a WAL id that is none', { ...registration, wal: { kind: 'file', id: 1 } }],
    ['no rules', { ...registration, rules: undefined }],
    ['a node name that cannot stand in a key', { ...registration, node: 'a/b' }],
    ['attributes that are null', { ...registration, attributes: null }],
  ])('a registration with %s is void', (_, change) => {
    const state = new CatalogState(clusterId);
    const changes = [change as unknown as Change];
    const record = { index: 1, writer: 'n', number: 1, previousDigest: state.digest, changes };
    expect(applyRecord(state, record, new Uint8Array())).toEqual([refused('malformed')]);
    expect([...state.nodes()]).toEqual([]);
  });

  test('is told from one at the limits', () => {
    const replica = new Replica();
    const a = replica.register('a');
    const longest = { kind: 'create', name: 'é'.repeat(256), attributes: { x: 'y'.repeat(4_095) } } as const;
    expect(replica.apply(a, longest)).toEqual(applied(1));
    expect(replica.apply(a, { ...put, value: new Uint8Array(64 * 1_024) })).toEqual(applied(1));
    const farthest = {
      kind: 'trim',
      stream: streamId(1),
      streamEpoch: 1,
      startOffset: Number.MAX_SAFE_INTEGER,
    } as const;
    expect(replica.apply(a, farthest)).toEqual(applied(Number.MAX_SAFE_INTEGER));
  });
});
