// The object journal beyond the common suite: how it begins, what it asks of the store, what it says of damage, and
// what it does when the store does not answer.
import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { encodeJournalRoot } from '../../src/format/journal-root.ts';
import { recordKey, rootKey, snapshotKey } from '../../src/journal/journal-key.ts';
import { ObjectJournal } from '../../src/journal/object-journal.ts';
import { clusterPrefix } from '../../src/model/object-key.ts';
import { settle } from './scripted-runtime.ts';
import { clusterId, recordOf, ScriptedWorld } from './scripted-world.ts';

const purpose = 'journal';

describe('opening', () => {
  test('a journal is begun once, by whoever is first of many', async () => {
    const world = new ScriptedWorld();
    const journals = await Promise.all(['A', 'B', 'C', 'D'].map((client) => world.open(client)));
    const { nonce } = await world.root();
    for (const [i, journal] of journals.entries())
      assert.equal(await journal.append(i + 1, recordOf(`${i}`)), 'appended');
    assert.equal((await world.root()).nonce, nonce);
  });

  test('a bucket with data but without a root is damaged, not new, for writers and readers', async () => {
    const world = new ScriptedWorld();
    await world.store.inner.put(`${clusterPrefix(clusterId)}data/1`, recordOf('x'), { purpose });
    const damaged = { code: 'OBJECT_CORRUPT', key: rootKey(clusterId) };
    await assert.rejects(world.open('A'), damaged);
    await assert.rejects(ObjectJournal.open({ store: world.store.as('R'), clusterId, create: false }), damaged);
    assert.equal(world.store.count('A put'), 0);
  });

  test('a root that somebody creates between the first look and the listing is found', async () => {
    const world = new ScriptedWorld();
    const list = world.store.hold('A', 'list', `${clusterId}/`);
    const opening = world.open('A');
    await list.made;
    const other = await world.open('B');
    assert.equal(await other.append(1, recordOf('B1')), 'appended');
    await list.answer();
    const journal = await opening;
    assert.deepEqual(await journal.read(1, 10), { records: [recordOf('B1')] });
    assert.equal(world.store.count('A put'), 0);
  });

  test('a reader of a store without the cluster is told so, and writes nothing', async () => {
    const world = new ScriptedWorld();
    const opening = ObjectJournal.open({ store: world.store.as('R'), clusterId, create: false });
    await assert.rejects(opening, { code: 'STORE_UNSUITABLE' });
    assert.equal(world.store.count('R put'), 0);
  });

  test('the journal of another cluster is refused', async () => {
    const world = new ScriptedWorld();
    const foreign = { clusterId: 'f'.repeat(32), floor: 0, snapshots: [], nonce: 'x' };
    await world.store.inner.put(rootKey(clusterId), encodeJournalRoot(foreign), { purpose });
    await assert.rejects(world.open('A'), { code: 'STORE_UNSUITABLE' });
  });

  test('an unknown answer to the begin is resolved by looking', async () => {
    const world = new ScriptedWorld();
    const begin = world.store.hold('A', 'put', 'root');
    const opening = world.open('A');
    await begin.made;
    await begin.apply();
    begin.lose();
    const journal = await opening;
    assert.equal(await journal.append(1, recordOf('A1')), 'appended');
    assert.equal(world.store.count('A put root'), 1);
  });

  test('wrong options are refused', async () => {
    const store = new ScriptedWorld().store.as('A');
    const refused = { code: 'INVALID_ARGUMENT' };
    for (const wrong of ['', 'a/b', 7 as unknown as string])
      await assert.rejects(ObjectJournal.open({ store, clusterId: wrong }), refused);
    for (const deadlineMs of [0, -1, Number.NaN, Infinity])
      await assert.rejects(ObjectJournal.open({ store, clusterId, deadlineMs }), refused);
  });
});

