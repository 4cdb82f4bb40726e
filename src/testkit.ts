// The door `qanat/testkit`: explicit named exports and nothing else.
export { journalSuite } from './testkit/journal-suite.ts';
export type { JournalSuiteOptions, JournalUnderTest } from './testkit/journal-suite.ts';
