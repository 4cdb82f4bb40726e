// The shortest histories that broke the design before it had the rule that stands in each title: those of them that are
// decided in the state. What is decided elsewhere is tested where it is decided.
import { describe, expect, test } from 'vitest';
import type { CommitChange } from '../../src/catalog/change.ts';
import { streamId } from '../../src/model/ids.ts';
import { Replica, applied, present, refused } from './replica.ts';

function pair(): { replica: Replica; a: number; b: number; s: number } {
  const replica = new Replica();
  const [a, b] = [replica.register('a'), replica.register('b')];
  return { replica, a, b, s: replica.create(a) };
}

describe('recovery', () => {
  test('a second recovered does not move the seal of the first (W2)', () => {
    const { replica, a, b, s } = pair();
    const c = replica.register('c');
    replica.fence(b, 'a');
    replica.apply(b, replica.segment(a, 0, [s, 0, 5]));
    expect(replica.recovered(b, a, 1)).toEqual(applied());
    // The slower one saw segment 0 only after it was compacted away and swept, and sealed at 0.
    expect(replica.recovered(c, a, 0)).toEqual(refused('recovered', 1));
    expect(replica.state.sealedAt(a)).toBe(1);
    expect(replica.stream(s).endOffset).toBe(5);
  });

  test('a position read before the fence recovers nothing (W1)', () => {
    const { replica, a, b, s } = pair();
    const before = replica.epoch(a).released;
    replica.apply(a, replica.segment(a, 0, [s, 0, 5]));
    replica.fence(b, 'a');
    expect(replica.recovered(b, a, before)).toEqual(refused('position', 1));
  });

  test('two recoverers may interleave, each segment counts once (R1)', () => {
    const { replica, a, b, s } = pair();
    const c = replica.register('c');
    replica.fence(b, 'a');
    expect(replica.apply(b, replica.segment(a, 0, [s, 0, 5]))).toEqual(applied(1));
    expect(replica.apply(c, replica.segment(a, 0, [s, 0, 5]))).toEqual(refused('position', 1));
    expect(replica.apply(c, replica.segment(a, 1, [s, 5, 8]))).toEqual(applied(2));
    expect(replica.recovered(b, a, 1)).toEqual(refused('position', 2));
    expect(replica.recovered(b, a, 2)).toEqual(applied());
    expect(replica.stream(s).endOffset).toBe(8);
  });

  test('two starters of one node: the faster one is owed, not overlooked (R2)', () => {
    const { replica, a, s } = pair();
    const [p2, p3] = [replica.register('a'), replica.register('a')];
    expect(replica.state.isOver(p2)).toBe(true);
    expect(present(replica.state.node('a')).unrecovered?.epoch).toBe(a);
    // The first starter still tries to recover what it found; it is fenced, and the second does the work.
    expect(replica.recovered(p2, a, 0)).toEqual(refused('fenced', p3));
    replica.apply(p3, replica.segment(a, 0, [s, 0, 5]));
    replica.recovered(p3, a, 1);
    expect(replica.create(p3)).toBe(2);
    const p4 = replica.register('a');
    expect(present(replica.state.node('a')).unrecovered?.epoch).toBe(p3);
    expect(replica.epoch(p4).status).toBe('recovering');
  });

  test('a death between register and recovered does not forget the epoch before (R2)', () => {
    const { replica, a, s } = pair();
    replica.register('a'); // And dies here.
    const third = replica.register('a');
    expect(replica.open(third, s)).toEqual(refused('recovering'));
    expect(present(replica.state.node('a')).unrecovered).toMatchObject({ epoch: a, released: 0 });
    expect(replica.apply(third, replica.segment(a, 0, [s, 0, 5]))).toEqual(applied(1));
    expect(replica.recovered(third, a, 1)).toEqual(applied());
    expect(replica.open(third, s)).toEqual(applied(2));
    expect(replica.stream(s).endOffset).toBe(5);
  });

  test('the slots of a fenced epoch keep the WAL that has to be read (R3)', () => {
    const replica = new Replica();
    const a = replica.register('a', 'file');
    replica.register('a', 'object');
    expect(present(replica.state.node('a')).unrecovered).toMatchObject({ epoch: a, wal: { kind: 'file', id: 'disk' } });
  });
});

