// Groups over the wire: every version of every API of theirs, as a client speaks them.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MemoryObjectStore, objectWal } from '../../../src/index.ts';
import { kafkaErrors } from '../../../src/kafka/kafka-error.ts';
import { deleteGroupsApi } from '../../../src/kafka/messages/delete-groups.ts';
import { deleteTopicsApi } from '../../../src/kafka/messages/delete-topics.ts';
import { describeGroupsApi } from '../../../src/kafka/messages/describe-groups.ts';
import { findCoordinatorApi } from '../../../src/kafka/messages/find-coordinator.ts';
import { heartbeatApi } from '../../../src/kafka/messages/heartbeat.ts';
import { joinGroupApi, type JoinGroupResponse } from '../../../src/kafka/messages/join-group.ts';
import { leaveGroupApi } from '../../../src/kafka/messages/leave-group.ts';
import { listGroupsApi } from '../../../src/kafka/messages/list-groups.ts';
import { offsetCommitApi } from '../../../src/kafka/messages/offset-commit.ts';
import { offsetDeleteApi } from '../../../src/kafka/messages/offset-delete.ts';
import { offsetFetchApi } from '../../../src/kafka/messages/offset-fetch.ts';
import { syncGroupApi } from '../../../src/kafka/messages/sync-group.ts';
import { startBroker, type BrokerInTest } from '../broker-in-test.ts';
import { subscription } from '../groups/group-world.ts';
import { createTopic } from '../talk.ts';
import type { WireClient } from '../wire-client.ts';

let broker: BrokerInTest;
let client: WireClient;
let next = 0;
const newGroup = (): string => `group-${next++}`;

beforeAll(async () => {
  broker = await startBroker({ nodeId: 3 });
  client = await broker.client();
  await createTopic(client, 'orders', 4);
  await createTopic(client, 'other', 1);
});
afterAll(() => broker.close());

const versions = (api: { readonly minVersion: number; readonly maxVersion: number }): readonly number[] =>
  Array.from({ length: api.maxVersion - api.minVersion + 1 }, (_, i) => api.minVersion + i);

/** Joins alone, as a client of this version does. */
async function join(groupId: string, version = 9, more: { groupInstanceId?: string } = {}): Promise<JoinGroupResponse> {
  const request = {
    ...{ groupId, sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 10_000, memberId: '', groupInstanceId: null },
    ...{ protocolType: 'consumer', reason: null, ...more },
    protocols: [{ name: 'range', metadata: subscription('orders') }],
  };
  const first = await client.send(joinGroupApi, version, request, 'app');
  if (first.errorCode !== kafkaErrors.MEMBER_ID_REQUIRED) return first;
  return client.send(joinGroupApi, version, { ...request, memberId: first.memberId }, 'app');
}

/** Joins alone and gives itself everything. */
async function stable(groupId: string): Promise<{ groupId: string; generationId: number; memberId: string }> {
  const { generationId, memberId } = await join(groupId);
  const request = { groupId, generationId, memberId, groupInstanceId: null };
  const assignments = [{ memberId, assignment: Buffer.from('all') }];
  const more = { protocolType: 'consumer', protocolName: 'range', assignments };
  expect((await client.send(syncGroupApi, 5, { ...request, ...more })).errorCode).toBe(0);
  return { groupId, generationId, memberId };
}

const commitOf = (
  groupId: string,
  topic: string,
  partitionIndex: number,
  committedOffset: number,
  version: number,
) => ({
  ...{ groupId, generationIdOrMemberEpoch: -1, memberId: '', groupInstanceId: null, retentionTimeMs: -1 },
  topics: [
    {
      name: topic,
      partitions: [
        {
          ...{ partitionIndex, committedOffset, committedLeaderEpoch: version >= 6 ? 5 : -1, commitTimestamp: -1 },
          committedMetadata: 'note',
        },
      ],
    },
  ],
});

