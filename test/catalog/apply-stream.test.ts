import { describe, expect, test } from 'vitest';
import { streamId } from '../../src/model/ids.ts';
import { Replica, applied, refused } from './replica.ts';

function start(): { replica: Replica; a: number; b: number; s: number } {
  const replica = new Replica();
  const [a, b] = [replica.register('a'), replica.register('b')];
  return { replica, a, b, s: replica.create(a, 's') };
}

/** Closes a stream of an epoch by a commit that holds nothing. */
function close(replica: Replica, epoch: number, stream: number): void {
  const { released } = replica.epoch(epoch);
  const change = { ...replica.segment(epoch, released), objects: [], to: released, closeStreams: [streamId(stream)] };
  expect(replica.apply(epoch, change).applied).toBe(true);
}

describe('create', () => {
  test('gives dense ids, opens the stream for its creator and starts at epoch 1 and offset 0', () => {
    const { replica, a } = start();
    expect(replica.create(a)).toBe(2);
    const attributes = JSON.parse('{ "owner": "x", "__proto__": "y" }') as Record<string, string>;
    expect(replica.apply(a, { kind: 'create', name: 'n', attributes })).toEqual(applied(3));
    expect(replica.state.streamByName('n')).toMatchObject({
      ...{ id: 3, ownerEpoch: a, streamEpoch: 1, startOffset: 0, endOffset: 0, attributesVersion: 1 },
    });
    expect(Object.entries(replica.state.streamByName('n')?.attributes ?? {})).toEqual(Object.entries(attributes));
    expect(replica.effects).toEqual([{ index: 5, of: 'stream', what: 'created', stream: 3, name: 'n' }]);
  });

  test('is void when the name is taken, also by a change of the same record', () => {
    const { replica, a, b } = start();
    expect(replica.apply(b, { kind: 'create', name: 's', attributes: {} })).toEqual(refused('exists', 1));
    const twice = { kind: 'create', name: 't', attributes: {} } as const;
    expect(replica.applyAll(a, [twice, twice])).toEqual([applied(2), refused('exists', 2)]);
  });

  test('and open are void while the proposer is recovering', () => {
    const { replica, s } = start();
    const second = replica.register('a');
    expect(replica.apply(second, { kind: 'create', attributes: {} })).toEqual(refused('recovering'));
    expect(replica.open(second, s)).toEqual(refused('recovering'));
  });
});

describe('open', () => {
  test('takes a closed stream under the next stream epoch', () => {
    const { replica, a, b, s } = start();
    close(replica, a, s);
    expect(replica.open(b, s)).toEqual(applied(2));
    expect(replica.stream(s)).toMatchObject({ ownerEpoch: b, streamEpoch: 2 });
    expect(replica.effects.map(({ what }) => what)).toEqual(['opened']);
  });

  test('never takes a stream from an epoch that is live or owed, not even from the proposer itself', () => {
    const { replica, a, b, s } = start();
    expect(replica.open(b, s)).toEqual(refused('owned', a));
    expect(replica.open(a, s)).toEqual(refused('owned', a));
    replica.fence(b, 'a');
    expect(replica.open(b, s)).toEqual(refused('owned', a));
    replica.recovered(b, a, 0);
    expect(replica.open(b, s)).toEqual(applied(2));
  });

  test('is void unless the stream epoch is the one expected', () => {
    const { replica, a, b, s } = start();
    expect(replica.open(b, s, 9)).toEqual(refused('owned', a));
    close(replica, a, s);
    expect(replica.open(b, s, 2)).toEqual(refused('conflict', 1));
    expect(replica.open(b, s, 0)).toEqual(refused('conflict', 1));
    expect(replica.open(b, s, 1)).toEqual(applied(2));
    expect(replica.open(b, 99)).toEqual(refused('not-found'));
  });
});

