// The catalog: a local replica of the state, and the way to propose changes.
//
// One loop does everything with the journal, one thing at a time: it sends what waits as one record, catches up, takes
// snapshots. So a writer has one record under way (J4), a sync never answers from a read that began before the call,
// and the state is never seen half-applied.
import { abortable, sharedAbortController, sleep, throwIfAborted, untilAborted } from '../base/abort.ts';
import { InvariantError, assert } from '../base/assert.ts';
import { backoffDelayMs } from '../base/backoff.ts';
import type { Runtime } from '../base/runtime.ts';
import { decodeJournalRecord, encodeJournalRecord } from '../format/journal-record.ts';
import { isQanatError, qanatError } from '../model/errors.ts';
import { emit, type Observer } from '../model/events.ts';
import { recordSizeMaxBytes, snapshotIntervalRecords } from '../model/limits.ts';
import type { Journal } from '../journal/journal.ts';
import { applyRecord } from './apply-change.ts';
import { changeSizeBytes } from './change-size.ts';
import type { CatalogChange, Change, ChangeRecord, Verdict } from './change.ts';
import { loadNewestSnapshot, saveSnapshot } from './catalog-snapshots.ts';
import { encodeState } from './state-snapshot.ts';
import { CatalogState } from './state.ts';
import { TurnTaking } from './turn-taking.ts';

/** What a catalog is made of. */
export interface CatalogOptions {
  readonly journal: Journal;
  readonly clusterId: string;
  readonly runtime: Runtime;
  readonly observer: Observer;
  readonly signal?: AbortSignal | undefined;
}

interface Proposal {
  readonly change: Change;
  readonly resolve: (verdict: Verdict) => void;
  readonly reject: (cause: unknown) => void;
}

/** A record whose fate is not known yet: its number and index are taken until it is (J1, J2). */
interface Unresolved {
  readonly index: number;
  readonly bytes: Uint8Array;
  readonly number: number;
}

const runLength = 256;
const contentionDelay = { delayMinMs: 5, delayMaxMs: 250 };

/** The key under which errors about record `index` speak of it. */
const recordPlace = (index: number): string => `journal/${index}`;

export class Catalog {
  #state: CatalogState;
  readonly #options: CatalogOptions;
  /** Who signs records: a node epoch, or the nonce of a registration. */
  #writer: number | string | undefined;
  #node = '';
  #lastNumber = 0;
  #waiting: Proposal[] = [];
  #syncers: { resolve: (index: number) => void; reject: (cause: unknown) => void }[] = [];
  #unresolved: Unresolved | undefined;
  readonly #turns = new TurnTaking();
  #loop: Promise<void> | undefined;
  #failure: unknown;
  #closed = false;
  readonly #closing = sharedAbortController();
  #snapshotIndex = 0;
  #snapshotDue = false;
  #snapshotWork: Promise<void> = Promise.resolve();
  readonly #listeners = new Set<(change: CatalogChange) => void>();
  readonly #failureListeners = new Set<(cause: unknown) => void>();

  private constructor(options: CatalogOptions) {
    this.#options = options;
    this.#state = new CatalogState(options.clusterId);
  }

  /** Loads the newest snapshot and everything after it. */
  static async open(options: CatalogOptions): Promise<Catalog> {
    const catalog = new Catalog(options);
    try {
      await catalog.sync({ signal: options.signal });
      return catalog;
    } catch (cause) {
      void catalog.close(); // Whoever gave up does not wait for what is under way.
      throw cause;
    }
  }

  /** The replica. Read it in one synchronous section; it changes between two, and may be another object. */
  get state(): CatalogState {
    return this.#state;
  }

