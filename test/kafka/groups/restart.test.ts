// A broker that is killed at any moment and started again: what it has said stays true.
import { expect, test } from 'vitest';
import { commit, committed, GroupWorld } from './group-world.ts';

test('after a kill the members are there, and go on in their generation without a rebalance', () =>
  GroupWorld.run(async (world) => {
    const members = [world.member('a'), world.member('b', { groupInstanceId: 'host-b' }), world.member('c')];
    await world.stable(members);
    const before = await world.groups.describe('group');
    for (const member of members) expect(await member.commit('orders', 1, 17)).toBe('NONE');
    await world.restart();
    expect(await world.groups.describe('group')).toEqual(before);
    for (const member of members) {
      const { assignment } = member;
      expect(await member.heartbeat()).toBe('NONE');
      expect(await member.sync()).toBe('NONE');
      expect(member.assignment).toBe(assignment);
      expect(await member.commit('orders', 2, 18)).toBe('NONE');
    }
    expect(await committed(world, 'orders', 1)).toBe(17);
  }));

test('sessions begin anew at a restart: nobody is dropped for the time that the broker was down', () =>
  GroupWorld.run(async (world) => {
    const [a, b] = [world.member('a'), world.member('b')];
    await world.stable([a, b]);
    await world.wait(9_000);
    await world.stop();
    await world.wait(60_000);
    await world.start();
    await world.wait(9_000);
    expect(await a.heartbeat()).toBe('NONE');
    await world.wait(9_000);
    expect(await a.heartbeat()).toBe('REBALANCE_IN_PROGRESS'); // The other one did not come back.
    expect(await b.heartbeat()).toBe('UNKNOWN_MEMBER_ID');
  }));

test('a kill between join and sync: the leader brings its assignments to the broker that comes after', () =>
  GroupWorld.run(async (world) => {
    const members = [world.member('a'), world.member('b')];
    await Promise.all(members.map((member) => member.join()));
    await world.restart();
    expect(await Promise.all(members.map((member) => member.sync()))).toEqual(['NONE', 'NONE']);
    expect(members[0]?.assignment).toBe(`${members[0]?.memberId} in 1`);
  }));

test('who does not ask for its assignment after a kill is dropped as it would have been without', () =>
  GroupWorld.run(async (world) => {
    const quick = { sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 15_000 };
    const members = [world.member('a', quick), world.member('b', quick)];
    await Promise.all(members.map((member) => member.join()));
    await world.restart();
    for (let i = 0; i < 6; i++) {
      await world.wait(3_000);
      await Promise.all(members.map((member) => member.heartbeat()));
    }
    const heard = await Promise.all(members.map((member) => member.heartbeat()));
    expect(heard).toEqual(['UNKNOWN_MEMBER_ID', 'UNKNOWN_MEMBER_ID']);
  }));

test('a kill in the middle of a rebalance: everybody joins again and none is lost', () =>
  GroupWorld.run(async (world) => {
    const [a, b] = [world.member('a'), world.member('b')];
    await world.stable([a]);
    const joining = b.join();
    await world.wait(100);
    await world.restart();
    expect((await joining).error).toBe('NOT_COORDINATOR');
    b.memberId = '';
    const again = b.join();
    await world.wait(100);
    expect(await a.heartbeat()).toBe('REBALANCE_IN_PROGRESS');
    expect((await a.join()).generationId).toBe(2);
    expect((await again).generationId).toBe(2);
  }));

test('who has left stays away after a kill', () =>
  GroupWorld.run(async (world) => {
    const [a, b] = [world.member('a'), world.member('b')];
    await world.stable([a, b]);
    expect(await a.leave()).toBe('NONE');
    await world.restart();
    expect(await a.heartbeat()).toBe('UNKNOWN_MEMBER_ID');
    expect(await b.heartbeat()).toBe('REBALANCE_IN_PROGRESS');
    expect(await b.join()).toMatchObject({ error: 'NONE', generationId: 2 });
    expect(await b.sync()).toBe('NONE');
    expect(await b.leave()).toBe('NONE');
    await world.restart();
    expect((await world.groups.describe('group')).group).toMatchObject({ groupState: 'Empty', members: [] });
    await world.stable([world.member('c')]);
  }));

