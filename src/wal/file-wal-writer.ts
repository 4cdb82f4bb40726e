// The writer of one epoch's file WAL.
//
//   append ──> group that fills ──(disk is free)──> group in flight ──(on the disk, owner still there)──> durable
//
// - One group is one write; one is in flight. The other buffer fills meanwhile, and what does not fit waits behind it.
// - Acknowledgement: the write is answered, then `owner` is looked for, then the sink is told (R12). Without `owner`
//   the epoch is fenced; what became of the group in flight is what the state and the seal say (W4).
// - A write that fails, or is short, ends the WAL: nobody knows what of it is on the disk, and it is never repeated.
// - A group is begun from a microtask, so that the appends of one moment share it; there are no timers.
import { join } from 'node:path';
import { sleep } from '../base/abort.ts';
import { assert } from '../base/assert.ts';
import { Fifo } from '../base/fifo.ts';
import { decodeWalSeal, type GroupOrigin } from '../format/wal-group.ts';
import { GroupBuffer } from '../format/wal-group-buffer.ts';
import { emit } from '../model/events.ts';
import { batchSizeMaxBytes } from '../model/limits.ts';
import type { StreamBatch } from '../model/record-batch.ts';
import { sealName } from './file-wal-place.ts';
import type { DirectoryLock } from './file-wal-lock.ts';
import type { GroupPlace, SegmentFiles, SegmentFileSizes } from './file-wal-segments.ts';
import { GrowingSegment } from './growing-segment.ts';
import { walFailure } from './wal-failure.ts';
import { readSmallFile, unlessMissing, type WalFile, type WalFiles } from './wal-files.ts';
import type { Wal, WalContext, WalEnd, WalSegment } from './wal.ts';

/** How the file WAL is cut up. */
export interface FileWalSizes extends SegmentFileSizes {
  /** A group is no larger, unless it is one batch that is. */
  readonly groupSizeMaxBytes: number;
  /** A segment that has so many bytes is complete. */
  readonly segmentSizeBytes: number;
}

/** What a writer is made of. */
export interface FileWalParts {
  readonly context: WalContext;
  readonly walId: string;
  readonly files: WalFiles;
  /** The folder of the epoch. */
  readonly folder: string;
  /** Held open: while it has a name, this writer is not fenced. */
  readonly owner: WalFile;
  readonly segments: SegmentFiles;
  readonly lock: DirectoryLock | undefined;
  readonly sizes: FileWalSizes;
}

/** A segment that groups are still added to. */
interface Filling {
  readonly segment: GrowingSegment;
  /** Number of its first group. */
  readonly start: number;
  /** Bytes of its groups that were cut. */
  cutBytes: number;
  /** No further group is added. */
  isComplete: boolean;
}

/** A group that was cut. */
interface Flight {
  readonly number: number;
  readonly buffer: GroupBuffer;
  readonly filling: Filling;
}

export class FileWalWriter implements Wal {
  readonly segmentsAreObjects = false;
  readonly #parts: FileWalParts;
  readonly #origin: GroupOrigin;
  /** 'fencing': `owner` is gone, the state is being asked; nothing is written. 'over': nothing is reported either. */
  #phase: 'open' | 'fencing' | 'over' = 'open';
  /** The group that takes batches. */
  #buffer: GroupBuffer;
  #otherBuffer: GroupBuffer;
  /** Batches that wait for room in it. */
  #queue = new Fifo<StreamBatch>();
  #flight: Flight | undefined;
  #filling: Filling | undefined;
  #nextGroup = 0;
  #nextSequence = 0;
  #pendingBytes = 0;
  #appendedBatches = 0;
  #cutBatches = 0;
  #reportedBatches = 0;
  #flushes: { readonly upTo: number; readonly resolve: () => void }[] = [];
  /** Replaced when it changes, so that it can be handed out: it is asked for at every report. */
  #unreleased: readonly WalSegment[] = [];
  #pumpIsDue = false;
  /** Whether something is under way: a write, a change of files. */
  #isUnderWay = false;
  /** Called when it is over; set by whoever waits. */
  #onLanded: (() => void) | undefined;
  #closing: Promise<void> | undefined;

