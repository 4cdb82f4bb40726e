// What anybody may do with a cluster without writing: read streams, list them, follow what changes. A view registers
// nothing and leaves the store as it found it. StreamSet extends it.
import { untilAborted } from '../base/abort.ts';
import { asRefusal, invalidArgument, isQanatError, qanatError } from '../model/errors.ts';
import { checkCallOptions } from '../model/check-options.ts';
import { checkStreamRef } from '../model/check-names.ts';
import type { StreamId, StreamRef } from '../model/ids.ts';
import type { CatalogChange } from '../catalog/change.ts';
import type { CatalogState, StreamState } from '../catalog/state.ts';
import type { OpenStream } from '../stream/open-stream.ts';
import { CatalogStreamReader, type ReaderHost } from '../stream/stream-reader.ts';
import type { CallOptions, StreamReader } from '../stream/stream.ts';
import { CatalogWatch } from './catalog-watch.ts';
import { costOf, type CostReport } from './cost.ts';
import { describeNode, describeStream, summarizeStream } from './descriptions.ts';
import type { NodeDescription, StreamDescription, StreamSummary } from './descriptions.ts';
import type { Foundation } from './foundation.ts';
import { CatalogKvView, type KvView } from './key-value.ts';
import { s3StandardPrices, type PriceTable } from './prices.ts';
import { closedError, SetStatus, type CloseReason, type SetStatusName } from './set-status.ts';
import { viewStats, type Stats } from './stats.ts';

/** Options of listing streams. */
export interface ListStreamsOptions {
  /** Only streams whose name starts with this. */
  readonly prefix?: string | undefined;
}

/** A cluster, to read. Made by `StreamSet.openReadOnly`. */
export class StreamSetView {
  /** @internal */
  protected readonly foundation: Foundation;
  /** @internal */
  protected readonly life: SetStatus;
  readonly #watches = new Set<CatalogWatch>();
  /** The key-value store, as this set knows it. */
  readonly kv: KvView;

  /** @internal */
  protected constructor(foundation: Foundation, life: SetStatus) {
    this.foundation = foundation;
    this.life = life;
    this.kv = new CatalogKvView(foundation.catalog, () => this.checkOpen());
    foundation.catalog.onFailure((cause) => this.fail(cause as Error));
  }

  /** Where this set stands. Anything but 'open' is final. */
  get status(): SetStatusName {
    return this.life.name;
  }

  /** Resolves when the set has ended, with the reason; never rejects. */
  get closed(): Promise<CloseReason> {
    return this.life.closed;
  }

  /**
   * Reads a stream, whoever writes it. Where another node has it open on an object WAL, what that node has stored is
   * looked at first, so that the reader begins with what is there now.
   */
  async reader(stream: StreamRef, options: CallOptions = {}): Promise<StreamReader> {
    const { id, name } = await this.resolve(stream, options);
    const { live } = this.foundation;
    const reader = new CatalogStreamReader(this.readerHost(), id, name, live.follow(id));
    try {
      if (live.isLive(id)) await untilAborted(live.refresh(), options.signal);
    } catch (cause) {
      // Without the store there still is what is known and cached.
      if (!isQanatError(cause, 'STORE_UNAVAILABLE')) {
        await reader.close();
        throw cause;
      }
    }
    return reader;
  }

  /** Everything the catalog knows of a stream. */
  async describe(stream: StreamRef, options: CallOptions = {}): Promise<StreamDescription> {
    const found = await this.resolve(stream, options);
    return describeStream(this.state, found, this.foundation.clusterId);
  }

  /** Streams in the order of their ids, as this set knows them. */
  async *list(options: ListStreamsOptions = {}): AsyncIterableIterator<StreamSummary> {
    checkCallOptions(options);
    const prefix = options.prefix ?? '';
    if (typeof prefix !== 'string') throw invalidArgument('a prefix is a string', TypeError);
    for (let next = 1; ;) {
      this.checkOpen();
      const page = this.#page(next, prefix);
      yield* page.streams;
      if (page.next === undefined) return;
      next = page.next;
    }
  }

  /** All nodes that were ever registered, and not forgotten since. */
  async nodes(options: CallOptions = {}): Promise<readonly NodeDescription[]> {
    this.#begin(options);
    return [...this.state.nodes()].map((node) => describeNode(node));
  }

  /**
   * Catches up: everything that was decided before the call is seen, and what others had stored by then of streams that
   * are read here. The journal index reached.
   */
  async sync(options: CallOptions = {}): Promise<number> {
    this.#begin(options);
    const { live, catalog } = this.foundation;
    await untilAborted(live.refresh(), options.signal);
    return catalog.state.index;
  }

