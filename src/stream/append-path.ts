// The way of an append: checked, given its offset, cached and handed to the WAL in one synchronous section; resolved
// when the WAL reports it durable, in the order of the calls. All streams of a set share one append path, because they
// share the WAL.
//
// I2: offsets are given here and nowhere else. The cache has a batch before anybody can be told that it is durable.
import { untilAborted } from '../base/abort.ts';
import { assert } from '../base/assert.ts';
import type { Clock, Timers } from '../base/runtime.ts';
import { Fifo } from '../base/fifo.ts';
import { checkCallOptions } from '../model/check-options.ts';
import { isQanatError, qanatError } from '../model/errors.ts';
import type { StreamBatch } from '../model/record-batch.ts';
import type { Wal, WalEnd, WalSegment, WalSink } from '../wal/wal.ts';
import type { TailPool } from '../cache/tail-pool.ts';
import { checkBatch, checkBatches, checkOffset } from './check-arguments.ts';
import type { OpenStream } from './open-stream.ts';
import { Refusals } from './refusals.ts';
import type { AppendAllOptions, AppendOptions, Appended, BatchInput } from './stream.ts';

/** An append on its way. */
interface Pending {
  readonly stream: OpenStream;
  readonly batch: StreamBatch;
  /** A moment at or shortly before the call. */
  readonly since: number;
  /** Where the call's first batch begins. */
  readonly firstOffset: number;
  /** Of an appendAll only the last batch resolves; any may reject. */
  readonly resolve: ((appended: Appended) => void) | undefined;
  readonly reject: (cause: unknown) => void;
}

/** What a segment that is not released holds, and since when it is durable. */
interface Unreleased {
  batchCount: number;
  sizeBytes: number;
  readonly since: number;
}

/** What the append path needs to know of its set. */
export interface AppendPathOptions {
  /** The error that refuses appends now, if any. */
  readonly refusal: () => Error | undefined;
  readonly clock: Clock;
  readonly timers: Timers;
  /** Told what is released. */
  readonly tails: TailPool;
  /** Called after batches became durable: uploads may be due. */
  readonly onDurable: () => void;
  /** Called once, after all pending appends were settled. */
  readonly onEnded: (end: WalEnd) => void;
  /** What an append on its way is told when the WAL ends fenced. */
  readonly fencedError: (outcome: 'none' | 'unknown') => Error;
  /** Bytes appended and not uploaded above which acknowledgements wait for an upload. */
  readonly unuploadedBytes: number;
  /** And above which appends are refused. */
  readonly unuploadedMaxBytes: number;
}

