// The door `qanat`: explicit named exports and nothing else.
/// <reference lib="esnext.disposable" preserve="true" />
export { InvariantError } from './base/assert.ts';
export { systemRuntime } from './base/runtime.ts';
export type { Clock, Random, Runtime, Timer, Timers } from './base/runtime.ts';
export { isQanatError, qanatError, qanatErrorCodes } from './model/errors.ts';
export type {
  ErrorAction,
  ErrorOutcome,
  FailedCheck,
  InvalidArgumentError,
  QanatError,
  QanatErrorCode,
  QanatErrorFacts,
  QanatErrorOf,
} from './model/errors.ts';
export type { Observer, QanatEvents } from './model/events.ts';
export type { Attributes, StreamId, StreamRef } from './model/ids.ts';
export type { OffsetRange } from './model/offset-range.ts';
export type { ObjectPart, RecordBatch, StreamBatch } from './model/record-batch.ts';
export type { WalIdentity, WalKind } from './model/wal-identity.ts';
export { FileObjectStore } from './store/file-object-store.ts';
export type { FileObjectStoreOptions } from './store/file-object-store.ts';
export { MemoryObjectStore } from './store/memory-object-store.ts';
export type {
  AbortUploadsOptions,
  ByteRange,
  CopyPiece,
  DeleteResult,
  GetOptions,
  GetResult,
  ListedKey,
  ListOptions,
  ListResult,
  ObjectStore,
  ProbeCheck,
  ProbeOptions,
  ProbeReport,
  PutCondition,
  PutLargeOptions,
  PutOptions,
  PutResult,
  RequestTally,
  StoredValue,
  StoreOperation,
  StorePurpose,
  StoreRequestOptions,
} from './store/object-store.ts';
export type { RequestCounts } from './store/request-counter.ts';
export { probeStore } from './store/probe-store.ts';
export type { ProbeStoreOptions } from './store/probe-store.ts';
export type { BeginSlowPut, SlowPut } from './store/probe-folder.ts';
export type {
  AppendVerdict,
  Journal,
  JournalOptions,
  JournalRun,
  JournalSnapshot,
  SaveSnapshotOptions,
} from './journal/journal.ts';
export { MemoryJournal } from './journal/memory-journal.ts';
export { ObjectJournal } from './journal/object-journal.ts';
export type { ObjectJournalOptions } from './journal/object-journal.ts';
export type { CatalogChange } from './catalog/change.ts';
export type { GivenUpRange } from './recovery/recover-epoch.ts';
export { fileWal } from './wal/file-wal.ts';
export type { FileWalOptions } from './wal/file-wal.ts';
export { memoryWal } from './wal/memory-wal.ts';
export { objectWal } from './wal/object-wal.ts';
export type { WalFile, WalFiles } from './wal/wal-files.ts';
export type {
  SealedWal,
  Wal,
  WalContext,
  WalCut,
  WalEnd,
  WalFactory,
  WalPlace,
  WalRecoveryContext,
  WalSegment,
  WalSettings,
  WalSink,
} from './wal/wal.ts';
export type {
  AppendAllOptions,
  Appended,
  AppendOptions,
  BatchInput,
  BatchOptions,
  CallOptions,
  ReadOptions,
  ReadResult,
  ReadStop,
  Stream,
  StreamReader,
} from './stream/stream.ts';
export type { CostReport, PurposeCost, RequestCost } from './engine/cost.ts';
export type { DiagnosticMessage } from './engine/diagnostics.ts';
export { estimateCost } from './engine/estimate-cost.ts';
export type { CostEstimate, CostLine } from './engine/estimate-cost.ts';
export type { NodeDescription, StreamDescription, StreamSummary } from './engine/descriptions.ts';
export type { Kv, KvEntry, KvListed, KvReadOptions, KvView, KvWriteOptions } from './engine/key-value.ts';
export type { MemoryShares } from './engine/memory-shares.ts';
export { s3ExpressOneZonePrices, s3StandardPrices } from './engine/prices.ts';
export type { PriceTable, StorageTier } from './engine/prices.ts';
export type { CloseReason, SetStatusName } from './engine/set-status.ts';
export type { RequestRates } from './engine/request-rates.ts';
export type { RecoverOptions, RecoveryReport } from './engine/recovering.ts';
export type { Settings, SettingsInput } from './engine/settings.ts';
export type { Stats, WritingStats } from './engine/stats.ts';
export type { ResolvedWorkload, Workload } from './engine/workload.ts';

export type {
  ChangeOptions,
  CreateOptions,
  OpenOptions,
  OpenReadOnlyOptions,
  OpenStreamOptions,
} from './engine/options.ts';
export { StreamSet } from './engine/stream-set.ts';
export type { ListStreamsOptions, StreamSetView } from './engine/stream-set-view.ts';
