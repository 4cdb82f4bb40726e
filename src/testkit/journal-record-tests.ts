// The part of journalSuite about records: appending, reading, arguments, signals, closing.
import assert from 'node:assert/strict';
import type { Journal } from '../index.ts';
import { recordOf, textOf } from './journal-replica.ts';
import type { JournalTest } from './journal-under-test.ts';

export function testJournalRecords(test: JournalTest): void {
  test('a fresh journal is empty, names no snapshot and has floor 0', async ({ journal }) => {
    assert.deepEqual(await journal.read(1, 10), { records: [] });
    assert.deepEqual(await journal.snapshots(), []);
    assert.equal(await journal.truncate(5), 0);
  });

  test('records are read in the order of their indexes, from any index, up to the limit', async ({ journal }) => {
    await fill(journal, 1, 20);
    assert.deepEqual(await texts(journal, 1, 100), named(1, 20));
    assert.deepEqual(await texts(journal, 7, 5), named(7, 11));
    assert.deepEqual(await texts(journal, 20, 1), named(20, 20));
    assert.deepEqual(await texts(journal, 19, 2), named(19, 20));
  });

  test('a read beyond the end is an empty run', async ({ journal }) => {
    await fill(journal, 1, 3);
    assert.deepEqual(await journal.read(4, 10), { records: [] });
    assert.deepEqual(await journal.read(4_000, 10), { records: [] });
  });

  test('a long journal is read whole in one run and in many', async ({ journal, openPeer }) => {
    await fill(journal, 1, 150);
    const peer = await openPeer();
    assert.deepEqual(await texts(peer, 1, 1_000), named(1, 150));
    const pieces: string[] = [];
    for (let run = await texts(peer, 1, 7); run.length > 0; run = await texts(peer, pieces.length + 1, 7))
      pieces.push(...run);
    assert.deepEqual(pieces, named(1, 150));
    await peer.close();
  });

  test('what one handle appended is read by another at once', async ({ journal, openPeer }) => {
    const peer = await openPeer();
    for (let index = 1; index <= 5; index += 1) {
      await fill(index % 2 === 0 ? peer : journal, index, index);
      assert.deepEqual(await texts(index % 2 === 0 ? journal : peer, index, 10), named(index, index));
    }
    await peer.close();
  });

  test('an index where another record stands is taken, and that record stays', async ({ journal, openPeer }) => {
    await fill(journal, 1, 2);
    const peer = await openPeer();
    assert.equal(await peer.append(2, recordOf('another')), 'taken');
    assert.equal(await journal.append(1, recordOf('another')), 'taken');
    assert.equal(await peer.append(2, recordOf('record')), 'taken', 'a part of the record is another record');
    assert.deepEqual(await texts(journal, 1, 10), named(1, 2));
    await peer.close();
  });

  test('appending a record again after it was appended changes nothing', async ({ journal }) => {
    await fill(journal, 1, 2);
    // A writer that had its answer does not ask again; of one that does, only this much is promised.
    assert.notEqual(await journal.append(1, recordOf('record 1')), 'collected');
    assert.deepEqual(await texts(journal, 1, 10), named(1, 2));
  });

  test('records keep every byte, up to 1 MiB and more', async ({ journal, openPeer }) => {
    const sizes = [1, 2, 255, 65_536, 1_048_576 + 512];
    const bodies = sizes.map((size, i) => Uint8Array.from({ length: size }, (_, at) => (at * 31 + i * 7) & 0xff));
    for (const [i, body] of bodies.entries()) assert.equal(await journal.append(i + 1, body), 'appended');
    const peer = await openPeer();
    const run = await peer.read(1, 100);
    assert.ok(run !== 'collected');
    assert.equal(run.records.length, bodies.length);
    for (const [i, body] of bodies.entries())
      assert.equal(Buffer.compare(run.records[i] as Uint8Array, body), 0, `record of ${body.byteLength} bytes`);
    await peer.close();
  });

  test('bytes changed after an append has settled do not change the record', async ({ journal }) => {
    const bytes = recordOf('before');
    await journal.append(1, bytes);
    bytes.fill(0);
    assert.deepEqual(await texts(journal, 1, 10), ['before']);
  });

  test('wrong arguments are refused and do nothing', async ({ journal }) => {
    const refused = { code: 'INVALID_ARGUMENT' };
    for (const index of [0, -1, 1.5, Number.NaN, 2 ** 53, '1' as unknown as number]) {
      await assert.rejects(journal.append(index, recordOf('x')), refused);
      await assert.rejects(journal.read(index, 1), refused);
      await assert.rejects(journal.read(1, index), refused);
      await assert.rejects(journal.saveSnapshot(index, recordOf('x')), refused);
    }
    for (const upTo of [-1, 0.5, Number.NaN, undefined as unknown as number])
      await assert.rejects(journal.truncate(upTo), refused);
    await assert.rejects(journal.append(1, 'x' as unknown as Uint8Array), refused);
    await assert.rejects(journal.append(1, new Uint8Array(0)), refused, 'nothing cannot name its writer');
    await assert.rejects(journal.saveSnapshot(1, new Uint8Array(0)), refused);
    assert.deepEqual(await journal.read(1, 10), { records: [] });
  });

  test('a signal that has fired rejects every call with its reason, and nothing is done', async ({ journal }) => {
    await fill(journal, 1, 1);
    const reason = new Error('enough');
    const options = { signal: AbortSignal.abort(reason) };
    const isReason = (error: unknown): boolean => error === reason;
    await assert.rejects(journal.append(2, recordOf('record 2'), options), isReason);
    await assert.rejects(journal.read(1, 1, options), isReason);
    await assert.rejects(journal.snapshots(options), isReason);
    await assert.rejects(journal.saveSnapshot(1, recordOf('x'), options), isReason);
    await assert.rejects(journal.truncate(1, options), isReason);
    assert.deepEqual(await texts(journal, 1, 10), named(1, 1));
    assert.deepEqual(await journal.snapshots(), []);
  });

  test('an append given up on the way is resolved by appending the same bytes again', async ({ journal }) => {
    for (let index = 1; index <= 6; index += 1) {
      const controller = new AbortController();
      const first = journal.append(index, recordOf(`record ${index}`), { signal: controller.signal });
      for (let turns = 1; turns < index; turns += 1) await Promise.resolve();
      controller.abort(new Error('enough'));
      const answer = await first.catch(() => 'given up');
      const second = await journal.append(index, recordOf(`record ${index}`));
      if (answer !== 'appended') assert.equal(second, 'appended');
      assert.deepEqual(await texts(journal, 1, 10), named(1, index));
    }
  });

  test('close waits for what is under way, is idempotent, and ends only its own handle', async (opened) => {
    const { journal, openPeer } = opened;
    const peer = await openPeer();
    let settled = false;
    const append = journal.append(1, recordOf('record 1')).finally(() => (settled = true));
    await journal.close();
    for (let turns = 0; turns < 20; turns += 1) await Promise.resolve(); // A journal may wrap another.
    assert.ok(settled, 'the append had settled when close resolved');
    assert.equal(await append, 'appended');
    await journal.close();
    const closed = { code: 'CLOSED' };
    await assert.rejects(journal.append(2, recordOf('x')), closed);
    await assert.rejects(journal.read(1, 1), closed);
    await assert.rejects(journal.snapshots(), closed);
    await assert.rejects(journal.saveSnapshot(1, recordOf('x')), closed);
    await assert.rejects(journal.truncate(1), closed);
    assert.deepEqual(await texts(peer, 1, 10), named(1, 1));
    await peer.close();
  });
}

/** Appends `record <n>` for each n from `first` to `last`. */
export async function fill(journal: Journal, first: number, last: number): Promise<void> {
  for (let index = first; index <= last; index += 1)
    assert.equal(await journal.append(index, recordOf(`record ${index}`)), 'appended');
}

/** The texts of a run that must not be collected. */
export async function texts(journal: Journal, from: number, limit: number): Promise<string[]> {
  const run = await journal.read(from, limit);
  assert.ok(run !== 'collected', `the run from ${from} is not collected`);
  return run.records.map(textOf);
}

/** What `fill` appended. */
export function named(first: number, last: number): string[] {
  return Array.from({ length: last - first + 1 }, (_, i) => `record ${first + i}`);
}
