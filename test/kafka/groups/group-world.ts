// A world of groups in virtual time: a stream set on a store in memory, its groups, and members that speak as clients
// do. The broker may be killed and started again on what is durable.
import { MemoryObjectStore, objectWal, StreamSet } from '../../../src/index.ts';
import { silentLog } from '../../../src/kafka/broker-log.ts';
import type { CommitRequest, JoinAnswer, JoinRequest } from '../../../src/kafka/groups/group-calls.ts';
import { Groups, type GroupSettings } from '../../../src/kafka/groups/groups.ts';
import type { KafkaErrorName } from '../../../src/kafka/kafka-error.ts';
import { FaultyObjectStore } from '../../../src/testkit/faulty-object-store.ts';
import { SeededRuntime } from '../../../src/testkit/seeded-runtime.ts';

export const groupSettings: GroupSettings = {
  'group.initial.rebalance.delay.ms': 3_000,
  'group.min.session.timeout.ms': 6_000,
  'group.max.session.timeout.ms': 1_800_000,
  'group.max.size': 10_000,
  'offset.metadata.max.bytes': 4_096,
  'offsets.retention.minutes': 10_080,
  'offsets.retention.check.interval.ms': 600_000,
};

export interface GroupWorldOptions {
  readonly seed?: number;
  readonly settings?: Partial<GroupSettings>;
  readonly snapshotAfterBytes?: number;
  /** How long a request to the store takes at most; none takes any time unless given. */
  readonly latencyMaxMs?: number;
  /** What the world may take of its own time; two months unless given. */
  readonly runMaxMs?: number;
}

const twoMonthsMs = 60 * 24 * 60 * 60 * 1_000;

export class GroupWorld {
  readonly runtime: SeededRuntime;
  readonly store: MemoryObjectStore = new MemoryObjectStore();
  readonly #options: GroupWorldOptions;
  #connection: FaultyObjectStore | undefined;
  #set: StreamSet | undefined;
  #groups: Groups | undefined;
  readonly #left: StreamSet[] = [];

  private constructor(runtime: SeededRuntime, options: GroupWorldOptions) {
    this.runtime = runtime;
    this.#options = options;
  }

  /** Runs `body` in a world of its own. */
  static run(body: (world: GroupWorld) => Promise<void>, options: GroupWorldOptions = {}): Promise<void> {
    const { seed = 1, runMaxMs = twoMonthsMs } = options;
    const runtime = new SeededRuntime({ seed, runMaxMs });
    return runtime.run(async () => {
      const world = new GroupWorld(runtime, options);
      await world.start();
      try {
        await body(world);
      } finally {
        await world.stop();
        for (const set of world.#left) await set.close();
      }
    });
  }

  get groups(): Groups {
    if (this.#groups === undefined) throw new Error('the broker is down');
    return this.#groups;
  }

  get set(): StreamSet {
    if (this.#set === undefined) throw new Error('the broker is down');
    return this.#set;
  }

  get now(): number {
    return this.runtime.clock.now();
  }

  async start(): Promise<void> {
    const { runtime } = this;
    const { settings, snapshotAfterBytes, latencyMaxMs } = this.#options;
    const latency = { kind: 'latency', minMs: 1, maxMs: latencyMaxMs ?? 1 } as const;
    const faults = latencyMaxMs === undefined ? [] : [{ fault: latency }];
    const store = new FaultyObjectStore(this.store, { runtime, faults });
    const streams = await StreamSet.open({ node: 'broker', store, runtime, wal: objectWal() });
    this.#connection = store;
    this.#set = streams;
    const all = { ...groupSettings, ...settings };
    this.#groups = await Groups.open({ streams, runtime, settings: all, log: silentLog, snapshotAfterBytes });
  }

  /** Ends the broker as SIGTERM does. */
  async stop(): Promise<void> {
    await this.#groups?.close();
    await this.#set?.close();
    this.#groups = undefined;
    this.#set = undefined;
  }

  /**
   * Starts another broker in place of this one. 'kill': this one dies at once, and what it was writing it has written
   * or not. 'fence': it is not dead, and finds out when it writes.
   */
  async restart(how: 'kill' | 'fence' = 'kill'): Promise<void> {
    if (this.#set !== undefined) this.#left.push(this.#set);
    const before = this.#groups;
    if (how === 'kill') this.#connection?.crash({ underWay: 'either' });
    await this.start();
    await before?.close();
  }

  /** Lets another broker take over from this one, which is fenced and does not know it yet. */
  async usurp(): Promise<Groups> {
    this.#left.push(this.set);
    const before = this.groups;
    await this.start();
    return before;
  }

  /** Makes everything that was appended part of objects. */
  upload(): Promise<void> {
    return this.set.upload();
  }

  /** The log of one stream of groups: from where it is kept, and what that takes. */
  async readLog(index: number): Promise<{ startOffset: number; endOffset: number; bytes: number }> {
    const reader = await this.set.reader(`kafka/groups/${index}`);
    const { startOffset, endOffset } = reader;
    const { batches } = await reader.read(startOffset, { maxBytes: 2 ** 30 });
    return { startOffset, endOffset, bytes: batches.reduce((sum, batch) => sum + batch.bytes.byteLength, 0) };
  }

  wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.runtime.timers.after(ms, resolve);
    });
  }

  member(name: string, more: Partial<JoinRequest> = {}): TestMember {
    return new TestMember(this, name, more);
  }

  /** Members that have joined and know what they are to do: the first of them leads. */
  async stable(members: readonly TestMember[]): Promise<void> {
    const joined = await Promise.all(members.map((member) => member.join()));
    const generations = new Set(joined.map(({ error, generationId }) => `${error} ${generationId}`));
    if (generations.size !== 1 || joined[0]?.error !== 'NONE') throw new Error([...generations].join(', '));
    const synced = await Promise.all(members.map((member) => member.sync()));
    const [wrong] = synced.filter((error) => error !== 'NONE');
    if (wrong !== undefined) throw new Error(wrong);
  }
}

/** The metadata of a consumer that has subscribed to these topics. */
export function subscription(...topics: readonly string[]): Uint8Array {
  const parts = topics.map((topic) => {
    const bytes = Buffer.from(topic);
    const length = Buffer.alloc(2);
    length.writeInt16BE(bytes.byteLength);
    return Buffer.concat([length, bytes]);
  });
  const head = Buffer.alloc(6);
  head.writeInt16BE(1, 0);
  head.writeInt32BE(topics.length, 2);
  return Buffer.concat([head, ...parts, Buffer.from([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0])]);
}

/** A client in a group. */
export class TestMember {
  readonly name: string;
  readonly request: JoinRequest;
  readonly #world: GroupWorld;
  memberId = '';
  generationId = -1;
  isLeader = false;
  /** The last answer to a join. */
  joined: JoinAnswer | undefined;
  assignment = '';
  /** What it gives to others when it leads. */
  assign: (to: { readonly memberId: string }) => string = ({ memberId }) => `${memberId} in ${this.generationId}`;

