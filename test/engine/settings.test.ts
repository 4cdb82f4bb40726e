import { expect, test } from 'vitest';
import { resolveSettings } from '../../src/engine/settings.ts';
import { memoryShares, uploadRunSizeMaxBytes } from '../../src/engine/memory-shares.ts';

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

const MiB = 2 ** 20;

test('an upload starts at an eighth of the memory at the latest, and whoever asks for more is told so', () => {
  expect(resolveSettings().uploadSizeBytes).toBe(32 * MiB);
  expect(resolveSettings({ memoryMaxBytes: 64 * MiB }).uploadSizeBytes).toBe(8 * MiB);
  expect(resolveSettings({ memoryMaxBytes: 1_024 * MiB }).uploadSizeBytes).toBe(32 * MiB);
  for (const memoryMaxBytes of [64 * MiB, 100 * MiB + 7, 256 * MiB]) {
    const most = memoryShares(memoryMaxBytes).unuploaded / 2;
    expect(resolveSettings({ memoryMaxBytes, uploadSizeBytes: most }).uploadSizeBytes).toBe(most);
    expect(() => resolveSettings({ memoryMaxBytes, uploadSizeBytes: most + 1 })).toThrow(
      expect.objectContaining({
        name: 'RangeError',
        code: 'INVALID_ARGUMENT',
        message: expect.stringContaining('eighth'),
      }),
    );
  }
  expect(() => resolveSettings({ uploadSizeBytes: 33 * MiB })).toThrow(`here ${32 * MiB}; got ${33 * MiB}`);
});

test('a budget that is too small to work with is refused, and says from where on it works', () => {
  expect(() => resolveSettings({ memoryMaxBytes: 64 * MiB - 1 })).toThrow(
    expect.objectContaining({ name: 'RangeError', message: expect.stringContaining(`from ${64 * MiB} to`) }),
  );
});

test('the smallest budget has room for what cannot be smaller', () => {
  const shares = memoryShares(64 * MiB);
  const segmentMaxBytes = 8 * MiB;
  expect(shares.uploadBuffer).toBeGreaterThanOrEqual(segmentMaxBytes); // Any batch fits the buffer of an upload.
  expect(shares.walBuffers).toBeGreaterThanOrEqual(segmentMaxBytes); // And so do the two of 4 MiB of a file WAL.
  expect(uploadRunSizeMaxBytes(shares)).toBeGreaterThanOrEqual(2 * segmentMaxBytes);
  // So the largest segmentSizeMinBytes there is never asks for more than may be under way.
  expect(() => resolveSettings({ memoryMaxBytes: 64 * MiB, segmentSizeMinBytes: segmentMaxBytes })).not.toThrow();
});
