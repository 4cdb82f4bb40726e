// What every Journal must do, as tests that run under any runner: node:test, vitest, mocha. The rules are J1 to J7.
// The tests lie in three files: records, snapshots and collecting, many writers at once.
import { testJournalRaces } from './journal-race-tests.ts';
import { testJournalRecords } from './journal-record-tests.ts';
import { testJournalSnapshots } from './journal-snapshot-tests.ts';
import type { JournalSuiteOptions, JournalTest } from './journal-under-test.ts';
import { checkSuiteOptions } from './suite-options.ts';

/**
 * Declares the conformance tests of a journal.
 *
 * ```ts
 * journalSuite({ test, open: async () => ({ journal, openPeer: async () => anotherHandle }) });
 * ```
 */
export function journalSuite(options: JournalSuiteOptions): void {
  checkSuiteOptions('journalSuite', options, []);
  const { test, open } = options;
  const journalTest: JournalTest = (title, body) => {
    test(title, async () => {
      const opened = await open();
      try {
        await body(opened);
      } finally {
        await opened.close?.();
      }
    });
  };
  testJournalRecords(journalTest);
  testJournalSnapshots(journalTest);
  testJournalRaces(journalTest);
}
