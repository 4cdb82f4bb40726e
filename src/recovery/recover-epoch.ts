// Recovery of a past epoch: seal its WAL, register or upload what it holds, say that it is recovered. One code path
// for a restart and for a take-over; idempotent at every step; any number of nodes may do it at once, and may die
// anywhere in it.
//
// W1: what is read here comes from a state at or after the fence, because that state calls the epoch unrecovered.
// W2: the first `recovered` fixes where the WAL ended; whoever comes later adopts it.
// What is given up is given up by hand, and told: a WAL that is nowhere, or the end of one that is damaged.
import { untilAborted } from '../base/abort.ts';
import { assert } from '../base/assert.ts';
import type { Runtime } from '../base/runtime.ts';
import { invalidArgument, isQanatError, qanatError, type QanatErrorOf } from '../model/errors.ts';
import { emit, type Observer } from '../model/events.ts';
import type { StreamId } from '../model/ids.ts';
import { epochPrefix, sequenceOfKey } from '../model/object-key.ts';
import type { WalIdentity } from '../model/wal-identity.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { Change, CommitChange, CommittedObject, RecoveredChange, Verdict } from '../catalog/change.ts';
import type { CatalogState, EpochState } from '../catalog/state.ts';
import type { ObjectStore } from '../store/object-store.ts';
import type { SealedWal, WalCut, WalFactory, WalRecoveryContext } from '../wal/wal.ts';

/** What a recovery works on. */
export interface RecoverEpochOptions {
  readonly catalog: Catalog;
  readonly node: string;
  readonly epoch: number;
  /** Makers of the WALs that can be reached from here. */
  readonly walFactories: readonly WalFactory[];
  readonly store: ObjectStore;
  readonly clusterId: string;
  readonly runtime: Runtime;
  readonly observer: Observer;
  /** The commits that turn what a sealed WAL holds into objects, from a position on. */
  readonly runsOf: (from: number, sealed: SealedWal) => AsyncIterable<RecoveredRun>;
  /** Data sequences of this recoverer that are decided, beside the objects of one of its runs (R4). */
  readonly settledBelow: (objects: readonly CommittedObject[]) => number;
  /** The objects of a run are decided: committed, or given up for ever. */
  readonly decide: (objects: readonly CommittedObject[]) => void;
  /** Give up what a WAL holds that cannot be found; without it, that is WAL_MISSING (R3). */
  readonly abandonMissing?: boolean | undefined;
  /** Give up what the WAL holds from this segment on, so that damage there does not stop the recovery. */
  readonly cutAt?: number | undefined;
  /** What can be done where the WAL cannot be reached: the end of the message of WAL_MISSING. */
  readonly whenMissing: string;
  /** The error for a recovery that cannot go on because the recoverer's own epoch is over. */
  readonly fenced: (byEpoch: number) => Error;
  readonly signal?: AbortSignal | undefined;
}

/** What one commit of a recovery releases, and the objects it adds. */
export type RecoveredRun = Pick<CommitChange, 'from' | 'to' | 'objects'>;

/** What a recovery did. */
export interface RecoveredEpoch {
  /** Segments that its own commits released. */
  readonly segmentCount: number;
  /** Bytes of the segments that it registered as they are. */
  readonly bytesRegistered: number;
  /** Bytes of the objects that it wrote and registered. */
  readonly bytesCopied: number;
  /** The WAL was not found and given up, as asked for. */
  readonly abandoned: boolean;
  /** What was given up of streams that exist, as far as the directories of the segments given up could be read. */
  readonly givenUp: readonly GivenUpRange[];
  /** Segments given up whose directories could not be read. */
  readonly unreadCount: number;
  /** Somebody else had recovered it. */
  readonly alreadyDone: boolean;
}

/** Offsets of a stream that were acknowledged, or may have been, and are not in its history. */
export interface GivenUpRange {
  readonly stream: StreamId;
  readonly startOffset: number;
  readonly endOffset: number;
}

/** What a recovery has done so far. */
interface Work {
  segmentCount: number;
  bytesRegistered: number;
  bytesCopied: number;
}