describe('requests', () => {
  test('opening an existing journal is one GET', async () => {
    const world = new ScriptedWorld();
    await world.open('A');
    await world.open('B');
    assert.deepEqual(ofClient(world, 'B'), ['B get root']);
  });

  test('an append is one PUT and one GET of the root, a lost race one PUT', async () => {
    const world = new ScriptedWorld();
    const [a, b] = [await world.open('A'), await world.open('B')];
    const from = world.store.log.length;
    await a.append(1, recordOf('A1'));
    assert.equal(await b.append(1, recordOf('B1')), 'taken');
    assert.deepEqual(world.store.log.slice(from), ['A put 1', 'A get root', 'B put 1']);
  });

  test('an idle look at the end is one GET of the next record and one of the root; the first one also lists', async () => {
    const world = new ScriptedWorld();
    const a = await world.open('A');
    await a.append(1, recordOf('A1'));
    await a.read(2, 256);
    const from = world.store.log.length;
    await a.read(2, 256);
    assert.deepEqual(world.store.log.slice(from), ['A get 2', 'A get root']);
    assert.equal(world.store.count('A list'), 2, 'one listing to begin the journal, one to look behind its end');
  });

  test('a long run is read in windows that double up to 32', async () => {
    const world = new ScriptedWorld();
    const a = await world.open('A');
    for (let index = 1; index <= 100; index += 1) await a.append(index, recordOf(`${index}`));
    const r = await world.open('R');
    const run = await r.read(1, 1_000);
    assert.ok(run !== 'collected' && run.records.length === 100);
    const gets = world.store.count('R get') - world.store.count('R get root');
    assert.ok(gets <= 132, `${gets} requests for 100 records`);
    assert.equal(world.store.count('R get root'), 2, 'one to open, one to believe');
  });

  test('what is known to lie below the floor needs no request', async () => {
    const world = new ScriptedWorld();
    const c = await world.openReplica('C');
    await c.append('1');
    await world.collectTo(c, 1);
    const from = world.store.log.length;
    assert.equal(await c.journal.append(1, recordOf('x')), 'collected');
    assert.equal(await c.journal.read(1, 10), 'collected');
    assert.deepEqual(world.store.log.slice(from), []);
  });

  test('the check of an append starts after its create was answered', async () => {
    const world = new ScriptedWorld();
    const a = await world.open('A');
    const create = world.store.hold('A', 'put', '1');
    const from = world.store.log.length;
    const append = a.append(1, recordOf('A1'));
    await create.apply();
    await settle();
    assert.deepEqual(world.store.log.slice(from), ['A put 1']);
    await create.answer();
    assert.equal(await append, 'appended');
  });
});

