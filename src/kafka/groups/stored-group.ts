// A group on its way to the log and back.
import type { TopicPartitions } from './group-calls.ts';
import { subscribedTopicsOfGroup } from './rebalance.ts';
import { addMember, dropMember, newGroup, rebalanceTimeoutOf } from './group.ts';
import type { Group, Member } from './group.ts';
import type { CommittedOffset } from './group-offsets.ts';
import { storedStates, type LogEntry, type StoredGroup, type StoredMember, type StoredOffset } from './log-entry.ts';

/** Partitions and topics in one entry: a name has at most 249 characters, so that it fits an append. */
const entryNamesMax = 10_000;

/** Offsets are spread over entries of this size, and each weighs so much besides its metadata. */
const entrySizeBytes = 262_144;
const offsetSizeBytes = 32;

/**
 * The group without its offsets. Members that have been told of no generation are left out: their clients will join
 * again, and nothing was promised to them.
 */
export function storedGroup(group: Group): StoredGroup {
  const members = [...group.members.values()].filter(({ isNew }) => !isNew);
  const isNobody = members.length === 0;
  const { groupId, stateSince, generationId, protocolType, protocolName } = group;
  const leader = members.find(({ memberId }) => memberId === group.leader) ?? members[0];
  return {
    ...{ groupId, stateSince, generationId, protocolType },
    protocolName: isNobody ? null : protocolName,
    state: storedStates.indexOf(isNobody ? 'Empty' : group.state),
    leader: leader?.memberId ?? null,
    members: members.map(storedMember),
  };
}

function storedMember(member: Member): StoredMember {
  const { memberId, groupInstanceId, clientId, clientHost, sessionTimeoutMs, rebalanceTimeoutMs } = member;
  const { protocols, assignment } = member;
  return {
    memberId,
    groupInstanceId,
    clientId,
    clientHost,
    sessionTimeoutMs,
    rebalanceTimeoutMs,
    protocols,
    assignment,
  };
}

/** Everything there is to say of a group. */
export function* entriesOf(group: Group): Generator<LogEntry> {
  if (group.generationId > 0 || group.protocolType !== null) yield { kind: 'group', group: storedGroup(group) };
  yield* committedEntries(group.groupId, storedTopics(group));
}

function* storedTopics({ offsets }: Group): Generator<readonly [string, Iterable<StoredOffset>]> {
  for (const [name, partitions] of offsets.topics()) yield [name, storedOffsets(partitions)];
}

function* storedOffsets(partitions: ReadonlyMap<number, CommittedOffset>): Generator<StoredOffset> {
  for (const [partition, committed] of partitions) yield storedOffset(partition, committed);
}

export function storedOffset(partition: number, committed: CommittedOffset): StoredOffset {
  return { partition, ...committed, expiresAt: committed.expiresAt ?? -1 };
}

/** Offsets as entries, none of which is larger than about `entrySizeBytes`. */
export function* committedEntries(
  groupId: string,
  topics: Iterable<readonly [string, Iterable<StoredOffset>]>,
): Generator<LogEntry> {
  let collected: { name: string; partitions: StoredOffset[] }[] = [];
  let sizeBytes = 0;
  for (const [name, offsets] of topics) {
    let partitions: StoredOffset[] | undefined;
    for (const offset of offsets) {
      if (partitions === undefined) collected.push({ name, partitions: (partitions = []) });
      partitions.push(offset);
      sizeBytes += offsetSizeBytes + 3 * (offset.metadata.length + (partitions.length === 1 ? name.length : 0));
      if (sizeBytes < entrySizeBytes) continue;
      yield { kind: 'committed', groupId, topics: collected };
      collected = [];
      sizeBytes = 0;
      partitions = undefined;
    }
  }
  if (collected.length > 0) yield { kind: 'committed', groupId, topics: collected };
}