  /**
   * What changes in streams, nodes and kv from now on, in order, until the set closes. While somebody watches, the set
   * looks for changes of others every `catalogRefreshMs`.
   */
  watch(options: CallOptions = {}): AsyncIterableIterator<CatalogChange> {
    checkCallOptions(options);
    this.checkOpen();
    const { catalog, poller } = this.foundation;
    const onFree = (watch: CatalogWatch): void => void this.#watches.delete(watch);
    const watch = new CatalogWatch(catalog, () => poller.hold(), options.signal, onFree);
    this.#watches.add(watch);
    return watch;
  }

  /** Numbers about this set, now. */
  stats(): Stats {
    return viewStats(this.foundation, this.status);
  }

  /**
   * What the requests of this set have cost so far, at these prices (S3 Standard unless others are given), and what
   * storing costs while nothing is done. Makes no request.
   */
  cost(prices: PriceTable = s3StandardPrices): CostReport {
    const { requests, readBytes, writing } = this.stats();
    const { objectSizeBytes: storedBytes } = this.state;
    return costOf({ requests, readBytes, appendedBytes: writing?.appendedBytes ?? 0, storedBytes }, prices);
  }

  /** Ends the set and frees what it holds. Idempotent. */
  async close(): Promise<void> {
    this.endWith({ status: 'closed' }, closedError());
    await this.foundation.close();
  }

  /** The same as `close`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** @internal */
  protected get state(): CatalogState {
    return this.foundation.catalog.state;
  }

  /** @internal Throws unless the set is open. */
  protected checkOpen(): void {
    const { ending } = this.life;
    if (ending !== undefined) throw ending;
  }

  /** @internal What is durable stays readable on a set that was fenced or has failed; not on a closed one. */
  protected checkReadable(): void {
    if (this.life.name === 'closed') this.checkOpen();
  }

  /** @internal Finds a stream, in a newer state if this one does not know it. */
  protected async resolve(stream: StreamRef, options: CallOptions): Promise<StreamState> {
    checkCallOptions(options);
    checkStreamRef(stream);
    this.#begin(options);
    const { signal } = options;
    const find = (): StreamState | undefined =>
      typeof stream === 'number' ? this.state.stream(stream) : this.state.streamByName(stream);
    let found = find();
    if (found === undefined) {
      await this.foundation.catalog.sync({ signal });
      found = find();
    }
    if (found === undefined)
      throw qanatError('STREAM_NOT_FOUND', `there is no stream ${JSON.stringify(stream)}`, { stream });
    return found;
  }

  /** @internal What readers of this set stand on. */
  protected readerHost(): ReaderHost {
    const { catalog, readPath, live, poller, registeredEnds } = this.foundation;
    return {
      catalog,
      readPath,
      live,
      lookForMore: () => poller.poke(),
      openStream: (id) => this.openStreamOf(id),
      checkReadable: () => this.checkReadable(),
      ending: () => this.life.ending,
      waitForRegistered: (id, offset, resolve, reject) => registeredEnds.wait(id, offset, resolve, reject),
    };
  }

  /** @internal The stream as this set owns it; a view owns none. */
  protected openStreamOf(_id: StreamId): OpenStream | undefined {
    return undefined;
  }

  /** @internal The set cannot go on. */
  protected fail(error: Error): void {
    this.endWith({ status: 'failed', error }, asRefusal(error));
  }

  /** @internal Ends the life of the set, and every wait on it. Whether it was this call. */
  protected endWith(reason: CloseReason, ending: Error): boolean {
    if (!this.life.end(reason, ending)) return false;
    const quietly = reason.status === 'closed';
    for (const watch of [...this.#watches]) watch.end(quietly ? undefined : ending);
    this.foundation.registeredEnds.fail(ending);
    return true;
  }

  #begin(options: CallOptions): void {
    checkCallOptions(options);
    options.signal?.throwIfAborted();
    this.checkOpen();
  }

  #page(
    from: number,
    prefix: string,
  ): { readonly streams: readonly StreamSummary[]; readonly next: number | undefined } {
    const streams: StreamSummary[] = [];
    let visited = 0;
    for (const stream of this.state.streams(from)) {
      if (++visited > listPageLength) return { streams, next: stream.id };
      if (prefix === '' || stream.name?.startsWith(prefix)) streams.push(summarizeStream(this.state, stream));
    }
    return { streams, next: undefined };
  }
}

/** Streams looked at in one synchronous section. */
const listPageLength = 1_000;

/** What `openReadOnly` gives. */
export class ReadOnlyView extends StreamSetView {
  constructor(foundation: Foundation) {
    super(foundation, new SetStatus(foundation.observer));
  }
}
