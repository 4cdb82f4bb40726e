// What journalSuite is given to test, and how its tests are declared.
import type { Journal } from '../index.ts';

/** One journal, fresh, with as many handles as a test wants. */
export interface JournalUnderTest {
  readonly journal: Journal;
  /** Another handle on the same journal, as another process would have. */
  readonly openPeer: () => Promise<Journal>;
  /**
   * For journals over a store where a late request can bring back what was deleted: puts these bytes at `index`, below
   * the floor. Without it the test about ghosts proves nothing.
   */
  readonly haunt?: ((index: number, bytes: Uint8Array) => Promise<void>) | undefined;
  /** Frees what the test used. */
  readonly close?: (() => Promise<void>) | undefined;
}

/** What journalSuite is given. */
export interface JournalSuiteOptions {
  /** The runner's own `test`. */
  readonly test: (title: string, body: () => Promise<void>) => void;
  /** Opens a fresh, empty journal. */
  readonly open: () => Promise<JournalUnderTest>;
}

/** Declares one test of the suite. */
export type JournalTest = (title: string, body: (opened: JournalUnderTest) => Promise<void>) => void;
