// Cuts of the power and damage: what a recovery of the file WAL makes of every state that the disk can be left in.
import { describe, expect, test } from 'vitest';
import { KiB } from '../../src/base/bytes.ts';
import { alignedSizeBytes } from '../../src/format/wal-group.ts';
import { isQanatError } from '../../src/model/errors.ts';
import { folder, heldAppend, openFileWal, recoveredIndexes, sealFileWal, type FileWalRig } from './file-wal-rig.ts';
import { sectorBytes } from '../../src/testkit/sim-disk.ts';
import { indexesOf, upTo } from './wal-place.ts';

const lastSizeBytes = 2_000;
const lastSectors = alignedSizeBytes(72 + 40 + lastSizeBytes) / sectorBytes;

/** Three groups acknowledged in fresh files; then one in flight that is seen and not synced. */
async function freshWithOneInFlight(): Promise<{ rig: FileWalRig; from: number; acknowledged: number }> {
  const rig = await openFileWal();
  await rig.appendEach(0, 3);
  const write = await heldAppend(rig, 3, lastSizeBytes);
  write.show();
  return { rig, from: 0, acknowledged: 3 };
}

/** The same in a file that is used for the third time: below the group in flight lie groups of its former lives. */
async function recycledWithOneInFlight(): Promise<{ rig: FileWalRig; from: number; acknowledged: number }> {
  const rig = await openFileWal();
  let index = 0;
  for (let round = 0; round < 3; round += 1) {
    await rig.appendEach(index, index + 25, 450);
    index += 25;
    await rig.wal.flush();
    const position = (rig.wal.unreleased().at(-1)?.sequence ?? -1) + 1;
    rig.state.released = position;
    await rig.wal.release(position, new Set());
  }
  const from = index;
  await rig.appendEach(index, index + 2);
  const write = await heldAppend(rig, index + 2, lastSizeBytes);
  write.show();
  expect(rig.disk.paths(folder).filter((path) => path.endsWith('.seg')).length).toBeLessThanOrEqual(8);
  return { rig, from, acknowledged: index + 2 };
}

describe('When the power is cut while a group is written', () => {
  for (const [what, prepare] of [
    ['fresh', freshWithOneInFlight],
    ['used again', recycledWithOneInFlight],
  ] as const)
    test(`whichever of its sectors persist in a file that is ${what}, what was acknowledged is found`, async () => {
      for (let subset = 0; subset < 2 ** lastSectors; subset += 1) {
        const { rig, from, acknowledged } = await prepare();
        let seen = 0;
        rig.disk.cutPower(() => (subset & (1 << seen++)) !== 0);
        expect(seen).toBe(lastSectors);
        const isWhole = subset === 2 ** lastSectors - 1;
        const expected = upTo(acknowledged + (isWhole ? 1 : 0)).slice(from);
        expect(await recoveredIndexes(rig.disk, rig.state), `sectors ${subset.toString(2)}`).toEqual(expected);
      }
    });

  test('the names of new files may be lost with it', async () => {
    for (let lost = 0; lost < 4; lost += 1) {
      const rig = await openFileWal();
      await rig.appendEach(0, 30);
      rig.disk.cutPower(
        () => false,
        (_, changes) => Math.max(0, changes - lost),
      );
      expect(await recoveredIndexes(rig.disk)).toEqual(upTo(30));
    }
  });

  test('a recovery that is cut short is repeated to the same end', async () => {
    for (let operations = 0; ; operations += 1) {
      const { rig } = await freshWithOneInFlight();
      rig.disk.killProcess(); // The group in flight is seen by readers, and not on the disk.
      let left = operations;
      rig.disk.fault = () => (left-- > 0 ? undefined : new Error('the recoverer dies here'));
      let found: number[] | undefined;
      const isDone = await recoveredIndexes(rig.disk).then(
        (indexes) => ((found = indexes), true),
        () => false,
      );
      rig.disk.cutPower(
        () => false,
        () => 0,
      );
      const again = await recoveredIndexes(rig.disk);
      expect(again.length === 3 || again.length === 4, `${again.length} after ${operations} operations`).toBe(true);
      expect(again).toEqual(upTo(again.length));
      if (!isDone) continue;
      expect(again).toEqual(found); // What a recoverer was given can be found again, after a cut of the power, too.
      expect(found).toEqual(upTo(4));
      expect(operations).toBeGreaterThan(10);
      return;
    }
  });
});

