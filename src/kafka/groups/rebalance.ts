// How a group comes from one generation to the next: everybody is called to join, and when all have, or the time is
// over, a leader and a protocol are chosen and a generation begins. Everybody then asks for its assignment; who does
// not is dropped.
import { consumerProtocolType, topicsOfAll } from './consumer-protocol.ts';
import { dropMember, metadataOf, rebalanceTimeoutOf, setAwaitingJoin } from './group.ts';
import type { Group, GroupStateName, Member } from './group.ts';
import { answerJoin, refuseSync, refuseWaiting, renewSession, type Turn } from './turn.ts';

export function enterState(group: Group, turn: Turn, state: GroupStateName): void {
  group.state = state;
  group.stateSince = turn.time;
}

/** Calls everybody to join, unless that is under way. */
export function beginRebalance(group: Group, turn: Turn): void {
  if (group.state !== 'Empty' && group.state !== 'CompletingRebalance' && group.state !== 'Stable') return;
  for (const member of group.members.values()) {
    if (member.awaitingSync === undefined) continue;
    refuseSync(turn, member.awaitingSync, 'REBALANCE_IN_PROGRESS');
    member.awaitingSync = undefined;
    renewSession(member, turn);
  }
  group.syncExpiresAt = undefined;
  const timeoutMs = rebalanceTimeoutOf(group);
  const { initialRebalanceDelayMs } = turn.limits;
  const isFirst = group.state === 'Empty';
  group.joinTimer = isFirst
    ? {
        at: turn.now + initialRebalanceDelayMs,
        initialRemainingMs: Math.max(0, timeoutMs - initialRebalanceDelayMs),
      }
    : { at: turn.now + timeoutMs, initialRemainingMs: undefined };
  enterState(group, turn, 'PreparingRebalance');
  completeJoinIfAllHere(group, turn);
}

/** Begins the generation if nobody is missing. The first rebalance of a group takes its time all the same. */
export function completeJoinIfAllHere(group: Group, turn: Turn): void {
  if (group.state !== 'PreparingRebalance' || group.joinTimer?.initialRemainingMs !== undefined) return;
  if (group.awaitingJoinCount === group.members.size && group.pendingMembers.size === 0) completeJoin(group, turn);
}

/** The time to join is over. */
export function expireJoin(group: Group, turn: Turn): void {
  const remainingMs = group.joinTimer?.initialRemainingMs;
  if (remainingMs !== undefined && remainingMs > 0 && group.isNewMemberAdded) {
    const delayMs = Math.min(turn.limits.initialRebalanceDelayMs, remainingMs);
    group.isNewMemberAdded = false;
    group.joinTimer = { at: turn.now + delayMs, initialRemainingMs: remainingMs - delayMs };
    return;
  }
  completeJoin(group, turn);
}

function completeJoin(group: Group, turn: Turn): void {
  for (const member of [...group.members.values()]) {
    if (member.awaitingJoin === undefined && member.groupInstanceId === null) dropMember(group, member);
  }
  if (!electLeader(group)) {
    // Only static members are left, and none has joined: their sessions decide how long they are waited for.
    group.joinTimer = { at: turn.now + rebalanceTimeoutOf(group), initialRemainingMs: undefined };
    return;
  }
  group.joinTimer = undefined;
  group.isNewMemberAdded = false;
  group.generationId++;
  group.pendingSync.clear();
  turn.isSaved = true;
  if (group.members.size === 0) {
    group.protocolName = null;
    group.subscribedTopics = new Set();
    enterState(group, turn, 'Empty');
    return;
  }
  group.protocolName = chooseProtocol(group);
  group.subscribedTopics = subscribedTopicsOfGroup(group);
  enterState(group, turn, 'CompletingRebalance');
  for (const member of group.members.values()) {
    member.assignment = new Uint8Array(0);
    member.isNew = false;
    group.pendingSync.add(member.memberId);
    renewSession(member, turn);
    if (member.awaitingJoin === undefined) continue;
    answerJoin(group, turn, member.awaitingJoin, member.memberId);
    setAwaitingJoin(group, member, undefined);
  }
  group.syncExpiresAt = turn.now + rebalanceTimeoutOf(group);
}

/** The leader stays, if it has joined; otherwise anybody who has. False if there are members and none has joined. */
function electLeader(group: Group): boolean {
  const leader = group.leader === null ? undefined : group.members.get(group.leader);
  if (leader === undefined || leader.awaitingJoin !== undefined) return true;
  for (const member of group.members.values()) {
    if (member.awaitingJoin === undefined) continue;
    group.leader = member.memberId;
    return true;
  }
  return false;
}

/** Everybody votes for the first of its protocols that all can take part in. Of equals, the one voted for first. */
export function chooseProtocol(group: Group): string | null {
  const votes = new Map<string, number>();
  for (const { protocols } of group.members.values()) {
    const vote = protocols.find(({ name }) => group.protocolCounts.get(name) === group.members.size);
    if (vote !== undefined) votes.set(vote.name, (votes.get(vote.name) ?? 0) + 1);
  }
  let chosen: string | null = null;
  let most = 0;
  for (const [name, count] of votes) {
    if (count <= most) continue;
    chosen = name;
    most = count;
  }
  return chosen;
}

export function subscribedTopicsOfGroup(group: Group): ReadonlySet<string> | undefined {
  if (group.protocolType !== consumerProtocolType) return undefined;
  if (group.members.size === 0) return new Set();
  if (group.protocolName === null) return undefined;
  return topicsOfAll([...group.members.values()].map((member) => metadataOf(member, group.protocolName)));
}

/** Takes a member out of a group, for whatever reason: the others share what it had. */
export function removeMember(group: Group, turn: Turn, member: Member): void {
  refuseWaiting(group, turn, member, '', 'UNKNOWN_MEMBER_ID');
  dropMember(group, member);
  if (group.state === 'PreparingRebalance') completeJoinIfAllHere(group, turn);
  else beginRebalance(group, turn);
}

/** Forgets an id that was given out. */
export function removePendingMember(group: Group, turn: Turn, memberId: string): void {
  if (group.pendingMembers.delete(memberId)) completeJoinIfAllHere(group, turn);
}