test('a static member that came back before a kill has its new id after it', () =>
  GroupWorld.run(async (world) => {
    const a = world.member('a', { groupInstanceId: 'host-a' });
    await world.stable([a]);
    const restarted = world.member('a', { groupInstanceId: 'host-a' });
    expect((await restarted.join()).error).toBe('NONE');
    await world.restart();
    expect(await restarted.heartbeat()).toBe('NONE');
    expect(await a.heartbeat()).toBe('FENCED_INSTANCE_ID');
  }));

test('a generation that was begun is not begun again with the same number', () =>
  GroupWorld.run(async (world) => {
    const a = world.member('a');
    for (let generation = 1; generation <= 5; generation++) {
      expect((await a.join()).generationId).toBe(generation);
      await world.restart();
      expect((await a.join()).generationId).toBe(generation); // As it was told before.
      expect(await a.sync()).toBe('NONE');
      await world.restart();
    }
  }));

test('the log of groups stays short however much is committed, and says everything', () =>
  GroupWorld.run(
    async (world) => {
      const members = [world.member('a'), world.member('b')];
      await world.stable(members);
      const ofGroup = (i: number): string => `group-${i % 50}`;
      for (let i = 0; i < 2_000; i++) {
        const many = Array.from({ length: 5 }, (_, n) =>
          commit(world, `topic-${n}`, i % 7, i, { groupId: ofGroup(i), metadata: 'm'.repeat(50) }),
        );
        expect(await Promise.all(many)).toEqual(['NONE', 'NONE', 'NONE', 'NONE', 'NONE']);
        if (i % 50 === 0) for (const member of members) await member.heartbeat();
      }
      await world.upload();
      let logBytes = 0;
      for (let n = 0; n < 8; n++) {
        const { startOffset, endOffset, bytes } = await world.readLog(n);
        expect(startOffset).toBeGreaterThan(0);
        expect(endOffset).toBeGreaterThan(startOffset);
        logBytes += bytes;
      }
      expect(logBytes).toBeLessThan(8 * 60_000);
      await world.restart();
      for (let i = 1_650; i < 2_000; i++) expect(await committed(world, 'topic-3', i % 7, ofGroup(i))).toBe(i);
      for (const member of members) expect(await member.heartbeat()).toBe('NONE');
    },
    { snapshotAfterBytes: 16_384 },
  ));

test('a group that is too large for one append of its log is written in several', () =>
  GroupWorld.run(
    async (world) => {
      const partitions = Array.from({ length: 20_000 }, (_, partitionIndex) => ({
        ...{ partitionIndex, committedOffset: partitionIndex, committedLeaderEpoch: 1 },
        committedMetadata: 'm'.repeat(600),
      }));
      const simple = { groupId: 'group', generationId: -1, memberId: '', groupInstanceId: null };
      for (let round = 0; round < 2; round++) {
        const [outcome] = await world.groups.commitOffsets({ ...simple, topics: [{ name: 'wide', partitions }] });
        expect(outcome?.partitions.every(({ error }) => error === 'NONE')).toBe(true);
      }
      await world.wait(60_000);
      await world.restart();
      const { topics } = await world.groups.fetchOffsets('group', null);
      expect(topics[0]?.partitions).toHaveLength(20_000);
      for (const { partitionIndex, committedOffset, metadata } of topics[0]?.partitions ?? [])
        if (committedOffset !== partitionIndex || metadata.length !== 600) expect.fail(`partition ${partitionIndex}`);
    },
    { snapshotAfterBytes: 1_000_000 },
  ));

test('who has been told of no generation when the broker is killed is not waited for after it', () =>
  GroupWorld.run(
    async (world) => {
      const a = world.member('a', { sessionTimeoutMs: 1_000_000 });
      await world.stable([a]);
      void world.member('ghost', { requireKnownMemberId: false }).join();
      for (let i = 0; i < 400; i++) await commit(world, 'orders', i % 5, i, { groupId: `group-${i % 40}` });
      await world.wait(1_000);
      for (let n = 0; n < 8; n++) expect((await world.readLog(n)).startOffset).toBeGreaterThan(0);
      await world.restart();
      const { group } = await world.groups.describe('group');
      expect(group.members.map(({ clientId }) => clientId)).toEqual(['a']);
      expect(await a.heartbeat()).toBe('REBALANCE_IN_PROGRESS');
      const begun = world.now;
      expect((await a.join()).error).toBe('NONE');
      expect(world.now - begun).toBeLessThan(1_000);
    },
    { snapshotAfterBytes: 500 },
  ));

