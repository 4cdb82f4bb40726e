// The histories that break a journal with one rule left out, as scripts: the shortest ones that the models found. Each
// runs against any class of journal, so that the same script that passes here can be seen to fail on a journal with
// that rule taken out (mutants.test.ts). A is a writer, B another, C a collector, R a reader.
import assert from 'node:assert/strict';
import { settle } from './scripted-runtime.ts';
import { recordOf, ScriptedWorld, type ObjectJournalClass } from './scripted-world.ts';

/** A script: it throws if the journal breaks. */
export type Counterexample = (journals: ObjectJournalClass) => Promise<void>;

export const counterexamples: Readonly<Record<string, Counterexample>> = {
  'a record that a fast collector took into its snapshot is collected, and applied once': async (journals) => {
    const world = new ScriptedWorld(journals);
    const [a, c] = [await world.openReplica('A'), await world.openReplica('C')];
    const check = world.store.hold('A', 'get', 'root');
    const append = a.append('A1');
    await check.made;
    await world.collectTo(c, 1);
    await check.answer();
    assert.equal(await append, 1, 'A1 stands where it was proposed');
    await a.sync();
    assert.deepEqual(a.history, ['A1', 'collector 2']);
  },

  "after a lost answer a stranger's record below the floor does not make the index taken": async (journals) => {
    const world = new ScriptedWorld(journals);
    const [a, b, c] = [await world.open('A'), await world.open('B'), await world.openReplica('C')];
    const [createA, createB] = [world.store.hold('A', 'put', '1'), world.store.hold('B', 'put', '1')];
    const appendA = a.append(1, recordOf('A1'));
    const appendB = b.append(1, recordOf('B1'));
    await createA.apply();
    await world.collectTo(c, 1);
    await createB.answer();
    assert.equal(await world.standing(1), 'B1', 'the ghost is born');
    createA.lose();
    assert.equal(await appendA, 'collected', 'A1 is in the snapshot');
    assert.equal(await appendB, 'collected');
    assert.deepEqual(c.history, ['A1', 'collector 2']);
  },

  'an empty slot above the floor is not "not appended": the first create still lands': async (journals) => {
    const world = new ScriptedWorld(journals);
    const [a, r] = [await world.open('A'), await world.openReplica('R')];
    const first = world.store.hold('A', 'put', '1');
    const append = a.append(1, recordOf('A1'));
    await first.made;
    const second = world.store.hold('A', 'put', '1');
    first.lose();
    await second.madeBy(append);
    await first.apply();
    await second.answer();
    assert.equal(await append, 'appended');
    await r.sync();
    assert.deepEqual(r.history, ['A1']);
  },

  'an empty slot that another writer fills before the second attempt is taken': async (journals) => {
    const world = new ScriptedWorld(journals);
    const [a, b, r] = [await world.open('A'), await world.open('B'), await world.openReplica('R')];
    const first = world.store.hold('A', 'put', '1');
    const append = a.append(1, recordOf('A1'));
    await first.made;
    const second = world.store.hold('A', 'put', '1');
    first.lose();
    await second.madeBy(append);
    assert.equal(await b.append(1, recordOf('B1')), 'appended');
    await second.answer();
    assert.equal(await append, 'taken');
    await first.apply();
    await r.sync();
    assert.deepEqual(r.history, ['B1']);
  },

  'an empty slot below the floor is collected: the record was in the snapshot': async (journals) => {
    const world = new ScriptedWorld(journals);
    const [a, c] = [await world.open('A'), await world.openReplica('C')];
    const create = world.store.hold('A', 'put', '1');
    const append = a.append(1, recordOf('A1'));
    await create.made;
    const check = world.store.hold('A', 'get', 'root');
    create.lose();
    await check.made;
    await create.apply();
    await world.collectTo(c, 1);
    await check.answer();
    assert.equal(await append, 'collected');
    assert.equal(c.history[0], 'A1');
  },

  "an empty slot below the floor is collected: another writer's record was in the snapshot": async (journals) => {
    const world = new ScriptedWorld(journals);
    const [a, b, c] = [await world.open('A'), await world.open('B'), await world.openReplica('C')];
    const create = world.store.hold('A', 'put', '1');
    const append = a.append(1, recordOf('A1'));
    await create.made;
    const check = world.store.hold('A', 'get', 'root');
    create.lose();
    await check.made;
    assert.equal(await b.append(1, recordOf('B1')), 'appended');
    await world.collectTo(c, 1);
    await check.answer();
    assert.equal(await append, 'collected');
    assert.equal(c.history[0], 'B1');
    await create.apply();
    assert.equal(await world.standing(1), 'A1', 'the late create is a ghost');
    const late = await world.openReplica('R');
    await late.sync();
    assert.deepEqual(late.history, ['B1', 'collector 2']);
  },

  'a create that lands below the floor is not appended, though the store stored it': async (journals) => {
    const world = new ScriptedWorld(journals);
    const [a, b, c] = [await world.open('A'), await world.open('B'), await world.openReplica('C')];
    const create = world.store.hold('B', 'put', '1');
    const append = b.append(1, recordOf('B1'));
    await create.made;
    assert.equal(await a.append(1, recordOf('A1')), 'appended');
    await world.collectTo(c, 1);
    await create.answer();
    assert.equal(await world.standing(1), 'B1', 'the ghost is born');
    assert.equal(await append, 'collected');
    assert.deepEqual(c.history, ['A1', 'collector 2']);
  },

  'a ghost at an own index, left by an own lost attempt, is not appended': async (journals) => {
    const world = new ScriptedWorld(journals);
    const [a, b, c] = [await world.open('A'), await world.open('B'), await world.openReplica('C')];
    const first = world.store.hold('A', 'put', '1');
    const append = a.append(1, recordOf('A1'));
    await first.made;
    const readBack = world.store.hold('A', 'get', '1');
    first.lose();
    await readBack.made;
    assert.equal(await b.append(1, recordOf('B1')), 'appended');
    await world.collectTo(c, 1);
    await first.apply();
    await readBack.answer();
    assert.equal(await append, 'collected');
    assert.equal(c.history[0], 'B1');
  },

  'the floor is durable before anything below it is deleted, whatever the root put is answered': async (journals) => {
    const world = new ScriptedWorld(journals);
    const c = await world.openReplica('C');
    for (const text of ['1', '2', '3', '4']) await c.append(text);
    await c.journal.saveSnapshot(2, recordOf('1\n2'));
    await c.journal.saveSnapshot(4, c.encode());
    const raise = world.store.hold('C', 'put', 'root');
    const truncate = c.journal.truncate(4);
    await raise.made;
    await settle();
    assert.equal(world.store.count('C delete'), 0);
    const again = world.store.hold('C', 'put', 'root');
    raise.lie({ outcome: 'stored', etag: 'never stored' });
    await again.madeBy(truncate);
    await settle();
    assert.equal(world.store.count('C delete'), 0, 'the root as read says that nothing may be deleted');
    await again.apply();
    again.lose();
    assert.equal(await truncate, 2, 'the root as read says that the floor stands');
    assert.equal(await world.standing(2), undefined);
    assert.equal(await world.standing(3), '3');
  },

  'a stale saver does not move the root back': async (journals) => {
    const world = new ScriptedWorld(journals);
    const [c, stale] = [await world.openReplica('C'), await world.openReplica('S')];
    await c.append('1');
    await stale.sync();
    const move = world.store.hold('S', 'put', 'root');
    const save = stale.journal.saveSnapshot(1, stale.encode());
    await move.made;
    await c.append('2');
    await c.journal.saveSnapshot(2, c.encode());
    await c.append('3');
    await c.journal.saveSnapshot(3, c.encode());
    assert.equal(await c.journal.truncate(3), 2);
    await move.answer();
    await save;
    const root = await world.root();
    assert.deepEqual(
      root.snapshots.map(({ index }) => index),
      [3, 2],
    );
    assert.equal(root.floor, 2);
  },

  'a lost root put that lands late does not move the root back': async (journals) => {
    const world = new ScriptedWorld(journals);
    const c = await world.openReplica('C');
    for (const text of ['1', '2', '3']) await c.append(text);
    const late = world.store.hold('C', 'put', 'root');
    const save = c.journal.saveSnapshot(1, recordOf('1'));
    await late.made;
    late.lose();
    await save;
    await c.journal.saveSnapshot(2, recordOf('1\n2'));
    await c.journal.saveSnapshot(3, c.encode());
    await late.apply();
    const root = await world.root();
    assert.deepEqual(
      root.snapshots.map(({ index }) => index),
      [3, 2],
    );
  },

  'nobody accepts a root that is behind one seen before': async (journals) => {
    const world = new ScriptedWorld(journals);
    const [c, r] = [await world.openReplica('C'), await world.openReplica('R')];
    const old = await world.store.inner.get(`${world.store.clusterId}/journal/root`, { purpose: 'journal' });
    assert.ok(typeof old === 'object');
    await c.append('1');
    await world.collectTo(c, 1);
    await r.sync();
    await world.store.inner.put(`${world.store.clusterId}/journal/root`, old.bytes, { purpose: 'journal' });
    await assert.rejects(r.journal.read(3, 1), { code: 'OBJECT_CORRUPT' });
    await assert.rejects(c.journal.append(3, recordOf('3')), { code: 'OBJECT_CORRUPT', outcome: 'unknown' });
    await assert.rejects(c.journal.truncate(3), { code: 'OBJECT_CORRUPT' });
  },

  'a reader that found nothing where a record was collected meanwhile does not take it for the end': async (
    journals,
  ) => {
    const world = new ScriptedWorld(journals);
    const [a, c, r] = [await world.open('A'), await world.openReplica('C'), await world.openReplica('R')];
    assert.equal(await a.append(1, recordOf('A1')), 'appended');
    await r.journal.snapshots(); // Its view of the root is old, and valid.
    const look = world.store.hold('R', 'get', '1');
    const sync = r.sync();
    await look.made;
    await world.collectTo(c, 1);
    await look.answer();
    await sync;
    assert.deepEqual(r.history, ['A1', 'collector 2'], 'sync shows what was acknowledged before it began');
  },

  'a reader does not believe a ghost, not even one that it read before the floor rose above it': async (journals) => {
    const world = new ScriptedWorld(journals);
    const [a, b, c, r] = [
      await world.open('A'),
      await world.open('B'),
      await world.openReplica('C'),
      await world.openReplica('R'),
    ];
    const create = world.store.hold('B', 'put', '1');
    const append = b.append(1, recordOf('B1'));
    await create.made;
    assert.equal(await a.append(1, recordOf('A1')), 'appended');
    await world.collectTo(c, 1);
    await create.apply();
    await r.sync();
    assert.deepEqual(r.history, ['A1', 'collector 2']);
    await create.answer();
    assert.equal(await append, 'collected');
  },

  'whoever does not know what became of its root put does not delete its own snapshot': async (journals) => {
    const world = new ScriptedWorld(journals);
    const c = await world.openReplica('C');
    await c.append('1');
    const move = world.store.hold('C', 'put', 'root');
    const save = c.journal.saveSnapshot(1, c.encode());
    const given = assert.rejects(save, { code: 'STORE_UNAVAILABLE', outcome: 'unknown' });
    await move.made;
    world.runtime.runOutOfTime();
    await given;
    await c.journal.truncate(1);
    await move.apply();
    const r = await world.open('R');
    const [snapshot] = await r.snapshots();
    assert.equal(snapshot?.index, 1);
    assert.deepEqual(await snapshot.read(), c.encode());
  },

  'snapshots that the root names stand until it has moved': async (journals) => {
    const world = new ScriptedWorld(journals);
    const [c, d] = [await world.openReplica('C'), await world.openReplica('D')];
    for (const text of ['1', '2', '3']) await c.append(text);
    await c.journal.saveSnapshot(1, recordOf('1'));
    await c.journal.saveSnapshot(2, recordOf('1\n2'));
    const move = world.store.hold('C', 'put', 'root');
    const save = c.journal.saveSnapshot(3, c.encode());
    await move.made;
    assert.equal(await d.journal.truncate(3), 1);
    assert.deepEqual(
      await Promise.all((await d.journal.snapshots()).map((snapshot) => snapshot.read())),
      [recordOf('1\n2'), recordOf('1')],
      'the snapshot at 1 is needed until 3 is named',
    );
    await move.answer();
    await save;
    assert.equal(await d.journal.truncate(3), 2);
    const { keys } = await world.store.inner.list({ prefix: `${world.store.clusterId}/journal/s`, purpose: 'journal' });
    assert.equal(keys.length, 2, 'now it is gone');
  },

  'a collector judges its listing by the root, not by what it saved itself': async (journals) => {
    const world = new ScriptedWorld(journals);
    const [c, d] = [await world.openReplica('C'), await world.openReplica('D')];
    for (const text of ['1', '2', '3', '4']) await c.append(text);
    await c.journal.saveSnapshot(1, recordOf('1'));
    await c.journal.saveSnapshot(2, recordOf('1\n2'));
    await d.sync();
    const listed = world.store.hold('C', 'list', 'snapshot-');
    const truncate = c.journal.truncate(2);
    await listed.made;
    await d.journal.saveSnapshot(4, d.encode());
    await listed.answer();
    assert.equal(await truncate, 1);
    const r = await world.openReplica('R');
    await r.sync();
    assert.deepEqual(r.history, ['1', '2', '3', '4']);
    for (const snapshot of await r.journal.snapshots()) await snapshot.read();
  },

  'the answer to the begin of a journal is not trusted either': async (journals) => {
    const world = new ScriptedWorld(journals);
    const begin = world.store.hold('A', 'put', 'root');
    const opening = world.open('A');
    await begin.made;
    begin.lie({ outcome: 'stored', etag: 'never stored' });
    const a = await opening;
    assert.equal(await a.append(1, recordOf('A1')), 'appended');
    await begin.apply();
    const r = await world.openReplica('R');
    await r.sync();
    assert.deepEqual(r.history, ['A1']);
  },
};
