// The journal: a numbered series of records, the only thing in the system that several nodes write to. Its one
// primitive is "append at index n if nobody has". All metadata is what you get by applying its records in order.
//
// - Records are 1, 2, 3, …; 0 means "before the first". Bytes of a record never change.
// - A snapshot at index n stands for all records up to n. Old records may be collected: the `floor` is the highest
//   index that may be gone. It never goes back and never passes the older of the two newest snapshots.
// - An index at or below the floor proves nothing: the record may be in the snapshot, or never have been.
// - journalSuite in the test kit holds every implementation to these rules (J1–J7 of docs/invariants.md).

/**
 * What became of an append. 'appended': the record stands at its index. 'taken': another record stands there.
 * 'collected': the index is at or below the floor; only the state can tell whether this record was ever in it.
 */
export type AppendVerdict = 'appended' | 'taken' | 'collected';

/** Records in order from the index asked for; fewer than the limit means that the end was reached and verified. */
export type JournalRun = { readonly records: readonly Uint8Array[] } | 'collected';

/** A snapshot that the journal names. */
export interface JournalSnapshot {
  readonly index: number;
  /** Reads its bytes, verified against the digest under which it was saved. */
  read(options?: JournalOptions): Promise<Uint8Array>;
}

/** Options of every call. */
export interface JournalOptions {
  /** Gives up waiting. */
  readonly signal?: AbortSignal | undefined;
}

/** Options of saving a snapshot. */
export interface SaveSnapshotOptions extends JournalOptions {
  /** Called with the bytes as read back; the snapshot is named only if it resolves. */
  readonly verify?: ((bytes: Uint8Array) => Promise<void>) | undefined;
}

/** A numbered series of records, with snapshots. */
export interface Journal {
  /**
   * Appends at `index` if nobody has; `index` must be at most one above a record that the caller has read.
   * Rejects with STORE_UNAVAILABLE, outcome 'unknown', if what became of it cannot be learnt before the journal's
   * deadline or the signal: the caller then appends the same bytes at the same index again before anything else.
   */
  append(index: number, bytes: Uint8Array, options?: JournalOptions): Promise<AppendVerdict>;
  /**
   * Reads up to `limit` records from index `from` on. What it gives is believed only after the floor was read, later:
   * also when it found nothing. 'collected' means `from` is at or below the floor: load a snapshot.
   */
  read(from: number, limit: number, options?: JournalOptions): Promise<JournalRun>;
  /** The snapshots that may be loaded, newest first: at most two. */
  snapshots(options?: JournalOptions): Promise<readonly JournalSnapshot[]>;
  /**
   * Stores a snapshot of the state at `index`, reads it back, verifies it and only then names it. An index at or below
   * the newest one named changes nothing.
   */
  saveSnapshot(index: number, bytes: Uint8Array, options?: SaveSnapshotOptions): Promise<void>;
  /**
   * Raises the floor to `upTo`, or as far as the older snapshot allows, then deletes what lies below. Resolves with the
   * floor reached.
   */
  truncate(upTo: number, options?: JournalOptions): Promise<number>;
  /** Waits for what is under way; later calls are refused. */
  close(): Promise<void>;
}
