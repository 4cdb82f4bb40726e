// What a stream set is put together from, once its node has started: the open WAL, and the append path between it and
// the streams. The two know each other before the set exists, so what they tell the set goes through hooks.
import { TailPool } from '../cache/tail-pool.ts';
import { AppendPath } from '../stream/append-path.ts';
import type { ObjectWriter } from '../upload/object-writer.ts';
import type { Wal, WalEnd, WalFactory } from '../wal/wal.ts';
import type { Foundation } from './foundation.ts';
import type { SetStatus } from './set-status.ts';
import type { StartedNode } from './start-node.ts';
import { fencedError } from './void-change.ts';

export interface SetParts {
  readonly node: string;
  readonly nodeEpoch: number;
  readonly wal: Wal;
  readonly writer: ObjectWriter;
  readonly appendPath: AppendPath;
  readonly tails: TailPool;
  readonly walFactories: readonly WalFactory[];
}

/** What the parts tell the set. */
export interface SetHooks {
  readonly onDurable: () => void;
  readonly onWalEnded: (end: WalEnd) => void;
}

/** Opens the WAL of a node that has started, and the append path on it. */
export async function openParts(
  foundation: Foundation,
  life: SetStatus,
  node: string,
  { nodeEpoch, writer }: StartedNode,
  walFactories: readonly [WalFactory, ...WalFactory[]],
  hooks: SetHooks,
): Promise<SetParts> {
  const { catalog, store, clusterId, runtime, observer, settings, shares } = foundation;
  foundation.live.leaveOut(nodeEpoch);
  const tails = new TailPool(shares.unuploadedMax + shares.tail);
  const appendPath = new AppendPath({
    clock: runtime.clock,
    timers: runtime.timers,
    tails,
    refusal: () => life.ending,
    onDurable: hooks.onDurable,
    onEnded: hooks.onWalEnded,
    fencedError: (outcome) => fencedError(catalog.state, node, nodeEpoch, outcome),
    unuploadedBytes: shares.unuploaded,
    unuploadedMaxBytes: shares.unuploadedMax,
  });
  const wal = await walFactories[0].open({
    ...{ store, clusterId, node, nodeEpoch, runtime, observer },
    settings: { ...settings, inFlightSizeMaxBytes: shares.walBuffers },
    sink: appendPath,
    sealedAt: async () => {
      await catalog.sync();
      return catalog.state.appliedBelow(nodeEpoch);
    },
  });
  appendPath.attach(wal);
  return { node, nodeEpoch, wal, writer, appendPath, tails, walFactories };
}
