// The primitives of the protocol, at their edges.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { WireError, WireReader } from '../../../src/kafka/wire/wire-reader.ts';
import { WireWriter } from '../../../src/kafka/wire/wire-writer.ts';

function written(write: (writer: WireWriter) => void): Buffer {
  const writer = new WireWriter(4);
  write(writer);
  return Buffer.from(writer.toBytes());
}

describe('int64', () => {
  test.each([
    [0, '0000000000000000'],
    [-1, 'ffffffffffffffff'],
    [2 ** 32, '0000000100000000'],
    [-(2 ** 32) - 1, 'fffffffeffffffff'],
    [Number.MAX_SAFE_INTEGER, '001fffffffffffff'],
    [Number.MIN_SAFE_INTEGER, 'ffe0000000000001'],
    [-(2 ** 63), '8000000000000000'],
    [2 ** 63, '7fffffffffffffff'],
    [1e30, '7fffffffffffffff'],
  ])('%d is %s', (value, hex) => {
    const bytes = written((writer) => writer.int64(value));
    expect(bytes.toString('hex')).toBe(hex);
    if (Number.isSafeInteger(value)) expect(new WireReader(bytes).int64()).toBe(value);
  });

  test('is what BigInt makes of it, for all exact numbers', () => {
    const property = fc.property(fc.maxSafeInteger(), (value) => {
      const bytes = written((writer) => writer.int64(value));
      expect(bytes.readBigInt64BE()).toBe(BigInt(value));
      expect(new WireReader(bytes).int64()).toBe(value);
    });
    fc.assert(property);
  });

  test('of Kafka that is the largest goes over as the largest again', () => {
    const bytes = Buffer.from('7fffffffffffffff', 'hex');
    const value = new WireReader(bytes).int64();
    expect(written((writer) => writer.int64(value))).toEqual(bytes);
  });
});

describe('a number of variable length', () => {
  test.each([
    [0, '00'],
    [127, '7f'],
    [128, '8001'],
    [300, 'ac02'],
    [2 ** 31, '8080808008'],
    [2 ** 32 - 1, 'ffffffff0f'],
  ])('%d is %s', (value, hex) => {
    const bytes = written((writer) => writer.unsignedVarint(value));
    expect(bytes.toString('hex')).toBe(hex);
    expect(new WireReader(bytes).unsignedVarint()).toBe(value);
  });

  test.each(['ffffffff10', 'ffffffffff01', '808080808000', 'ff', ''])('that is too long or not whole: %s', (hex) => {
    expect(() => new WireReader(Buffer.from(hex, 'hex')).unsignedVarint()).toThrow(WireError);
  });
});

describe('a frame', () => {
  test('has its length in front, however much of it is referenced and not copied', () => {
    const sizes = fc.array(fc.oneof(fc.nat(50), fc.integer({ min: 4_000, max: 9_000 })), { maxLength: 8 });
    const property = fc.property(sizes, (all) => {
      const writer = new WireWriter(16);
      const parts: Uint8Array[] = [];
      for (const [i, size] of all.entries()) {
        writer.int32(i);
        const number = Buffer.alloc(4);
        number.writeInt32BE(i);
        const bytes = Buffer.alloc(size, i + 1);
        writer.bytes(bytes);
        parts.push(number, bytes);
      }
      const frame = Buffer.concat(writer.frame());
      const rest = Buffer.concat(parts);
      expect(frame.readInt32BE()).toBe(rest.length);
      expect(frame.subarray(4).equals(rest)).toBe(true);
      expect(writer.sizeBytes).toBe(rest.length);
    });
    fc.assert(property);
  });

  test('refers to large byte fields: they are not copied', () => {
    const writer = new WireWriter();
    const large = Buffer.alloc(100_000);
    writer.int32(1);
    writer.bytes(large);
    expect(writer.frame()).toContain(large);
  });

  test('gives byte fields as views of it', () => {
    const frame = Buffer.alloc(100);
    const bytes = new WireReader(frame).bytes(50);
    expect(bytes.buffer).toBe(frame.buffer);
    expect(bytes.byteOffset).toBe(frame.byteOffset);
  });
});

describe('a part of a frame', () => {
  test('can be read only to its end, and reading goes on behind it', () => {
    const reader = new WireReader(Buffer.from([1, 2, 3, 4, 5]));
    expect(reader.within(3, () => reader.int8())).toBe(1);
    expect(reader.int8()).toBe(4);
    const next = new WireReader(Buffer.from([1, 2, 3, 4, 5]));
    expect(() => next.within(3, () => next.int32())).toThrow(WireError);
    expect(() => next.within(6, () => next.int8())).toThrow(WireError);
  });
});
