import { describe, expect, test } from 'vitest';
import { Replica, applied, present, refused } from './replica.ts';

const rulesOne = { wal: { kind: 'object', id: '' }, attributes: {}, rules: 1 } as const;

describe('register', () => {
  test('grants the index of its record as the epoch, open at once where nothing is owed', () => {
    const replica = new Replica();
    expect(replica.register('a')).toBe(1);
    expect(replica.register('b')).toBe(2);
    expect(replica.epoch(1)).toMatchObject({ node: 'a', status: 'open', released: 0, settledBelow: 0 });
    expect(replica.effects.map(({ what }) => what)).toEqual(['registered', 'opened']);
  });

  test('fences the open epoch before it, which is owed from then on', () => {
    const replica = new Replica();
    const first = replica.register('a');
    const second = replica.register('a');
    expect(replica.epoch(second).status).toBe('recovering');
    expect(present(replica.state.node('a')).unrecovered?.epoch).toBe(first);
    expect(replica.state.isOver(first)).toBe(false);
    expect(replica.effects.map(({ what }) => what)).toEqual(['fenced', 'registered']);
    expect(replica.apply(first, { kind: 'kv-put', key: 'k', value: new Uint8Array() })).toEqual(
      refused('fenced', second),
    );
  });

  test('forgets an epoch that was still recovering and keeps the one that is owed', () => {
    const replica = new Replica();
    const first = replica.register('a');
    const second = replica.register('a');
    const third = replica.register('a');
    expect(present(replica.state.node('a')).unrecovered?.epoch).toBe(first);
    expect(replica.state.isOver(second)).toBe(true);
    expect(replica.epoch(third).status).toBe('recovering');
    expect(replica.state.newerEpochThan(second)).toBe(third);
    expect(replica.state.nodeOfEpoch(second)).toBe('a');
  });

  test('recovers an epoch without a WAL by the same change, because it owes nothing', () => {
    const replica = new Replica();
    const first = replica.register('c', 'none');
    const stream = replica.create(first);
    replica.trim(first, stream, 7);
    const second = replica.register('c', 'none');
    expect(replica.epoch(second).status).toBe('open');
    expect(replica.state.sealedAt(first)).toBe(0);
    expect(replica.state.isOver(first)).toBe(true);
    expect(replica.stream(stream).endOffset).toBe(7);
  });

  test('is for nonces only, one alone in its record', () => {
    const replica = new Replica();
    const epoch = replica.register('a');
    expect(replica.apply(epoch, { kind: 'register', node: 'a', ...rulesOne })).toEqual(refused('malformed'));
    expect(replica.apply('n', { kind: 'fence', node: 'a', epoch })).toEqual(refused('malformed'));
    const twice = { kind: 'register', node: 'b', ...rulesOne } as const;
    expect(replica.applyAll('m', [twice, twice])).toEqual([refused('malformed'), refused('malformed')]);
    expect(replica.state.node('b')).toBeUndefined();
    expect(replica.state.writer('m')).toBeUndefined();
  });
});

describe('fence', () => {
  test('makes the changes of an open epoch void and leaves it owed, with no current epoch', () => {
    const replica = new Replica();
    const [a, b] = [replica.register('a'), replica.register('b')];
    expect(replica.fence(b, 'a')).toEqual(applied());
    expect(replica.state.node('a')).toMatchObject({ current: undefined, unrecovered: { epoch: a } });
    expect(replica.apply(a, { kind: 'create', attributes: {} })).toEqual(refused('fenced', 0));
    expect(replica.fence(b, 'a')).toEqual(refused('not-found'));
  });

  test('forgets a recovering epoch', () => {
    const replica = new Replica();
    const a1 = replica.register('a');
    const b = replica.register('b');
    const a2 = replica.register('a');
    expect(replica.apply(b, { kind: 'fence', node: 'a', epoch: a1 })).toEqual(refused('not-found'));
    expect(replica.apply(b, { kind: 'fence', node: 'a', epoch: a2 })).toEqual(applied());
    expect(replica.state.isOver(a2)).toBe(true);
    expect(replica.state.node('a')).toMatchObject({ current: undefined, unrecovered: { epoch: a1 } });
  });

  test('of an unknown node is void', () => {
    const replica = new Replica();
    const b = replica.register('b');
    expect(replica.apply(b, { kind: 'fence', node: 'zz', epoch: 1 })).toEqual(refused('not-found'));
  });
});

