// The offsets that a group has committed, by topic and partition, and which of them have been kept long enough.
import type { TopicPartitions } from './group-calls.ts';

/** One committed offset. */
export interface CommittedOffset {
  readonly offset: number;
  /** −1: not known. */
  readonly leaderEpoch: number;
  readonly metadata: string;
  /** The time of the commit. */
  readonly committedAt: number;
  /** The time at which it lapses, where the client has named one. */
  readonly expiresAt: number | undefined;
}

export class GroupOffsets {
  readonly #topics = new Map<string, Map<number, CommittedOffset>>();
  #sizeBytes = 0;

  /** About what they take of the memory. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  get isEmpty(): boolean {
    return this.#topics.size === 0;
  }

  get(topic: string, partition: number): CommittedOffset | undefined {
    return this.#topics.get(topic)?.get(partition);
  }

  set(topic: string, partition: number, committed: CommittedOffset): void {
    let partitions = this.#topics.get(topic);
    if (partitions === undefined) this.#topics.set(topic, (partitions = new Map()));
    this.#sizeBytes += sizeOf(committed) - sizeOf(partitions.get(partition));
    partitions.set(partition, committed);
  }

  /** Whether there was one. */
  delete(topic: string, partition: number): boolean {
    const partitions = this.#topics.get(topic);
    const committed = partitions?.get(partition);
    if (partitions === undefined || committed === undefined) return false;
    partitions.delete(partition);
    this.#sizeBytes -= sizeOf(committed);
    if (partitions.size === 0) this.#topics.delete(topic);
    return true;
  }

  /** All topics with their partitions. */
  topics(): IterableIterator<[string, ReadonlyMap<number, CommittedOffset>]> {
    return this.#topics.entries();
  }

  topic(name: string): ReadonlyMap<number, CommittedOffset> | undefined {
    return this.#topics.get(name);
  }

  /**
   * Those that have been kept for `retentionMs` since the time that `since` says, or until the time that their client
   * has named; not of the topics in `inUse`.
   */
  expired(
    time: number,
    retentionMs: number,
    since: (committed: CommittedOffset) => number,
    inUse: ReadonlySet<string> = new Set(),
  ): readonly TopicPartitions[] {
    const found: TopicPartitions[] = [];
    for (const [name, partitions] of this.#topics) {
      if (inUse.has(name)) continue;
      const partitionIndexes: number[] = [];
      for (const [partition, committed] of partitions) {
        if (time >= (committed.expiresAt ?? since(committed) + retentionMs)) partitionIndexes.push(partition);
      }
      if (partitionIndexes.length > 0) found.push({ name, partitionIndexes });
    }
    return found;
  }
}

function sizeOf(committed: CommittedOffset | undefined): number {
  return committed === undefined ? 0 : 128 + 2 * committed.metadata.length;
}
