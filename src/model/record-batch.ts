// What is appended and read: opaque bytes that stand for `count` records, at contiguous offsets.
import type { StreamId } from './ids.ts';

/** A batch as readers get it. `bytes` is never overwritten, and must not be written to. */
export interface RecordBatch {
  readonly startOffset: number;
  readonly endOffset: number;
  /** Records in the batch: endOffset − startOffset. */
  readonly count: number;
  /** Epoch of the ownership under which it was appended. */
  readonly streamEpoch: number;
  /** Milliseconds, as the writer gave them. */
  readonly timestamp?: number;
  readonly bytes: Uint8Array;
}

/** A batch together with the stream it belongs to, on its way to the WAL or to an object. */
export interface StreamBatch {
  readonly stream: StreamId;
  readonly streamEpoch: number;
  readonly startOffset: number;
  readonly count: number;
  readonly timestamp: number | undefined;
  readonly bytes: Uint8Array;
}

/** What one object holds of one stream: one contiguous range under one stream epoch. */
export interface ObjectPart {
  readonly stream: StreamId;
  readonly streamEpoch: number;
  readonly startOffset: number;
  readonly endOffset: number;
  /** Bytes of the blocks that hold it. */
  readonly sizeBytes: number;
  /** The largest timestamp in it; undefined when no batch has one. */
  readonly maxTimestamp: number | undefined;
}