  constructor(world: GroupWorld, name: string, more: Partial<JoinRequest>) {
    this.#world = world;
    this.name = name;
    this.request = {
      groupId: 'group',
      memberId: '',
      groupInstanceId: null,
      clientId: name,
      clientHost: '/127.0.0.1',
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 60_000,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: subscription('orders') }],
      requireKnownMemberId: more.groupInstanceId === undefined || more.groupInstanceId === null,
      supportSkippingAssignment: true,
      ...more,
    };
  }

  get #self(): { groupId: string; memberId: string; groupInstanceId: string | null; generationId: number } {
    const { groupId, groupInstanceId } = this.request;
    return { groupId, groupInstanceId, memberId: this.memberId, generationId: this.generationId };
  }

  /** Joins as a client does: with the id that it is given, if it is given one first. */
  async join(more: Partial<JoinRequest> = {}): Promise<JoinAnswer> {
    let answer = await this.#world.groups.join({ ...this.request, memberId: this.memberId, ...more });
    if (answer.error === 'MEMBER_ID_REQUIRED') {
      this.memberId = answer.memberId;
      answer = await this.#world.groups.join({ ...this.request, memberId: this.memberId, ...more });
    }
    this.joined = answer;
    if (answer.error === 'NONE') {
      this.memberId = answer.memberId;
      this.generationId = answer.generationId;
      this.isLeader = answer.leader === answer.memberId;
    } else if (answer.error === 'UNKNOWN_MEMBER_ID') this.memberId = '';
    return answer;
  }

  /** Asks for its assignment; a leader gives everybody one, which tells for whom it is and of which generation. */
  async sync(): Promise<KafkaErrorName> {
    const assignments = (this.isLeader && this.joined?.skipAssignment !== true ? (this.joined?.members ?? []) : []).map(
      ({ memberId }) => ({ memberId, assignment: Buffer.from(this.assign({ memberId })) }),
    );
    const answer = await this.#world.groups.sync({
      ...this.#self,
      protocolType: this.request.protocolType,
      protocolName: this.joined?.protocolName ?? null,
      assignments,
    });
    if (answer.error === 'NONE') this.assignment = Buffer.from(answer.assignment).toString();
    if (answer.error === 'UNKNOWN_MEMBER_ID') this.memberId = '';
    return answer.error;
  }

  heartbeat(): Promise<KafkaErrorName> {
    return this.#world.groups.heartbeat(this.#self);
  }

  async leave(): Promise<KafkaErrorName> {
    const { groupId, memberId, groupInstanceId } = this.#self;
    const { error, members } = await this.#world.groups.leave(groupId, [{ memberId, groupInstanceId }]);
    return error === 'NONE' ? (members[0]?.error ?? 'NONE') : error;
  }

  /** Commits one offset; the error. */
  async commit(topic: string, partition: number, offset: number, more: Partial<CommitRequest> = {}): Promise<string> {
    return commit(this.#world, topic, partition, offset, { ...this.#self, ...more });
  }
}

/** Commits one offset of a client that takes part in no group, unless said otherwise; the error. */
export async function commit(
  { groups }: GroupWorld,
  topic: string,
  partition: number,
  offset: number,
  more: Partial<CommitRequest> & { readonly metadata?: string; readonly retentionTimeMs?: number } = {},
): Promise<string> {
  const { metadata = '', retentionTimeMs = -1, ...request } = more;
  const place = { committedOffset: offset, committedLeaderEpoch: 7, committedMetadata: metadata, retentionTimeMs };
  const topics = [{ name: topic, partitions: [{ partitionIndex: partition, ...place }] }];
  const simple = { groupId: 'group', generationId: -1, memberId: '', groupInstanceId: null };
  const [outcome] = await groups.commitOffsets({ ...simple, ...request, topics });
  return outcome?.partitions[0]?.error ?? 'no answer';
}

/** The offset that is committed for a partition; −1 if none. */
export async function committed(
  { groups }: GroupWorld,
  topic: string,
  partition: number,
  groupId = 'group',
): Promise<number> {
  const { topics } = await groups.fetchOffsets(groupId, [{ name: topic, partitionIndexes: [partition] }]);
  return topics[0]?.partitions[0]?.committedOffset ?? Number.NaN;
}
