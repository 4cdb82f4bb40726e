// The part of the object store suite about lists: complete, in the order of UTF-8 bytes, cut into pages anywhere, and
// never behind what has been answered.
import assert from 'node:assert/strict';
import type { ObjectStoreTest } from './object-store-under-test.ts';
import {
  assertInOrder,
  compareKeys,
  handlesOf,
  inParallel,
  listAll,
  listEntries,
  probe,
  putStored,
  textBody,
} from './object-store-under-test.ts';
import { drawInteger, seededRandom } from './seeded-random.ts';

/** In this order by UTF-8 bytes; U+FF21 sorts below U+1F600, though not in UTF-16. */
const allKeys = [
  '-a',
  '0',
  '10',
  '9',
  'A',
  'A/a',
  'B',
  '_',
  'a',
  'a b',
  'a!',
  'a-',
  'a-b',
  'a.b',
  'a/-',
  'a/0',
  'a/B',
  'a/b',
  'a/b-c',
  'a/b/c',
  'a/b0',
  'a/bb',
  'a0',
  'aB',
  'ab',
  'a~',
  'b',
  'b/long'.padEnd(200, 'x'),
  'b/long'.padEnd(200, 'x').concat('-'),
  'b/long'.padEnd(200, 'x').concat('/y'),
  'b/long'.padEnd(200, 'x').concat('0'),
  'z',
  '\u{e9}',
  '\u{e9}/a',
  '\u{fc}',
  '\u{4e2d}\u{6587}',
  '\u{ff21}',
  '\u{1f600}',
  '\u{1f600}/a',
];

const afterAnything = '\u{10fffd}';