export class AppendPath implements WalSink {
  #wal: Wal | undefined;
  readonly #options: AppendPathOptions;
  /** Appends that are not durable, in order. */
  readonly #pending = new Fifo<Pending>();
  /** Appends that are durable and wait for room: an upload in the background makes it. */
  readonly #held = new Fifo<Pending>();
  readonly #refusals: Refusals;
  #unuploadedBytes = 0;
  #durableBytes = 0;
  /** Nothing will make room any more. */
  #isOver = false;
  readonly #segments = new Map<number, Unreleased>();
  /** The time, looked at when nothing was pending and when something became durable: not at every append. */
  #now = 0;
  #resolve: (appended: Appended) => void = () => {};
  #reject: (cause: unknown) => void = () => {};
  readonly #executor = (resolve: (appended: Appended) => void, reject: (cause: unknown) => void): void => {
    this.#resolve = resolve;
    this.#reject = reject;
  };

  constructor(options: AppendPathOptions) {
    this.#options = options;
    this.#refusals = new Refusals(options.clock, options.timers);
  }

  /** Set once, when the WAL is open: it needs the sink, and the sink needs it. */
  attach(wal: Wal): void {
    assert(this.#wal === undefined, 'an append path has one WAL');
    this.#wal = wal;
  }

  /** Appends that are not settled: not durable yet, or waiting for room. */
  get pendingCount(): number {
    return this.#pending.length + this.#held.length;
  }

  /** How long the oldest pending append waits, and the oldest bytes wait for their upload. */
  ages(): { readonly oldestPendingMs: number; readonly unuploadedAgeMs: number } {
    const now = this.#options.clock.monotonic();
    const oldest = this.#held.first ?? this.#pending.first;
    const [segment] = this.#segments.values();
    return { oldestPendingMs: now - (oldest?.since ?? now), unuploadedAgeMs: now - (segment?.since ?? now) };
  }

  /** Bytes appended and not uploaded. */
  get unuploadedBytes(): number {
    return this.#unuploadedBytes;
  }

  /** Bytes that have become durable since the set was opened. */
  get durableBytes(): number {
    return this.#durableBytes;
  }

  append(stream: OpenStream, bytes: Uint8Array, options?: AppendOptions): Promise<Appended> {
    try {
      if (options !== undefined) checkCallOptions(options);
      const count = checkBatch(bytes, options?.count, options?.timestamp);
      this.#admit(stream, options);
      if (!this.#fits(bytes.byteLength)) return untilAborted(this.#overloaded(bytes.byteLength), options?.signal);
      const promise = this.#promise();
      const { nextOffset } = stream;
      this.#take(stream, bytes, count, options?.timestamp, nextOffset, this.#resolve, this.#reject);
      return options === undefined ? promise : untilAborted(promise, options.signal);
    } catch (refused) {
      return Promise.reject(refused as Error);
    }
  }

  appendAll(stream: OpenStream, batches: readonly BatchInput[], options?: AppendAllOptions): Promise<Appended> {
    try {
      if (options !== undefined) checkCallOptions(options);
      const counts = checkBatches(batches);
      const sizeBytes = batches.reduce((sum, { bytes }) => sum + bytes.byteLength, 0);
      this.#admit(stream, options);
      if (!this.#fits(sizeBytes)) return untilAborted(this.#overloaded(sizeBytes), options?.signal);
      const promise = this.#promise();
      const { nextOffset } = stream;
      batches.forEach(({ bytes, timestamp }, i) => {
        const resolve = i === batches.length - 1 ? this.#resolve : undefined;
        this.#take(stream, bytes, counts[i] as number, timestamp, nextOffset, resolve, this.#reject);
      });
      return untilAborted(promise, options?.signal);
    } catch (refused) {
      return Promise.reject(refused as Error);
    }
  }

  /** A promise whose functions are in #resolve and #reject until the next one: no closure for each append. */
  #promise(): Promise<Appended> {
    return new Promise(this.#executor);
  }

  /** Everything that can refuse an append, before anything is changed. */
  #admit(stream: OpenStream, options: AppendAllOptions | undefined): void {
    options?.signal?.throwIfAborted();
    const refusal = this.#options.refusal();
    if (refusal !== undefined) throw refusal;
    if (stream.status !== 'open') throw streamClosed(stream);
    if (options?.expectedOffset !== undefined) {
      const expectedOffset = checkOffset(options.expectedOffset, 'expectedOffset');
      const { nextOffset } = stream;
      if (expectedOffset !== nextOffset)
        throw qanatError('OFFSET_MISMATCH', `the next offset is ${nextOffset}, not ${expectedOffset}`, {
          expectedOffset,
          nextOffset,
        });
    }
  }

  #fits(sizeBytes: number): boolean {
    return this.#unuploadedBytes + sizeBytes <= this.#options.unuploadedMaxBytes;
  }

  /** The append is refused here and now, and told so when trying again makes sense. */
  #overloaded(sizeBytes: number): Promise<never> {
    const message = `${this.#unuploadedBytes} bytes wait for the store; try again when some are uploaded`;
    return this.#refusals.refuse(sizeBytes, qanatError('OVERLOADED', message, { what: 'appends' }));
  }

  #take(
    stream: OpenStream,
    bytes: Uint8Array,
    count: number,
    timestamp: number | undefined,
    firstOffset: number,
    resolve: ((appended: Appended) => void) | undefined,
    reject: (cause: unknown) => void,
  ): void {
    const startOffset = stream.nextOffset;
    assert(Number.isSafeInteger(startOffset + count), 'a stream has at most 2^53 - 1 offsets');
    const kept = stream.tail.add(count, timestamp, bytes);
    this.#unuploadedBytes += kept.byteLength;
    if (this.#pending.length === 0) this.#now = this.#options.clock.monotonic();
    const { id, streamEpoch } = stream;
    const batch = { stream: id, streamEpoch, startOffset, count, timestamp, bytes: kept };
    this.#pending.push({ stream, batch, since: this.#now, firstOffset, resolve, reject });
    (this.#wal as Wal).append(batch);
  }

  /** WalSink: the next `count` batches are durable. */
  durable(count: number, segment: WalSegment): void {
    assert(count <= this.#pending.length, 'the WAL reports what was appended');
    const woken = new Set<OpenStream>();
    let sizeBytes = 0;
    for (let i = 0; i < count; i++) {
      const pending = this.#pending.shift() as Pending;
      const { stream, batch } = pending;
      stream.durableEndOffset = batch.startOffset + batch.count;
      sizeBytes += batch.bytes.byteLength;
      if (stream.waiters.count > 0) woken.add(stream);
      if (this.#held.length === 0 && this.#hasRoom()) acknowledge(pending);
      else this.#held.push(pending);
    }
    this.#durableBytes += sizeBytes;
    this.#now = this.#options.clock.monotonic();
    const known = this.#segments.get(segment.sequence);
    if (known === undefined) this.#segments.set(segment.sequence, { batchCount: count, sizeBytes, since: this.#now });
    else {
      known.batchCount += count;
      known.sizeBytes += sizeBytes;
    }
    for (const stream of woken) stream.waiters.wake(stream.durableEndOffset);
    this.#options.onDurable();
  }

  /** The set has ended, so no upload makes room: what is durable, or still becomes so, is acknowledged at once. */
  endWaiting(): void {
    this.#isOver = true;
    this.#acknowledgeHeld();
    this.#refusals.tellAll();
  }

  /** WalSink: nothing more becomes durable. */
  ended(end: WalEnd): void {
    this.endWaiting();
    for (let i = 0; this.#pending.length > 0; i++) {
      const pending = this.#pending.shift() as Pending;
      pending.reject(this.#errorOf(end, i < end.sentCount, pending));
    }
    this.#options.onEnded(end);
  }

  /** Rejects what is still pending, when the WAL was stopped without a report. */
  abandon(error: Error): void {
    this.endWaiting();
    while (this.#pending.length > 0) this.#pending.shift()?.reject(error);
  }

  /** After a commit: segments below `position` are uploaded, their memory may go. */
  released(position: number): void {
    for (const [sequence, { batchCount, sizeBytes }] of this.#segments) {
      if (sequence >= position) break; // They were inserted in order.
      this.#segments.delete(sequence);
      this.#unuploadedBytes -= sizeBytes;
      this.#options.tails.release(batchCount);
    }
    this.#acknowledgeHeld();
    this.#refusals.tellFor(this.#options.unuploadedMaxBytes - this.#unuploadedBytes);
  }

  /** Acknowledges durable appends in order, as far as there is room: the delay is the back-pressure. */
  #acknowledgeHeld(): void {
    while (this.#held.length > 0 && this.#hasRoom()) acknowledge(this.#held.shift() as Pending);
  }

  #hasRoom(): boolean {
    return this.#isOver || this.#unuploadedBytes <= this.#options.unuploadedBytes;
  }

  /** If batches of the same call went before, they are stored, or their own rejection came first. */
  #errorOf(end: WalEnd, sent: boolean, { firstOffset, batch }: Pending): Error {
    const isPartStored = firstOffset < batch.startOffset;
    if (end.reason === 'fenced') {
      const outcome = sent ? end.outcome : 'none';
      return this.#options.fencedError(isPartStored ? 'unknown' : outcome);
    }
    if (sent && (!isPartStored || (isQanatError(end.error) && end.error.outcome === 'unknown'))) return end.error;
    const facts = isQanatError(end.error, 'STORE_UNAVAILABLE') ? end.error : { operation: 'append', key: undefined };
    const message = `the stream set has failed before ${isPartStored ? 'all of this append' : 'this append'} was sent`;
    return qanatError(
      'STORE_UNAVAILABLE',
      message,
      { operation: facts.operation, key: facts.key },
      { action: 'reopen', outcome: isPartStored ? 'unknown' : 'none', cause: end.error },
    );
  }
}

function acknowledge({ resolve, firstOffset, batch }: Pending): void {
  resolve?.({ startOffset: firstOffset, endOffset: batch.startOffset + batch.count });
}

/** The error of using a stream that this set has given up. */
export function streamClosed(stream: OpenStream): Error {
  const ref = stream.name ?? stream.id;
  return qanatError('STREAM_CLOSED', `stream ${JSON.stringify(ref)} is closed here; open it again to write`, {
    stream: ref,
  });
}
