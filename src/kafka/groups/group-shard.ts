// The groups of one stream, alive: it hands what happens to the functions that decide, stores what they say has to be
// stored, wakes groups whose time has come, and answers.
//
// Nobody is told anything that is not durable: an answer waits for all that was written of its group before it. A group
// in memory may therefore be ahead of the log, and what is seen of it is not. If the log fails, the stream set has
// ended; whoever waits is sent to look for the coordinator anew.
import type { Runtime, Stream, Timer } from '../../index.ts';
import type { BrokerLog } from '../broker-log.ts';
import type { KafkaErrorName } from '../kafka-error.ts';
import type { CommitRequest, HeartbeatRequest, JoinAnswer, JoinRequest, LeaveAnswer } from './group-calls.ts';
import type { MemberName, SyncAnswer, SyncRequest, TopicOutcome, TopicPartitions } from './group-calls.ts';
import { GroupLog, type Written } from './group-log.ts';
import { newGroup, weightOf, type CallId, type Group } from './group.ts';
import { joinGroup } from './join-group.ts';
import type { LogEntry } from './log-entry.ts';
import { expireGroup, heartbeat, leaveGroup, nextExpiry, syncGroup } from './membership.ts';
import { checkCommit, expiredOffsets, offsetToKeep, sameOutcome } from './offset-commits.ts';
import { completeJoinIfAllHere } from './rebalance.ts';
import { applyEntry, committedEntries, entriesOf, goneEntries, topicsGoneEntries } from './stored-group.ts';
import { resumeGroup, storedGroup, storedOffset } from './stored-group.ts';
import { refusedJoin, refusedSync, type GroupLimits, type Turn } from './turn.ts';

/** What all groups of one stream may take of the memory, by the estimate of `weightOf`. */
const weightMaxBytes = 64 * 1024 * 1024;

/** No timer is set for longer: what comes later is looked at again then. */
const sleepMaxMs = 3_600_000;

interface GroupShardOptions {
  readonly stream: Stream;
  readonly runtime: Runtime;
  readonly log: BrokerLog;
  readonly limits: GroupLimits;
  readonly offsetMetadataMaxLength: number;
  readonly offsetsRetentionMs: number;
  readonly snapshotAfterBytes?: number | undefined;
}

interface Alarm {
  readonly at: number;
  readonly timer: Timer;
}

type Waiting = (answer: { readonly join?: JoinAnswer; readonly sync?: SyncAnswer }) => void;

export class GroupShard {
  readonly #options: GroupShardOptions;
  readonly #log: GroupLog;
  readonly #groups = new Map<string, Group>();
  readonly #alarms = new Map<Group, Alarm>();
  /** The last that was written of a group, until it is durable. */
  readonly #written = new Map<Group, Written>();
  readonly #waiting = new Map<CallId, Waiting>();
  #nextCall = 1;
  #weightBytes = 0;
  #isClosed = false;

  private constructor(options: GroupShardOptions) {
    this.#options = options;
    const { stream, runtime, log, snapshotAfterBytes } = options;
    this.#log = new GroupLog({ stream, runtime, log, snapshotAfterBytes, snapshot: () => this.#everything() });
  }