describe('an unavailable store', () => {
  test('an append of which nothing was ever written says outcome none', async () => {
    const world = new ScriptedWorld();
    const a = await world.open('A');
    world.store.failAll('A put');
    const append = assert.rejects(a.append(1, recordOf('A1')), { code: 'STORE_UNAVAILABLE', outcome: 'none' });
    await settle();
    assert.ok(world.store.count('A put 1') > 2, 'it is tried again');
    world.runtime.runOutOfTime();
    await append;
    world.store.failAll(undefined);
    assert.equal(await a.append(1, recordOf('another')), 'appended');
  });

  test('an append whose check cannot be made says outcome unknown, and the same bytes resolve it', async () => {
    const world = new ScriptedWorld();
    const a = await world.open('A');
    world.store.failAll('A get');
    const append = assert.rejects(a.append(1, recordOf('A1')), { code: 'STORE_UNAVAILABLE', outcome: 'unknown' });
    await settle();
    assert.ok(world.store.count('A get root') > 2, 'the check is repeated');
    world.runtime.runOutOfTime();
    await append;
    world.store.failAll(undefined);
    assert.equal(await a.append(1, recordOf('A1')), 'appended', 'it is not taken by itself');
    assert.deepEqual(await a.read(1, 10), { records: [recordOf('A1')] });
  });

  test('an append whose answer never comes says outcome unknown at the deadline', async () => {
    const world = new ScriptedWorld();
    const a = await world.open('A');
    const create = world.store.hold('A', 'put', '1');
    const append = assert.rejects(a.append(1, recordOf('A1')), { code: 'STORE_UNAVAILABLE', outcome: 'unknown' });
    await create.made;
    world.runtime.runOutOfTime();
    await append;
    await a.close();
  });

  test('a signal during an append gives it up with outcome unknown and its reason as the cause', async () => {
    const world = new ScriptedWorld();
    const a = await world.open('A');
    const controller = new AbortController();
    const create = world.store.hold('A', 'put', '1');
    const append = a.append(1, recordOf('A1'), { signal: controller.signal });
    await create.made;
    const reason = new Error('enough');
    controller.abort(reason);
    await assert.rejects(append, { code: 'STORE_UNAVAILABLE', outcome: 'unknown', cause: reason });
    await create.apply(); // The request goes its way.
    assert.equal(await a.append(1, recordOf('A1')), 'appended');
  });

  test('a signal while certainly nothing is written rejects with its reason', async () => {
    const world = new ScriptedWorld();
    const a = await world.open('A');
    world.store.failAll('A put');
    const controller = new AbortController();
    const append = a.append(1, recordOf('A1'), { signal: controller.signal });
    await settle();
    const reason = new Error('enough');
    controller.abort(reason);
    await assert.rejects(append, (error) => error === reason);
  });

  test('after a lost answer, the same bytes of a given up append are not taken by themselves', async () => {
    const world = new ScriptedWorld();
    const [a, b] = [await world.open('A'), await world.open('B')];
    const create = world.store.hold('A', 'put', '1');
    const append = assert.rejects(a.append(1, recordOf('A1')), { outcome: 'unknown' });
    await create.made;
    world.runtime.runOutOfTime();
    await append;
    assert.equal(await b.append(1, recordOf('B1')), 'appended');
    assert.equal(await a.append(1, recordOf('A1')), 'taken');
    assert.equal(await a.append(2, recordOf('A1')), 'appended');
  });

  test('reads are repeated until they are answered', async () => {
    const world = new ScriptedWorld();
    const a = await world.open('A');
    await a.append(1, recordOf('A1'));
    world.store.failAll('A get');
    const read = a.read(1, 10);
    await settle();
    world.store.failAll(undefined);
    assert.deepEqual(await read, { records: [recordOf('A1')] });
  });

  test('a read that is never answered says so at the deadline', async () => {
    const world = new ScriptedWorld();
    const a = await world.open('A');
    world.store.failAll('A get');
    const read = assert.rejects(a.read(1, 10), { code: 'STORE_UNAVAILABLE', outcome: 'none' });
    await settle();
    world.runtime.runOutOfTime();
    await read;
  });

  test('what a collection cannot delete is told to the observer and deleted by the next one', async () => {
    const world = new ScriptedWorld();
    const failures: string[] = [];
    const journal = await world.open('A', { backgroundFailed: ({ work }) => failures.push(work) });
    for (let index = 1; index <= 4; index += 1) await journal.append(index, recordOf(`${index}`));
    await journal.saveSnapshot(2, recordOf('snapshot'));
    await journal.saveSnapshot(4, recordOf('snapshot'));
    world.store.failAll('A delete');
    assert.equal(await journal.truncate(4), 2);
    assert.deepEqual(failures, ['journal collection']);
    assert.equal(await world.standing(2), '2');
    world.store.failAll(undefined);
    assert.equal(await journal.truncate(4), 2);
    assert.equal(await world.standing(1), undefined);
    assert.equal(await world.standing(2), undefined);
    assert.equal(await world.standing(3), '3');
  });

  test('an answer about the root that comes late is no step back', async () => {
    const world = new ScriptedWorld();
    const [a, c] = [await world.open('A'), await world.openReplica('C')];
    await c.append('1');
    const slow = world.store.hold('A', 'get', 'root');
    const first = a.snapshots();
    await slow.apply();
    await world.collectTo(c, 1);
    assert.equal((await a.snapshots()).length, 2);
    await slow.answer();
    assert.equal((await first).length, 2, 'the newer of the two is given to both');
    assert.equal((await a.snapshots()).length, 2);
  });
});

