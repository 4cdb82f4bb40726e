// The part of journalSuite about many writers, readers and collectors at once. Whatever the interleaving, there is one
// history, every answer about it was true, and nobody ever saw another.
import assert from 'node:assert/strict';
import { JournalReplica, recordOf } from './journal-replica.ts';
import type { JournalTest, JournalUnderTest } from './journal-under-test.ts';

const writerCount = 16;
const recordsPerWriter = 4;

export function testJournalRaces(test: JournalTest): void {
  test('of 16 writers racing for one index exactly one has it', async (opened) => {
    const peers = await Promise.all(Array.from({ length: writerCount }, () => opened.openPeer()));
    for (let index = 1; index <= 5; index += 1) {
      const verdicts = await Promise.all(peers.map((peer, i) => peer.append(index, recordOf(`writer ${i} ${index}`))));
      assert.equal(verdicts.filter((verdict) => verdict === 'appended').length, 1);
      assert.equal(verdicts.filter((verdict) => verdict === 'taken').length, writerCount - 1);
      const run = await opened.journal.read(index, 10);
      assert.ok(run !== 'collected');
      assert.deepEqual(run.records, [recordOf(`writer ${verdicts.indexOf('appended')} ${index}`)]);
    }
    await Promise.all(peers.map((peer) => peer.close()));
  });

  test('16 writers that race over many indexes agree on one history with every record once', async (opened) => {
    await race(opened, 0);
  });

  test('collecting under 16 racing writers loses no record and repeats none', async (opened) => {
    await race(opened, 3);
  });

  test('snapshots saved by many at once leave the newest named, and every named one readable', async (opened) => {
    const writer = new JournalReplica(opened.journal);
    for (let index = 1; index <= 12; index += 1) await writer.append(`record ${index}`);
    const peers = await Promise.all(Array.from({ length: 6 }, () => opened.openPeer()));
    await Promise.all(
      peers.map(async (peer, i) => {
        for (const index of [i + 1, i + 7]) {
          await peer.saveSnapshot(index, recordOf(writer.history.slice(0, index).join('\n')));
          await peer.truncate(index);
        }
      }),
    );
    const [newest, older, ...others] = await opened.journal.snapshots();
    assert.deepEqual(others, []);
    assert.equal(newest?.index, 12);
    assert.ok(older !== undefined && older.index < 12);
    for (const [i, snapshot] of [newest, older].entries())
      assert.deepEqual(await snapshot.read(), recordOf(writer.history.slice(0, snapshot.index).join('\n')), `${i}`);
    const reader = new JournalReplica(await opened.openPeer());
    await reader.sync();
    assert.deepEqual(reader.history, writer.history);
    await Promise.all([reader.journal.close(), ...peers.map((peer) => peer.close())]);
  });
}

/** Writers append as fast as they can, collectors collect, a reader looks on; then all must tell the same. */
async function race(opened: JournalUnderTest, collectorCount: number): Promise<void> {
  const open = async (): Promise<JournalReplica> => new JournalReplica(await opened.openPeer());
  const writers = await Promise.all(Array.from({ length: writerCount }, open));
  const collectors = await Promise.all(Array.from({ length: collectorCount }, open));
  const reader = await open();
  const standing = new Map<number, string>();
  const views: (readonly string[])[] = [];
  let writing = true;

  const write = async (writer: JournalReplica, i: number): Promise<void> => {
    for (let number = 1; number <= recordsPerWriter; number += 1) {
      const text = `writer ${i} number ${number}`;
      const index = await writer.append(text);
      assert.equal(standing.get(index), undefined, `two records were believed at ${index}`);
      standing.set(index, text);
    }
  };
  const watch = async (replica: JournalReplica, collects: boolean): Promise<void> => {
    while (writing) {
      const acknowledged = [...standing.keys()];
      await replica.sync();
      for (const index of acknowledged)
        assert.equal(replica.history[index - 1], standing.get(index), `acknowledged record ${index} is seen`);
      views.push(replica.history);
      if (collects && replica.index > 0) await replica.collect();
    }
  };
  const watching = Promise.all([watch(reader, false), ...collectors.map((collector) => watch(collector, true))]);
  try {
    await Promise.all(writers.map(write));
  } finally {
    writing = false;
    await watching;
  }

  const all = [...writers, ...collectors, reader, await open()];
  for (const replica of all) await replica.sync();
  const history = reader.history;
  assert.equal(history.length, writerCount * recordsPerWriter);
  assert.equal(new Set(history).size, history.length, 'every record stands once');
  for (const [index, text] of standing)
    assert.equal(history[index - 1], text, `the record believed at ${index} stands`);
  for (const replica of all) assert.deepEqual(replica.history, history);
  for (const view of views) assert.deepEqual(view, history.slice(0, view.length), 'every view was a prefix');
  await Promise.all(all.map(({ journal }) => journal.close()));
}
