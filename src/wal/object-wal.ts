// The WAL in the bucket: every segment is one conditional PUT, and the PUT itself is the fence. This file is the
// writer; object-wal-seal.ts is the side of recovery.
//
// - Segment n lies at a key that only sequence n of this node epoch can have, put if-absent, retried with the same
//   bytes. A seal that stands there refuses it, and nothing of this epoch becomes durable beyond the first seal.
// - Segments are reported in the order of their sequences, whatever the order of the answers (W7).
// - A refused PUT means: look. Own bytes are success (an earlier try had landed); a seal, or nothing, means that the
//   epoch is fenced, and what became of the appends under way is what the state says of the end (W4, W6).
// - Segments are encoded into memory that is used again (segment-buffers.ts), once no PUT can be reading it any more.
//   Nobody but the flight and the store is given those bytes.
// - At most `walInFlightMax` segments are cut and not reported. Each says in its footer how many were reported before.
import { assert } from '../base/assert.ts';
import { sleep } from '../base/abort.ts';
import {
  batchFrameSizeBytes,
  blockIndexEntrySizeBytes,
  encodeDataObject,
  footerSizeBytes,
  type DataObjectHead,
} from '../format/data-object.ts';
import { batchSizeMaxBytes, segmentSizeMaxBytes, segmentStreamsMax, walInFlightMax } from '../model/limits.ts';
import { objectKey } from '../model/object-key.ts';
import type { StreamBatch } from '../model/record-batch.ts';
import { sealObjectWal } from './object-wal-seal.ts';
import { OpenRequests } from './open-requests.ts';
import { SegmentBuffers } from './segment-buffers.ts';
import { countThatFits, countWithinStreams, segmentIsDue } from './segment-cutter.ts';
import { SegmentFlight } from './segment-flight.ts';
import type { Wal, WalContext, WalEnd, WalFactory, WalSegment, WalSettings } from './wal.ts';

/**
 * The write-ahead log in the bucket: an append costs one conditional PUT, shared with all appends of its moment, and
 * recovery needs nothing but the bucket.
 */
export function objectWal(): WalFactory {
  return {
    kind: 'object',
    identify: () => Promise.resolve({ kind: 'object', id: '' }),
    open: (context) => Promise.resolve(new ObjectWal(context)),
    seal: sealObjectWal,
  };
}

/** Keys in one request of the store. */
const deletedAtOnceMax = 1_000;

class ObjectWal implements Wal {
  readonly segmentsAreObjects = true;
  readonly #context: WalContext;
  /** 'fencing': a seal was met, the state is being asked; nothing is sent. 'over': nothing is sent or reported. */
  #phase: 'open' | 'fencing' | 'over' = 'open';
  #waiting: StreamBatch[] = [];
  #waitingBytes = 0;
  /** Cut and not yet reported, in order. */
  #flights: SegmentFlight[] = [];
  #flightBytes = 0;
  /** Replaced when it changes, so that it can be handed out. */
  #unreleased: readonly WalSegment[] = [];
  #nextSequence = 0;
  #reportedSegments = 0;
  #appendedBatches = 0;
  #cutBatches = 0;
  #reportedBatches = 0;
  /** Flushes in order: each waits until so many batches have been reported. */
  #flushes: { readonly upTo: number; readonly resolve: () => void }[] = [];
  #pumpIsDue = false;
  readonly #requests: OpenRequests;
  readonly #buffers: SegmentBuffers;

  constructor(context: WalContext) {
    this.#context = context;
    this.#buffers = new SegmentBuffers(bufferSizeMaxBytes(context.settings));
    this.#requests = new OpenRequests(context.runtime, context.settings.storeDeadlineMs);
  }

  get pendingBytes(): number {
    return this.#waitingBytes + this.#flightBytes;
  }

