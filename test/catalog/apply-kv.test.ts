import { expect, test } from 'vitest';
import { applyRecord } from '../../src/catalog/apply-change.ts';
import { Replica, applied, refused } from './replica.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const put = (key: string, ifVersion?: number) =>
  ({ kind: 'kv-put', key, value: bytes(key), ...(ifVersion === undefined ? {} : { ifVersion }) }) as const;
const remove = (key: string, ifVersion?: number) =>
  ({ kind: 'kv-delete', key, ...(ifVersion === undefined ? {} : { ifVersion }) }) as const;

test('a put gives a version that no other put was given', () => {
  const replica = new Replica();
  const a = replica.register('a');
  expect(replica.applyAll(a, [put('x'), put('x'), put('y')])).toEqual([applied(1), applied(2), applied(3)]);
  expect(replica.apply(a, remove('x'))).toEqual(applied());
  expect(replica.apply(a, put('x'))).toEqual(applied(4));
  expect(replica.effects).toEqual([{ index: 4, of: 'kv', what: 'put', key: 'x', version: 4 }]);
  expect(replica.state.kv('x')).toEqual({ value: bytes('x'), version: 4 });
  expect(replica.state.kvVersion).toBe(4);
});

test('a put holds its condition: the version that stands, 0 for absence', () => {
  const replica = new Replica();
  const a = replica.register('a');
  expect(replica.apply(a, put('x', 1))).toEqual(refused('conflict', 0));
  expect(replica.apply(a, put('x', 0))).toEqual(applied(1));
  expect(replica.apply(a, put('x', 0))).toEqual(refused('conflict', 1));
  expect(replica.apply(a, put('x', 1))).toEqual(applied(2));
});

test('a deletion holds its condition and tells of the version it ended', () => {
  const replica = new Replica();
  const a = replica.register('a');
  expect(replica.apply(a, remove('x'))).toEqual(refused('not-found'));
  expect(replica.apply(a, remove('x', 0))).toEqual(refused('not-found'));
  expect(replica.apply(a, remove('x', 1))).toEqual(refused('conflict', 0));
  replica.apply(a, put('x'));
  expect(replica.apply(a, remove('x', 2))).toEqual(refused('conflict', 1));
  expect(replica.apply(a, remove('x', 1))).toEqual(applied());
  expect(replica.effects).toEqual([{ index: 7, of: 'kv', what: 'deleted', key: 'x', version: 1 }]);
  expect(replica.state.kv('x')).toBeUndefined();
});

test('entries of a prefix come in the order of UTF-16 code units', () => {
  const replica = new Replica();
  const a = replica.register('a');
  const keys = ['p/\u{1F600}', 'p/\uFFFD', 'p/b', 'p/B', 'p', 'q', 'p/'];
  replica.applyAll(
    a,
    keys.map((key) => put(key)),
  );
  expect([...replica.state.kvEntries('p/')].map(({ key }) => key)).toEqual([
    ...['p/', 'p/B', 'p/b', 'p/\u{1F600}', 'p/\uFFFD'],
  ]);
  expect([...replica.state.kvEntries()]).toHaveLength(7);
  expect([...replica.state.kvEntries('z')]).toEqual([]);
});

test('the value kept shares no memory with the record it came in', () => {
  const replica = new Replica();
  const a = replica.register('a');
  const { state } = replica;
  const value = bytes('before');
  const changes = [{ kind: 'kv-put', key: 'k', value } as const];
  const record = { index: 2, writer: a, number: 1, previousDigest: state.digest, changes };
  applyRecord(state, record, bytes('the record'));
  value.fill(0);
  expect(state.kv('k')?.value).toEqual(bytes('before'));
});
