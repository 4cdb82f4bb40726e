// Requests that a broker can serve, of every API in every version: about one topic, one group, and what is in them.
import type { Api } from '../../../src/kafka/wire/api.ts';
import { writeRequestHeader } from '../../../src/kafka/wire/headers.ts';
import { zeroUuid } from '../../../src/kafka/wire/schema.ts';
import { WireWriter } from '../../../src/kafka/wire/wire-writer.ts';
import { fetchRequest } from '../talk.ts';
import { servedApis, versionsOf } from './served-apis.ts';

/** What the requests are about. */
export interface Subject {
  readonly topic: string;
  readonly topicId: string;
  readonly group: string;
  /** A batch that can be produced. */
  readonly records: Uint8Array;
}

/** One request: the length before the frame is not there yet. */
export interface RealRequest {
  readonly api: Api;
  readonly version: number;
  readonly frame: Uint8Array;
}

/** Values of requests by the name of their API, with the fields of all versions. */
function valuesOf({ topic, topicId, group, records }: Subject): Readonly<Record<string, object>> {
  const member = { groupId: group, generationId: 1, memberId: 'member-1', groupInstanceId: null };
  const metadata = Buffer.from([0, 1, 0, 0, 0, 1, 0, topic.length, ...Buffer.from(topic), 0xff, 0xff, 0xff, 0xff]);
  const creation = { numPartitions: 2, replicationFactor: 1, assignments: [], configs: [{ name: 'a', value: 'b' }] };
  const resource = { resourceType: 2, resourceName: topic };
  return {
    Produce: {
      ...{ transactionalId: null, acks: -1, timeoutMs: 1_000 },
      topicData: [{ name: topic, partitionData: [{ index: 0, records }] }],
    },
    Fetch: fetchRequest([{ topic, topicId }], { maxWaitMs: 20, minBytes: 1, maxBytes: 1_000_000 }),
    ListOffsets: {
      ...{ replicaId: -1, isolationLevel: 0 },
      topics: [{ name: topic, partitions: [{ partitionIndex: 0, currentLeaderEpoch: -1, timestamp: -1 }] }],
    },
    Metadata: {
      topics: [{ topicId: zeroUuid, name: topic }],
      ...{ allowAutoTopicCreation: false, includeClusterAuthorizedOperations: true },
      includeTopicAuthorizedOperations: true,
    },
    OffsetCommit: {
      ...{ groupId: group, generationIdOrMemberEpoch: -1, memberId: '', groupInstanceId: null, retentionTimeMs: -1 },
      topics: [
        {
          name: topic,
          partitions: [
            { partitionIndex: 0, committedOffset: 1, committedLeaderEpoch: -1, commitTimestamp: -1 },
            { partitionIndex: 1, committedOffset: 2, committedLeaderEpoch: 0, committedMetadata: 'm' },
          ],
        },
      ],
    },
    OffsetFetch: {
      groupId: group,
      topics: [{ name: topic, partitionIndexes: [0, 1] }],
      groups: [{ groupId: group, memberId: null, memberEpoch: -1, topics: null }],
      requireStable: false,
    },
    FindCoordinator: { key: group, keyType: 0, coordinatorKeys: [group, 'other'] },
    JoinGroup: {
      ...{ groupId: group, sessionTimeoutMs: 6_000, rebalanceTimeoutMs: 6_000, memberId: '', groupInstanceId: null },
      ...{ protocolType: 'consumer', protocols: [{ name: 'range', metadata }], reason: 'it begins' },
    },
    SyncGroup: {
      ...{ ...member, protocolType: 'consumer', protocolName: 'range' },
      assignments: [{ memberId: 'member-1', assignment: metadata }],
    },
    Heartbeat: member,
    LeaveGroup: { ...member, members: [{ memberId: 'member-1', groupInstanceId: null, reason: 'it ends' }] },
    DescribeGroups: { groups: [group, 'other'], includeAuthorizedOperations: true },
    ListGroups: { statesFilter: ['Stable'], typesFilter: ['classic'] },
    ApiVersions: { clientSoftwareName: 'a-client', clientSoftwareVersion: '1.0' },
    CreateTopics: { topics: [{ name: `${topic}-new`, ...creation }], timeoutMs: 1_000, validateOnly: true },
    DeleteTopics: { topics: [{ name: 'gone', topicId: zeroUuid }], topicNames: ['gone'], timeoutMs: 1_000 },
    DeleteRecords: { topics: [{ name: topic, partitions: [{ partitionIndex: 0, offset: 0 }] }], timeoutMs: 1_000 },
    InitProducerId: { transactionalId: null, transactionTimeoutMs: 60_000, producerId: -1, producerEpoch: -1 },
    OffsetForLeaderEpoch: {
      replicaId: -1,
      topics: [{ topic, partitions: [{ partition: 0, currentLeaderEpoch: -1, leaderEpoch: 1 }] }],
    },
    DescribeConfigs: {
      resources: [{ ...resource, configurationKeys: null }],
      ...{ includeSynonyms: true, includeDocumentation: true },
    },
    AlterConfigs: {
      resources: [{ ...resource, configs: [{ name: 'retention.ms', value: '-1' }] }],
      validateOnly: true,
    },
    IncrementalAlterConfigs: {
      resources: [{ ...resource, configs: [{ name: 'retention.ms', configOperation: 0, value: '-1' }] }],
      validateOnly: true,
    },
    CreatePartitions: {
      topics: [{ name: topic, count: 5, assignments: null }],
      ...{ timeoutMs: 1_000, validateOnly: true },
    },
    DeleteGroups: { groupsNames: ['gone', 'other'] },
    OffsetDelete: { groupId: 'gone', topics: [{ name: topic, partitions: [{ partitionIndex: 0 }] }] },
    DescribeCluster: { includeClusterAuthorizedOperations: true, endpointType: 1 },
  };
}

/** All of them. */
export function realRequests(subject: Subject): readonly RealRequest[] {
  const values = valuesOf(subject);
  return servedApis.flatMap((api) =>
    versionsOf(api).map((version) => {
      const writer = new WireWriter();
      writeRequestHeader(writer, api, { apiVersion: version, correlationId: 7, clientId: 'a-client' });
      api.writeRequest(writer, version, values[api.name]);
      return { api, version, frame: writer.toBytes() };
    }),
  );
}
