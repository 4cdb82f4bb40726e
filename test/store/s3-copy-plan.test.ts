// The plan of a copy, for any pieces: its parts are the pieces, in order, and a server takes each of them.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { CopyPiece } from '../../src/index.ts';
import { planCopy, type CopyPart } from '../../src/store/s3-copy-plan.ts';

const sizes = { minBytes: 5, maxBytes: 20 };

/** The bytes that a plan means, as a text: of source `a` the byte at 17 is 'a17'. */
function meantBy(parts: readonly CopyPart[]): string[] {
  return parts
    .flatMap((part) => ('copy' in part ? [part.copy] : part.gather))
    .flatMap((source) => (source instanceof Uint8Array ? [...source].map(String) : bytesOf(source)));
}

function bytesOf({ key, start, end }: { key: string; start: number; end: number }): string[] {
  return Array.from({ length: end - start }, (_, i) => `${key}${start + i}`);
}

function sizeOf(part: CopyPart): number {
  return 'copy' in part ? part.copy.end - part.copy.start : part.sizeBytes;
}

const pieces: fc.Arbitrary<CopyPiece[]> = fc.array(
  fc.oneof(
    fc.uint8Array({ maxLength: 30 }).map((bytes) => ({ bytes })),
    fc
      .tuple(fc.constantFrom('a', 'b'), fc.nat(100), fc.nat(90))
      .map(([key, start, length]) => ({ key, range: { start, end: start + length } })),
  ),
  { maxLength: 8 },
);

it('the parts are the pieces, in order, none too small but the last, none too large', () => {
  fc.assert(
    fc.property(pieces, (given) => {
      const parts = planCopy(given, sizes);
      const meant = given.flatMap((piece) =>
        'bytes' in piece ? [...piece.bytes].map(String) : bytesOf({ key: piece.key, ...piece.range }),
      );
      expect(meantBy(parts)).toEqual(meant);
      for (const part of parts.slice(0, -1)) expect(sizeOf(part)).toBeGreaterThanOrEqual(sizes.minBytes);
      for (const part of parts) {
        expect(sizeOf(part)).toBeGreaterThan(0);
        // What is gathered is in memory: at most twice the least, less one.
        expect(sizeOf(part)).toBeLessThanOrEqual('copy' in part ? sizes.maxBytes : 2 * sizes.minBytes - 1);
        if ('copy' in part) expect(sizeOf(part)).toBeGreaterThanOrEqual(sizes.minBytes);
      }
    }),
    { numRuns: 500 },
  );
});

it('large ranges never leave the server', () => {
  const parts = planCopy([{ key: 'a', range: { start: 0, end: 100 } }], sizes);
  expect(parts.every((part) => 'copy' in part)).toBe(true);
  expect(
    planCopy(
      [
        { key: 'a', range: { start: 0, end: 3 } },
        { key: 'b', range: { start: 0, end: 12 } },
      ],
      sizes,
    ),
  ).toEqual([
    {
      gather: [
        { key: 'a', start: 0, end: 3 },
        { key: 'b', start: 0, end: 2 },
      ],
      sizeBytes: 5,
    },
    { copy: { key: 'b', start: 2, end: 12 } },
  ]);
});
