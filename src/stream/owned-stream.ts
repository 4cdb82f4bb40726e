// A stream that this set owns: a reader that also appends, trims and gives it up.
import { checkCallOptions } from '../model/check-options.ts';
import { qanatError } from '../model/errors.ts';
import type { AppendPath } from './append-path.ts';
import { streamClosed } from './append-path.ts';
import { checkOffset } from './check-arguments.ts';
import type { OpenStream } from './open-stream.ts';
import { outOfRange } from './read-path.ts';
import type { AppendAllOptions, AppendOptions, Appended, BatchInput, CallOptions, Stream } from './stream.ts';
import { CatalogStreamReader, type ReaderHost } from './stream-reader.ts';

/** What owned streams need besides. */
export interface OwnerHost extends ReaderHost {
  readonly appendPath: AppendPath;
  trim(stream: OpenStream, startOffset: number, signal: AbortSignal | undefined): Promise<void>;
  /** Flushes, registers the unreleased run and closes the stream, in one change (O1). */
  giveUp(stream: OpenStream): Promise<void>;
}

export class OwnedStream extends CatalogStreamReader implements Stream {
  readonly #open: OpenStream;
  readonly #owner: OwnerHost;
  #closing: Promise<void> | undefined;

  constructor(owner: OwnerHost, open: OpenStream) {
    super(owner, open.id, open.name);
    this.#owner = owner;
    this.#open = open;
  }

  get streamEpoch(): number {
    return this.#open.streamEpoch;
  }

  get nextOffset(): number {
    return this.#open.nextOffset;
  }

  append(bytes: Uint8Array, options?: AppendOptions): Promise<Appended> {
    return this.#owner.appendPath.append(this.#open, bytes, options);
  }

  appendAll(batches: readonly BatchInput[], options?: AppendAllOptions): Promise<Appended> {
    return this.#owner.appendPath.appendAll(this.#open, batches, options);
  }

  async trim(startOffset: number, options: CallOptions = {}): Promise<void> {
    checkCallOptions(options);
    checkOffset(startOffset, 'the new start offset');
    options.signal?.throwIfAborted();
    const ending = this.#owner.ending();
    if (ending !== undefined) throw ending;
    if (this.#open.status !== 'open') throw streamClosed(this.#open);
    if (this.#owner.catalog.state.stream(this.id) === undefined)
      throw qanatError('STREAM_NOT_FOUND', `stream ${JSON.stringify(this.ref)} was deleted`, { stream: this.ref });
    const { durableEndOffset } = this.#open;
    if (startOffset > durableEndOffset)
      throw outOfRange(startOffset, { startOffset: this.startOffset, endOffset: durableEndOffset });
    await this.#owner.trim(this.#open, startOffset, options.signal);
  }

  override close(): Promise<void> {
    this.#closing ??= this.#giveUp().catch((cause: unknown) => {
      this.#closing = undefined; // It may be tried again.
      throw cause;
    });
    return this.#closing;
  }

  /** Called by the set when the stream is not ours any more, whoever decided it. */
  ended(): void {
    this.#open.status = 'closed';
    this.end(streamClosed(this.#open));
  }

  async #giveUp(): Promise<void> {
    if (this.#open.status === 'open') this.#open.status = 'closing';
    await this.#owner.giveUp(this.#open);
  }
}
