// A start of a node stops before it has put its name plate into the new directory of its file WAL. Another start of the
// same node takes the directory and works in it; then the first one goes on. It took the folder of the other's epoch for
// something foreign, because it had looked for the plate before there was one.
import { expect, test } from 'vitest';
import { fileWal } from '../../src/index.ts';
import { MemoryObjectStore } from '../../src/store/memory-object-store.ts';
import { SimDisk } from '../../src/testkit/sim-disk.ts';
import type { WalFiles } from '../../src/wal/wal-files.ts';
import { directory, openFileWal } from '../wal/file-wal-rig.ts';
import { quickRuntime, walPlace } from '../wal/wal-place.ts';

test('an overtaken start is told that the directory is in use', async () => {
  const disk = new SimDisk(quickRuntime);
  const place = walPlace(new MemoryObjectStore());
  let reachList = (): void => {};
  const atList = new Promise<void>((resolve) => (reachList = resolve));
  let goOn = (): void => {};
  const held = new Promise<void>((resolve) => (goOn = resolve));
  const slow = new Proxy<WalFiles>(disk, {
    get(_, name: keyof WalFiles) {
      if (name !== 'list') return disk[name].bind(disk);
      return async (path: string) => {
        reachList();
        await held;
        return disk.list(path);
      };
    },
  });

  const overtaken = fileWal({ directory, files: slow }).identify(place);
  await atList;
  const rig = await openFileWal({ disk });
  await rig.appendEach(0, 3);
  goOn();
  await expect(overtaken).rejects.toMatchObject({ code: 'WAL_LOCKED' });
  await rig.appendEach(3, 6);
  expect(rig.sink).toMatchObject({ durableCount: 6, end: undefined });
});
