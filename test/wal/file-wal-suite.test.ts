// The WAL suite on the file WAL, as it is and cut up small, and on the memory WAL.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'vitest';
import { KiB, MiB } from '../../src/base/bytes.ts';
import { systemRuntime } from '../../src/base/runtime.ts';
import { MemoryObjectStore } from '../../src/store/memory-object-store.ts';
import { SeededRuntime } from '../../src/testkit/seeded-runtime.ts';
import { walSuite } from '../../src/testkit/wal-suite.ts';
import { fileWal, fileWalOfSizes } from '../../src/wal/file-wal.ts';
import { memoryWal } from '../../src/wal/memory-wal.ts';
import type { WalFactory, WalPlace } from '../../src/wal/wal.ts';

function place(): WalPlace {
  const clusterId = '0123456789abcdef0123456789abcdef';
  const store = new MemoryObjectStore();
  return { store, clusterId, node: 'a', nodeEpoch: 3, runtime: systemRuntime, observer: {} };
}

function fileSuite(factory: (directory: string) => WalFactory): void {
  walSuite({
    test,
    open: async () => {
      const directory = await mkdtemp(join(tmpdir(), 'qanat-wal-'));
      return {
        walFactory: factory(join(directory, 'wal')),
        place: place(),
        close: () => rm(directory, { recursive: true, maxRetries: 10 }),
      };
    },
  });
}

describe('The file WAL', () => {
  fileSuite((directory) => fileWal({ directory }));
});

describe('The file WAL, cut up small', () => {
  const sizes = { fileSizeBytes: 9 * MiB, sparesMax: 2, groupSizeMaxBytes: 4 * KiB, segmentSizeBytes: 16 * KiB };
  fileSuite((directory) => fileWalOfSizes({ directory }, sizes));
});

describe('The memory WAL', () => {
  walSuite({ test, open: async () => ({ walFactory: memoryWal(), place: place(), isVolatile: true }) });
});

describe('The memory WAL in simulated time', () => {
  let runtime = new SeededRuntime({ seed: 1 });
  walSuite({
    test: (title, body) =>
      test(title, () => {
        runtime = new SeededRuntime({ seed: 2 });
        return runtime.run(body);
      }),
    open: async () => ({ walFactory: memoryWal(), place: { ...place(), runtime }, isVolatile: true }),
  });
});
