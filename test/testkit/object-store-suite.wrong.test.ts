// The object store suite tells right stores from wrong ones: each wrong one fails at least one test of it.
import { describe, expect, test } from 'vitest';
import { objectStoreSuite } from '../../src/testkit/object-store-suite.ts';
import { rightStores, wrongStores, type StoreKind } from './wrong-stores.ts';

/** Runs the suite, to its end or to the first test that fails, and gives the titles of those that did. */
async function failuresOf({ open, offers }: StoreKind, toTheEnd: boolean): Promise<string[]> {
  const declared: [string, () => Promise<void>][] = [];
  objectStoreSuite({ test: (title, body) => declared.push([title, body]), open: async () => open(), offers });
  expect(declared.length).toBeGreaterThan(40);
  expect(new Set(declared.map(([title]) => title)).size).toBe(declared.length);
  const failures: string[] = [];
  for (const [title, body] of declared) {
    await body().catch((cause: unknown) => failures.push(`${title}: ${String(cause)}`));
    if (failures.length > 0 && !toTheEnd) break;
  }
  return failures;
}

describe('the object store suite passes', () => {
  for (const kind of rightStores) {
    test(kind.name, async () => expect(await failuresOf(kind, true)).toEqual([]));
  }
});

describe('the object store suite fails on a store that', () => {
  for (const kind of wrongStores) {
    test(kind.name, async () => expect(await failuresOf(kind, false)).not.toEqual([]));
  }
});
