// The journal suite under node:test, from the package as it is built: run by journal-suite.test.ts.
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { MemoryJournal, MemoryObjectStore, ObjectJournal } from '../../dist/index.js';
import { journalSuite } from '../../dist/testkit.js';

journalSuite({
  test: (title, body) => void test(`memory: ${title}`, body),
  open: async () => {
    const journal = new MemoryJournal();
    return { journal, openPeer: async () => journal.openPeer() };
  },
});

journalSuite({
  test: (title, body) => void test(`object: ${title}`, body),
  open: async () => {
    const store = new MemoryObjectStore();
    const clusterId = randomBytes(16).toString('hex');
    const openPeer = () => ObjectJournal.open({ store, clusterId });
    return { journal: await openPeer(), openPeer };
  },
});
