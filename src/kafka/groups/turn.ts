// One thing that happens to a group: a call, or that time has passed. The functions that decide what becomes of the
// group change it and write down here who is answered and what has to be stored; nobody is told anything before that
// is durable.
import type { KafkaErrorName } from '../kafka-error.ts';
import type { JoinAnswer, SyncAnswer } from './group-calls.ts';
import { metadataOf, setAwaitingJoin, type CallId, type Group, type Member } from './group.ts';

/** What limits groups. */
export interface GroupLimits {
  readonly initialRebalanceDelayMs: number;
  readonly sessionTimeoutMinMs: number;
  readonly sessionTimeoutMaxMs: number;
  readonly groupMaxSize: number;
}

export interface Turn {
  readonly limits: GroupLimits;
  /** The moment, by the monotonic clock. */
  readonly now: number;
  /** The time, by the wall clock. */
  readonly time: number;
  /** A random identity, for a member that has none. */
  readonly drawId: () => string;
  readonly answers: ({ readonly call: CallId } & ({ readonly join: JoinAnswer } | { readonly sync: SyncAnswer }))[];
  /** The group has to be stored as it is at the end of the turn. */
  isSaved: boolean;
  /** Members that left of their own accord. */
  readonly left: string[];
}

/** The answer to a join that is refused. */
export function refusedJoin(memberId: string, error: KafkaErrorName): JoinAnswer {
  const nothing = { generationId: -1, protocolType: null, protocolName: null, leader: '', skipAssignment: false };
  return { error, ...nothing, memberId, members: [] };
}

/** The answer to a sync that is refused. */
export function refusedSync(error: KafkaErrorName): SyncAnswer {
  return { error, protocolType: null, protocolName: null, assignment: new Uint8Array(0) };
}

export function refuseJoin(turn: Turn, call: CallId, memberId: string, error: KafkaErrorName): void {
  turn.answers.push({ call, join: refusedJoin(memberId, error) });
}

export function refuseSync(turn: Turn, call: CallId, error: KafkaErrorName): void {
  turn.answers.push({ call, sync: refusedSync(error) });
}

/** Answers a join with the group as it is. Another `leader` than the group's keeps a client from leading. */
export function answerJoin(
  group: Group,
  turn: Turn,
  call: CallId,
  memberId: string,
  more: { readonly leader?: string; readonly skipAssignment?: boolean; readonly isLeading?: boolean } = {},
): void {
  const { generationId, protocolType, protocolName } = group;
  const isLeading = more.isLeading ?? group.leader === memberId;
  const members = isLeading
    ? [...group.members.values()].map((member) => ({
        memberId: member.memberId,
        groupInstanceId: member.groupInstanceId,
        metadata: metadataOf(member, protocolName),
      }))
    : [];
  const leader = more.leader ?? group.leader ?? '';
  const skipAssignment = more.skipAssignment ?? false;
  const join = { error: 'NONE', generationId, protocolType, protocolName, leader, skipAssignment, memberId, members };
  turn.answers.push({ call, join: join as JoinAnswer });
}

export function answerSync(group: Group, turn: Turn, call: CallId, assignment: Uint8Array): void {
  const { protocolType, protocolName } = group;
  turn.answers.push({ call, sync: { error: 'NONE', protocolType, protocolName, assignment } });
}

/** Ends whatever waits in the name of a member. */
export function refuseWaiting(group: Group, turn: Turn, member: Member, memberId: string, error: KafkaErrorName): void {
  if (member.awaitingJoin !== undefined) refuseJoin(turn, member.awaitingJoin, memberId, error);
  if (member.awaitingSync !== undefined) refuseSync(turn, member.awaitingSync, error);
  setAwaitingJoin(group, member, undefined);
  member.awaitingSync = undefined;
}

/** A member was heard of, or is given its time anew. */
export function renewSession(member: Member, turn: Turn, forMs: number = member.sessionTimeoutMs): void {
  member.expiresAt = turn.now + forMs;
}

/** Who it is that a member says it is: undefined if that is so. */
export function checkMember(group: Group, memberId: string, instanceId: string | null): KafkaErrorName | undefined {
  if (instanceId !== null) {
    const known = group.staticMembers.get(instanceId);
    if (known === undefined) return 'UNKNOWN_MEMBER_ID';
    if (known !== memberId) return 'FENCED_INSTANCE_ID';
  }
  return group.members.has(memberId) ? undefined : 'UNKNOWN_MEMBER_ID';
}
