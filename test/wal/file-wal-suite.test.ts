// The WAL suite on the file WAL, on a real disk and on a simulated one whose power is cut, and on the memory WAL.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'vitest';
import { KiB, MiB } from '../../src/base/bytes.ts';
import { systemRuntime, type Runtime } from '../../src/base/runtime.ts';
import { MemoryObjectStore } from '../../src/store/memory-object-store.ts';
import { SeededRuntime } from '../../src/testkit/seeded-runtime.ts';
import { walSuite } from '../../src/testkit/wal-suite.ts';
import { fileWalOfSizes } from '../../src/wal/file-wal.ts';
import { memoryWal } from '../../src/wal/memory-wal.ts';
import type { Wal, WalPlace } from '../../src/wal/wal.ts';
import { SimDisk } from '../../src/testkit/sim-disk.ts';

/** The greatest batch needs a file of this size. */
const fileSizeBytes = 9 * MiB;

function place(runtime: Runtime = systemRuntime): WalPlace {
  const clusterId = '0123456789abcdef0123456789abcdef';
  return { store: new MemoryObjectStore(), clusterId, node: 'a', nodeEpoch: 3, runtime, observer: {} };
}

describe('The file WAL on a real disk', () => {
  const sizes = { fileSizeBytes, sparesMax: 2, groupSizeMaxBytes: 4 * MiB, segmentSizeBytes: 1 * MiB };
  walSuite({
    test,
    open: async () => {
      const directory = await mkdtemp(join(tmpdir(), 'qanat-wal-'));
      return {
        walFactory: fileWalOfSizes({ directory: join(directory, 'wal') }, sizes),
        place: place(),
        close: () => rm(directory, { recursive: true, maxRetries: 10 }),
      };
    },
  });
});

/** Declares the suite in simulated time, each test from a seed of its own. */
function simulated(
  open: (runtime: SeededRuntime) => Awaited<ReturnType<Parameters<typeof walSuite>[0]['open']>>,
): void {
  let runtime = new SeededRuntime({ seed: 1 });
  let seed = 0;
  walSuite({
    test: (title, body) =>
      test(title, () => {
        seed += 1;
        runtime = new SeededRuntime({ seed });
        return runtime.run(body);
      }),
    open: async () => open(runtime),
  });
}

describe('The file WAL on a simulated disk whose power is cut', () => {
  const sizes = { fileSizeBytes, sparesMax: 2, groupSizeMaxBytes: 4 * KiB, segmentSizeBytes: 16 * KiB };
  simulated((runtime) => {
    const disk = new SimDisk(runtime);
    disk.latencyMaxMs = 0.2;
    return {
      walFactory: fileWalOfSizes({ directory: '/disk/wal', files: disk }, sizes),
      place: place(runtime),
      crash: async (wal: Wal) => {
        wal.stop();
        disk.cutPower(() => runtime.random.fraction() < 0.5);
        if (disk.paths().includes('/disk/wal/lock')) disk.destroy('/disk/wal/lock'); // Its process, ours, lives on.
      },
    };
  });
});

describe('The memory WAL', () => {
  walSuite({ test, open: async () => ({ walFactory: memoryWal(), place: place(), isVolatile: true }) });
});

describe('The memory WAL in simulated time', () => {
  simulated((runtime) => ({ walFactory: memoryWal(), place: place(runtime), isVolatile: true }));
});