describe('delete', () => {
  test('is void while anybody has the stream open', () => {
    const { replica, a, b, s } = start();
    const change = { kind: 'delete', stream: streamId(s) } as const;
    expect(replica.apply(b, change)).toEqual(refused('owned', a));
    expect(replica.apply(a, change)).toEqual(refused('owned', a));
    close(replica, a, s);
    expect(replica.apply(b, change)).toEqual(applied());
    expect(replica.apply(b, change)).toEqual(refused('not-found'));
    expect(replica.state.streamByName('s')).toBeUndefined();
    expect(replica.create(b, 's')).toBe(2);
  });

  test('retires the objects that held nothing else', () => {
    const { replica, a, s } = start();
    const other = replica.create(a);
    replica.apply(a, replica.segment(a, 0, [s, 0, 5], [other, 0, 5]));
    replica.apply(a, replica.segment(a, 1, [s, 5, 9]));
    close(replica, a, s);
    replica.apply(a, { kind: 'delete', stream: streamId(s) });
    expect([...replica.state.objects()].map(({ sequence, liveBytes }) => [sequence, liveBytes])).toEqual([[0, 50]]);
    expect([...replica.state.retired()].map(({ sequence }) => sequence)).toEqual([1]);
  });
});

describe('trim', () => {
  test('forgets parts, ranges and objects that lie wholly below the start', () => {
    const { replica, a, s } = start();
    replica.apply(a, replica.segment(a, 0, [s, 0, 10]));
    replica.apply(a, replica.segment(a, 1, [s, 10, 20]));
    expect(replica.trim(a, s, 12)).toEqual(applied(12));
    expect(replica.stream(s)).toMatchObject({ startOffset: 12, endOffset: 20 });
    expect(replica.stream(s).parts.length).toBe(1);
    expect([...replica.state.retired()].map(({ sequence }) => sequence)).toEqual([0]);
    expect(replica.effects.map(({ what }) => what)).toEqual(['trimmed']);
  });

  test('to where the start already is, or below, has no effect and is applied', () => {
    const { replica, a, s } = start();
    replica.trim(a, s, 12);
    expect(replica.trim(a, s, 12)).toEqual(applied(12));
    expect(replica.trim(a, s, 3)).toEqual(applied(12));
    expect(replica.effects).toEqual([]);
    expect(replica.stream(s).startOffset).toBe(12);
  });

  test('is for the owner, under the stream epoch it has', () => {
    const { replica, a, b, s } = start();
    expect(replica.trim(b, s, 5)).toEqual(refused('closed'));
    const wrongEpoch = { kind: 'trim', stream: streamId(s), streamEpoch: 2, startOffset: 5 } as const;
    expect(replica.apply(a, wrongEpoch)).toEqual(refused('closed'));
    expect(replica.apply(a, { ...wrongEpoch, stream: streamId(9) })).toEqual(refused('not-found'));
    close(replica, a, s);
    expect(replica.trim(a, s, 5)).toEqual(refused('closed'));
  });
});

describe('attributes', () => {
  test('are replaced under a version that counts up', () => {
    const { replica, b, s } = start();
    const change = { kind: 'attributes', stream: streamId(s), attributes: { k: 'v' } } as const;
    expect(replica.apply(b, change)).toEqual(applied(2));
    expect(replica.apply(b, { ...change, ifVersion: 1 })).toEqual(refused('conflict', 2));
    expect(replica.apply(b, { ...change, attributes: {}, ifVersion: 2 })).toEqual(applied(3));
    expect(replica.stream(s).attributes).toEqual({});
    expect(replica.apply(b, { ...change, stream: streamId(9) })).toEqual(refused('not-found'));
  });
});

describe('listing', () => {
  test('goes in order of id and can begin anywhere', () => {
    const { replica, a } = start();
    const ids = [replica.create(a), replica.create(a), replica.create(a)];
    close(replica, a, 3);
    replica.apply(a, { kind: 'delete', stream: streamId(3) });
    expect([...replica.state.streams()].map(({ id }) => id)).toEqual([1, 2, 4]);
    expect([...replica.state.streams(3)].map(({ id }) => id)).toEqual([4]);
    expect([replica.state.streamCount, replica.state.nextStreamId, ids]).toEqual([3, 5, [2, 3, 4]]);
  });
});
