// The door `qanat/testkit`: explicit named exports and nothing else.
export { journalSuite } from './testkit/journal-suite.ts';
export type { JournalSuiteOptions, JournalUnderTest } from './testkit/journal-suite.ts';
export { drawInteger, seededRandom } from './testkit/seeded-random.ts';
export { SeededRuntime } from './testkit/seeded-runtime.ts';
export type { SeededRuntimeOptions } from './testkit/seeded-runtime.ts';
