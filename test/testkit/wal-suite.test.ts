// The WAL suite on every WAL of the package, under two runners, and on WALs that are wrong on purpose.
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { systemRuntime } from '../../src/base/runtime.ts';
import { FileObjectStore } from '../../src/store/file-object-store.ts';
import { MemoryObjectStore } from '../../src/store/memory-object-store.ts';
import type { ObjectStore } from '../../src/store/object-store.ts';
import { SeededRuntime } from '../../src/testkit/seeded-runtime.ts';
import { walSuite } from '../../src/testkit/wal-suite.ts';
import { objectWal } from '../../src/wal/object-wal.ts';
import type { WalFactory, WalPlace } from '../../src/wal/wal.ts';
import { wrongWals } from './wrong-wals.ts';

const clusterId = '0123456789abcdef0123456789abcdef';

function placeOn(store: ObjectStore): WalPlace {
  return { store, clusterId, node: 'a', nodeEpoch: 3, runtime: systemRuntime, observer: {} };
}

describe('The object WAL over a MemoryObjectStore', () => {
  walSuite({
    test,
    open: async () => ({ walFactory: objectWal(), place: placeOn(new MemoryObjectStore()) }),
  });
});

describe('The object WAL over a FileObjectStore', () => {
  walSuite({
    test,
    open: async () => {
      const directory = await mkdtemp(join(tmpdir(), 'qanat-wal-'));
      return {
        walFactory: objectWal(),
        place: placeOn(new FileObjectStore(directory)),
        close: () => rm(directory, { recursive: true, maxRetries: 10 }), // A late put may still be landing.
      };
    },
  });
});

describe('The object WAL in simulated time', () => {
  let runtime = new SeededRuntime({ seed: 1 });
  let seed = 0;
  walSuite({
    test: (title, body) =>
      test(title, () => {
        seed += 1;
        runtime = new SeededRuntime({ seed });
        return runtime.run(body);
      }),
    open: async () => ({ walFactory: objectWal(), place: { ...placeOn(new MemoryObjectStore()), runtime } }),
  });
});

test('The suite runs under node:test with the package as it is built', { timeout: 120_000 }, async () => {
  const directory = await mkdtemp(join(tmpdir(), 'qanat-wal-'));
  const file = join(directory, 'wal.test.mjs');
  const door = (name: string): string =>
    JSON.stringify(pathToFileURL(join(import.meta.dirname, '../../dist', name)).href);
  await writeFile(
    file,
    `import { test } from 'node:test';
     import { MemoryObjectStore, objectWal, systemRuntime } from ${door('index.js')};
     import { walSuite } from ${door('testkit.js')};
     const place = () => ({ store: new MemoryObjectStore(), clusterId: '${clusterId}', node: 'a', nodeEpoch: 3,
       runtime: systemRuntime, observer: {} });
     walSuite({ test, open: async () => ({ walFactory: objectWal(), place: place() }) });`,
  );
  const { stdout, status } = spawnSync(process.execPath, ['--test', '--test-reporter=tap', file], {
    encoding: 'utf8',
  });
  await rm(directory, { recursive: true });
  expect(stdout).toMatch(/# pass [1-9]\d/);
  expect(stdout).toContain('# fail 0');
  expect(status).toBe(0);
});

/** Runs the suite in simulated time until a test fails; undefined if none does. */
async function firstFailureOf(walFactory: WalFactory): Promise<string | undefined> {
  const tests: { readonly title: string; readonly body: () => Promise<void> }[] = [];
  let runtime = new SeededRuntime({ seed: 1 });
  walSuite({
    test: (title, body) => tests.push({ title, body }),
    open: async () => ({ walFactory, place: { ...placeOn(new MemoryObjectStore()), runtime } }),
    patienceMs: 1_000,
  });
  for (const [i, { title, body }] of tests.entries()) {
    runtime = new SeededRuntime({ seed: i + 1 });
    try {
      await runtime.run(body);
    } catch (cause) {
      return `${title}: ${String(cause)}`;
    }
  }
  return undefined;
}

test('A WAL passes the suite in the way in which wrong ones are tried', async () => {
  expect(await firstFailureOf(objectWal())).toBeUndefined();
});

describe('A WAL fails the suite that', () => {
  for (const [fault, walFactory] of wrongWals)
    test(fault, async () => {
      expect(await firstFailureOf(walFactory)).toBeDefined();
    });
});
