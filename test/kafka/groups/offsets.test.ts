import { expect, test } from 'vitest';
import { commit, committed, GroupWorld, subscription } from './group-world.ts';

const day = 24 * 60 * 60 * 1_000;

test('a commit is kept with its metadata and leader epoch; what is not committed is −1 without an error', () =>
  GroupWorld.run(async (world) => {
    expect(await commit(world, 'orders', 3, 42, { metadata: 'half way' })).toBe('NONE');
    const { error, topics } = await world.groups.fetchOffsets('group', [{ name: 'orders', partitionIndexes: [3, 4] }]);
    expect(error).toBe('NONE');
    expect(topics).toEqual([
      {
        name: 'orders',
        partitions: [
          { partitionIndex: 3, committedOffset: 42, committedLeaderEpoch: 7, metadata: 'half way' },
          { partitionIndex: 4, committedOffset: -1, committedLeaderEpoch: -1, metadata: '' },
        ],
      },
    ]);
    expect(await committed(world, 'orders', 3, 'nobody')).toBe(-1);
    expect(await world.groups.fetchOffsets('nobody', null)).toEqual({ error: 'NONE', topics: [] });
  }));

test('all that a group has committed is fetched by not naming anything', () =>
  GroupWorld.run(async (world) => {
    for (const [topic, partition] of [
      ['a', 0],
      ['a', 1],
      ['b', 5],
    ] as const)
      await commit(world, topic, partition, 9);
    const { topics } = await world.groups.fetchOffsets('group', null);
    const all = topics.flatMap(({ name, partitions }) => partitions.map((found) => `${name} ${found.partitionIndex}`));
    expect(all.toSorted()).toEqual(['a 0', 'a 1', 'b 5']);
    expect((await world.groups.fetchOffsets('group', [])).topics).toEqual([]);
  }));

test('metadata up to the limit is kept, longer metadata refuses its partition alone', () =>
  GroupWorld.run(async (world) => {
    expect(await commit(world, 'orders', 0, 1, { metadata: 'x'.repeat(4_096) })).toBe('NONE');
    expect(await commit(world, 'orders', 0, 2, { metadata: 'x'.repeat(4_097) })).toBe('OFFSET_METADATA_TOO_LARGE');
    expect(await committed(world, 'orders', 0)).toBe(1);
    const place = (partitionIndex: number, committedMetadata: string | null): object => ({
      ...{ partitionIndex, committedMetadata, committedOffset: 5, committedLeaderEpoch: -1 },
    });
    const [outcome] = await world.groups.commitOffsets({
      ...{ groupId: 'group', generationId: -1, memberId: '', groupInstanceId: null },
      topics: [{ name: 'orders', partitions: [place(1, 'x'.repeat(5_000)), place(2, null)] as never }],
    });
    expect(outcome?.partitions.map(({ error }) => error)).toEqual(['OFFSET_METADATA_TOO_LARGE', 'NONE']);
  }));

test('members commit in their generation only, and whoever takes no part only while nobody does', () =>
  GroupWorld.run(async (world) => {
    expect(await commit(world, 'orders', 0, 1, { generationId: 3, memberId: 'x' })).toBe('ILLEGAL_GENERATION');
    const [a, b] = [world.member('a'), world.member('b')];
    await world.stable([a, b]);
    expect(await a.commit('orders', 0, 10)).toBe('NONE');
    expect(await a.commit('orders', 0, 11, { generationId: 0 })).toBe('ILLEGAL_GENERATION');
    expect(await a.commit('orders', 0, 11, { memberId: 'nobody' })).toBe('UNKNOWN_MEMBER_ID');
    expect(await commit(world, 'orders', 0, 11)).toBe('UNKNOWN_MEMBER_ID');
    expect(await committed(world, 'orders', 0)).toBe(10);
    const joining = a.join({ protocols: [{ name: 'range', metadata: subscription('other') }] });
    await world.wait(10);
    expect(await b.commit('orders', 1, 20)).toBe('NONE'); // It brings to an end what it had begun.
    await Promise.all([joining, b.join()]);
    expect(await b.commit('orders', 1, 21)).toBe('REBALANCE_IN_PROGRESS');
    await Promise.all([a.sync(), b.sync()]);
    expect(await b.commit('orders', 1, 21)).toBe('NONE');
    await Promise.all([a.leave(), b.leave()]);
    expect(await commit(world, 'orders', 1, 5)).toBe('NONE');
    expect(await committed(world, 'orders', 1)).toBe(5);
  }));

test('a commit says that a member lives', () =>
  GroupWorld.run(async (world) => {
    const a = world.member('a');
    await world.stable([a]);
    for (let i = 0; i < 4; i++) {
      await world.wait(8_000);
      expect(await a.commit('orders', 0, i)).toBe('NONE');
    }
  }));

test('offsets of a client that only keeps them lapse a time after each commit, and the group with the last', () =>
  GroupWorld.run(async (world) => {
    await commit(world, 'orders', 0, 1);
    await world.wait(4 * day);
    await commit(world, 'orders', 1, 2);
    await world.wait(4 * day);
    expect(await committed(world, 'orders', 0)).toBe(-1);
    expect(await committed(world, 'orders', 1)).toBe(2);
    await world.wait(4 * day);
    expect(await committed(world, 'orders', 1)).toBe(-1);
    expect(world.groups.list()).toEqual([]);
  }));

