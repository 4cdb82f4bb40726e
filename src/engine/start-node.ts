// The start of a node: register, and recover the incarnation before if it did not close. Registering fences that one in
// the same change; until it is recovered, nothing is created, opened or committed under the new epoch (R2).
import { drawId } from '../base/runtime.ts';
import { assert } from '../base/assert.ts';
import { qanatError } from '../model/errors.ts';
import type { Attributes } from '../model/ids.ts';
import { ObjectWriter } from '../upload/object-writer.ts';
import { recoveredRuns } from '../upload/recovered-runs.ts';
import { recoverEpoch } from '../recovery/recover-epoch.ts';
import { rulesVersion } from '../catalog/state.ts';
import type { WalFactory } from '../wal/wal.ts';
import type { Foundation } from './foundation.ts';

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
  readonly signal?: AbortSignal | undefined;
  /** Told as soon as there is an epoch, so that it can be closed if the start is given up. */
  readonly onRegistered: (nodeEpoch: number) => void;
}

/** Registers a node and brings its new epoch to 'open'. */
export async function startNode(options: StartOptions): Promise<StartedNode> {
  const { foundation, node, wal, signal } = options;
  const { catalog, clusterId, runtime, observer, store } = foundation;
  const identity = await wal.identify({ store, clusterId, node, runtime, observer });
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
  const writer = new ObjectWriter({ store, clusterId, node, nodeEpoch, runtime, storeDeadlineMs });
  for (;;) {
    signal?.throwIfAborted();
    const state = catalog.state.node(node);
    if (state?.current?.epoch !== nodeEpoch) throw fenced(node, nodeEpoch, state?.lastEpoch);
    if (state.current.status === 'open') return { nodeEpoch, writer };
    const epoch = state.unrecovered?.epoch;
    assert(epoch !== undefined, 'an epoch that recovers has something to recover');
    await recoverHere(foundation, writer, options.walFactories, node, epoch, signal);
  }
}

/** Recovers an epoch with what a set has at hand: its WAL factories, and its writer for what must be rewritten. */
export async function recoverHere(
  foundation: Foundation,
  writer: ObjectWriter,
  walFactories: readonly WalFactory[],
  node: string,
  epoch: number,
  signal?: AbortSignal,
): Promise<void> {
  const { catalog, store, clusterId, runtime, observer } = foundation;
  await recoverEpoch({
    ...{ catalog, node, epoch, walFactories, store, clusterId, runtime, observer, signal },
    runsOf: (from, sealed) => recoveredRuns(from, sealed, writer, foundation.shares.uploadBuffer),
    settledBelow: (objects) => writer.settledBelow(objects),
    decide: (objects) => writer.decide(objects),
  });
}

function fenced(node: string, nodeEpoch: number, lastEpoch: number | undefined): Error {
  const byEpoch = lastEpoch !== undefined && lastEpoch > nodeEpoch ? lastEpoch : undefined;
  const message = `node ${node} was started elsewhere while it started here`;
  return qanatError('NODE_FENCED', message, { node, nodeEpoch, byEpoch });
}

/** A start that failed, or was given up: an epoch that went through is closed again, if that is possible. */
export async function abandonStart(foundation: Foundation, nodeEpoch: number | undefined): Promise<void> {
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
