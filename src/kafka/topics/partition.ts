// A partition: one stream of the storage engine, in which one record batch of Kafka is one batch, and an offset is an
// offset.
//
// Invariants. A batch is checked, judged, given its place and handed to the engine in one synchronous section, so that
// the offset in it is the one it gets. A batch that was sent twice is answered when the first one is durable, not
// before. What the engine has taken either becomes durable or ends the set: there is nothing to take back.
import type { OffsetRange, Runtime, Stream, StreamSet } from '../../index.ts';
import { KafkaRefusal, refusalOf } from '../kafka-error.ts';
import { setBatchPlace, stampAppendTime } from '../records/batch-header.ts';
import { type CheckedBatch, checkedBatches } from '../records/checked-batches.ts';
import type { ProducedBatch } from '../records/producer-snapshot.ts';
import type { TimedOffset } from '../records/time-lookup.ts';
import { endOfEpoch, type EpochEnd, type EpochStart } from './epoch-end.ts';
import { engineTimestamp, findLatest, findOffsetAt } from './partition-times.ts';
import { PartitionReaders } from './partition-readers.ts';
import type { ProducerMemory } from './producer-memory.ts';
import type { RecordsAhead } from './records-ahead.ts';
import { retainedFrom } from './retention-plan.ts';
import type { Topic } from './topic.ts';

/** How long a produce waits until the partition knows its producers. */
const readyMaxMs = 5_000;

/** What a producer is told. */
export interface Produced {
  readonly baseOffset: number;
  /** −1 where records keep the time of their producer. */
  readonly logAppendTimeMs: number;
  readonly logStartOffset: number;
}

/** What a fetch of one partition found. */
export interface Fetched {
  readonly batches: readonly Uint8Array[];
  readonly sizeBytes: number;
  readonly highWatermark: number;
  readonly logStartOffset: number;
}

export interface FetchLimits {
  /** Give the first batch even if it is larger than the limit. */
  readonly minOneBatch: boolean;
  readonly signal?: AbortSignal | undefined;
}

interface Waiting {
  readonly signal?: AbortSignal | undefined;
}

export interface PartitionOptions {
  readonly topic: Topic;
  readonly index: number;
  readonly streams: StreamSet;
  readonly stream: Stream;
  readonly runtime: Runtime;
  readonly memory: ProducerMemory;
  readonly ahead: RecordsAhead;
}

export class Partition {
  readonly index: number;
  readonly #streams: StreamSet;
  readonly #stream: Stream;
  readonly #runtime: Runtime;
  readonly #memory: ProducerMemory;
  readonly #ahead: RecordsAhead;
  readonly #readers: PartitionReaders;
  #topic: Topic;
  #isGone = false;
  /** Records appended here, and their bytes: what a record weighs that is not in an object yet. */
  #appendedRecords = 0;
  #appendedBytes = 0;

  constructor({ topic, index, streams, stream, runtime, memory, ahead }: PartitionOptions) {
    this.#topic = topic;
    this.index = index;
    this.#streams = streams;
    this.#stream = stream;
    this.#runtime = runtime;
    this.#memory = memory;
    this.#ahead = ahead;
    this.#readers = new PartitionReaders(streams, stream);
  }

  /** The topic as it is now. */
  get topic(): Topic {
    return this.#topic;
  }

  get leaderEpoch(): number {
    return this.#stream.streamEpoch;
  }

  get logStartOffset(): number {
    return this.#stream.startOffset;
  }

  /** The end of what is durable. */
  get highWatermark(): number {
    return this.#stream.endOffset;
  }

  /** Refuses a client that knows another leader epoch than this one; −1 knows none. */
  checkLeaderEpoch(known: number): void {
    const live = this.leaderEpoch;
    if (known < 0 || known === live) return;
    if (known < live)
      throw new KafkaRefusal('FENCED_LEADER_EPOCH', `The leader epoch is ${live}, not ${known} any more.`);
    throw new KafkaRefusal('UNKNOWN_LEADER_EPOCH', `The leader epoch is ${live}; ${known} is not known here.`);
  }

