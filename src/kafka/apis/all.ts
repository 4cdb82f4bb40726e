// Everything that is served, but for the list of it.
import type { BrokerParts } from '../broker-parts.ts';
import type { Handler } from '../handler.ts';
import { describeCluster } from './describe-cluster.ts';
import { fetch } from './fetch.ts';
import { initProducerId } from './init-producer-id.ts';
import { listOffsets } from './list-offsets.ts';
import { metadata } from './metadata.ts';
import { offsetForLeaderEpoch } from './offset-for-leader-epoch.ts';
import { produce } from './produce.ts';

export function handlersOf(parts: BrokerParts): readonly Handler<unknown, unknown>[] {
  const handlers = [
    produce(parts),
    fetch(parts),
    listOffsets(parts),
    metadata(parts),
    initProducerId(parts),
    describeCluster(parts),
    offsetForLeaderEpoch(parts),
  ];
  return handlers as readonly Handler<unknown, unknown>[];
}
