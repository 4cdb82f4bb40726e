// A classic group as data: its members, its generation, its offsets, and until when it waits for whom. What may become
// of it is decided by the functions beside this file; here are those that keep the counts of a group right:
//
// - `awaitingJoinCount` is the number of members with a join that waits;
// - `protocolCounts` says how many members could take part in each protocol;
// - `metadataSizeBytes` is what the members weigh in memory and in the log.
//
// A moment is of the monotonic clock, and a time of the wall clock.
import type { MemberProtocol } from './group-calls.ts';
import { GroupOffsets } from './group-offsets.ts';

export type GroupStateName = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable' | 'Dead';

/** A call that waits for its answer. */
export type CallId = number;

/** One member. Its id changes when a static member comes back. */
export interface Member {
  memberId: string;
  readonly groupInstanceId: string | null;
  clientId: string;
  clientHost: string;
  sessionTimeoutMs: number;
  rebalanceTimeoutMs: number;
  protocols: readonly MemberProtocol[];
  assignment: Uint8Array;
  /** It has not been told of any generation: it cannot send heartbeats. */
  isNew: boolean;
  /** The moment at which it is taken for dead, unless it is heard of before. */
  expiresAt: number;
  awaitingJoin: CallId | undefined;
  awaitingSync: CallId | undefined;
}

/** Until when members may join. */
interface JoinTimer {
  at: number;
  /** Of the first rebalance of an empty group: how much longer it may be drawn out while members come. */
  readonly initialRemainingMs: number | undefined;
}

export interface Group {
  readonly groupId: string;
  state: GroupStateName;
  /** The time at which it came into its state. */
  stateSince: number;
  generationId: number;
  protocolType: string | null;
  protocolName: string | null;
  leader: string | null;
  /** In the order in which they came. */
  readonly members: Map<string, Member>;
  /** Ids of static members, by their instance. */
  readonly staticMembers: Map<string, string>;
  /** Ids that were given out and have not been used yet, with the moment at which they lapse. */
  readonly pendingMembers: Map<string, number>;
  /** Members of this generation that have not asked for their assignment. */
  readonly pendingSync: Set<string>;
  syncExpiresAt: number | undefined;
  joinTimer: JoinTimer | undefined;
  /** Somebody new came during the first rebalance: it may be drawn out. */
  isNewMemberAdded: boolean;
  /** Undefined: not known, because the protocol is not that of consumers, or cannot be read. */
  subscribedTopics: ReadonlySet<string> | undefined;
  awaitingJoinCount: number;
  readonly protocolCounts: Map<string, number>;
  metadataSizeBytes: number;
  assignmentsSizeBytes: number;
  readonly offsets: GroupOffsets;
}

/** What a group weighs without any content, and each id that was given out. */
const groupSizeBytes = 1_024;
const pendingSizeBytes = 256;

/** What a member weighs besides its texts and bytes. */
const memberSizeBytes = 256;
const protocolSizeBytes = 64;

export function newGroup(groupId: string, time: number): Group {
  return {
    groupId,
    state: 'Empty',
    stateSince: time,
    generationId: 0,
    protocolType: null,
    protocolName: null,
    leader: null,
    members: new Map(),
    staticMembers: new Map(),
    pendingMembers: new Map(),
    pendingSync: new Set(),
    syncExpiresAt: undefined,
    joinTimer: undefined,
    isNewMemberAdded: false,
    subscribedTopics: undefined,
    awaitingJoinCount: 0,
    protocolCounts: new Map(),
    metadataSizeBytes: 0,
    assignmentsSizeBytes: 0,
    offsets: new GroupOffsets(),
  };
}

/** Adds a member that is in no group yet. The first one decides the protocol type, and leads. */
export function addMember(group: Group, member: Member, protocolType: string): void {
  if (group.members.size === 0) group.protocolType = protocolType;
  group.members.set(member.memberId, member);
  if (member.groupInstanceId !== null) group.staticMembers.set(member.groupInstanceId, member.memberId);
  group.leader ??= member.memberId;
  if (member.awaitingJoin !== undefined) group.awaitingJoinCount++;
  count(group, member, 1);
}