describe('members', () => {
  it.each(versions(joinGroupApi))('join, in version %i', async (version) => {
    const joined = await join(newGroup(), version);
    expect(joined).toMatchObject({ errorCode: 0, generationId: 1, protocolName: 'range', leader: joined.memberId });
    expect(joined.memberId).toMatch(/^app-/);
    expect(joined.protocolType).toBe(version >= 7 ? 'consumer' : null);
    expect(joined.members).toHaveLength(1);
    expect(joined.members[0]?.metadata).toEqual(subscription('orders'));
  });

  it.each(versions(joinGroupApi))('are refused with no more than the version has, in version %i', async (version) => {
    const request = {
      ...{ groupId: '', sessionTimeoutMs: 10_000, rebalanceTimeoutMs: -1, memberId: '', groupInstanceId: null },
      ...{ protocolType: 'consumer', reason: null, protocols: [] },
    };
    const { errorCode, protocolName } = await client.send(joinGroupApi, version, request);
    expect(errorCode).toBe(kafkaErrors.INVALID_GROUP_ID);
    expect(protocolName).toBe(version >= 7 ? null : '');
  });

  it.each(versions(syncGroupApi))('get their assignment, in version %i', async (version) => {
    const { memberId, generationId } = await join(newGroup());
    const groupId = `group-${next - 1}`;
    const request = {
      ...{ groupId, generationId, memberId, groupInstanceId: null, protocolType: 'consumer', protocolName: 'range' },
      assignments: [{ memberId, assignment: Buffer.from('mine') }],
    };
    const { errorCode, assignment } = await client.send(syncGroupApi, version, request);
    expect([errorCode, Buffer.from(assignment).toString()]).toEqual([0, 'mine']);
    if (version < 5) return;
    const unclear = await client.send(syncGroupApi, version, { ...request, protocolName: null });
    expect(unclear.errorCode).toBe(kafkaErrors.INCONSISTENT_GROUP_PROTOCOL);
  });

  it.each(versions(heartbeatApi))('say that they live, in version %i', async (version) => {
    const member = { ...(await stable(newGroup())), groupInstanceId: null };
    expect((await client.send(heartbeatApi, version, member)).errorCode).toBe(0);
    const old = await client.send(heartbeatApi, version, { ...member, generationId: 0 });
    expect(old.errorCode).toBe(kafkaErrors.ILLEGAL_GENERATION);
  });

  it.each(versions(leaveGroupApi))('leave, in version %i', async (version) => {
    const { groupId, memberId } = await stable(newGroup());
    const request = { groupId, memberId, members: [{ memberId, groupInstanceId: null, reason: 'done' }] };
    expect((await client.send(leaveGroupApi, version, request)).errorCode).toBe(0);
    const again = await client.send(leaveGroupApi, version, request);
    if (version < 3) expect(again.errorCode).toBe(kafkaErrors.UNKNOWN_MEMBER_ID);
    else {
      expect(again.errorCode).toBe(0);
      expect(again.members).toEqual([{ memberId, groupInstanceId: null, errorCode: kafkaErrors.UNKNOWN_MEMBER_ID }]);
    }
  });

  it('with an instance of their own are not asked to come twice', async () => {
    const joined = await join(newGroup(), 5, { groupInstanceId: 'host-1' });
    expect(joined).toMatchObject({ errorCode: 0, generationId: 1 });
    expect(joined.members[0]?.groupInstanceId).toBe('host-1');
  });
});

