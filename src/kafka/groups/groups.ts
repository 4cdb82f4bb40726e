// The consumer groups of a broker, all of them: classic groups, with the offsets that they commit.
//
// Groups are spread over a few streams by their names. How many is written down in kv when the first broker begins, and
// never changes: it decides where a group is found.
import { isQanatError, type Runtime, type StreamSet, type Timer } from '../../index.ts';
import type { BrokerLog } from '../broker-log.ts';
import type { BrokerSettings } from '../broker-settings.ts';
import { KafkaRefusal, type KafkaErrorName } from '../kafka-error.ts';
import { consumerProtocolType } from './consumer-protocol.ts';
import type { CommitRequest, FetchedTopic, GroupDescription, HeartbeatRequest, JoinAnswer } from './group-calls.ts';
import type { JoinRequest, LeaveAnswer, ListedGroup, MemberName, SyncAnswer, SyncRequest } from './group-calls.ts';
import type { TopicOutcome, TopicPartitions } from './group-calls.ts';
import { GroupShard } from './group-shard.ts';
import { describeDead, describeGroup, fetchOffsets, listGroup } from './group-views.ts';
import { refusedJoin, refusedSync } from './turn.ts';

/** Where the number of streams is written down. */
const shardsKey = 'kafka/groups';

/** Streams of groups where nobody has begun yet. */
const shardsInitial = 8;

export type GroupSettings = Pick<
  BrokerSettings,
  | 'group.initial.rebalance.delay.ms'
  | 'group.min.session.timeout.ms'
  | 'group.max.session.timeout.ms'
  | 'group.max.size'
  | 'offset.metadata.max.bytes'
  | 'offsets.retention.minutes'
  | 'offsets.retention.check.interval.ms'
>;

interface GroupsOptions {
  readonly streams: StreamSet;
  readonly runtime: Runtime;
  readonly settings: GroupSettings;
  readonly log: BrokerLog;
  /** How long the log of a stream may become before its state is written anew. */
  readonly snapshotAfterBytes?: number | undefined;
}

export class Groups {
  readonly #options: GroupsOptions;
  readonly #shards: readonly GroupShard[];
  #timer: Timer | undefined;

  private constructor(options: GroupsOptions, shards: readonly GroupShard[]) {
    this.#options = options;
    this.#shards = shards;
    this.#expireLater();
  }

  /** Reads what is stored of groups; from then on their members have to be heard of. */
  static async open(options: GroupsOptions): Promise<Groups> {
    const { streams, settings } = options;
    const count = await shardCount(streams);
    const { runtime, log, snapshotAfterBytes } = options;
    const limits = {
      initialRebalanceDelayMs: settings['group.initial.rebalance.delay.ms'],
      sessionTimeoutMinMs: settings['group.min.session.timeout.ms'],
      sessionTimeoutMaxMs: settings['group.max.session.timeout.ms'],
      groupMaxSize: settings['group.max.size'],
    };
    const offsetMetadataMaxLength = settings['offset.metadata.max.bytes'];
    const offsetsRetentionMs = settings['offsets.retention.minutes'] * 60_000;
    const shards = await Promise.all(
      Array.from({ length: count }, async (_, index) => {
        const stream = await streams.openOrCreate(`kafka/groups/${index}`);
        const common = { stream, runtime, log, limits, snapshotAfterBytes };
        return GroupShard.open({ ...common, offsetMetadataMaxLength, offsetsRetentionMs });
      }),
    );
    return new Groups(options, shards);
  }

  async join(request: JoinRequest): Promise<JoinAnswer> {
    const { groupId, memberId, sessionTimeoutMs } = request;
    const { settings } = this.#options;
    if (groupId === '') return refusedJoin(memberId, 'INVALID_GROUP_ID');
    const isTooShort = sessionTimeoutMs < settings['group.min.session.timeout.ms'];
    if (isTooShort || sessionTimeoutMs > settings['group.max.session.timeout.ms'])
      return refusedJoin(memberId, 'INVALID_SESSION_TIMEOUT');
    const rebalanceTimeoutMs = Math.max(0, request.rebalanceTimeoutMs);
    return this.#shardOf(groupId).join({ ...request, rebalanceTimeoutMs });
  }

  async sync(request: SyncRequest): Promise<SyncAnswer> {
    if (request.groupId === '') return refusedSync('INVALID_GROUP_ID');
    return this.#shardOf(request.groupId).sync(request);
  }

  async heartbeat(request: HeartbeatRequest): Promise<KafkaErrorName> {
    return request.groupId === '' ? 'INVALID_GROUP_ID' : this.#shardOf(request.groupId).heartbeat(request);
  }

  async leave(groupId: string, members: readonly MemberName[]): Promise<LeaveAnswer> {
    if (groupId === '') return { error: 'INVALID_GROUP_ID', members: [] };
    return this.#shardOf(groupId).leave(groupId, members);
  }

  /** Commits offsets of partitions that exist: who calls has looked. */
  async commitOffsets(request: CommitRequest): Promise<readonly TopicOutcome[]> {
    return this.#shardOf(request.groupId).commit(request);
  }

