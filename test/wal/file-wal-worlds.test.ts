// Worlds of chance for the file WAL, and file WALs that are wrong on purpose and do not survive them.
import { describe, expect, test } from 'vitest';
import type { WalFile, WalFiles } from '../../src/wal/wal-files.ts';
import type { Wal } from '../../src/wal/wal.ts';
import { newCounts, runWorld, type WorldFaults } from './file-wal-world.ts';

test('Nothing acknowledged is lost in the worlds of many seeds, and all who recover agree', async () => {
  const counts = newCounts();
  for (let seed = 1; seed <= 400; seed += 1) {
    try {
      await runWorld(seed, counts);
    } catch (cause) {
      throw new Error(`the world of seed ${seed}`, { cause });
    }
  }
  expect(counts.acknowledged).toBeGreaterThan(10_000);
  expect(counts.released).toBeGreaterThan(500);
  expect(counts.fencedNone).toBeGreaterThan(30);
  expect(counts.fencedUnknown).toBeGreaterThan(10);
  expect(counts.lateStored).toBeGreaterThan(0);
});

/** The same files, with some operations done otherwise. */
function otherwise(
  disk: WalFiles,
  { files = {}, file = () => ({}) }: { files?: Partial<WalFiles>; file?: (opened: WalFile) => Partial<WalFile> },
): WalFiles {
  return {
    open: async (path, how) => {
      const opened = await disk.open(path, how);
      const whole: WalFile = {
        write: (pieces, position, done) => opened.write(pieces, position, done),
        read: (bytes, position) => opened.read(bytes, position),
        size: () => opened.size(),
        linkCount: () => opened.linkCount(),
        sync: () => opened.sync(),
        close: () => opened.close(),
      };
      return { ...whole, ...file(opened) };
    },
    list: (path) => disk.list(path),
    makeDirectory: (path) => disk.makeDirectory(path),
    syncDirectory: (path) => disk.syncDirectory(path),
    rename: (from, to) => disk.rename(from, to),
    link: (from, to) => disk.link(from, to),
    remove: (path) => disk.remove(path),
    removeDirectory: (path) => disk.removeDirectory(path),
    ...files,
  };
}

/** The same WAL, with some methods done otherwise. */
function walOtherwise(wal: Wal, methods: Partial<Wal>): Wal {
  return {
    segmentsAreObjects: wal.segmentsAreObjects,
    append: (batch) => wal.append(batch),
    flush: () => wal.flush(),
    unreleased: () => wal.unreleased(),
    get pendingBytes() {
      return wal.pendingBytes;
    },
    release: (position, registered) => wal.release(position, registered),
    stop: () => wal.stop(),
    close: () => wal.close(),
    ...methods,
  };
}

const wrong: Readonly<Record<string, WorldFaults>> = {
  'acknowledges before its write is on the disk': {
    writerFiles: (disk) =>
      otherwise(disk, {
        file: (opened) => ({
          write: (pieces, position, done) => {
            opened.write(
              pieces.map((piece) => piece.slice()),
              position,
              () => {},
            );
            queueMicrotask(() => done(undefined));
          },
        }),
      }),
  },
  'does not look for its owner': {
    writerFiles: (disk) => otherwise(disk, { file: () => ({ linkCount: () => 1 }) }),
  },
  'uses files again before they are released': {
    wal: (wal) => walOtherwise(wal, { release: (position, registered) => wal.release(position + 2, registered) }),
  },
  'is recovered without taking its owner away': {
    recovererFiles: (disk) =>
      otherwise(disk, {
        files: { remove: (path) => (path.endsWith('/owner') ? Promise.resolve() : disk.remove(path)) },
      }),
  },
  'is sealed with what is not on the disk yet': {
    recovererFiles: (disk) => otherwise(disk, { file: () => ({ sync: () => Promise.resolve() }) }),
  },
  'is sealed by everybody anew': {
    recovererFiles: (disk) =>
      otherwise(disk, {
        files: {
          link: async (from, to) => {
            if (to.endsWith('/seal')) await disk.remove(to).catch(() => {});
            await disk.link(from, to).catch(() => {});
          },
        },
      }),
  },
};

describe('A file WAL does not survive the worlds of chance that', () => {
  for (const [fault, faults] of Object.entries(wrong))
    test(fault, async () => {
      const counts = newCounts();
      for (let seed = 1; seed <= 1_000; seed += 1) {
        try {
          await runWorld(seed, counts, faults);
        } catch {
          return;
        }
      }
      expect.unreachable('it survived');
    });
});
