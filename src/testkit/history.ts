// What clients asked of a log and were told, as plain data: what checkHistory judges. No state of the log is in it, so
// a history can be recorded by anybody who has a client, printed, kept in a file and judged again.
//
// Times are any numbers that rise, a counter for instance: an operation is later than another if it was called at or
// after the moment in which the other was answered. `stream` names one stream for ever: give a stream that was created
// again under an old name another name here, such as 'orders/2'.

/** A batch that somebody wanted to append. */
export interface HistoryBatch {
  /** Tells the batch from all others of the history. A retry of an idempotent append has the id of the first try. */
  readonly id: string;
  /** How many records it has, and so how many offsets it takes. */
  readonly count: number;
  /** The time that it was given, for look-ups by time. */
  readonly timestamp?: number | undefined;
}

/** A batch as it was read. */
export interface HistorySeen {
  /** The id that its bytes say, if they are whole and what somebody appended; otherwise what was there, as text. */
  readonly id: string;
  /** Whether the bytes are those that were appended under this id. */
  readonly isWhole: boolean;
  readonly startOffset: number;
  readonly endOffset: number;
}

/** Who asked, of which stream, when; and when the answer came. */
export interface HistoryCall {
  readonly client: string;
  readonly stream: string;
  readonly calledAt: number;
  /** Absent: there never was an answer. */
  readonly answeredAt?: number | undefined;
}

/**
 * How a change ended: `ok`; `none`, refused or failed, certainly without effect, now and for ever; `unknown`, failed
 * and perhaps done, or never answered.
 */
export type HistoryOutcome = 'ok' | 'none' | 'unknown';

/** Batches appended in one call, in this order; `startOffset` and `endOffset` as they were told, if it went well. */
export interface HistoryAppend extends HistoryCall {
  readonly do: 'append';
  readonly batches: readonly HistoryBatch[];
  readonly outcome: HistoryOutcome;
  readonly startOffset?: number | undefined;
  readonly endOffset?: number | undefined;
}

/** A read that was answered: what it gave, and the range [startOffset, endOffset) that was readable then. */
export interface HistoryRead extends HistoryCall {
  readonly do: 'read';
  readonly from: number;
  readonly seen: readonly HistorySeen[];
  readonly startOffset: number;
  readonly endOffset: number;
  /** Whether it may be behind what was acknowledged elsewhere, as a reader on another node is. */
  readonly mayLag?: boolean | undefined;
}

/** A trim: everything below `startOffset` is to be forgotten for ever. */
export interface HistoryTrim extends HistoryCall {
  readonly do: 'trim';
  readonly startOffset: number;
  readonly outcome: HistoryOutcome;
}

/** The stream is to be deleted for ever. */
export interface HistoryDelete extends HistoryCall {
  readonly do: 'delete';
  readonly outcome: HistoryOutcome;
}

/** A look-up by time: the first batch whose timestamp is at least this starts at `offset`; absent: there is none. */
export interface HistoryLookUp extends HistoryCall {
  readonly do: 'look-up';
  readonly timestamp: number;
  readonly offset?: number | undefined;
  readonly mayLag?: boolean | undefined;
}

/**
 * Somebody has given up by hand what was acknowledged from this offset on and is called before; the offsets may be
 * given again. An append that is called later counts again.
 */
export interface HistoryGiveUp extends HistoryCall {
  readonly do: 'give-up';
  readonly from: number;
}

/** Something that a client did, and what came of it. */
export type HistoryOperation =
  | HistoryAppend
  | HistoryRead
  | HistoryTrim
  | HistoryDelete
  | HistoryLookUp
  | HistoryGiveUp;

/** What clients did and saw, in any order. */
export type History = readonly HistoryOperation[];
