// One partition of a fetch: what was read of it so far, and where to read on.
import { KafkaRefusal } from '../kafka-error.ts';
import type { Partition } from '../topics/partition.ts';
import { readBatchHeader } from '../records/batch-header.ts';

export class FetchedPartition {
  readonly #partition: Partition;
  readonly #maxBytes: number;
  readonly #batches: Uint8Array[] = [];
  #nextOffset: number;
  #sizeBytes = 0;
  /** What follows is more than is wanted of this partition. */
  #isFull = false;

  constructor(partition: Partition, fetchOffset: number, maxBytes: number) {
    const { logStartOffset, highWatermark } = partition;
    if (fetchOffset < logStartOffset || fetchOffset > highWatermark)
      throw new KafkaRefusal(
        'OFFSET_OUT_OF_RANGE',
        `offset ${fetchOffset} is outside [${logStartOffset}, ${highWatermark}]`,
      );
    this.#partition = partition;
    this.#maxBytes = maxBytes;
    this.#nextOffset = fetchOffset;
  }

  get topicName(): string {
    return this.#partition.topic.name;
  }

  get batches(): readonly Uint8Array[] {
    return this.#batches;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  get highWatermark(): number {
    return this.#partition.highWatermark;
  }

  get logStartOffset(): number {
    return this.#partition.logStartOffset;
  }

  /** Whether there is something to read, and it is wanted. */
  get hasMore(): boolean {
    return !this.#isFull && this.#nextOffset < this.#partition.highWatermark;
  }

  /** The batches that follow: about as many bytes as are wanted, and one batch at least. */
  async readOn(roomBytes: number, signal: AbortSignal): Promise<readonly Uint8Array[]> {
    const maxBytes = Math.min(roomBytes, this.#maxBytes - this.#sizeBytes);
    const { batches } = await this.#partition.read(this.#nextOffset, maxBytes, { minOneBatch: true, signal });
    return batches;
  }

  /** Whether a batch is within what is wanted of this partition; if not, none that follows is. */
  takes(batch: Uint8Array): boolean {
    this.#isFull ||= this.#sizeBytes + batch.byteLength > this.#maxBytes;
    return !this.#isFull;
  }

  /** Adds the batch that follows. */
  add(batch: Uint8Array): void {
    const { baseOffset, lastOffsetDelta } = readBatchHeader(batch);
    this.#batches.push(batch);
    this.#sizeBytes += batch.byteLength;
    this.#nextOffset = baseOffset + lastOffsetDelta + 1;
    this.#isFull ||= this.#sizeBytes >= this.#maxBytes;
  }

  /** Resolves when there is more; rejects when there never will be. */
  async untilMore(signal: AbortSignal): Promise<void> {
    await this.#partition.whenBeyond(this.#nextOffset, { signal });
  }
}
