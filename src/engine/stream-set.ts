// The composition root: a node's stream set. It wires the catalog, the WAL, the append path, the uploader and the
// streams together, and owns the one decision that concerns them all: how the set ends.
import { untilAborted } from '../base/abort.ts';
import { checkCallOptions } from '../model/check-options.ts';
import { invalidArgument, isQanatError, qanatError } from '../model/errors.ts';
import { emit } from '../model/events.ts';
import { checkAttributes, checkNodeName, checkStreamName } from '../model/check-names.ts';
import type { Attributes, StreamId, StreamRef } from '../model/ids.ts';
import type { TailPool } from '../cache/tail-pool.ts';
import type { CatalogChange, Change, Verdict } from '../catalog/change.ts';
import type { AppendPath } from '../stream/append-path.ts';
import type { OpenStream } from '../stream/open-stream.ts';
import type { OwnerHost } from '../stream/owned-stream.ts';
import type { CallOptions, Stream } from '../stream/stream.ts';
import { Uploader } from '../upload/uploader.ts';
import { objectWal } from '../wal/object-wal.ts';
import type { Wal, WalEnd, WalFactory } from '../wal/wal.ts';
import { Foundation } from './foundation.ts';
import { CatalogKv, condition, type Kv } from './key-value.ts';
import { uploadRunSizeMaxBytes } from './memory-shares.ts';
import { OpenStreams } from './open-streams.ts';
import { checkOpenOptions, untilGivenUp, type CheckedOpen } from './opening.ts';
import type { ChangeOptions, CreateOptions, OpenOptions, OpenReadOnlyOptions, OpenStreamOptions } from './options.ts';
import { closedError, SetStatus } from './set-status.ts';
import { Recoveries, type RecoverOptions, type RecoveryReport } from './recovering.ts';
import { openParts, type SetParts } from './set-parts.ts';
import { abandonStart, discardPast, startNode, type StartedNode } from './start-node.ts';
import type { Stats } from './stats.ts';
import { ReadOnlyView, StreamSetView } from './stream-set-view.ts';
import { fencedError, voidError, voidNodeError, voidStreamError } from './void-change.ts';

/** A node's streams: it is the only writer of those it has open. All of them share one WAL. */
export class StreamSet extends StreamSetView {
  readonly node: string;
  /** This incarnation of the node; a later one is higher. */
  readonly nodeEpoch: number;
  /** The key-value store. */
  declare readonly kv: Kv;
  readonly #wal: Wal;
  readonly #appendPath: AppendPath;
  readonly #tails: TailPool;
  readonly #uploader: Uploader;
  readonly #streams: OpenStreams;
  readonly #recoveries: Recoveries;
  readonly #unsubscribe: () => void;
  #closing: Promise<void> | undefined;
  /** What past incarnations left in the WAL's directory is removed in the background; a closed set leaves it alone. */
  #discarding: Promise<void> = Promise.resolve();

