// The smallest thing that lives on a journal as the catalog does: it keeps the history that the journal tells, snapshot
// by snapshot and record by record, and can write that history down as a snapshot itself.
import type { AppendVerdict, Journal } from '../index.ts';

/** A record of the suites: text that names its writer and number, so that no two writers' records are equal. */
export function recordOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** The text of a record. */
export function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** A history, kept up with a journal. */
export class JournalReplica {
  readonly journal: Journal;
  /** Text of record n at place n − 1. */
  history: readonly string[] = [];
  readonly #runLength: number;

  constructor(journal: Journal, runLength = 8) {
    this.journal = journal;
    this.#runLength = runLength;
  }

  /** Highest index applied. */
  get index(): number {
    return this.history.length;
  }

  /** Catches up: what was in the journal when the call was made is in the history when it resolves. */
  async sync(): Promise<void> {
    for (;;) {
      const run = await this.journal.read(this.index + 1, this.#runLength);
      if (run === 'collected') {
        await this.#loadSnapshot();
        continue;
      }
      this.history = [...this.history, ...run.records.map(textOf)];
      if (run.records.length < this.#runLength) return;
    }
  }

  /**
   * Appends one record at whatever index is next: goes on after 'taken', and after 'collected' looks into the history
   * whether the record was in it. The index at which it stands.
   */
  async append(text: string): Promise<number> {
    for (;;) {
      const index = this.index + 1;
      const verdict: AppendVerdict = await this.journal.append(index, recordOf(text));
      if (verdict === 'appended') {
        this.history = [...this.history, text];
        return index;
      }
      await this.sync();
      if (verdict === 'collected' && this.history.includes(text)) return this.history.indexOf(text) + 1;
    }
  }

  /** Saves a snapshot of the history and has the journal collect what it stands for. The floor. */
  async collect(): Promise<number> {
    await this.journal.saveSnapshot(this.index, this.encode());
    return this.journal.truncate(this.index);
  }

  /** The history as the bytes of a snapshot. */
  encode(): Uint8Array {
    return recordOf(this.history.join('\n'));
  }

  async #loadSnapshot(): Promise<void> {
    for (const snapshot of await this.journal.snapshots()) {
      if (snapshot.index <= this.index) continue;
      this.history = textOf(await snapshot.read()).split('\n');
      if (this.history.length !== snapshot.index)
        throw new Error(`a snapshot at ${snapshot.index} holds ${this.history.length} records`);
      return;
    }
    throw new Error(`the journal was collected above ${this.index} and names no snapshot of it`);
  }
}
