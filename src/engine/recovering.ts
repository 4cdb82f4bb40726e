// Taking over from other nodes: `StreamSet.recover`, and the recovery that an open of an orphaned stream finishes first
// (R7). What a recovery does is in recovery/; here is which epoch it concerns, and what is said about it.
//
// - W1: the fence is proposed first, and everything else is read from the state that answered it, or a later one.
// - Only one epoch is ever fenced by a call: the one that it was given, or the one that was current when it looked. An
//   incarnation that registers meanwhile is left alone.
// - Calls of one set that recover the same epoch in the same way at the same time share one recovery.
import { sharedAbortController, untilAborted } from '../base/abort.ts';
import { checkCallOptions } from '../model/check-options.ts';
import { checkNodeName } from '../model/check-names.ts';
import { invalidArgument, qanatError } from '../model/errors.ts';
import type { CatalogState, EpochState, StreamState } from '../catalog/state.ts';
import type { GivenUpRange, RecoveredEpoch } from '../recovery/recover-epoch.ts';
import type { CallOptions } from '../stream/stream.ts';
import type { ObjectWriter } from '../upload/object-writer.ts';
import { fileWal } from '../wal/file-wal.ts';
import type { WalFactory } from '../wal/wal.ts';
import type { Foundation } from './foundation.ts';
import type { Propose } from './key-value.ts';
import { recoverHere, type RecoveryWays } from './start-node.ts';
import { nodeNotFound } from './void-change.ts';

/** Options of `StreamSet.recover`. */
export interface RecoverOptions extends CallOptions {
  /**
   * The incarnation to recover. If it is the node's current one it is fenced; if a newer one has started, that one is
   * left alone. Whoever suspects a node names the epoch that seemed dead. Without it, the node's current epoch is
   * fenced, whatever it is, and whatever is unrecovered of the node is recovered.
   */
  readonly epoch?: number | undefined;
  /** Where the node's file WAL is, if it has one and its directory can be reached from here. */
  readonly walDirectory?: string | undefined;
  /** If the WAL cannot be reached: give up for ever what is only in it, instead of refusing with WAL_MISSING. */
  readonly abandon?: boolean | undefined;
  /**
   * Where a segment of an object WAL is damaged or lost, the recovery stops with OBJECT_CORRUPT. This gives up for ever
   * that segment, by its sequence, and all after it; what lies below is registered. The sequence must lie between the
   * first segment that is not registered and the end of the WAL. Of a file WAL nothing can be cut off: give it up whole
   * with `abandon`, its directory put aside.
   */
  readonly cutAt?: number | undefined;
}

/** What a recovery came to. */
export interface RecoveryReport {
  readonly node: string;
  /** The epoch that is recovered now; without anything to recover, the one asked for or the node's newest. */
  readonly nodeEpoch: number;
  /** Streams that were open under that epoch, and are free now. */
  readonly streamCount: number;
  /** Segments of the WAL that this call registered or rewrote; another recoverer may have done a part. */
  readonly segmentCount: number;
  /** Bytes of segments that became data objects as they are: nothing of them was read but their directories. */
  readonly bytesRegistered: number;
  /** Bytes of objects that had to be written, because the segments of this WAL are no objects. */
  readonly bytesCopied: number;
  /**
   * Requests that this set made of its store while the recovery ran: all of them, also those of its journal in the same
   * store, and of whatever else the set was doing. Requests that were tried again count again.
   */
  readonly requests: number;
  /** The epoch was over already, or somebody else has finished its recovery meanwhile. */
  readonly alreadyDone: boolean;
  /** The WAL could not be reached and was given up: what was only in it is lost, and nobody knows what that was. */
  readonly abandoned: boolean;
  /**
   * What `cutAt` has given up, per stream: offsets that were acknowledged, or may have been, and that the next owner
   * gives again, under a higher stream epoch. As far as the directories of the segments given up could be read.
   */
  readonly givenUp: readonly GivenUpRange[];
  /** How many of the segments given up could not be read: what only they held is not in `givenUp`. */
  readonly unreadCount: number;
}

/** What taking over needs of its set. */
export interface RecoveriesOptions {
  readonly foundation: Foundation;
  readonly writer: ObjectWriter;
  /** Makers of the WALs that this set can reach. */
  readonly walFactories: readonly WalFactory[];
  readonly propose: Propose;
  /** The error for a set that was itself fenced meanwhile; the set ends with it. */
  readonly onFenced: (byEpoch: number) => Error;
  /** The set's own node. */
  readonly node: string;
}

