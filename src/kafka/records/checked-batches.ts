// What a producer sent, checked as Kafka checks it before it appends: the shape of the blob, the header, the CRC, then
// the records. Whatever is wrong throws one KafkaRefusal, with the error that Kafka gives for it. What comes out may be
// appended as it is once it was given its place.
//
// Records inside a compressed batch are looked at only where a rule needs their keys. Of the others the header is
// believed: a producer that lies there harms only the readers of what it wrote itself.
import { KafkaRefusal } from '../kafka-error.ts';
import type { KafkaErrorName } from '../kafka-error.ts';
import { batchHeaderBytes, batchPrefixBytes, crcOfBatch, readBatchHeader, setMaxTimestamp } from './batch-header.ts';
import type { BatchCompression, BatchHeader, TimestampType } from './batch-header.ts';
import { plainRecords } from './compression.ts';
import { RecordCursor } from './record-cursor.ts';

/** What a topic asks of batches that are produced to it. */
export interface BatchRules {
  readonly nowMs: number;
  /** Of one whole batch, as it came. */
  readonly maxMessageBytes: number;
  readonly timestampType: TimestampType;
  /** How long before now the time of a record may lie; Infinity: any time. Only with 'CreateTime'. */
  readonly timestampBeforeMaxMs: number;
  /** How long after now. */
  readonly timestampAfterMaxMs: number;
  /** Each record needs a key, because the topic is compacted by keys. */
  readonly keysNeeded: boolean;
}

/** One batch that may be appended. */
export interface CheckedBatch {
  readonly header: BatchHeader;
  /** A view of the bytes that were given. */
  readonly bytes: Uint8Array;
}

/** The smallest message of any format: what a size of less than that cannot be. */
const oldMessageBytesMin = 14;

/** No record is smaller: seven fields, each of a byte or more. */
const recordBytesMin = 7;

/** How many plain bytes one compressed byte can stand for, at the very most. */
const ratioMax: Readonly<Record<BatchCompression, number>> = {
  none: 1,
  gzip: 1032,
  snappy: 22,
  lz4: 255,
  zstd: 32_768,
  unknown: 0,
};

/** The `records` of one partition of a produce request, checked. It may correct a timestamp in their header. */
export function checkedBatches(records: Uint8Array, rules: BatchRules): readonly CheckedBatch[] {
  checkBlob(records);
  const header = readBatchHeader(records, 0);
  checkHeader(header, records, rules);
  const maxTimestamp = checkRecords(header, records, rules);
  if (maxTimestamp === header.maxTimestamp) return [{ header, bytes: records }];
  setMaxTimestamp(records, maxTimestamp);
  return [{ header: { ...header, maxTimestamp, crc: crcOfBatch(records) }, bytes: records }];
}

/** Exactly one whole batch of today's format, and nothing after it. */
function checkBlob(records: Uint8Array): void {
  const size = sizeOfFirst(records);
  if (size === undefined) refuse('INVALID_RECORD', 'A produce request has no whole record batch for a partition.');
  const magic = (records[16]! << 24) >> 24;
  if (magic < 0 || magic > 2) refuse('CORRUPT_MESSAGE', `A record batch has magic ${magic}, which no version has.`);
  if (magic < 2) refuse('INVALID_RECORD', `A produce request has messages of magic ${magic}; only magic 2 is allowed.`);
  if (size < records.length) {
    refuse('INVALID_RECORD', 'A produce request has more than one record batch for a partition.');
  }
}

/** The size that the first batch, of whatever format, says it has; undefined where it is not whole. */
function sizeOfFirst(records: Uint8Array): number | undefined {
  if (records.length < batchPrefixBytes) return undefined;
  const length = new DataView(records.buffer, records.byteOffset).getInt32(8);
  if (length < oldMessageBytesMin) refuse('CORRUPT_MESSAGE', `A record batch says that its length is ${length}.`);
  const size = length + batchPrefixBytes;
  return size > records.length ? undefined : size;
}

