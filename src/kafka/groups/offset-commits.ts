// Which commits of offsets a group takes, and which it has kept long enough.
import type { KafkaErrorName } from '../kafka-error.ts';
import { consumerProtocolType } from './consumer-protocol.ts';
import type { CommitRequest, CommittedPartition, TopicOutcome, TopicPartitions } from './group-calls.ts';
import type { CommittedOffset } from './group-offsets.ts';
import type { Group } from './group.ts';
import { checkMember, renewSession, type Turn } from './turn.ts';

/** Why the group takes no commit from this client now; undefined if it does. */
export function checkCommit(group: Group, turn: Turn, request: CommitRequest): KafkaErrorName | undefined {
  const { generationId, memberId, groupInstanceId } = request;
  // Who takes no part in the group may commit while nobody does.
  if (generationId < 0 && group.state === 'Empty') return undefined;
  if (generationId < 0 && memberId === '' && groupInstanceId === null) return 'UNKNOWN_MEMBER_ID';
  const error = checkMember(group, memberId, groupInstanceId);
  const member = group.members.get(memberId);
  if (error !== undefined || member === undefined) return error ?? 'UNKNOWN_MEMBER_ID';
  if (generationId !== group.generationId) return 'ILLEGAL_GENERATION';
  renewSession(member, turn);
  // It has joined this generation and does not know yet what it is to do in it: what it commits is of the last one.
  return group.state === 'CompletingRebalance' ? 'REBALANCE_IN_PROGRESS' : undefined;
}

/** The offset to keep; undefined if its metadata is too long. */
export function offsetToKeep(
  partition: CommittedPartition,
  time: number,
  metadataMaxLength: number,
): CommittedOffset | undefined {
  const { committedOffset, committedLeaderEpoch, committedMetadata, commitTimestamp = -1 } = partition;
  const { retentionTimeMs = -1 } = partition;
  const metadata = committedMetadata ?? '';
  if (metadata.length > metadataMaxLength) return undefined;
  const committedAt = commitTimestamp >= 0 ? commitTimestamp : time;
  const expiresAt = retentionTimeMs >= 0 ? Math.min(committedAt + retentionTimeMs, Number.MAX_SAFE_INTEGER) : undefined;
  return { offset: committedOffset, leaderEpoch: committedLeaderEpoch, metadata, committedAt, expiresAt };
}

/**
 * What has been kept long enough. Of a group that had members it counts from when the last one was gone; of a client
 * that only keeps offsets here, from each commit; a group of consumers keeps those of the topics that it reads.
 */
export function expiredOffsets(group: Group, time: number, retentionMs: number): readonly TopicPartitions[] {
  const { offsets, protocolType, state, subscribedTopics } = group;
  if (protocolType === null) return offsets.expired(time, retentionMs, ({ committedAt }) => committedAt);
  if (state === 'Empty') return offsets.expired(time, retentionMs, () => group.stateSince);
  if (state !== 'Stable' || protocolType !== consumerProtocolType || subscribedTopics === undefined) return [];
  return offsets.expired(time, retentionMs, ({ committedAt }) => committedAt, subscribedTopics);
}

/** The same outcome for everything that was asked. */
export function sameOutcome(
  topics: readonly { readonly name: string; readonly partitions: readonly { readonly partitionIndex: number }[] }[],
  error: KafkaErrorName,
): readonly TopicOutcome[] {
  return topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, error })),
  }));
}
