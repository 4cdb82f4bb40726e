// What two clients are asked to send: for kafkajs by name, for @platformatic/kafka in order, which depends on the
// version for some.
const topicId = '01234567-89ab-cdef-0123-456789abcdef';

export const kafkajsArguments: Readonly<Record<string, object | undefined>> = {
  Produce: {
    ...{ acks: -1, timeout: 1_001, transactionalId: null, producerId: -1, producerEpoch: 0, compression: 0 },
    topicData: [{ topic: 'a', partitions: [{ partition: 2, messages: [{ key: 'k', value: 'v', timestamp: '5' }] }] }],
  },
  Fetch: {
    ...{ replicaId: -1, maxWaitTime: 1_001, minBytes: 1_002, maxBytes: 1_003, isolationLevel: 1, rackId: 'rack' },
    topics: [
      {
        topic: 'a',
        partitions: [{ partition: 2, currentLeaderEpoch: 3, fetchOffset: '4294967299', maxBytes: 1_004 }],
      },
    ],
  },
  ListOffsets: {
    ...{ replicaId: -1, isolationLevel: 1 },
    topics: [{ topic: 'a', partitions: [{ partition: 2, timestamp: '1700000000000' }] }],
  },
  Metadata: { topics: ['a', 'b'], allowAutoTopicCreation: true },
  OffsetCommit: {
    ...{ groupId: 'g', groupGenerationId: 5, memberId: 'm' },
    topics: [{ topic: 'a', partitions: [{ partition: 2, offset: '4294967299', metadata: 'x' }] }],
  },
  OffsetFetch: { groupId: 'g', topics: [{ topic: 'a', partitions: [{ partition: 2 }, { partition: 3 }] }] },
  FindCoordinator: { groupId: 'g', coordinatorType: 1 },
  JoinGroup: {
    ...{ groupId: 'g', sessionTimeout: 1_001, rebalanceTimeout: 1_002, memberId: 'm', groupInstanceId: 'i' },
    ...{ protocolType: 'consumer', groupProtocols: [{ name: 'p', metadata: Buffer.from('meta') }] },
  },
  Heartbeat: { groupId: 'g', groupGenerationId: 5, memberId: 'm', groupInstanceId: 'i' },
  LeaveGroup: { groupId: 'g', memberId: 'm', members: [{ memberId: 'm' }] },
  SyncGroup: {
    ...{ groupId: 'g', generationId: 5, memberId: 'm', groupInstanceId: 'i' },
    groupAssignment: [{ memberId: 'm', memberAssignment: Buffer.from('assigned') }],
  },
  DescribeGroups: { groupIds: ['g', 'h'] },
  ListGroups: {},
  ApiVersions: {},
  CreateTopics: {
    topics: [
      {
        ...{ topic: 'a', numPartitions: 3, replicationFactor: 4 },
        replicaAssignment: [{ partition: 5, replicas: [6, 7] }],
        configEntries: [{ name: 'n', value: 'v' }],
      },
    ],
    ...{ timeout: 1_001, validateOnly: true },
  },
  DeleteTopics: { topics: ['a', 'b'], timeout: 1_001 },
  DeleteRecords: { topics: [{ topic: 'a', partitions: [{ partition: 2, offset: '4294967299' }] }], timeout: 1_001 },
  InitProducerId: { transactionalId: 't', transactionTimeout: 1_001 },
  DescribeConfigs: { resources: [{ type: 2, name: 'a', configNames: ['n'] }], includeSynonyms: true },
  AlterConfigs: {
    resources: [{ type: 2, name: 'a', configEntries: [{ name: 'n', value: 'v' }] }],
    validateOnly: true,
  },
  CreatePartitions: {
    topicPartitions: [{ topic: 'a', count: 5, assignments: [[6], [7]] }],
    ...{ timeout: 1_001, validateOnly: true },
  },
  DeleteGroups: ['g', 'h'],
};

const fetchPartition = {
  ...{ partition: 2, currentLeaderEpoch: 3, fetchOffset: 4_294_967_299n, lastFetchedEpoch: 5 },
  partitionMaxBytes: 1_004,
};
const times = { partitionIndex: 2, currentLeaderEpoch: 3, timestamp: 1_700_000_000_000n };