  static async open(options: GroupShardOptions): Promise<GroupShard> {
    const shard = new GroupShard(options);
    await shard.#log.replay((entry) => applyEntry(shard.#groups, entry));
    for (const group of [...shard.#groups.values()]) {
      shard.#weightBytes += weightOf(group);
      resumeGroup(group, options.runtime.clock.monotonic());
      shard.#act(group, (turn) => completeJoinIfAllHere(group, turn));
      shard.#setAlarm(group, nextExpiry(group));
    }
    return shard;
  }

  groups(): Iterable<Group> {
    return this.#groups.values();
  }

  get(groupId: string): Group | undefined {
    return this.#groups.get(groupId);
  }

  /** What is seen of this group now is durable once this resolves. The error if that is not known. */
  async settled(group: Group | undefined): Promise<KafkaErrorName | undefined> {
    if (this.#isClosed || this.#log.failure !== undefined) return 'NOT_COORDINATOR';
    const written = group === undefined ? undefined : this.#written.get(group);
    return written === undefined ? undefined : this.#outcome(written);
  }

  async join(request: JoinRequest): Promise<JoinAnswer> {
    const isNew = request.memberId === '';
    const known = this.#groups.get(request.groupId);
    if (known === undefined && !isNew) return refusedJoin(request.memberId, 'UNKNOWN_MEMBER_ID');
    const refusal = this.#refusal(isNew);
    if (refusal !== undefined) return refusedJoin(request.memberId, refusal);
    const group = known ?? this.#newGroup(request.groupId);
    const { join } = await this.#wait((call) => this.#act(group, (turn) => joinGroup(group, turn, call, request)));
    return join ?? refusedJoin(request.memberId, 'NOT_COORDINATOR');
  }

  async sync(request: SyncRequest): Promise<SyncAnswer> {
    const group = this.#groups.get(request.groupId);
    if (group === undefined) return refusedSync('UNKNOWN_MEMBER_ID');
    const refusal = this.#refusal(false);
    if (refusal !== undefined) return refusedSync(refusal);
    const { sync } = await this.#wait((call) => this.#act(group, (turn) => syncGroup(group, turn, call, request)));
    return sync ?? refusedSync('NOT_COORDINATOR');
  }

  async heartbeat(request: HeartbeatRequest): Promise<KafkaErrorName> {
    const group = this.#groups.get(request.groupId);
    if (group === undefined) return 'UNKNOWN_MEMBER_ID';
    const error = heartbeat(group, this.#turn(), request); // It changes nothing but until when the member lives.
    return (await this.settled(group)) ?? error;
  }

  async leave(groupId: string, members: readonly MemberName[]): Promise<LeaveAnswer> {
    const group = this.#groups.get(groupId);
    const unknown = members.map((name) => ({ ...name, error: 'UNKNOWN_MEMBER_ID' as const }));
    if (group === undefined) return { error: 'NONE', members: unknown };
    const refusal = this.#refusal(false);
    if (refusal !== undefined) return { error: refusal, members: [] };
    let answer: LeaveAnswer = { error: 'NONE', members: [] };
    this.#act(group, (turn) => (answer = leaveGroup(group, turn, members)));
    const failure = await this.settled(group);
    return failure === undefined ? answer : { error: failure, members: [] };
  }

  async commit(request: CommitRequest): Promise<readonly TopicOutcome[]> {
    const { groupId, generationId, topics } = request;
    const known = this.#groups.get(groupId);
    if (known === undefined && generationId >= 0) return sameOutcome(topics, 'ILLEGAL_GENERATION');
    const refusal = this.#refusal(true);
    if (refusal !== undefined)
      return sameOutcome(topics, refusal === 'GROUP_MAX_SIZE_REACHED' ? 'INVALID_COMMIT_OFFSET_SIZE' : refusal);
    const group = known ?? this.#newGroup(groupId);
    const turn = this.#turn();
    const error = checkCommit(group, turn, request);
    if (error !== undefined) return sameOutcome(topics, (await this.settled(group)) ?? error);
    const before = group.offsets.sizeBytes;
    const kept: [string, ReturnType<typeof storedOffset>[]][] = [];
    const outcomes = topics.map(({ name, partitions }) => {
      const offsets: ReturnType<typeof storedOffset>[] = [];
      kept.push([name, offsets]);
      const judged = partitions.map((partition) => {
        const { partitionIndex } = partition;
        const committed = offsetToKeep(partition, turn.time, this.#options.offsetMetadataMaxLength);
        if (committed === undefined) return { partitionIndex, error: 'OFFSET_METADATA_TOO_LARGE' as const };
        group.offsets.set(name, partitionIndex, committed);
        offsets.push(storedOffset(partitionIndex, committed));
        return { partitionIndex, error: 'NONE' as const };
      });
      return { name, partitions: judged };
    });
    this.#weightBytes += group.offsets.sizeBytes - before;
    this.#write(group, ...committedEntries(groupId, kept));
    const failure = await this.settled(group);
    return failure === undefined ? outcomes : sameOutcome(topics, failure);
  }

  /** Deletes a group that nobody is in. */
  async deleteGroup(groupId: string): Promise<KafkaErrorName> {
    const group = this.#groups.get(groupId);
    if (group === undefined) return 'GROUP_ID_NOT_FOUND';
    if (group.state !== 'Empty') return (await this.settled(group)) ?? 'NON_EMPTY_GROUP';
    const written = this.#write(group, { kind: 'group-gone', groupId });
    this.#forget(group);
    return (await this.#outcome(written)) ?? 'NONE';
  }

  /** Forgets offsets of a group, whatever it is doing. */
  async deleteOffsets(group: Group, topics: readonly TopicPartitions[]): Promise<KafkaErrorName | undefined> {
    const before = group.offsets.sizeBytes;
    for (const { name, partitionIndexes } of topics)
      for (const partition of partitionIndexes) group.offsets.delete(name, partition);
    this.#weightBytes += group.offsets.sizeBytes - before;
    this.#write(group, ...goneEntries(group.groupId, topics));
    return this.settled(group);
  }

  /** Topics were deleted: what was committed for them says nothing of a topic that gets the name later. */
  async forgetTopics(isGone: (name: string) => boolean): Promise<void> {
    const names = new Set<string>();
    for (const { offsets } of this.#groups.values())
      for (const [name] of offsets.topics()) if (isGone(name)) names.add(name);
    if (names.size === 0 || this.#isClosed) return;
    const entries = topicsGoneEntries([...names]);
    for (const entry of entries) applyEntry(this.#groups, entry);
    this.#weightBytes = 0;
    for (const group of this.#groups.values()) this.#weightBytes += weightOf(group);
    await this.#log.write(...entries).done;
  }

  /** Forgets offsets that were kept long enough, and groups of which nothing is left. */
  expireOffsets(): void {
    const { time } = this.#turn();
    for (const group of [...this.#groups.values()]) {
      if (this.#log.isFull || this.#isClosed) return; // The rest has time.
      const topics = expiredOffsets(group, time, this.#options.offsetsRetentionMs);
      if (topics.length > 0) void this.deleteOffsets(group, topics);
      if (group.state !== 'Empty' || !group.offsets.isEmpty || group.pendingMembers.size > 0) continue;
      this.#write(group, { kind: 'group-gone', groupId: group.groupId });
      this.#forget(group);
    }
  }

  /** Sends everybody who waits away, makes what was written durable, and ends. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const { timer } of this.#alarms.values()) timer.cancel();
    this.#alarms.clear();
    for (const answer of this.#waiting.values()) answer({});
    this.#waiting.clear();
    await this.#log.close();
  }

  /** Why nothing is taken now. `isMore`: it would take memory. */
  #refusal(isMore: boolean): KafkaErrorName | undefined {
    if (this.#isClosed || this.#log.failure !== undefined) return 'NOT_COORDINATOR';
    if (this.#log.isFull) return 'COORDINATOR_LOAD_IN_PROGRESS';
    return isMore && this.#weightBytes > weightMaxBytes ? 'GROUP_MAX_SIZE_REACHED' : undefined;
  }

  #turn(): Turn {
    const { runtime, limits } = this.#options;
    const { clock, random } = runtime;
    const drawId = (): string => uuidOf(random.bytes(16));
    return { limits, now: clock.monotonic(), time: clock.now(), drawId, answers: [], isSaved: false, left: [] };
  }

  /** Lets something happen to a group, and carries out what follows. */
  #act(group: Group, happen: (turn: Turn) => void): void {
    const turn = this.#turn();
    const before = weightOf(group);
    happen(turn);
    this.#weightBytes += weightOf(group) - before;
    const { groupId } = group;
    if (turn.isSaved) this.#write(group, { kind: 'group', group: storedGroup(group) });
    else if (turn.left.length > 0) this.#write(group, { kind: 'left', groupId, memberIds: turn.left });
    else if (turn.answers.some(isSuccess)) this.#write(group, { kind: 'nothing' });
    const written = this.#written.get(group);
    for (const { call, ...answer } of turn.answers) {
      const settle = this.#waiting.get(call);
      this.#waiting.delete(call);
      if (settle === undefined) continue;
      if (written === undefined) settle(answer);
      else
        written.done.then(
          () => settle(answer),
          () => settle({}),
        ); // oxlint-disable-line promise/catch-or-return
    }
    // Exact is what is found when the alarm goes off; here it is enough that it does not go off too late.
    const soonest = turn.now + this.#options.limits.sessionTimeoutMinMs;
    this.#setAlarm(group, Math.min(soonest, group.joinTimer?.at ?? Infinity, group.syncExpiresAt ?? Infinity));
  }

  #setAlarm(group: Group, at: number | undefined): void {
    const alarm = this.#alarms.get(group);
    if (at === undefined || this.#isClosed || (alarm !== undefined && alarm.at <= at)) return;
    alarm?.timer.cancel();
    const { clock, timers } = this.#options.runtime;
    const delayMs = Math.min(sleepMaxMs, Math.max(0, at - clock.monotonic()));
    const timer = timers.after(delayMs, () => this.#onAlarm(group), { background: true });
    this.#alarms.set(group, { at, timer });
  }

  #onAlarm(group: Group): void {
    this.#alarms.delete(group);
    if (this.#groups.get(group.groupId) !== group) return;
    if (this.#log.isFull) return this.#setAlarm(group, this.#turn().now + 100); // Nobody is dropped unheard.
    const due = nextExpiry(group);
    if (due !== undefined && due <= this.#turn().now) this.#act(group, (turn) => expireGroup(group, turn));
    if (isNothing(group)) this.#forget(group);
    else this.#setAlarm(group, nextExpiry(group));
  }

  #wait(begin: (call: CallId) => void): Promise<Parameters<Waiting>[0]> {
    return new Promise((resolve) => {
      const call = this.#nextCall++;
      this.#waiting.set(call, resolve);
      begin(call);
    });
  }

  #newGroup(groupId: string): Group {
    const group = newGroup(groupId, this.#options.runtime.clock.now());
    this.#groups.set(groupId, group);
    this.#weightBytes += weightOf(group);
    return group;
  }

  #forget(group: Group): void {
    this.#alarms.get(group)?.timer.cancel();
    this.#alarms.delete(group);
    this.#groups.delete(group.groupId);
    this.#weightBytes -= weightOf(group);
  }

  #write(group: Group, ...entries: readonly LogEntry[]): Written {
    const written = this.#log.write(...entries);
    this.#written.set(group, written);
    const onDone = (): void => {
      if (this.#written.get(group) === written) this.#written.delete(group);
    };
    written.done.then(onDone, onDone); // oxlint-disable-line promise/catch-or-return
    return written;
  }

  async #outcome(written: Written): Promise<KafkaErrorName | undefined> {
    try {
      await written.done;
      return undefined;
    } catch {
      return 'NOT_COORDINATOR';
    }
  }

  /** Everything there is, entry by entry, each as things are when it is asked for; nothing of what is gone by then. */
  *#everything(): Generator<LogEntry> {
    for (const groupId of [...this.#groups.keys()]) {
      const group = this.#groups.get(groupId);
      if (group === undefined) continue;
      for (const entry of entriesOf(group)) {
        if (this.#groups.get(groupId) !== group) break;
        yield entry;
      }
    }
  }
}

function isSuccess(answer: Turn['answers'][number]): boolean {
  return ('join' in answer ? answer.join.error : answer.sync.error) === 'NONE';
}

/** Nobody has been in it and nothing is kept of it: a new one would be the same. */
function isNothing(group: Group): boolean {
  const { state, generationId, pendingMembers, offsets } = group;
  return state === 'Empty' && generationId === 0 && pendingMembers.size === 0 && offsets.isEmpty;
}

/** A random identity in the form that Kafka's members have. */
function uuidOf(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