/** That offsets are gone, as entries of which each can be read in one go. */
export function goneEntries(groupId: string, topics: readonly TopicPartitions[]): readonly LogEntry[] {
  const collected: TopicPartitions[][] = [[]];
  let count = 0;
  for (const { name, partitionIndexes } of topics) {
    for (let from = 0; from < partitionIndexes.length; from += entryNamesMax) {
      const some = partitionIndexes.slice(from, from + entryNamesMax);
      count += 1 + some.length;
      if (count > entryNamesMax) {
        collected.push([]);
        count = 1 + some.length;
      }
      collected.at(-1)?.push({ name, partitionIndexes: some });
    }
  }
  return collected.filter(({ length }) => length > 0).map((some) => ({ kind: 'offsets-gone', groupId, topics: some }));
}

/** That topics are gone, for all groups of the log. */
export function topicsGoneEntries(names: readonly string[]): readonly LogEntry[] {
  const entries: LogEntry[] = [];
  for (let from = 0; from < names.length; from += entryNamesMax)
    entries.push({ kind: 'topics-gone', names: names.slice(from, from + entryNamesMax) });
  return entries;
}

/** Does to the groups of a log what an entry says. Sessions and rebalances are begun when all entries are read. */
export function applyEntry(groups: Map<string, Group>, entry: LogEntry): void {
  switch (entry.kind) {
    case 'group':
      return restoreGroup(groups, entry.group);
    case 'left':
      return restoreLeft(groups.get(entry.groupId), entry.memberIds);
    case 'committed': {
      const { offsets } = groupNamed(groups, entry.groupId);
      for (const { name, partitions } of entry.topics) {
        for (const { partition, expiresAt, ...committed } of partitions)
          offsets.set(name, partition, { ...committed, expiresAt: expiresAt < 0 ? undefined : expiresAt });
      }
      return;
    }
    case 'offsets-gone': {
      const group = groups.get(entry.groupId);
      for (const { name, partitionIndexes } of entry.topics)
        for (const partition of partitionIndexes) group?.offsets.delete(name, partition);
      return;
    }
    case 'group-gone':
      return void groups.delete(entry.groupId);
    case 'topics-gone':
      for (const group of groups.values()) {
        for (const name of entry.names)
          for (const partition of [...(group.offsets.topic(name)?.keys() ?? [])]) group.offsets.delete(name, partition);
      }
      return;
    case 'nothing':
  }
}

function groupNamed(groups: Map<string, Group>, groupId: string): Group {
  let group = groups.get(groupId);
  if (group === undefined) groups.set(groupId, (group = newGroup(groupId, 0)));
  return group;
}

function restoreGroup(groups: Map<string, Group>, stored: StoredGroup): void {
  const before = groups.get(stored.groupId);
  const group = newGroup(stored.groupId, stored.stateSince);
  for (const { protocols, assignment, ...member } of stored.members) {
    const kept = protocols.map(({ name, metadata }) => ({ name, metadata: metadata.slice() }));
    const life = { isNew: false, expiresAt: 0, awaitingJoin: undefined, awaitingSync: undefined };
    group.assignmentsSizeBytes += assignment.byteLength;
    addMember(group, { ...member, protocols: kept, assignment: assignment.slice(), ...life }, '');
  }
  const { generationId, protocolType, protocolName, leader } = stored;
  Object.assign(group, { generationId, protocolType, protocolName, leader });
  group.state = storedStates[stored.state] ?? 'Empty';
  groups.set(stored.groupId, before === undefined ? group : { ...group, offsets: before.offsets });
}

function restoreLeft(group: Group | undefined, memberIds: readonly string[]): void {
  for (const memberId of memberIds) {
    const member = group?.members.get(memberId);
    if (group === undefined || member === undefined) continue;
    dropMember(group, member);
    group.state = 'PreparingRebalance';
  }
}

/** Lets a group that was read from the log go on: nobody was heard of while nobody listened, so sessions begin anew. */
export function resumeGroup(group: Group, now: number): void {
  group.subscribedTopics = subscribedTopicsOfGroup(group);
  for (const member of group.members.values()) {
    member.expiresAt = now + member.sessionTimeoutMs;
    if (group.state === 'CompletingRebalance') group.pendingSync.add(member.memberId);
  }
  const timeoutAt = now + rebalanceTimeoutOf(group);
  if (group.state === 'CompletingRebalance') group.syncExpiresAt = timeoutAt;
  if (group.state === 'PreparingRebalance') group.joinTimer = { at: timeoutAt, initialRemainingMs: undefined };
}
