// Histories of a log that is right have no findings, however its clients interleave; the same histories with one thing
// changed that makes them wrong have one.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkHistory, describeFinding } from '../../src/testkit/check-history.ts';
import { seededRandom } from '../../src/testkit/seeded-random.ts';
import { spoilers } from './spoiled-histories.ts';
import { tinyHistory } from './tiny-log.ts';

const drawn = fc.record({ seed: fc.nat(), steps: fc.integer({ min: 0, max: 200 }), isCalm: fc.boolean() });

describe('checkHistory', () => {
  it('finds nothing wrong with a log that is right', () => {
    const body = fc.property(drawn, ({ seed, ...options }) => {
      const history = tinyHistory({ random: seededRandom(seed), ...options });
      expect(checkHistory(history).map(describeFinding)).toEqual([]);
    });
    fc.assert(body, { numRuns: 1000, seed: 20_261_121 });
  });

  it.each(Object.entries(spoilers))('finds %s', (_, { verdicts, spoil }) => {
    let spoiled = 0;
    const body = fc.property(drawn, ({ seed, ...options }) => {
      const random = seededRandom(seed);
      const wrong = spoil(tinyHistory({ random, ...options }), random);
      if (wrong === undefined) return;
      spoiled += 1;
      const found = checkHistory(wrong).map(({ verdict }) => verdict);
      expect(
        verdicts.some((verdict) => found.includes(verdict)),
        `found ${found.join(', ')}`,
      ).toBe(true);
    });
    fc.assert(body, { numRuns: 150, seed: 20_261_121 });
    expect(spoiled).toBeGreaterThan(8);
  });
});
