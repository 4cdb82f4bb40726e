// What every Journal must do, as tests that run under any runner: node:test, vitest, mocha. The rules are J1 to J7.
// The tests lie in three files: records, snapshots and collecting, many writers at once.
import type { Journal } from '../index.ts';
import { testJournalRaces } from './journal-race-tests.ts';
import { testJournalRecords } from './journal-record-tests.ts';
import { testJournalSnapshots } from './journal-snapshot-tests.ts';

/** One journal, fresh, with as many handles as a test wants. */
export interface JournalUnderTest {
  readonly journal: Journal;
  /** Another handle on the same journal, as another process would have. */
  openPeer(): Promise<Journal>;
  /**
   * For journals over a store where a late request can bring back what was deleted: puts these bytes at `index`, below
   * the floor. Without it the tests about ghosts are left out.
   */
  haunt?(index: number, bytes: Uint8Array): Promise<void>;
  /** Frees what the test used. */
  close?(): Promise<void>;
}

/** What journalSuite is given. */
export interface JournalSuiteOptions {
  /** The runner's own `test`. */
  readonly test: (title: string, body: () => Promise<void>) => void;
  /** Opens a fresh, empty journal. */
  readonly open: () => Promise<JournalUnderTest>;
}

/** How one test of the suite is declared. */
export type JournalTest = (title: string, body: (opened: JournalUnderTest) => Promise<void>) => void;

/** Declares the conformance tests of a journal. */
export function journalSuite({ test, open }: JournalSuiteOptions): void {
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
