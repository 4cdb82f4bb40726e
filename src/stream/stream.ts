// The public contract of a stream: what a caller touches. StreamReader reads any stream; Stream also writes, because
// this set is the stream's only writer.
import type { StreamId } from '../model/ids.ts';
import type { OffsetRange } from '../model/offset-range.ts';
import type { RecordBatch } from '../model/record-batch.ts';

/** Options of every call that may wait. */
export interface CallOptions {
  /** Gives up waiting: the call rejects with `signal.reason`, and nothing is undone. */
  readonly signal?: AbortSignal | undefined;
}

/** What limits a read. */
export interface ReadOptions extends CallOptions {
  /** Read up to this offset at most; beyond the end it means the end. */
  readonly to?: number | undefined;
  /** About so many bytes at most (default 1 MiB); the first batch is returned even if it is larger. */
  readonly maxBytes?: number | undefined;
  /** Make no request: stop where the next batch is not in memory. */
  readonly onlyCached?: boolean | undefined;
}

/** Why a read stopped. */
export type ReadStop = 'end' | 'to' | 'max-bytes' | 'not-cached';

/** What a read found, and the range that was readable when it began. */
export interface ReadResult {
  readonly batches: readonly RecordBatch[];
  /** Where to read on. */
  readonly nextOffset: number;
  readonly startOffset: number;
  readonly endOffset: number;
  readonly stopped: ReadStop;
}

/** Facts about one batch. */
export interface BatchOptions {
  /** Records in the batch (default 1): it takes so many offsets. */
  readonly count?: number | undefined;
  /** Milliseconds since 1970, for `offsetAt`. */
  readonly timestamp?: number | undefined;
}

/** Options of an append. */
export interface AppendOptions extends BatchOptions, CallOptions {
  /** Refuse with OFFSET_MISMATCH unless this is the next offset to be given, pending appends included. */
  readonly expectedOffset?: number | undefined;
}

/** Options of appending several batches. */
export interface AppendAllOptions extends CallOptions {
  readonly expectedOffset?: number | undefined;
}

/** One batch of several. */
export interface BatchInput extends BatchOptions {
  readonly bytes: Uint8Array;
}

/** The offsets that were given, durable now. */
export interface Appended extends OffsetRange {}

/** Reads a stream. Offsets in [startOffset, endOffset) are durable and readable. */
export interface StreamReader {
  readonly id: StreamId;
  readonly name: string | undefined;
  /** First readable offset. */
  readonly startOffset: number;
  /** Offset after the last durable record. */
  readonly endOffset: number;
  /**
   * Reads batches from the one that holds `from`. At the end it is an empty result; before the start or beyond the end
   * it rejects with OFFSET_OUT_OF_RANGE.
   */
  read(from: number, options?: ReadOptions): Promise<ReadResult>;
  /**
   * Every batch from an offset on, and then whatever comes. Ends when the reader is closed or the stream deleted;
   * throws when it is trimmed past where it stands, and when the set is fenced or has failed. Leaving the loop
   * frees it.
   */
  follow(from: number | 'start' | 'end', options?: CallOptions): AsyncIterableIterator<RecordBatch>;
  /** Resolves with the end offset as soon as it is beyond `offset`: the long poll. */
  whenBeyond(offset: number, options?: CallOptions): Promise<number>;
  /**
   * Start of the first batch, in offset order, whose timestamp is at or after `timestamp`; undefined if there is none.
   */
  offsetAt(timestamp: number, options?: CallOptions): Promise<number | undefined>;
  /** Frees the reader: whoever waits on it is told. */
  close(): Promise<void>;
  /** The same as `close`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** A stream that this set has open: it is its only writer. */
export interface Stream extends StreamReader {
  /** Number of this ownership; a later one is higher. */
  readonly streamEpoch: number;
  /** The offset that the next append will be given. */
  readonly nextOffset: number;
  /**
   * Appends one batch and resolves when it is durable. The offset is given at the call, in call order. `bytes` must not
   * change until the promise settles. An append refused at the call changes nothing; any later failure ends the set.
   */
  append(bytes: Uint8Array, options?: AppendOptions): Promise<Appended>;
  /** Appends batches one after the other, with one promise for all. Not atomic: a crash may keep a first part. */
  appendAll(batches: readonly BatchInput[], options?: AppendAllOptions): Promise<Appended>;
  /** Forgets everything below `startOffset`, up to the end of what is durable. */
  trim(startOffset: number, options?: CallOptions): Promise<void>;
  /** Makes everything durable and gives the stream up, so that any node may open it. */
  close(): Promise<void>;
}
