// The part of the object store suite about values: what is put is what is got, whole, in ranges, by every handle.
import assert from 'node:assert/strict';
import type { ByteRange, ObjectStore } from '../index.ts';
import type { ObjectStoreTest } from './object-store-under-test.ts';
import {
  assertHolds,
  assertSameBytes,
  bodyOf,
  found,
  getFound,
  handlesOf,
  probe,
  putStored,
  textBody,
} from './object-store-under-test.ts';

const sizes: readonly [string, number][] = [
  ['no bytes', 0],
  ['one byte', 1],
  ['a few KiB', 5000],
  ['64 KiB and one byte', 65_537],
  ['8 MiB', 8 * 1024 * 1024],
];

/** Declares them. */
export function testObjectStoreValues(test: ObjectStoreTest): void {
  for (const [name, size] of sizes) {
    test(`a body of ${name} comes back as it was put`, async ({ store }) => {
      const body = bodyOf(size, size);
      const etag = await putStored(store, 'folder/value', body);
      const value = await getFound(store, 'folder/value');
      assertSameBytes(value.bytes, body, 'body');
      assert.equal(value.size, size);
      assert.equal(value.etag, etag, 'get and put give the same etag');
    });
  }

  test('a key that was never put is missing', async ({ store }) => {
    assert.equal(await store.get('nothing', probe), 'missing');
    assert.equal(await store.get('nothing', { ...probe, range: { last: 10 } }), 'missing');
    assert.equal(await store.get('nothing', { ...probe, ifNoneMatch: 'an-etag' }), 'missing');
  });

  test('a view into a larger buffer is stored as the view, not as the buffer', async ({ store }) => {
    const buffer = bodyOf(1, 100);
    await putStored(store, 'view', buffer.subarray(10, 30));
    await assertHolds(store, 'view', buffer.slice(10, 30));
  });

  test('changing a body after its put does not change the value', async ({ store }) => {
    const body = bodyOf(2, 1000);
    const before = body.slice();
    await putStored(store, 'value', body);
    body.fill(0);
    await assertHolds(store, 'value', before);
  });

  test('changing the bytes of a get does not change the value', async ({ store }) => {
    const body = bodyOf(3, 1000);
    await putStored(store, 'value', body);
    const whole = await getFound(store, 'value');
    whole.bytes.fill(0);
    const part = found(await store.get('value', { ...probe, range: { start: 10, end: 20 } }), 'value');
    part.bytes.fill(0);
    await assertHolds(store, 'value', body);
  });

  test('a range gives its bytes, cut at the size of the value, with the size of the whole', async ({ store }) => {
    const body = bodyOf(4, 1000);
    const etag = await putStored(store, 'value', body);
    const ranges: [ByteRange, number, number][] = [
      [{ start: 0, end: 1000 }, 0, 1000],
      [{ start: 0, end: 1 }, 0, 1],
      [{ start: 1, end: 2 }, 1, 2],
      [{ start: 17, end: 423 }, 17, 423],
      [{ start: 999, end: 1000 }, 999, 1000],
      [{ start: 990, end: 5000 }, 990, 1000],
      [{ start: 0, end: Number.MAX_SAFE_INTEGER }, 0, 1000],
      [{ last: 1 }, 999, 1000],
      [{ last: 100 }, 900, 1000],
      [{ last: 1000 }, 0, 1000],
      [{ last: 5000 }, 0, 1000],
    ];
    for (const [range, start, end] of ranges) {
      const part = found(await store.get('value', { ...probe, range }), 'value');
      assertSameBytes(part.bytes, body.slice(start, end), JSON.stringify(range));
      assert.equal(part.size, 1000, `size with ${JSON.stringify(range)}`);
      assert.equal(part.etag, etag, `etag with ${JSON.stringify(range)}`);
    }
  });

  test('a range that holds nothing gives no bytes and the size of the whole', async ({ store }) => {
    await putStored(store, 'value', bodyOf(5, 1000));
    await putStored(store, 'empty', new Uint8Array(0));
    const ranges: [string, ByteRange, number][] = [
      ['value', { start: 0, end: 0 }, 1000],
      ['value', { start: 500, end: 500 }, 1000],
      ['value', { start: 1000, end: 1001 }, 1000],
      ['value', { start: 2000, end: 3000 }, 1000],
      ['value', { last: 0 }, 1000],
      ['empty', { start: 0, end: 10 }, 0],
      ['empty', { start: 5, end: 10 }, 0],
      ['empty', { last: 10 }, 0],
    ];
    for (const [key, range, size] of ranges) {
      const part = found(await store.get(key, { ...probe, range }), key);
      assert.equal(part.bytes.byteLength, 0, `${key} ${JSON.stringify(range)}`);
      assert.equal(part.size, size, `${key} ${JSON.stringify(range)}`);
    }
  });

  test('an etag stays with its value and changes with it', async ({ store }) => {
    const etags = new Set<string>();
    for (let round = 0; round < 5; round++) {
      const etag = await putStored(store, 'value', textBody(`round ${round}`));
      assert.equal((await getFound(store, 'value')).etag, etag);
      assert.equal((await getFound(store, 'value')).etag, etag);
      etags.add(etag);
    }
    assert.equal(etags.size, 5, 'five values have five etags');
  });

  test("a get with the etag that stands is 'not-modified', with any other it gives the value", async ({ store }) => {
    const old = await putStored(store, 'value', textBody('old'));
    assert.equal(await store.get('value', { ...probe, ifNoneMatch: old }), 'not-modified');
    const now = await putStored(store, 'value', textBody('new'));
    const value = found(await store.get('value', { ...probe, ifNoneMatch: old }), 'value');
    assertSameBytes(value.bytes, textBody('new'), 'value');
    assert.equal(await store.get('value', { ...probe, ifNoneMatch: now }), 'not-modified');
  });

  test('a value is seen by all handles as soon as its put is answered', async (opened) => {
    const handles = await handlesOf(opened);
    for (let round = 0; round < 20; round++) {
      const writer = handles[round % handles.length]!;
      await putStored(writer, 'value', textBody(`round ${round}`));
      for (const reader of handles) await assertHolds(reader, 'value', textBody(`round ${round}`));
    }
  });

  test('a deleted value is missing for all handles, and can be put again', async (opened) => {
    const handles = await handlesOf(opened);
    for (let round = 0; round < 5; round++) {
      const [writer, reader] = [handles[round % 2]!, handles[(round + 1) % 2]!];
      await putStored(writer, 'value', textBody(`round ${round}`), 'absent');
      if (round % 2 === 1) await putStored(reader, 'value', textBody('replaced'));
      assert.deepEqual(await reader.delete(['value'], probe), { failed: [] });
      for (const handle of handles) assert.equal(await handle.get('value', probe), 'missing');
    }
  });

  test('a delete takes many keys, and keys that are not there, and one key twice', async ({ store }) => {
    const keys = Array.from({ length: 30 }, (_, index) => `many/${index}`);
    for (const key of keys) await putStored(store, key, textBody(key));
    await putStored(store, 'other', textBody('other'));
    assert.deepEqual(await store.delete([...keys, 'nothing', 'many/0', 'no/folder/at/all'], probe), { failed: [] });
    assert.deepEqual(await store.delete([], probe), { failed: [] });
    for (const key of keys) assert.equal(await store.get(key, probe), 'missing');
    await assertHolds(store, 'other', textBody('other'));
  });

  test('a key can be a value and the beginning of other keys', async ({ store }) => {
    const keys = ['a', 'a/b', 'a/b/c', 'ab', 'a-b'];
    for (const key of keys) await putStored(store, key, textBody(key), 'absent');
    for (const key of keys) await assertHolds(store, key, textBody(key));
    await store.delete(['a/b'], probe);
    assert.equal(await store.get('a/b', probe), 'missing');
    for (const key of keys) if (key !== 'a/b') await assertHolds(store, key, textBody(key));
  });
}

/** Declares the test of a restart, for stores that offer one. */
export function testObjectStoreRestart(test: ObjectStoreTest): void {
  test('values are still there after a restart', async (opened) => {
    const { store } = opened;
    assert.ok(opened.reopen !== undefined, 'the opened store has no `reopen`');
    await putStored(store, 'once', bodyOf(6, 1000));
    const first = await putStored(store, 'replaced', textBody('first'));
    const second = await putStored(store, 'replaced', textBody('second'), { etag: first });
    await putStored(store, 'deleted', textBody('deleted'));
    await store.delete(['deleted'], probe);
    const again: ObjectStore = await opened.reopen();
    await assertHolds(again, 'once', bodyOf(6, 1000));
    await assertHolds(again, 'replaced', textBody('second'));
    assert.equal((await getFound(again, 'replaced')).etag, second);
    assert.equal(await again.get('deleted', probe), 'missing');
    await putStored(again, 'replaced', textBody('third'), { etag: second });
  });
}