/** What a version of an API is called with, behind the connection. */
export function platformaticArguments(name: string, version: number): readonly unknown[] {
  switch (name) {
    case 'Produce':
      return [1, 1_001, [{ topic: 'a', partition: 2, key: Buffer.from('k'), value: Buffer.from('v') }], {}];
    case 'Fetch': {
      const topic = { topicId: version === 12 ? 'a' : topicId, partitions: [fetchPartition] };
      return [1_001, 1_002, 1_003, 1, 1_005, 1_006, [topic], [], 'rack'];
    }
    case 'ListOffsets':
      return [-1, 1, [{ name: 'a', partitions: [times] }]];
    case 'Metadata':
      return [['a', 'b'], true, true];
    case 'OffsetCommit': {
      const partition = { partitionIndex: 2, committedOffset: 4_294_967_299n, committedLeaderEpoch: 3 };
      return ['g', 5, 'm', 'i', [{ name: 'a', partitions: [{ ...partition, committedMetadata: 'x' }] }]];
    }
    case 'OffsetFetch': {
      const member = version >= 9 ? { memberId: 'm', memberEpoch: 5 } : {};
      return [[{ groupId: 'g', ...member, topics: [{ name: 'a', partitionIndexes: [2, 3] }] }], true];
    }
    case 'FindCoordinator':
      return [1, ['g', 'h']];
    case 'JoinGroup': {
      const protocols = [{ name: 'p', metadata: Buffer.from('meta') }];
      return ['g', 1_001, 1_002, 'm', 'i', 'consumer', protocols, ...(version >= 8 ? ['reason'] : [])];
    }
    case 'Heartbeat':
      return ['g', 5, 'm', 'i'];
    case 'LeaveGroup':
      return ['g', [{ memberId: 'm', groupInstanceId: 'i', reason: 'reason' }]];
    case 'SyncGroup':
      return ['g', 5, 'm', 'i', 'consumer', 'p', [{ memberId: 'n', assignment: Buffer.from('assigned') }]];
    case 'DescribeGroups':
      return [['g', 'h'], true];
    case 'ListGroups':
      return version >= 5 ? [['Stable'], ['classic']] : [['Stable']];
    case 'ApiVersions':
      return ['client', '2.0'];
    case 'CreateTopics': {
      const topic = { name: 'a', numPartitions: 3, replicationFactor: 4, configs: [{ name: 'n', value: 'v' }] };
      return [[{ ...topic, assignments: [{ partitionIndex: 5, brokerIds: [6, 7] }] }], 1_001, true];
    }
    case 'DeleteTopics':
      return [[{ name: 'a' }, { name: 'b' }], 1_001];
    case 'DeleteRecords':
      return [[{ name: 'a', partitions: [{ partitionIndex: 2, offset: 4_294_967_299n }] }], 1_001];
    case 'InitProducerId':
      return ['t', 1_001, 4_294_967_299n, 5];
    case 'OffsetForLeaderEpoch':
      return [-1, [{ name: 'a', partitions: [{ partitionIndex: 2, currentLeaderEpoch: 3, leaderEpoch: 4 }] }]];
    case 'DescribeConfigs':
      return [[{ resourceType: 2, resourceName: 'a', configurationKeys: ['n'] }], true, true];
    case 'AlterConfigs':
      return [[{ resourceType: 2, resourceName: 'a', configs: [{ name: 'n', value: 'v' }] }], true];
    case 'IncrementalAlterConfigs':
      return [[{ resourceType: 2, resourceName: 'a', configs: [{ name: 'n', configOperation: 3, value: 'v' }] }], true];
    case 'CreatePartitions':
      return [[{ name: 'a', count: 5, assignments: [{ brokerIds: [6] }] }], 1_001, true];
    case 'DeleteGroups':
      return [['g', 'h']];
    case 'OffsetDelete':
      return ['g', [{ name: 'a', partitions: [{ partitionIndex: 2 }] }]];
    case 'DescribeCluster':
      return version >= 1 ? [true, 2] : [true];
    default:
      throw new Error(`there are no arguments for ${name}`);
  }
}
