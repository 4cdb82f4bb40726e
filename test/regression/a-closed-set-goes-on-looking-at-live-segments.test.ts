// A set that reads what another node writes is closed in the moment of a look at that node's live segments. The look
// ends there: nothing is asked of the store after the close, and who was reading is told.
import { expect, test } from 'vitest';
import { MemoryObjectStore, StreamSet } from '../../src/index.ts';
import { FaultyObjectStore } from '../../src/testkit/faulty-object-store.ts';
import { SeededRuntime } from '../../src/testkit/seeded-runtime.ts';

const bytes = new TextEncoder().encode('tea');
const latency = [{ fault: { kind: 'latency', minMs: 5, maxMs: 5 } }] as const;

test('nothing is asked after a close, whenever it comes', async () => {
  const afterwards: number[] = [];
  for (let closeMs = 0; closeMs < 60; closeMs += 1) {
    const runtime = new SeededRuntime({ seed: 1 });
    const bucket = new MemoryObjectStore();
    await runtime.run(async () => {
      const writer = await StreamSet.open({ node: 'a', store: bucket, runtime });
      const stream = await writer.create({ name: 's' });
      await stream.append(bytes);
      const store = new FaultyObjectStore(bucket, { runtime, seed: 1, faults: latency });
      const view = await StreamSet.openReadOnly({ store, runtime });
      const reader = await view.reader('s');
      await stream.append(bytes);
      const look = view.sync();
      const reading = reader.read(0);
      const settled = Promise.allSettled([look, reading]);
      await new Promise<void>((resolve) => void runtime.timers.after(closeMs, resolve));
      await view.close();
      const { calls } = store;
      for (const outcome of await settled)
        if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'CLOSED' });
      await new Promise<void>((resolve) => void runtime.timers.after(60_000, resolve));
      afterwards.push(store.calls - calls);
      await writer.close();
    });
  }
  expect(afterwards).toEqual(afterwards.map(() => 0));
});
