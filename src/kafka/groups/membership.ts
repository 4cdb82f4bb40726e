// What becomes of a group by all that is not a join: assignments are asked for, members say that they live, or leave,
// or are not heard of for too long.
import type { KafkaErrorName } from '../kafka-error.ts';
import type { HeartbeatRequest, LeaveAnswer, MemberName, SyncRequest } from './group-calls.ts';
import { dropMember, type CallId, type Group } from './group.ts';
import { beginRebalance, enterState, expireJoin, removeMember, removePendingMember } from './rebalance.ts';
import { answerSync, checkMember, refuseSync, refuseWaiting, renewSession, type Turn } from './turn.ts';

/** What the assignments of a group may weigh: all of them have to fit one append, beside the members. */
const assignmentsMaxBytes: number = 3 * 1024 * 1024;

export function syncGroup(group: Group, turn: Turn, call: CallId, request: SyncRequest): void {
  const { memberId } = request;
  const error = checkSync(group, request);
  const member = group.members.get(memberId);
  if (error !== undefined || member === undefined) return refuseSync(turn, call, error ?? 'UNKNOWN_MEMBER_ID');
  group.pendingSync.delete(memberId);
  renewSession(member, turn);
  if (group.state === 'Stable') {
    answerSync(group, turn, call, member.assignment);
    return endSyncIfAllHere(group);
  }
  // Two of one member: the client has given up the first.
  if (member.awaitingSync !== undefined) refuseSync(turn, member.awaitingSync, 'REBALANCE_IN_PROGRESS');
  member.awaitingSync = call;
  if (group.leader === memberId) assign(group, turn, request);
}

function checkSync(group: Group, request: SyncRequest): KafkaErrorName | undefined {
  const { protocolType, protocolName } = request;
  const error = checkMember(group, request.memberId, request.groupInstanceId);
  if (error !== undefined) return error;
  if (request.generationId !== group.generationId) return 'ILLEGAL_GENERATION';
  if (protocolType !== null && protocolType !== group.protocolType) return 'INCONSISTENT_GROUP_PROTOCOL';
  if (protocolName !== null && protocolName !== group.protocolName) return 'INCONSISTENT_GROUP_PROTOCOL';
  if (group.state === 'PreparingRebalance') return 'REBALANCE_IN_PROGRESS';
  return group.state === 'Empty' || group.state === 'Dead' ? 'UNKNOWN_MEMBER_ID' : undefined;
}

/** The leader has assigned: whoever waits for that is told, and the group is stable. */
function assign(group: Group, turn: Turn, { assignments }: SyncRequest): void {
  let sizeBytes = 0;
  for (const { assignment } of assignments) sizeBytes += assignment.byteLength;
  if (sizeBytes > assignmentsMaxBytes) {
    for (const member of group.members.values()) {
      if (member.awaitingSync !== undefined) refuseSync(turn, member.awaitingSync, 'UNKNOWN_SERVER_ERROR');
      member.awaitingSync = undefined;
    }
    return beginRebalance(group, turn);
  }
  // Who is not mentioned has nothing to do; who is mentioned and unknown is left out.
  for (const member of group.members.values()) member.assignment = new Uint8Array(0);
  for (const { memberId, assignment } of assignments) {
    const member = group.members.get(memberId);
    if (member !== undefined) member.assignment = assignment.slice();
  }
  group.assignmentsSizeBytes = sizeBytes;
  enterState(group, turn, 'Stable');
  turn.isSaved = true;
  for (const member of group.members.values()) {
    if (member.awaitingSync === undefined) continue;
    answerSync(group, turn, member.awaitingSync, member.assignment);
    member.awaitingSync = undefined;
    renewSession(member, turn);
  }
  endSyncIfAllHere(group);
}

function endSyncIfAllHere(group: Group): void {
  if (group.state === 'Stable' && group.pendingSync.size === 0) group.syncExpiresAt = undefined;
}

export function heartbeat(group: Group, turn: Turn, request: HeartbeatRequest): KafkaErrorName {
  const error = checkMember(group, request.memberId, request.groupInstanceId);
  const member = group.members.get(request.memberId);
  if (error !== undefined || member === undefined) return error ?? 'UNKNOWN_MEMBER_ID';
  if (request.generationId !== group.generationId) return 'ILLEGAL_GENERATION';
  renewSession(member, turn);
  return group.state === 'PreparingRebalance' ? 'REBALANCE_IN_PROGRESS' : 'NONE';
}

/** Members leave, of their own accord or because somebody says so of a static one. */
export function leaveGroup(group: Group, turn: Turn, members: readonly MemberName[]): LeaveAnswer {
  return { error: 'NONE', members: members.map((name) => ({ ...name, error: leave(group, turn, name) })) };
}

function leave(group: Group, turn: Turn, { memberId, groupInstanceId }: MemberName): KafkaErrorName {
  if (memberId !== '' && group.pendingMembers.has(memberId)) {
    removePendingMember(group, turn, memberId);
    return 'NONE';
  }
  const id = memberId === '' && groupInstanceId !== null ? (group.staticMembers.get(groupInstanceId) ?? '') : memberId;
  const error = checkMember(group, id, groupInstanceId);
  const member = group.members.get(id);
  if (error !== undefined || member === undefined) return error ?? 'UNKNOWN_MEMBER_ID';
  turn.left.push(id);
  removeMember(group, turn, member);
  return 'NONE';
}

/** Time has passed: everything whose moment has come. */
export function expireGroup(group: Group, turn: Turn): void {
  for (const [memberId, expiresAt] of [...group.pendingMembers])
    if (expiresAt <= turn.now) removePendingMember(group, turn, memberId);
  for (const member of [...group.members.values()]) {
    // Who waits for an answer lives, unless it is new: then nobody knows whether its connection does.
    const isWaiting = member.awaitingJoin !== undefined || member.awaitingSync !== undefined;
    const isLate = member.expiresAt <= turn.now && (member.isNew || !isWaiting);
    if (isLate && group.members.has(member.memberId)) removeMember(group, turn, member);
  }
  if (group.syncExpiresAt !== undefined && group.syncExpiresAt <= turn.now) expireSync(group, turn);
  if (group.joinTimer !== undefined && group.joinTimer.at <= turn.now) expireJoin(group, turn);
}

/** Whoever has not asked for its assignment by now is dropped, and the others share anew. */
function expireSync(group: Group, turn: Turn): void {
  group.syncExpiresAt = undefined;
  if (group.pendingSync.size === 0) return;
  for (const memberId of [...group.pendingSync]) {
    const member = group.members.get(memberId);
    if (member === undefined) continue;
    refuseWaiting(group, turn, member, '', 'UNKNOWN_MEMBER_ID');
    dropMember(group, member);
  }
  beginRebalance(group, turn);
}

/** The next moment at which something happens by itself; undefined if nothing does. */
export function nextExpiry(group: Group): number | undefined {
  let next = Math.min(group.syncExpiresAt ?? Infinity, group.joinTimer?.at ?? Infinity);
  for (const expiresAt of group.pendingMembers.values()) next = Math.min(next, expiresAt);
  for (const { isNew, awaitingJoin, awaitingSync, expiresAt } of group.members.values()) {
    if (isNew || (awaitingJoin === undefined && awaitingSync === undefined)) next = Math.min(next, expiresAt);
  }
  return next === Infinity ? undefined : next;
}
