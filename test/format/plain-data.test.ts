import { deepStrictEqual } from 'node:assert/strict';
import * as fc from 'fast-check';
import { Unpackr } from 'msgpackr/unpack';
import { describe, expect, test } from 'vitest';
import { InvariantError } from '../../src/base/assert.ts';
import { decodePlain, encodePlain } from '../../src/format/plain-data.ts';
import { expectDamage, expectNoOtherError, key, thrownBy } from './damaging.ts';

const decode = (bytes: Uint8Array): unknown => decodePlain(bytes, { key });
const again = (value: unknown): unknown => decode(encodePlain(value));

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ maxLength: 300 }),
  fc.constantFrom('__proto__', 'constructor', 'toString', 'hasOwnProperty', '', '0', '\ufeff', '\ufeff'.repeat(70)),
);
const number = fc.oneof(
  fc.maxSafeInteger(),
  fc.integer(),
  fc.integer({ min: -300, max: 300 }),
  fc.double(),
  fc.constantFrom(-0, 2 ** 53, 1e300, Number.MIN_SAFE_INTEGER, -(2 ** 31), -(2 ** 31) - 1, 2 ** 32 - 1, 2 ** 32),
);
const leaf = fc.oneof(
  text,
  number,
  fc.boolean(),
  fc.constant(null),
  fc.uint8Array({ maxLength: 300 }),
  fc.float64Array({ maxLength: 50 }),
  fc.uint32Array({ maxLength: 50 }),
);
const { value: plain } = fc.letrec((tie) => ({
  value: fc.oneof({ maxDepth: 6, depthSize: 'small' }, leaf, tie('list'), tie('object')),
  list: fc.array(tie('value'), { maxLength: 20 }),
  object: fc.array(fc.tuple(text, tie('value')), { maxLength: 20 }).map((fields) => Object.fromEntries(fields)),
}));

describe('plain data', () => {
  test('comes back exactly as it was', () => {
    fc.assert(
      fc.property(plain, (value) => {
        deepStrictEqual(again(value), value);
      }),
      { numRuns: 300 },
    );
  });

  test('is the same bytes whenever it is encoded', () => {
    fc.assert(
      fc.property(plain, (value) => {
        expect(encodePlain(again(value))).toEqual(encodePlain(value));
      }),
    );
  });

  test('is MessagePack that others can read', () => {
    const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true, int64AsType: 'number' });
    const value = {
      list: Array.from({ length: 70_000 }, (_, i) => i * 97 - 3_000_000),
      nested: { text: 'größer als ASCII', long: 'x'.repeat(70_000), large: 2 ** 52 + 1, small: -(2 ** 52) - 1 },
      bytes: Uint8Array.of(1, 2, 3),
      parts: [0.5, -1, 127, 128, 255, 256, 65_535, 65_536, -32, -33, -128, -129, -32_769, true, false, null],
      many: Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`key ${i}`, i])),
    };
    expect(unpackr.unpack(encodePlain(value))).toEqual(value);
  });

  test('keeps a key that names the prototype, and leaves the prototype alone', () => {
    const attributes = JSON.parse('{"__proto__":"mine","constructor":"c","__proto_":"other"}') as object;
    const decoded = again(attributes) as object;
    expect(Object.entries(decoded)).toEqual([
      ['__proto__', 'mine'],
      ['constructor', 'c'],
      ['__proto_', 'other'],
    ]);
    expect(Object.getPrototypeOf(decoded)).toBe(Object.prototype);
    const nested = again(JSON.parse('{"__proto__":{"polluted":true}}')) as { polluted?: unknown };
    expect(nested.polluted).toBeUndefined();
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  test('leaves out fields that are undefined', () => {
    expect(again({ a: undefined, b: 1, c: { d: undefined } })).toStrictEqual({ b: 1, c: {} });
  });

  test('holds sizes around every limit of their encodings', () => {
    for (const size of [0, 15, 16, 31, 32, 255, 256, 1_000, 1_024, 65_535, 65_536]) {
      expect(again('x'.repeat(size))).toBe('x'.repeat(size));
      expect(again('ü'.repeat(size))).toBe('ü'.repeat(size));
      deepStrictEqual(again(new Uint8Array(size).fill(7)), new Uint8Array(size).fill(7));
      deepStrictEqual(again(new Float64Array(size).fill(0.1)), new Float64Array(size).fill(0.1));
      expect((again(Array.from({ length: size }, () => size)) as number[]).length).toBe(size);
      const object = Object.fromEntries(Array.from({ length: size }, (_, i) => [`k${i}`, i]));
      expect(Object.keys(again(object) as object)).toHaveLength(size);
    }
  });

  test('gives bytes and columns of their own, as plain arrays', () => {
    const encoded = Buffer.from(encodePlain([Buffer.from([1, 2]), Float64Array.of(1, 2)]));
    const [bytes, column] = decode(encoded) as [Uint8Array, Float64Array];
    encoded.fill(0xff);
    expect(bytes).toStrictEqual(Uint8Array.of(1, 2));
    expect(column).toStrictEqual(Float64Array.of(1, 2));
  });

  test('writes columns big-endian, eight and four bytes a number', () => {
    expect(Buffer.from(encodePlain(Float64Array.of(1))).toString('hex')).toBe('c708013ff0000000000000');
    expect(Buffer.from(encodePlain(Uint32Array.of(1, 2))).toString('hex')).toBe('c708020000000100000002');
  });

  test('refuses as a bug what is not plain', () => {
    const circular: unknown[] = [];
    circular.push(circular);
    for (const value of [undefined, 1n, Symbol('s'), () => 1, new Map(), new Date(0), [undefined], '\ud800', circular])
      expect(thrownBy(() => encodePlain(value))).toBeInstanceOf(InvariantError);
    expect(thrownBy(() => encodePlain({ '\udfff': 1 }))).toBeInstanceOf(InvariantError);
    expect(thrownBy(() => encodePlain(new Int8Array(1)))).toBeInstanceOf(InvariantError);
  });
});

