import { describe, expect, test } from 'vitest';
import type { CommitChange } from '../../src/catalog/change.ts';
import { streamId } from '../../src/model/ids.ts';
import { Replica, applied, present, refused } from './replica.ts';

function start(): { replica: Replica; a: number; b: number; s: number } {
  const replica = new Replica();
  const [a, b] = [replica.register('a'), replica.register('b')];
  return { replica, a, b, s: replica.create(a) };
}

/** A commit that only names data objects. */
function upload(epoch: number, at: number, objects: CommitChange['objects'], settledBelow = 0): CommitChange {
  return { kind: 'commit', epoch, from: at, to: at, objects, settledBelow };
}

describe('commit', () => {
  test('adds objects and parts, advances ends and releases the WAL', () => {
    const { replica, a, s } = start();
    expect(replica.apply(a, replica.segment(a, 0, [s, 0, 10, 500]))).toEqual(applied(1));
    expect(replica.effects).toEqual([{ index: 4, of: 'stream', what: 'extended', stream: s, name: undefined }]);
    expect(replica.epoch(a).released).toBe(1);
    expect(replica.stream(s)).toMatchObject({ startOffset: 0, endOffset: 10 });
    const part = replica.stream(s).parts.at(0);
    expect(part).toEqual({ object: 1, startOffset: 0, endOffset: 10, sizeBytes: 100, maxTimestamp: 500 });
    expect(replica.state.objectByOrigin('wal', a, 0)).toEqual({
      ...{ id: 1, family: 'wal', writerEpoch: a, node: 'a', sequence: 0, sizeBytes: 1_000 },
      ...{ liveBytes: 100, livePartCount: 1, retiredAt: undefined },
    });
  });

  test('continues a stream over several parts and objects of one change', () => {
    const { replica, a, s } = start();
    const objects = [replica.object('wal', 0, [s, 0, 3], [s, 3, 5]), replica.object('wal', 1, [s, 5, 9])];
    expect(replica.apply(a, { ...replica.segment(a, 0), to: 2, objects })).toEqual(applied(2));
    expect(replica.stream(s).endOffset).toBe(9);
    expect(present(replica.state.object(1)).livePartCount).toBe(2);
  });

  test('is void while the proposer is recovering, unless it acts for the owed epoch', () => {
    const { replica, a, s } = start();
    const second = replica.register('a');
    expect(replica.apply(second, replica.segment(second, 0))).toEqual(refused('recovering'));
    expect(replica.apply(second, replica.segment(a, 0, [s, 0, 4]))).toEqual(applied(1));
    expect(replica.stream(s).endOffset).toBe(4);
  });

  test('is void for an epoch that is current elsewhere, over, or never was', () => {
    const { replica, a, b } = start();
    expect(replica.apply(b, replica.segment(a, 0))).toEqual(refused('conflict', a));
    expect(replica.apply(b, replica.segment(999, 0))).toEqual(refused('not-found'));
    const second = replica.register('a');
    const third = replica.register('a');
    expect(replica.apply(b, replica.segment(second, 0))).toEqual(refused('fenced', third));
    replica.recovered(b, a, 0);
    expect(replica.apply(b, replica.segment(a, 0))).toEqual(refused('recovered', 0));
  });

  test('is void unless it starts at the released position', () => {
    const { replica, a } = start();
    expect(replica.apply(a, replica.segment(a, 1))).toEqual(refused('position', 0));
    replica.apply(a, replica.segment(a, 0));
    expect(replica.apply(a, replica.segment(a, 0))).toEqual(refused('position', 1));
  });

  test('is void when it names an output below the watermark, or one that is named already', () => {
    const { replica, a, s } = start();
    expect(replica.apply(a, upload(a, 0, [replica.object('data', 4, [s, 0, 5])], 3))).toEqual(applied(0));
    expect(replica.epoch(a).settledBelow).toBe(3);
    expect(replica.apply(a, upload(a, 0, [replica.object('data', 2, [s, 5, 6])]))).toEqual(refused('settled', 3));
    expect(replica.apply(a, upload(a, 0, [replica.object('data', 4, [s, 5, 6])]))).toEqual(refused('conflict', 1));
    expect(replica.apply(a, upload(a, 0, [replica.object('data', 3, [s, 5, 6])]))).toEqual(applied(0));
    expect(replica.epoch(a).settledBelow).toBe(3);
  });

  test('names data objects as its proposer’s, also when it acts for an owed epoch', () => {
    const { replica, a, b, s } = start();
    replica.apply(a, upload(a, 0, [replica.object('data', 0, [s, 0, 5])], 1));
    replica.fence(b, 'a');
    const objects = [replica.object('data', 0, [s, 5, 7]), replica.object('wal', 0, [s, 7, 9])];
    const change = { ...upload(a, 0, objects, 1), to: 1 };
    expect(replica.apply(b, change)).toEqual(applied(1));
    expect(replica.state.objectByOrigin('data', b, 0)).toMatchObject({ node: 'b', livePartCount: 1 });
    expect(replica.state.objectByOrigin('wal', a, 0)).toMatchObject({ node: 'a', livePartCount: 1 });
    expect([replica.epoch(a), replica.epoch(b)]).toMatchObject([
      { released: 1, settledBelow: 1 },
      { released: 0, settledBelow: 1 },
    ]);
    // Its own watermark is the one that counts.
    const late = { ...change, from: 1, to: 1, objects: [replica.object('data', 0, [s, 9, 10])] };
    expect(replica.apply(b, late)).toEqual(refused('settled', 1));
  });

  test('for an owed epoch lets in what a recovering epoch has written, which may be forgotten then', () => {
    const { replica, a, b, s } = start();
    const second = replica.register('a');
    const change = { ...upload(a, 0, [replica.object('data', 3, [s, 0, 5])], 4), to: 2 };
    expect(replica.apply(second, change)).toEqual(applied(2));
    replica.apply(b, { kind: 'fence', node: 'a', epoch: second });
    expect(replica.state.isOver(second)).toBe(true);
    expect(replica.state.objectByOrigin('data', second, 3)).toMatchObject({ node: 'a', livePartCount: 1 });
  });

  test('is void when a part does not continue its stream', () => {
    const { replica, a, s } = start();
    expect(replica.apply(a, replica.segment(a, 0, [s, 1, 5]))).toEqual(refused('discontinuous', 0));
    expect(replica.apply(a, replica.segment(a, 0, [s, 0, 5], [s, 6, 7]))).toEqual(refused('discontinuous', 5));
    expect(replica.stream(s).endOffset).toBe(0);
    expect(replica.epoch(a).released).toBe(0);
    expect([...replica.state.objects()]).toEqual([]);
  });

  test('is void when a stream is of another owner, of another stream epoch, or was never created', () => {
    const { replica, a, b, s } = start();
    const others = replica.create(b);
    expect(replica.apply(a, replica.segment(a, 0, [others, 0, 1]))).toEqual(refused('closed'));
    const change = replica.segment(a, 0, [s, 0, 1]);
    const part = { ...present(present(change.objects[0]).parts[0]), streamEpoch: 2 };
    const ofEpoch2 = { ...change, objects: [{ ...present(change.objects[0]), parts: [part] }] };
    expect(replica.apply(a, ofEpoch2)).toEqual(refused('closed'));
    expect(replica.apply(a, replica.segment(a, 0, [99, 0, 1]))).toEqual(refused('not-found'));
  });

  test('drops what belongs to deleted streams and lets the rest in', () => {
    const { replica, a, b, s } = start();
    const deleted = replica.create(b);
    replica.apply(b, { ...replica.segment(b, 0), closeStreams: [streamId(deleted)] });
    replica.apply(b, { kind: 'delete', stream: streamId(deleted) });
    expect(replica.apply(a, replica.segment(a, 0, [s, 0, 4], [deleted, 7, 9]))).toEqual(applied(1));
    expect(present(replica.state.objectByOrigin('wal', a, 0)).livePartCount).toBe(1);
  });

  test('advances the end over what lies below the start and keeps only what is above', () => {
    const { replica, a, s } = start();
    replica.trim(a, s, 15);
    expect(replica.apply(a, replica.segment(a, 0, [s, 0, 10]))).toEqual(applied(1));
    expect(replica.stream(s)).toMatchObject({ startOffset: 15, endOffset: 10 });
    expect(replica.stream(s).parts.length).toBe(0);
    expect([...replica.state.retired()].map(({ sequence, retiredAt }) => [sequence, retiredAt])).toEqual([[0, 5]]);
    replica.apply(a, replica.segment(a, 1, [s, 10, 20]));
    expect(replica.stream(s)).toMatchObject({ startOffset: 15, endOffset: 20 });
    expect(replica.stream(s).parts.at(0)).toMatchObject({ startOffset: 10, endOffset: 20 });
    expect(replica.stream(s).ranges.at(0)).toEqual({ streamEpoch: 1, startOffset: 10, endOffset: 20 });
  });

  test('retires an object without any part at once', () => {
    const { replica, a } = start();
    replica.apply(a, replica.segment(a, 0));
    expect([...replica.state.objects()]).toEqual([]);
    expect([...replica.state.retired()]).toHaveLength(1);
  });

  test('closes streams of its epoch, and only those', () => {
    const { replica, a, b, s } = start();
    const others = replica.create(b);
    const closing = { ...replica.segment(a, 0, [s, 0, 5]), closeStreams: [streamId(s), streamId(others)] };
    expect(replica.apply(a, closing)).toEqual(refused('closed'));
    expect(replica.apply(a, { ...closing, closeStreams: [streamId(s)] })).toEqual(applied(1));
    expect(replica.stream(s)).toMatchObject({ ownerEpoch: 0, endOffset: 5 });
    expect(replica.effects.map(({ what }) => what)).toEqual(['extended', 'closed']);
    const again = { ...replica.segment(a, 1), closeStreams: [streamId(s)] };
    expect(replica.apply(a, again)).toEqual(refused('closed'));
  });

  test('closes the epoch, and all its streams with it', () => {
    const { replica, a, b, s } = start();
    expect(replica.apply(a, { ...replica.segment(a, 0, [s, 0, 5]), closeEpoch: true })).toEqual(applied(1));
    expect(replica.effects.map(({ what }) => what)).toEqual(['extended', 'closed']);
    expect(replica.state.isOver(a)).toBe(true);
    expect(replica.state.sealedAt(a)).toBeUndefined();
    expect(replica.state.node('a')).toMatchObject({ current: undefined, unrecovered: undefined, closedEpoch: a });
    expect(replica.state.isOpen(replica.stream(s))).toBe(false);
    expect(replica.open(b, s)).toEqual(applied(2));
    expect(replica.epoch(replica.register('a')).status).toBe('open');
  });

  test('closes nothing on behalf of an owed epoch: its WAL may hold more of the stream', () => {
    const { replica, a, b, s } = start();
    replica.fence(b, 'a');
    const change = replica.segment(a, 0, [s, 0, 5]);
    expect(replica.apply(b, { ...change, closeStreams: [streamId(s)] })).toEqual(refused('malformed'));
    expect(replica.apply(b, { ...change, closeEpoch: true })).toEqual(refused('malformed'));
    expect(replica.apply(b, change)).toEqual(applied(1));
  });

  test('fences its own writer for the rest of the record once it has closed the epoch', () => {
    const { replica, a } = start();
    const put = { kind: 'kv-put', key: 'k', value: new Uint8Array() } as const;
    const verdicts = replica.applyAll(a, [put, { ...replica.segment(a, 0), closeEpoch: true }, put]);
    expect(verdicts).toEqual([applied(1), applied(1), refused('fenced')]);
  });
});
