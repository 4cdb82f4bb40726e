// Everything that is served, but for the list of it.
import type { BrokerParts } from '../broker-parts.ts';
import type { Handler } from '../handler.ts';
import { alterConfigs, incrementalAlterConfigs } from './alter-configs.ts';
import { createPartitions } from './create-partitions.ts';
import { createTopics } from './create-topics.ts';
import { deleteGroups } from './delete-groups.ts';
import { deleteRecords } from './delete-records.ts';
import { deleteTopics } from './delete-topics.ts';
import { describeCluster } from './describe-cluster.ts';
import { describeConfigs } from './describe-configs.ts';
import { describeGroups } from './describe-groups.ts';
import { fetch } from './fetch.ts';
import { findCoordinator } from './find-coordinator.ts';
import { heartbeat } from './heartbeat.ts';
import { initProducerId } from './init-producer-id.ts';
import { joinGroup } from './join-group.ts';
import { leaveGroup } from './leave-group.ts';
import { listGroups } from './list-groups.ts';
import { listOffsets } from './list-offsets.ts';
import { metadata } from './metadata.ts';
import { offsetCommit } from './offset-commit.ts';
import { offsetDelete } from './offset-delete.ts';
import { offsetFetch } from './offset-fetch.ts';
import { offsetForLeaderEpoch } from './offset-for-leader-epoch.ts';
import { produce } from './produce.ts';
import { syncGroup } from './sync-group.ts';

export function handlersOf(parts: BrokerParts): readonly Handler<unknown, unknown>[] {
  const handlers = [
    produce(parts),
    fetch(parts),
    listOffsets(parts),
    metadata(parts),
    initProducerId(parts),
    describeCluster(parts),
    offsetForLeaderEpoch(parts),
    findCoordinator(parts),
    joinGroup(parts),
    syncGroup(parts),
    heartbeat(parts),
    leaveGroup(parts),
    offsetCommit(parts),
    offsetFetch(parts),
    describeGroups(parts),
    listGroups(parts),
    deleteGroups(parts),
    offsetDelete(parts),
    createTopics(parts),
    deleteTopics(parts),
    createPartitions(parts),
    describeConfigs(parts),
    alterConfigs(parts),
    incrementalAlterConfigs(parts),
    deleteRecords(parts),
  ];
  return handlers as readonly Handler<unknown, unknown>[];
}
