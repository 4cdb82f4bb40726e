// The journal suite on every journal of the package, and on journals that are wrong on purpose.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'vitest';
import { drawId, systemRuntime } from '../../src/base/runtime.ts';
import { recordKey } from '../../src/journal/journal-key.ts';
import { MemoryJournal } from '../../src/journal/memory-journal.ts';
import { ObjectJournal } from '../../src/journal/object-journal.ts';
import { FileObjectStore } from '../../src/store/file-object-store.ts';
import { MemoryObjectStore } from '../../src/store/memory-object-store.ts';
import type { ObjectStore } from '../../src/store/object-store.ts';
import { journalSuite } from '../../src/testkit/journal-suite.ts';
import type { JournalUnderTest } from '../../src/testkit/journal-under-test.ts';

describe('MemoryJournal', () => {
  journalSuite({
    test,
    open: async () => {
      const journal = new MemoryJournal();
      return { journal, openPeer: async () => journal.openPeer() };
    },
  });
});

describe('ObjectJournal over a MemoryObjectStore', () => {
  journalSuite({
    test,
    open: async () => {
      const store = new MemoryObjectStore();
      return openOver(() => store);
    },
  });
});

describe('ObjectJournal over a FileObjectStore, each handle with a store of its own', () => {
  journalSuite({
    test,
    open: async () => {
      const directory = await mkdtemp(join(tmpdir(), 'qanat-journal-'));
      const opened = await openOver(() => new FileObjectStore(directory));
      return { ...opened, close: () => rm(directory, { recursive: true, force: true }) };
    },
  });
});

async function openOver(storeOf: () => ObjectStore): Promise<JournalUnderTest> {
  const clusterId = drawId(systemRuntime.random);
  const openPeer = (): Promise<ObjectJournal> => ObjectJournal.open({ store: storeOf(), clusterId });
  return {
    journal: await openPeer(),
    openPeer,
    haunt: async (index, bytes) => {
      await storeOf().put(recordKey(clusterId, index), bytes, { purpose: 'journal' });
    },
  };
}
