// The door `qanat/testkit`: explicit named exports and nothing else.
export { FaultyObjectStore, SimulatedCrash } from './testkit/faulty-object-store.ts';
export type { FaultyObjectStoreOptions, InjectedFault } from './testkit/faulty-object-store.ts';
export { journalSuite } from './testkit/journal-suite.ts';
export type { JournalSuiteOptions, JournalUnderTest } from './testkit/journal-under-test.ts';
export { objectStoreSuite } from './testkit/object-store-suite.ts';
export type { ObjectStoreSuiteOptions } from './testkit/object-store-suite.ts';
export type { ObjectStoreOffer, ObjectStoreUnderTest, SlowPut } from './testkit/object-store-under-test.ts';
export { drawInteger, seededRandom } from './testkit/seeded-random.ts';
export { SeededRuntime } from './testkit/seeded-runtime.ts';
export type { SeededRuntimeOptions } from './testkit/seeded-runtime.ts';
export { commonStoreFaults } from './testkit/store-faults.ts';
export type { FaultRule, FaultyOperation, StoreFault, UnderWay } from './testkit/store-faults.ts';