  private constructor(foundation: Foundation, life: SetStatus, parts: SetParts) {
    super(foundation, life);
    const { catalog, runtime, observer, settings, shares } = foundation;
    this.node = parts.node;
    this.nodeEpoch = parts.nodeEpoch;
    this.#wal = parts.wal;
    this.#appendPath = parts.appendPath;
    this.#tails = parts.tails;
    this.#uploader = new Uploader({
      catalog,
      wal: parts.wal,
      nodeEpoch: parts.nodeEpoch,
      runtime,
      observer,
      settings: {
        uploadSizeBytes: settings.uploadSizeBytes,
        uploadAgeMaxMs: settings.uploadAgeMaxMs,
        runSizeMaxBytes: uploadRunSizeMaxBytes(shares),
      },
      writer: parts.writer,
      source: ({ stream, ...range }) => this.#streams.get(stream)?.cachedBatches(range) ?? [],
      unuploadedBytes: () => parts.appendPath.unuploadedBytes,
      ending: () => (this.life.name === 'open' ? undefined : this.life.ending),
      onReleased: (position) => this.#onReleased(position),
      onFenced: (byEpoch) => this.#onFenced(byEpoch),
      onBroken: (cause) => this.fail(cause as Error),
    });
    const propose = (change: Change, signal: AbortSignal | undefined): Promise<Verdict> =>
      this.#propose(change, signal);
    const { writer, walFactories } = parts;
    this.#recoveries = new Recoveries({
      ...{ foundation, node: this.node, writer, walFactories, propose },
      onFenced: (byEpoch) => this.#onFenced(byEpoch),
    });
    this.#streams = new OpenStreams({
      nodeEpoch: this.nodeEpoch,
      host: () => this.#ownerHost(),
      tails: parts.tails,
      propose,
      onOpened: ({ id, streamEpoch }) => {
        foundation.registeredEnds.wake(id);
        emit(observer, 'streamOpened', { stream: id, streamEpoch });
      },
      onClosed: ({ id }) => emit(observer, 'streamClosed', { stream: id }),
      recoverOwner: (stream) => this.#recoveries.recoverOwner(stream),
    });
    Object.defineProperty(this, 'kv', {
      value: new CatalogKv(catalog, () => this.checkOpen(), propose),
      enumerable: true,
    });
    this.#unsubscribe = catalog.subscribe((change) => this.#onCatalogChange(change));
  }

  /**
   * Opens a node's stream set on a store: creates the cluster where there is nothing yet, takes the node's name over
   * from an earlier incarnation, and recovers what that one had not registered.
   */
  static async open(options: OpenOptions): Promise<StreamSet> {
    const checked = checkOpenOptions(options);
    options.signal?.throwIfAborted();
    return untilGivenUp(StreamSet.#start(options, checked), options.signal);
  }

  static async #start(options: OpenOptions, { node, attributes, wal, walMissing }: CheckedOpen): Promise<StreamSet> {
    const foundation = await Foundation.open(options, true);
    let nodeEpoch: number | undefined;
    try {
      const walFactories = wal.kind === 'object' ? ([wal] as const) : ([wal, objectWal()] as const);
      const onRegistered = (epoch: number): void => void (nodeEpoch = epoch);
      const { signal } = options;
      const ways = { wal, walFactories, walMissing };
      const started = await startNode({ foundation, node, attributes, ...ways, signal, onRegistered });
      const set = await StreamSet.#assemble(foundation, node, started, walFactories);
      set.#discarding = discardPast(foundation, wal);
      return set;
    } catch (cause) {
      await abandonStart(foundation, wal, nodeEpoch);
      throw cause;
    }
  }

  /** Opens a cluster to read it. Registers nothing, writes nothing. */
  static async openReadOnly(options: OpenReadOnlyOptions): Promise<StreamSetView> {
    checkCallOptions(options);
    options.signal?.throwIfAborted();
    const opening = Foundation.open(options, false).then((foundation) => new ReadOnlyView(foundation));
    return untilGivenUp(opening, options.signal);
  }

  static async #assemble(
    foundation: Foundation,
    node: string,
    started: StartedNode,
    walFactories: readonly [WalFactory, ...WalFactory[]],
  ): Promise<StreamSet> {
    const life = new SetStatus(foundation.observer);
    let set: StreamSet | undefined;
    const parts = await openParts(foundation, life, node, started, walFactories, {
      onDurable: () => void (set !== undefined && set.#uploader.poke()),
      onWalEnded: (end) => void (set !== undefined && set.#onWalEnded(end)),
    });
    set = new StreamSet(foundation, life, parts);
    return set;
  }

  /** Creates a stream and opens it. */
  async create(options: CreateOptions = {}): Promise<Stream> {
    checkCallOptions(options);
    const name = options.name === undefined ? undefined : checkStreamName(options.name);
    const attributes = checkAttributes(options.attributes);
    this.#begin(options.signal);
    return this.#streams.create(name, attributes, options.signal);
  }

  /**
   * Becomes the only writer of a stream. Never takes it from a live owner: that is STREAM_OWNED. A stream that this set
   * has open already gives the same handle.
   */
  async open(stream: StreamRef, options: OpenStreamOptions = {}): Promise<Stream> {
    checkCallOptions(options);
    const { expectedEpoch } = options;
    if (expectedEpoch !== undefined && (!Number.isSafeInteger(expectedEpoch) || expectedEpoch < 1))
      throw invalidArgument(`expectedEpoch is an integer of at least 1; got ${String(expectedEpoch)}`);
    const found = await this.resolve(stream, options);
    return this.#streams.open(found, expectedEpoch, options.signal);
  }

  /** Opens the stream of this name, or creates it. */
  async openOrCreate(name: string, options: Omit<CreateOptions, 'name'> = {}): Promise<Stream> {
    checkStreamName(name);
    checkCallOptions(options);
    for (;;) {
      try {
        const known = this.state.streamByName(name);
        if (known === undefined) return await this.create({ ...options, name });
        return await this.open(known.id, options);
      } catch (cause) {
        if (!isQanatError(cause, 'STREAM_EXISTS') && !isQanatError(cause, 'STREAM_NOT_FOUND')) throw cause;
      }
    }
  }

  /** Deletes a stream: a closed one, or one of ours, which is closed first. Another owner's is STREAM_OWNED. */
  async delete(stream: StreamRef, options: CallOptions = {}): Promise<void> {
    const found = await this.resolve(stream, options);
    await this.#streams.delete(found, options.signal);
  }

  /** Replaces the attributes of a stream. */
  async setAttributes(stream: StreamRef, attributes: Attributes, options: ChangeOptions = {}): Promise<void> {
    checkCallOptions(options);
    const checked = checkAttributes(attributes);
    const when = condition(options);
    const { id } = await this.resolve(stream, options);
    const verdict = await this.#propose(
      { kind: 'attributes', stream: id, attributes: checked, ...when },
      options.signal,
    );
    if (verdict.applied) return;
    if (verdict.reason === 'conflict')
      throw voidError(verdict, `the attributes of stream ${JSON.stringify(stream)}`, 'currentVersion');
    throw voidStreamError(verdict, stream, this.state);
  }

  /**
   * Takes over from another node: fences it, ends its WAL for ever, and registers what it holds. Everything that it has
   * acknowledged can be read then, and anybody may open its streams. Safe to call too early, more than once, and from
   * several nodes at once; a node that was taken for dead finds itself fenced.
   */
  async recover(node: string, options: RecoverOptions = {}): Promise<RecoveryReport> {
    checkCallOptions(options);
    this.#begin(options.signal);
    return this.#recoveries.recover(node, options);
  }

  /**
   * Takes a node off the list of `nodes()`, and its attributes with it. Refused with CONFLICT while it is open or has
   * an epoch to recover: `recover` it first. What it has written stays; the node may register again at any time.
   */
  async forgetNode(node: string, options: CallOptions = {}): Promise<void> {
    checkCallOptions(options);
    checkNodeName(node);
    const verdict = await this.#propose({ kind: 'forget-node', node }, options.signal);
    if (!verdict.applied) throw voidNodeError(verdict, node, this.state);
  }

  /** Registers everything that was appended before the call. It also happens by itself. */
  async upload(options: CallOptions = {}): Promise<void> {
    checkCallOptions(options);
    this.#begin(options.signal);
    await untilAborted(this.#uploader.upload(), options.signal);
  }

  override stats(): Stats {
    return {
      ...super.stats(),
      writing: {
        openStreamCount: this.#streams.count,
        pendingAppends: this.#appendPath.pendingCount,
        ...this.#appendPath.ages(),
        appendedBytes: this.#appendPath.durableBytes,
        unuploadedBytes: this.#appendPath.unuploadedBytes,
        unreleasedSegments: this.#wal.unreleased().length,
        walPendingBytes: this.#wal.pendingBytes,
        tailSizeBytes: this.#tails.sizeBytes,
        shares: this.foundation.shares,
      },
    };
  }

  /**
   * Makes everything durable, registers it, gives all streams up and ends. Waits; idempotent. If the store is out of
   * reach it ends all the same, as 'failed': what was acknowledged is recovered when the node is opened again.
   */
  override close(): Promise<void> {
    this.#closing ??= this.#shutDown();
    return this.#closing;
  }

  async #shutDown(): Promise<void> {
    this.life.closing();
    // Before the epoch is closed: a recovery that went on under it would take the close for a fence.
    const recoveriesEnded = this.#recoveries.close(this.life.ending as Error);
    if (this.life.name === 'open') {
      try {
        await this.#uploader.closeEpoch();
        this.endWith({ status: 'closed' }, closedError());
      } catch (cause) {
        this.fail(cause as Error);
      }
    }
    // Fenced, the WAL still finds out what became of the appends under way (W4); nobody waits for less.
    if (this.life.name === 'fenced') await this.#wal.flush();
    this.#wal.stop();
    this.#unsubscribe();
    await recoveriesEnded;
    await this.#uploader.stop();
    await this.#wal.close();
    await this.#discarding;
    this.#streams.endAll();
    await this.foundation.close();
  }

  /** @internal */
  protected override openStreamOf(id: StreamId): OpenStream | undefined {
    return this.#streams.get(id);
  }

  /** @internal */
  protected override endWith(...[reason, ending]: Parameters<StreamSetView['endWith']>): boolean {
    if (!super.endWith(reason, ending)) return false;
    this.#streams.fail(ending);
    this.#appendPath.endWaiting();
    return true;
  }

  /** @internal A failure that did not come from the WAL stops it: what is under way ends with an unknown outcome. */
  protected override fail(error: Error): void {
    if (this.life.name !== 'open') return; // A fenced WAL is left to find out what became of its appends.
    super.fail(error);
    this.#wal.stop();
    const facts = { operation: 'append', key: undefined };
    const more = { outcome: 'unknown', action: 'reopen', cause: error } as const;
    this.#appendPath.abandon(
      qanatError('STORE_UNAVAILABLE', 'the set failed while this append was under way', facts, more),
    );
  }

  #begin(signal: AbortSignal | undefined): void {
    signal?.throwIfAborted();
    this.checkOpen();
  }

  /** Proposes a change of this epoch; if it is void because the epoch is, the set ends. */
  async #propose(change: Change, signal: AbortSignal | undefined): Promise<Verdict> {
    this.#begin(signal);
    const verdict = await this.foundation.catalog.propose(change, { signal });
    if (!verdict.applied && verdict.reason === 'fenced') throw this.#onFenced(verdict.fact);
    return verdict;
  }

  #ownerHost(): OwnerHost {
    return {
      ...this.readerHost(),
      appendPath: this.#appendPath,
      trim: (stream, startOffset, signal) => this.#trim(stream, startOffset, signal),
      giveUp: (stream) => this.#giveUp(stream),
    };
  }

  async #trim(
    { id, name, streamEpoch }: OpenStream,
    startOffset: number,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const verdict = await this.#propose({ kind: 'trim', stream: id, streamEpoch, startOffset }, signal);
    if (!verdict.applied) throw voidStreamError(verdict, name ?? id, this.state);
  }

  async #giveUp(stream: OpenStream): Promise<void> {
    if (this.#closing !== undefined) await this.#closing; // All streams are given up by the same change.
    if (this.life.name === 'open' && this.#streams.get(stream.id) === stream) await this.#uploader.closeStream(stream);
    this.#streams.forget(stream);
  }

  #onReleased(position: number): void {
    this.#appendPath.released(position);
    this.#tails.evict(this.foundation.shares.tail + this.#appendPath.unuploadedBytes);
  }

  #onWalEnded(end: WalEnd): void {
    if (end.reason === 'fenced') this.#onFenced(this.state.newerEpoch(this.node, this.nodeEpoch));
    else this.fail(end.error);
  }

  #onCatalogChange(change: CatalogChange): void {
    if (change.of !== 'catalog' && (change.of !== 'node' || change.node !== this.node)) return;
    if (this.life.ending !== undefined || this.state.isCurrent(this.nodeEpoch)) return;
    this.#onFenced(this.state.newerEpoch(this.node, this.nodeEpoch));
  }

  /**
   * Another epoch took over. No new appends; those under way drain as the WAL finds out what became of them (W4).
   * The error to tell.
   */
  #onFenced(fencedBy: number): Error {
    const byEpoch = fencedBy === 0 ? this.state.newerEpoch(this.node, this.nodeEpoch) : fencedBy;
    const error = fencedError(this.state, this.node, this.nodeEpoch, 'none');
    this.endWith({ status: 'fenced', byEpoch: byEpoch === 0 ? undefined : byEpoch }, error);
    return error;
  }
}