function checkHeader(header: BatchHeader, batch: Uint8Array, rules: BatchRules): void {
  if (header.compression === 'unknown') {
    refuse(
      'UNSUPPORTED_COMPRESSION_TYPE',
      `A record batch has compression ${header.attributes & 7}, which is unknown.`,
    );
  }
  if (header.baseOffset !== 0) {
    refuse('INVALID_RECORD', `A produced record batch has base offset ${header.baseOffset} instead of 0.`);
  }
  if (header.sizeBytes > rules.maxMessageBytes) {
    const message = `A record batch has ${header.sizeBytes} bytes; the topic allows ${rules.maxMessageBytes}.`;
    refuse('MESSAGE_TOO_LARGE', message);
  }
  const crc = crcOfBatch(batch);
  if (crc !== header.crc) {
    refuse('CORRUPT_MESSAGE', `A record batch has CRC ${header.crc} and says so, but its bytes have ${crc}.`);
  }
  if (header.recordCount <= 0 || header.lastOffsetDelta + 1 !== header.recordCount) {
    const message = `A record batch counts ${header.recordCount} records up to offset ${header.lastOffsetDelta}.`;
    refuse('INVALID_RECORD', message);
  }
  // Offsets are given by this count, also where nothing looks at the records: a few bytes may not use up billions.
  const recordsMax = ((header.sizeBytes - batchHeaderBytes) * ratioMax[header.compression]) / recordBytesMin;
  if (header.recordCount > recordsMax) {
    refuse('INVALID_RECORD', `A record batch of ${header.sizeBytes} bytes cannot hold ${header.recordCount} records.`);
  }
  if (header.isControl) refuse('INVALID_RECORD', 'Clients may not write control records.');
  if (header.isTransactional) {
    refuse('INVALID_TXN_STATE', 'A record batch belongs to no transaction that is going on.');
  }
  checkProducer(header);
}

function checkProducer(header: BatchHeader): void {
  const { producerId, producerEpoch, baseSequence } = header;
  if (producerId === -1) return;
  if (producerId < 0 || !Number.isSafeInteger(producerId) || producerEpoch < 0 || baseSequence < 0) {
    const message = `Producer ${producerId} of epoch ${producerEpoch} may not begin at sequence ${baseSequence}.`;
    refuse('INVALID_RECORD', message);
  }
}

/** Checks the records, and says what the newest of their timestamps is. */
function checkRecords(header: BatchHeader, batch: Uint8Array, rules: BatchRules): number {
  if (header.timestampType === 'LogAppendTime') {
    refuse('INVALID_TIMESTAMP', 'A producer may not say that its records have the time of the log.');
  }
  if (header.compression === 'none') return walk(header, new RecordCursor(batch, batchHeaderBytes), rules);
  if (rules.keysNeeded) return walk(header, new RecordCursor(plainRecords(batch, header)), rules);
  checkTimestamp(header.baseTimestamp, rules);
  checkTimestamp(header.maxTimestamp, rules);
  return header.maxTimestamp;
}

function walk(header: BatchHeader, cursor: RecordCursor, rules: BatchRules): number {
  let maxTimestamp = -1;
  for (let index = 0; index < header.recordCount; index += 1) {
    cursor.next();
    if (cursor.offsetDelta !== index) {
      refuse('INVALID_RECORD', `Record ${index} of a batch says that it is number ${cursor.offsetDelta}.`);
    }
    const timestamp = header.baseTimestamp + cursor.timestampDelta;
    checkTimestamp(timestamp, rules);
    if (timestamp > maxTimestamp) maxTimestamp = timestamp;
    if (rules.keysNeeded && cursor.keyLength < 0) {
      refuse('INVALID_RECORD', `Record ${index} of a batch has no key, and the topic is compacted.`);
    }
  }
  if (!cursor.isAtEnd) refuse('INVALID_RECORD', 'Bytes follow the last record of a batch.');
  return rules.timestampType === 'CreateTime' ? maxTimestamp : header.maxTimestamp;
}

/** -1 says that a record has no time. Where the time of the log takes its place, it may be anything. */
function checkTimestamp(timestamp: number, rules: BatchRules): void {
  if (timestamp === -1 || rules.timestampType === 'LogAppendTime') return;
  const ageMs = rules.nowMs - timestamp;
  if (timestamp < 0 || !Number.isSafeInteger(timestamp)) {
    refuse('INVALID_TIMESTAMP', `A record has the timestamp ${timestamp}, which no clock shows.`);
  }
  if (ageMs > rules.timestampBeforeMaxMs || -ageMs > rules.timestampAfterMaxMs) {
    const earliest = rules.nowMs - rules.timestampBeforeMaxMs;
    const latest = rules.nowMs + rules.timestampAfterMaxMs;
    refuse('INVALID_TIMESTAMP', `A record has the timestamp ${timestamp}; allowed is ${earliest} to ${latest}.`);
  }
}

function refuse(error: KafkaErrorName, message: string): never {
  throw new KafkaRefusal(error, message);
}
