// Reads a stream, whoever writes it: through the tail while this set owns it, through the catalog's parts otherwise.
// The reader finds out at every call which of the two it is, so it goes on through closing and opening elsewhere.
import { abortable } from '../base/abort.ts';
import { checkCallOptions } from '../model/check-options.ts';
import { invalidArgument, qanatError } from '../model/errors.ts';
import type { StreamId, StreamRef } from '../model/ids.ts';
import type { OffsetRange } from '../model/offset-range.ts';
import type { RecordBatch } from '../model/record-batch.ts';
import { freshReader } from '../cache/read-ahead.ts';
import type { StreamTail } from '../cache/tail-cache.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { checkOffset } from './check-arguments.ts';
import { Follower } from './follower.ts';
import type { OpenStream } from './open-stream.ts';
import type { ReadCursor, ReadPath, ReadTarget } from './read-path.ts';
import type { CallOptions, ReadOptions, ReadResult, StreamReader } from './stream.ts';
import { findOffsetAt } from './time-lookup.ts';

/** What readers share. */
export interface ReaderHost {
  readonly catalog: Catalog;
  readonly readPath: ReadPath;
  /** The stream as this set owns it, if it does. */
  openStream(id: StreamId): OpenStream | undefined;
  /** Throws if nothing can be read any more: the set is closed. */
  checkReadable(): void;
  /** Why nothing new will come any more: the set is fenced, failed or closed. */
  ending(): Error | undefined;
  /** Waits until the registered end of a stream that is not ours passes `offset`. Rejects when the set ends. */
  waitForRegistered(id: StreamId, offset: number, resolve: () => void, reject: (cause: unknown) => void): () => void;
}

export class CatalogStreamReader implements StreamReader {
  readonly id: StreamId;
  readonly name: string | undefined;
  protected readonly host: ReaderHost;
  readonly #waits = new Set<(cause: unknown) => void>();
  readonly #cursor: ReadCursor = { ahead: freshReader, prefetchedTo: 0 };
  #closed: Error | undefined;

  constructor(host: ReaderHost, id: StreamId, name: string | undefined) {
    this.host = host;
    this.id = id;
    this.name = name;
  }

  get startOffset(): number {
    return this.host.catalog.state.stream(this.id)?.startOffset ?? 0;
  }

  get endOffset(): number {
    const stream = this.host.catalog.state.stream(this.id);
    return stream === undefined ? 0 : this.#rangeOf(stream).endOffset;
  }

  async read(from: number, options: ReadOptions = {}): Promise<ReadResult> {
    return this.host.readPath.read(this.#target(), from, options);
  }

  follow(from: number | 'start' | 'end', options: CallOptions = {}): AsyncIterableIterator<RecordBatch> {
    return new Follower(this, from, options);
  }

  async whenBeyond(offset: number, options: CallOptions = {}): Promise<number> {
    checkCallOptions(options);
    checkOffset(offset, 'an offset');
    for (;;) {
      options.signal?.throwIfAborted();
      const { endOffset } = this.#bounds();
      if (endOffset > offset) return endOffset;
      const ending = this.host.ending();
      if (ending !== undefined) throw ending;
      await this.#nextMove(offset, options.signal);
    }
  }

  async offsetAt(timestamp: number, options: CallOptions = {}): Promise<number | undefined> {
    checkCallOptions(options);
    if (!Number.isSafeInteger(timestamp))
      throw invalidArgument(`a timestamp is a safe integer of milliseconds; got ${String(timestamp)}`);
    options.signal?.throwIfAborted();
    const { catalog, readPath } = this.host;
    return findOffsetAt(this.#target(), timestamp, catalog, readPath, options.signal);
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
    for (const reject of this.#waits) reject(error);
    this.#waits.clear();
  }

  protected get ref(): StreamRef {
    return this.name ?? this.id;
  }

  #target(): ReadTarget {
    const tail: StreamTail | undefined = this.host.openStream(this.id)?.tail;
    return { id: this.id, ref: this.ref, tail, cursor: this.#cursor, bounds: () => this.#bounds() };
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
    const durableEndOffset = this.host.openStream(this.id)?.durableEndOffset ?? endOffset;
    return { startOffset, endOffset: Math.max(durableEndOffset, startOffset) };
  }

  /** Resolves when it is worth looking again. */
  #nextMove(offset: number, signal: AbortSignal | undefined): Promise<void> {
    return abortable<void>((resolve, reject) => {
      const open = this.host.openStream(this.id);
      const stop =
        open === undefined
          ? this.host.waitForRegistered(this.id, offset, resolve, reject)
          : open.waiters.add(offset, () => resolve(), reject);
      const onClose = (cause: unknown): void => reject(cause);
      this.#waits.add(onClose);
      return () => {
        this.#waits.delete(onClose);
        stop();
      };
    }, signal);
  }
}
