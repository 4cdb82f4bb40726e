// The log suite on this package's own engine with the file WAL: on a simulated disk in simulated time, where every
// second world loses its power in a crash, and on files of the machine, beside the objects, where a node has them that
// asks for no WAL.
//
// A crash here happens inside one process, which lives on: so the lock that the crashed incarnation has left is taken
// away by hand, as its own message tells whoever knows better. What that incarnation would still do is not done.
import { existsSync, rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { KiB } from '../../src/base/bytes.ts';
import { fileWal, FileObjectStore, MemoryObjectStore, type WalFactory } from '../../src/index.ts';
import { runLogScript } from '../../src/testkit/log-check.ts';
import { optionalLogScripts } from '../../src/testkit/log-directed-options.ts';
import type { DirectedLogScript } from '../../src/testkit/log-directed-scripts.ts';
import type { LogDriver } from '../../src/testkit/log-driver.ts';
import { logSuite } from '../../src/testkit/log-suite.ts';
import { streamSetDriver } from '../../src/testkit/stream-set-driver.ts';
import { fileWalOfSizes } from '../../src/wal/file-wal.ts';
import { nodeWalFiles } from '../../src/wal/node-wal-files.ts';
import { SimDisk } from '../../src/testkit/sim-disk.ts';
import { CrashingWalFiles } from './crashing-wal-files.ts';

const latency = { fault: { kind: 'latency', minMs: 1, maxMs: 4 } } as const;

/** A file is full after some groups, a segment after a few. */
const sizes = { fileSizeBytes: 32 * KiB, sparesMax: 2, groupSizeMaxBytes: 16 * KiB, segmentSizeBytes: 4 * KiB };

/** A flood of large batches does not fit into files as small as these. Aborts cost less in simulated time. */
async function without(opening: Promise<LogDriver>, takesSignals: boolean): Promise<LogDriver> {
  return Object.assign(await opening, { memory: undefined, takesSignals });
}

describe('a stream set on a simulated disk, in simulated time', () => {
  const lives = { crashes: 0, powerCuts: 0 };

  logSuite({
    test,
    simulate: true,
    runs: 20,
    open: ({ runtime, seed }) => {
      const disk = new SimDisk(runtime);
      disk.latencyMaxMs = seed % 3;
      const losesPower = seed % 2 === 0;
      const wal = (crashed: AbortSignal): WalFactory => {
        if (disk.paths().includes('/disk/wal/lock')) disk.destroy('/disk/wal/lock');
        crashed.addEventListener('abort', () => {
          lives.crashes += 1;
          if (!losesPower) return disk.killProcess();
          lives.powerCuts += 1;
          disk.cutPower(
            () => runtime.random.fraction() < 0.5,
            (_, changes) => Math.floor(runtime.random.fraction() * (changes + 1)),
          );
        });
        return fileWalOfSizes({ directory: '/disk/wal', files: new CrashingWalFiles(disk, crashed) }, sizes);
      };
      const faults = seed % 5 === 0 ? [latency] : [];
      return without(streamSetDriver({ store: new MemoryObjectStore(), runtime, wal, faults }), true);
    },
  });

  afterAll(() => {
    expect(lives.crashes).toBeGreaterThan(60);
    expect(lives.powerCuts).toBeGreaterThan(20);
  });
});

test('a stream set on a simulated disk stays within its memory in a flood of large batches', async () => {
  const { operations } = optionalLogScripts.find(({ needs }) => needs?.includes('memory')) as DirectedLogScript;
  const { violation, lines, leftOut } = await runLogScript(
    { seed: 1, operations },
    {
      simulate: true,
      open: async ({ runtime }) => {
        const disk = new SimDisk(runtime);
        const wal = (crashed: AbortSignal): WalFactory => {
          if (disk.paths().includes('/disk/wal/lock')) disk.destroy('/disk/wal/lock');
          crashed.addEventListener('abort', () => disk.killProcess());
          return fileWal({ directory: '/disk/wal', files: new CrashingWalFiles(disk, crashed) });
        };
        return streamSetDriver({ store: new MemoryObjectStore(), runtime, wal });
      },
    },
  );
  expect(violation).toBeUndefined();
  expect(leftOut).toEqual([]);
  expect(lines.filter((line) => line.includes('OVERLOADED')).length).toBeGreaterThan(10);
});

/** In memory, where the system has such a place: what a disk keeps is tested elsewhere, and disks are slow. */
const scratch = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

describe('a stream set over files with its WAL beside them, in real time', () => {
  const directories: string[] = [];
  afterAll(() => Promise.all(directories.map((directory) => rm(directory, { recursive: true, force: true }))));

  logSuite({
    test,
    runs: 3,
    commands: 20,
    open: async () => {
      const parent = await mkdtemp(join(scratch, 'qanat-log-'));
      directories.push(parent);
      const directory = join(parent, 'wal', 'node-1');
      const disturbances = ['crash', 'slow', 'lost-answers'] as const;
      const wal = (crashed: AbortSignal): WalFactory => {
        rmSync(join(directory, 'lock'), { force: true });
        return fileWalOfSizes({ directory, files: new CrashingWalFiles(nodeWalFiles, crashed) }, sizes);
      };
      return without(
        streamSetDriver({ store: new FileObjectStore(parent), disturbances, timeScale: 0.02, wal }),
        false,
      );
    },
  });
});
