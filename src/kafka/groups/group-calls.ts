// What is asked of a group and what it answers, under the names that Kafka's messages have for it.
import type { KafkaErrorName } from '../kafka-error.ts';

/** A protocol that a member could take part in, in the order of its preference. */
export interface MemberProtocol {
  readonly name: string;
  readonly metadata: Uint8Array;
}

export interface JoinRequest {
  readonly groupId: string;
  /** Empty: a member that has no id yet. */
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly protocolType: string;
  readonly protocols: readonly MemberProtocol[];
  /** A new member is given its id first, and joins with it (version 4 and later). */
  readonly requireKnownMemberId: boolean;
  /** The client understands that a leader need not assign (version 9 and later). */
  readonly supportSkippingAssignment: boolean;
}

interface JoinedMember {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly metadata: Uint8Array;
}

export interface JoinAnswer {
  readonly error: KafkaErrorName;
  readonly generationId: number;
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly leader: string;
  readonly skipAssignment: boolean;
  readonly memberId: string;
  /** Everybody, for the leader; nobody, for the others. */
  readonly members: readonly JoinedMember[];
}

export interface SyncRequest {
  readonly groupId: string;
  readonly generationId: number;
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  /** What the member takes the group to be; null in versions that do not say. */
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  /** Of the leader; empty from the others. */
  readonly assignments: readonly { readonly memberId: string; readonly assignment: Uint8Array }[];
}

export interface SyncAnswer {
  readonly error: KafkaErrorName;
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly assignment: Uint8Array;
}

/** A member as it names itself. */
export interface MemberName {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
}

export interface HeartbeatRequest extends MemberName {
  readonly groupId: string;
  readonly generationId: number;
}

export interface LeaveAnswer {
  /** What concerns all. */
  readonly error: KafkaErrorName;
  readonly members: readonly (MemberName & { readonly error: KafkaErrorName })[];
}

export interface CommitRequest extends MemberName {
  readonly groupId: string;
  /** −1: who commits takes no part in the group. */
  readonly generationId: number;
  readonly topics: readonly {
    readonly name: string;
    readonly partitions: readonly CommittedPartition[];
  }[];
}

export interface CommittedPartition {
  readonly partitionIndex: number;
  readonly committedOffset: number;
  /** −1: the client does not know it. */
  readonly committedLeaderEpoch: number;
  readonly committedMetadata: string | null;
  /** When it was committed and for how long it is kept, where the client says so; −1 otherwise. */
  readonly commitTimestamp?: number;
  readonly retentionTimeMs?: number;
}

export interface TopicOutcome {
  readonly name: string;
  readonly partitions: readonly { readonly partitionIndex: number; readonly error: KafkaErrorName }[];
}

/** Partitions of topics. */
export interface TopicPartitions {
  readonly name: string;
  readonly partitionIndexes: readonly number[];
}

export interface FetchedTopic {
  readonly name: string;
  readonly partitions: readonly {
    readonly partitionIndex: number;
    /** −1: none is committed. */
    readonly committedOffset: number;
    readonly committedLeaderEpoch: number;
    readonly metadata: string;
  }[];
}

export interface GroupDescription {
  readonly groupId: string;
  readonly groupState: string;
  readonly protocolType: string;
  readonly protocolData: string;
  readonly members: readonly {
    readonly memberId: string;
    readonly groupInstanceId: string | null;
    readonly clientId: string;
    readonly clientHost: string;
    readonly memberMetadata: Uint8Array;
    readonly memberAssignment: Uint8Array;
  }[];
}

export interface ListedGroup {
  readonly groupId: string;
  readonly protocolType: string;
  readonly groupState: string;
  readonly groupType: 'classic';
}
