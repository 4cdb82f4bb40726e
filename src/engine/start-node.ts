// The start of a node: register, and recover the incarnation before if it did not close. Registering fences that one in
// the same change; until it is recovered, nothing is created, opened or committed under the new epoch (R2).
import { sharedAbortController } from '../base/abort.ts';
import { drawId } from '../base/runtime.ts';
import { assert } from '../base/assert.ts';
import { qanatError } from '../model/errors.ts';
import { emit } from '../model/events.ts';
import type { Attributes } from '../model/ids.ts';
import { ObjectWriter } from '../upload/object-writer.ts';
import { recoveredRuns } from '../upload/recovered-runs.ts';
import { recoverEpoch, walMissing, type RecoveredEpoch, type RecoverEpochOptions } from '../recovery/recover-epoch.ts';
import { rulesVersion, type NodeState } from '../catalog/state.ts';
import type { WalIdentity } from '../model/wal-identity.ts';
import type { WalFactory } from '../wal/wal.ts';
import type { Foundation } from './foundation.ts';
import { uploadRunSizeMaxBytes } from './memory-shares.ts';

/** A node that has started: its epoch, and the writer of the epoch's data objects. */
export interface StartedNode {
  readonly nodeEpoch: number;
  readonly writer: ObjectWriter;
}

/** What a start is given. */
export interface StartOptions {
  readonly foundation: Foundation;
  readonly node: string;
  readonly attributes: Attributes;
  readonly wal: WalFactory;
  /** Makers of WALs that a past epoch may have used. */
  readonly walFactories: readonly WalFactory[];
  /** What to do if the WAL of an epoch to be recovered is not where it is looked for. */
  readonly walMissing: 'refuse' | 'abandon';
  readonly signal?: AbortSignal | undefined;
  /** Told as soon as there is an epoch, so that it can be closed if the start is given up. */
  readonly onRegistered: (nodeEpoch: number) => void;
}

/** Registers a node and brings its new epoch to 'open'. */
export async function startNode(options: StartOptions): Promise<StartedNode> {
  const { foundation, node, wal, signal } = options;
  const { catalog, clusterId, runtime, observer, store } = foundation;
  const identity = await wal.identify({ store, clusterId, node, runtime, observer });
  if (options.walMissing === 'refuse') refuseMissingWal(catalog.state.node(node), identity);
  catalog.signAs(node, drawId(runtime.random));
  const verdict = await catalog.propose(
    { kind: 'register', node, wal: identity, attributes: options.attributes, rules: rulesVersion },
    { signal },
  );
  assert(verdict.applied, () => `a registration is void: ${JSON.stringify(verdict)}`);
  const nodeEpoch = verdict.value;
  options.onRegistered(nodeEpoch);
  catalog.signAs(node, nodeEpoch);
  const { storeDeadlineMs } = foundation.settings;
  const objectSizeMaxBytes = foundation.shares.uploadBuffer;
  const writer = new ObjectWriter({ store, clusterId, node, nodeEpoch, runtime, storeDeadlineMs, objectSizeMaxBytes });
  for (;;) {
    signal?.throwIfAborted();
    const state = catalog.state.node(node);
    if (state?.current?.epoch !== nodeEpoch) throw fenced(node, nodeEpoch, state?.lastEpoch);
    if (state.current.status === 'open') return { nodeEpoch, writer };
    const epoch = state.unrecovered?.epoch;
    assert(epoch !== undefined, 'an epoch that recovers has something to recover');
    const abandonMissing = options.walMissing === 'abandon';
    const isFenced = (byEpoch: number): Error => fenced(node, nodeEpoch, byEpoch);
    const ways = { walFactories: options.walFactories, abandonMissing, whenMissing, fenced: isFenced };
    await recoverHere(foundation, writer, { node, epoch, ...ways, signal });
  }
}

