// The journal on an object store: nothing but a bucket, and only conditional writes.
//
//   <cluster id>/journal/0000000000000001 …     records, created if-absent, never changed
//   <cluster id>/journal/root                   floor, the two newest snapshots, a nonce; replaced if-match
//   <cluster id>/journal/snapshot-<n>-<digest>  snapshots
//
// This file is the door: arguments, lifetime, patience. What is done lies beside it: record-append.ts (J2),
// record-read.ts (J7), snapshot-file.ts and root-file.ts (J5, R9), collect.ts (J6), next-root.ts (pure).
// Nothing is remembered that another handle could not learn from the store, but for three hints: the newest root seen,
// whether the end has once been looked behind, and the indexes at which a put of this handle may still land.
import { drawId, systemRuntime, type Runtime } from '../base/runtime.ts';
import { isClusterId } from '../format/numbers.ts';
import { invalidArgument, qanatError } from '../model/errors.ts';
import { emit, silentObserver, type Observer } from '../model/events.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { checkBytes, checkFloor, checkIndex } from './check-journal-call.ts';
import { deleteCollected, raiseFloor } from './collect.ts';
import type {
  AppendVerdict,
  Journal,
  JournalOptions,
  JournalRun,
  JournalSnapshot,
  SaveSnapshotOptions,
} from './journal.ts';
import { firstRoot } from './next-root.ts';
import { isPassing, Patience } from './patience.ts';
import { appendRecord, type RecordPlace } from './record-append.ts';
import { readRun } from './record-read.ts';
import { RootFile } from './root-file.ts';
import { readSnapshot, saveSnapshot } from './snapshot-file.ts';

/** What an ObjectJournal is opened with. */
export interface ObjectJournalOptions {
  readonly store: ObjectStore;
  /** The cluster whose journal it is: everything lies under `<clusterId>/journal/`. */
  readonly clusterId: string;
  readonly runtime?: Runtime | undefined;
  readonly observer?: Observer | undefined;
  /** How long one call tries before it gives up, 120 s unless told: long enough for a store to come back. */
  readonly deadlineMs?: number | undefined;
  /** Whether to begin the journal where there is none. A reader does not. Default true. */
  readonly create?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** As long as the write-ahead log waits for its store. */
const deadlineDefaultMs = 120_000;

/**
 * The journal on an object store.
 *
 * A handle may be used by one writer at a time for appends, and by any number of readers. A record whose append
 * rejected with outcome 'unknown' is appended again with the same bytes **on the same handle**; a new process draws a
 * new writer.
 */
export class ObjectJournal implements Journal {
  readonly #place: RecordPlace;
  readonly #runtime: Runtime;
  readonly #observer: Observer;
  readonly #deadlineMs: number;
  readonly #underWay = new Set<Promise<unknown>>();
  readonly #unresolved = new Set<number>();
  #endSearched = false;
  #closed = false;

  private constructor(place: RecordPlace, options: ObjectJournalOptions) {
    this.#place = place;
    this.#runtime = options.runtime ?? systemRuntime;
    this.#observer = options.observer ?? silentObserver;
    this.#deadlineMs = options.deadlineMs ?? deadlineDefaultMs;
  }

  /**
   * Opens the journal of a cluster, and begins it if nothing at all lies under the cluster's prefix. A missing root
   * beside other objects is OBJECT_CORRUPT: a deleted journal is no new beginning. With `create: false`, a store
   * without the cluster is STORE_UNSUITABLE.
   */
  static async open(options: ObjectJournalOptions): Promise<ObjectJournal> {
    const { store, clusterId, create = true, deadlineMs = deadlineDefaultMs, signal } = options;
    if (!isClusterId(clusterId)) throw invalidArgument(`a cluster id has 32 hex digits; got ${String(clusterId)}`);
    if (!(deadlineMs > 0 && deadlineMs < Infinity))
      throw invalidArgument(`a deadline is a positive number of milliseconds; got ${deadlineMs}`);
    const place: RecordPlace = { store, clusterId, root: new RootFile(store, clusterId) };
    const journal = new ObjectJournal(place, options);
    const begin = create ? () => firstRoot(clusterId, drawId(journal.#runtime.random)) : undefined;
    await journal.#work(signal, (patience) => place.root.open(begin, patience));
    return journal;
  }

  async append(index: number, bytes: Uint8Array, options?: JournalOptions): Promise<AppendVerdict> {
    checkIndex(index, 'the index of a record');
    checkBytes(bytes, 'a record');
    const record = { index, bytes, unresolved: this.#unresolved };
    return this.#work(options?.signal, (patience) => appendRecord(this.#place, record, patience));
  }

  async read(from: number, limit: number, options?: JournalOptions): Promise<JournalRun> {
    checkIndex(from, 'the index of a record');
    checkIndex(limit, 'a number of records');
    return this.#work(options?.signal, async (patience) => {
      const run = await readRun(this.#place, from, limit, !this.#endSearched, patience);
      if (run !== 'collected' && run.records.length < limit) this.#endSearched = true;
      return run;
    });
  }

  async snapshots(options?: JournalOptions): Promise<readonly JournalSnapshot[]> {
    const { snapshots } = await this.#work(options?.signal, (patience) => this.#place.root.read(patience));
    return snapshots.map((snapshot) => ({
      index: snapshot.index,
      read: async (readOptions) =>
        this.#work(readOptions?.signal, (patience) => readSnapshot(this.#place, snapshot, patience)),
    }));
  }

  async saveSnapshot(index: number, bytes: Uint8Array, options?: SaveSnapshotOptions): Promise<void> {
    checkIndex(index, 'the index of a snapshot');
    checkBytes(bytes, 'a snapshot');
    const { signal, verify } = options ?? {};
    await this.#work(signal, (patience) => saveSnapshot(this.#place, index, bytes, verify, this.#runtime, patience));
  }

  async truncate(upTo: number, options?: JournalOptions): Promise<number> {
    checkFloor(upTo);
    return this.#work(options?.signal, async (patience) => {
      const floor = await raiseFloor(this.#place, upTo, this.#runtime, patience);
      try {
        if (floor > 0) await deleteCollected(this.#place, patience);
      } catch (cause) {
        if (!isPassing(cause)) throw cause;
        // The floor stands; what could not be deleted is found again by the next collection.
        emit(this.#observer, 'backgroundFailed', { work: 'journal collection', cause });
      }
      return floor;
    });
  }

  /** Takes no more calls and waits for those under way. A put that was given up may still land; see J2. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#underWay);
  }

  async #work<T>(signal: AbortSignal | undefined, task: (patience: Patience) => Promise<T>): Promise<T> {
    if (this.#closed) throw qanatError('CLOSED', 'this journal is closed', { what: 'journal' });
    signal?.throwIfAborted();
    const patience = new Patience(this.#runtime, this.#deadlineMs, signal);
    const work = task(patience).finally(() => patience.end());
    this.#underWay.add(work);
    try {
      return await work;
    } finally {
      this.#underWay.delete(work);
    }
  }
}