  constructor(parts: FileWalParts) {
    this.#parts = parts;
    this.#origin = { walId: parts.walId, nodeEpoch: parts.context.nodeEpoch };
    this.#buffer = new GroupBuffer(parts.sizes.groupSizeMaxBytes, this.#origin);
    this.#otherBuffer = new GroupBuffer(parts.sizes.groupSizeMaxBytes, this.#origin);
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** Whether it has ended, by itself or by `stop`. */
  get isOver(): boolean {
    return this.#phase === 'over';
  }

  /** After the end an append is let go of: it can never become durable. */
  append(batch: StreamBatch): void {
    const sizeBytes = batch.bytes.byteLength;
    assert(sizeBytes <= batchSizeMaxBytes, 'a batch fits a segment file');
    if (this.#phase === 'over') return;
    this.#appendedBatches += 1;
    this.#pendingBytes += sizeBytes;
    if (this.#queue.length === 0 && this.#buffer.fits(batch)) this.#buffer.add(batch);
    else this.#queue.push(batch);
    if (this.#flight === undefined) this.#schedulePump();
  }

  flush(): Promise<void> {
    if (this.#phase === 'over') return Promise.resolve();
    const filling = this.#filling;
    if (this.#cutBatches === this.#appendedBatches && filling !== undefined) {
      filling.isComplete = true;
      if (this.#flight === undefined) this.#list(filling);
    }
    if (this.#reportedBatches === this.#appendedBatches) return Promise.resolve();
    return new Promise((resolve) => this.#flushes.push({ upTo: this.#appendedBatches, resolve }));
  }

  unreleased(): readonly WalSegment[] {
    return this.#unreleased;
  }

  async release(position: number, registered: ReadonlySet<number>): Promise<void> {
    assert(registered.size === 0, 'segments of a file WAL are no objects');
    this.#unreleased = this.#unreleased.filter(({ sequence }) => sequence >= position);
    if (this.#phase === 'open') await this.#parts.segments.release(position);
  }

  stop(): void {
    if (this.#phase === 'over') return;
    this.#phase = 'over';
    this.#queue = new Fifo();
    this.#pendingBytes = 0;
    for (const { resolve } of this.#flushes) resolve();
    this.#flushes = [];
    this.#closing = this.#close();
  }

  /** A write under way is waited for, but not longer than the store's deadline. */
  async close(): Promise<void> {
    this.stop();
    const { runtime, settings } = this.#parts.context;
    const closed = new AbortController();
    const closing = this.#closing?.then(() => closed.abort());
    await Promise.race([closing, sleep(runtime, settings.storeDeadlineMs, closed.signal).catch(() => {})]);
  }

  /** Files are closed when nothing is under way in them: their descriptors may be given to others at once. */
  async #close(): Promise<void> {
    const { lock, owner, segments } = this.#parts;
    await lock?.release();
    if (this.#isUnderWay) await new Promise<void>((resolve) => (this.#onLanded = resolve));
    await segments.close();
    await owner.close().catch(() => {});
  }

  /** Lets everything that happens until the next microtask share a group, and keeps the sink out of `append`. */
  #schedulePump(): void {
    if (this.#pumpIsDue) return;
    this.#pumpIsDue = true;
    queueMicrotask(() => {
      this.#pumpIsDue = false;
      if (this.#phase !== 'open' || this.#flight !== undefined || this.#buffer.batches.length === 0) return;
      try {
        this.#cut();
      } catch (cause) {
        this.#fail(cause);
      }
    });
  }

  /** The group that fills goes out, and the other buffer takes what waits. */
  #cut(): void {
    const buffer = this.#buffer;
    const filling = this.#segmentToFill();
    const number = this.#nextGroup;
    this.#nextGroup += 1;
    this.#cutBatches += buffer.batches.length;
    filling.cutBytes += buffer.sizeBytes;
    this.#flight = { number, buffer, filling };
    this.#buffer = this.#otherBuffer;
    this.#otherBuffer = buffer;
    this.#refill();
    const before = this.#cutBatches - buffer.batches.length;
    const isFlushed = this.#flushes.some(({ upTo }) => upTo > before && upTo <= this.#cutBatches);
    if (isFlushed || filling.cutBytes >= this.#parts.sizes.segmentSizeBytes) filling.isComplete = true;
    this.#send(this.#flight);
  }

  /** The segment of the next group. */
  #segmentToFill(): Filling {
    if (this.#filling !== undefined && !this.#filling.isComplete) return this.#filling;
    const segment = new GrowingSegment(this.#nextSequence);
    this.#nextSequence += 1;
    this.#filling = { segment, start: this.#nextGroup, cutBytes: 0, isComplete: false };
    return this.#filling;
  }

  #refill(): void {
    for (let next = this.#queue.first; next !== undefined && this.#buffer.fits(next); next = this.#queue.first) {
      this.#buffer.add(next);
      this.#queue.shift();
    }
  }

  #send(flight: Flight): void {
    const { buffer, number, filling } = flight;
    const segment = filling.segment.sequence;
    const pieces = buffer.finish(number, segment, filling.start);
    this.#isUnderWay = true;
    const place = this.#parts.segments.place(buffer.sizeBytes, segment);
    if (place === undefined) void this.#sendToNextFile(flight, pieces);
    else this.#write(flight, pieces, place);
  }

  async #sendToNextFile(flight: Flight, pieces: readonly Uint8Array[]): Promise<void> {
    const { segments, folder } = this.#parts;
    try {
      await segments.rotate();
    } catch (cause) {
      this.#land();
      this.#end({
        reason: 'failed',
        error: walFailure(cause, 'the WAL could not get room on the disk', folder, 'none'),
        sentCount: 0,
      });
      return;
    }
    const place =
      this.#phase === 'open' ? segments.place(flight.buffer.sizeBytes, flight.filling.segment.sequence) : undefined;
    if (place === undefined) this.#land();
    else this.#write(flight, pieces, place);
  }

  #write(flight: Flight, pieces: readonly Uint8Array[], { file, position }: GroupPlace): void {
    file.write(pieces, position, (failure) => {
      this.#land();
      if (this.#phase !== 'open') return;
      try {
        if (failure !== undefined) this.#fail(failure);
        else if (this.#parts.owner.linkCount() > 0) this.#acknowledge(flight);
        else void this.#fence(flight);
      } catch (cause) {
        this.#fail(cause);
      }
    });
  }

  #land(): void {
    this.#isUnderWay = false;
    this.#onLanded?.();
  }

  /** The state is up to date before the sink is called, which may call back. */
  #acknowledge({ buffer, filling }: Flight): void {
    const { segment } = filling;
    const count = buffer.batches.length;
    for (const batch of buffer.batches) segment.add(batch);
    this.#pendingBytes -= buffer.payloadBytes;
    this.#reportedBatches += count;
    buffer.clear();
    this.#flight = undefined;
    if (filling.isComplete) this.#list(filling);
    this.#parts.context.sink.durable(count, segment);
    for (let flush = this.#flushes[0]; flush && flush.upTo <= this.#reportedBatches; flush = this.#flushes[0]) {
      this.#flushes.shift();
      flush.resolve();
    }
    if (this.#buffer.batches.length > 0) this.#schedulePump();
  }

  /** A segment that is complete and durable can be released. */
  #list({ segment }: Filling): void {
    if (this.#unreleased.at(-1) === segment || segment.batchCount === 0) return;
    this.#unreleased = [...this.#unreleased, segment];
    this.#filling = undefined;
    const { sequence, sizeBytes, batchCount } = segment;
    emit(this.#parts.context.observer, 'walSegmentStored', { sequence, sizeBytes, batchCount, attempts: 1 });
  }

  /** `owner` is gone. The group in flight counts if the seal and the state say so (W4). */
  async #fence(flight: Flight): Promise<void> {
    this.#phase = 'fencing';
    const verdict = await this.#verdictOn(flight).catch(() => 'unknown' as const);
    if (this.#phase !== 'fencing') return;
    if (verdict === 'unknown' && !(await this.#hasFolder())) {
      this.#fail(new Error('its directory was removed'));
      return;
    }
    try {
      if (verdict === 'stored') this.#acknowledge(flight);
    } catch (cause) {
      this.#fail(cause);
    }
    const sentCount = verdict === 'stored' ? 0 : flight.buffer.batches.length;
    this.#end({ reason: 'fenced', outcome: verdict === 'unknown' ? 'unknown' : 'none', sentCount });
  }

  async #verdictOn({ number, filling }: Flight): Promise<'stored' | 'none' | 'unknown'> {
    const { files, folder } = this.#parts;
    const sealedAt = await this.#askSealedAt();
    if (sealedAt === undefined) return 'unknown';
    if (filling.segment.sequence >= sealedAt) return 'none';
    const path = join(folder, sealName);
    const bytes = await readSmallFile(files, path);
    if (bytes === undefined) return 'unknown';
    return number < decodeWalSeal(bytes, this.#origin, { key: path }).number ? 'stored' : 'none';
  }

  /** Nobody removes the folder before the epoch is recovered, unless by mistake. */
  async #hasFolder(): Promise<boolean> {
    const { files, folder } = this.#parts;
    return (await unlessMissing(files.list(folder)).catch(() => undefined)) !== undefined;
  }

  /** Undefined also if there is no answer: then nobody knows. */
  async #askSealedAt(): Promise<number | undefined> {
    const { context } = this.#parts;
    const limit = new AbortController();
    const patience = sleep(context.runtime, context.settings.storeDeadlineMs, limit.signal).then(() => undefined);
    patience.catch(() => {});
    try {
      return await Promise.race([context.sealedAt(), patience]);
    } finally {
      limit.abort();
    }
  }

  #fail(cause: unknown): void {
    const error = walFailure(cause, 'the WAL could not be written', this.#parts.folder, 'unknown');
    this.#end({ reason: 'failed', error, sentCount: this.#flight?.buffer.batches.length ?? 0 });
  }

  #end(end: WalEnd): void {
    if (this.#phase === 'over') return;
    this.stop();
    this.#parts.context.sink.ended(end);
  }
}
