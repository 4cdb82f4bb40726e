import { expect, test } from 'vitest';
import { GroupWorld, subscription } from './group-world.ts';

test('a member without an id is given one and joins with it', () =>
  GroupWorld.run(async (world) => {
    const member = world.member('a');
    const first = await world.groups.join(member.request);
    expect(first).toMatchObject({ error: 'MEMBER_ID_REQUIRED', generationId: -1, members: [] });
    expect(first.memberId).toMatch(/^a-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    const joined = await member.join({ memberId: first.memberId });
    expect(joined).toMatchObject({ error: 'NONE', generationId: 1, leader: first.memberId, protocolName: 'range' });
    expect(joined.members).toEqual([
      { memberId: first.memberId, groupInstanceId: null, metadata: subscription('orders') },
    ]);
    expect(await member.sync()).toBe('NONE');
    expect(member.assignment).toBe(`${first.memberId} in 1`);
    expect(await member.heartbeat()).toBe('NONE');
  }));

test('an older client joins at once and is told its id with its first generation', () =>
  GroupWorld.run(async (world) => {
    const member = world.member('a', { requireKnownMemberId: false });
    expect(await member.join()).toMatchObject({ error: 'NONE', generationId: 1, protocolType: 'consumer' });
  }));

test('the first generation waits for more members, and longer while they come, up to the rebalance time-out', () =>
  GroupWorld.run(async (world) => {
    const begun = world.now;
    const joins: Promise<number>[] = [];
    for (let i = 0; i < 10; i++) {
      const member = world.member(`m${i}`, { rebalanceTimeoutMs: 10_000 });
      joins.push(member.join().then(() => world.now - begun));
      await world.wait(2_000);
    }
    const [first] = await Promise.all(joins);
    expect(first).toBeGreaterThanOrEqual(10_000);
    expect(first).toBeLessThan(13_000);
  }));

test('two members share a generation: one leads, and each is given what the leader gave it', () =>
  GroupWorld.run(async (world) => {
    const [a, b] = [world.member('a'), world.member('b')];
    await world.stable([a, b]);
    expect([a.isLeader, b.isLeader].filter(Boolean)).toHaveLength(1);
    expect(a.assignment).toBe(`${a.memberId} in 1`);
    expect(b.assignment).toBe(`${b.memberId} in 1`);
  }));

test('a member that comes later makes the others join again, who hear of it by their heartbeats', () =>
  GroupWorld.run(async (world) => {
    const [a, b] = [world.member('a'), world.member('b')];
    await world.stable([a]);
    const joining = b.join();
    await world.wait(100);
    expect(await a.heartbeat()).toBe('REBALANCE_IN_PROGRESS');
    expect((await a.join()).generationId).toBe(2);
    expect((await joining).generationId).toBe(2);
    const [first, second] = await Promise.all([b.sync(), a.sync()]);
    expect([first, second]).toEqual(['NONE', 'NONE']);
    expect(b.assignment).toBe(`${b.memberId} in 2`);
  }));

test('a follower that asks before the leader has assigned waits for it', () =>
  GroupWorld.run(async (world) => {
    const members = [world.member('a'), world.member('b')];
    await Promise.all(members.map((member) => member.join()));
    const [follower, leader] = members.toSorted((x, y) => Number(x.isLeader) - Number(y.isLeader));
    let answered = false;
    const syncing = follower?.sync().then((error) => ((answered = true), error));
    await world.wait(5_000);
    expect(answered).toBe(false);
    expect(await leader?.sync()).toBe('NONE');
    expect(await syncing).toBe('NONE');
  }));

test('a member that does not join again in time is dropped, and the others go on without it', () =>
  GroupWorld.run(async (world) => {
    const slow = world.member('slow', { sessionTimeoutMs: 600_000, rebalanceTimeoutMs: 20_000 });
    const [a, b] = [world.member('a', { rebalanceTimeoutMs: 20_000 }), world.member('b')];
    await world.stable([slow, a]);
    const begun = world.now;
    const joining = Promise.all([
      a.join({ protocols: [{ name: 'range', metadata: subscription('other') }] }),
      b.join(),
    ]);
    const [joined] = await joining;
    expect(joined.error).toBe('NONE');
    expect(world.now - begun).toBeGreaterThanOrEqual(20_000);
    expect((await world.groups.describe('group')).group.members).toHaveLength(2);
    expect(await slow.heartbeat()).toBe('UNKNOWN_MEMBER_ID');
  }));

test('a member that is not heard of within its session is dropped', () =>
  GroupWorld.run(async (world) => {
    const [a, b] = [world.member('a'), world.member('b')];
    await world.stable([a, b]);
    for (let i = 0; i < 4; i++) {
      await world.wait(3_000);
      await a.heartbeat();
    }
    expect(await a.heartbeat()).toBe('REBALANCE_IN_PROGRESS');
    expect(await a.join()).toMatchObject({ error: 'NONE', generationId: 2 });
    expect(await b.heartbeat()).toBe('UNKNOWN_MEMBER_ID');
  }));

test('an id that was given out and is not used lapses, and holds up nobody for longer', () =>
  GroupWorld.run(async (world) => {
    const a = world.member('a');
    await world.stable([a]);
    const lazy = await world.groups.join(world.member('lazy', { sessionTimeoutMs: 20_000 }).request);
    expect(lazy.error).toBe('MEMBER_ID_REQUIRED');
    const begun = world.now;
    expect((await a.join()).error).toBe('NONE'); // A leader that joins again wants a new generation.
    expect(world.now - begun).toBeGreaterThanOrEqual(20_000);
    expect((await world.groups.join({ ...a.request, memberId: lazy.memberId })).error).toBe('UNKNOWN_MEMBER_ID');
  }));

test('a follower that joins again as it was is told the generation that there is', () =>
  GroupWorld.run(async (world) => {
    const members = [world.member('a'), world.member('b')];
    await world.stable(members);
    const follower = members.find(({ isLeader }) => !isLeader);
    expect(await follower?.join()).toMatchObject({ error: 'NONE', generationId: 1, members: [] });
    expect(await follower?.sync()).toBe('NONE');
    expect(await members.find(({ isLeader }) => isLeader)?.heartbeat()).toBe('NONE');
  }));

test('members vote for the protocol, and only one that all have can be chosen', () =>
  GroupWorld.run(async (world) => {
    const offers = [
      ['only-a', 'range', 'sticky'],
      ['sticky', 'range'],
      ['sticky', 'range', 'only-c'],
    ];
    const members = offers.map((names, i) =>
      world.member(`m${i}`, { protocols: names.map((name) => ({ name, metadata: subscription('orders') })) }),
    );
    await world.stable(members);
    expect(members[0]?.joined?.protocolName).toBe('sticky');
    const stranger = world.member('stranger', { protocols: [{ name: 'only-a', metadata: new Uint8Array(0) }] });
    expect((await stranger.join()).error).toBe('INCONSISTENT_GROUP_PROTOCOL');
    const connect = world.member('connect', { protocolType: 'connect' });
    expect((await connect.join()).error).toBe('INCONSISTENT_GROUP_PROTOCOL');
    const nothing = world.member('nothing', { groupId: 'other', protocols: [] });
    expect((await nothing.join()).error).toBe('INCONSISTENT_GROUP_PROTOCOL');
  }));

test('what cannot be is refused: group ids, sessions, unknown members', () =>
  GroupWorld.run(async (world) => {
    const member = world.member('a');
    expect((await member.join({ groupId: '' })).error).toBe('INVALID_GROUP_ID');
    expect((await member.join({ sessionTimeoutMs: 5_999 })).error).toBe('INVALID_SESSION_TIMEOUT');
    expect((await member.join({ sessionTimeoutMs: 1_800_001 })).error).toBe('INVALID_SESSION_TIMEOUT');
    expect((await world.groups.join({ ...member.request, memberId: 'nobody' })).error).toBe('UNKNOWN_MEMBER_ID');
    expect(await member.heartbeat()).toBe('UNKNOWN_MEMBER_ID');
    expect(await member.sync()).toBe('UNKNOWN_MEMBER_ID');
    await world.stable([member]);
    expect((await world.groups.join({ ...member.request, memberId: 'nobody' })).error).toBe('UNKNOWN_MEMBER_ID');
    const self = { groupId: 'group', memberId: member.memberId, groupInstanceId: null };
    expect(await world.groups.heartbeat({ ...self, generationId: 0 })).toBe('ILLEGAL_GENERATION');
    const sync = { ...self, generationId: 1, assignments: [], protocolType: null, protocolName: null };
    expect((await world.groups.sync({ ...sync, generationId: 2 })).error).toBe('ILLEGAL_GENERATION');
    expect((await world.groups.sync({ ...sync, protocolName: 'other' })).error).toBe('INCONSISTENT_GROUP_PROTOCOL');
    expect((await world.groups.sync({ ...sync, protocolType: 'other' })).error).toBe('INCONSISTENT_GROUP_PROTOCOL');
    expect((await world.groups.sync(sync)).error).toBe('NONE');
  }));

test('a group takes no more members than it may have', () =>
  GroupWorld.run(
    async (world) => {
      const members = [world.member('a'), world.member('b')];
      await world.stable(members);
      const third = world.member('c');
      expect((await third.join()).error).toBe('GROUP_MAX_SIZE_REACHED');
      const all = await Promise.all([...members, third].map((member) => member.join()));
      expect(all.map(({ error }) => error).toSorted()).toEqual(['GROUP_MAX_SIZE_REACHED', 'NONE', 'NONE']);
    },
    { settings: { 'group.max.size': 2 } },
  ));

test('a member whose metadata makes the group too large is refused', () =>
  GroupWorld.run(async (world) => {
    const large = (name: string): ReturnType<typeof world.member> =>
      world.member(name, { protocols: [{ name: 'range', metadata: new Uint8Array(3 * 1024 * 1024) }] });
    await world.stable([large('a')]);
    expect((await large('b').join()).error).toBe('GROUP_MAX_SIZE_REACHED');
  }));

test('members that leave are gone at once, those who come to share what they had are told', () =>
  GroupWorld.run(async (world) => {
    const [a, b] = [world.member('a'), world.member('b')];
    await world.stable([a, b]);
    expect(await b.leave()).toBe('NONE');
    expect(await b.leave()).toBe('UNKNOWN_MEMBER_ID');
    expect(await a.heartbeat()).toBe('REBALANCE_IN_PROGRESS');
    expect((await a.join()).members).toHaveLength(1);
    expect(await a.sync()).toBe('NONE');
    expect(await a.leave()).toBe('NONE');
    expect((await world.groups.describe('group')).group).toMatchObject({ groupState: 'Empty', members: [] });
  }));

test('several members leave with one call, each with an outcome of its own', () =>
  GroupWorld.run(async (world) => {
    const a = world.member('a');
    const b = world.member('b', { groupInstanceId: 'host-b' });
    await world.stable([a, b]);
    const pending = await world.groups.join(world.member('c').request);
    const names = [
      { memberId: a.memberId, groupInstanceId: null },
      { memberId: '', groupInstanceId: 'host-b' },
      { memberId: '', groupInstanceId: 'host-x' },
      { memberId: pending.memberId, groupInstanceId: null },
      { memberId: 'nobody', groupInstanceId: null },
    ];
    const { error, members } = await world.groups.leave('group', names);
    expect(error).toBe('NONE');
    const errors = members.map((member) => member.error);
    expect(errors).toEqual(['NONE', 'NONE', 'UNKNOWN_MEMBER_ID', 'NONE', 'UNKNOWN_MEMBER_ID']);
    expect(members[1]).toMatchObject(names[1] ?? {});
    expect((await world.groups.describe('group')).group.groupState).toBe('Empty');
  }));

test('who does not ask for its assignment in time is dropped, and the others join again', () =>
  GroupWorld.run(async (world) => {
    const quick = { sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 15_000 };
    const members = [world.member('a', quick), world.member('b', quick)];
    await Promise.all(members.map((member) => member.join()));
    const [follower, leader] = members.toSorted((x, y) => Number(x.isLeader) - Number(y.isLeader));
    expect(await leader?.sync()).toBe('NONE');
    for (let i = 0; i < 6; i++) {
      await world.wait(3_000);
      await Promise.all(members.map((member) => member.heartbeat()));
    }
    expect(await leader?.heartbeat()).toBe('REBALANCE_IN_PROGRESS');
    expect(await follower?.heartbeat()).toBe('UNKNOWN_MEMBER_ID');
  }));

test('a new member whose client cannot say that it lives waits five minutes at most', () =>
  GroupWorld.run(async (world) => {
    const slow = world.member('slow', { sessionTimeoutMs: 1_800_000, rebalanceTimeoutMs: 1_800_000 });
    await world.stable([slow]);
    const begun = world.now;
    const old = world.member('old', { requireKnownMemberId: false });
    expect((await old.join()).error).toBe('UNKNOWN_MEMBER_ID');
    expect(world.now - begun).toBe(300_000);
  }));

test('a client that gives up a join or a sync and asks again is answered once for each', () =>
  GroupWorld.run(async (world) => {
    const [a, b] = [world.member('a'), world.member('b')];
    await world.stable([a, b]);
    const follower = a.isLeader ? b : a;
    const leader = a.isLeader ? a : b;
    const joins = [leader.join(), world.groups.join({ ...leader.request, memberId: leader.memberId })];
    await world.wait(100);
    expect((await follower.join()).generationId).toBe(2);
    expect((await Promise.all(joins)).map(({ error }) => error)).toEqual(['REBALANCE_IN_PROGRESS', 'NONE']);
    leader.generationId = 2;
    const syncs = [follower.sync(), follower.sync()];
    await world.wait(100);
    leader.joined = await world.groups.join({ ...leader.request, memberId: leader.memberId });
    leader.isLeader = true;
    expect(await leader.sync()).toBe('NONE');
    expect(await Promise.all(syncs)).toEqual(['REBALANCE_IN_PROGRESS', 'NONE']);
  }));

test('everybody who waits is sent away when the broker ends', () =>
  GroupWorld.run(async (world) => {
    const joining = world.member('a').join();
    await world.wait(100);
    await world.groups.close();
    expect((await joining).error).toBe('NOT_COORDINATOR');
    expect((await world.member('b').join()).error).toBe('NOT_COORDINATOR');
    expect((await world.groups.fetchOffsets('group', null)).error).toBe('NOT_COORDINATOR');
  }));

test('ids are given to so many at a time, and those who come later are told to try again', () =>
  GroupWorld.run(async (world) => {
    const { request } = world.member('a');
    for (let i = 0; i < 10_000; i++) await world.groups.join(request);
    expect((await world.groups.join(request)).error).toBe('COORDINATOR_LOAD_IN_PROGRESS');
    await world.wait(11_000);
    expect((await world.groups.join(request)).error).toBe('MEMBER_ID_REQUIRED');
  }));
