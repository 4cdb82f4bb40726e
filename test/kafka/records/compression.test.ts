import { createHash } from 'node:crypto';
import * as zlib from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readBatchHeader } from '../../../src/kafka/records/batch-header.ts';
import type { BatchCompression } from '../../../src/kafka/records/batch-header.ts';
import { plainBytesMax, plainRecords } from '../../../src/kafka/records/compression.ts';
import { changed, javaBatch, librdkafkaBatch, packedByOthers, platformaticBatch, withRecords } from './make-batches.ts';

const codes = { gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const;
const hasZstd = 'zstdDecompressSync' in zlib;
const ours = ['gzip', 'snappy', 'lz4'] as const;

/** A batch whose records are `packed`, said to be packed in some way. */
function batchOf(packed: Uint8Array, compression: keyof typeof codes): Uint8Array {
  const batch = withRecords(platformaticBatch([{ value: 'a' }]), packed);
  return changed(batch, (view) => view.setInt16(21, codes[compression]));
}

function plain(batch: Uint8Array, bytesMax?: number): Uint8Array {
  return Uint8Array.from(plainRecords(batch, readBatchHeader(batch), bytesMax));
}

function sha(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

describe('plainRecords', () => {
  describe.each<readonly [BatchCompression, string]>([
    ['gzip', ''],
    ['snappy', ''],
    ['lz4', ''],
    ['zstd', ' (needs zstd in Node)'],
  ])('of %s%s', (compression) => {
    test.skipIf(compression === 'zstd' && !hasZstd).each(['mixed', 'random'] as const)(
      'makes of what the Java client packed (%s) what it would have sent plain',
      (kind) => {
        expect(plain(javaBatch(kind, compression))).toEqual(javaBatch(kind, 'none').slice(61));
      },
    );

    test.skipIf(compression === 'zstd' && !hasZstd)('makes of what librdkafka packed what it sends plain', () => {
      expect(plain(librdkafkaBatch('mixed', compression))).toEqual(librdkafkaBatch('mixed', 'none').slice(61));
    });

    test.skipIf(compression === 'zstd' && !hasZstd)('reads what the Java client packed in several blocks', () => {
      const records = plain(javaBatch('large', compression));
      expect(records.length).toBeGreaterThan(65_536);
      expect(sha(records)).toBe(sha(plain(javaBatch('large', 'gzip'))));
    });
  });

  test('of records that are not compressed are a view of them', () => {
    const batch = javaBatch('mixed', 'none');
    const records = plainRecords(batch, readBatchHeader(batch));
    expect(records.buffer).toBe(batch.buffer);
    expect(records).toEqual(batch.subarray(61));
  });

  test.skipIf(hasZstd)('of zstd are not at hand (needs a Node without zstd)', () => {
    const refusal = expect.objectContaining({ error: 'UNSUPPORTED_COMPRESSION_TYPE' });
    expect(() => plain(javaBatch('mixed', 'zstd'))).toThrow(refusal);
  });

  // Runs and repeats, near and far, as well as what cannot be packed.
  const pieces = fc.oneof(
    fc.uint8Array({ maxLength: 90 }),
    fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 20 }), fc.integer({ min: 1, max: 900 })).map(repeated),
  );
  const texts = fc
    .array(pieces, { maxLength: 30 })
    .map((some) => Uint8Array.from(Buffer.concat(some)))
    .filter((text) => text.length > 0); // The packers of @platformatic/kafka cannot pack nothing.

  test.each(ours)('undo what others pack with %s, whatever it is', (compression) => {
    fc.assert(
      fc.property(texts, (text) => {
        expect(sha(plain(batchOf(packedByOthers(text, compression), compression)))).toBe(sha(text));
      }),
      { numRuns: 150 },
    );
  });

  test.each(ours)('undo what others pack with %s of more than a block', (compression) => {
    const noise = Uint8Array.from({ length: 300_000 }, (_, at) => Math.imul(at, 2_654_435_761) >>> 24);
    for (const text of [noise, new Uint8Array(1_000_000), Buffer.concat([noise, noise, noise.subarray(5)])]) {
      expect(sha(plain(batchOf(packedByOthers(text, compression), compression)))).toBe(sha(text));
    }
  });

  describe('refuse', () => {
    test.each(ours)('what would become too many bytes (%s), before it has', (compression) => {
      const bomb = batchOf(packedByOthers(new Uint8Array(plainBytesMax + 1), compression), compression);
      expect(bomb.length).toBeLessThan(1_000_000);
      expect(() => plain(bomb)).toThrow(expect.objectContaining({ error: 'MESSAGE_TOO_LARGE' }));
      expect(plain(bomb, plainBytesMax + 1)).toHaveLength(plainBytesMax + 1);
      expect(() => plain(javaBatch('large', compression), 70_000)).toThrow(
        expect.objectContaining({ error: 'MESSAGE_TOO_LARGE' }),
      );
    });

    test.skipIf(!hasZstd)('what would become too many bytes, with zstd (needs zstd in Node)', () => {
      expect(() => plain(javaBatch('large', 'zstd'), 70_000)).toThrow(
        expect.objectContaining({ error: 'MESSAGE_TOO_LARGE' }),
      );
    });

    test.each<[string, keyof typeof codes, number[]]>([
      ['no bytes as gzip', 'gzip', []],
      ['no bytes as snappy', 'snappy', []],
      ['no bytes as lz4', 'lz4', []],
      ['a length that never ends', 'snappy', [255, 255, 255, 255, 255, 255]],
      ['a length without bytes', 'snappy', [5]],
      ['a length that no bytes could fill', 'snappy', [200, 1, 0, 97]],
      ['a literal that is cut', 'snappy', [3, 8, 97, 98]],
      ['a literal longer than was said', 'snappy', [2, 8, 97, 98, 99]],
      ['a literal whose length is cut', 'snappy', [3, 244, 1]],
      ['a copy from before the start', 'snappy', [5, 0, 97, 1, 2]],
      ['a copy from nowhere', 'snappy', [5, 0, 97, 1, 0]],
      ['a copy longer than was said', 'snappy', [3, 0, 97, 1, 1]],
      ['less than was said', 'snappy', [9, 0, 97]],
      ['a copy whose distance is cut', 'snappy', [5, 0, 97, 0x0e, 1]],
      ['a block that reaches just over the end', 'snappy', [...framing(), 0, 0, 0, 5, 2, 0, 97]],
      ['a block that reaches over the end', 'snappy', [...framing(), 0, 0, 0, 9, 1, 0, 97]],
      ['a block of nothing', 'snappy', [...framing(), 0, 0, 0, 0]],
      ['a block of less than nothing', 'snappy', [...framing(), 255, 255, 255, 255]],
      ['a block whose length is cut', 'snappy', [...framing(), 0, 0, 0]],
      ['another magic', 'lz4', [5, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82, 0, 0, 0, 0]],
      ['another version', 'lz4', [4, 0x22, 0x4d, 0x18, 0xa0, 0x40, 0x82, 0, 0, 0, 0]],
      ['a dictionary', 'lz4', [4, 0x22, 0x4d, 0x18, 0x61, 0x40, 0x82, 0, 0, 0, 0]],
      ['a block of gigabytes that are not there', 'lz4', [...frame(), 255, 255, 255, 255, 97, 0, 0, 0, 0]],
      ['a frame without end', 'lz4', [...frame(), 1, 0, 0, 128, 97]],
      ['bytes after a frame', 'lz4', [...frame(), 1, 0, 0, 128, 97, 0, 0, 0, 0, 1]],
      ['a block that is cut', 'lz4', [...frame(), 9, 0, 0, 128, 97, 0, 0, 0, 0]],
      ['a literal that is cut in lz4', 'lz4', [...frame(), 2, 0, 0, 0, 0x50, 97, 0, 0, 0, 0]],
      ['a literal whose length is cut in lz4', 'lz4', [...frame(), 2, 0, 0, 0, 0xf0, 255, 0, 0, 0, 0]],
      ['a distance that is cut', 'lz4', [...frame(), 3, 0, 0, 0, 0x10, 97, 1, 0, 0, 0, 0]],
      ['a distance of nothing', 'lz4', [...frame(), 4, 0, 0, 0, 0x10, 97, 0, 0, 0, 0, 0, 0]],
      ['a distance from before the start', 'lz4', [...frame(), 4, 0, 0, 0, 0x10, 97, 2, 0, 0, 0, 0, 0]],
      ['a copy whose length is cut', 'lz4', [...frame(), 5, 0, 0, 0, 0x1f, 97, 1, 0, 255, 0, 0, 0, 0]],
    ])('%s', (_, compression, packed) => {
      const batch = batchOf(Uint8Array.from(packed), compression);
      expect(() => plain(batch)).toThrow(expect.objectContaining({ error: 'INVALID_RECORD' }));
    });

    test.each(ours)('bytes of %s that are cut', (compression) => {
      const packed = packedByOthers(javaBatch('mixed', 'none').subarray(61), compression);
      for (let length = 0; length < packed.length; length += 1) {
        const batch = batchOf(packed.subarray(0, length), compression);
        expect(() => plain(batch)).toThrow(expect.objectContaining({ error: 'INVALID_RECORD' }));
      }
    });
  });

  test('takes no more memory for a claim than bytes could fill', () => {
    const before = process.memoryUsage().arrayBuffers;
    const claim = batchOf(Uint8Array.of(0x80, 0x80, 0x80, 0x05, 0, 97), 'snappy');
    expect(() => plain(claim)).toThrow(expect.objectContaining({ error: 'INVALID_RECORD' }));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1_000_000);
  });

  test('reads lz4 frames with every optional field', () => {
    const sized = [4, 0x22, 0x4d, 0x18, 0x7c, 0x40, 6, 0, 0, 0, 0, 0, 0, 0, 0x99];
    const blocks = [3, 0, 0, 128, 97, 98, 99, 1, 1, 1, 1, 4, 0, 0, 0, 0x30, 100, 101, 102, 2, 2, 2, 2, 0, 0, 0, 0];
    const batch = batchOf(Uint8Array.from([...sized, ...blocks, 3, 3, 3, 3]), 'lz4');
    expect(Buffer.from(plain(batch)).toString()).toBe('abcdef');
  });

  test('reads snappy in every form of literal and copy', () => {
    const long = 'x'.repeat(300);
    const literals = [0xf4, 43, 1, ...Buffer.from(long), 0xf0, 0, 97, 0xf8, 0, 0, 0, 98, 0xfc, 0, 0, 0, 0, 99];
    // Four, five and six bytes from three back, their distance in one byte and three bits, in two bytes, in four bytes.
    const copies = [0x01, 3, 0x12, 3, 0, 0x17, 3, 0, 0, 0, 0x21, 20];
    const plainBytes = 303 + 4 + 5 + 6 + 4;
    const batch = batchOf(Uint8Array.of((plainBytes & 127) | 128, plainBytes >>> 7, ...literals, ...copies), 'snappy');
    const text = `${long}abcabcabcabcabcabc`;
    expect(Buffer.from(plain(batch)).toString()).toBe(text + text.slice(-276, -272));
  });

  test('reads gzip of several members', () => {
    const batch = batchOf(Buffer.concat([zlib.gzipSync('one'), zlib.gzipSync('two')]), 'gzip');
    expect(Buffer.from(plain(batch)).toString()).toBe('onetwo');
  });
});

function repeated([piece, times]: readonly [Uint8Array, number]): Uint8Array {
  return Buffer.concat(Array.from({ length: times }, () => piece)).subarray(0, 3000);
}

function framing(): number[] {
  return [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1];
}

function frame(): number[] {
  return [4, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82];
}
