import { describe, expect, test } from 'vitest';
import { KafkaRefusal } from '../../../src/kafka/kafka-error.ts';
import {
  crcOfBatch,
  readBatchHeader,
  recordCountOf,
  setBatchPlace,
  setMaxTimestamp,
  stampAppendTime,
} from '../../../src/kafka/records/batch-header.ts';
import {
  changed,
  javaBatch,
  kafkajsBatch,
  librdkafkaBatch,
  otherCrc32c,
  platformaticBatch,
  usualTimestamp,
} from './make-batches.ts';

describe('the header of a batch', () => {
  test("is read as Apache Kafka's Java client wrote it", () => {
    const batch = javaBatch('mixed', 'zstd');
    expect(recordCountOf(batch)).toBe(5);
    expect(readBatchHeader(batch)).toEqual({
      baseOffset: 0,
      sizeBytes: batch.length,
      partitionLeaderEpoch: -1,
      magic: 2,
      crc: otherCrc32c(batch.subarray(21)),
      attributes: 4,
      lastOffsetDelta: 4,
      baseTimestamp: 1_700_000_000_000,
      maxTimestamp: 1_700_000_001_000,
      producerId: 4001,
      producerEpoch: 3,
      baseSequence: 17,
      recordCount: 5,
      compression: 'zstd',
      isTransactional: false,
      isControl: false,
      timestampType: 'CreateTime',
    });
  });

  test('is read as librdkafka wrote it', () => {
    const batch = librdkafkaBatch('mixed', 'none');
    expect(readBatchHeader(batch)).toMatchObject({
      sizeBytes: batch.length,
      crc: otherCrc32c(batch.subarray(21)),
      maxTimestamp: 1_700_000_001_000,
      producerId: 4001,
      producerEpoch: 3,
      baseSequence: 0,
      recordCount: 5,
    });
  });

  test.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const)('tells compression with %s', (compression) => {
    expect(readBatchHeader(javaBatch('mixed', compression)).compression).toBe(compression);
  });

  test('is read where it lies, and says where the next one begins', async () => {
    const first = platformaticBatch([{ value: 'a' }], { compression: 'gzip' });
    const second = await kafkajsBatch([{ value: 'b' }, { value: 'c' }]);
    const both = Buffer.concat([Buffer.alloc(3), first, second, Buffer.alloc(7)]).subarray(3);
    const { sizeBytes } = readBatchHeader(both, 0);
    expect(sizeBytes).toBe(first.length);
    const header = readBatchHeader(both, sizeBytes);
    expect(header).toMatchObject({ sizeBytes: second.length, recordCount: 2, producerId: -1, compression: 'none' });
    expect(crcOfBatch(both.subarray(sizeBytes, sizeBytes + header.sizeBytes))).toBe(header.crc);
  });

  test('tells flags and negative numbers', () => {
    const batch = changed(platformaticBatch([{ value: 'a' }]), (view) => {
      view.setInt16(21, 0b11_1110);
      view.setBigInt64(27, -1n);
      view.setBigInt64(35, -(2n ** 40n));
      view.setBigInt64(43, 2n ** 53n - 1n);
      view.setInt32(53, -1);
    });
    expect(readBatchHeader(batch)).toMatchObject({
      compression: 'unknown',
      isTransactional: true,
      isControl: true,
      timestampType: 'LogAppendTime',
      baseTimestamp: -1,
      maxTimestamp: -(2 ** 40),
      producerId: Number.MAX_SAFE_INTEGER,
      baseSequence: -1,
    });
  });

  test.each([
    ['fewer bytes than a header has', (batch: Uint8Array) => batch.subarray(0, 60)],
    ['a batch that is cut', (batch: Uint8Array) => batch.subarray(0, batch.length - 1)],
    ['a length below that of a header', (batch: Uint8Array) => changed(batch, (view) => view.setInt32(8, 48))],
    ['a negative length', (batch: Uint8Array) => changed(batch, (view) => view.setInt32(8, -5))],
    ['another magic', (batch: Uint8Array) => changed(batch, (view) => view.setInt8(16, 1))],
  ])('is refused of %s', (_, spoil) => {
    const batch = spoil(platformaticBatch([{ value: 'abc' }]));
    expect(() => readBatchHeader(batch)).toThrow(KafkaRefusal);
    expect(() => readBatchHeader(batch)).toThrow(expect.objectContaining({ error: 'CORRUPT_MESSAGE' }));
  });

  test('is patched with a place, which the CRC does not cover', () => {
    const around = new Uint8Array(1000).fill(7);
    const batch = javaBatch('mixed', 'none');
    around.set(batch, 5);
    const inside = around.subarray(5, 5 + batch.length);
    for (const offset of [0, 1, 2 ** 31, 2 ** 32 + 5, Number.MAX_SAFE_INTEGER]) {
      setBatchPlace(inside, offset, 12);
      expect(readBatchHeader(inside)).toMatchObject({ baseOffset: offset, partitionLeaderEpoch: 12 });
      expect(new DataView(inside.buffer, 5).getBigInt64(0)).toBe(BigInt(offset));
      expect(crcOfBatch(inside)).toBe(readBatchHeader(inside).crc);
    }
    expect(around.subarray(0, 5)).toEqual(new Uint8Array(5).fill(7));
    expect(inside.subarray(17)).toEqual(batch.subarray(17));
  });

  test('is stamped with the time of the log, and its CRC is right again', () => {
    const batch = javaBatch('mixed', 'gzip');
    stampAppendTime(batch, usualTimestamp + 77);
    const header = readBatchHeader(batch);
    expect(header).toMatchObject({
      timestampType: 'LogAppendTime',
      compression: 'gzip',
      baseTimestamp: usualTimestamp,
    });
    expect(header.maxTimestamp).toBe(usualTimestamp + 77);
    expect(header.crc).toBe(otherCrc32c(batch.subarray(21)));
  });

  test('is given another newest timestamp, and its CRC is right again', () => {
    const batch = javaBatch('mixed', 'none');
    setMaxTimestamp(batch, -1);
    expect(readBatchHeader(batch)).toMatchObject({ maxTimestamp: -1, timestampType: 'CreateTime' });
    expect(readBatchHeader(batch).crc).toBe(otherCrc32c(batch.subarray(21)));
  });
});