  /** Committed offsets of these partitions, or of all that have one. `hold` takes room for them, if there is room. */
  async fetchOffsets(
    groupId: string,
    topics: readonly TopicPartitions[] | null,
    hold: (sizeBytes: number) => boolean = () => true,
  ): Promise<{ readonly error: KafkaErrorName; readonly topics: readonly FetchedTopic[] }> {
    const shard = this.#shardOf(groupId);
    const group = shard.get(groupId);
    const sizeBytes = topics === null ? (group?.offsets.sizeBytes ?? 0) : 0;
    if (sizeBytes > 0 && !hold(sizeBytes)) return { error: 'COORDINATOR_LOAD_IN_PROGRESS', topics: [] };
    const fetched = fetchOffsets(group, topics);
    const failure = await shard.settled(group);
    return failure === undefined ? { error: 'NONE', topics: fetched } : { error: failure, topics: [] };
  }

  /** A group with its members. `hold` takes room for them, if there is room. */
  async describe(
    groupId: string,
    hold: (sizeBytes: number) => boolean = () => true,
  ): Promise<{ readonly error: KafkaErrorName; readonly group: GroupDescription }> {
    const shard = this.#shardOf(groupId);
    const group = shard.get(groupId);
    const sizeBytes = group === undefined ? 0 : group.metadataSizeBytes + group.assignmentsSizeBytes;
    if (sizeBytes > 0 && !hold(sizeBytes))
      return { error: 'COORDINATOR_LOAD_IN_PROGRESS', group: describeDead(groupId) };
    const described = group === undefined ? describeDead(groupId) : describeGroup(group);
    const failure = await shard.settled(group);
    return failure === undefined
      ? { error: 'NONE', group: described }
      : { error: failure, group: describeDead(groupId) };
  }

  /** Groups in one of these states and of one of these types; of none named, any. */
  list(states: readonly string[] = [], types: readonly string[] = []): readonly ListedGroup[] {
    const wanted = new Set(states.map((state) => state.toLowerCase()));
    if (types.length > 0 && !types.some((type) => type.toLowerCase() === 'classic')) return [];
    return this.#shards.flatMap((shard) =>
      [...shard.groups()]
        .filter(({ state }) => wanted.size === 0 || wanted.has(state.toLowerCase()))
        .map((group) => listGroup(group)),
    );
  }

  async deleteGroup(groupId: string): Promise<KafkaErrorName> {
    return this.#shardOf(groupId).deleteGroup(groupId);
  }

  /** Forgets committed offsets, but not of topics that the members of the group read. */
  async deleteOffsets(
    groupId: string,
    topics: readonly TopicPartitions[],
  ): Promise<{ readonly error: KafkaErrorName; readonly topics: readonly TopicOutcome[] }> {
    const shard = this.#shardOf(groupId);
    const group = shard.get(groupId);
    if (group === undefined) return { error: 'GROUP_ID_NOT_FOUND', topics: [] };
    const isInUse = group.state !== 'Empty';
    if (isInUse && group.protocolType !== consumerProtocolType) return { error: 'NON_EMPTY_GROUP', topics: [] };
    const isKept = (name: string): boolean => isInUse && (group.subscribedTopics?.has(name) ?? true);
    const failure = await shard.deleteOffsets(
      group,
      topics.filter(({ name }) => !isKept(name)),
    );
    if (failure !== undefined) return { error: failure, topics: [] };
    const outcomes = topics.map(({ name, partitionIndexes }) => {
      const error: KafkaErrorName = isKept(name) ? 'GROUP_SUBSCRIBED_TO_TOPIC' : 'NONE';
      return { name, partitions: partitionIndexes.map((partitionIndex) => ({ partitionIndex, error })) };
    });
    return { error: 'NONE', topics: outcomes };
  }

  /** Topics were deleted: forgets what was committed for them. */
  async forgetTopics(isGone: (name: string) => boolean): Promise<void> {
    await Promise.all(this.#shards.map((shard) => shard.forgetTopics(isGone)));
  }

  /** Sends away who waits, makes what was said durable, and ends. The streams stay open: they are the set's. */
  async close(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    await Promise.all(this.#shards.map((shard) => shard.close()));
  }

  #expireLater(): void {
    const { runtime, settings } = this.#options;
    const intervalMs = settings['offsets.retention.check.interval.ms'];
    const expire = (): void => {
      for (const shard of this.#shards) shard.expireOffsets();
      this.#expireLater();
    };
    this.#timer = runtime.timers.after(intervalMs, expire, { background: true });
  }

  #shardOf(groupId: string): GroupShard {
    return this.#shards[hashOf(groupId) % this.#shards.length] as GroupShard;
  }
}

/** FNV-1a over the units of the text. It must never change: it says where a group is stored. */
export function hashOf(groupId: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < groupId.length; i++) {
    hash = Math.imul(hash ^ (groupId.charCodeAt(i) & 0xff), 0x01000193);
    hash = Math.imul(hash ^ (groupId.charCodeAt(i) >>> 8), 0x01000193);
  }
  return hash >>> 0;
}

async function shardCount({ kv }: StreamSet): Promise<number> {
  for (;;) {
    const entry = await kv.get(shardsKey, { fresh: true });
    if (entry !== undefined) return readShardCount(entry.value);
    try {
      await kv.put(shardsKey, new TextEncoder().encode(JSON.stringify({ streams: shardsInitial })), { ifVersion: 0 });
    } catch (cause) {
      if (!isQanatError(cause, 'CONFLICT')) throw cause;
    }
  }
}

function readShardCount(value: Uint8Array): number {
  const parsed: unknown = JSON.parse(new TextDecoder().decode(value));
  const { streams } = parsed as { readonly streams: unknown };
  if (typeof streams === 'number' && Number.isSafeInteger(streams) && streams >= 1 && streams <= 1_000) return streams;
  throw new KafkaRefusal('KAFKA_STORAGE_ERROR', `${shardsKey} does not say over how many streams groups are spread`);
}