describe('recovered', () => {
  test('seals the owed epoch for ever and opens the recovering one', () => {
    const replica = new Replica();
    const first = replica.register('a');
    const second = replica.register('a');
    replica.apply(second, replica.segment(first, 0));
    expect(replica.recovered(second, first, 0)).toEqual(refused('position', 1));
    expect(replica.recovered(second, first, 1)).toEqual(applied());
    expect(replica.effects.map(({ what }) => what)).toEqual(['recovered', 'opened']);
    expect(replica.epoch(second).status).toBe('open');
    expect(replica.state.sealedAt(first)).toBe(1);
  });

  test('counts once: whoever is slower is told where the epoch was sealed', () => {
    const replica = new Replica();
    const [a, b, c] = [replica.register('a'), replica.register('b'), replica.register('c')];
    replica.fence(b, 'a');
    expect(replica.recovered(b, a, 0)).toEqual(applied());
    expect(replica.recovered(c, a, 0)).toEqual(refused('recovered', 0));
    const ofAnother = { kind: 'recovered', node: 'b', epoch: a, from: 0, sealedAt: 0 } as const;
    expect(replica.apply(c, ofAnother)).toEqual(refused('not-found'));
    expect(replica.apply(c, { ...ofAnother, node: 'c', epoch: c })).toEqual(refused('not-found'));
  });

  test('names a seal above the released position only when what lies between is given up', () => {
    const replica = new Replica();
    const [a, b] = [replica.register('a'), replica.register('b')];
    replica.fence(b, 'a');
    const change = { kind: 'recovered', node: 'a', epoch: a, from: 0, sealedAt: 3 } as const;
    expect(replica.apply(b, change)).toEqual(refused('malformed'));
    expect(replica.apply(b, { ...change, givenUp: true })).toEqual(applied());
    expect(replica.state.sealedAt(a)).toBe(3);
  });

  test('remembers where an epoch was cut: below that it was applied, and its seal stands above', () => {
    const replica = new Replica();
    const [a, b] = [replica.register('a'), replica.register('b')];
    replica.apply(a, replica.segment(a, 0));
    replica.fence(b, 'a');
    expect(replica.state.appliedBelow(a)).toBeUndefined();
    replica.apply(b, { kind: 'recovered', node: 'a', epoch: a, from: 1, sealedAt: 4, givenUp: true });
    expect([replica.state.appliedBelow(a), replica.state.sealedAt(a)]).toEqual([1, 4]);
    const next = replica.register('a');
    replica.fence(b, 'a');
    replica.recovered(b, next, 0);
    expect([replica.state.appliedBelow(next), replica.state.sealedAt(next)]).toEqual([0, 0]);
  });

  test.each(['giving data up', 'a memory WAL'])('raises ends to starts after %s, and only then', (case_) => {
    const replica = new Replica();
    const kind = case_ === 'a memory WAL' ? 'memory' : 'object';
    const [a, b] = [replica.register('a', kind), replica.register('b')];
    const [ahead, behind, others] = [replica.create(a), replica.create(a), replica.create(b)];
    replica.trim(a, ahead, 50);
    replica.trim(b, others, 60);
    replica.fence(b, 'a');
    const change = { kind: 'recovered', node: 'a', epoch: a, from: 0, sealedAt: 0 } as const;
    replica.apply(b, kind === 'memory' ? change : { ...change, givenUp: true });
    expect([ahead, behind, others].map((id) => replica.stream(id).endOffset)).toEqual([50, 0, 0]);
    expect(replica.effects).toContainEqual(expect.objectContaining({ what: 'extended', stream: ahead }));
  });

  test('touches no stream where nothing is lost', () => {
    const replica = new Replica();
    const [a, b] = [replica.register('a'), replica.register('b')];
    const stream = replica.create(a);
    replica.trim(a, stream, 50);
    replica.fence(b, 'a');
    expect(replica.state.isOpen(replica.stream(stream))).toBe(true);
    replica.recovered(b, a, 0);
    expect(replica.stream(stream)).toMatchObject({ ownerEpoch: a, endOffset: 0 });
    expect(replica.state.isOpen(replica.stream(stream))).toBe(false);
  });
});

