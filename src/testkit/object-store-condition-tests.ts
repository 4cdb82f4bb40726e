// The part of the object store suite about conditions: they are tested against the value that stands when the body is
// complete, atomically with the write, so of many who race at most one is told 'stored', and it is the one whose
// value stands. In a race an answer may be 'unknown'; alone it may not.
import assert from 'node:assert/strict';
import type { ObjectStore, PutOptions, PutResult } from '../index.ts';
import type { ObjectStoreTest, ObjectStoreUnderTest } from './object-store-under-test.ts';
import {
  assertHolds,
  assertSameBytes,
  bodyOf,
  getFound,
  handlesOf,
  inParallel,
  probe,
  putStored,
  textBody,
} from './object-store-under-test.ts';

const writerCount = 16;

/** Declares them. */
export function testObjectStoreConditions(test: ObjectStoreTest): void {
  test("a put if 'absent' is stored once and then refused with 'exists'", async (opened) => {
    const [store, peer] = (await handlesOf(opened)) as [ObjectStore, ObjectStore];
    await putStored(store, 'key', textBody('first'), 'absent');
    for (const handle of [store, peer]) {
      assert.deepEqual(await handle.put('key', textBody('second'), { ...probe, if: 'absent' }), { outcome: 'exists' });
    }
    await assertHolds(store, 'key', textBody('first'));
  });

  test("a put if 'absent' is refused where an empty value, or a replaced one, stands", async ({ store }) => {
    await putStored(store, 'empty', new Uint8Array(0));
    assert.equal((await store.put('empty', textBody('x'), { ...probe, if: 'absent' })).outcome, 'exists');
    await putStored(store, 'replaced', textBody('1'));
    await putStored(store, 'replaced', textBody('2'));
    assert.equal((await store.put('replaced', textBody('x'), { ...probe, if: 'absent' })).outcome, 'exists');
    await assertHolds(store, 'replaced', textBody('2'));
  });

  test("a put if 'absent' is stored again after a delete", async ({ store }) => {
    await putStored(store, 'key', textBody('first'), 'absent');
    await store.delete(['key'], probe);
    await putStored(store, 'key', textBody('second'), 'absent');
    await assertHolds(store, 'key', textBody('second'));
  });

  test('a put if the etag stands replaces the value, over and over', async (opened) => {
    const handles = await handlesOf(opened);
    let etag = await putStored(opened.store, 'key', textBody('value 0'));
    for (let round = 1; round <= 30; round++) {
      etag = await putStored(handles[round % 2]!, 'key', textBody(`value ${round}`), { etag });
      assert.equal((await getFound(handles[(round + 1) % 2]!, 'key')).etag, etag);
    }
    await assertHolds(opened.store, 'key', textBody('value 30'));
  });

  test("a put with a stale etag is refused with 'changed'", async (opened) => {
    const [store, peer] = (await handlesOf(opened)) as [ObjectStore, ObjectStore];
    const stale = [await putStored(store, 'key', textBody('0'))];
    for (let round = 1; round <= 12; round++) {
      stale.push(await putStored(peer, 'key', textBody(String(round)), { etag: stale.at(-1)! }));
    }
    const current = stale.pop()!;
    for (const etag of [...stale, 'no-etag-at-all']) {
      assert.deepEqual(await store.put('key', textBody('x'), { ...probe, if: { etag } }), { outcome: 'changed' });
    }
    await assertHolds(store, 'key', textBody('12'));
    await putStored(store, 'key', textBody('13'), { etag: current });
  });

  test("a put with an etag is refused with 'changed' where nothing stands", async ({ store }) => {
    const never = await store.put('never', textBody('x'), { ...probe, if: { etag: 'no-etag-at-all' } });
    assert.deepEqual(never, { outcome: 'changed' });
    const etag = await putStored(store, 'key', textBody('value'));
    await store.delete(['key'], probe);
    assert.deepEqual(await store.put('key', textBody('x'), { ...probe, if: { etag } }), { outcome: 'changed' });
    for (const key of ['never', 'key']) assert.equal(await store.get(key, probe), 'missing');
  });

  test('an etag of an unconditional put can be replaced, and that of another key cannot', async ({ store }) => {
    const a = await putStored(store, 'a', textBody('the value of a'));
    const b = await putStored(store, 'b', textBody('the value of b'));
    assert.equal((await store.put('a', textBody('x'), { ...probe, if: { etag: b } })).outcome, 'changed');
    await putStored(store, 'a', textBody('new'), { etag: a });
    await assertHolds(store, 'a', textBody('new'));
  });

  test('an unconditional put writes over anything', async ({ store }) => {
    for (let round = 0; round < 12; round++) await putStored(store, 'key', textBody(String(round)));
    await assertHolds(store, 'key', textBody('11'));
  });

  test(`of ${writerCount} writers who race for an absent key one is stored, and its value stands`, async (opened) => {
    for (let round = 0; round < 8; round++) {
      await race(opened, `round/${round}`, 'absent', 20 + round * 3000);
    }
  });

  test(`of ${writerCount} writers who race for one etag one is stored, and its value stands`, async (opened) => {
    await putStored(opened.store, 'key', textBody('before'));
    for (let round = 0; round < 12; round++) {
      const { etag } = await getFound(opened.store, 'key');
      await race(opened, 'key', { etag }, 20 + round * 2000);
    }
  });

  test('of a large put and a small one begun at once with the same condition one is stored', async (opened) => {
    const [store, peer] = (await handlesOf(opened)) as [ObjectStore, ObjectStore];
    await putStored(store, 'replaced', textBody('before'));
    for (const key of ['fresh', 'replaced']) {
      const condition = key === 'fresh' ? 'absent' : { etag: (await getFound(store, key)).etag };
      const bodies = [bodyOf(1, 4 * 1024 * 1024), textBody('small')];
      const answers = await Promise.all([
        store.put(key, bodies[0]!, { ...probe, if: condition }),
        peer.put(key, bodies[1]!, { ...probe, if: condition }),
      ]);
      await assertOneWinner(store, key, bodies, answers);
    }
  });

  test('a chain of replacements by several writers loses none', async (opened) => {
    const handles = await handlesOf(opened);
    await putStored(opened.store, 'count', textBody('0'));
    const [writers, rounds] = [4, 10];
    await inParallel(writers, writers, async (writer) => {
      let done = 0;
      for (let tries = 0; done < rounds; tries++) {
        assert.ok(tries < 1000, 'somebody always wins, so everybody gets on');
        if (await increment(handles[writer % 2]!, `${writer}.${done}`)) done += 1;
      }
    });
    const text = new TextDecoder().decode((await getFound(opened.store, 'count')).bytes);
    assert.equal(text.split(' ')[0], String(writers * rounds));
  });
}

