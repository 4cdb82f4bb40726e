// Reads a stream, whoever writes it: through the tail while this set owns it, otherwise through the catalog's parts and
// the live segments of the owner's WAL.
// The reader finds out at every call which of the two it is, so it goes on through closing and opening elsewhere.
import { abortable } from '../base/abort.ts';
import { checkCallOptions } from '../model/check-options.ts';
import { invalidArgument, qanatError } from '../model/errors.ts';
import type { StreamId, StreamRef } from '../model/ids.ts';
import type { OffsetRange } from '../model/offset-range.ts';
import type { RecordBatch } from '../model/record-batch.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { checkOffset } from './check-arguments.ts';
import type { LiveSegments } from './live-segments.ts';
import { EndWait, type EndSource } from './end-wait.ts';
import { Follower, type Followed } from './follower.ts';
import type { OpenStream } from './open-stream.ts';
import type { ReadPath } from './read-path.ts';
import { freshCursor, type ReadCursor, type ReadTarget } from './reading.ts';
import type { CallOptions, ReadOptions, ReadResult, StreamReader } from './stream.ts';
import { findOffsetAt } from './time-lookup.ts';

/** What readers share. */
export interface ReaderHost {
  readonly catalog: Catalog;
  readonly readPath: ReadPath;
  /** What others have stored and not registered. */
  readonly live: LiveSegments;
  /** The stream as this set owns it, if it does. */
  openStream(id: StreamId): OpenStream | undefined;
  /** Throws if nothing can be read any more: the set is closed. */
  checkReadable(): void;
  /** Why nothing new will come any more: the set is fenced, failed or closed. */
  ending(): Error | undefined;
  /** Somebody has read to the end of a stream that is not ours: time to look for more, unless that was just done. */
  lookForMore(): void;
  /** Waits until the end of a stream that is not ours passes `offset`. Rejects when the set ends. */
  waitForRegistered(id: StreamId, offset: number, resolve: () => void, reject: (cause: unknown) => void): () => void;
}

export class CatalogStreamReader implements StreamReader {
  readonly id: StreamId;
  readonly name: string | undefined;
  protected readonly host: ReaderHost;
  /** Made when somebody reads or follows: most streams of a large set are only written. */
  #target: (ReadTarget & Followed & EndSource) | undefined;
  #cursor: ReadCursor | undefined;
  #closed: Error | undefined;
  readonly #unfollow: (() => void) | undefined;

  /** `unfollow` is called when the reader is closed. */
  constructor(host: ReaderHost, id: StreamId, name: string | undefined, unfollow?: () => void) {
    this.host = host;
    this.id = id;
    this.name = name;
    this.#unfollow = unfollow;
  }

  get startOffset(): number {
    return this.host.catalog.state.stream(this.id)?.startOffset ?? 0;
  }

  get endOffset(): number {
    const stream = this.host.catalog.state.stream(this.id);
    return stream === undefined ? 0 : this.#rangeOf(stream).endOffset;
  }

  read(from: number, options: ReadOptions = {}): Promise<ReadResult> {
    this.#cursor ??= freshCursor();
    const reading = this.host.readPath.read(this.#asTarget(), this.#cursor, from, options);
    if (from === this.endOffset && this.host.openStream(this.id) === undefined) this.host.lookForMore();
    return reading;
  }

  follow(from: number | 'start' | 'end', options: CallOptions = {}): AsyncIterableIterator<RecordBatch> {
    return new Follower(this.#asTarget(), from, options);
  }

  whenBeyond(offset: number, options: CallOptions = {}): Promise<number> {
    try {
      checkCallOptions(options);
      checkOffset(offset, 'an offset');
      return abortable<number>((beyond, failed) => {
        const wait = new EndWait(this.#asTarget(), offset, { beyond, failed });
        return () => void wait.end();
      }, options.signal);
    } catch (refused) {
      return Promise.reject(refused as Error);
    }
  }

  async offsetAt(timestamp: number, options: CallOptions = {}): Promise<number | undefined> {
    checkCallOptions(options);
    if (!Number.isSafeInteger(timestamp))
      throw invalidArgument(`a timestamp is a safe integer of milliseconds; got ${String(timestamp)}`);
    options.signal?.throwIfAborted();
    return findOffsetAt(this.#asTarget(), timestamp, this.host, options.signal);
  }

  /** Frees the reader: whoever waits on it is told CLOSED. */
  close(): Promise<void> {
    this.end(qanatError('CLOSED', 'the reader is closed', { what: 'reader' }));
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** From now on every call, and every wait, ends with `error`. */
  protected end(error: Error): void {
    if (this.#closed !== undefined) return;
    this.#closed = error;
    this.#unfollow?.();
    for (const wait of [...(this.#target?.waits ?? [])]) wait.reject(error);
  }

  protected get ref(): StreamRef {
    return this.name ?? this.id;
  }

  #bounds(): OffsetRange {
    if (this.#closed !== undefined) throw this.#closed;
    this.host.checkReadable();
    const stream = this.host.catalog.state.stream(this.id);
    if (stream === undefined)
      throw qanatError('STREAM_NOT_FOUND', `stream ${JSON.stringify(this.ref)} was deleted`, { stream: this.ref });
    return this.#rangeOf(stream);
  }

  /** A trim may run ahead of the registered end: then nothing is readable here until it is registered. */
  #rangeOf({ startOffset, endOffset }: OffsetRange): OffsetRange {
    const { host, id } = this;
    const durableEndOffset = host.openStream(id)?.durableEndOffset ?? host.live.endOffset(id) ?? endOffset;
    return { startOffset, endOffset: Math.max(durableEndOffset, startOffset) };
  }

  /** What reads, followers and waits stand on. */
  #asTarget(): ReadTarget & Followed & EndSource {
    if (this.#target !== undefined) return this.#target;
    const { id, host } = this;
    const open = (): OpenStream | undefined => host.openStream(id);
    const target: ReadTarget & Followed & EndSource = {
      id,
      ref: this.ref,
      waits: new Set<EndWait>(),
      tail: () => open()?.tail,
      waiters: () => open()?.waiters,
      bounds: () => this.#bounds(),
      ending: () => host.ending(),
      waitForRegistered: (offset, resolve, reject) => host.waitForRegistered(id, offset, resolve, reject),
      startOffset: () => this.startOffset,
      endOffset: () => this.endOffset,
      readNow: (cursor, from, isWoken) => host.readPath.readNow(target, cursor, from, isWoken),
      read: (cursor, from) => host.readPath.read(target, cursor, from),
      waitBeyond: (offset, listener) => new EndWait(target, offset, listener),
    };
    this.#target = target;
    return target;
  }
}
