// What becomes of a group when somebody joins it.
import { sameProtocols, sameTopics } from './consumer-protocol.ts';
import type { JoinRequest } from './group-calls.ts';
import { addMember, changeMember, metadataOf, renameMember, setAwaitingJoin, sizeOfMember } from './group.ts';
import type { CallId, Group, Member } from './group.ts';
import { beginRebalance, chooseProtocol, completeJoinIfAllHere, subscribedTopicsOfGroup } from './rebalance.ts';
import { answerJoin, checkMember, refuseJoin, refuseWaiting, renewSession, type Turn } from './turn.ts';

/** How long a new member may wait for its first generation: it cannot say that it lives. */
const newMemberJoinTimeoutMs = 300_000;

/** Ids that are given out and not used yet. */
const pendingMembersMax = 10_000;

/** What the members of a group may weigh: all of them have to fit one append, beside their assignments. */
const groupMetadataMaxBytes: number = 4 * 1024 * 1024;

export function joinGroup(group: Group, turn: Turn, call: CallId, request: JoinRequest): void {
  const { memberId } = request;
  if (!hasRoomFor(group, turn, memberId)) return refuseJoin(turn, call, '', 'GROUP_MAX_SIZE_REACHED');
  if (!supportsProtocols(group, request)) return refuseJoin(turn, call, memberId, 'INCONSISTENT_GROUP_PROTOCOL');
  if (!weighsLittle(group, request)) return refuseJoin(turn, call, '', 'GROUP_MAX_SIZE_REACHED');
  if (memberId === '') joinWithoutId(group, turn, call, request);
  else joinWithId(group, turn, call, request);
  completeJoinIfAllHere(group, turn);
}

function hasRoomFor(group: Group, turn: Turn, memberId: string): boolean {
  const { groupMaxSize } = turn.limits;
  switch (group.state) {
    case 'PreparingRebalance':
      // Those who have not joined again lose their place to those who have.
      return group.members.get(memberId)?.awaitingJoin !== undefined || group.awaitingJoinCount < groupMaxSize;
    case 'CompletingRebalance':
    case 'Stable':
      return group.members.has(memberId) || group.members.size < groupMaxSize;
    default:
      return true;
  }
}

function supportsProtocols(group: Group, { protocolType, protocols }: JoinRequest): boolean {
  if (group.members.size === 0) return protocolType !== '' && protocols.length > 0;
  if (group.protocolType !== protocolType) return false;
  return protocols.some(({ name }) => group.protocolCounts.get(name) === group.members.size);
}

function weighsLittle(group: Group, request: JoinRequest): boolean {
  const { protocols, memberId, groupInstanceId, clientId, clientHost } = request;
  const old = group.members.get(memberId);
  const oldBytes = old === undefined ? 0 : sizeOfMember(old.protocols);
  const sizeBytes = sizeOfMember(protocols, clientId, groupInstanceId, clientId, clientHost) + 80;
  return group.metadataSizeBytes - oldBytes + sizeBytes <= groupMetadataMaxBytes;
}

function joinWithoutId(group: Group, turn: Turn, call: CallId, request: JoinRequest): void {
  const { groupInstanceId } = request;
  const memberId = `${groupInstanceId ?? request.clientId}-${turn.drawId()}`;
  if (groupInstanceId !== null) {
    const known = group.members.get(group.staticMembers.get(groupInstanceId) ?? '');
    if (known === undefined) addAndRebalance(group, turn, call, memberId, request);
    else comeBack(group, turn, call, known, memberId, request);
    return;
  }
  if (!request.requireKnownMemberId) return addAndRebalance(group, turn, call, memberId, request);
  // It tries again a little later.
  if (group.pendingMembers.size >= pendingMembersMax) return refuseJoin(turn, call, '', 'COORDINATOR_LOAD_IN_PROGRESS');
  group.pendingMembers.set(memberId, turn.now + request.sessionTimeoutMs);
  refuseJoin(turn, call, memberId, 'MEMBER_ID_REQUIRED');
}

