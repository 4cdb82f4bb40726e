// The partitions that are open here. Each is opened when somebody first asks for it, once for all who ask; its stream
// is made then, if it is not there. A partition of a topic that is gone is never opened.
import type { Runtime, Stream, StreamSet } from '../../index.ts';
import type { BrokerLog } from '../broker-log.ts';
import type { BrokerSettings } from '../broker-settings.ts';
import { KafkaRefusal, refusalOf } from '../kafka-error.ts';
import { eachLimited, Places } from './limited.ts';
import { Partition } from './partition.ts';
import { ProducerMemory } from './producer-memory.ts';
import { RecordsAhead } from './records-ahead.ts';
import { partitionStreamName, producersStreamName, type Topic } from './topic.ts';
import type { Topics } from './topics.ts';

/** Partitions that are opened at once where all are wanted: they share records of the journal. */
const openingsMax = 256;
/** Partitions that read back what they know of producers at once. */
const recoveriesMax = 16;
/** Partitions that leave a snapshot behind at once. */
const closingsMax = 64;
/** Producers that one partition remembers: a snapshot of them all fits one batch with room to spare. */
const producersMax = 10_000;

export interface PartitionsOptions {
  readonly streams: StreamSet;
  readonly runtime: Runtime;
  readonly topics: Topics;
  readonly settings: BrokerSettings;
  readonly log: BrokerLog;
}

type Entry = Partition | Promise<Partition>;

export class Partitions {
  readonly #options: PartitionsOptions;
  /** By the id of the topic, then by index. */
  readonly #open = new Map<string, Map<number, Entry>>();
  readonly #recoveries = new Places(recoveriesMax);
  /** Streams that are there, as far as they have not been opened yet. */
  readonly #existing: Set<string>;
  #isClosed = false;

  private constructor(options: PartitionsOptions, existing: Set<string>) {
    this.#options = options;
    this.#existing = existing;
    options.topics.subscribe({
      changed: (topic) => this.#changed(topic),
      deleted: (topic) => this.#deleted(topic),
    });
  }

  /** Looks which streams there are. Opens none. */
  static async load(options: PartitionsOptions): Promise<Partitions> {
    const existing = new Set<string>();
    for await (const { name } of options.streams.list({ prefix: 'kafka/' })) if (name !== undefined) existing.add(name);
    return new Partitions(options, existing);
  }

  /** A partition: at once if it is open. Throws where there is none. */
  of(topic: Topic, index: number): Entry {
    const found = this.#open.get(topic.id)?.get(index);
    if (found !== undefined) return found;
    const { topics } = this.#options;
    const known = topics.byId(topic.id);
    if (this.#isClosed) throw new KafkaRefusal('NOT_LEADER_OR_FOLLOWER', 'The broker is stopping.');
    if (known === undefined || !Number.isInteger(index) || index < 0 || index >= known.partitionCount)
      throw new KafkaRefusal('UNKNOWN_TOPIC_OR_PARTITION', `There is no partition ${index} of topic ${topic.name}.`);
    const opening = this.#openOne(known, index);
    this.#entriesOf(topic.id).set(index, opening);
    opening.catch(() => {}); // Whoever asked is told.
    return opening;
  }

  /** A partition, if it is open. */
  opened(topic: Topic, index: number): Partition | undefined {
    const entry = this.#open.get(topic.id)?.get(index);
    return entry instanceof Partition ? entry : undefined;
  }

  /** All that are open. */
  *all(): IterableIterator<Partition> {
    for (const entries of this.#open.values())
      for (const entry of entries.values()) if (entry instanceof Partition) yield entry;
  }

  /** Opens all partitions that have a stream, so that what is done to all of them is done to these. Never rejects. */
  async openExisting(): Promise<void> {
    const { topics, log, streams } = this.#options;
    const wanted = topics
      .all()
      .flatMap((topic) => Array.from({ length: topic.partitionCount }, (_, index) => ({ topic, index })))
      .filter(({ topic, index }) => this.#existing.has(partitionStreamName(topic.id, index)));
    await eachLimited(wanted, openingsMax, async ({ topic, index }) => {
      if (this.#isClosed || topics.byId(topic.id) === undefined) return;
      try {
        await this.of(topic, index);
      } catch (cause) {
        const error = refusalOf(cause).message;
        if (streams.status === 'open')
          log.log('error', 'A partition could not be opened.', { topic: topic.name, partition: index, error });
      }
    });
  }

  /** Opens no more, and leaves behind what the next start wants to know. The streams stay open until the set closes. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const entries = [...this.#open.values()].flatMap((one) => [...one.values()]);
    await eachLimited(entries, closingsMax, async (entry) => {
      const partition = await Promise.resolve(entry).catch(() => undefined);
      await partition?.close();
    });
  }

  #entriesOf(topicId: string): Map<number, Entry> {
    let entries = this.#open.get(topicId);
    if (entries === undefined) this.#open.set(topicId, (entries = new Map()));
    return entries;
  }

  async #openOne(topic: Topic, index: number): Promise<Partition> {
    const { streams, topics } = this.#options;
    try {
      const stream = await streams.openOrCreate(partitionStreamName(topic.id, index));
      this.#existing.delete(partitionStreamName(topic.id, index));
      const known = topics.byId(topic.id);
      if (known === undefined)
        throw new KafkaRefusal('UNKNOWN_TOPIC_OR_PARTITION', `The topic ${topic.name} was deleted.`);
      const partition = this.#partitionOf(known, index, stream);
      this.#entriesOf(topic.id).set(index, partition);
      return partition;
    } catch (cause) {
      const entries = this.#open.get(topic.id);
      entries?.delete(index); // The next who asks tries again.
      if (entries?.size === 0) this.#open.delete(topic.id);
      throw refusalOf(cause);
    }
  }

  #partitionOf(topic: Topic, index: number, stream: Stream): Partition {
    const { streams, runtime, settings, log } = this.#options;
    const ahead = new RecordsAhead();
    const snapshotsName = producersStreamName(topic.id, index);
    const memory = new ProducerMemory({
      ...{ streams, runtime, stream, snapshotsName, ahead },
      hasSnapshots: this.#existing.delete(snapshotsName),
      limits: { expirationMs: settings['producer.id.expiration.ms'], producersMax },
      places: this.#recoveries,
      onFailure: (cause) => {
        if (streams.status !== 'open' || this.#options.topics.byId(topic.id) === undefined) return;
        const error = cause instanceof Error ? cause.message : String(cause);
        log.log('debug', 'A snapshot of producers could not be written.', {
          topic: topic.name,
          partition: index,
          error,
        });
      },
    });
    return new Partition({ topic, index, streams, stream, runtime, memory, ahead });
  }

  #changed(topic: Topic): void {
    for (const entry of this.#open.get(topic.id)?.values() ?? []) if (entry instanceof Partition) entry.changed(topic);
  }

  async #deleted({ id }: Topic): Promise<void> {
    const entries = [...(this.#open.get(id)?.values() ?? [])];
    this.#open.delete(id);
    await Promise.allSettled(
      entries.map(async (entry) => {
        const partition = entry instanceof Partition ? entry : await entry;
        await partition.abandon();
      }),
    );
  }
}