  /** From now on records are signed by `writer`, numbered from 1. Called with nothing under way. */
  signAs(node: string, writer: number | string): void {
    assert(this.#waiting.length === 0 && this.#unresolved === undefined, 'a writer changes its name between records');
    this.#node = node;
    this.#writer = writer;
    this.#lastNumber = 0;
  }

  /** Calls `listener` for everything that applied changes alter, until the returned function is called. */
  subscribe(listener: (change: CatalogChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Calls `listener` once if this replica fails: it disagrees with the journal, or cannot read it any more. */
  onFailure(listener: (cause: unknown) => void): void {
    if (this.#failure === undefined) this.#failureListeners.add(listener);
    else listener(this.#failure);
  }

  /** Catches up with the journal: what was in it when the call was made is applied. The index reached. */
  async sync(options: { readonly signal?: AbortSignal | undefined } = {}): Promise<number> {
    throwIfAborted(options.signal);
    this.#checkUsable();
    return abortable<number>((resolve, reject) => {
      this.#syncers.push({ resolve, reject });
      this.#start();
      return () => {};
    }, options.signal);
  }

  /**
   * Appends a change to the journal and resolves with the verdict at its own index. Changes that wait together go in
   * one record. Rejects with STORE_UNAVAILABLE if it cannot be learnt whether the change was applied (outcome
   * 'unknown'), and with NODE_FENCED if it never will be. Abort gives up waiting and takes nothing back.
   */
  async propose(change: Change, options: { readonly signal?: AbortSignal | undefined } = {}): Promise<Verdict> {
    throwIfAborted(options.signal);
    this.#checkUsable();
    assert(this.#writer !== undefined, 'a catalog that proposes has a writer');
    const verdict = new Promise<Verdict>((resolve, reject) => this.#waiting.push({ change, resolve, reject }));
    this.#start();
    return untilAborted(verdict, options.signal);
  }

  /** Ends the loop: waiting calls reject with CLOSED, background work is waited for. The journal is the caller's. */
  async close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      const error = qanatError('CLOSED', 'the catalog is closed', { what: 'catalog' });
      this.#rejectAll(error);
      this.#closing.abort(error);
    }
    await this.#loop;
    await this.#snapshotWork;
  }

  #checkUsable(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#closed) throw qanatError('CLOSED', 'the catalog is closed', { what: 'catalog' });
  }

  #start(): void {
    this.#loop ??= Promise.resolve()
      .then(() => this.#run())
      .finally(() => {
        this.#loop = undefined;
        if (!this.#closed && this.#failure === undefined && (this.#waiting.length > 0 || this.#syncers.length > 0))
          this.#start();
      });
  }

  async #run(): Promise<void> {
    // In turn: where there is always a change that waits, who asks for news does not wait for ever.
    let hasSent = false;
    while (!this.#closed && this.#failure === undefined) {
      const isTurnOfSyncers: boolean = this.#syncers.length > 0 && (hasSent || this.#waiting.length === 0);
      if (!isTurnOfSyncers && this.#waiting.length === 0) break;
      hasSent = !isTurnOfSyncers;
      await (isTurnOfSyncers ? this.#answerSyncers() : this.#sendGroup());
      if (this.#snapshotDue && this.#failure === undefined) await this.#takeSnapshot();
    }
  }

  async #answerSyncers(): Promise<void> {
    const syncers = this.#syncers.splice(0);
    try {
      await this.#catchUp();
      for (const { resolve } of syncers) resolve(this.#state.index);
    } catch (cause) {
      for (const { reject } of syncers) reject(cause);
      this.#failOn(cause);
    }
  }

  /** Sends everything that waits, up to one record's worth, and settles it. */
  async #sendGroup(): Promise<void> {
    const group: Proposal[] = [];
    const { clock } = this.#options.runtime;
    try {
      await this.#letOthersIn();
      const startedAt = clock.monotonic();
      if (this.#unresolved !== undefined) await this.#resolveOldRecord(this.#unresolved);
      for (let losses = 0; ; losses++) {
        if (losses > 0) await this.#waitAfterLoss(losses);
        if (losses > 0) await this.#catchUp(); // After the wait: while it lasted, others have gone on.
        this.#fill(group);
        const verdicts = await this.#tryGroup(group);
        if (verdicts === undefined) continue;
        this.#turns.appended(losses > 0 ? undefined : clock.monotonic() - startedAt);
        assert(verdicts.length === group.length, 'a verdict for every change');
        group.forEach(({ resolve }, i) => resolve(verdicts[i] as Verdict));
        return;
      }
    } catch (cause) {
      if (group.length === 0) group.push(...this.#waiting.splice(0));
      for (const { reject } of group) reject(cause);
      this.#failOn(cause);
    }
  }

  /** Moves waiting proposals into the group while they fit one record. One alone always does. */
  #fill(group: Proposal[]): void {
    let sizeBytes = group.reduce((sum, { change }) => sum + changeSizeBytes(change), 0);
    while (this.#waiting.length > 0) {
      const next = this.#waiting[0] as Proposal;
      sizeBytes += changeSizeBytes(next.change);
      if (group.length > 0 && sizeBytes > recordSizeMaxBytes) return;
      group.push(next);
      this.#waiting.shift();
    }
  }

  /** One attempt at the next index. Undefined: not applied, the index is taken; try again above it. */
  async #tryGroup(group: readonly Proposal[]): Promise<readonly Verdict[] | undefined> {
    const writer = this.#writer as number | string;
    const fencedBy = this.#fencedBy();
    if (fencedBy !== undefined) return group.map(() => ({ applied: false, reason: 'fenced', fact: fencedBy }));
    const index = this.#state.index + 1;
    const number = this.#lastNumber + 1;
    const bytes = encodeJournalRecord({
      clusterId: this.#options.clusterId,
      index,
      writer,
      number,
      previousDigest: this.#state.digest,
      changes: group.map(({ change }) => change),
    });
    this.#unresolved = { index, bytes, number };
    let answer;
    try {
      answer = await this.#options.journal.append(index, bytes, { signal: this.#closing.signal });
    } catch (cause) {
      if (!isQanatError(cause) || cause.outcome === 'none') this.#unresolved = undefined;
      throw cause;
    }
    if (answer === 'appended') {
      const verdicts = this.#apply(bytes, index, true);
      this.#unresolved = undefined;
      this.#lastNumber = number;
      return verdicts;
    }
    if (answer === 'collected') {
      await this.#catchUp();
      return this.#lookUp(number);
    }
    this.#unresolved = undefined; // 'taken' is definite: the number is used again, with other bytes (J1).
    return undefined;
  }

  /** After an own record's index was collected: its verdicts, or undefined if it was never applied (J3). */
  #lookUp(number: number): readonly Verdict[] | undefined {
    this.#unresolved = undefined;
    const entry = this.#state.writer(this.#writer as number | string);
    if (entry !== undefined && entry.number >= number) {
      assert(entry.number === number, 'a writer has one record under way');
      this.#lastNumber = number;
      return entry.verdicts;
    }
    if (entry === undefined && this.#fencedBy() !== undefined) throw this.#fencedError();
    return undefined;
  }

  /** A record whose outcome stayed unknown comes before anything else: the same bytes at the same index (J2). */
  async #resolveOldRecord({ index, bytes, number }: Unresolved): Promise<void> {
    if (this.#state.index < index) {
      const answer = await this.#options.journal.append(index, bytes, { signal: this.#closing.signal });
      if (answer === 'appended') this.#apply(bytes, index, true);
      else await this.#catchUp();
    }
    assert(this.#state.index >= index, 'an index that is taken has been read');
    this.#lookUp(number);
  }

  /** After a row of own records: a pause, and then whatever others have written in it. */
  async #letOthersIn(): Promise<void> {
    const { runtime } = this.#options;
    const pauseMs = this.#turns.pauseMs(runtime.clock.monotonic(), runtime.random.fraction());
    if (pauseMs === 0) return;
    await sleep(runtime, pauseMs, this.#closing.signal);
    await this.#catchUp();
  }

  async #waitAfterLoss(losses: number): Promise<void> {
    emit(this.#options.observer, 'journalContended', { index: this.#state.index, losses });
    const delayMs = backoffDelayMs(losses, contentionDelay, this.#options.runtime.random);
    if (delayMs > 0) await sleep(this.#options.runtime, delayMs, this.#closing.signal);
  }

  async #catchUp(): Promise<void> {
    for (;;) {
      const from = this.#state.index + 1;
      const run = await this.#options.journal.read(from, runLength, { signal: this.#closing.signal });
      if (run === 'collected') {
        await this.#loadSnapshot();
        continue;
      }
      run.records.forEach((bytes, i) => this.#apply(bytes, from + i, false));
      if (run.records.length < runLength) return;
    }
  }

  async #loadSnapshot(): Promise<void> {
    this.#state = await loadNewestSnapshot(this.#options, this.#state.index);
    this.#snapshotIndex = this.#state.index;
    this.#tell({ index: this.#state.index, of: 'catalog', what: 'reloaded' });
  }

  #apply(bytes: Uint8Array, index: number, own: boolean): readonly Verdict[] {
    const { clusterId, observer } = this.#options;
    if (!own) this.#turns.sawOther(this.#options.runtime.clock.monotonic());
    const envelope = decodeJournalRecord(bytes, { key: recordPlace(index), clusterId, index });
    const effects: CatalogChange[] = [];
    const record = envelope as unknown as ChangeRecord;
    const listening = this.#listeners.size > 0;
    const verdicts = applyRecord(this.#state, record, bytes, listening ? (change) => effects.push(change) : undefined);
    if (own && index % snapshotIntervalRecords === 0) this.#snapshotDue = true;
    if (this.#writer !== undefined && index >= this.#snapshotIndex + 2 * snapshotIntervalRecords)
      this.#snapshotDue = true;
    emit(observer, 'journalRecordApplied', { index, changeCount: envelope.changes.length, own });
    for (const effect of effects) this.#tell(effect);
    return verdicts;
  }

  #tell(change: CatalogChange): void {
    for (const listener of [...this.#listeners]) listener(change);
  }

  /** Encodes with applying paused, then saves and collects beside the loop. One at a time. */
  async #takeSnapshot(): Promise<void> {
    this.#snapshotDue = false;
    const { index } = this.#state;
    if (index <= this.#snapshotIndex) return;
    this.#snapshotIndex = index; // Also if it fails: the next try is an interval away.
    await this.#snapshotWork;
    const bytes = await encodeState(this.#state, () => this.#options.runtime.timers.turn());
    this.#snapshotWork = saveSnapshot(this.#options, index, bytes).catch((cause: unknown) => {
      emit(this.#options.observer, 'backgroundFailed', { work: 'snapshot', cause });
    });
  }

  /** The epoch that made this writer's changes void, 0 if none is known; undefined while it is live. */
  #fencedBy(): number | undefined {
    const writer = this.#writer;
    if (typeof writer !== 'number' || this.#state.index < writer) return undefined;
    if (this.#state.node(this.#node)?.current?.epoch === writer) return undefined;
    return this.#state.newerEpoch(this.#node, writer);
  }

  #fencedError(): Error {
    const epoch = typeof this.#writer === 'number' ? this.#writer : 0;
    const message = 'this node epoch is over; what became of its last changes cannot be learnt any more';
    const facts = { node: this.#node, nodeEpoch: epoch, byEpoch: this.#fencedBy() };
    return qanatError('NODE_FENCED', message, facts, { outcome: 'unknown' });
  }

  /** What no retry can mend ends the replica: it proposes nothing more. */
  #failOn(cause: unknown): void {
    const lasting =
      cause instanceof InvariantError ||
      isQanatError(cause, 'OBJECT_CORRUPT') ||
      isQanatError(cause, 'FORMAT_UNSUPPORTED') ||
      isQanatError(cause, 'STORE_UNSUITABLE') ||
      !isQanatError(cause);
    if (!lasting || this.#failure !== undefined) return;
    this.#failure = cause;
    this.#rejectAll(cause);
    for (const listener of this.#failureListeners) listener(cause);
  }

  #rejectAll(cause: unknown): void {
    for (const { reject } of this.#waiting.splice(0)) reject(cause);
    for (const { reject } of this.#syncers.splice(0)) reject(cause);
  }
}
