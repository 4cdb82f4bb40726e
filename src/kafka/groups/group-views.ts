// What is told of groups to those who ask.
import type { FetchedTopic, GroupDescription, ListedGroup, TopicPartitions } from './group-calls.ts';
import { metadataOf, type Group } from './group.ts';

export function describeGroup(group: Group): GroupDescription {
  // Only in a stable group does everybody have the protocol and the assignment that the group has.
  const isStable = group.state === 'Stable';
  const nothing = new Uint8Array(0);
  return {
    groupId: group.groupId,
    groupState: group.state,
    protocolType: group.protocolType ?? '',
    protocolData: isStable ? (group.protocolName ?? '') : '',
    members: [...group.members.values()].map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      memberMetadata: isStable ? metadataOf(member, group.protocolName) : nothing,
      memberAssignment: isStable ? member.assignment : nothing,
    })),
  };
}

/** A group that there is not. */
export function describeDead(groupId: string): GroupDescription {
  return { groupId, groupState: 'Dead', protocolType: '', protocolData: '', members: [] };
}

export function listGroup({ groupId, protocolType, state }: Group): ListedGroup {
  return { groupId, protocolType: protocolType ?? '', groupState: state, groupType: 'classic' };
}

/** Offsets of these partitions, −1 where there is none; of all that have one, if `topics` is null. */
export function fetchOffsets(group: Group | undefined, topics: readonly TopicPartitions[] | null): FetchedTopic[] {
  const wanted: Iterable<readonly [string, Iterable<number>]> =
    topics === null
      ? [...(group?.offsets.topics() ?? [])].map(([name, partitions]) => [name, partitions.keys()] as const)
      : topics.map(({ name, partitionIndexes }) => [name, partitionIndexes] as const);
  return [...wanted].map(([name, partitions]) => ({
    name,
    partitions: [...partitions].map((partitionIndex) => {
      const committed = group?.offsets.get(name, partitionIndex);
      return {
        partitionIndex,
        committedOffset: committed?.offset ?? -1,
        committedLeaderEpoch: committed?.leaderEpoch ?? -1,
        metadata: committed?.metadata ?? '',
      };
    }),
  }));
}
