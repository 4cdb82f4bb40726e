// The part of the object store suite about the calls themselves: which keys there are, wrong arguments, signals.
import assert from 'node:assert/strict';
import type { GetOptions, ListOptions, ObjectStore, PutOptions } from '../index.ts';
import type { ObjectStoreTest } from './object-store-under-test.ts';
import {
  assertHolds,
  assertSameBytes,
  bodyOf,
  compareKeys,
  getFound,
  listAll,
  probe,
  putStored,
  textBody,
} from './object-store-under-test.ts';

/** Keys that file systems, paths, patterns and addresses have other ideas about. */
const oddKeys: readonly string[] = [
  '.',
  '..',
  '../x',
  './x',
  'x/../y',
  'x/./y',
  '.tmp',
  '.tmp/x',
  '...',
  '/',
  '/x',
  '//',
  'x/',
  'x//y',
  '/etc/passwd',
  ' ',
  ' x ',
  'x y',
  '%',
  '%41',
  '%2F',
  '%%',
  'X',
  'x',
  'XY',
  'Xy',
  'xY',
  '~',
  '~1',
  'x~',
  'x~1',
  'x~1/y',
  'x~2',
  '\\',
  'x\\y',
  'C:\\x',
  '"',
  "'",
  '<&>',
  '?x=y&z',
  '#x',
  '+',
  '*',
  '$HOME',
  '{x}',
  '|',
  'con',
  'nul.txt',
  'x.',
  '-rf',
  '\u{e9}',
  'e\u{301}',
  '\u{df}',
  '\u{202e}x',
  '\u{1f600}',
  'k'.repeat(71),
  'k'.repeat(72),
  'k'.repeat(73),
  'k'.repeat(255),
  'k'.repeat(256),
  'k'.repeat(1024),
  `${'k'.repeat(500)}/${'K'.repeat(523)}`,
  '\u{e9}'.repeat(512),
];

/** Declares them. `keysRefused` are keys that what is behind the store cannot hold. */
export function testObjectStoreCalls(test: ObjectStoreTest, keysRefused: readonly string[]): void {
  test('odd keys are keys like all others', async ({ store }) => {
    const keys = oddKeys.filter((key) => !keysRefused.includes(key)).toSorted(compareKeys);
    for (const key of keys) await putStored(store, key, textBody(`value of ${key}`), 'absent');
    for (const key of keys) await assertHolds(store, key, textBody(`value of ${key}`));
    assert.deepEqual(await listAll(store, ''), keys);
    assert.deepEqual(await listAll(store, '', 5), keys);
    const gone = keys.filter((_, index) => index % 2 === 0);
    assert.deepEqual(await store.delete(gone, probe), { failed: [] });
    for (const key of gone) assert.equal(await store.get(key, probe), 'missing');
    assert.deepEqual(
      await listAll(store, ''),
      keys.filter((_, index) => index % 2 === 1),
    );
  });

  test('wrong arguments are refused with INVALID_ARGUMENT, by a rejection, and do nothing', async ({ store }) => {
    await putStored(store, 'key', textBody('value'));
    for (const [what, call] of wrongCalls(store)) await assertRefused(what, call);
    assert.deepEqual(await listAll(store, ''), ['key']);
    await assertHolds(store, 'key', textBody('value'));
  });

  test('a signal that has fired stops every call with its reason, and nothing is done', async ({ store }) => {
    await putStored(store, 'key', textBody('value'));
    const reason = new Error('changed my mind');
    const signal = AbortSignal.abort(reason);
    const calls: (() => Promise<unknown>)[] = [
      () => store.put('other', textBody('x'), { ...probe, signal }),
      () => store.put('key', textBody('x'), { ...probe, signal }),
      () => store.get('key', { ...probe, signal }),
      () => store.list({ ...probe, prefix: '', signal }),
      () => store.delete(['key'], { ...probe, signal }),
    ];
    for (const call of calls) {
      await assert.rejects(call, (error) => error === reason);
    }
    assert.deepEqual(await listAll(store, ''), ['key']);
    await assertHolds(store, 'key', textBody('value'));
  });

  test('a signal that fires during a call leaves the value whole, the old or the new one', async ({ store }) => {
    const old = textBody('old');
    const fresh = bodyOf(1, 1024 * 1024);
    for (let round = 0; round < 5; round++) {
      await putStored(store, 'key', old);
      const reason = new Error('enough');
      const controller = new AbortController();
      const { signal } = controller;
      const calls: Promise<unknown>[] = [
        store.put('key', fresh, { ...probe, signal }),
        store.get('key', { ...probe, signal }),
        store.list({ ...probe, prefix: '', signal }),
      ];
      const settled = Promise.allSettled(calls);
      for (let turns = 0; turns < round * 3; turns++) await store.get('nothing', probe);
      controller.abort(reason);
      for (const result of await settled) if (result.status === 'rejected') assert.equal(result.reason, reason);
      // What was aborted may still arrive, so one answer is judged and not two.
      const value = await getFound(store, 'key');
      assertSameBytes(value.bytes, value.size === old.byteLength ? old : fresh, 'bytes of "key"');
    }
  });

  test('a signal that fires after a call has been answered does nothing', async ({ store }) => {
    const controller = new AbortController();
    const { signal } = controller;
    await store.put('key', textBody('value'), { ...probe, signal });
    await store.list({ ...probe, prefix: '', signal });
    controller.abort(new Error('too late'));
    await assertHolds(store, 'key', textBody('value'));
  });
}