describe('forget-node', () => {
  const forget = { kind: 'forget-node', node: 'a' } as const;

  test('is void while the node has an epoch that is live, recovering or owed', () => {
    const replica = new Replica();
    const [a, b] = [replica.register('a'), replica.register('b')];
    expect(replica.apply(b, forget)).toEqual(refused('conflict', a));
    const again = replica.register('a');
    expect(replica.apply(b, forget)).toEqual(refused('conflict', again));
    replica.fence(b, 'a');
    expect(replica.apply(b, forget)).toEqual(refused('conflict', a));
    replica.recovered(b, a, 0);
    expect(replica.apply(b, forget)).toEqual(applied());
    expect(replica.effects).toContainEqual(expect.objectContaining({ what: 'forgotten', node: 'a', epoch: again }));
    expect(replica.apply(b, forget)).toEqual(refused('not-found'));
    expect(replica.apply(b, { ...forget, node: 'zz' })).toEqual(refused('not-found'));
    expect(replica.apply(b, { ...forget, node: 'Z!' })).toEqual(refused('malformed'));
  });

  test('takes the node off the list, and keeps its epochs and seals for ever', () => {
    const replica = new Replica();
    const wal = { kind: 'object', id: '' } as const;
    replica.apply('n', { kind: 'register', node: 'a', wal, attributes: { rack: 'r1' }, rules: 1 });
    const [a, b] = [1, replica.register('b')];
    replica.fence(b, 'a');
    replica.apply(b, replica.segment(a, 0));
    replica.recovered(b, a, 1);
    replica.apply(b, forget);
    const { state } = replica;
    expect(state.node('a')).toBeUndefined();
    expect([...state.nodes()].map(({ name }) => name)).toEqual(['b']);
    expect([state.nodeOfEpoch(a), state.sealedAt(a), state.isOver(a), state.newerEpochThan(a)]).toEqual([
      'a',
      1,
      true,
      0,
    ]);
    expect(replica.recovered(b, a, 1)).toEqual(refused('not-found'));
    const again = replica.register('a');
    expect(again).toBeGreaterThan(a);
    expect(state.node('a')).toMatchObject({ attributes: {}, current: { epoch: again, status: 'open' } });
    expect([state.nodeOfEpoch(a), state.sealedAt(a), state.newerEpochThan(a)]).toEqual(['a', 1, again]);
    expect(replica.apply(a, { kind: 'settle', settledBelow: 1 })).toEqual(refused('fenced', again));
  });
});

describe('settle', () => {
  test('raises the watermark of the proposer and never lowers it', () => {
    const replica = new Replica();
    const a = replica.register('a');
    expect(replica.apply(a, { kind: 'settle', settledBelow: 5 })).toEqual(applied());
    expect(replica.apply(a, { kind: 'settle', settledBelow: 3 })).toEqual(applied());
    expect(replica.epoch(a).settledBelow).toBe(5);
  });
});

describe('rules', () => {
  test('go up only, and only when every live node can follow them', () => {
    const replica = new Replica();
    const able = { wal: { kind: 'object', id: '' }, attributes: {}, rules: 2 } as const;
    replica.apply('n', { kind: 'register', node: 'a', ...able });
    const b = replica.register('b');
    expect(replica.apply(1, { kind: 'rules', rules: 1 })).toEqual(refused('conflict', 1));
    expect(replica.apply(1, { kind: 'rules', rules: 2 })).toEqual(refused('conflict', 1));
    replica.apply(1, { kind: 'fence', node: 'b', epoch: b });
    expect(replica.apply(1, { kind: 'rules', rules: 2 })).toEqual(applied());
    expect(replica.state.rules).toBe(2);
    expect(() => replica.register('b')).toThrow(/rules 2/);
  });
});
