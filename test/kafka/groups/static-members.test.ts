import { expect, test } from 'vitest';
import type { JoinRequest } from '../../../src/kafka/groups/group-calls.ts';
import { GroupWorld, subscription, type TestMember } from './group-world.ts';

const staticMember = (world: GroupWorld, name: string, more: Partial<JoinRequest> = {}): TestMember =>
  world.member(name, { groupInstanceId: `host-${name}`, sessionTimeoutMs: 60_000, ...more });

test('a static member is given its id with its first generation', () =>
  GroupWorld.run(async (world) => {
    const a = staticMember(world, 'a');
    expect(await a.join()).toMatchObject({ error: 'NONE', generationId: 1 });
    expect(a.memberId).toMatch(/^host-a-/);
  }));

test('a static member that was restarted takes its place again, and nobody else notices', () =>
  GroupWorld.run(async (world) => {
    const [a, b] = [staticMember(world, 'a'), staticMember(world, 'b')];
    await world.stable([a, b]);
    const follower = a.isLeader ? b : a;
    const leader = a.isLeader ? a : b;
    const before = { memberId: follower.memberId, assignment: follower.assignment };
    const restarted = staticMember(world, follower.name);
    expect(await restarted.join()).toMatchObject({ error: 'NONE', generationId: 1, leader: leader.memberId });
    expect(restarted.memberId).not.toBe(before.memberId);
    expect(await restarted.sync()).toBe('NONE');
    expect(restarted.assignment).toBe(before.assignment);
    expect(await leader.heartbeat()).toBe('NONE');
    expect(await follower.heartbeat()).toBe('FENCED_INSTANCE_ID');
    expect(await follower.sync()).toBe('FENCED_INSTANCE_ID');
    expect((await follower.join()).error).toBe('FENCED_INSTANCE_ID');
    expect(await follower.commit('orders', 0, 1)).toBe('FENCED_INSTANCE_ID');
    expect(await follower.leave()).toBe('FENCED_INSTANCE_ID');
  }));

test('a leader that was restarted is told that it leads and need not assign, if its client understands that', () =>
  GroupWorld.run(async (world) => {
    const [a, b] = [staticMember(world, 'a'), staticMember(world, 'b')];
    await world.stable([a, b]);
    const leader = a.isLeader ? a : b;
    const restarted = staticMember(world, leader.name);
    const joined = await restarted.join();
    expect(joined).toMatchObject({ error: 'NONE', generationId: 1, leader: joined.memberId, skipAssignment: true });
    expect(joined.members).toHaveLength(2);
    const again = staticMember(world, leader.name, { supportSkippingAssignment: false });
    const joinedAgain = await again.join();
    expect(joinedAgain).toMatchObject({ error: 'NONE', generationId: 1, leader: joined.memberId, members: [] });
    expect(joinedAgain.skipAssignment).toBe(false);
    expect(await again.sync()).toBe('NONE');
    expect(again.assignment).toBe(leader.assignment);
  }));

test('a static member that comes back with another subscription makes everybody join again', () =>
  GroupWorld.run(async (world) => {
    const [a, b] = [staticMember(world, 'a'), staticMember(world, 'b')];
    await world.stable([a, b]);
    const protocols = [{ name: 'range', metadata: subscription('orders', 'payments') }];
    const restarted = staticMember(world, 'b', { protocols });
    const joining = restarted.join();
    await world.wait(100);
    expect(await a.heartbeat()).toBe('REBALANCE_IN_PROGRESS');
    expect((await a.join()).generationId).toBe(2);
    expect((await joining).generationId).toBe(2);
  }));

test('a static member that comes back while assignments are made makes everybody join again', () =>
  GroupWorld.run(async (world) => {
    const [a, b] = [staticMember(world, 'a'), staticMember(world, 'b')];
    await Promise.all([a.join(), b.join()]);
    const [leader, follower] = a.isLeader ? [a, b] : [b, a];
    const syncing = follower.sync();
    const joining = staticMember(world, leader.name).join();
    expect(await syncing).toBe('REBALANCE_IN_PROGRESS');
    expect((await follower.join()).generationId).toBe(2);
    expect((await joining).generationId).toBe(2);
  }));

test('who waits under the old id of a static member is fenced when it comes back', () =>
  GroupWorld.run(async (world) => {
    const a = staticMember(world, 'a', { rebalanceTimeoutMs: 30_000 });
    const first = a.join();
    await world.wait(100);
    const second = staticMember(world, 'a').join();
    expect((await first).error).toBe('FENCED_INSTANCE_ID');
    expect(await second).toMatchObject({ error: 'NONE', generationId: 1 });
  }));

test('a static member that is down is not missed until its session ends, then the others share', () =>
  GroupWorld.run(async (world) => {
    const [a, b] = [staticMember(world, 'a'), staticMember(world, 'b', { sessionTimeoutMs: 60_000 })];
    await world.stable([a, b]);
    for (let i = 0; i < 5; i++) {
      await world.wait(10_000);
      expect(await a.heartbeat()).toBe('NONE');
    }
    await world.wait(11_000);
    expect(await a.heartbeat()).toBe('REBALANCE_IN_PROGRESS');
    expect(await a.join()).toMatchObject({ generationId: 2 });
  }));

test('a static member under a wrong id is fenced, and one of an unknown instance is unknown', () =>
  GroupWorld.run(async (world) => {
    const a = staticMember(world, 'a');
    await world.stable([a]);
    expect((await a.join({ memberId: 'other' })).error).toBe('FENCED_INSTANCE_ID');
    const stranger = { groupId: 'group', generationId: 1, memberId: a.memberId, groupInstanceId: 'host-x' };
    expect(await world.groups.heartbeat(stranger)).toBe('UNKNOWN_MEMBER_ID');
  }));

test('static members that are all down at the end of a rebalance are waited for until their sessions end', () =>
  GroupWorld.run(async (world) => {
    const quick = { rebalanceTimeoutMs: 10_000, sessionTimeoutMs: 45_000 };
    const [a, b] = [staticMember(world, 'a', quick), staticMember(world, 'b', quick)];
    const dynamic = world.member('c', { rebalanceTimeoutMs: 10_000 });
    await world.stable([a, b, dynamic]);
    expect(await dynamic.leave()).toBe('NONE');
    await world.wait(20_000);
    expect((await world.groups.describe('group')).group.groupState).toBe('PreparingRebalance');
    await world.wait(40_000);
    expect((await world.groups.describe('group')).group).toMatchObject({ groupState: 'Empty', members: [] });
  }));
