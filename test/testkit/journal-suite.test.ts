// The journal suite on every journal of the package, and on journals that are wrong on purpose.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
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
import { PassingJournal, wrongJournals } from './wrong-journals.ts';

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

describe('a journal that only passes on', () => {
  journalSuite({
    test,
    open: async () => {
      const journal = new MemoryJournal();
      return {
        journal: new PassingJournal(journal),
        openPeer: async () => new PassingJournal(journal.openPeer()),
      };
    },
  });
});

describe('a journal that is wrong on purpose fails the suite', () => {
  for (const [wrong, wrap] of Object.entries(wrongJournals))
    test(wrong, async () => {
      const failed = await failingTitles(async () => {
        const journal = new MemoryJournal();
        return { journal: wrap(journal), openPeer: async () => wrap(journal.openPeer()) };
      });
      process.stdout.write(`${wrong}: ${failed.length} tests fail, as "${failed[0]}"\n`);
      assert.ok(failed.length > 0);
    });
});

test('the suite runs under node:test from the built package', () => {
  const script = fileURLToPath(new URL('journal-suite-node.mjs', import.meta.url));
  const { status, stdout } = spawnSync(process.execPath, ['--test', script], { encoding: 'utf8' });
  assert.equal(status, 0, stdout);
  assert.match(stdout, /pass 5\d/);
});

/** The titles of the suite's tests that fail. */
async function failingTitles(open: () => Promise<JournalUnderTest>): Promise<string[]> {
  const bodies: [string, () => Promise<void>][] = [];
  journalSuite({ test: (title, body) => bodies.push([title, body]), open });
  const failed: string[] = [];
  for (const [title, body] of bodies) await body().catch(() => failed.push(title));
  return failed;
}

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
