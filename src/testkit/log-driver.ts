// What a log must be able to do so that logSuite can hold it to its promises: the one file that somebody implements who
// wants to have a log of their own tested.
//
// Failures. A call that fails rejects with an Error of two fields that the suite looks at:
//   `outcome`  'none': certainly nothing changed, now and for ever. Anything else: it may have happened, or may not.
//   `code`     STREAM_EXISTS, STREAM_NOT_FOUND, STREAM_CLOSED, OFFSET_OUT_OF_RANGE, OFFSET_MISMATCH are refusals: the
//              call made no sense in the state that the log was in.
//              STORE_UNAVAILABLE, NODE_FENCED, CLOSED, OVERLOADED, CRASHED say that the log could not do it now.
//              Every other code, and no code, is a violation wherever it appears.
// `qanatError` of the package makes such errors.
import type { Runtime } from '../index.ts';

/** What is appended: bytes that stand for `count` records. */
export interface LogBatch {
  readonly bytes: Uint8Array;
  readonly count: number;
  /** For `offsetAt`, if the log has it; in any order. */
  readonly timestamp?: number | undefined;
}

/** What a call is given if the log says that it takes signals. */
export interface LogCallOptions {
  /** When it is aborted, the call rejects with its reason, and nothing is undone. */
  readonly signal?: AbortSignal | undefined;
}

/** A batch as it is read. */
export interface LogReadBatch {
  readonly bytes: Uint8Array;
  readonly count: number;
  readonly startOffset: number;
  readonly endOffset: number;
}

/** Offsets [startOffset, endOffset). */
export interface LogRange {
  readonly startOffset: number;
  readonly endOffset: number;
}

/** What a read found, and the range that was readable when it was answered. */
export interface LogReadResult extends LogRange {
  readonly batches: readonly LogReadBatch[];
}

/** Limits of a read. */
export interface LogReadOptions extends LogCallOptions {
  /** Batches that start at or beyond this are left out. */
  readonly to?: number | undefined;
  /** So many bytes at most; one batch is given even if it is larger. */
  readonly maxBytes?: number | undefined;
}

/** Something that goes wrong beneath the log, some time from now on. */
export type LogDisturbance =
  /** The process dies in its n-th request to what it stores things in; what was under way reaches it, or does not. */
  | { readonly kind: 'crash'; readonly request: number; readonly underWay: 'lands' | 'vanishes' | 'either' }
  /** Requests take long and of unequal length. */
  | { readonly kind: 'slow' }
  /** Many answers to writes get lost, before or after their effect; some writes land late, or twice. */
  | { readonly kind: 'lost-answers' }
  /** A bit of everything. */
  | { readonly kind: 'common' }
  /** No request gets through. */
  | { readonly kind: 'outage' };

/** Requests that a process has made to what it stores things in, counted from outside, when they were answered. */
export interface LogRequests {
  readonly puts: number;
  readonly gets: number;
  /** All of them, of whatever kind. */
  readonly total: number;
}

/** What a log says of itself since it was started. */
export interface LogStats {
  /** Reads of stored things that were served from memory, and that were not. */
  readonly hits: number;
  readonly misses: number;
  readonly puts: number;
  readonly gets: number;
}

/** Bytes that a log holds in memory, of all that grows with load, and how many it may hold. */
export interface LogMemory {
  readonly usedBytes: number;
  readonly maxBytes: number;
}

/** The process that had the log before another took it over. It lives on and does not know. */
export interface LogUsurped {
  /** Like `LogDriver.create`. */
  create(stream: string): Promise<void>;
  /** Like `LogDriver.append`. */
  append(stream: string, batch: LogBatch): Promise<LogRange>;
  /** Like `LogDriver.trim`. */
  trim(stream: string, startOffset: number): Promise<void>;
  /** Like `LogDriver.delete`. */
  delete(stream: string): Promise<void>;
  /** Ends it and frees what it holds. */
  close(): Promise<void>;
}

/**
 * A log under test: streams of batches by name. All methods may be called while others are under way; appends to one
 * stream get their offsets in the order of the calls. What gives a promise never throws: it rejects.
 */
