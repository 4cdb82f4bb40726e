// The topics there are. The key-value store decides: a topic exists from the moment its value is written, and is gone
// from the moment it is deleted. What is in memory follows what was decided.
//
// Streams come later and go later: they are made when a partition is first used, and deleted by name when their topic
// is gone. A crash in between leaves streams of a topic that nobody knows; they are deleted at the next start.
import type { Runtime, StreamSet } from '../../index.ts';
import type { BrokerLog } from '../broker-log.ts';
import { KafkaRefusal, refusalOf } from '../kafka-error.ts';
import type { BrokerConfigs } from './broker-configs.ts';
import { deleteDocument, putDocument } from './kv-document.ts';
import { StreamRemoval } from './stream-removal.ts';
import { checkedOverrides, topicConfigOf, type Overrides } from './topic-configs.ts';
import { checkTopicName, collisionKey } from './topic-names.ts';
import {
  decodeTopic,
  drawTopicId,
  encodeTopic,
  type StoredTopic,
  type Topic,
  topicIdOfStream,
  topicKeyPrefix,
} from './topic.ts';

/** Partitions of one topic. */
const partitionsPerTopicMax = 10_000;
/** Times that a change is tried over what others have written. */
const attemptsMax = 5;

/** A topic as somebody wants it. */
export interface NewTopic {
  readonly name: string;
  readonly partitionCount: number;
  readonly overrides: Overrides;
}

/** What is told of a change. */
export interface TopicsListener {
  /** A topic has other configurations, or more partitions. */
  changed(topic: Topic): void;
  /** A topic is gone. Its streams are deleted when this resolves: nobody makes any of them after that. */
  deleted(topic: Topic): Promise<void>;
}

export interface TopicsOptions {
  readonly streams: StreamSet;
  readonly runtime: Runtime;
  readonly configs: BrokerConfigs;
  readonly log: BrokerLog;
}

interface Known {
  topic: Topic;
  version: number;
}

export class Topics {
  readonly #options: TopicsOptions;
  readonly #byName = new Map<string, Known>();
  readonly #byId = new Map<string, Known>();
  /** Names of topics that exist or are being made, by what they are in names of metrics. */
  readonly #collisions = new Map<string, string>();
  /** Changes of one topic, one after the other. */
  readonly #turns = new Map<string, Promise<unknown>>();
  readonly #removal: StreamRemoval;
  readonly #listeners: TopicsListener[] = [];
  #partitionCount = 0;
  /** Made when it is asked for, and forgotten with every change. */
  #sorted: readonly Topic[] | undefined;

  private constructor(options: TopicsOptions) {
    this.#options = options;
    this.#removal = new StreamRemoval(options.streams, options.log);
  }

