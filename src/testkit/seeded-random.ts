// Chance that can be repeated: xoshiro128**, its state filled from the seed by splitmix32. Good enough to explore
// with, worthless for secrets.
import type { Random } from '../index.ts';
import { shown, wrongArgument } from './wrong-argument.ts';

/** Refuses what is no seed. */
export function checkSeed(seed: unknown): void {
  if (Number.isSafeInteger(seed)) return;
  throw wrongArgument(`a seed is an integer, so that it can be written down and used again; got ${shown(seed)}`);
}

/** A source of chance that gives the same numbers in the same order for the same seed, which is an integer. */
export function seededRandom(seed: number): Random {
  checkSeed(seed);
  const draw = xoshiro128(seed);
  return {
    bytes: (length) => {
      const bytes = new Uint8Array(length);
      for (let i = 0; i < length; i += 4) {
        const word = draw();
        for (let j = i; j < Math.min(i + 4, length); j++) bytes[j] = word >>> (8 * (j - i));
      }
      return bytes;
    },
    // 26 and 27 bits make the 53 that a number in [0, 1) can hold.
    fraction: () => ((draw() >>> 6) * 2 ** 27 + (draw() >>> 5)) / 2 ** 53,
  };
}

/** An integer in [0, limit). */
export function drawInteger(random: Random, limit: number): number {
  return Math.floor(random.fraction() * limit);
}

function xoshiro128(seed: number): () => number {
  let filler = seed >>> 0;
  const fill = (): number => {
    filler = (filler + 0x9e3779b9) | 0;
    let mixed = filler ^ (filler >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    return (mixed ^ (mixed >>> 15)) | 0;
  };
  let [a, b] = [fill(), fill()];
  filler = Math.floor(seed / 2 ** 32) ^ 0x5bd1e995;
  let [c, d] = [fill(), fill()];
  if ((a | b | c | d) === 0) a = 1; // The one state that would stay as it is.
  const draw = (): number => {
    const scaled = Math.imul(b, 5);
    const drawn = Math.imul((scaled << 7) | (scaled >>> 25), 9);
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = (d << 11) | (d >>> 21);
    return drawn >>> 0;
  };
  for (let i = 0; i < 8; i++) draw(); // Until all four words depend on both halves of the seed.
  return draw;
}
