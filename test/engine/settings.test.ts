import { expect, test } from 'vitest';
import { resolveSettings } from '../../src/engine/settings.ts';
import { memoryShares } from '../../src/engine/memory-shares.ts';

test('settings that are left out have their defaults, and none can be changed afterwards', () => {
  const settings = resolveSettings({ catalogRefreshMs: 7, storeDeadlineMs: undefined });
  expect(settings).toMatchObject({ catalogRefreshMs: 7, storeDeadlineMs: 120_000, memoryMaxBytes: 256 * 2 ** 20 });
  expect(Object.isFrozen(settings)).toBe(true);
  expect(resolveSettings()).toEqual(resolveSettings({}));
});

test('a misspelt setting is answered with the nearest one', () => {
  const misspelt = {
    storeDeadlineMS: 'storeDeadlineMs',
    refreshMs: 'catalogRefreshMs',
    maxMemoryBytes: 'memoryMaxBytes',
  };
  for (const [wrong, right] of Object.entries(misspelt))
    expect(() => resolveSettings({ [wrong]: 1 } as never)).toThrow(right);
});

test('every setting is bound on both sides, ends included', () => {
  const ends = {
    catalogRefreshMs: [1, 3_600_000],
    segmentSizeMinBytes: [1, 8 * 2 ** 20],
    storeDeadlineMs: [1, 86_400_000],
  };
  for (const [name, [min, max]] of Object.entries(ends)) {
    for (const value of [min, max]) expect(resolveSettings({ [name]: value })).toMatchObject({ [name]: value });
    for (const value of [min! - 1, max! + 1, 1.5, Number.NaN])
      expect(() => resolveSettings({ [name]: value })).toThrow(name);
  }
});

test('the shares of memory fit the budget, and a batch of the largest size always has room', () => {
  for (const budget of [64, 100, 256, 4_096].map((mib) => mib * 2 ** 20)) {
    const { unuploaded, unuploadedMax, ...others } = memoryShares(budget);
    expect(unuploadedMax).toBeGreaterThan(unuploaded + 8 * 2 ** 20);
    expect(Object.values(others).reduce((sum, share) => sum + share, unuploadedMax)).toBeLessThanOrEqual(budget);
  }
});
