// Tests of the WAL suite: what a recoverer finds after the writer has died.
import assert from 'node:assert/strict';
import { FaultyObjectStore } from './faulty-object-store.ts';
import { drawInteger } from './seeded-random.ts';
import type { FaultRule } from './store-faults.ts';
import { overtaking, WalRig, type WalTest } from './wal-under-test.ts';

const lossy: readonly FaultRule[] = [
  ...overtaking,
  { probability: 0.1, fault: { kind: 'unknown-before' } },
  { probability: 0.1, fault: { kind: 'unknown-after' } },
  { probability: 0.05, fault: { kind: 'late-put', minMs: 1, maxMs: 60 } },
  { probability: 0.05, fault: { kind: 'doubled-put', minMs: 1, maxMs: 60 } },
  { probability: 0.1, fault: { kind: 'unavailable' } },
  { operation: 'list', probability: 0.5, fault: { kind: 'small-page', keysMax: 2 } },
];

const slow: readonly FaultRule[] = [{ operation: 'put', fault: { kind: 'latency', minMs: 20, maxMs: 60 } }];

/** Declares the tests of recovery. */
export function testWalRecovery(test: WalTest): void {
  test('An empty WAL ends where it was released', async (opened) => {
    const rig = await WalRig.open(opened);
    await rig.crash();
    const sealed = await rig.sealed();
    assert.equal(sealed.sealedAt, 0);
    assert.deepEqual(sealed.segments, []);
    assert.equal(sealed.segmentsAreObjects, rig.wal.segmentsAreObjects);
    await sealed.close();
  });

  test('A crash at any moment loses nothing that was reported, and leaves a prefix', async (opened) => {
    for (let epochsLater = 0; epochsLater < 16; epochsLater += 1) {
      const rig = await WalRig.open(opened, { epochsLater });
      const steps = drawInteger(rig.random, 12);
      for (let step = 0; step < steps; step += 1) {
        rig.appendSome(1 + drawInteger(rig.random, 20));
        await rig.pause(drawInteger(rig.random, 3));
      }
      await rig.crash('either');
      await rig.recover();
    }
  });

  test('A crash loses nothing that was reported over a connection that loses answers', async (opened) => {
    for (let epochsLater = 0; epochsLater < 5; epochsLater += 1) {
      const rig = await WalRig.open(opened, { epochsLater, faults: lossy });
      for (let step = 0; step < 15; step += 1) {
        rig.appendSome(10);
        await rig.pause(1);
      }
      await rig.pause(drawInteger(rig.random, 60));
      await rig.crash('either');
      await rig.recover();
      await rig.pause(60); // What is late lands before the next epoch, and before the place is given up.
    }
  });

  test('Everything that was flushed is found, however the store answered', async (opened) => {
    const rig = await WalRig.open(opened, { faults: lossy });
    for (let step = 0; step < 15; step += 1) {
      rig.appendSome(10);
      await rig.pause(1);
    }
    await rig.settled('flush', rig.wal.flush());
    assert.equal(rig.reportedCount, rig.appended.length);
    await rig.crash();
    await rig.recover();
  });

  test('A seal is for ever: sealing again finds the same', async (opened) => {
    const rig = await WalRig.open(opened);
    for (let i = 0; i < 5; i += 1) {
      rig.appendSome(10);
      await rig.pause(1);
    }
    await rig.crash();
    const first = await rig.sealed();
    const count = await rig.assertHolds(first);
    await first.close();
    for (let i = 0; i < 2; i += 1) {
      const again = await rig.sealed();
      assert.equal(again.sealedAt, first.sealedAt);
      assert.equal(await rig.assertHolds(again), count);
      await again.close();
    }
  });

  test('Eight recoverers at once agree, while requests of the dead writer land', async (opened) => {
    for (let epochsLater = 0; epochsLater < 3; epochsLater += 1) {
      const rig = await WalRig.open(opened, { epochsLater });
      for (let i = 0; i < 8; i += 1) {
        rig.appendSome(10);
        await rig.pause(0);
      }
      await rig.crash('lands');
      const { runtime, store } = rig.place;
      const identity = await opened.walFactory.identify(rig.place);
      const all = await Promise.all(
        Array.from({ length: 8 }, (_, i) =>
          opened.walFactory.seal({
            ...rig.place,
            store: new FaultyObjectStore(store, { runtime, seed: i + epochsLater, faults: overtaking }),
            identity,
            released: 0,
            reread: () => Promise.resolve({ released: 0 }),
          }),
        ),
      );
      const counts = new Set<number>();
      const ends = new Set<number>();
      for (const sealed of all) {
        assert.ok(sealed !== undefined);
        ends.add(sealed.sealedAt);
        counts.add(await rig.assertHolds(sealed));
        await sealed.close();
      }
      assert.equal(ends.size, 1, `the ends are ${[...ends].join()}`);
      assert.equal(counts.size, 1);
    }
  });

  test('What lands late, after the seal, changes nothing', async (opened) => {
    const rig = await WalRig.open(opened, { faults: slow });
    for (let i = 0; i < 8; i += 1) {
      rig.appendSome(50);
      await rig.pause(1);
    }
    await rig.crash('lands');
    const first = await rig.sealed();
    const count = await rig.assertHolds(first);
    await rig.pause(120);
    const second = await rig.sealed();
    assert.equal(second.sealedAt, first.sealedAt);
    assert.equal(await rig.assertHolds(second), count);
    await first.close();
    await second.close();
  });

  test('A released segment is not needed, and a registered one stays', async (opened) => {
    const rig = await WalRig.open(opened);
    for (let i = 0; i < 6; i += 1) {
      rig.appendSome(5);
      await rig.settled('flush', rig.wal.flush());
    }
    const { clusterId, store } = rig.place;
    const keyCount = async (): Promise<number> =>
      (await store.list({ prefix: `${clusterId}/`, purpose: 'probe' })).keys.length;
    const before = await keyCount();
    const position = rig.segments.length - 2;
    await rig.wal.release(position, new Set(rig.wal.segmentsAreObjects ? [0] : []));
    rig.released = position;
    assert.deepEqual(rig.wal.unreleased(), rig.segments.slice(position));
    if (rig.wal.segmentsAreObjects) assert.equal(await keyCount(), before - (position - 1));
    rig.appendSome(5);
    await rig.settled('flush', rig.wal.flush());
    await rig.crash();
    const sealed = await rig.sealed();
    if (opened.isVolatile !== true) assert.equal(sealed.segments[0]?.sequence, position);
    await rig.assertHolds(sealed);
    await sealed.close();
  });

  test('A recoverer that comes late learns that the epoch is recovered, or finds the same end', async (opened) => {
    const rig = await WalRig.open(opened);
    rig.appendSome(20);
    await rig.settled('flush', rig.wal.flush());
    await rig.crash();
    const first = await rig.sealed();
    rig.sealedAt = first.sealedAt;
    const late = await rig.seal();
    if (late !== undefined) assert.equal(late.sealedAt, first.sealedAt);
    await late?.close();
    await first.close();
  });

  test('Epochs do not see each other', async (opened) => {
    const older = await WalRig.open(opened);
    older.appendSome(10);
    await older.settled('flush', older.wal.flush());
    await older.crash();
    const sealed = await older.sealed();
    await older.assertHolds(sealed);
    const newer = await WalRig.open(opened, { epochsLater: 1 });
    newer.appendSome(7);
    await newer.settled('flush', newer.wal.flush());
    await older.assertHolds(sealed);
    await sealed.close();
    await newer.crash();
    const found = await newer.recover();
    if (opened.isVolatile !== true) assert.equal(found, 7);
  });
}