describe('uploads', () => {
  test('of two runs in parallel the later one cannot release what the earlier one holds (R1)', () => {
    const { replica, a, s } = pair();
    const other = replica.create(a);
    const first = { ...replica.segment(a, 0, [s, 0, 5]), to: 10 };
    const second = { ...replica.segment(a, 10, [other, 0, 5]), to: 20 };
    expect(replica.apply(a, second)).toEqual(refused('position', 0));
    expect(replica.applyAll(a, [first, second])).toEqual([applied(10), applied(20)]);
  });

  test('a watermark counts with its commit or later, and a void commit raises none (S1, S2)', () => {
    const { replica, a, s } = pair();
    const commit = (sequence: number, settledBelow: number): CommitChange => ({
      ...replica.segment(a, 0),
      ...{ to: 0, settledBelow, objects: [replica.object('data', sequence, [s, 0, 5])] },
    });
    // Raised before the commit, the watermark would let the sweeper take object 3; so the commit is void.
    replica.apply(a, { kind: 'settle', settledBelow: 4 });
    expect(replica.apply(a, commit(3, 4))).toEqual(refused('settled', 4));
    expect(replica.apply(a, { ...commit(7, 8), from: 1, to: 1 })).toEqual(refused('position', 0));
    expect(replica.epoch(a).settledBelow).toBe(4);
    // In one change, the watermark is raised by the commit over its own object.
    expect(replica.apply(a, commit(7, 8))).toEqual(applied(0));
    expect(replica.epoch(a).settledBelow).toBe(8);
  });

  test('one range of a deleted stream does not keep the rest out (S6)', () => {
    const { replica, a, b, s } = pair();
    const gone = replica.create(b);
    replica.apply(b, { ...replica.segment(b, 0), closeStreams: [streamId(gone)] });
    replica.apply(b, { kind: 'delete', stream: streamId(gone) });
    expect(replica.apply(a, replica.segment(a, 0, [gone, 0, 9], [s, 0, 5]))).toEqual(applied(1));
    expect(replica.stream(s).endOffset).toBe(5);
  });

  test('an output that was wholly trimmed while it was written is retired by its own commit (S6)', () => {
    const { replica, a, s } = pair();
    replica.trim(a, s, 5);
    replica.apply(a, replica.segment(a, 0, [s, 0, 5]));
    expect([...replica.state.objects()]).toEqual([]);
    expect([...replica.state.retired()]).toEqual([expect.objectContaining({ sequence: 0, retiredAt: 5 })]);
  });

  test('a trim ahead of the registered end does not stop the uploads that follow', () => {
    const { replica, a, s } = pair();
    replica.apply(a, replica.segment(a, 0, [s, 0, 100]));
    expect(replica.trim(a, s, 150)).toEqual(applied(150));
    expect(replica.stream(s)).toMatchObject({ startOffset: 150, endOffset: 100 });
    expect(replica.apply(a, replica.segment(a, 1, [s, 100, 140]))).toEqual(applied(2));
    expect(replica.apply(a, replica.segment(a, 2, [s, 140, 200]))).toEqual(applied(3));
    expect(replica.stream(s)).toMatchObject({ startOffset: 150, endOffset: 200 });
    expect([0, 1, 2].map((n) => replica.state.objectByOrigin('wal', a, n)?.retiredAt !== undefined)).toEqual([
      ...[true, true, false],
    ]);
  });

  test('a stream cannot be deleted under its owner', () => {
    const { replica, a, b, s } = pair();
    expect(replica.apply(b, { kind: 'delete', stream: streamId(s) })).toEqual(refused('owned', a));
    replica.fence(b, 'a');
    expect(replica.apply(b, { kind: 'delete', stream: streamId(s) })).toEqual(refused('owned', a));
    expect(replica.apply(b, replica.segment(a, 0, [s, 0, 5]))).toEqual(applied(1));
  });
});