/** Looks before it registers: a start that cannot recover what is there must not fence it either (R3). */
function refuseMissingWal(node: NodeState | undefined, identity: WalIdentity): void {
  const owed = node?.unrecovered ?? (node?.current?.status === 'open' ? node.current : undefined);
  if (node === undefined || owed?.wal.kind !== 'file') return;
  if (identity.kind !== 'file' || identity.id !== owed.wal.id)
    throw walMissing(node.name, owed.epoch, owed.wal, whenMissing);
}

/** What a start can do about a WAL that is not there. */
const whenMissing = "open the node where its WAL is, or give up what is only in it with { walMissing: 'abandon' }";

/** What is recovered, and how. */
export type RecoveryWays = Omit<
  RecoverEpochOptions,
  'catalog' | 'store' | 'clusterId' | 'runtime' | 'observer' | 'runsOf' | 'settledBelow' | 'decide'
>;

/** Recovers an epoch with what a set has at hand, and its writer for what must be rewritten. */
export async function recoverHere(
  foundation: Foundation,
  writer: ObjectWriter,
  ways: RecoveryWays,
): Promise<RecoveredEpoch> {
  const { catalog, store, clusterId, runtime, observer } = foundation;
  const runSizeMaxBytes = uploadRunSizeMaxBytes(foundation.shares);
  const { signal } = ways;
  signal?.throwIfAborted();
  // Dozens of requests listen to it at once, which on a signal of the caller's would be taken for a leak.
  const giveUp = sharedAbortController();
  const onAbort = (): void => giveUp.abort(signal?.reason);
  signal?.addEventListener('abort', onAbort, { once: true });
  const work = recoverEpoch({
    ...{ catalog, store, clusterId, runtime, observer, ...ways, signal: giveUp.signal },
    runsOf: (from, sealed) => recoveredRuns(from, sealed, { writer, runtime, runSizeMaxBytes }),
    settledBelow: (objects) => writer.settledBelow(objects),
    decide: (objects) => writer.decide(objects),
  });
  return work.finally(() => signal?.removeEventListener('abort', onAbort));
}

function fenced(node: string, nodeEpoch: number, lastEpoch: number | undefined): Error {
  const byEpoch = lastEpoch !== undefined && lastEpoch > nodeEpoch ? lastEpoch : undefined;
  const message = `node ${node} was started elsewhere while it started here`;
  return qanatError('NODE_FENCED', message, { node, nodeEpoch, byEpoch });
}

/**
 * A start that failed, or was given up. Resolves when the WAL's directory is free for another attempt; an epoch that
 * went through is closed again in the background, if that is possible.
 */
export async function abandonStart(
  foundation: Foundation,
  wal: WalFactory,
  nodeEpoch: number | undefined,
): Promise<void> {
  await wal.letGo?.().catch(() => {});
  void giveUpEpoch(foundation, nodeEpoch);
}

async function giveUpEpoch(foundation: Foundation, nodeEpoch: number | undefined): Promise<void> {
  const { catalog } = foundation;
  try {
    const epoch = nodeEpoch === undefined ? undefined : catalog.state.epoch(nodeEpoch);
    if (epoch?.status === 'open' && catalog.state.isCurrent(epoch.epoch))
      await catalog.propose({
        kind: 'commit',
        epoch: epoch.epoch,
        from: 0,
        to: 0,
        objects: [],
        settledBelow: 0,
        closeEpoch: true,
      });
  } catch {
    // The next start of the node recovers it.
  } finally {
    await foundation.close().catch(() => {});
  }
}

/** Removes what past incarnations have left in the WAL's directory, now that they are over. */
export async function discardPast({ catalog, observer, runtime }: Foundation, wal: WalFactory): Promise<void> {
  try {
    await wal.discard?.((epoch) => catalog.state.isOver(epoch), { runtime });
  } catch (cause) {
    emit(observer, 'backgroundFailed', { work: 'wal cleanup', cause });
  }
}