describe('damage', () => {
  test('a hole below a record that exists is reported with its key', async () => {
    const world = new ScriptedWorld();
    const a = await world.open('A');
    for (let index = 1; index <= 9; index += 1) await a.append(index, recordOf(`${index}`));
    await world.store.inner.delete([recordKey(clusterId, 5)], { purpose });
    await assert.rejects(a.read(1, 100), { code: 'OBJECT_CORRUPT', key: recordKey(clusterId, 5) });
    assert.ok((await a.read(6, 100)) !== 'collected');
  });

  test('the first run to the end finds a record behind a hole, however far', async () => {
    const world = new ScriptedWorld();
    const a = await world.open('A');
    for (let index = 1; index <= 60; index += 1) await a.append(index, recordOf(`${index}`));
    await world.store.inner.delete(
      Array.from({ length: 50 }, (_, i) => recordKey(clusterId, 3 + i)),
      { purpose },
    );
    const fresh = await world.open('R');
    await assert.rejects(fresh.read(1, 100), { code: 'OBJECT_CORRUPT', key: recordKey(clusterId, 3) });
  });

  test('records appended while a run is read are no hole', async () => {
    const world = new ScriptedWorld();
    const [a, r] = [await world.open('A'), await world.open('R')];
    await a.append(1, recordOf('1'));
    const listing = world.store.hold('R', 'list', '');
    const read = r.read(1, 100);
    await listing.made;
    await a.append(2, recordOf('2'));
    await a.append(3, recordOf('3'));
    await listing.answer();
    assert.deepEqual(await read, { records: [recordOf('1'), recordOf('2'), recordOf('3')] });
    const [fourth, fifth] = [world.store.hold('R', 'get', '4'), world.store.hold('R', 'get', '5')];
    const next = r.read(3, 3);
    await fourth.apply();
    for (const index of [4, 5]) await a.append(index, recordOf(`${index}`));
    await fourth.answer();
    await fifth.answer();
    assert.deepEqual(await next, { records: [recordOf('3'), recordOf('4'), recordOf('5')] });
  });

  test('a root that is gone stops every call', async () => {
    const world = new ScriptedWorld();
    const a = await world.open('A');
    await a.append(1, recordOf('1'));
    await world.store.inner.delete([rootKey(clusterId)], { purpose });
    const damaged = { code: 'OBJECT_CORRUPT', key: rootKey(clusterId) };
    await assert.rejects(a.read(1, 10), damaged);
    await assert.rejects(a.append(2, recordOf('2')), { ...damaged, outcome: 'unknown' });
    await assert.rejects(a.snapshots(), damaged);
    await assert.rejects(a.truncate(1), damaged);
    await assert.rejects(world.open('B'), damaged);
  });

  test('a damaged root is reported with its key', async () => {
    const world = new ScriptedWorld();
    const a = await world.open('A');
    await world.store.inner.put(rootKey(clusterId), recordOf('not a root'), { purpose });
    await assert.rejects(a.read(1, 10), { code: 'OBJECT_CORRUPT', key: rootKey(clusterId) });
  });

  test('a snapshot with other bytes, or none, than the root says is reported with its key', async () => {
    const world = new ScriptedWorld();
    const a = await world.open('A');
    await a.append(1, recordOf('1'));
    await a.saveSnapshot(1, recordOf('whole'));
    const [named] = (await world.root()).snapshots;
    const key = snapshotKey(clusterId, 1, named?.digest as Uint8Array);
    const [snapshot] = await a.snapshots();
    await world.store.inner.put(key, recordOf('while'), { purpose });
    await assert.rejects(async () => snapshot?.read(), { code: 'OBJECT_CORRUPT', key });
    await world.store.inner.delete([key], { purpose });
    await assert.rejects(async () => snapshot?.read(), { code: 'OBJECT_CORRUPT', key });
  });

  test('a snapshot that newer ones replaced before it was read says: ask again', async () => {
    const world = new ScriptedWorld();
    const [a, r] = [await world.open('A'), await world.open('R')];
    for (let index = 1; index <= 3; index += 1) await a.append(index, recordOf(`${index}`));
    await a.saveSnapshot(1, recordOf('1'));
    const [old] = await r.snapshots();
    for (const index of [2, 3]) await a.saveSnapshot(index, recordOf(`${index}`));
    await a.truncate(3);
    await assert.rejects(async () => old?.read(), { code: 'STORE_UNAVAILABLE', action: 'retry' });
    assert.deepEqual(await (await r.snapshots())[0]?.read(), recordOf('3'));
  });

  test('ghosts and stray snapshots are swept by later collections, nothing else is', async () => {
    const world = new ScriptedWorld();
    const c = await world.openReplica('C');
    for (const text of ['1', '2', '3']) await c.append(text);
    const verify = (): Promise<void> => Promise.reject(new Error('no'));
    await assert.rejects(c.journal.saveSnapshot(2, recordOf('stray'), { verify }));
    await world.collectTo(c, 3);
    const foreign = `${clusterId}/journal/somebody's file`;
    await world.store.inner.put(recordKey(clusterId, 2), recordOf('ghost'), { purpose });
    await world.store.inner.put(foreign, recordOf('x'), { purpose });
    await c.journal.truncate(4);
    const { keys } = await world.store.inner.list({ prefix: `${clusterId}/journal/`, purpose });
    const { snapshots } = await world.root();
    assert.deepEqual(
      keys.map(({ key }) => key),
      [
        recordKey(clusterId, 4),
        rootKey(clusterId),
        ...snapshots.toReversed().map(({ index, digest }) => snapshotKey(clusterId, index, digest)),
        foreign,
      ],
    );
  });
});

function ofClient(world: ScriptedWorld, client: string): string[] {
  return world.store.log.filter((line) => line.startsWith(client));
}
