// A stream that this set owns, as the append path and the read path know it: offsets given, offsets durable, the tail.
// All of it changes in synchronous sections only.
import type { StreamId } from '../model/ids.ts';
import type { OffsetRange } from '../model/offset-range.ts';
import type { StreamBatch } from '../model/record-batch.ts';
import { StreamTail } from '../cache/tail-cache.ts';
import type { TailPool } from '../cache/tail-pool.ts';
import { OffsetWaiters } from './offset-waiters.ts';

export class OpenStream {
  readonly id: StreamId;
  readonly name: string | undefined;
  readonly streamEpoch: number;
  readonly tail: StreamTail;
  readonly waiters: OffsetWaiters = new OffsetWaiters();
  /** Everything below is durable. */
  durableEndOffset: number;
  /** 'closing' takes no more appends; 'closed' serves nothing any more. */
  status: 'open' | 'closing' | 'closed' = 'open';

  constructor(id: StreamId, name: string | undefined, streamEpoch: number, endOffset: number, tails: TailPool) {
    this.id = id;
    this.name = name;
    this.streamEpoch = streamEpoch;
    this.durableEndOffset = endOffset;
    this.tail = new StreamTail(endOffset, streamEpoch, tails);
  }

  /**
   * The batches of a range that is not released, from the tail: it is always there. Their bytes stay as they are until
   * the WAL is released beyond them, and no longer; the walk is over when the event loop turns.
   */
  *cachedBatches({ startOffset, endOffset }: OffsetRange): Iterable<StreamBatch> {
    const first = this.tail.find(startOffset);
    if (first < 0) return;
    for (let index = first; ; index++) {
      const batch = this.tail.peek(index);
      if (batch === undefined || batch.startOffset >= endOffset) return;
      const { streamEpoch, count, timestamp, bytes } = batch;
      yield { stream: this.id, streamEpoch, startOffset: batch.startOffset, count, timestamp, bytes };
    }
  }

  /** The offset that the next append is given. */
  get nextOffset(): number {
    return this.tail.endOffset;
  }
}
