// The object store suite on every store of the package that needs nothing but this machine.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'vitest';
import { systemRuntime } from '../../src/base/runtime.ts';
import { FileObjectStore } from '../../src/store/file-object-store.ts';
import { MemoryObjectStore } from '../../src/store/memory-object-store.ts';
import { MeteredObjectStore } from '../../src/store/metered-object-store.ts';
import { RetryingObjectStore } from '../../src/store/retrying-object-store.ts';
import { FaultyObjectStore } from '../../src/testkit/faulty-object-store.ts';
import { objectStoreSuite } from '../../src/testkit/object-store-suite.ts';

describe('MemoryObjectStore', () => {
  objectStoreSuite({ test, open: async () => ({ store: new MemoryObjectStore() }) });
});

describe('FileObjectStore, each handle an object of its own', () => {
  objectStoreSuite({
    test,
    offers: ['reopen'],
    open: async () => {
      const directory = await mkdtemp(join(tmpdir(), 'qanat-store-'));
      const openPeer = async (): Promise<FileObjectStore> => new FileObjectStore(directory);
      const close = (): Promise<void> => rm(directory, { recursive: true, force: true });
      return { store: await openPeer(), openPeer, reopen: openPeer, close };
    },
  });
});

describe('A store behind the retrying, the metering and the faulty one, without faults', () => {
  objectStoreSuite({
    test,
    open: async () => {
      const faulty = new FaultyObjectStore(new MemoryObjectStore(), { runtime: systemRuntime, faults: [] });
      const metered = new MeteredObjectStore(faulty, { runtime: systemRuntime });
      return { store: new RetryingObjectStore(metered, { runtime: systemRuntime, deadlineMs: 1000 }) };
    },
  });
});