/** Seven groups in two files, and the bytes of the files that hold them. */
async function sevenGroups(): Promise<{ rig: FileWalRig; files: ReadonlyMap<string, Uint8Array> }> {
  const rig = await openFileWal();
  for (const [index, sizeBytes] of [300, 1_500, 20, 2_500, 2_000, 700, 350].entries())
    await rig.appendEach(index, index + 1, sizeBytes);
  rig.wal.stop();
  rig.disk.killProcess();
  const files = new Map<string, Uint8Array>();
  for (const path of rig.disk.paths(folder))
    if (rig.disk.contentOf(path).subarray(0, 8).join() === Buffer.from('QANATWAL').join())
      files.set(path, rig.disk.contentOf(path).slice());
  expect(files.size).toBe(2);
  return { rig, files };
}

interface Extent {
  readonly path: string;
  readonly start: number;
  /** Without what fills the last sector. */
  readonly end: number;
}

/** Where the groups lie. */
function extentsOf(files: ReadonlyMap<string, Uint8Array>): Extent[] {
  const extents: Extent[] = [];
  for (const [path, bytes] of files) {
    const view = new DataView(bytes.buffer);
    for (let start = 0; start < bytes.byteLength && view.getUint32(start) !== 0;) {
      const end = start + 72 + view.getUint32(start + 12);
      extents.push({ path, start, end });
      start = alignedSizeBytes(end);
    }
  }
  return extents;
}

/** What a recovery of a damaged WAL says. */
async function outcome(rig: FileWalRig): Promise<number[] | { path: string; position: number | undefined }> {
  rig.disk.destroy(`${folder}/seal`);
  try {
    return await recoveredIndexes(rig.disk);
  } catch (cause) {
    if (!isQanatError(cause, 'OBJECT_CORRUPT')) throw cause;
    return { path: cause.key, position: cause.position };
  }
}

describe('A segment file that was damaged', () => {
  test('at any position loses nothing silently but its last group', { timeout: 120_000 }, async () => {
    const { rig, files } = await sevenGroups();
    const extents = extentsOf(files);
    expect(extents).toHaveLength(7);
    const last = extents.at(-1);
    const verdicts = { whole: 0, tail: 0, corrupt: 0 };
    for (const [path, bytes] of files) {
      const usedEnd = Math.max(...extents.filter((one) => one.path === path).map(({ end }) => end));
      for (let position = 0; position < bytes.byteLength; position += position < usedEnd ? 1 : 13) {
        const damaged = bytes.slice();
        damaged[position] = (damaged[position] as number) ^ (1 << (position % 8));
        rig.disk.replace(path, damaged);
        const found = await outcome(rig);
        const hit = extents.find((one) => one.path === path && one.start <= position && position < one.end);
        if (hit === undefined) {
          expect(found).toEqual(upTo(7));
          verdicts.whole += 1;
        } else if (hit === last) {
          expect(found).toEqual(upTo(6));
          verdicts.tail += 1;
        } else {
          expect(found).toMatchObject({ path: expect.stringContaining('.seg') as string });
          verdicts.corrupt += 1;
        }
      }
      rig.disk.replace(path, bytes);
    }
    expect(verdicts.tail).toBe((last?.end ?? 0) - (last?.start ?? 0));
    expect(verdicts.corrupt).toBeGreaterThan(7_000);
  });

  test('by truncation keeps the groups before it, or stops the recovery', async () => {
    const { rig, files } = await sevenGroups();
    const extents = extentsOf(files);
    for (const [path, bytes] of files) {
      const isLastFile = path === extents.at(-1)?.path;
      for (let size = 0; size < 8 * KiB; size += 37) {
        rig.disk.replace(path, bytes.subarray(0, size));
        const found = await outcome(rig);
        const kept = extents.filter((one) => one.path !== path || one.end <= size).length;
        if (isLastFile || kept === 7) expect(found).toEqual(upTo(kept));
        else expect(found).toHaveProperty('path');
      }
      rig.disk.replace(path, bytes);
    }
  });

  test('is not asked for more than it holds by a length that was damaged', async () => {
    const { rig, files } = await sevenGroups();
    const [first] = extentsOf(files);
    const damaged = files.get(first?.path ?? '')?.slice() ?? new Uint8Array(0);
    new DataView(damaged.buffer).setUint32(12, 0xffffffff);
    rig.disk.replace(first?.path ?? '', damaged);
    expect(await outcome(rig)).toHaveProperty('path');
  });

  test('after it was read is found when its batches are asked for', async () => {
    const { rig, files } = await sevenGroups();
    const sealed = await sealFileWal(rig.disk);
    const [first] = extentsOf(files);
    rig.disk.contentOf(first?.path ?? '')[200]! ^= 1;
    await expect(indexesOf(sealed)).rejects.toMatchObject({ code: 'OBJECT_CORRUPT', key: first?.path });
    await sealed?.close();
  });

  test('or removed is missed, once its groups are needed', async () => {
    const { rig, files } = await sevenGroups();
    const paths = [...files.keys()];
    rig.disk.destroy(paths[0] ?? '');
    expect(await outcome(rig)).toHaveProperty('path');
  });
});