describe('bytes that are no plain data', () => {
  test('are damage where a broken key looks, byte for character, like one that was read before', () => {
    const good = { key: 'Ðx', bytes: 'a3c39078' };
    expect(decode(Buffer.from(`91 81 ${good.bytes} 00`.replaceAll(' ', ''), 'hex'))).toEqual([{ [good.key]: 0 }]);
    expectDamage(() => decode(Buffer.from(`9281${good.bytes}0081a2d07800`, 'hex')), 'Latin-1 for UTF-8');
  });

  test('are damage, whatever they are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => expectNoOtherError(() => decode(bytes), bytes.join())),
      { numRuns: 2_000 },
    );
  });

  test('are damage where a length exceeds what is there, and nothing is allocated for it', () => {
    const hostile = [
      'dbffffffff',
      'c6ffffffff',
      'ddffffffff',
      'dfffffffff',
      'c9ffffffff01',
      'dc0002c0',
      '81a161',
      'a3c0',
    ];
    for (const hex of hostile) expectDamage(() => decode(Buffer.from(hex, 'hex')), hex);
  });

  test('are damage where they nest without end, hold numbers beyond 2^53, or use forms that are not written', () => {
    const hostile = {
      'nested arrays': '91'.repeat(100_000),
      'nested objects': '81a161'.repeat(100_000),
      'a number of 2^53': 'cf0020000000000000',
      'a number below −2^53': 'd3ffdfffffffffffff',
      'the byte that is never used': 'c1',
      'an unknown extension': 'c7010500',
      'half a number in a column': 'c7070100000000000000',
      'a key that is no text': '810101',
      'text that is not UTF-8': 'a2c328',
      'a value and one more': '0102',
      nothing: '',
    };
    for (const [what, hex] of Object.entries(hostile)) expectDamage(() => decode(Buffer.from(hex, 'hex')), what);
  });
});
