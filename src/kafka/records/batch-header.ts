// The 61 bytes before the records of a batch (magic 2), read and patched in place.
//
//   0 baseOffset i64 · 8 length i32 (of what follows it) · 12 partitionLeaderEpoch i32 · 16 magic i8 · 17 crc u32
//   21 attributes i16 · 23 lastOffsetDelta i32 · 27 baseTimestamp i64 · 35 maxTimestamp i64 · 43 producerId i64
//   51 producerEpoch i16 · 53 baseSequence i32 · 57 recordCount i32 · 61 the records, compressed or not
//
// The CRC covers everything from byte 21 to the end. The place of a batch (its offset, its leader epoch) lies before
// that, so giving a batch its place costs a few bytes; changing a timestamp costs a CRC over the whole batch.
import { KafkaRefusal } from '../kafka-error.ts';
import { crc32c } from './crc32c.ts';

/** Bytes before the first record. */
export const batchHeaderBytes = 61;

/** Bytes that the length of a batch does not count: the offset and the length itself. */
export const batchPrefixBytes = 12;

const crcAt = 17;
const attributesAt = 21;
const lastOffsetDeltaAt = 23;
const baseTimestampAt = 27;
const maxTimestampAt = 35;
const recordCountAt = 57;

const appendTimeBit = 1 << 3;
const transactionalBit = 1 << 4;
const controlBit = 1 << 5;

/** How the records of a batch are compressed. 'unknown': a code that no version of Kafka gives a meaning. */
export type BatchCompression = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd' | 'unknown';

const compressions: readonly BatchCompression[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];

/** Who gave the records of a batch their time: their producer, or the broker that appended them. */
export type TimestampType = 'CreateTime' | 'LogAppendTime';

/** What the first 61 bytes of a batch say. Numbers beyond 2^53 are only near the truth; whoever checks refuses them. */
export interface BatchHeader {
  readonly baseOffset: number;
  /** The whole batch, its first twelve bytes included. */
  readonly sizeBytes: number;
  readonly partitionLeaderEpoch: number;
  readonly magic: number;
  readonly crc: number;
  readonly attributes: number;
  readonly lastOffsetDelta: number;
  readonly baseTimestamp: number;
  readonly maxTimestamp: number;
  /** -1 where the producer is not idempotent. */
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly recordCount: number;
  readonly compression: BatchCompression;
  readonly isTransactional: boolean;
  readonly isControl: boolean;
  readonly timestampType: TimestampType;
}

/**
 * The header of the batch that begins at `at`. Throws CORRUPT_MESSAGE where no whole batch of magic 2 lies there; it
 * looks at no more than lengths and magic.
 */
export function readBatchHeader(bytes: Uint8Array, at = 0): BatchHeader {
  const left = bytes.length - at;
  if (left < batchHeaderBytes) {
    throw new KafkaRefusal(
      'CORRUPT_MESSAGE',
      `A record batch has at least ${batchHeaderBytes} bytes, here are ${left}.`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, batchHeaderBytes);
  const sizeBytes = view.getInt32(8) + batchPrefixBytes;
  if (sizeBytes < batchHeaderBytes || sizeBytes > left) {
    const message = `A record batch says that it has ${sizeBytes} bytes; it may have ${batchHeaderBytes} to ${left}.`;
    throw new KafkaRefusal('CORRUPT_MESSAGE', message);
  }
  const magic = view.getInt8(16);
  if (magic !== 2) throw new KafkaRefusal('CORRUPT_MESSAGE', `A record batch has magic ${magic} instead of 2.`);
  const attributes = view.getInt16(attributesAt);
  return {
    baseOffset: int64At(view, 0),
    sizeBytes,
    partitionLeaderEpoch: view.getInt32(12),
    magic,
    crc: view.getUint32(crcAt),
    attributes,
    lastOffsetDelta: view.getInt32(23),
    baseTimestamp: int64At(view, baseTimestampAt),
    maxTimestamp: int64At(view, maxTimestampAt),
    producerId: int64At(view, 43),
    producerEpoch: view.getInt16(51),
    baseSequence: view.getInt32(53),
    recordCount: view.getInt32(57),
    compression: compressions[attributes & 7] ?? 'unknown',
    isTransactional: (attributes & transactionalBit) !== 0,
    isControl: (attributes & controlBit) !== 0,
    timestampType: (attributes & appendTimeBit) === 0 ? 'CreateTime' : 'LogAppendTime',
  };
}

/** What the CRC of a batch ought to be. */
export function crcOfBatch(batch: Uint8Array): number {
  return crc32c(batch, attributesAt, batch.length);
}

/** Gives a batch its place in the log. Neither number is under the CRC. */
export function setBatchPlace(batch: Uint8Array, baseOffset: number, leaderEpoch: number): void {
  const view = new DataView(batch.buffer, batch.byteOffset, batchHeaderBytes);
  setInt64(view, 0, baseOffset);
  view.setInt32(12, leaderEpoch);
}

/** Makes `nowMs` the time of all records of a batch, and its CRC right again. A header read before is outdated. */
export function stampAppendTime(batch: Uint8Array, nowMs: number): void {
  const view = new DataView(batch.buffer, batch.byteOffset, batchHeaderBytes);
  view.setInt16(attributesAt, view.getInt16(attributesAt) | appendTimeBit);
  setInt64(view, maxTimestampAt, nowMs);
  view.setUint32(crcAt, crcOfBatch(batch));
}

/** Corrects the newest timestamp that the header of a batch states, and its CRC. */
export function setMaxTimestamp(batch: Uint8Array, maxTimestamp: number): void {
  const view = new DataView(batch.buffer, batch.byteOffset, batchHeaderBytes);
  setInt64(view, maxTimestampAt, maxTimestamp);
  view.setUint32(crcAt, crcOfBatch(batch));
}

function int64At(view: DataView, at: number): number {
  return view.getInt32(at) * 2 ** 32 + view.getUint32(at + 4);
}

function setInt64(view: DataView, at: number, value: number): void {
  const high = Math.floor(value / 2 ** 32);
  view.setInt32(at, high);
  view.setUint32(at + 4, value - high * 2 ** 32);
}

/** How many records a batch has, according to its header; 0 where there is none. */
export function recordCountOf(batch: Uint8Array): number {
  if (batch.byteLength < batchHeaderBytes) return 0;
  return new DataView(batch.buffer, batch.byteOffset, batch.byteLength).getInt32(recordCountAt);
}

/** Whether a batch is compressed with zstd, which clients of older versions do not know. */
export function isZstd(batch: Uint8Array): boolean {
  return compressions[(batch[attributesAt + 1] ?? 0) & 7] === 'zstd';
}

/** The offset after the last record of a batch that has its place. */
export function endOffsetOf(batch: Uint8Array): number {
  const view = new DataView(batch.buffer, batch.byteOffset, batchHeaderBytes);
  return int64At(view, 0) + view.getInt32(lastOffsetDeltaAt) + 1;
}