export interface LogDriver {
  /** Makes a new, empty stream whose first offset is 0, ready for appends. STREAM_EXISTS if the name is taken. */
  create(stream: string, options?: LogCallOptions): Promise<void>;
  /** Makes a stream ready for appends; nothing changes if it is. STREAM_NOT_FOUND if there is none. */
  open(stream: string, options?: LogCallOptions): Promise<void>;
  /** Appends one batch; resolves with its offsets when it is durable. STREAM_CLOSED if the stream is not open. */
  append(stream: string, batch: LogBatch, options?: LogCallOptions): Promise<LogRange>;
  /** What can be read now: from the first offset that is not trimmed to the end of what is durable. */
  range(stream: string): Promise<LogRange>;
  /**
   * Reads from the batch that holds `from`, which is given whole: at least that one, unless `from` is the end. Works on
   * streams that are not open, too. OFFSET_OUT_OF_RANGE outside of the range.
   */
  read(stream: string, from: number, options?: LogReadOptions): Promise<LogReadResult>;
  /** Forgets everything below `startOffset`, for ever. OFFSET_OUT_OF_RANGE beyond the end. */
  trim(stream: string, startOffset: number, options?: LogCallOptions): Promise<void>;
  /** No appends any more until it is opened again; what was appended before the call becomes durable. */
  closeStream(stream: string): Promise<void>;
  /** Removes a stream with all it holds; whoever creates the name again finds nothing of it. */
  delete(stream: string, options?: LogCallOptions): Promise<void>;
  /** Ends the log cleanly and starts it again. Streams have to be opened again. */
  reopen(): Promise<void>;
  /** Ends the log for good and frees what it holds. Every call under way is answered, also one that waits. */
  close(): Promise<void>;

  // What follows may be left out.

  /** Appends, or refuses with OFFSET_MISMATCH unless this is the offset that the batch would be given. */
  appendAt?(stream: string, expectedOffset: number, batch: LogBatch): Promise<LogRange>;
  /** Appends batches one after the other, with one answer. A crash may keep a first part of them. */
  appendAll?(stream: string, batches: readonly LogBatch[]): Promise<LogRange>;
  /**
   * Appends a batch that may have been tried before under the same id, by a call that was answered or failed: then it
   * stands once, and this gives its offsets. An id is not used for another batch; only the last one of a stream is
   * tried again, before another is used there. How the log does it is its own affair: by numbers of producers, by
   * expecting the offset of the first try.
   */
  appendOnce?(stream: string, id: string, batch: LogBatch): Promise<LogRange>;
  /**
   * Every batch from the one that holds `from`, and then whatever becomes durable. May end or throw when the stream is
   * closed, deleted, or trimmed beyond it; does so when the log is closed. `return` frees it at once, also while `next`
   * waits (an async generator does not do that).
   */
  follow?(stream: string, from: number): AsyncIterator<LogReadBatch>;
  /** Start of the first batch, in offset order, whose timestamp is at least this; undefined if there is none. */
  offsetAt?(stream: string, timestamp: number, options?: LogCallOptions): Promise<number | undefined>;
  /** Whether calls that take a signal heed it. */
  readonly takesSignals?: boolean | undefined;
  /** The end of what no crash of a process can take away, whoever reads: never beyond the end of what is durable. */
  registeredEnd?(stream: string): Promise<number>;
  /** Work that the log also does by itself: moving data about, cleaning up. Changes nothing that anybody can read. */
  maintain?(): Promise<void>;
  /**
   * Drops the log without a word, as when its process dies, and starts it again, `meanwhile` going on from the first
   * request of the new start. Calls that were under way reject, outcome unknown. Ends earlier disturbances.
   */
  crash?(meanwhile?: LogDisturbance): Promise<void>;
  /** Lets something go wrong from now on, until `settle`, `crash` or `reopen`. */
  disturb?(disturbance: LogDisturbance): void;
  /** Ends all disturbances; resolves when what was late has landed. */
  settle?(): Promise<void>;
  /**
   * Another process takes the log over while the one that has it goes on. From now on this driver speaks for the new
   * process; streams have to be opened again. What is given speaks for the old one.
   */
  usurp?(): Promise<LogUsurped>;
  /** Whether the log has ended by itself and has to be started again. Without it, every failure counts as that. */
  isEnded?(): boolean;
  /** Looks for everything that the log refers to, and gives what it did not find, in a sentence each. */
  audit?(): Promise<readonly string[]>;
  /** What the log holds in memory now. */
  memory?(): LogMemory;
  /** What the process that runs now has asked for so far. */
  requests?(): LogRequests;
  /** What the log itself says of the process that runs now. */
  stats?(): LogStats;
  /** So long after the last call the log makes no request any more, until the next one. */
  readonly idleAfterMs?: number | undefined;
}

/** What a driver may leave out; what needs it is then left out of the scripts. */
export type LogDriverOption = {
  readonly [K in keyof LogDriver]-?: undefined extends LogDriver[K] ? K : never;
}[keyof LogDriver];

/** Where a log under test lives. */
export interface LogWorld {
  /** What this world's chance comes from; a log that draws lots draws them from here, or from the runtime. */
  readonly seed: number;
  /** Time and chance: simulated if the suite simulates, the machine's otherwise. */
  readonly runtime: Runtime;
}
