// The start of a node: register, and recover the incarnation before if it did not close. Registering fences that one in
// the same change; until it is recovered, nothing is created, opened or committed under the new epoch (R2).
import { drawId } from '../base/runtime.ts';
import { assert } from '../base/assert.ts';
import { qanatError } from '../model/errors.ts';
import type { Attributes } from '../model/ids.ts';
import { recoverEpoch } from '../recovery/recover-epoch.ts';
import { rulesVersion } from '../catalog/state.ts';
import type { WalFactory } from '../wal/wal.ts';
import type { Foundation } from './foundation.ts';

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

/** Registers a node and brings its new epoch to 'open'. The epoch. */
export async function startNode(options: StartOptions): Promise<number> {
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
  for (;;) {
    signal?.throwIfAborted();
    const state = catalog.state.node(node);
    if (state?.current?.epoch !== nodeEpoch) throw fenced(node, nodeEpoch, state?.lastEpoch);
    if (state.current.status === 'open') return nodeEpoch;
    const epoch = state.unrecovered?.epoch;
    assert(epoch !== undefined, 'an epoch that recovers has something to recover');
    const { walFactories } = options;
    await recoverEpoch({ catalog, node, epoch, walFactories, store, clusterId, runtime, observer, signal });
  }
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