/** Recovers an epoch that the state calls unrecovered. Resolves when it is recovered, by whomever. */
export async function recoverEpoch(options: RecoverEpochOptions): Promise<RecoveredEpoch> {
  const work: Work = { segmentCount: 0, bytesRegistered: 0, bytesCopied: 0 };
  const nothingLost = { abandoned: false, givenUp: [], unreadCount: 0 } as const;
  const report = (alreadyDone: boolean, lost: Partial<RecoveredEpoch> = {}, sealed?: SealedWal): RecoveredEpoch => {
    tell(options, sealed, alreadyDone);
    return { ...work, ...nothingLost, ...lost, alreadyDone };
  };
  const owed = owedEpoch(options);
  if (owed === undefined) return report(true);
  if (owed.wal.kind === 'memory' || owed.wal.kind === 'none')
    return report(!(await declareRecovered(options, () => owedEpoch(options)?.released)));
  const sealed = await sealOrAbandon(options, owed);
  if (sealed === undefined) return report(true);
  if (sealed === 'abandoned') {
    const { node, epoch: nodeEpoch, observer } = options;
    const done = await declareRecovered(options, () => owedEpoch(options)?.released, true);
    if (!done) return report(true);
    emit(observer, 'walAbandoned', { node, nodeEpoch, walKind: owed.wal.kind, walId: owed.wal.id });
    return report(false, { abandoned: true });
  }
  try {
    const isReleased = await uploadSegments(options, sealed, work);
    const { cut } = sealed;
    if (cut === undefined) {
      const done = isReleased && (await declareRecovered(options, () => sealed.sealedAt));
      return report(!done, {}, sealed);
    }
    const lost = { givenUp: givenUpRanges(options.catalog.state, options.epoch, cut), unreadCount: cut.unreadCount };
    const done = isReleased && (await declareCut(options, cut.at, sealed.sealedAt));
    return report(!done, done ? lost : {}, sealed);
  } finally {
    await sealed.close();
  }
}

/** The epoch, if it still is to be recovered. */
function owedEpoch({ catalog, node, epoch }: RecoverEpochOptions): EpochState | undefined {
  const unrecovered = catalog.state.node(node)?.unrecovered;
  return unrecovered?.epoch === epoch ? unrecovered : undefined;
}

async function sealOrAbandon(
  options: RecoverEpochOptions,
  owed: EpochState,
): Promise<SealedWal | 'abandoned' | undefined> {
  try {
    return await seal(options, owed);
  } catch (cause) {
    if (options.abandonMissing && isQanatError(cause, 'WAL_MISSING')) return 'abandoned';
    throw cause;
  }
}

/** The error for a WAL that cannot be reached from here. `whenMissing` says what can be done. */
export function walMissing(
  node: string,
  nodeEpoch: number,
  { kind, id }: WalIdentity,
  whenMissing: string,
  cause?: unknown,
): Error {
  const why = cause instanceof Error ? `: ${cause.message}` : '';
  const message = `epoch ${nodeEpoch} of node ${node} has a ${kind} WAL that cannot be reached from here${why}`;
  const facts = { node, nodeEpoch, walKind: kind, walId: id };
  return qanatError('WAL_MISSING', `${message}; ${whenMissing}`, facts, { cause });
}

async function seal(options: RecoverEpochOptions, owed: EpochState): Promise<SealedWal | undefined> {
  const { node, epoch, whenMissing } = options;
  const factory = options.walFactories.find((candidate) => candidate.kind === owed.wal.kind);
  if (factory === undefined) throw walMissing(node, epoch, owed.wal, whenMissing);
  try {
    return await factory.seal(recoveryContext(options, owed));
  } catch (cause) {
    if (isQanatError(cause, 'WAL_MISSING')) throw walMissing(node, epoch, owed.wal, whenMissing, cause);
    throw isQanatError(cause, 'OBJECT_CORRUPT') ? withAdvice(options, cause) : cause;
  }
}

/** Damage in a segment of an object WAL, with what can be done about it. */
function withAdvice({ clusterId, node, epoch }: RecoverEpochOptions, cause: QanatErrorOf<'OBJECT_CORRUPT'>): Error {
  const { key, position, outcome, message } = cause;
  const prefix = epochPrefix(clusterId, { family: 'wal', node, nodeEpoch: epoch });
  const sequence = key.startsWith(prefix) ? sequenceOfKey(key) : undefined;
  if (sequence === undefined) return cause;
  const call = `recover('${node}', { epoch: ${epoch}, cutAt: ${sequence} })`;
  const advice = `restore it, or give up this segment and all after it by calling ${call} on another node`;
  return qanatError('OBJECT_CORRUPT', `${message}; ${advice}`, { key, position }, { outcome, cause });
}

function recoveryContext(options: RecoverEpochOptions, owed: EpochState): WalRecoveryContext {
  const { catalog, node, epoch, store, clusterId, runtime, observer, cutAt, signal } = options;
  return {
    store,
    clusterId,
    node,
    nodeEpoch: epoch,
    runtime,
    observer,
    identity: owed.wal,
    released: owed.released,
    cutAt,
    signal,
    reread: async () => {
      await catalog.sync({ signal });
      const now = owedEpoch(options);
      return now === undefined ? { sealedAt: catalog.state.sealedAt(epoch) ?? 0 } : { released: now.released };
    },
  };
}

