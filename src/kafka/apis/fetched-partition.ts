// One partition of a fetch: what was read of it so far, and where to read on.
import { KafkaRefusal } from '../kafka-error.ts';
import type { Partition } from '../topics/partition.ts';
import { endOffsetOf } from '../records/batch-header.ts';

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

  /** What was read, in pieces of one or more batches. */
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

  /** Whether as much was read as is wanted. */
  get isFull(): boolean {
    return this.#isFull;
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
    const last = this.#batches.at(-1);
    const joined = last === undefined ? undefined : joinedViews(last, batch);
    if (joined === undefined) this.#batches.push(batch);
    else this.#batches[this.#batches.length - 1] = joined;
    this.#sizeBytes += batch.byteLength;
    this.#nextOffset = endOffsetOf(batch);
    this.#isFull ||= this.#sizeBytes >= this.#maxBytes;
  }

  /** Resolves when there is more; rejects when there never will be. */
  async untilMore(signal: AbortSignal): Promise<void> {
    await this.#partition.whenBeyond(this.#nextOffset, { signal });
  }
}

/** One view of what lies side by side, as the newest batches of a stream do: fewer pieces to write. */
function joinedViews(first: Uint8Array, second: Uint8Array): Uint8Array | undefined {
  const { buffer, byteOffset, byteLength } = first;
  if (buffer !== second.buffer || byteOffset + byteLength !== second.byteOffset) return undefined;
  return new Uint8Array(buffer, byteOffset, byteLength + second.byteLength);
}
