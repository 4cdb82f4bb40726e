import * as zlib from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { KafkaErrorName } from '../../../src/kafka/kafka-error.ts';
import { readBatchHeader } from '../../../src/kafka/records/batch-header.ts';
import { checkedBatches } from '../../../src/kafka/records/checked-batches.ts';
import type { BatchRules } from '../../../src/kafka/records/checked-batches.ts';
import {
  changed,
  javaBatch,
  kafkajsBatch,
  librdkafkaBatch,
  otherCrc32c,
  platformaticBatch,
  usualTimestamp,
  withRecords,
} from './make-batches.ts';

const usual: BatchRules = {
  nowMs: usualTimestamp + 1000,
  maxMessageBytes: 1 << 20,
  timestampType: 'CreateTime',
  timestampBeforeMaxMs: Number.POSITIVE_INFINITY,
  timestampAfterMaxMs: 3_600_000,
  keysNeeded: false,
};

const hasZstd = 'zstdDecompressSync' in zlib;

function expectRefused(records: Uint8Array, error: KafkaErrorName, rules: Partial<BatchRules> = {}): void {
  const before = Uint8Array.from(records);
  expect(() => checkedBatches(records, { ...usual, ...rules })).toThrow(expect.objectContaining({ error }));
  expect(Uint8Array.from(records)).toEqual(before);
}