/** A recovery under way, and how many calls wait for it. */
interface Flight {
  readonly result: Promise<RecoveredEpoch>;
  readonly giveUp: AbortController;
  waiting: number;
}

export class Recoveries {
  readonly #options: RecoveriesOptions;
  readonly #flights = new Map<string, Flight>();
  /** Why nothing is started any more. */
  #ended: Error | undefined;

  constructor(options: RecoveriesOptions) {
    this.#options = options;
  }

  /** Fences an epoch of a node if it is current, and recovers it. See StreamSet.recover. */
  async recover(node: string, options: RecoverOptions): Promise<RecoveryReport> {
    checkRecoverOptions(node, options, this.#options.node);
    const { foundation } = this.#options;
    const { signal } = options;
    signal?.throwIfAborted();
    const requestsBefore = requestCount(foundation);
    await foundation.catalog.sync({ signal });
    const { nodeEpoch, owed, fenced } = await this.#fence(node, options);
    const { state } = foundation.catalog;
    const isOwed = owed && state.node(node)?.unrecovered?.epoch === nodeEpoch;
    const streamCount = isOwed || fenced ? countStreams(state, nodeEpoch) : 0;
    const done = isOwed ? await this.#run(node, nodeEpoch, options) : nothingToDo;
    return {
      node,
      nodeEpoch,
      streamCount,
      ...done,
      alreadyDone: isOwed ? done.alreadyDone : !fenced,
      requests: requestCount(foundation) - requestsBefore,
    };
  }

  /** R7: a stream whose owner is to be recovered becomes free when that recovery is finished. */
  async recoverOwner(stream: StreamState): Promise<void> {
    const { state } = this.#options.foundation.catalog;
    const current = state.stream(stream.id);
    const owner = current === undefined ? undefined : state.ownerOf(current);
    if (owner === undefined || state.node(owner.node)?.unrecovered?.epoch !== owner.epoch) return;
    await this.#run(owner.node, owner.epoch, {});
  }

  /** Gives up what is under way. Resolves when nothing of it asks the store any more. */
  async close(reason: Error): Promise<void> {
    this.#ended = reason;
    const flights = [...this.#flights.values()];
    for (const { giveUp } of flights) giveUp.abort(reason);
    await Promise.allSettled(flights.map(({ result }) => result));
  }

  /**
   * Fences what is to be fenced. The epoch that is to be recovered, whether it may owe something, and whether it was
   * this call that ended it.
   */
  async #fence(
    node: string,
    { epoch, cutAt, abandon, signal }: RecoverOptions,
  ): Promise<{ readonly nodeEpoch: number; readonly owed: boolean; readonly fenced: boolean }> {
    const { state } = this.#options.foundation.catalog;
    const known = state.node(node);
    if (known === undefined) throw nodeNotFound(node, state);
    if (epoch !== undefined && state.nodeOfEpoch(epoch) !== node) throw epochNotFound(state, node, epoch);
    const { current, unrecovered, lastEpoch } = known;
    if (current === undefined || (epoch !== undefined && epoch !== current.epoch)) {
      const nodeEpoch = epoch ?? unrecovered?.epoch ?? lastEpoch;
      const owed = unrecovered?.epoch === nodeEpoch;
      if (owed) checkCut(cutAt, unrecovered);
      return { nodeEpoch, owed, fenced: false };
    }
    // An incarnation that recovers has no streams yet: those it was to free are its predecessor's.
    const target = current.status === 'recovering' ? (unrecovered ?? current) : current;
    checkCut(cutAt, target);
    const nodeEpoch = target.epoch;
    const verdict = await this.#options.propose({ kind: 'fence', node, epoch: current.epoch }, signal);
    const fenced = verdict.applied;
    const after = this.#options.foundation.catalog.state.node(node)?.unrecovered;
    if (target === current || after?.epoch !== current.epoch) return { nodeEpoch, owed: true, fenced };
    // It has opened since it was looked at: its predecessor owes nothing any more, and it is what is to be recovered,
    // whoever has fenced it. But what was to be given up by hand was the predecessor's.
    if (cutAt !== undefined || abandon === true) throw openedMeanwhile(node, current.epoch);
    return { nodeEpoch: current.epoch, owed: true, fenced };
  }

  #ways({ walDirectory, abandon, cutAt }: RecoverOptions): Omit<RecoveryWays, 'node' | 'epoch'> {
    const { walFactories, onFenced } = this.#options;
    return {
      cutAt,
      walFactories: walDirectory === undefined ? walFactories : [fileWal({ directory: walDirectory }), ...walFactories],
      abandonMissing: abandon,
      whenMissing:
        'recover it with { walDirectory } where that directory can be reached, open the node where it is, ' +
        'or give up what is only in it with { abandon: true }',
      fenced: onFenced,
    };
  }