/** Commits what the WAL holds, from wherever the released position is. False if somebody else ended the recovery. */
async function uploadSegments(options: RecoverEpochOptions, sealed: SealedWal, work: Work): Promise<boolean> {
  for (;;) {
    const owed = owedEpoch(options);
    if (owed === undefined) return false;
    if (owed.released >= (sealed.cut?.at ?? sealed.sealedAt)) return true;
    for await (const run of options.runsOf(owed.released, sealed)) {
      const settledBelow = options.settledBelow(run.objects);
      const verdict = await propose(options, { kind: 'commit', epoch: options.epoch, ...run, settledBelow }, () =>
        options.decide(run.objects),
      );
      if (!verdict.applied) break; // Another recoverer was there: look where it stands.
      work.segmentCount += run.to - run.from;
      for (const { family, sizeBytes } of run.objects) {
        if (family === 'wal') work.bytesRegistered += sizeBytes;
        else work.bytesCopied += sizeBytes;
      }
    }
  }
}

/** Proposes `recovered` until it, or somebody else's, is applied. Whether it was ours. */
async function declareRecovered(
  options: RecoverEpochOptions,
  end: () => number | undefined,
  givenUp?: true,
): Promise<boolean> {
  for (;;) {
    const at = end();
    if (owedEpoch(options) === undefined || at === undefined) return false;
    const { node, epoch } = options;
    const change: RecoveredChange = { kind: 'recovered', node, epoch, from: at, sealedAt: at };
    const verdict = await propose(options, givenUp ? { ...change, givenUp } : change);
    if (verdict.applied) return true;
  }
}

/** Proposes that what lies from `from` on is given up. Whether it was ours. */
async function declareCut(options: RecoverEpochOptions, from: number, sealedAt: number): Promise<boolean> {
  const { node, epoch } = options;
  const change: RecoveredChange = { kind: 'recovered', node, epoch, from, sealedAt, givenUp: true };
  const verdict = await propose(options, change);
  if (verdict.applied || verdict.reason !== 'position') return verdict.applied;
  const problem = `another recoverer has registered what lies below ${verdict.fact}`;
  throw invalidArgument(`cutAt is ${from}, but ${problem} of node ${node}, epoch ${epoch}`);
}

/** What a cut takes away from each stream: everything from its registered end to the last offset that is known. */
function givenUpRanges(state: CatalogState, epoch: number, { segments }: WalCut): readonly GivenUpRange[] {
  const ends = new Map<StreamId, number>();
  for (const { parts } of segments)
    for (const { stream, endOffset } of parts) ends.set(stream, Math.max(endOffset, ends.get(stream) ?? 0));
  return [...ends].flatMap(([id, endOffset]) => {
    const stream = state.stream(id);
    if (stream?.ownerEpoch !== epoch) return []; // Deleted, or closed with all that it held.
    const startOffset = Math.max(stream.startOffset, stream.endOffset);
    return startOffset < endOffset ? [{ stream: id, startOffset, endOffset }] : [];
  });
}

/**
 * Proposes; a void that only a live node could answer ends the recovery. `decided` is called once it is known what
 * became of the change, also if the caller has given up waiting.
 */
async function propose(options: RecoverEpochOptions, change: Change, decided?: () => void): Promise<Verdict> {
  const { catalog, epoch, signal } = options;
  signal?.throwIfAborted();
  const proposal = catalog.propose(change);
  if (decided !== undefined)
    void proposal.then(decided, (cause: unknown) => {
      if (isQanatError(cause) && cause.outcome === 'none') decided();
    });
  const verdict = await untilAborted(proposal, signal);
  if (
    verdict.applied ||
    verdict.reason === 'position' ||
    verdict.reason === 'recovered' ||
    verdict.reason === 'not-found'
  )
    return verdict;
  if (verdict.reason === 'fenced') throw options.fenced(verdict.fact);
  assert(false, `${change.kind} of epoch ${epoch} is void: ${verdict.reason} (${verdict.fact})`);
}

function tell(
  { node, epoch, observer }: RecoverEpochOptions,
  sealed: SealedWal | undefined,
  alreadyDone: boolean,
): void {
  const segmentCount = sealed?.segments.length ?? 0;
  const sizeBytes = sealed?.segments.reduce((sum, segment) => sum + segment.sizeBytes, 0) ?? 0;
  emit(observer, 'recovered', { node, nodeEpoch: epoch, segmentCount, sizeBytes, alreadyDone });
}