describe('checkedBatches', () => {
  test('takes what real clients encode, and changes nothing of it', async () => {
    const records = [{ value: 'a' }, { key: 'k', value: 'b', headers: { h: 'i' } }, { key: 'no value' }];
    const batches = [
      platformaticBatch(records),
      platformaticBatch(records, { compression: 'snappy' }),
      platformaticBatch(records, { producerId: 5n, producerEpoch: 1 }),
      await kafkajsBatch(records),
      await kafkajsBatch(records, { compression: 1 }),
      javaBatch('mixed', 'none'),
      javaBatch('large', 'lz4'),
      javaBatch('random', 'zstd'),
      librdkafkaBatch('mixed', 'none'),
      librdkafkaBatch('mixed', 'lz4'),
    ];
    for (const bytes of batches) {
      const before = Uint8Array.from(bytes);
      const checked = checkedBatches(bytes, usual);
      expect(checked).toEqual([{ header: readBatchHeader(before), bytes: before }]);
      expect(checked[0]?.bytes.buffer).toBe(bytes.buffer);
      expect(bytes).toEqual(before);
    }
  });

  test('corrects the newest timestamp where the header does not say that of the records', async () => {
    const records = [{ value: 'a', timestamp: usualTimestamp - 5 }, { value: 'b' }, { value: 'c', timestamp: 3 }];
    const lie = await kafkajsBatch(records, { maxTimestamp: usualTimestamp - 5 });
    const [batch] = checkedBatches(lie, usual);
    expect(batch?.header.maxTimestamp).toBe(usualTimestamp);
    expect(batch?.header).toEqual(readBatchHeader(lie));
    expect(batch?.header.crc).toBe(otherCrc32c(lie.subarray(21)));
    expect(lie).toEqual(await kafkajsBatch(records));
  });

  describe('refuses a blob', () => {
    const one = platformaticBatch([{ value: 'abc' }]);

    test.each<[string, Uint8Array]>([
      ['that is empty', new Uint8Array(0)],
      ['of a few bytes', one.subarray(0, 11)],
      ['whose batch is cut', one.subarray(0, one.length - 1)],
      ['with two batches', Buffer.concat([one, one])],
      ['with bytes after its batch', Buffer.concat([one, new Uint8Array(3)])],
      ['of magic 0', oldMessage(0)],
      ['of magic 1', oldMessage(1)],
    ])('%s as INVALID_RECORD', (_, records) => {
      expectRefused(records, 'INVALID_RECORD');
    });

    test.each<[string, Uint8Array]>([
      ['of an unknown magic', changed(one, (view) => view.setInt8(16, 3))],
      ['of a negative magic', changed(one, (view) => view.setInt8(16, -1))],
      ['whose batch is smaller than any', changed(one, (view) => view.setInt32(8, 13))],
      ['whose batch has a negative length', changed(one, (view) => view.setInt32(8, -1))],
      ['whose batch is smaller than a header', changed(one.subarray(0, 40), (view) => view.setInt32(8, 28))],
      ['whose bytes changed on the way', flipped(one, one.length - 2)],
      ['whose attributes changed on the way', flipped(one, 22)],
    ])('%s as CORRUPT_MESSAGE', (_, records) => {
      expectRefused(records, 'CORRUPT_MESSAGE');
    });
  });

  describe('refuses a header', () => {
    const one = platformaticBatch([{ key: 'a', value: 'abc' }, { key: 'b' }], { producerId: 7n });

    test.each<[string, KafkaErrorName, (view: DataView) => void]>([
      ['with a base offset', 'INVALID_RECORD', (view) => view.setBigInt64(0, 1n)],
      ['with a negative base offset', 'INVALID_RECORD', (view) => view.setBigInt64(0, -1n)],
      ['with no records', 'INVALID_RECORD', (view) => view.setInt32(57, 0)],
      ['with fewer than no records', 'INVALID_RECORD', (view) => view.setInt32(57, -1)],
      ['whose offsets do not fit its count', 'INVALID_RECORD', (view) => view.setInt32(23, 2)],
      ['whose offsets and count run over', 'INVALID_RECORD', (view) => view.setInt32(23, -(2 ** 31))],
      ['of control records', 'INVALID_RECORD', (view) => view.setInt16(21, 1 << 5)],
      ['of a transaction', 'INVALID_TXN_STATE', (view) => view.setInt16(21, 1 << 4)],
      ['with an unknown compression', 'UNSUPPORTED_COMPRESSION_TYPE', (view) => view.setInt16(21, 5)],
      ['that claims the time of the log', 'INVALID_TIMESTAMP', (view) => view.setInt16(21, 1 << 3)],
      ['of a producer without sequence', 'INVALID_RECORD', (view) => view.setInt32(53, -1)],
      ['of a producer without epoch', 'INVALID_RECORD', (view) => view.setInt16(51, -1)],
      ['of a producer below none', 'INVALID_RECORD', (view) => view.setBigInt64(43, -2n)],
      ['of a producer too large to count', 'INVALID_RECORD', (view) => view.setBigInt64(43, 2n ** 53n)],
    ])('%s as %s', (_, error, change) => {
      expectRefused(changed(one, change), error);
    });

    test('that belongs to a transaction of a real client', () => {
      expectRefused(platformaticBatch([{ value: 'a' }], { transactionalId: 't' }), 'INVALID_TXN_STATE');
    });

    test('that counts no records, and has none', () => {
      for (const compression of [0, 1]) {
        const none = changed(withRecords(one, new Uint8Array(0)), (view) => {
          view.setInt16(21, compression);
          view.setInt32(23, -1);
          view.setInt32(57, 0);
        });
        expectRefused(none, 'INVALID_RECORD');
      }
    });

    test.each([
      ['gzip', 1032],
      ['snappy', 22],
      ['lz4', 255],
      ['zstd', 32_768],
    ] as const)('that counts more records than bytes of %s could hold', (compression, ratio) => {
      const batch = javaBatch('mixed', compression);
      const most = Math.floor(((batch.length - 61) * ratio) / 7);
      const counting = (count: number): Uint8Array =>
        changed(batch, (view) => {
          view.setInt32(23, count - 1);
          view.setInt32(57, count);
        });
      expectRefused(counting(most + 1), 'INVALID_RECORD');
      expect(checkedBatches(counting(most), usual)).toHaveLength(1);
    });

    test('larger than the topic allows, and takes one that is just as large', () => {
      expectRefused(one, 'MESSAGE_TOO_LARGE', { maxMessageBytes: one.length - 1 });
      expect(checkedBatches(one, { ...usual, maxMessageBytes: one.length })).toHaveLength(1);
    });
  });

  describe('refuses records', () => {
    const one = platformaticBatch([{ value: 'abc' }]);
    const record = one.subarray(61);

    test.each<[string, Uint8Array]>([
      ['that are missing', new Uint8Array(0)],
      ['that are cut', record.subarray(0, record.length - 1)],
      ['after which bytes follow', Buffer.concat([record, record])],
      ['that reach over their own length', Uint8Array.of(12, 0, 0, 0, 1, 8, 97, 98, 99, 0)],
      ['that end before their own length', Uint8Array.of(20, 0, 0, 0, 1, 6, 97, 98, 99, 0, 0)],
      ['with a length of nothing', Uint8Array.of(0)],
      ['with a negative length', Uint8Array.of(1)],
      [
        'with a number in more bytes than it may have',
        Uint8Array.of(0x92, 128, 128, 128, 128, 0, ...record.subarray(1)),
      ],
      ['with a number that never ends', new Uint8Array(20).fill(255)],
      ['with a key of fewer than no bytes', Uint8Array.of(18, 0, 0, 0, 3, 6, 97, 98, 99, 0)],
      ['with fewer than no headers', Uint8Array.of(18, 0, 0, 0, 1, 6, 97, 98, 99, 1)],
      ['with headers that are missing', Uint8Array.of(18, 0, 0, 0, 1, 6, 97, 98, 99, 4)],
      ['with a header that shares the length of its name', Uint8Array.of(20, 0, 0, 0, 1, 6, 97, 98, 99, 2, 1)],
      ['with a header that has no name', Uint8Array.of(22, 0, 0, 0, 1, 6, 97, 98, 99, 2, 1, 1)],
      ['with more headers than bytes could hold', Uint8Array.of(26, 0, 0, 0, 1, 6, 97, 98, 99, 254, 255, 255, 255, 15)],
      ['whose first is not number 0', Uint8Array.of(18, 0, 0, 2, 1, 6, 97, 98, 99, 0)],
    ])('%s as INVALID_RECORD', (_, records) => {
      expectRefused(withRecords(one, records), 'INVALID_RECORD');
    });

    test('of which one is longer or shorter than it says, also where the next one follows at once', () => {
      const two = platformaticBatch([{ value: 'a' }, { value: 'b' }]);
      for (const wrong of [-2, 2])
        expectRefused(
          changed(two, (view) => view.setInt8(61, two[61]! + wrong)),
          'INVALID_RECORD',
        );
    });

    test('fewer or more than the header counts', () => {
      const two = platformaticBatch([{ value: 'a' }, { value: 'b' }]);
      for (const count of [1, 3, 2 ** 31 - 1]) {
        const batch = changed(two, (view) => {
          view.setInt32(57, count);
          view.setInt32(23, count - 1);
        });
        expectRefused(batch, 'INVALID_RECORD');
      }
    });
  });

  describe('checks timestamps', () => {
    const narrow = { timestampBeforeMaxMs: 10_000, timestampAfterMaxMs: 500 };
    // The other record has a time near this one: @platformatic/kafka encodes large negative differences wrongly.
    const at = (timestamp: number): Uint8Array =>
      platformaticBatch([
        { value: 'a', timestamp },
        { value: 'b', timestamp },
      ]);

    test.each<[string, number]>([
      ['older than allowed', usual.nowMs - 10_001],
      ['further ahead than allowed', usual.nowMs + 501],
    ])('and refuses one %s', (_, timestamp) => {
      expectRefused(at(timestamp), 'INVALID_TIMESTAMP', narrow);
    });

    test.each<[string, number]>([
      ['below -1', -2],
      ['that no clock shows', 2 ** 53],
      ['of the end of all numbers', Number(2n ** 63n - 1024n)],
    ])('and refuses one %s, whatever the topic allows', (_, timestamp) => {
      const never = Number.POSITIVE_INFINITY;
      expectRefused(at(timestamp), 'INVALID_TIMESTAMP', { timestampBeforeMaxMs: never, timestampAfterMaxMs: never });
    });

    test('and takes those at the edges, and records without a time', () => {
      for (const timestamp of [usual.nowMs - 10_000, usual.nowMs + 500, -1]) {
        expect(checkedBatches(at(timestamp), { ...usual, ...narrow })).toHaveLength(1);
      }
    });

    test('and refuses in the far past only what a topic refuses', () => {
      expect(checkedBatches(at(0), usual)).toHaveLength(1);
      expectRefused(at(0), 'INVALID_TIMESTAMP', { timestampBeforeMaxMs: usual.nowMs - 1 });
      expectRefused(at(usual.nowMs + 3_600_001), 'INVALID_TIMESTAMP');
    });

    test('of compressed records by their header', () => {
      const packed = (timestamp: number): Uint8Array =>
        platformaticBatch([{ value: 'a' }, { value: 'b', timestamp }], { compression: 'lz4' });
      expectRefused(packed(usual.nowMs + 501), 'INVALID_TIMESTAMP', narrow);
      expect(checkedBatches(packed(usual.nowMs + 500), { ...usual, ...narrow })).toHaveLength(1);
      const old = changed(packed(usual.nowMs), (view) => view.setBigInt64(27, 5n));
      expectRefused(old, 'INVALID_TIMESTAMP', narrow);
    });

    test('not at all where the time of the log takes their place', () => {
      const rules = { ...usual, ...narrow, timestampType: 'LogAppendTime' } as const;
      for (const timestamp of [-2, 0, 2 ** 53, usual.nowMs + 501]) {
        const bytes = at(timestamp);
        const before = Uint8Array.from(bytes);
        expect(checkedBatches(bytes, rules)).toHaveLength(1);
        expect(bytes).toEqual(before);
      }
      const claims = changed(at(usual.nowMs), (view) => view.setInt16(21, 1 << 3));
      expectRefused(claims, 'INVALID_TIMESTAMP', rules);
    });
  });

  describe('of a compacted topic', () => {
    const rules = { ...usual, keysNeeded: true };

    test.each(['none', 'gzip', 'snappy', 'lz4'] as const)('wants keys of records with %s', (compression) => {
      const keyed = [{ key: 'a', value: '1' }, { key: '', value: '2' }, { key: 'c' }];
      expect(checkedBatches(platformaticBatch(keyed, { compression }), rules)).toHaveLength(1);
      expect(checkedBatches(javaBatch('large', compression === 'none' ? 'gzip' : compression), rules)).toHaveLength(1);
      expectRefused(platformaticBatch([...keyed, { value: '4' }], { compression }), 'INVALID_RECORD', rules);
      expectRefused(javaBatch('mixed', compression), 'INVALID_RECORD', rules);
    });

    test('refuses compressed records that are none', () => {
      const keyed = platformaticBatch([{ key: 'a', value: '1' }]);
      for (const code of [1, 2, 3]) {
        expectRefused(
          changed(keyed, (view) => view.setInt16(21, code)),
          'INVALID_RECORD',
          rules,
        );
      }
    });

    test.skipIf(hasZstd)('refuses zstd (needs a Node without zstd)', () => {
      expectRefused(javaBatch('large', 'zstd'), 'UNSUPPORTED_COMPRESSION_TYPE', rules);
    });

    test.skipIf(!hasZstd)('wants keys of records with zstd (needs zstd in Node)', () => {
      expect(checkedBatches(javaBatch('large', 'zstd'), rules)).toHaveLength(1);
      expectRefused(javaBatch('mixed', 'zstd'), 'INVALID_RECORD', rules);
    });
  });
});

function flipped(batch: Uint8Array, at: number): Uint8Array {
  const copy = Uint8Array.from(batch);
  copy[at]! ^= 64;
  return copy;
}

/** A message of the formats before magic 2: offset, size, CRC, magic, attributes, [time], null key, value. */
function oldMessage(magic: 0 | 1): Uint8Array {
  const bytes = new Uint8Array(magic === 0 ? 31 : 39);
  const view = new DataView(bytes.buffer);
  view.setInt32(8, bytes.length - 12);
  view.setInt8(16, magic);
  view.setInt32(bytes.length - 13, -1);
  view.setInt32(bytes.length - 9, 5);
  return bytes;
}