  /** Joins the recovery that does the same, or starts it. It is given up when all who wait for it have. */
  async #run(node: string, epoch: number, options: RecoverOptions): Promise<RecoveredEpoch> {
    if (this.#ended !== undefined) throw this.#ended;
    const { foundation, writer } = this.#options;
    const { walDirectory = '', abandon = false, cutAt = -1, signal } = options;
    const key = JSON.stringify([epoch, walDirectory, abandon, cutAt]);
    let flight = this.#flights.get(key);
    if (flight === undefined || flight.giveUp.signal.aborted) {
      const giveUp = sharedAbortController();
      const result = recoverHere(foundation, writer, { node, epoch, ...this.#ways(options), signal: giveUp.signal });
      const started: Flight = { result, giveUp, waiting: 0 };
      const land = (): void => void (this.#flights.get(key) === started && this.#flights.delete(key));
      result.then(land, land);
      this.#flights.set(key, started);
      flight = started;
    }
    flight.waiting += 1;
    try {
      return await untilAborted(flight.result, signal);
    } finally {
      flight.waiting -= 1;
      if (flight.waiting === 0) flight.giveUp.abort(signal?.reason);
    }
  }
}

const nothingToDo: RecoveredEpoch = {
  segmentCount: 0,
  bytesRegistered: 0,
  bytesCopied: 0,
  abandoned: false,
  givenUp: [],
  unreadCount: 0,
  alreadyDone: true,
};

function checkRecoverOptions(node: unknown, options: RecoverOptions, self: string): void {
  checkCallOptions(options);
  const { epoch, walDirectory, abandon, cutAt } = options;
  if (checkNodeName(node) === self)
    throw invalidArgument(`a set recovers other nodes, and is itself ${self}; opening ${self} anew recovers it`);
  if (epoch !== undefined && (!Number.isSafeInteger(epoch) || epoch < 1))
    throw invalidArgument(`epoch is an integer of at least 1; got ${String(epoch)}`);
  if (walDirectory !== undefined && (typeof walDirectory !== 'string' || walDirectory === ''))
    throw invalidArgument('walDirectory is the path of a directory', TypeError);
  if (abandon !== undefined && typeof abandon !== 'boolean')
    throw invalidArgument(`abandon is true or false; got ${typeof abandon}`, TypeError);
  if (cutAt !== undefined && (!Number.isSafeInteger(cutAt) || cutAt < 0))
    throw invalidArgument(`cutAt is the sequence of a WAL segment, an integer of at least 0; got ${String(cutAt)}`);
}

/** Only of an object WAL something can be cut off: of others it is not known what a segment held. */
function checkCut(cutAt: number | undefined, { node, epoch, wal }: EpochState): void {
  if (cutAt === undefined || wal.kind === 'object') return;
  const instead =
    wal.kind === 'file' ? '; it can be given up whole, with { abandon: true }, its directory put aside' : '';
  throw invalidArgument(`cutAt is for object WALs, and node ${node}, epoch ${epoch}, has a ${wal.kind} WAL${instead}`);
}

function epochNotFound(state: CatalogState, node: string, nodeEpoch: number): Error {
  const newest = state.node(node)?.lastEpoch;
  const whose = state.nodeOfEpoch(nodeEpoch);
  const that = whose === undefined ? `no epoch ${nodeEpoch}` : `no epoch ${nodeEpoch}, which is one of ${whose}`;
  return qanatError('NODE_NOT_FOUND', `node ${node} has had ${that}; its newest is ${newest}`, { node, nodeEpoch });
}

function openedMeanwhile(node: string, currentEpoch: number): Error {
  const message =
    `node ${node} has opened in epoch ${currentEpoch} and was fenced; of its WAL nothing was given up. ` +
    'Look at it again, and decide whether that is to be given up, too';
  return qanatError('CONFLICT', message, { what: `node ${node}`, currentEpoch });
}

function countStreams(state: CatalogState, epoch: number): number {
  let count = 0;
  for (const { ownerEpoch } of state.streams()) if (ownerEpoch === epoch) count += 1;
  return count;
}

function requestCount({ metered }: Foundation): number {
  return metered.counts().reduce((sum, { requests }) => sum + requests, 0);
}