describe('ownership', () => {
  test('a close registers the whole run, so the next owner starts at the right offset (O1)', () => {
    const { replica, a, b, s } = pair();
    const other = replica.create(a);
    const objects = [replica.object('wal', 0, [s, 0, 5], [other, 0, 2]), replica.object('wal', 1, [s, 5, 8])];
    const close = { ...replica.segment(a, 0), to: 2, objects, closeStreams: [streamId(s)] };
    expect(replica.apply(a, close)).toEqual(applied(2));
    expect(replica.open(b, s)).toEqual(applied(2));
    expect(replica.apply(b, replica.segment(b, 0, [s, 0, 1]))).toEqual(refused('discontinuous', 8));
    expect(replica.apply(b, replica.segment(b, 0, [s, 8, 9]))).toEqual(applied(1));
    // The other stream of the run lives on under its owner.
    expect(replica.apply(a, replica.segment(a, 2, [other, 2, 3]))).toEqual(applied(3));
    expect(replica.stream(s).ranges.endOffsetOf(1)).toBe(8);
  });

  test('an open never takes a stream from an owner that is alive or only fenced (O3)', () => {
    const { replica, a, b, s } = pair();
    expect(replica.open(b, s, 1)).toEqual(refused('owned', a));
    replica.fence(b, 'a');
    expect(replica.open(b, s, 1)).toEqual(refused('owned', a));
    replica.apply(b, replica.segment(a, 0, [s, 0, 5]));
    replica.recovered(b, a, 1);
    expect(replica.open(b, s, 1)).toEqual(applied(2));
    expect(replica.stream(s).endOffset).toBe(5);
  });

  test('an upload that overtakes a close, or the reverse, leaves the slower one to plan again (O2)', () => {
    const { replica, a, b, s } = pair();
    const close = { ...replica.segment(a, 0, [s, 0, 5]), closeStreams: [streamId(s)] };
    expect(replica.apply(a, replica.segment(a, 0, [s, 0, 5]))).toEqual(applied(1));
    expect(replica.apply(a, close)).toEqual(refused('position', 1));
    const again = { ...replica.segment(a, 1, [s, 5, 7]), closeStreams: [streamId(s)] };
    expect(replica.apply(a, again)).toEqual(applied(2));
    replica.open(b, s);
    expect(replica.apply(a, replica.segment(a, 1, [s, 5, 7]))).toEqual(refused('position', 2));
    expect(replica.apply(a, replica.segment(a, 2))).toEqual(applied(3));
  });

  test('nothing of a fenced epoch counts, whatever it is (O4, I4)', () => {
    const { replica, a, b, s } = pair();
    replica.fence(b, 'a');
    const late = [
      replica.segment(a, 0, [s, 0, 5]),
      { ...replica.segment(a, 0), closeEpoch: true } as const,
      { kind: 'trim', stream: streamId(s), streamEpoch: 1, startOffset: 3 } as const,
      { kind: 'settle', settledBelow: 9 } as const,
      { kind: 'recovered', node: 'a', epoch: a, from: 0, sealedAt: 0 } as const,
    ];
    expect(replica.applyAll(a, late)).toEqual(late.map(() => refused('fenced')));
    expect(replica.epoch(a)).toMatchObject({ released: 0, settledBelow: 0 });
  });

  test('a part of an older ownership is refused also when its offsets fit (O4)', () => {
    const { replica, a, b, s } = pair();
    const late = replica.segment(a, 1, [s, 5, 7]);
    replica.apply(a, { ...replica.segment(a, 0, [s, 0, 5]), closeStreams: [streamId(s)] });
    replica.open(b, s);
    replica.apply(b, { ...replica.segment(b, 0), closeStreams: [streamId(s)] });
    expect(replica.open(a, s)).toEqual(applied(3));
    expect(replica.apply(a, late)).toEqual(refused('closed'));
    expect(replica.apply(a, replica.segment(a, 1, [s, 5, 7]))).toEqual(applied(2));
  });
});
