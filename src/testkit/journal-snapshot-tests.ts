// The part of journalSuite about snapshots, the floor, and what is left of records below it.
import assert from 'node:assert/strict';
import type { Journal } from '../index.ts';
import { fill, named, texts } from './journal-record-tests.ts';
import { recordOf, textOf } from './journal-replica.ts';
import type { JournalTest } from './journal-under-test.ts';

export function testJournalSnapshots(test: JournalTest): void {
  test('a snapshot is read back as it was saved, by any handle', async ({ journal, openPeer }) => {
    await fill(journal, 1, 3);
    const bytes = Uint8Array.from({ length: 3_000_000 }, (_, at) => (at * 13) & 0xff);
    await journal.saveSnapshot(3, bytes);
    const peer = await openPeer();
    for (const handle of [journal, peer]) {
      const [snapshot, ...others] = await handle.snapshots();
      assert.equal(snapshot?.index, 3);
      assert.deepEqual(others, []);
      assert.equal(Buffer.compare((await snapshot?.read()) as Uint8Array, bytes), 0);
    }
    await peer.close();
  });

  test('the two newest snapshots are named, newest first', async ({ journal }) => {
    await fill(journal, 1, 9);
    for (const index of [2, 5, 9]) await saveNamed(journal, index);
    assert.deepEqual(await savedSnapshots(journal), ['snapshot 9', 'snapshot 5']);
  });

  test('a snapshot no newer than the newest one changes nothing', async ({ journal, openPeer }) => {
    await fill(journal, 1, 9);
    const peer = await openPeer();
    await peer.snapshots();
    for (const index of [4, 8]) await saveNamed(journal, index);
    await peer.saveSnapshot(6, recordOf('stale'));
    await peer.saveSnapshot(8, recordOf('stale'));
    await journal.saveSnapshot(2, recordOf('stale'));
    assert.deepEqual(await savedSnapshots(journal), ['snapshot 8', 'snapshot 4']);
    assert.deepEqual(await savedSnapshots(peer), ['snapshot 8', 'snapshot 4']);
    await peer.close();
  });

  test('a snapshot is named only after its bytes, read back, were verified', async ({ journal, openPeer }) => {
    await fill(journal, 1, 4);
    const peer = await openPeer();
    let seen: string | undefined;
    await journal.saveSnapshot(2, recordOf('snapshot 2'), {
      verify: async (bytes) => {
        seen = textOf(bytes);
        assert.deepEqual(await peer.snapshots(), []);
      },
    });
    assert.equal(seen, 'snapshot 2');
    const broken = new Error('it does not decode');
    const verify = (): Promise<void> => Promise.reject(broken);
    await assert.rejects(journal.saveSnapshot(4, recordOf('snapshot 4'), { verify }), (error) => error === broken);
    assert.deepEqual(await savedSnapshots(peer), ['snapshot 2']);
    await saveNamed(journal, 4);
    assert.deepEqual(await savedSnapshots(peer), ['snapshot 4', 'snapshot 2']);
    await peer.close();
  });

  test('a snapshot above the last record is refused', async ({ journal }) => {
    await fill(journal, 1, 2);
    await assert.rejects(saveNamed(journal, 3), { code: 'INVALID_ARGUMENT' });
    assert.deepEqual(await journal.snapshots(), []);
  });

  test('without two snapshots the floor does not move', async ({ journal }) => {
    await fill(journal, 1, 9);
    assert.equal(await journal.truncate(9), 0);
    await saveNamed(journal, 6);
    assert.equal(await journal.truncate(9), 0);
    assert.deepEqual(await texts(journal, 1, 100), named(1, 9));
  });

  test('the floor rises to what is asked, never above the older snapshot, never back', async ({
    journal,
    openPeer,
  }) => {
    await fill(journal, 1, 9);
    await saveNamed(journal, 5);
    await saveNamed(journal, 8);
    const peer = await openPeer();
    assert.equal(await journal.truncate(3), 3);
    assert.equal(await journal.truncate(0), 3);
    assert.equal(await peer.truncate(2), 3);
    assert.equal(await journal.truncate(9), 5);
    assert.equal(await peer.truncate(4), 5);
    for (const handle of [journal, peer]) {
      assert.deepEqual(await texts(handle, 6, 100), named(6, 9));
      assert.deepEqual(await savedSnapshots(handle), ['snapshot 8', 'snapshot 5']);
    }
    await peer.close();
  });

  test('a run that begins at or below the floor is collected', async ({ journal, openPeer }) => {
    const early = await openPeer();
    await early.read(1, 1);
    await collectTo5(journal);
    const late = await openPeer();
    for (const handle of [journal, early, late]) {
      for (const from of [1, 3, 5]) assert.equal(await handle.read(from, 100), 'collected');
      assert.deepEqual(await texts(handle, 6, 100), named(6, 9));
    }
    await Promise.all([early.close(), late.close()]);
  });

  test('an append at or below the floor is collected, whoever asks', async ({ journal, openPeer }) => {
    const early = await openPeer();
    await early.read(1, 1);
    await collectTo5(journal);
    const late = await openPeer();
    for (const [i, handle] of [journal, early, late].entries()) {
      assert.equal(await handle.append(5, recordOf(`late ${i}`)), 'collected');
      assert.equal(await handle.append(1, recordOf(`late ${i}`)), 'collected');
    }
    assert.equal(await early.append(10, recordOf('record 10')), 'appended');
    for (const handle of [journal, late]) assert.deepEqual(await texts(handle, 6, 100), named(6, 10));
    await Promise.all([early.close(), late.close()]);
  });

  test('a record that a late request brings back below the floor is never believed', async (opened) => {
    const { journal, openPeer, haunt } = opened;
    if (haunt === undefined) return;
    const early = await openPeer();
    const blind = await openPeer();
    await collectTo5(journal);
    for (const index of [1, 2, 3, 4, 5]) await haunt(index, recordOf(`ghost ${index}`));
    assert.equal(await early.read(1, 100), 'collected');
    assert.equal(await early.read(5, 1), 'collected');
    assert.notEqual(await blind.append(3, recordOf('ghost 3')), 'appended', 'a ghost is not an own record');
    assert.deepEqual(await texts(early, 6, 100), named(6, 9));
    assert.equal(await journal.truncate(9), 5);
    assert.equal(await blind.append(2, recordOf('late')), 'collected');
    await Promise.all([early.close(), blind.close()]);
  });

  test('collecting again and again keeps what the newest snapshots need', async ({ journal, openPeer }) => {
    const peer = await openPeer();
    for (let index = 1; index <= 40; index += 1) {
      await fill(journal, index, index);
      if (index % 4 !== 0) continue;
      await saveNamed(journal, index);
      assert.equal(await journal.truncate(index), Math.max(0, index - 4));
      assert.deepEqual(await texts(peer, Math.max(1, index - 3), 100), named(Math.max(1, index - 3), index));
    }
    assert.deepEqual(await savedSnapshots(peer), ['snapshot 40', 'snapshot 36']);
    assert.equal(await peer.read(36, 100), 'collected');
    await peer.close();
  });
}

/** Records 1 to 9, snapshots at 5 and 8, floor 5. */
async function collectTo5(journal: Journal): Promise<void> {
  await fill(journal, 1, 9);
  await saveNamed(journal, 5);
  await saveNamed(journal, 8);
  assert.equal(await journal.truncate(9), 5);
}

async function saveNamed(journal: Journal, index: number): Promise<void> {
  await journal.saveSnapshot(index, recordOf(`snapshot ${index}`));
}

async function savedSnapshots(journal: Journal): Promise<string[]> {
  return Promise.all((await journal.snapshots()).map(async (snapshot) => textOf(await snapshot.read())));
}
