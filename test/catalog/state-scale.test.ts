// A large cluster: 100,000 streams and 1,000,000 parts, built record by record through applyRecord. The limits are wide,
// because machines are slow and shared; the figures are printed.
import { expect, test } from 'vitest';
import { measureScale } from './state-scale.ts';

test('100,000 streams and 1,000,000 parts are built, asked and encoded within stated bounds', async () => {
  const figures = await measureScale();
  console.log(figures);
  expect(figures.streamCount).toBe(100_000);
  expect(figures.partCount).toBe(1_000_000);
  expect(figures.buildMs).toBeLessThan(20_000);
  expect(figures.heapPerIdleStreamBytes).toBeLessThan(1_024);
  expect(figures.heapPerPartBytes).toBeLessThan(150);
  // Logarithmic: a hundred times the parts cost a few steps more, not a hundred times the time.
  expect(figures.lookupLongUs / figures.lookupShortUs).toBeLessThan(20);
  expect(figures.encodeMedianSliceMs).toBeLessThan(5);
  expect(figures.decodeMedianSliceMs).toBeLessThan(5);
  // Collecting garbage, on threads of its own too, counts into the longest.
  expect(figures.encodeLongestSliceMs).toBeLessThan(250);
  expect(figures.decodeLongestSliceMs).toBeLessThan(250);
  expect(figures.isSame).toBe(true);
}, 120_000);