function wrongCalls(store: ObjectStore): [string, () => Promise<unknown>][] {
  const body = textBody('x');
  const wrongKeys: unknown[] = [
    '',
    'k'.repeat(1025),
    '\u{e9}'.repeat(513),
    '\ud800',
    'x\udc00y',
    7,
    null,
    undefined,
    {},
  ];
  const wrongBodies: unknown[] = ['text', undefined, null, [1, 2], new ArrayBuffer(3), [new Uint8Array(1)]];
  const wrongOptions: unknown[] = [undefined, null, {}, { purpose: '' }, { purpose: 7 }];
  const wrongConditions: unknown[] = ['present', '', null, {}, { etag: '' }, { etag: 7 }];
  const wrongRanges: unknown[] = [
    null,
    'all',
    {},
    { start: 0 },
    { end: 5 },
    { start: -1, end: 5 },
    { start: 5, end: 4 },
    { start: 0.5, end: 4 },
    { start: 0, end: NaN },
    { start: 0, end: Infinity },
    { start: '0', end: 4 },
    { last: -1 },
    { last: 1.5 },
    { start: 0, end: 4, last: 4 },
  ];
  const calls: [string, () => Promise<unknown>][] = [];
  const add = (what: string, values: readonly unknown[], call: (value: never) => Promise<unknown>): void => {
    for (const value of values) calls.push([`${what} ${show(value)}`, () => call(value as never)]);
  };
  add('put of key', wrongKeys, (key) => store.put(key, body, probe));
  add('get of key', wrongKeys, (key) => store.get(key, probe));
  add('delete of key', wrongKeys, (key) => store.delete(['key', key], probe));
  add('delete of', ['key', undefined, null, {}], (keys) => store.delete(keys, probe));
  add('put of body', wrongBodies, (wrong) => store.put('other', wrong, probe));
  add('put with', wrongOptions, (options) => store.put('other', body, options));
  add('get with', wrongOptions, (options) => store.get('key', options));
  add('list with', wrongOptions, (options) => store.list(options));
  add('delete with', wrongOptions, (options) => store.delete(['key'], options));
  add('put if', wrongConditions, (condition) => store.put('key', body, { ...probe, if: condition } as PutOptions));
  add('get if none match', ['', 7, {}], (ifNoneMatch) => store.get('key', { ...probe, ifNoneMatch } as GetOptions));
  add('get of range', wrongRanges, (range) => store.get('key', { ...probe, range } as GetOptions));
  add('list of prefix', [undefined, null, 7, '\ud800'], (prefix) => store.list({ ...probe, prefix }));
  add('list after', [null, 7, '\ud800'], (after) => store.list({ ...probe, prefix: '', after } as ListOptions));
  add('list of limit', [0, -1, 1.5, NaN, Infinity, '5', null], (limit) => store.list({ ...probe, prefix: '', limit }));
  return calls;
}

async function assertRefused(what: string, call: () => Promise<unknown>): Promise<void> {
  let promise: Promise<unknown>;
  try {
    promise = call();
  } catch (cause) {
    assert.fail(`${what}: thrown, not rejected: ${String(cause)}`);
  }
  await assert.rejects(
    promise,
    (error) => {
      const isKind = error instanceof TypeError || error instanceof RangeError;
      assert.ok(isKind && (error as { code?: unknown }).code === 'INVALID_ARGUMENT', `${what}: ${String(error)}`);
      return true;
    },
    `${what}: not refused`,
  );
}

function show(value: unknown): string {
  return typeof value === 'object' && value !== null ? JSON.stringify(value).slice(0, 40) : String(value).slice(0, 40);
}