describe('offsets', () => {
  it.each(versions(offsetCommitApi))('are committed, in version %i', async (version) => {
    const groupId = newGroup();
    const { topics } = await client.send(offsetCommitApi, version, commitOf(groupId, 'orders', 2, 77, version));
    expect(topics).toEqual([{ name: 'orders', partitions: [{ partitionIndex: 2, errorCode: 0 }] }]);
    const asked = { groupId: '', topics: null, requireStable: true };
    const group = { groupId, memberId: null, memberEpoch: -1, topics: null };
    const fetched = await client.send(offsetFetchApi, 9, { ...asked, groups: [group] });
    const place = { partitionIndex: 2, committedOffset: 77, metadata: 'note', errorCode: 0 };
    expect(fetched.groups).toEqual([
      {
        ...{ groupId, errorCode: 0 },
        topics: [{ name: 'orders', partitions: [{ ...place, committedLeaderEpoch: version >= 6 ? 5 : -1 }] }],
      },
    ]);
  });

  it.each(versions(offsetFetchApi))('are fetched, in version %i', async (version) => {
    const groupId = newGroup();
    await client.send(offsetCommitApi, 9, commitOf(groupId, 'orders', 1, 5, 9));
    const topics = [
      { name: 'orders', partitionIndexes: [1, 3] },
      { name: 'nothing-of-the-kind', partitionIndexes: [0] },
    ];
    const groups = [groupId, 'nobody'].map((id) => ({ groupId: id, memberId: null, memberEpoch: -1, topics }));
    const answer = await client.send(offsetFetchApi, version, { groupId, topics, groups, requireStable: false });
    expect(answer.errorCode ?? 0).toBe(0);
    const found = version >= 8 ? answer.groups?.[0]?.topics : answer.topics;
    const offsets = found?.flatMap(({ partitions }) => partitions.map((one) => [one.committedOffset, one.errorCode]));
    expect(offsets).toEqual([[5, 0], [-1, 0], [-1, 0]]); // prettier-ignore
    if (version < 8) return;
    expect(answer.groups?.[1]?.topics[0]?.partitions[0]?.committedOffset).toBe(-1);
  });

  it('of partitions that there are not are refused, and those beside them kept', async () => {
    const groupId = newGroup();
    const { topics, ...request } = commitOf(groupId, 'orders', 4, 1, 9);
    const more = commitOf(groupId, 'orders', 0, 2, 9).topics[0]?.partitions ?? [];
    const both = [{ name: 'orders', partitions: [...(topics[0]?.partitions ?? []), ...more] }];
    const unknown = commitOf(groupId, 'nothing-of-the-kind', 0, 1, 9).topics;
    const answer = await client.send(offsetCommitApi, 9, { ...request, topics: [...both, ...unknown] });
    const codes = answer.topics.map(({ partitions }) => partitions.map(({ errorCode }) => errorCode));
    const { UNKNOWN_TOPIC_OR_PARTITION } = kafkaErrors;
    expect(codes).toEqual([[UNKNOWN_TOPIC_OR_PARTITION, 0], [UNKNOWN_TOPIC_OR_PARTITION]]);
  });

  it('are deleted for single partitions, but not of topics that the members read', async () => {
    const { groupId, generationId, memberId } = await stable(newGroup());
    for (const topic of ['orders', 'other']) {
      const commit = { ...commitOf(groupId, topic, 0, 1, 9), generationIdOrMemberEpoch: generationId, memberId };
      expect((await client.send(offsetCommitApi, 9, commit)).topics[0]?.partitions[0]?.errorCode).toBe(0);
    }
    const topics = ['orders', 'other', 'missing'].map((name) => ({ name, partitions: [{ partitionIndex: 0 }] }));
    const answer = await client.send(offsetDeleteApi, 0, { groupId, topics });
    expect(answer.errorCode).toBe(0);
    const codes = answer.topics.map(({ partitions }) => partitions[0]?.errorCode);
    const { GROUP_SUBSCRIBED_TO_TOPIC, UNKNOWN_TOPIC_OR_PARTITION } = kafkaErrors;
    expect(codes).toEqual([GROUP_SUBSCRIBED_TO_TOPIC, 0, UNKNOWN_TOPIC_OR_PARTITION]);
    const nobody = await client.send(offsetDeleteApi, 0, { groupId: 'nobody', topics });
    expect(nobody).toMatchObject({ errorCode: kafkaErrors.GROUP_ID_NOT_FOUND, topics: [] });
  });

  it('of a topic that is deleted are forgotten', async () => {
    await createTopic(client, 'short-lived');
    const groupId = newGroup();
    await client.send(offsetCommitApi, 9, commitOf(groupId, 'short-lived', 0, 1, 9));
    const gone = { topics: [], topicNames: ['short-lived'], timeoutMs: 5_000 };
    expect((await client.send(deleteTopicsApi, 5, gone)).responses[0]?.errorCode).toBe(0);
    const groups = [{ groupId, memberId: null, memberEpoch: -1, topics: null }];
    const fetched = await client.send(offsetFetchApi, 8, { groupId: '', topics: null, groups, requireStable: false });
    expect(fetched.groups?.[0]?.topics).toEqual([]);
  });
});

