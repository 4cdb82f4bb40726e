import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { otherCrc32c } from './make-batches.ts';

describe.each(['with WebAssembly', 'without'])('crc32c %s', (where) => {
  let crc32c: (bytes: Uint8Array, start?: number, end?: number, seed?: number) => number;

  beforeAll(async () => {
    vi.resetModules();
    if (where === 'without') vi.stubGlobal('WebAssembly', undefined);
    ({ crc32c } = await import('../../../src/kafka/records/crc32c.ts'));
  });

  afterAll(() => {
    vi.unstubAllGlobals();
  });

  test.each([
    ['of the digits', new TextEncoder().encode('123456789'), 0xe3069283],
    ['of nothing', new Uint8Array(0), 0],
    ['of 32 zeros', new Uint8Array(32), 0x8a9136aa],
    ['of 32 bytes of ones', new Uint8Array(32).fill(255), 0x62a8ab43],
    ['of rising bytes', Uint8Array.from({ length: 32 }, (_, at) => at), 0x46dd794e],
    ['of falling bytes', Uint8Array.from({ length: 32 }, (_, at) => 31 - at), 0x113fdb5c],
  ])('is what RFC 3720 and others say %s', (_, bytes, expected) => {
    expect(crc32c(bytes)).toBe(expected);
  });

  test("agrees with another client's at every length and alignment", () => {
    const noise = Uint8Array.from({ length: 400 }, (_, at) => (at * at * 31 + at * 7) & 255);
    for (let start = 0; start < 18; start += 1) {
      for (let length = 0; length < 200; length += 1) {
        const piece = noise.subarray(start, start + length);
        expect(crc32c(noise, start, start + length)).toBe(otherCrc32c(piece));
        expect(crc32c(piece)).toBe(otherCrc32c(piece));
      }
    }
  });

  test("agrees with another client's on more bytes than it takes at once", () => {
    const noise = Uint8Array.from({ length: 200_003 }, (_, at) => Math.imul(at, 2_654_435_761) >>> 23);
    for (const end of [49_151, 49_152, 49_153, 49_168, 98_304, 98_305, 200_003]) {
      expect(crc32c(noise, 3, end)).toBe(otherCrc32c(noise.subarray(3, end)));
    }
  });

  test('goes on where it ended', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat({ max: 300 }), (bytes, cut) => {
        const at = Math.min(cut, bytes.length);
        expect(crc32c(bytes, at, bytes.length, crc32c(bytes, 0, at))).toBe(crc32c(bytes));
      }),
    );
  });

  test('notices every bit that flips', () => {
    const bytes = Uint8Array.from({ length: 96 }, (_, at) => at * 5);
    const right = crc32c(bytes);
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      bytes[bit >>> 3]! ^= 1 << (bit & 7);
      expect(crc32c(bytes)).not.toBe(right);
      bytes[bit >>> 3]! ^= 1 << (bit & 7);
    }
  });
});
