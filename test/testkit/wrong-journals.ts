// Journals that are wrong on purpose: each keeps the contract but for one rule, so that the suite can be seen to notice.
import type {
  AppendVerdict,
  Journal,
  JournalOptions,
  JournalRun,
  JournalSnapshot,
  SaveSnapshotOptions,
} from '../../src/journal/journal.ts';
import type { MemoryJournal } from '../../src/journal/memory-journal.ts';

/** A journal that passes everything on, and is right; the wrong ones change one method. */
export class PassingJournal implements Journal {
  readonly inner: MemoryJournal;

  constructor(inner: MemoryJournal) {
    this.inner = inner;
  }

  append(index: number, bytes: Uint8Array, options?: JournalOptions): Promise<AppendVerdict> {
    return this.inner.append(index, bytes, options);
  }
  read(from: number, limit: number, options?: JournalOptions): Promise<JournalRun> {
    return this.inner.read(from, limit, options);
  }
  snapshots(options?: JournalOptions): Promise<readonly JournalSnapshot[]> {
    return this.inner.snapshots(options);
  }
  saveSnapshot(index: number, bytes: Uint8Array, options?: SaveSnapshotOptions): Promise<void> {
    return this.inner.saveSnapshot(index, bytes, options);
  }
  truncate(upTo: number, options?: JournalOptions): Promise<number> {
    return this.inner.truncate(upTo, options);
  }
  close(): Promise<void> {
    return this.inner.close();
  }
}

class TakenIsAppended extends PassingJournal {
  override async append(...call: Parameters<Journal['append']>): Promise<AppendVerdict> {
    const verdict = await super.append(...call);
    return verdict === 'taken' ? 'appended' : verdict;
  }
}

class CollectedIsTaken extends PassingJournal {
  override async append(...call: Parameters<Journal['append']>): Promise<AppendVerdict> {
    const verdict = await super.append(...call);
    return verdict === 'collected' ? 'taken' : verdict;
  }
}

class FloorIsNotChecked extends PassingJournal {
  override async append(...call: Parameters<Journal['append']>): Promise<AppendVerdict> {
    const verdict = await super.append(...call);
    return verdict === 'collected' ? 'appended' : verdict;
  }
}

class EmptyReadIsNotChecked extends PassingJournal {
  override async read(...call: Parameters<Journal['read']>): Promise<JournalRun> {
    const run = await super.read(...call);
    return run === 'collected' ? { records: [] } : run;
  }
}

class ReadsPastAHole extends PassingJournal {
  override async read(from: number, limit: number, options?: JournalOptions): Promise<JournalRun> {
    const run = await super.read(from, limit, options);
    return run === 'collected' ? this.read(from + 1, limit, options) : run;
  }
}

class ReadsShort extends PassingJournal {
  override async read(from: number, limit: number, options?: JournalOptions): Promise<JournalRun> {
    return super.read(from, Math.min(limit, 100), options);
  }
}

class NamesBeforeVerifying extends PassingJournal {
  override async saveSnapshot(index: number, bytes: Uint8Array, options?: SaveSnapshotOptions): Promise<void> {
    await super.saveSnapshot(index, bytes, { signal: options?.signal });
    await options?.verify?.(bytes);
  }
}

class NeverVerifies extends PassingJournal {
  override saveSnapshot(index: number, bytes: Uint8Array, options?: SaveSnapshotOptions): Promise<void> {
    return super.saveSnapshot(index, bytes, { signal: options?.signal });
  }
}

class NamesWhatWasSavedLast extends PassingJournal {
  #saved: readonly JournalSnapshot[] = [];

  override async saveSnapshot(index: number, bytes: Uint8Array, options?: SaveSnapshotOptions): Promise<void> {
    await super.saveSnapshot(index, bytes, options);
    this.#saved = [{ index, read: async () => bytes }, ...this.#saved].slice(0, 2);
  }

  override async snapshots(options?: JournalOptions): Promise<readonly JournalSnapshot[]> {
    const named = await super.snapshots(options);
    return this.#saved.length > 0 ? this.#saved : named;
  }
}

class NamesOneSnapshot extends PassingJournal {
  override async snapshots(options?: JournalOptions): Promise<readonly JournalSnapshot[]> {
    return (await super.snapshots(options)).slice(0, 1);
  }
}

class FloorAboveTheOlderSnapshot extends PassingJournal {
  #floor = 0;

  override async truncate(upTo: number, options?: JournalOptions): Promise<number> {
    const floor = await super.truncate(upTo, options);
    const [newest, older] = await super.snapshots();
    this.#floor = older === undefined ? floor : Math.max(floor, Math.min(upTo, newest?.index ?? 0));
    return floor;
  }

  override async read(from: number, limit: number, options?: JournalOptions): Promise<JournalRun> {
    return this.#floor > 0 && from <= this.#floor ? 'collected' : super.read(from, limit, options);
  }
}

class FloorIsWhatWasAsked extends PassingJournal {
  override async truncate(upTo: number, options?: JournalOptions): Promise<number> {
    await super.truncate(upTo, options);
    return upTo;
  }
}

class LastWriterWins extends PassingJournal {
  static readonly #overwritten = new WeakMap<MemoryJournal, Map<number, Uint8Array>>();

  override async append(...call: Parameters<Journal['append']>): Promise<AppendVerdict> {
    const verdict = await super.append(...call);
    if (verdict === 'taken') this.#others().set(call[0], call[1].slice());
    return verdict;
  }

  override async read(from: number, limit: number, options?: JournalOptions): Promise<JournalRun> {
    const run = await super.read(from, limit, options);
    if (run === 'collected') return run;
    return { records: run.records.map((bytes, i) => this.#others().get(from + i) ?? bytes) };
  }

  #others(): Map<number, Uint8Array> {
    const others = LastWriterWins.#overwritten.get(this.inner) ?? new Map<number, Uint8Array>();
    LastWriterWins.#overwritten.set(this.inner, others);
    return others;
  }
}

class AppendsAfterClose extends PassingJournal {
  override async close(): Promise<void> {}
}

class IgnoresSignals extends PassingJournal {
  override append(index: number, bytes: Uint8Array): Promise<AppendVerdict> {
    return super.append(index, bytes);
  }
}

/** By name: how to wrap a handle. */
export const wrongJournals: Readonly<Record<string, (inner: MemoryJournal) => Journal>> = {
  'taken is reported as appended': (inner) => new TakenIsAppended(inner),
  'collected is reported as taken': (inner) => new CollectedIsTaken(inner),
  'the floor is not checked after an append': (inner) => new FloorIsNotChecked(inner),
  'the floor is not checked after a read': (inner) => new EmptyReadIsNotChecked(inner),
  'a read goes on behind what was collected': (inner) => new ReadsPastAHole(inner),
  'a read ends before the end': (inner) => new ReadsShort(inner),
  'a snapshot is named before it is verified': (inner) => new NamesBeforeVerifying(inner),
  'a snapshot is never verified': (inner) => new NeverVerifies(inner),
  'the root moves back to a stale snapshot': (inner) => new NamesWhatWasSavedLast(inner),
  'the older snapshot is forgotten': (inner) => new NamesOneSnapshot(inner),
  'the floor passes the older snapshot': (inner) => new FloorAboveTheOlderSnapshot(inner),
  'the floor is said to be what was asked': (inner) => new FloorIsWhatWasAsked(inner),
  'a lost race still changes the record': (inner) => new LastWriterWins(inner),
  'a closed handle goes on': (inner) => new AppendsAfterClose(inner),
  'signals are not looked at': (inner) => new IgnoresSignals(inner),
};
