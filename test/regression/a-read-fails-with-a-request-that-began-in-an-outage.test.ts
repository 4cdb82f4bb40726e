// A reader asks for a block while the store is away, and tries again until its deadline. The store comes back during the
// last of these tries. Whoever asked for the same block then joined that request, and was told that the store is away,
// though it was back when the call began. A read that joins what began before it has a try of its own.
import { expect, test } from 'vitest';
import { MemoryObjectStore, StreamSet } from '../../src/index.ts';
import { FaultyObjectStore } from '../../src/testkit/faulty-object-store.ts';
import { SeededRuntime } from '../../src/testkit/seeded-runtime.ts';

const outage = [
  { operation: 'get', fault: { kind: 'latency', minMs: 500, maxMs: 500 } },
  { operation: 'get', fault: { kind: 'unavailable' } },
] as const;

/** Reads `healMs` after another reader began to wait. What came of both. */
async function readWhenBack(healMs: number): Promise<{ first: unknown; second: unknown }> {
  const runtime = new SeededRuntime({ seed: 1 });
  return runtime.run(async () => {
    const bucket = new MemoryObjectStore();
    const writer = await StreamSet.open({ node: 'a', store: bucket, runtime });
    const stream = await writer.create({ name: 's' });
    await stream.append(new Uint8Array(100));
    await writer.close();

    const store = new FaultyObjectStore(bucket, { runtime, seed: 1 });
    const view = await StreamSet.openReadOnly({ store, runtime, settings: { storeDeadlineMs: 5_000 } });
    const reader = await view.reader('s');
    const read = (): Promise<unknown> =>
      reader.read(0).then(
        ({ batches }) => batches.length,
        (cause: unknown) => (cause as { readonly code: string }).code,
      );
    store.inject(outage);
    const first = read();
    await new Promise<void>((resolve) => void runtime.timers.after(healMs, resolve));
    store.inject([]);
    const second = await read();
    await view.close();
    return { first: await first, second };
  });
}

test('a read that begins when the store is back succeeds', async () => {
  const firsts = new Set<unknown>();
  for (let healMs = 50; healMs < 6_000; healMs += 100) {
    const { first, second } = await readWhenBack(healMs);
    firsts.add(first);
    expect(second, `back after ${healMs} ms`).toBe(1);
  }
  expect(firsts).toEqual(new Set([1, 'STORE_UNAVAILABLE']));
});
