// Tests of the WAL suite: what the writing side promises while nothing ends it.
import assert from 'node:assert/strict';
import { batchSizeMaxBytes, WalRig, type WalTest } from './wal-under-test.ts';

/** Declares the tests of appending. */
export function testWalAppends(test: WalTest): void {
  test('A WAL names its kind before there is an epoch, and always the same', async ({ walFactory, place }) => {
    const identity = await walFactory.identify(place);
    assert.equal(identity.kind, walFactory.kind);
    assert.deepEqual(await walFactory.identify(place), identity);
  });

  test('Batches are reported durable in the order of append, in segments that follow each other', async (opened) => {
    const rig = await WalRig.open(opened);
    for (let i = 0; i < 40; i += 1) {
      rig.appendSome(10);
      await rig.pause(i % 2);
    }
    await rig.settled('flush', rig.wal.flush());
    assert.equal(rig.reportedCount, 400);
    assert.deepEqual(rig.wal.unreleased(), rig.segments);
    await rig.crash();
    await rig.recover();
  });

  test('Nothing is reported from inside append', async (opened) => {
    const rig = await WalRig.open(opened);
    for (const sizeBytes of [1, 500_000, 1, 500_000, 1]) {
      for (let i = 0; i < 20; i += 1) rig.append({ sizeBytes });
      assert.equal(rig.reportedCount, 0);
    }
    await rig.settled('flush', rig.wal.flush());
    rig.check();
    assert.equal(rig.reportedCount, 100);
    await rig.crash();
  });

  test('A flush resolves when everything before it is durable, also when there is nothing', async (opened) => {
    const rig = await WalRig.open(opened);
    await rig.settled('flush of nothing', rig.wal.flush());
    for (let i = 0; i < 20; i += 1) {
      rig.appendSome(1 + (i % 3));
      const before = rig.appended.length;
      const flushed = rig.wal.flush();
      rig.appendSome(1);
      await rig.settled('flush', flushed);
      assert.ok(rig.reportedCount >= before, `${before} were to be flushed, ${rig.reportedCount} are durable`);
    }
    await rig.settled('last flush', rig.wal.flush());
    assert.equal(rig.reportedCount, rig.appended.length);
    await rig.crash();
  });

  test('A WAL tells how many bytes are appended and not durable', async (opened) => {
    const rig = await WalRig.open(opened);
    const pendingBytes = (): number =>
      rig.appended.slice(rig.reportedCount).reduce((sum, { bytes }) => sum + bytes.byteLength, 0);
    rig.onDurable = () => assert.equal(rig.wal.pendingBytes, pendingBytes());
    assert.equal(rig.wal.pendingBytes, 0);
    for (let i = 0; i < 30; i += 1) {
      rig.appendSome(5);
      assert.equal(rig.wal.pendingBytes, pendingBytes());
      await rig.pause(i % 3);
      assert.equal(rig.wal.pendingBytes, pendingBytes());
    }
    await rig.settled('flush', rig.wal.flush());
    assert.equal(rig.wal.pendingBytes, 0);
    rig.check();
    await rig.crash();
  });

  test('Batches of many streams and of any size survive, bytes and facts equal', async (opened) => {
    const rig = await WalRig.open(opened, { faults: [] });
    for (const sizeBytes of [0, 1, 15, 4_096, 8_191, 8_192, 600_000, batchSizeMaxBytes, 1, batchSizeMaxBytes - 1])
      rig.append({ sizeBytes, count: 1 + (sizeBytes % 7), timestamp: sizeBytes % 2 === 0 ? undefined : sizeBytes });
    for (let i = 0; i < 1_000; i += 1) rig.append({ stream: 1 + ((i * 7) % 300), sizeBytes: i % 50 });
    rig.append({ stream: Number.MAX_SAFE_INTEGER, count: 2 ** 31 - 1, timestamp: -2 });
    await rig.settled('flush', rig.wal.flush());
    await rig.crash();
    const found = await rig.recover();
    if (opened.isVolatile !== true) assert.equal(found, rig.appended.length);
  });

  test('Ten thousand small batches do not make ten thousand segments', async (opened) => {
    const rig = await WalRig.open(opened);
    for (let i = 0; i < 10; i += 1) {
      for (let j = 0; j < 1_000; j += 1) rig.append({ stream: 1 + (j % 10) });
      await rig.pause(0);
    }
    await rig.settled('flush', rig.wal.flush());
    assert.ok(rig.segments.length <= 100, `${rig.segments.length} segments`);
    await rig.crash();
    await rig.recover();
  });

  test('The sink may append from inside a report', async (opened) => {
    const rig = await WalRig.open(opened);
    rig.onDurable = () => {
      if (rig.appended.length < 50) rig.append();
    };
    rig.append();
    await rig.until('all are reported', () => rig.reportedCount === 50);
    await rig.crash();
    await rig.recover();
  });

  test('A WAL that is stopped reports nothing more and lets go of its flushes', async (opened) => {
    const rig = await WalRig.open(opened);
    rig.appendSome(20);
    await rig.settled('flush', rig.wal.flush());
    rig.appendSome(20);
    await rig.pause(0);
    rig.appendSome(20);
    const flushed = rig.wal.flush();
    rig.wal.stop();
    rig.expectSilence();
    await rig.settled('a flush that was under way', flushed);
    await rig.settled('a flush afterwards', rig.wal.flush());
    await rig.pause(20);
    await rig.settled('close', rig.wal.close());
    await rig.recover();
  });

  test('A WAL can be closed after a flush, and closed again', async (opened) => {
    const rig = await WalRig.open(opened);
    rig.appendSome(20);
    await rig.settled('flush', rig.wal.flush());
    await rig.settled('close', rig.wal.close());
    await rig.settled('close again', rig.wal.close());
    assert.equal(rig.end, undefined, 'a close is not reported');
    await rig.recover();
  });
}
