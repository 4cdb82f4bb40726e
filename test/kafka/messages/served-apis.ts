// All APIs of the protocol that have tables, for tests that go through every one.
import type { Api } from '../../../src/kafka/wire/api.ts';
import { alterConfigsApi } from '../../../src/kafka/messages/alter-configs.ts';
import { apiVersionsApi } from '../../../src/kafka/messages/api-versions.ts';
import { createPartitionsApi } from '../../../src/kafka/messages/create-partitions.ts';
import { createTopicsApi } from '../../../src/kafka/messages/create-topics.ts';
import { deleteGroupsApi } from '../../../src/kafka/messages/delete-groups.ts';
import { deleteRecordsApi } from '../../../src/kafka/messages/delete-records.ts';
import { deleteTopicsApi } from '../../../src/kafka/messages/delete-topics.ts';
import { describeClusterApi } from '../../../src/kafka/messages/describe-cluster.ts';
import { describeConfigsApi } from '../../../src/kafka/messages/describe-configs.ts';
import { describeGroupsApi } from '../../../src/kafka/messages/describe-groups.ts';
import { fetchApi } from '../../../src/kafka/messages/fetch.ts';
import { findCoordinatorApi } from '../../../src/kafka/messages/find-coordinator.ts';
import { heartbeatApi } from '../../../src/kafka/messages/heartbeat.ts';
import { incrementalAlterConfigsApi } from '../../../src/kafka/messages/incremental-alter-configs.ts';
import { initProducerIdApi } from '../../../src/kafka/messages/init-producer-id.ts';
import { joinGroupApi } from '../../../src/kafka/messages/join-group.ts';
import { leaveGroupApi } from '../../../src/kafka/messages/leave-group.ts';
import { listGroupsApi } from '../../../src/kafka/messages/list-groups.ts';
import { listOffsetsApi } from '../../../src/kafka/messages/list-offsets.ts';
import { metadataApi } from '../../../src/kafka/messages/metadata.ts';
import { offsetCommitApi } from '../../../src/kafka/messages/offset-commit.ts';
import { offsetDeleteApi } from '../../../src/kafka/messages/offset-delete.ts';
import { offsetFetchApi } from '../../../src/kafka/messages/offset-fetch.ts';
import { offsetForLeaderEpochApi } from '../../../src/kafka/messages/offset-for-leader-epoch.ts';
import { produceApi } from '../../../src/kafka/messages/produce.ts';
import { syncGroupApi } from '../../../src/kafka/messages/sync-group.ts';

export const servedApis: readonly Api[] = [
  produceApi,
  fetchApi,
  listOffsetsApi,
  metadataApi,
  offsetCommitApi,
  offsetFetchApi,
  findCoordinatorApi,
  joinGroupApi,
  heartbeatApi,
  leaveGroupApi,
  syncGroupApi,
  describeGroupsApi,
  listGroupsApi,
  apiVersionsApi,
  createTopicsApi,
  deleteTopicsApi,
  deleteRecordsApi,
  initProducerIdApi,
  offsetForLeaderEpochApi,
  describeConfigsApi,
  alterConfigsApi,
  createPartitionsApi,
  deleteGroupsApi,
  incrementalAlterConfigsApi,
  offsetDeleteApi,
  describeClusterApi,
];

/** The versions of an API that are served. */
export function versionsOf(api: Api): readonly number[] {
  return Array.from({ length: api.maxVersion - api.minVersion + 1 }, (_, i) => api.minVersion + i);
}
