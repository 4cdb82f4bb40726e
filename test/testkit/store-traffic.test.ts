// What connections to one store know of each other: who waits is told once, and nothing is kept for those who gave up.
import { describe, expect, test } from 'vitest';
import { MemoryObjectStore } from '../../src/store/memory-object-store.ts';
import { perKeyMaxMs } from '../../src/testkit/check-fault-rules.ts';
import { StoreTraffic } from '../../src/testkit/store-traffic.ts';

describe('StoreTraffic', () => {
  test('is one for a store, and another for another', () => {
    const store = new MemoryObjectStore();
    expect(StoreTraffic.of(store)).toBe(StoreTraffic.of(store));
    expect(StoreTraffic.of(store)).not.toBe(StoreTraffic.of(new MemoryObjectStore()));
  });

  test('tells all who wait for it, once, and nobody who has given up', () => {
    const traffic = new StoreTraffic();
    const told: string[] = [];
    traffic.next('stored', 'a', () => told.push('first'));
    const forget = traffic.next('stored', 'a', () => told.push('given up'));
    traffic.next('stored', 'a', () => told.push('second'));
    traffic.next('deleted', 'a', () => told.push('deleted'));
    traffic.next('stored', 'b', () => told.push('b'));
    forget();
    traffic.landed('stored', 'a');
    traffic.landed('stored', 'a');
    expect(told).toEqual(['first', 'second']);
    traffic.landed('deleted', 'a');
    expect(told).toEqual(['first', 'second', 'deleted']);
  });

  test('remembers when a key was put last, as long as any rule can ask for it', () => {
    const traffic = new StoreTraffic();
    traffic.putArrives('a', 0);
    traffic.putArrives('b', 10);
    traffic.putArrives('a', 20);
    expect([traffic.lastPutAtMs('a'), traffic.lastPutAtMs('c')]).toEqual([20, -Infinity]);
    traffic.putArrives('c', perKeyMaxMs + 10);
    expect([traffic.lastPutAtMs('a'), traffic.lastPutAtMs('b')]).toEqual([20, -Infinity]);
  });
});
