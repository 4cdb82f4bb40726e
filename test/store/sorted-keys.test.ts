// The sorted keys of the memory store: what a sorted copy would say, and fast with many keys.
import { describe, expect, test } from 'vitest';
import { fromByteString, toByteString } from '../../src/store/key-order.ts';
import { MemoryObjectStore } from '../../src/store/memory-object-store.ts';
import { SortedKeys } from '../../src/store/sorted-keys.ts';
import { drawInteger, seededRandom } from '../../src/testkit/seeded-random.ts';

describe('SortedKeys', () => {
  test('pages as a sorted copy of the living keys would', () => {
    for (let seed = 1; seed <= 5; seed++) {
      const random = seededRandom(seed);
      const keys = new SortedKeys();
      const model = new Set<string>();
      for (let step = 0; step < 1500; step++) {
        const key = `${'abc'[drawInteger(random, 3)]}${drawInteger(random, 60)}`;
        if (random.fraction() < 0.5) {
          keys.add(key);
          model.add(key);
        } else {
          keys.remove(key);
          model.delete(key);
        }
        if (random.fraction() > 0.3) continue;
        const prefix = ['', 'a', 'b', 'b1', 'c', 'd'][drawInteger(random, 6)]!;
        const after = [undefined, key, 'a9', 'b', 'zz', ''][drawInteger(random, 6)];
        const limit = 1 + drawInteger(random, 20);
        const expected = [...model]
          .filter((name) => name.startsWith(prefix) && (after === undefined || name > after))
          .toSorted((a, b) => (a < b ? -1 : 1))
          .slice(0, limit);
        expect(keys.page(prefix, after, limit)).toEqual(expected);
      }
    }
  });

  test('lists a page of 50,000 keys without sorting them each time', async () => {
    const store = new MemoryObjectStore();
    const random = seededRandom(1);
    const body = new Uint8Array(1);
    for (let i = 0; i < 50_000; i++) {
      await store.put(`${drawInteger(random, 1e9)}`, body, { purpose: 'probe' });
    }
    const started = process.cpuUsage();
    for (let i = 0; i < 2000; i++) {
      await store.put(`${drawInteger(random, 1e9)}`, body, { purpose: 'probe' });
      if (i % 10 === 0) await store.list({ prefix: '5', limit: 10, purpose: 'probe' });
    }
    const { user, system } = process.cpuUsage(started);
    expect((user + system) / 1e6).toBeLessThan(3); // Sorting 200 times takes ten.
  });
});

describe('byte strings', () => {
  test('compare as the UTF-8 bytes of their keys, and give the keys back', () => {
    const keys = ['', 'a', '\u{7f}', '\u{80}', '\u{7ff}', '\u{800}', '\u{d7ff}', '\u{e000}', '\u{ffff}', '\u{10000}'];
    expect(keys.toReversed().map(toByteString).toSorted().map(fromByteString)).toEqual(keys);
    expect(fromByteString('\u{ff}')).toBeUndefined();
    expect(fromByteString('\u{e9}')).toBeUndefined();
  });
});