function joinWithId(group: Group, turn: Turn, call: CallId, request: JoinRequest): void {
  const { memberId, groupInstanceId, protocols } = request;
  if (groupInstanceId === null && group.pendingMembers.delete(memberId))
    return addAndRebalance(group, turn, call, memberId, request);
  const error = checkMember(group, memberId, groupInstanceId);
  const member = group.members.get(memberId);
  if (error !== undefined || member === undefined)
    return refuseJoin(turn, call, memberId, error ?? 'UNKNOWN_MEMBER_ID');
  const isSame = sameProtocols(member.protocols, protocols);
  // Who has only missed an answer gets it again. A leader that joins again in a stable group wants to assign anew.
  const isRepeated =
    (group.state === 'CompletingRebalance' && isSame) ||
    (group.state === 'Stable' && isSame && group.leader !== memberId);
  if (!isRepeated) return updateAndRebalance(group, turn, call, member, request);
  renewSession(member, turn);
  answerJoin(group, turn, call, memberId);
}

function addAndRebalance(group: Group, turn: Turn, call: CallId, memberId: string, request: JoinRequest): void {
  const { groupInstanceId, clientId, clientHost, sessionTimeoutMs, rebalanceTimeoutMs } = request;
  const member: Member = {
    ...{ memberId, groupInstanceId, clientId, clientHost, sessionTimeoutMs, rebalanceTimeoutMs },
    protocols: kept(request),
    assignment: new Uint8Array(0),
    isNew: true,
    expiresAt: turn.now + newMemberJoinTimeoutMs,
    awaitingJoin: call,
    awaitingSync: undefined,
  };
  if (group.state === 'PreparingRebalance' && group.generationId === 0) group.isNewMemberAdded = true;
  addMember(group, member, request.protocolType);
  beginRebalance(group, turn);
}

function updateAndRebalance(group: Group, turn: Turn, call: CallId, member: Member, request: JoinRequest): void {
  takeOver(group, turn, call, member, request);
  beginRebalance(group, turn);
}

/** A static member was restarted: it takes the place that it had, and who still acts under its old id is fenced. */
function comeBack(
  group: Group,
  turn: Turn,
  call: CallId,
  member: Member,
  memberId: string,
  request: JoinRequest,
): void {
  const oldId = member.memberId;
  const oldLeader = group.leader ?? '';
  const oldMetadata = metadataOf(member, group.protocolName);
  refuseWaiting(group, turn, member, oldId, 'FENCED_INSTANCE_ID');
  renameMember(group, member, memberId);
  takeOver(group, turn, call, member, request);
  renewSession(member, turn);
  if (group.state !== 'Stable') return beginRebalance(group, turn);
  const isAsBefore =
    chooseProtocol(group) === group.protocolName && sameTopics(oldMetadata, metadataOf(member, group.protocolName));
  if (!isAsBefore) return beginRebalance(group, turn);
  setAwaitingJoin(group, member, undefined);
  group.subscribedTopics = subscribedTopicsOfGroup(group);
  turn.isSaved = true;
  // A leader that can be told so need not assign; one that cannot is not told that it leads: what it would assign
  // could not be given to the others without a rebalance.
  const isLeader = group.leader === memberId;
  if (request.supportSkippingAssignment) answerJoin(group, turn, call, memberId, { skipAssignment: isLeader });
  else answerJoin(group, turn, call, memberId, { leader: oldLeader, isLeading: false });
}

function takeOver(group: Group, turn: Turn, call: CallId, member: Member, request: JoinRequest): void {
  const { clientId, clientHost } = request;
  changeMember(group, member, { clientId, clientHost, protocols: kept(request) });
  member.sessionTimeoutMs = request.sessionTimeoutMs;
  member.rebalanceTimeoutMs = request.rebalanceTimeoutMs;
  // Two joins of one member: the client has given up the first.
  if (member.awaitingJoin !== undefined)
    refuseJoin(turn, member.awaitingJoin, member.memberId, 'REBALANCE_IN_PROGRESS');
  if (member.awaitingSync !== undefined) refuseWaiting(group, turn, member, member.memberId, 'REBALANCE_IN_PROGRESS');
  setAwaitingJoin(group, member, call);
}

/** What is kept of a request must not keep the whole of its frame in memory. */
function kept({ protocols }: JoinRequest): JoinRequest['protocols'] {
  return protocols.map(({ name, metadata }) => ({ name, metadata: metadata.slice() }));
}