  /**
   * Appends what a producer sent. `records` is patched, and belongs to the partition from now on. The place is given at
   * the call, in the order of the calls, except for idempotent producers right after the partition was opened.
   */
  append(records: Uint8Array): Promise<Produced> {
    try {
      this.#checkHere();
      const { config } = this.#topic;
      const nowMs = this.#runtime.clock.now();
      const batches = checkedBatches(records, {
        nowMs,
        maxMessageBytes: config.maxMessageBytes,
        timestampType: config.timestampType,
        timestampBeforeMaxMs: config.timestampBeforeMaxMs,
        timestampAfterMaxMs: config.timestampAfterMaxMs,
        keysNeeded: config.compacts,
      });
      const batch = batches[0] as CheckedBatch; // A produce has exactly one for a partition.
      if (!this.#memory.isReady) {
        const ready = this.#memory.ready();
        if (batch.header.producerId >= 0) return this.#placeWhen(ready, batch);
        ready.catch(() => {}); // Whoever needs it tries again.
      }
      return this.#place(batch, nowMs);
    } catch (cause) {
      return Promise.reject(this.#refusalOf(cause));
    }
  }

  /** Batches from the one that holds `offset` on, whole, and no more than `maxBytes` of them. */
  async read(offset: number, maxBytes: number, { minOneBatch, signal }: FetchLimits): Promise<Fetched> {
    try {
      this.#checkHere();
      const { startOffset, endOffset } = this.#stream;
      if (offset < startOffset || offset > endOffset)
        throw new KafkaRefusal('OFFSET_OUT_OF_RANGE', `Offset ${offset} is not in [${startOffset}, ${endOffset}].`);
      if (offset === endOffset || (maxBytes < 1 && !minOneBatch)) return nothing(endOffset, startOffset);
      const found = await this.#readers.read(offset, { maxBytes: Math.max(1, Math.trunc(maxBytes)), signal });
      let sizeBytes = 0;
      for (const { bytes } of found.batches) sizeBytes += bytes.byteLength;
      if (sizeBytes > maxBytes && !minOneBatch) return nothing(found.endOffset, found.startOffset);
      return {
        batches: found.batches.map(({ bytes }) => bytes),
        sizeBytes,
        highWatermark: found.endOffset,
        logStartOffset: found.startOffset,
      };
    } catch (cause) {
      throw this.#refusalOf(cause);
    }
  }

  /** Resolves with the high watermark as soon as it is beyond `offset`. */
  async whenBeyond(offset: number, { signal }: Waiting = {}): Promise<number> {
    return this.#told(() => this.#stream.whenBeyond(offset, { signal }), signal);
  }

  /** The first record whose timestamp is at or after `timestamp`. */
  async offsetAt(timestamp: number, { signal }: Waiting = {}): Promise<TimedOffset | undefined> {
    return this.#told(() => findOffsetAt(this.#stream, this.#ahead, timestamp, signal), signal);
  }

  /** The record with the latest timestamp. */
  async latestTimestamp({ signal }: Waiting = {}): Promise<TimedOffset | undefined> {
    return this.#told(() => findLatest(this.#stream, this.#ahead, this.#runtime.clock.now(), signal), signal);
  }

  /** Forgets what is below `offset`, or everything with −1; resolves with the first offset that is left. */
  async deleteRecords(offset: number): Promise<number> {
    return this.#told(async () => {
      if (!this.#topic.config.deletes)
        throw new KafkaRefusal(
          'POLICY_VIOLATION',
          `Records of ${this.#topic.name} are not deleted by its cleanup.policy.`,
        );
      const { startOffset, endOffset } = this.#stream;
      const to = offset === -1 ? endOffset : offset;
      if (to < 0 || to > endOffset)
        throw new KafkaRefusal('OFFSET_OUT_OF_RANGE', `Offset ${offset} is not in [${startOffset}, ${endOffset}].`);
      await this.#trim(to);
      return this.logStartOffset;
    }, undefined);
  }

  /** Where a leader epoch ended. */
  async epochEnd(leaderEpoch: number): Promise<EpochEnd> {
    return this.#told(async () => endOfEpoch(await this.#epochs(), this.highWatermark, leaderEpoch), undefined);
  }