describe('a broker that starts', () => {
  it('knows its groups, and forgets what was committed for topics that were deleted when it was killed', async () => {
    const store = new MemoryObjectStore();
    const wal = objectWal();
    const first = await startBroker({ store, wal });
    const before = await first.client();
    for (const topic of ['gone', 'stays']) {
      await createTopic(before, topic);
      await before.send(offsetCommitApi, 9, commitOf('group', topic, 0, 8, 9));
    }
    await first.streams.kv.delete('kafka/topics/gone'); // As far as a deletion comes when the broker is killed then.
    await first.close();
    const second = await startBroker({ store, wal });
    try {
      const after = await second.client();
      await createTopic(after, 'gone');
      const groups = [{ groupId: 'group', memberId: null, memberEpoch: -1, topics: null }];
      const fetched = await after.send(offsetFetchApi, 8, { groupId: '', topics: null, groups, requireStable: false });
      const found = fetched.groups?.[0]?.topics.map(({ name, partitions }) => [name, partitions[0]?.committedOffset]);
      expect(found).toEqual([['stays', 8]]);
    } finally {
      await second.close();
    }
  });
});

describe('groups', () => {
  it.each(versions(findCoordinatorApi))('are coordinated by this broker, says version %i', async (version) => {
    const request = { key: 'g', keyType: 0, coordinatorKeys: ['g', 'h'] };
    const answer = await client.send(findCoordinatorApi, version, request);
    const place = { nodeId: 3, host: '127.0.0.1', port: broker.port, errorCode: 0 };
    if (version < 4) expect(answer).toMatchObject(place);
    else {
      const found = ['g', 'h'].map((key) => ({ key, ...place, errorMessage: null }));
      expect(answer.coordinators).toEqual(found);
      const share = await client.send(findCoordinatorApi, version, { ...request, keyType: 2 });
      expect(share.coordinators?.[0]?.errorCode).toBe(kafkaErrors.INVALID_REQUEST);
    }
  });

  it.each(versions(describeGroupsApi))('are described with their members, in version %i', async (version) => {
    const { groupId, memberId } = await stable(newGroup());
    const request = { groups: [groupId, 'nobody'], includeAuthorizedOperations: true };
    const { groups } = await client.send(describeGroupsApi, version, request);
    expect(groups[0]).toMatchObject({ errorCode: 0, groupId, groupState: 'Stable', protocolData: 'range' });
    expect(groups[0]?.members[0]).toMatchObject({ memberId, clientId: 'app', clientHost: '/127.0.0.1' });
    expect(Buffer.from(groups[0]?.members[0]?.memberAssignment ?? []).toString()).toBe('all');
    expect(groups[1]).toMatchObject({ errorCode: 0, groupId: 'nobody', groupState: 'Dead', members: [] });
    const notTold = -2_147_483_648;
    expect(groups[0]?.authorizedOperations).toBe(version >= 3 ? 0b1_0100_1000 : notTold);
  });

  it.each(versions(listGroupsApi))('are listed, in version %i', async (version) => {
    const { groupId } = await stable(newGroup());
    const { groups } = await client.send(listGroupsApi, version, { statesFilter: [], typesFilter: [] });
    const found = groups.find((group) => group.groupId === groupId);
    expect(found).toMatchObject({ groupId, protocolType: 'consumer', groupState: version >= 4 ? 'Stable' : '' });
    expect(found?.groupType).toBe(version >= 5 ? 'classic' : '');
    if (version < 4) return;
    const empty = await client.send(listGroupsApi, version, { statesFilter: ['Empty'], typesFilter: [] });
    expect(empty.groups.some((group) => group.groupId === groupId)).toBe(false);
  });

  it.each(versions(deleteGroupsApi))('are deleted when nobody is in them, in version %i', async (version) => {
    const { groupId, memberId } = await stable(newGroup());
    const request = { groupsNames: [groupId, 'nobody'] };
    const codes = async (): Promise<readonly number[]> =>
      (await client.send(deleteGroupsApi, version, request)).results.map(({ errorCode }) => errorCode);
    const { NON_EMPTY_GROUP, GROUP_ID_NOT_FOUND } = kafkaErrors;
    expect(await codes()).toEqual([NON_EMPTY_GROUP, GROUP_ID_NOT_FOUND]);
    await client.send(leaveGroupApi, 2, { groupId, memberId, members: [] });
    expect(await codes()).toEqual([0, GROUP_ID_NOT_FOUND]);
    expect(await codes()).toEqual([GROUP_ID_NOT_FOUND, GROUP_ID_NOT_FOUND]);
  });
});