/** Declares them. `keysRefused` are keys that what is behind the store cannot hold. */
export function testObjectStoreLists(test: ObjectStoreTest, keysRefused: readonly string[]): void {
  const orderedKeys = allKeys.filter((key) => !keysRefused.includes(key));

  test('a list of nothing is empty', async ({ store }) => {
    for (const prefix of ['', 'a', 'a/', 'a/b/c/']) {
      assert.deepEqual(await store.list({ ...probe, prefix }), { keys: [], more: false });
      assert.deepEqual(await store.list({ ...probe, prefix, after: 'a/b', limit: 1 }), { keys: [], more: false });
    }
  });

  test('a list gives keys in the order of their UTF-8 bytes, with the sizes of the values', async ({ store }) => {
    const sizeOf = (key: string): number => orderedKeys.indexOf(key) * 7;
    await inParallel(orderedKeys.length, 8, async (index) => {
      const key = orderedKeys[(index * 17) % orderedKeys.length]!;
      await putStored(store, key, new Uint8Array(sizeOf(key)));
    });
    const listed = await listEntries(store, { prefix: '' });
    assert.deepEqual(
      listed.map(({ key }) => key),
      orderedKeys,
    );
    for (const { key, size } of listed) assert.equal(size, sizeOf(key), `size of ${JSON.stringify(key)}`);
  });

  test('a list of a prefix gives exactly the keys that begin with it, wherever it ends', async ({ store }) => {
    await inParallel(orderedKeys.length, 8, async (index) => {
      await putStored(store, orderedKeys[index]!, textBody('x'));
    });
    const prefixes = new Set(['', 'nothing', 'a/b/c/d', 'b/long'.padEnd(199, 'x'), '\u{e9}', afterAnything]);
    for (const key of orderedKeys) for (let end = 1; end <= Math.min(key.length, 7); end++) prefixes.add(cut(key, end));
    for (const prefix of prefixes) {
      const expected = orderedKeys.filter((key) => key.startsWith(prefix));
      assert.deepEqual(await listAll(store, prefix), expected, `prefix ${JSON.stringify(prefix)}`);
    }
  });

  test('a list goes on after any key, whether it is there or not, and whatever the prefix', async ({ store }) => {
    await inParallel(orderedKeys.length, 8, async (index) => {
      await putStored(store, orderedKeys[index]!, textBody('x'));
    });
    const places = [...orderedKeys, 'a/', 'a/b/', 'a/a', 'b/lon', '!', 'zz', afterAnything];
    for (const prefix of ['', 'a', 'a/', 'a/b', 'b/']) {
      for (const after of places) {
        const listed = await listEntries(store, { prefix, after });
        const expected = orderedKeys.filter((key) => key.startsWith(prefix) && compareKeys(key, after) > 0);
        assert.deepEqual(
          listed.map(({ key }) => key),
          expected,
          `prefix ${JSON.stringify(prefix)} after ${JSON.stringify(after)}`,
        );
      }
    }
  });

  test('pages of any size put together are the list', async ({ store }) => {
    await inParallel(orderedKeys.length, 8, async (index) => {
      await putStored(store, orderedKeys[index]!, textBody('x'));
    });
    for (const limit of [1, 2, 3, 7, orderedKeys.length - 1, orderedKeys.length, orderedKeys.length + 1, 100_000]) {
      for (const prefix of ['', 'a', 'a/']) {
        const expected = orderedKeys.filter((key) => key.startsWith(prefix));
        assert.deepEqual(await listAll(store, prefix, limit), expected, `pages of ${limit} of "${prefix}"`);
      }
    }
  });

  test('more than a thousand keys are listed completely, in pages where the store makes them', async ({ store }) => {
    const count = 1205;
    const key = (index: number): string => `many/${String(index % 7)}/${String(index).padStart(6, '0')}`;
    await inParallel(count, 32, async (index) => {
      await putStored(store, key(index), textBody(String(index)), 'absent');
    });
    const expected = Array.from({ length: count }, (_, index) => key(index)).toSorted(compareKeys);
    assert.deepEqual(await listAll(store, 'many/'), expected);
    assert.deepEqual(await listAll(store, 'many/', 100), expected);
    assert.deepEqual(await listAll(store, '', 1000), expected);
  });

  test('a key is listed, with its size, as soon as its put is answered, and not any more once deleted', async (o) => {
    const [writer, reader] = await handlesOf(o);
    for (let round = 0; round < 15; round++) {
      const key = `folder/${round % 3}`;
      await putStored(writer!, key, new Uint8Array(round));
      assert.deepEqual((await reader!.list({ ...probe, prefix: key })).keys, [{ key, size: round }]);
      await putStored(reader!, key, new Uint8Array(round + 100));
      assert.deepEqual((await writer!.list({ ...probe, prefix: key })).keys, [{ key, size: round + 100 }]);
      await reader!.delete([key], probe);
      assert.deepEqual((await writer!.list({ ...probe, prefix: key })).keys, []);
    }
    assert.deepEqual(await listAll(writer!, ''), []);
  });

  test('a list made while others put has everything that was answered before it began', async (opened) => {
    const handles = await handlesOf(opened);
    const answered = new Set<string>();
    let isPutting = true;
    const puts = inParallel(200, 8, async (index) => {
      const key = `busy/${String((index * 71) % 200).padStart(3, '0')}`;
      await putStored(handles[index % 2]!, key, textBody(key), 'absent');
      answered.add(key);
    }).finally(() => (isPutting = false));
    const lists = (async (): Promise<void> => {
      while (isPutting) {
        const before = [...answered];
        const listed = new Set(await listAll(handles[1]!, 'busy/', 50));
        for (const key of before) assert.ok(listed.has(key), `${key} was put before the list began`);
      }
    })();
    await Promise.all([puts, lists]);
    assert.equal((await listAll(handles[0]!, 'busy/')).length, 200);
  });

  test('a long sequence of puts, deletes, gets and lists is what a simple model says', async ({ store }) => {
    const random = seededRandom(2024);
    const all = ['a', 'a/b', 'a/b/c', 'a-b', 'ab', 'A', 'b/a', 'b/b', 'b/b/', 'c', '\u{e9}', '\u{1f600}'];
    const names = all.filter((name) => !keysRefused.includes(name));
    const model = new Map<string, { size: number; etag: string }>();
    for (let step = 0; step < 400; step++) {
      const key = names[drawInteger(random, names.length)]!;
      const standing = model.get(key);
      const choice = drawInteger(random, 10);
      if (choice < 5) {
        const condition = [undefined, 'absent', { etag: standing?.etag ?? 'none' }] as const;
        const chosen = condition[drawInteger(random, 3)];
        const answer = await store.put(key, new Uint8Array(step), { ...probe, if: chosen });
        const refusal = chosen === 'absent' && standing ? 'exists' : chosen && !standing ? 'changed' : undefined;
        const expected = chosen === 'absent' && !standing ? 'stored' : (refusal ?? 'stored');
        assert.equal(answer.outcome, expected, `step ${step}: put of ${key}`);
        if (answer.outcome === 'stored') model.set(key, { size: step, etag: answer.etag });
      } else if (choice < 7) {
        await store.delete([key], probe);
        model.delete(key);
      } else if (choice < 9) {
        const answer = await store.get(key, probe);
        const seen = typeof answer === 'string' ? undefined : { size: answer.size, etag: answer.etag };
        assert.deepEqual(seen, standing, `step ${step}: get of ${key}`);
      } else {
        const prefix = cut(key, 1 + drawInteger(random, 2));
        const limit = 1 + drawInteger(random, 4);
        const page = await store.list({ ...probe, prefix, after: random.fraction() < 0.5 ? key : undefined, limit });
        assertInOrder(page.keys.map((listed) => listed.key));
        for (const listed of page.keys) assert.equal(listed.size, model.get(listed.key)?.size, `step ${step}`);
        const standingKeys = [...model.keys()].filter((name) => name.startsWith(prefix)).toSorted(compareKeys);
        assert.deepEqual(await listAll(store, prefix, limit), standingKeys, `step ${step}: list of ${prefix}`);
      }
    }
  });
}

/** The first characters of a key, never half a character. */
function cut(key: string, length: number): string {
  return Array.from(key).slice(0, length).join('');
}