test('offsets of a group are kept while it has members, and for a time after the last has left', () =>
  GroupWorld.run(async (world) => {
    const a = world.member('a', { sessionTimeoutMs: 1_800_000 });
    await world.stable([a]);
    await a.commit('orders', 0, 1);
    await a.commit('unread', 0, 1);
    for (let i = 0; i < 8 * 48; i++) {
      await world.wait(day / 48);
      expect(await a.heartbeat()).toBe('NONE');
    }
    expect(await committed(world, 'orders', 0)).toBe(1);
    expect(await committed(world, 'unread', 0)).toBe(-1); // Nobody in the group reads it.
    await a.leave();
    await world.wait(6 * day);
    expect(await committed(world, 'orders', 0)).toBe(1);
    await world.wait(2 * day);
    expect(await committed(world, 'orders', 0)).toBe(-1);
    expect(world.groups.list()).toEqual([]);
    await world.restart();
    expect(world.groups.list()).toEqual([]);
  }));

test('a client that names a retention has it kept for so long', () =>
  GroupWorld.run(async (world) => {
    await commit(world, 'orders', 0, 1, { retentionTimeMs: day });
    await commit(world, 'orders', 1, 1, { retentionTimeMs: 30 * day });
    await world.wait(2 * day);
    expect(await committed(world, 'orders', 0)).toBe(-1);
    await world.restart();
    await world.wait(10 * day);
    expect(await committed(world, 'orders', 1)).toBe(1);
  }));

test('offsets are deleted one by one, but not of topics that the members read', () =>
  GroupWorld.run(async (world) => {
    const a = world.member('a');
    await world.stable([a]);
    await a.commit('orders', 0, 1);
    await a.commit('other', 0, 1);
    const asked = [
      { name: 'orders', partitionIndexes: [0] },
      { name: 'other', partitionIndexes: [0] },
    ];
    const { error, topics } = await world.groups.deleteOffsets('group', asked);
    expect(error).toBe('NONE');
    expect(topics.map(({ partitions }) => partitions[0]?.error)).toEqual(['GROUP_SUBSCRIBED_TO_TOPIC', 'NONE']);
    expect(await committed(world, 'orders', 0)).toBe(1);
    expect(await committed(world, 'other', 0)).toBe(-1);
    expect((await world.groups.deleteOffsets('nobody', asked)).error).toBe('GROUP_ID_NOT_FOUND');
    await a.leave();
    await world.groups.deleteOffsets('group', asked);
    expect(await committed(world, 'orders', 0)).toBe(-1);
    const connect = world.member('c', { groupId: 'connect', protocolType: 'connect' });
    await world.stable([connect]);
    expect((await world.groups.deleteOffsets('connect', asked)).error).toBe('NON_EMPTY_GROUP');
  }));

test('a subscription that cannot be read counts as one to every topic', () =>
  GroupWorld.run(async (world) => {
    const a = world.member('a', { protocols: [{ name: 'range', metadata: Buffer.from([0, 1, 0xff]) }] });
    await world.stable([a]);
    await a.commit('orders', 0, 1);
    const { topics } = await world.groups.deleteOffsets('group', [{ name: 'orders', partitionIndexes: [0] }]);
    expect(topics[0]?.partitions[0]?.error).toBe('GROUP_SUBSCRIBED_TO_TOPIC');
  }));

test('a group is deleted when nobody is in it, with its offsets', () =>
  GroupWorld.run(async (world) => {
    expect(await world.groups.deleteGroup('group')).toBe('GROUP_ID_NOT_FOUND');
    const a = world.member('a');
    await world.stable([a]);
    await a.commit('orders', 0, 1);
    expect(await world.groups.deleteGroup('group')).toBe('NON_EMPTY_GROUP');
    await a.leave();
    expect(await world.groups.deleteGroup('group')).toBe('NONE');
    expect(await committed(world, 'orders', 0)).toBe(-1);
    expect((await world.groups.describe('group')).group.groupState).toBe('Dead');
    await world.restart();
    expect(await world.groups.deleteGroup('group')).toBe('GROUP_ID_NOT_FOUND');
    expect(await committed(world, 'orders', 0)).toBe(-1);
  }));

test('what was committed for a topic that is deleted is forgotten by every group', () =>
  GroupWorld.run(async (world) => {
    const groupIds = Array.from({ length: 20 }, (_, i) => `group-${i}`);
    for (const groupId of groupIds) {
      await commit(world, 'gone', 0, 5, { groupId });
      await commit(world, 'stays', 0, 6, { groupId });
    }
    await world.groups.forgetTopics((name) => name === 'gone');
    for (let i = 0; i < 2; i++) {
      for (const groupId of groupIds) {
        expect(await committed(world, 'gone', 0, groupId)).toBe(-1);
        expect(await committed(world, 'stays', 0, groupId)).toBe(6);
      }
      await world.restart();
    }
  }));

test('groups are listed by state and type, and described with what each member has', () =>
  GroupWorld.run(async (world) => {
    const a = world.member('a');
    await world.stable([a]);
    await commit(world, 'orders', 0, 1, { groupId: 'simple' });
    const states = (...wanted: string[]): string[] => world.groups.list(wanted).map(({ groupId }) => groupId);
    expect(states().toSorted()).toEqual(['group', 'simple']);
    expect(states('Stable')).toEqual(['group']);
    expect(states('empty', 'Dead')).toEqual(['simple']);
    expect(world.groups.list([], ['consumer'])).toEqual([]);
    expect(world.groups.list([], ['Classic'])).toHaveLength(2);
    const { group } = await world.groups.describe('group');
    expect(group).toMatchObject({ groupState: 'Stable', protocolType: 'consumer', protocolData: 'range' });
    expect(group.members).toEqual([
      {
        ...{ memberId: a.memberId, groupInstanceId: null, clientId: 'a', clientHost: '/127.0.0.1' },
        memberMetadata: subscription('orders'),
        memberAssignment: Buffer.from(a.assignment),
      },
    ]);
  }));