/** Takes a member out. Whoever waits in its name must have been answered. */
export function dropMember(group: Group, member: Member): void {
  group.members.delete(member.memberId);
  group.pendingSync.delete(member.memberId);
  const { groupInstanceId } = member;
  if (groupInstanceId !== null && group.staticMembers.get(groupInstanceId) === member.memberId)
    group.staticMembers.delete(groupInstanceId);
  if (member.awaitingJoin !== undefined) group.awaitingJoinCount--;
  count(group, member, -1);
  if (group.leader === member.memberId) group.leader = group.members.keys().next().value ?? null;
}

/** Gives a member the id under which it came back, and a place at the end of the order. */
export function renameMember(group: Group, member: Member, memberId: string): void {
  const wasLeader = group.leader === member.memberId;
  group.members.delete(member.memberId);
  group.pendingSync.delete(member.memberId);
  changeMember(group, member, { memberId });
  group.members.set(memberId, member);
  if (member.groupInstanceId !== null) group.staticMembers.set(member.groupInstanceId, memberId);
  if (wasLeader) group.leader = memberId;
}

/** Changes what a member weighs or could take part in. */
export function changeMember(
  group: Group,
  member: Member,
  change: Partial<Pick<Member, 'memberId' | 'clientId' | 'clientHost' | 'protocols'>>,
): void {
  count(group, member, -1);
  Object.assign(member, change);
  count(group, member, 1);
}

export function setAwaitingJoin(group: Group, member: Member, call: CallId | undefined): void {
  if (member.awaitingJoin !== undefined) group.awaitingJoinCount--;
  member.awaitingJoin = call;
  if (call !== undefined) group.awaitingJoinCount++;
}

/** What a member of these protocols and texts weighs; no less than what it takes in the log. */
export function sizeOfMember(protocols: readonly MemberProtocol[], ...texts: readonly (string | null)[]): number {
  let sizeBytes = memberSizeBytes;
  for (const text of texts) sizeBytes += 3 * (text?.length ?? 0);
  for (const { name, metadata } of protocols) sizeBytes += protocolSizeBytes + 3 * name.length + metadata.byteLength;
  return sizeBytes;
}

/** About what a group takes of the memory. */
export function weightOf(group: Group): number {
  const { metadataSizeBytes, assignmentsSizeBytes, pendingMembers, groupId, offsets } = group;
  const ownBytes = groupSizeBytes + 2 * groupId.length + pendingSizeBytes * pendingMembers.size;
  return ownBytes + metadataSizeBytes + assignmentsSizeBytes + offsets.sizeBytes;
}

/** The longest time that a member asks others to wait for it. */
export function rebalanceTimeoutOf(group: Group): number {
  let longest = 0;
  for (const { rebalanceTimeoutMs } of group.members.values()) longest = Math.max(longest, rebalanceTimeoutMs);
  return longest;
}

/** The metadata of a member for a protocol; empty if it has none. */
export function metadataOf(member: Member, protocolName: string | null): Uint8Array {
  return member.protocols.find(({ name }) => name === protocolName)?.metadata ?? new Uint8Array(0);
}

function count(group: Group, member: Member, by: 1 | -1): void {
  for (const name of new Set(member.protocols.map((protocol) => protocol.name))) {
    const now = (group.protocolCounts.get(name) ?? 0) + by;
    if (now === 0) group.protocolCounts.delete(name);
    else group.protocolCounts.set(name, now);
  }
  const { protocols, memberId, groupInstanceId, clientId, clientHost } = member;
  group.metadataSizeBytes += by * sizeOfMember(protocols, memberId, groupInstanceId, clientId, clientHost);
}
