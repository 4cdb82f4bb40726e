// A store that refuses one write of the cluster file, or answers nothing useful to it, is there a moment later. The first
// open of a cluster goes on trying, as every later one does.
import { expect, test } from 'vitest';
import { MemoryObjectStore, StreamSet } from '../../src/index.ts';
import { FaultyObjectStore } from '../../src/testkit/faulty-object-store.ts';
import { SeededRuntime } from '../../src/testkit/seeded-runtime.ts';

test.each(['unavailable', 'unknown-before', 'unknown-after'] as const)(
  'a first open gets over a put of the cluster file that ends %s',
  async (kind) => {
    const runtime = new SeededRuntime({ seed: 1 });
    const faults = [1, 2, 3].map((nth) => ({ operation: 'put', purpose: 'cluster', nth, fault: { kind } }) as const);
    const store = new FaultyObjectStore(new MemoryObjectStore(), { runtime, seed: 1, faults });
    await runtime.run(async () => {
      const set = await StreamSet.open({ node: 'a', store, runtime });
      expect(set.status).toBe('open');
      await set.close();
    });
  },
);