  /** Reads what there is, and begins to delete what a crash has left. */
  static async load(options: TopicsOptions): Promise<Topics> {
    const topics = new Topics(options);
    const { streams, configs } = options;
    // Streams are looked at before the topics: of none of them can the topic be created in between.
    const names: string[] = [];
    for await (const { name } of streams.list({ prefix: 'kafka/' })) if (name !== undefined) names.push(name);
    for await (const { key, value, version } of streams.kv.list({ prefix: topicKeyPrefix })) {
      const name = key.slice(topicKeyPrefix.length);
      topics.#learn(name, decodeTopic(name, value), version);
    }
    configs.onChange(() => topics.#configsChanged());
    const left = names.filter((name) => {
      const id = topicIdOfStream(name);
      return id !== undefined && !topics.#byId.has(id);
    });
    if (left.length > 0) {
      options.log.log('info', 'Deleting what is left of topics that were deleted.', { streams: left.length });
      topics.#removal.begin(() => Promise.resolve(left));
    }
    return topics;
  }

  byName(name: string): Topic | undefined {
    return this.#byName.get(name)?.topic;
  }

  byId(id: string): Topic | undefined {
    return this.#byId.get(id)?.topic;
  }

  /** All topics, in the order of their names. */
  all(): readonly Topic[] {
    this.#sorted ??= [...this.#byName.values()]
      .map(({ topic }) => topic)
      .toSorted((a, b) => (a.name < b.name ? -1 : Number(a.name > b.name)));
    return this.#sorted;
  }

  /** Is told of every change, before whoever asked for it. */
  subscribe(listener: TopicsListener): void {
    this.#listeners.push(listener);
  }

  /** What would be created, checked; refuses what cannot be. */
  check({ name, partitionCount, overrides }: NewTopic): Topic {
    checkTopicName(name);
    if (this.#byName.has(name)) throw alreadyExists(name);
    const other = this.#collisions.get(collisionKey(name));
    if (other === name) throw alreadyExists(name);
    if (other !== undefined)
      throw new KafkaRefusal('INVALID_TOPIC_EXCEPTION', `Topic '${name}' collides with existing topic: ${other}.`);
    this.#checkPartitions(partitionCount, partitionCount);
    const stored = {
      id: drawTopicId(this.#options.runtime.random),
      partitionCount,
      overrides: checkedOverrides(overrides),
    };
    encodeTopic(name, stored);
    return this.#topicOf(name, stored);
  }

  /** Creates a topic; it can be used when this resolves. */
  async create(wanted: NewTopic): Promise<Topic> {
    const topic = this.check(wanted);
    const { name, partitionCount } = topic;
    const collision = collisionKey(name);
    this.#collisions.set(collision, name);
    this.#partitionCount += partitionCount;
    try {
      return await this.#inTurn(name, async () => {
        const key = topicKeyPrefix + name;
        const written = await putDocument(this.#options.streams.kv, key, encodeTopic(name, topic), 0);
        if (!written.done) {
          await this.#reload(name);
          throw alreadyExists(name);
        }
        this.#learn(name, topic, written.version);
        this.#options.log.log('info', 'Created a topic.', { topic: name, id: topic.id, partitions: partitionCount });
        return this.byName(name) as Topic;
      });
    } finally {
      this.#partitionCount -= partitionCount; // It has been counted as known, if it has become so.
      if (!this.#byName.has(name)) this.#collisions.delete(collision);
    }
  }

  /** Deletes a topic; only if it has this id, where one is given. Its streams are deleted in the background. */
  async delete(name: string, id?: string): Promise<void> {
    await this.#inTurn(name, async () => {
      for (let attempt = 1; attempt <= attemptsMax; attempt++) {
        const { topic, version } = this.#get(name);
        if (id !== undefined && topic.id !== id)
          throw new KafkaRefusal('UNKNOWN_TOPIC_ID', `There is no topic with the id ${id}.`);
        if (await deleteDocument(this.#options.streams.kv, topicKeyPrefix + name, version)) return this.#forget(name);
        await this.#reload(name);
      }
      throw busy(name);
    });
  }

  /** Gives a topic more partitions: `partitionCount` in all. */
  async addPartitions(name: string, partitionCount: number, validateOnly: boolean): Promise<Topic> {
    return this.#change(name, validateOnly, (topic) => {
      const { partitionCount: before } = topic;
      if (partitionCount === before)
        throw new KafkaRefusal('INVALID_PARTITIONS', `Topic already has ${before} partition(s).`);
      if (partitionCount < before)
        throw new KafkaRefusal(
          'INVALID_PARTITIONS',
          `The topic ${name} currently has ${before} partition(s); ${partitionCount} would not be an increase.`,
        );
      this.#checkPartitions(partitionCount, partitionCount - before);
      return { ...topic, partitionCount };
    });
  }

  /** Replaces what was set for a topic by what `change` makes of it. */
  async alter(name: string, change: (overrides: Overrides) => Overrides, validateOnly: boolean): Promise<Topic> {
    return this.#change(name, validateOnly, (topic) => ({
      ...topic,
      overrides: checkedOverrides(change(topic.overrides)),
    }));
  }

  /** Resolves when no stream of a deleted topic is left, or could be deleted. */
  async settled(): Promise<void> {
    await this.#removal.settled();
  }

  /** Stops deleting. What is left is deleted at the next start. */
  async close(): Promise<void> {
    await this.#removal.close();
  }

  async #change(name: string, validateOnly: boolean, change: (topic: Topic) => StoredTopic): Promise<Topic> {
    return this.#inTurn(name, async () => {
      for (let attempt = 1; attempt <= attemptsMax; attempt++) {
        const { topic, version } = this.#get(name);
        const stored = change(topic);
        const bytes = encodeTopic(name, stored);
        if (validateOnly) return this.#topicOf(name, stored);
        const written = await putDocument(this.#options.streams.kv, topicKeyPrefix + name, bytes, version);
        if (written.done) return this.#learn(name, stored, written.version);
        await this.#reload(name);
      }
      throw busy(name);
    });
  }

  #get(name: string): Known {
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    throw new KafkaRefusal('UNKNOWN_TOPIC_OR_PARTITION', `There is no topic ${JSON.stringify(name)}.`);
  }

  #checkPartitions(count: number, more: number): void {
    if (count < 1) throw new KafkaRefusal('INVALID_PARTITIONS', 'Number of partitions must be larger than 0.');
    if (count > partitionsPerTopicMax)
      throw new KafkaRefusal(
        'POLICY_VIOLATION',
        `A topic has at most ${partitionsPerTopicMax} partitions here; ${count} were asked for.`,
      );
    const max = this.#options.configs.settings['qanat.partitions.max'];
    if (this.#partitionCount + more > max)
      throw new KafkaRefusal(
        'POLICY_VIOLATION',
        `All topics together have at most ${max} partitions (qanat.partitions.max); there are ${this.#partitionCount}.`,
      );
  }

  /** Somebody else has written: what is there now counts. */
  async #reload(name: string): Promise<void> {
    const entry = await this.#options.streams.kv.get(topicKeyPrefix + name, { fresh: true });
    if (entry === undefined) return this.#forget(name);
    const stored = decodeTopic(name, entry.value);
    if (this.byName(name)?.id !== stored.id) this.#forget(name);
    this.#learn(name, stored, entry.version);
  }

  #learn(name: string, stored: StoredTopic, version: number): Topic {
    const topic = this.#topicOf(name, stored);
    this.#sorted = undefined;
    const known = this.#byName.get(name);
    this.#partitionCount += topic.partitionCount - (known?.topic.partitionCount ?? 0);
    if (known === undefined) {
      const fresh = { topic, version };
      this.#byName.set(name, fresh);
      this.#byId.set(topic.id, fresh);
      this.#collisions.set(collisionKey(name), name);
      return topic;
    }
    known.topic = topic;
    known.version = version;
    for (const listener of this.#listeners) listener.changed(topic);
    return topic;
  }

  #forget(name: string): void {
    const known = this.#byName.get(name);
    if (known === undefined) return;
    const { topic } = known;
    this.#sorted = undefined;
    this.#byName.delete(name);
    this.#byId.delete(topic.id);
    this.#collisions.delete(collisionKey(name));
    this.#partitionCount -= topic.partitionCount;
    this.#options.log.log('info', 'Deleted a topic.', { topic: name, id: topic.id });
    const released = this.#listeners.map((listener) => listener.deleted(topic));
    this.#removal.begin(async () => {
      await Promise.allSettled(released);
      return this.#streamsOf(topic);
    });
  }

  #topicOf(name: string, { id, partitionCount, overrides }: StoredTopic): Topic {
    const { configs } = this.#options;
    const config = topicConfigOf((key) =>
      Object.hasOwn(overrides, key) ? (overrides[key] as string) : configs.topicConfig(key),
    );
    return { name, id, partitionCount, overrides, config };
  }

  #configsChanged(): void {
    this.#sorted = undefined;
    for (const known of this.#byName.values()) {
      known.topic = this.#topicOf(known.topic.name, known.topic);
      for (const listener of this.#listeners) listener.changed(known.topic);
    }
  }

  async #inTurn<T>(name: string, task: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(name) ?? Promise.resolve();
    const turn = before.then(task).catch((cause: unknown) => {
      throw refusalOf(cause);
    });
    const quiet = turn.catch(() => {});
    this.#turns.set(name, quiet);
    try {
      return await turn;
    } finally {
      if (this.#turns.get(name) === quiet) this.#turns.delete(name);
    }
  }

  async #streamsOf({ id }: Topic): Promise<readonly string[]> {
    const names: string[] = [];
    for await (const { name } of this.#options.streams.list({ prefix: `kafka/${id}/` }))
      if (name !== undefined) names.push(name);
    return names;
  }
}

function alreadyExists(name: string): KafkaRefusal {
  return new KafkaRefusal('TOPIC_ALREADY_EXISTS', `Topic '${name}' already exists.`);
}

function busy(name: string): KafkaRefusal {
  return new KafkaRefusal('REQUEST_TIMED_OUT', `The topic ${name} was changed by others all the time.`);
}
