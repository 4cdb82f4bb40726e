// One stream of a history: its operations and its batches. What is not certain is not assumed: a batch has a place only
// if an acknowledgement or a read gave it one.
import { callTime, StreamFacts } from './history-facts.ts';
import type {
  HistoryAppend,
  HistoryDelete,
  HistoryGiveUp,
  HistoryLookUp,
  HistoryOperation,
  HistoryRead,
  HistoryTrim,
} from './history.ts';
import type { HistoryEntry } from './history-verdict.ts';

/** Where a batch was told or seen to be. */
export interface Place {
  readonly batch: TrackedBatch;
  readonly startOffset: number;
  readonly endOffset: number;
  /** What said so first. */
  readonly witness: HistoryEntry;
  /** When this was said first and last. */
  firstAt: number;
  lastAt: number;
  /** The append that was told so. */
  acknowledgement: HistoryEntry<HistoryAppend> | undefined;
  /** The first read that showed it. */
  sighting: HistoryEntry | undefined;
  /** When the last read that shows it was called. */
  lastShownAt: number;
  /** Until when the last sighting by whoever may not lag has made it certain. */
  certainUntil: number | undefined;
}

/** A batch that somebody wanted to append. */
export interface TrackedBatch {
  readonly id: string;
  readonly count: number;
  readonly timestamp: number | undefined;
  readonly stream: StreamHistory;
  /** The calls that had it, and those among them that may have happened. */
  readonly tries: HistoryEntry<HistoryAppend>[];
  /** Its place among the batches of its call. */
  readonly order: number;
  /** When it can have been appended at the earliest; Infinity if it certainly was not. */
  firstCalledAt: number;
  /** Usually none or one. */
  readonly places: Place[];
}

/** The operations of a stream, in the order of their calls. Reads and look-ups are only those that were answered. */
export class StreamHistory {
  readonly name: string;
  readonly appends: HistoryEntry<HistoryAppend>[] = [];
  readonly reads: HistoryEntry<HistoryRead>[] = [];
  readonly trims: HistoryEntry<HistoryTrim>[] = [];
  readonly deletes: HistoryEntry<HistoryDelete>[] = [];
  readonly lookUps: HistoryEntry<HistoryLookUp>[] = [];
  readonly giveUps: HistoryEntry<HistoryGiveUp>[] = [];
  /** The batches that somebody wanted to append to it. */
  readonly batches: TrackedBatch[] = [];
  #facts: StreamFacts | undefined;

  constructor(name: string) {
    this.name = name;
  }

  add({ index, operation }: HistoryEntry): void {
    if (operation.do === 'append') this.appends.push({ index, operation });
    else if (operation.do === 'trim') this.trims.push({ index, operation });
    else if (operation.do === 'delete') this.deletes.push({ index, operation });
    else if (operation.do === 'give-up') this.giveUps.push({ index, operation });
    else if (operation.answeredAt === undefined) return;
    else if (operation.do === 'read') this.reads.push({ index, operation });
    else this.lookUps.push({ index, operation });
  }

  /** Asked only when everything was added. */
  get facts(): StreamFacts {
    this.#facts ??= new StreamFacts(this);
    return this.#facts;
  }
}

/** The operations of a history by stream, streams in the order in which they come first. */
export function streamsOf(history: readonly HistoryOperation[]): ReadonlyMap<string, StreamHistory> {
  const streams = new Map<string, StreamHistory>();
  const entries = history.map((operation, index) => ({ index, operation }));
  for (const entry of entries.toSorted((a, b) => callTime(a) - callTime(b) || a.index - b.index)) {
    const { stream: name } = entry.operation;
    const stream = streams.get(name) ?? new StreamHistory(name);
    streams.set(name, stream);
    stream.add(entry);
  }
  return streams;
}