test('a broker that is fenced and does not know it lets nobody join, sync, commit or leave', () =>
  GroupWorld.run(async (world) => {
    const members = [world.member('a'), world.member('b')];
    await world.stable(members);
    const [leader, follower] = members.toSorted((x, y) => Number(y.isLeader) - Number(x.isLeader));
    if (leader === undefined || follower === undefined) throw new Error('there are two');
    const { memberId, generationId } = follower;
    const self = { groupId: 'group', memberId, groupInstanceId: null, generationId };
    const asks: ((groups: typeof world.groups) => Promise<unknown>)[] = [
      async (groups) => (await groups.join({ ...follower.request, memberId })).error,
      async (groups) => (await groups.sync({ ...self, protocolType: null, protocolName: null, assignments: [] })).error,
      async (groups) => (await groups.leave('group', [self])).error,
      async (groups) => {
        const committedLeaderEpoch = -1;
        const place = { partitionIndex: 0, committedOffset: 1, committedLeaderEpoch, committedMetadata: '' };
        const topics = [{ name: 'orders', partitions: [place] }];
        return (await groups.commitOffsets({ ...self, topics }))[0]?.partitions[0]?.error;
      },
    ];
    for (const ask of asks) {
      const fenced = await world.usurp();
      expect(await ask(fenced)).toBe('NOT_COORDINATOR');
      expect(await ask(fenced)).toBe('NOT_COORDINATOR');
      await fenced.close();
    }
    expect(await committed(world, 'orders', 0)).toBe(-1);
    expect(await follower.heartbeat()).toBe('NONE');
  }));

test.each([1, 2, 3, 4, 5, 6])('nobody is told of what a kill takes back, by seed %i', (seed) =>
  GroupWorld.run(
    async (world) => {
      const [a, b] = [world.member('a'), world.member('b')];
      await world.stable([a, b]);
      expect(await a.leave()).toBe('NONE');
      await world.restart();
      expect(await a.heartbeat()).toBe('UNKNOWN_MEMBER_ID');
      await commit(world, 'orders', 0, 1, { groupId: 'other' });
      await world.restart();
      expect(await committed(world, 'orders', 0, 'other')).toBe(1);
      const asked = [{ name: 'orders', partitionIndexes: [0] }];
      expect((await world.groups.deleteOffsets('other', asked)).error).toBe('NONE');
      await world.restart();
      expect(await committed(world, 'orders', 0, 'other')).toBe(-1);
      await commit(world, 'orders', 0, 1, { groupId: 'other' });
      expect(await world.groups.deleteGroup('other')).toBe('NONE');
      await world.restart();
      expect((await world.groups.describe('other')).group.groupState).toBe('Dead');
      const joined = await b.join();
      await world.restart();
      expect(await b.sync()).toBe('NONE');
      expect(b.generationId).toBe(joined.generationId);
    },
    { seed, latencyMaxMs: 800 },
  ),
);

test('a group that is deleted while everything is written anew stays deleted', () =>
  GroupWorld.run(
    async (world) => {
      const partitions = Array.from({ length: 8_000 }, (_, partitionIndex) => ({
        ...{ partitionIndex, committedOffset: partitionIndex, committedLeaderEpoch: 1 },
        committedMetadata: 'm'.repeat(600),
      }));
      const simple = { groupId: 'group', generationId: -1, memberId: '', groupInstanceId: null };
      await world.groups.commitOffsets({ ...simple, topics: [{ name: 'wide', partitions }] });
      await world.wait(100); // The snapshot is under way.
      expect(await world.groups.deleteGroup('group')).toBe('NONE');
      await world.wait(60_000);
      await world.restart();
      expect((await world.groups.describe('group')).group.groupState).toBe('Dead');
      expect(await committed(world, 'wide', 0)).toBe(-1);
    },
    { snapshotAfterBytes: 1_000_000, latencyMaxMs: 800 },
  ));
