// A journal in memory: for tests, and for data that may be lost with its process. The same contract as any other, kept
// by plain arrays; several stream sets of one process may share one, each through a handle of its own.
import { equalBytes } from '../base/bytes.ts';
import { invalidArgument, qanatError } from '../model/errors.ts';
import { checkBytes, checkFloor, checkIndex } from './check-journal-call.ts';
import type {
  AppendVerdict,
  Journal,
  JournalOptions,
  JournalRun,
  JournalSnapshot,
  SaveSnapshotOptions,
} from './journal.ts';

/** What all handles of one journal share. */
interface SharedJournal {
  /** Records above the floor, by index: dense. */
  readonly records: Map<number, Uint8Array>;
  endIndex: number;
  floor: number;
  /** Newest first, at most two. */
  snapshots: readonly { readonly index: number; readonly bytes: Uint8Array }[];
}

/** A journal in memory. */
export class MemoryJournal implements Journal {
  #shared: SharedJournal = { records: new Map(), endIndex: 0, floor: 0, snapshots: [] };
  #closed = false;

  /** Another handle on the same records, closed apart from this one. */
  openPeer(): MemoryJournal {
    const peer = new MemoryJournal();
    peer.#shared = this.#shared;
    return peer;
  }

  async append(index: number, bytes: Uint8Array, options?: JournalOptions): Promise<AppendVerdict> {
    checkIndex(index, 'the index of a record');
    checkBytes(bytes, 'a record');
    this.#check(options);
    const { records, endIndex, floor } = this.#shared;
    if (index <= floor) return 'collected';
    const standing = records.get(index);
    if (standing !== undefined) return equalBytes(standing, bytes) ? 'appended' : 'taken';
    if (index > endIndex + 1)
      throw invalidArgument(`the next index is ${endIndex + 1}; a record at ${index} would leave a hole`);
    records.set(index, bytes.slice());
    this.#shared.endIndex = index;
    return 'appended';
  }

  async read(from: number, limit: number, options?: JournalOptions): Promise<JournalRun> {
    checkIndex(from, 'the index of a record');
    checkIndex(limit, 'a number of records');
    this.#check(options);
    if (from <= this.#shared.floor) return 'collected';
    const records: Uint8Array[] = [];
    while (records.length < limit) {
      const record = this.#shared.records.get(from + records.length);
      if (record === undefined) break;
      records.push(record);
    }
    return { records };
  }

  async snapshots(options?: JournalOptions): Promise<readonly JournalSnapshot[]> {
    this.#check(options);
    return this.#shared.snapshots.map(({ index, bytes }) => ({
      index,
      read: async (readOptions) => {
        this.#check(readOptions);
        return bytes;
      },
    }));
  }

  async saveSnapshot(index: number, bytes: Uint8Array, options?: SaveSnapshotOptions): Promise<void> {
    checkIndex(index, 'the index of a snapshot');
    checkBytes(bytes, 'a snapshot');
    this.#check(options);
    if (index > this.#shared.endIndex)
      throw invalidArgument(`a snapshot stands for records that exist; there is no record ${index}`);
    const saved = { index, bytes: bytes.slice() };
    await options?.verify?.(saved.bytes);
    this.#check(options);
    const { snapshots } = this.#shared; // Read after the wait: somebody may have been faster.
    if (index <= (snapshots[0]?.index ?? 0)) return;
    this.#shared.snapshots = [saved, ...snapshots].slice(0, 2);
  }

  async truncate(upTo: number, options?: JournalOptions): Promise<number> {
    checkFloor(upTo);
    this.#check(options);
    const shared = this.#shared;
    const floor = Math.max(shared.floor, Math.min(upTo, shared.snapshots[1]?.index ?? 0));
    for (let index = shared.floor + 1; index <= floor; index += 1) shared.records.delete(index);
    shared.floor = floor;
    return floor;
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #check(options: JournalOptions | undefined): void {
    if (this.#closed) throw qanatError('CLOSED', 'this journal is closed', { what: 'journal' });
    options?.signal?.throwIfAborted();
  }
}
