// The door `qanat/testkit`: explicit named exports and nothing else.
export { checkHistory, describeFinding } from './testkit/check-history.ts';
export type { HistoryCheckOptions } from './testkit/check-history.ts';
export { historyVerdicts } from './testkit/history-verdict.ts';
export type { HistoryEntry, HistoryFinding, HistoryVerdict } from './testkit/history-verdict.ts';
export type {
  History,
  HistoryAppend,
  HistoryBatch,
  HistoryCall,
  HistoryDelete,
  HistoryGiveUp,
  HistoryLookUp,
  HistoryOperation,
  HistoryOutcome,
  HistoryRead,
  HistorySeen,
  HistoryTrim,
} from './testkit/history.ts';
export { drawStoreFaults } from './testkit/draw-store-faults.ts';
export type { DrawnStoreFaults, StoreFaultProfile } from './testkit/draw-store-faults.ts';
export { SimulatedCrash } from './testkit/faulty-connection.ts';
export type { ConnectionCut } from './testkit/faulty-connection.ts';
export { FaultyObjectStore } from './testkit/faulty-object-store.ts';
export type { FaultCounts, FaultyObjectStoreOptions, InjectedFault } from './testkit/faulty-object-store.ts';
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
export { walSuite } from './testkit/wal-suite.ts';
export type { WalSuiteOptions } from './testkit/wal-suite.ts';
export type { WalUnderTest } from './testkit/wal-under-test.ts';
export { arbitraryLogScript } from './testkit/log-arbitraries.ts';
export type { FastCheckForScripts } from './testkit/log-arbitraries.ts';
export { checkLog, describeFailure, runLogScript } from './testkit/log-check.ts';
export type { LogCheckFailure, LogCheckOptions, LogReport, LogScriptOptions, LogTrace } from './testkit/log-check.ts';
export type {
  LogBatch,
  LogCallOptions,
  LogDisturbance,
  LogDriver,
  LogDriverOption,
  LogMemory,
  LogRange,
  LogReadBatch,
  LogReadOptions,
  LogReadResult,
  LogRequests,
  LogStats,
  LogUsurped,
  LogWorld,
} from './testkit/log-driver.ts';
export type { LogAttempt, LogAttemptFacts, LogHistory, LogKnowledge } from './testkit/log-history.ts';
export { LogModel } from './testkit/log-model.ts';
export type { LogName, LogReadCall } from './testkit/log-model.ts';
export { describeOperation } from './testkit/log-script.ts';
export type { LogAbortableCall, LogBatchShape, LogOperation, LogScript } from './testkit/log-script.ts';
export { logSuite } from './testkit/log-suite.ts';
export type { LogSuiteOptions } from './testkit/log-suite.ts';
export { logProperties, LogViolation } from './testkit/log-violation.ts';
export type { LogProperty } from './testkit/log-violation.ts';
export { streamSetDriver } from './testkit/stream-set-driver.ts';
export type { StreamSetDriverOptions } from './testkit/stream-set-driver.ts';
export { checkWorlds, describeWorldFailure } from './testkit/check-worlds.ts';
export type { CheckWorldsOptions, WorldFailure, WorldsReport } from './testkit/check-worlds.ts';
export { drawWorld } from './testkit/draw-world.ts';
export type { DrawWorldOptions } from './testkit/draw-world.ts';
export { HistoryRecorder } from './testkit/history-recorder.ts';
export type { RecordedBatch, RecordedCall } from './testkit/history-recorder.ts';
export { SimDisk } from './testkit/sim-disk.ts';
export type { HeldWrite, KeepSector } from './testkit/sim-disk.ts';
export { SimMachine } from './testkit/sim-machine.ts';
export type { SimMachineOptions, SimNode, SimStartOptions } from './testkit/sim-machine.ts';
export { SimProcess } from './testkit/sim-process.ts';
export type { SimProcessOptions } from './testkit/sim-process.ts';
export { SimWorld } from './testkit/sim-world.ts';
export type { SimWorldOptions } from './testkit/sim-world.ts';
export type { WorldFinding } from './testkit/world-calls.ts';
export { runWorld } from './testkit/world-run.ts';
export type { RunWorldOptions, WorldCounts, WorldOutcome } from './testkit/world-run.ts';
export { describeStep } from './testkit/world-script.ts';
export type { WorldAct, WorldCall, WorldMember, WorldScript, WorldStep } from './testkit/world-script.ts';
