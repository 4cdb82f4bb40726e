// Tests of the WAL suite: a writer that lives, and does not know yet that its epoch is over.
import assert from 'node:assert/strict';
import type { SealedWal } from '../index.ts';
import type { FaultRule } from './store-faults.ts';
import { WalRig, type WalTest, type PatientWalUnderTest } from './wal-under-test.ts';

/** A writer at full speed: each report brings the next appends. */
async function atFullSpeed(opened: PatientWalUnderTest): Promise<WalRig> {
  const rig = await WalRig.open(opened);
  rig.onDurable = () => {
    if (rig.end === undefined && rig.appended.length < 20_000) rig.appendSome(10);
  };
  for (let i = 0; i < 10; i += 1) {
    rig.appendSome(20);
    await rig.pause(0);
  }
  await rig.until('the writer writes', () => rig.reportCount >= 20);
  return rig;
}

/** Keeps the writer writing until it has ended. */
async function ended(rig: WalRig): Promise<void> {
  await rig.until('the writer learns that it is fenced', () => {
    if (rig.end === undefined) rig.append();
    return rig.end !== undefined;
  });
}

/** What a fenced writer said must be true. */
async function assertTrue(rig: WalRig, sealed: SealedWal): Promise<void> {
  const found = await rig.assertHolds(sealed);
  assert.equal(rig.end?.reason, 'fenced');
  if (rig.end?.reason === 'fenced' && rig.end.outcome === 'none')
    assert.equal(rig.reportedCount, found, 'what is in the history was said to be not applied');
}

/** Declares the tests of the fence. */
export function testWalFence(test: WalTest): void {
  test('A writer that is sealed while it lives reports nothing that the seal leaves out', async (opened) => {
    if (opened.isVolatile === true) return;
    const rig = await atFullSpeed(opened);
    const sealed = await rig.sealed();
    rig.sealedAt = sealed.sealedAt;
    await ended(rig);
    await assertTrue(rig, sealed);
    await rig.settled('flush after the end', rig.wal.flush());
    rig.append();
    const { reportedCount } = rig;
    await rig.pause(20);
    assert.equal(rig.reportedCount, reportedCount);
    await rig.settled('close', rig.wal.close());
    const again = await rig.seal();
    if (again !== undefined) assert.equal(again.sealedAt, sealed.sealedAt);
    await again?.close();
    await sealed.close();
  });

  test('A writer that meets the seal of an unfinished recovery claims nothing', async (opened) => {
    if (opened.isVolatile === true) return;
    const rig = await atFullSpeed(opened);
    const sealed = await rig.sealed();
    await ended(rig);
    await assertTrue(rig, sealed);
    await sealed.close();
    await rig.settled('close', rig.wal.close());
  });

  test('Four recoverers at once seal a writer at full speed, and agree', async (opened) => {
    if (opened.isVolatile === true) return;
    const rig = await atFullSpeed(opened);
    const all = await Promise.all([rig.sealed(), rig.sealed(), rig.sealed(), rig.sealed()]);
    assert.equal(new Set(all.map(({ sealedAt }) => sealedAt)).size, 1);
    rig.sealedAt = all[0]?.sealedAt;
    await ended(rig);
    for (const sealed of all) {
      await assertTrue(rig, sealed);
      await sealed.close();
    }
    await rig.settled('close', rig.wal.close());
  });

  test('What recovery found is not said to be not applied, also if its answer got lost', async (opened) => {
    if (opened.isVolatile === true) return;
    const faults: readonly FaultRule[] = [
      { operation: 'put', nth: 1, fault: { kind: 'unknown-after' } },
      { operation: 'put', nth: 2, fault: { kind: 'latency', minMs: 150, maxMs: 150 } },
    ];
    const rig = await WalRig.open(opened, { faults });
    rig.append();
    await rig.pause(80); // By now the first try has landed, and the second is under way.
    const sealed = await rig.sealed();
    rig.sealedAt = sealed.sealedAt;
    for (let i = 0; i < 20; i += 1) rig.append({ sizeBytes: 10_000 });
    await rig.until('the writer ends', () => rig.end !== undefined);
    await assertTrue(rig, sealed);
    await sealed.close();
    await rig.settled('close', rig.wal.close());
  });

  test('An idle writer that is sealed learns it with its next append', async (opened) => {
    if (opened.isVolatile === true) return;
    const rig = await WalRig.open(opened);
    rig.appendSome(10);
    await rig.settled('flush', rig.wal.flush());
    const sealed = await rig.sealed();
    rig.sealedAt = sealed.sealedAt;
    rig.append();
    await rig.until('the writer ends', () => rig.end !== undefined);
    await assertTrue(rig, sealed);
    assert.equal(rig.reportedCount, 10);
    await sealed.close();
    await rig.settled('close', rig.wal.close());
  });
}
