import { expect, test } from 'vitest';
import { retiredObjectsMax } from '../../src/catalog/object-table.ts';
import { Replica, applied } from './replica.ts';

test('retired objects are remembered up to a limit, the oldest leave first', () => {
  const replica = new Replica();
  const a = replica.register('a');
  const count = retiredObjectsMax + 10;
  const objects = Array.from({ length: count }, (_, i) => replica.object('wal', i));
  expect(replica.apply(a, { ...replica.segment(a, 0), to: count, objects })).toEqual(applied(count));
  const retired = [...replica.state.retired()].map(({ sequence }) => sequence);
  expect([retired.length, retired[0]]).toEqual([retiredObjectsMax, 10]);
  expect(replica.state.objectByOrigin('wal', a, 9)).toBeUndefined();
  expect(replica.state.objectByOrigin('wal', a, 10)).toBeDefined();
});

test('a retired object stays while its sequence could be named again', () => {
  const replica = new Replica();
  const a = replica.register('a');
  const count = retiredObjectsMax + 10;
  const objects = Array.from({ length: count }, (_, i) => replica.object('data', i));
  const commit = { ...replica.segment(a, 0), to: 0, settledBelow: 5, objects };
  expect(replica.apply(a, commit)).toEqual(applied());
  expect([...replica.state.retired()]).toHaveLength(count - 5);
  const again = { ...commit, objects: [replica.object('data', 7)] };
  expect(replica.apply(a, again)).toEqual({ applied: false, reason: 'conflict', fact: 8 });
  replica.apply(a, { kind: 'settle', settledBelow: count });
  expect([...replica.state.retired()]).toHaveLength(retiredObjectsMax);
});

test('what a closed or recovered epoch wrote may be forgotten', () => {
  const replica = new Replica();
  const [a, b] = [replica.register('a'), replica.register('b')];
  const objects = Array.from({ length: retiredObjectsMax + 10 }, (_, i) => replica.object('data', i));
  replica.apply(a, { ...replica.segment(a, 0), to: 0, objects });
  replica.fence(b, 'a');
  expect([...replica.state.retired()]).toHaveLength(objects.length);
  replica.recovered(b, a, 0);
  expect([...replica.state.retired()]).toHaveLength(retiredObjectsMax);
});