  /** Forgets what is too old or too much, and producers that were silent for too long. How many records went. */
  async retain(signal: AbortSignal): Promise<number> {
    return this.#told(async () => {
      const nowMs = this.#runtime.clock.now();
      this.#memory.expire(nowMs);
      const { retentionMs, retentionBytes, deletes } = this.#topic.config;
      if (!deletes) return 0;
      const { startOffset, endOffset } = this.#stream;
      let from = startOffset;
      // Everything before the first batch that is young enough; what is appended meanwhile is young.
      if (retentionMs >= 0 && retentionMs < nowMs)
        from = (await this.#stream.offsetAt(nowMs - retentionMs, { signal })) ?? endOffset;
      if (retentionBytes >= 0) {
        const { objects, endOffset: registeredEnd } = await this.#streams.describe(this.#stream.id, { signal });
        const recordBytes = this.#appendedRecords === 0 ? 0 : this.#appendedBytes / this.#appendedRecords;
        const outsideBytes = Math.max(0, endOffset - registeredEnd) * recordBytes;
        from = Math.max(from, retainedFrom(objects, outsideBytes, retentionBytes));
      }
      const to = Math.min(from, endOffset);
      if (to <= startOffset) return 0;
      await this.#trim(to, signal);
      return to - startOffset;
    }, signal);
  }

  /** The topic has changed. */
  changed(topic: Topic): void {
    this.#topic = topic;
  }

  /** The topic is gone. */
  async abandon(): Promise<void> {
    this.#isGone = true;
    await this.#readers.close();
    await this.#memory.abandon();
  }

  /** Leaves behind what the next start wants to know. */
  async close(): Promise<void> {
    await this.#readers.close();
    await this.#memory.close();
  }

  async #placeWhen(ready: Promise<void>, batch: CheckedBatch): Promise<Produced> {
    try {
      await this.#inTime(ready);
      this.#checkHere();
      return await this.#place(batch, this.#runtime.clock.now());
    } catch (cause) {
      throw this.#refusalOf(cause);
    }
  }

  /** Judges a batch, gives it its place and hands it to the engine. Synchronous up to there. */
  #place({ header, bytes }: CheckedBatch, nowMs: number): Promise<Produced> {
    const stream = this.#stream;
    if (header.producerId >= 0) {
      const verdict = this.#memory.judge(header);
      if (verdict.kind === 'refused') throw verdict.refusal;
      if (verdict.kind === 'duplicate') return this.#answerAgain(verdict.batch);
    }
    const isStamped = this.#topic.config.timestampType === 'LogAppendTime';
    if (isStamped) stampAppendTime(bytes, nowMs);
    const maxTimestamp = isStamped ? nowMs : header.maxTimestamp;
    const baseOffset = stream.nextOffset;
    const count = header.lastOffsetDelta + 1;
    setBatchPlace(bytes, baseOffset, stream.streamEpoch);
    const appended = stream.append(bytes, { count, timestamp: engineTimestamp(maxTimestamp, nowMs) });
    // Refused at the call, a batch has no offset, and nobody may remember it.
    if (stream.nextOffset > baseOffset) {
      this.#appendedRecords += count;
      this.#appendedBytes += header.sizeBytes;
      this.#memory.appended(isStamped ? { ...header, maxTimestamp } : header, baseOffset, nowMs);
      if (maxTimestamp > nowMs) this.#ahead.note({ baseOffset, endOffset: baseOffset + count, maxTimestamp }, nowMs);
    }
    return this.#answer(appended, isStamped ? nowMs : -1);
  }

  async #answer(appended: Promise<OffsetRange>, logAppendTimeMs: number): Promise<Produced> {
    try {
      const { startOffset: baseOffset } = await appended;
      return { baseOffset, logAppendTimeMs, logStartOffset: this.#stream.startOffset };
    } catch (cause) {
      throw this.#refusalOf(cause);
    }
  }

  /** The batch was appended before; it may be on its way still. */
  async #answerAgain({ baseOffset, endOffset, timestamp }: ProducedBatch): Promise<Produced> {
    try {
      if (this.#stream.endOffset < endOffset) await this.#stream.whenBeyond(endOffset - 1);
      const isStamped = this.#topic.config.timestampType === 'LogAppendTime';
      const logAppendTimeMs = isStamped ? timestamp : -1;
      return { baseOffset, logAppendTimeMs, logStartOffset: this.#stream.startOffset };
    } catch (cause) {
      throw this.#refusalOf(cause);
    }
  }

  async #trim(to: number, signal?: AbortSignal): Promise<void> {
    if (to <= this.#stream.startOffset) return;
    await this.#memory.beforeTrim(to);
    signal?.throwIfAborted();
    await this.#stream.trim(to, { signal });
  }

  /** All epochs that hold something. The live one begins where it was written to first, or will be. */
  async #epochs(): Promise<readonly EpochStart[]> {
    const live = this.leaderEpoch;
    const { epochs, endOffset } = await this.#streams.describe(this.#stream.id);
    const earlier = epochs.filter((range) => range.streamEpoch < live && range.endOffset > range.startOffset);
    const own = epochs.find(({ streamEpoch }) => streamEpoch === live)?.startOffset ?? endOffset;
    return [
      ...earlier.map(({ streamEpoch: epoch, startOffset }) => ({ epoch, startOffset })),
      { epoch: live, startOffset: Math.max(own, this.logStartOffset) },
    ];
  }

  async #told<T>(work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    try {
      this.#checkHere();
      return await work();
    } catch (cause) {
      if (signal?.aborted) throw signal.reason;
      throw this.#refusalOf(cause);
    }
  }

  #checkHere(): void {
    if (this.#isGone) throw gone(this.#topic);
  }

  #refusalOf(cause: unknown): KafkaRefusal {
    return this.#isGone ? gone(this.#topic) : refusalOf(cause);
  }

  /** Waits for what must be known before a batch can be judged, but not for ever. */
  async #inTime(ready: Promise<void>): Promise<void> {
    let timer: { cancel(): void } | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = this.#runtime.timers.after(readyMaxMs, () =>
        reject(
          new KafkaRefusal('NOT_LEADER_OR_FOLLOWER', 'The partition was just opened and reads back its producers.'),
        ),
      );
    });
    try {
      await Promise.race([ready, late]);
    } finally {
      timer?.cancel();
    }
  }
}

function nothing(highWatermark: number, logStartOffset: number): Fetched {
  return { batches: [], sizeBytes: 0, highWatermark, logStartOffset };
}

function gone({ name }: Topic): KafkaRefusal {
  return new KafkaRefusal('UNKNOWN_TOPIC_OR_PARTITION', `The topic ${name} was deleted.`);
}