  /** After the end an append is let go of: it can never become durable. */
  append(batch: StreamBatch): void {
    const sizeBytes = batch.bytes.byteLength;
    assert(sizeBytes <= batchSizeMaxBytes, () => `a batch of ${sizeBytes} bytes does not fit a segment`);
    if (this.#phase === 'over') return;
    this.#waiting.push(batch);
    this.#waitingBytes += sizeBytes;
    this.#appendedBatches += 1;
    this.#schedulePump();
  }

  flush(): Promise<void> {
    if (this.#phase === 'over' || this.#reportedBatches === this.#appendedBatches) return Promise.resolve();
    const flushed = new Promise<void>((resolve) => this.#flushes.push({ upTo: this.#appendedBatches, resolve }));
    this.#schedulePump();
    return flushed;
  }

  unreleased(): readonly WalSegment[] {
    return this.#unreleased;
  }

  async release(position: number, registered: ReadonlySet<number>): Promise<void> {
    const released = this.#unreleased.filter(({ sequence }) => sequence < position);
    this.#unreleased = this.#unreleased.filter(({ sequence }) => sequence >= position);
    const keys = released
      .filter(({ sequence }) => !registered.has(sequence))
      .map(({ sequence }) => this.#key(sequence));
    for (let from = 0; from < keys.length; from += deletedAtOnceMax) {
      const some = keys.slice(from, from + deletedAtOnceMax);
      try {
        await this.#requests.run(() => this.#context.store.delete(some, { purpose: 'wal' }));
      } catch {
        return; // The sweeper finds whatever remains below the released position.
      }
    }
  }

  stop(): void {
    if (this.#phase === 'over') return;
    this.#phase = 'over';
    this.#halt();
    this.#flights = [];
    this.#waiting = [];
    this.#flightBytes = 0;
    this.#waitingBytes = 0;
    this.#buffers.clear();
    for (const { resolve } of this.#flushes) resolve();
    this.#flushes = [];
  }

  /** Attempts under way are waited for, but none for longer than the store's deadline after it began. */
  async close(): Promise<void> {
    this.stop();
    await this.#requests.settled();
  }

  /** Lets everything that happens until the next microtask share a segment, and keeps the sink out of `append`. */
  #schedulePump(): void {
    if (this.#pumpIsDue || this.#phase !== 'open' || !this.#segmentIsDue()) return;
    this.#pumpIsDue = true;
    queueMicrotask(() => {
      this.#pumpIsDue = false;
      try {
        while (this.#phase === 'open' && this.#segmentIsDue()) this.#cut();
      } catch (cause) {
        this.#fail(cause);
      }
    });
  }

  #segmentIsDue(): boolean {
    const state = {
      inFlightCount: this.#flights.length,
      inFlightBytes: Math.max(this.#flightBytes, this.#buffers.lentBytes),
      waitingCount: this.#waiting.length,
      waitingBytes: this.#waitingBytes,
      flushWanted: (this.#flushes.at(-1)?.upTo ?? 0) > this.#cutBatches,
    };
    const { segmentSizeMinBytes, inFlightSizeMaxBytes = Infinity } = this.#context.settings;
    return segmentIsDue(state, { segmentSizeMinBytes, inFlightMax: walInFlightMax, inFlightSizeMaxBytes });
  }

  #cut(): void {
    const fitting = this.#waiting.slice(0, countThatFits(encodedSizes(this.#waiting), segmentSizeMaxBytes));
    const batches = this.#waiting.splice(0, countWithinStreams(fitting, segmentStreamsMax));
    const sequence = this.#nextSequence;
    const memory = (sizeBytes: number): Uint8Array => this.#buffers.lend(sizeBytes);
    const { bytes, parts } = encodeDataObject(this.#head(sequence), batches, { memory });
    const sizeBytes = bytes.byteLength;
    assert(sizeBytes <= segmentSizeMaxBytes, () => `a segment of ${sizeBytes} bytes is too large`);
    const payloadBytes = batches.reduce((sum, batch) => sum + batch.bytes.byteLength, 0);
    this.#nextSequence += 1;
    this.#cutBatches += batches.length;
    this.#waitingBytes -= payloadBytes;
    this.#flightBytes += payloadBytes;
    const plan = {
      segment: { sequence, sizeBytes, parts },
      key: this.#key(sequence),
      batchCount: batches.length,
      payloadBytes,
    };
    const flight = new SegmentFlight(plan, this.#context, this.#requests);
    this.#flights.push(flight);
    void this.#fly(flight, bytes);
  }

  async #fly(flight: SegmentFlight, bytes: Uint8Array): Promise<void> {
    try {
      const outcome = await flight.fly(bytes);
      if (this.#phase !== 'open') return;
      if (flight.hasLanded) this.#buffers.takeBack(bytes);
      else this.#buffers.letGo(bytes);
      if (outcome === 'stored') this.#reportStored();
      else await this.#fence();
    } catch (cause) {
      if (this.#phase === 'open') this.#fail(cause);
    }
  }

  #reportStored(): void {
    for (let first = this.#flights[0]; first?.isStored; first = this.#flights[0]) {
      this.#flights.shift();
      this.#report(first); // The sink may stop this WAL, which leaves no flights.
    }
    this.#schedulePump();
  }

  /** The state is up to date before the sink is called, which may call back. */
  #report({ plan }: SegmentFlight): void {
    const { segment, batchCount, payloadBytes } = plan;
    assert(segment.sequence === this.#reportedSegments, 'segments are reported in the order of their sequences');
    this.#reportedSegments += 1;
    this.#reportedBatches += batchCount;
    this.#flightBytes -= payloadBytes;
    this.#unreleased = [...this.#unreleased, segment];
    this.#context.sink.durable(batchCount, segment);
    for (let flush = this.#flushes[0]; flush && flush.upTo <= this.#reportedBatches; flush = this.#flushes[0]) {
      this.#flushes.shift();
      flush.resolve();
    }
  }

  /** Stops, asks the state where this epoch ends, and reports what lies below: it is in the history (W4). */
  async #fence(): Promise<void> {
    this.#phase = 'fencing';
    this.#halt();
    const sealedAt = await this.#askSealedAt();
    try {
      const isBelow = (flight: SegmentFlight): boolean => flight.plan.segment.sequence < (sealedAt ?? 0);
      for (let first = this.#flights[0]; first && isBelow(first); first = this.#flights[0]) {
        this.#flights.shift();
        this.#report(first);
      }
    } catch (cause) {
      this.#fail(cause);
    }
    this.#end({ reason: 'fenced', outcome: sealedAt === undefined ? 'unknown' : 'none', sentCount: this.#sentCount() });
  }

  /** Undefined also if there is no answer: then nobody knows. */
  async #askSealedAt(): Promise<number | undefined> {
    const { runtime, settings } = this.#context;
    const limit = new AbortController();
    const answer = (async () => this.#context.sealedAt())();
    const patience = sleep(runtime, settings.storeDeadlineMs, limit.signal).then(() => undefined);
    patience.catch(() => {});
    try {
      return await Promise.race([answer, patience]);
    } catch {
      return undefined;
    } finally {
      limit.abort();
    }
  }

  #fail(cause: unknown): void {
    const error = cause instanceof Error ? cause : new Error('the WAL failed', { cause });
    this.#end({ reason: 'failed', error, sentCount: this.#sentCount() });
  }

  #end(end: WalEnd): void {
    if (this.#phase === 'over') return;
    this.stop();
    this.#context.sink.ended(end);
  }

  #sentCount(): number {
    return this.#flights.reduce((sum, { plan }) => sum + plan.batchCount, 0);
  }

  /** Nothing is sent from now on; attempts under way are left to land. */
  #halt(): void {
    for (const flight of this.#flights) flight.halt(new Error('the WAL sends nothing any more'));
  }

  #key(sequence: number): string {
    const { clusterId, node, nodeEpoch } = this.#context;
    return objectKey(clusterId, { family: 'wal', node, nodeEpoch, sequence });
  }

  #head(sequence: number): DataObjectHead {
    const { clusterId, node, nodeEpoch } = this.#context;
    return { clusterId, kind: 'wal-segment', node, nodeEpoch, sequence, durableBelow: this.#reportedSegments };
  }
}

/** The most that can be under way: with one byte less than the limit of it another segment is begun. */
function bufferSizeMaxBytes({ inFlightSizeMaxBytes = Infinity }: WalSettings): number {
  return Math.min(inFlightSizeMaxBytes + segmentSizeMaxBytes, walInFlightMax * segmentSizeMaxBytes);
}

/** What each batch can add to an object at most: its frame, its bytes, and a block of its own in the index. */
function* encodedSizes(batches: readonly StreamBatch[]): Generator<number> {
  let overheadBytes = footerSizeBytes;
  for (const { bytes } of batches) {
    yield overheadBytes + batchFrameSizeBytes + blockIndexEntrySizeBytes + bytes.byteLength;
    overheadBytes = 0;
  }
}