/** Declares the test of a slow body, for stores that offer one. */
export function testObjectStoreSlowPut(test: ObjectStoreTest): void {
  test('a condition is tested when the body is complete: half a body, a rival, the other half', async (opened) => {
    const { store } = opened;
    assert.ok(opened.slowPut !== undefined, 'the opened store has no `slowPut`');
    const etag = await putStored(store, 'replaced', textBody('before'));
    const cases: [string, PutOptions['if'], PutResult['outcome']][] = [
      ['fresh', 'absent', 'exists'],
      ['replaced', { etag }, 'changed'],
    ];
    for (const [key, condition, refusal] of cases) {
      const slow = opened.slowPut(key, bodyOf(1, 256 * 1024), { ...probe, if: condition });
      await slow.halfway;
      await putStored(store, key, textBody('the rival'), condition);
      const { outcome } = await slow.finish();
      assert.ok(outcome === refusal || outcome === 'unknown', `${key}: the slow put is ${outcome}`);
      await assertHolds(store, key, textBody('the rival'));
    }
  });
}

/** Adds one to the number in `count`; false if somebody else was faster. The value names all who have added. */
async function increment(store: ObjectStore, name: string): Promise<boolean> {
  const { bytes, etag } = await getFound(store, 'count');
  const [count, ...names] = new TextDecoder().decode(bytes).split(' ');
  const next = textBody([String(Number(count) + 1), ...names, name].join(' '));
  const { outcome } = await store.put('count', next, { ...probe, if: { etag } });
  if (outcome !== 'unknown') return outcome === 'stored';
  const now = new TextDecoder().decode((await getFound(store, 'count')).bytes);
  return now.split(' ').includes(name);
}

async function race(
  opened: ObjectStoreUnderTest,
  key: string,
  condition: PutOptions['if'],
  size: number,
): Promise<void> {
  const handles = await handlesOf(opened);
  const bodies = Array.from({ length: writerCount }, (_, writer) => bodyOf(writer + 1, size + writer));
  const answers = await Promise.all(
    bodies.map((body, writer) => handles[writer % handles.length]!.put(key, body, { ...probe, if: condition })),
  );
  for (const handle of handles) await assertOneWinner(handle, key, bodies, answers);
}

/** Demands that the value which stands is that of the one who was told 'stored' (or may have been stored). */
async function assertOneWinner(
  store: ObjectStore,
  key: string,
  bodies: readonly Uint8Array[],
  answers: readonly PutResult[],
): Promise<void> {
  const value = await getFound(store, key);
  const winner = bodies.findIndex((body) => body.byteLength === value.size);
  assert.notEqual(winner, -1, 'the value that stands is of one of the writers');
  assertSameBytes(value.bytes, bodies[winner]!, `${key}: value of the winner`);
  const told = answers.map(({ outcome }) => outcome);
  const stored = told.filter((outcome) => outcome === 'stored').length;
  assert.ok(stored <= 1, `${key}: ${stored} writers were told 'stored'`);
  assert.ok(told[winner] === 'stored' || (stored === 0 && told[winner] === 'unknown'), `${key}: ${told.join(' ')}`);
  const answer = answers[winner]!;
  if (answer.outcome === 'stored') assert.equal(answer.etag, value.etag, 'the winner has the etag that stands');
}
