// How long requests may take: enough for what they move, never for ever, and shorter where nobody waits.
import { describe, expect, test } from 'vitest';
import { MiB } from '../../src/base/bytes.ts';
import type { StoreOperation, StorePurpose } from '../../src/store/object-store.ts';
import { purposeLimits } from '../../src/store/purpose-lanes.ts';
import { callLimitMs, requestLimitMs, retryDeadlineMs } from '../../src/store/request-deadlines.ts';

const purposes = Object.keys(purposeLimits) as StorePurpose[];
const operations: readonly StoreOperation[] = ['put', 'get', 'list', 'delete'];

describe('a request', () => {
  test('has at least 5 seconds and at most 2 minutes, whatever it is', () => {
    for (const purpose of [...purposes, 'errands' as StorePurpose, 'constructor' as StorePurpose]) {
      for (const operation of operations) {
        for (const bytes of [undefined, 0, 1, MiB, 64 * MiB, 2 ** 40]) {
          const limitMs = requestLimitMs({ operation, purpose, bytes });
          expect(limitMs, `${operation} for ${purpose}`).toBeGreaterThanOrEqual(5_000);
          expect(limitMs, `${operation} for ${purpose}`).toBeLessThanOrEqual(120_000);
        }
      }
    }
  });

  test('has a second more for each MiB that it moves', () => {
    const limitMs = (bytes: number): number => requestLimitMs({ operation: 'put', purpose: 'wal', bytes });
    expect(limitMs(0)).toBe(5_000);
    expect(limitMs(8 * MiB)).toBe(13_000);
    expect(requestLimitMs({ operation: 'put', purpose: 'upload', bytes: 64 * MiB })).toBe(74_000);
  });

  test('of a value of unknown size has time for as large a one as there is', () => {
    expect(requestLimitMs({ operation: 'get', purpose: 'read' })).toBe(13_000);
    expect(requestLimitMs({ operation: 'get', purpose: 'journal' })).toBe(6_000);
    expect(requestLimitMs({ operation: 'get', purpose: 'cluster' })).toBe(5_000);
    expect(requestLimitMs({ operation: 'get', purpose: 'snapshot' })).toBe(42_000);
  });

  test('that goes through many keys has 10 seconds more', () => {
    expect(requestLimitMs({ operation: 'list', purpose: 'recovery' })).toBe(20_000);
    expect(requestLimitMs({ operation: 'delete', purpose: 'wal' })).toBe(15_000);
  });
});

test('a call has time for several requests', () => {
  const measure = { operation: 'delete', purpose: 'sweep' } as const;
  expect(callLimitMs(measure)).toBe(60_000);
  expect(callLimitMs(measure, 2)).toBe(60_000);
  expect(callLimitMs(measure, 10)).toBe(300_000);
});

test('all tries together have as long as the store may be away, and less where nobody waits, or somebody waits to be told', () => {
  for (const purpose of purposes) {
    expect(retryDeadlineMs(purpose, 1)).toBe(1);
    const isShorter = ['cluster', 'probe', 'compaction', 'sweep'].includes(purpose);
    if (isShorter) expect(retryDeadlineMs(purpose, 120_000), purpose).toBeLessThanOrEqual(60_000);
    else expect(retryDeadlineMs(purpose, 120_000), purpose).toBe(120_000);
  }
});
