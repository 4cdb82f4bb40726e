// A create or an open ends with an unknown outcome, because the store gives no answer within the deadline, and has gone
// through all the same. The stream is open under the epoch of this set, though no handle was ever given out: an open
// gives one, instead of refusing because this very set has the stream open.
import { expect, test } from 'vitest';
import { MemoryObjectStore, StreamSet, type Stream } from '../../src/index.ts';
import { FaultyObjectStore } from '../../src/testkit/faulty-object-store.ts';
import { SeededRuntime } from '../../src/testkit/seeded-runtime.ts';

const bytes = new TextEncoder().encode('tea');

async function inWorld(body: (set: StreamSet, silence: () => void, sound: () => void) => Promise<void>): Promise<void> {
  const runtime = new SeededRuntime({ seed: 1 });
  const store = new FaultyObjectStore(new MemoryObjectStore(), { runtime, seed: 1, faults: [] });
  await runtime.run(async () => {
    const set = await StreamSet.open({ node: 'a', store, runtime, settings: { storeDeadlineMs: 1_000 } });
    const silence = (): void =>
      store.inject([
        { operation: 'put', fault: { kind: 'unknown-after' } },
        { operation: 'get', fault: { kind: 'unavailable' } },
      ]);
    await body(set, silence, () => store.heal());
    await set.close();
  });
}

test('a stream whose creation was not answered can be opened by its creator', () =>
  inWorld(async (set, silence, sound) => {
    silence();
    await expect(set.create({ name: 'orders' })).rejects.toMatchObject({ outcome: 'unknown' });
    sound();
    const [one, other] = await Promise.all([set.open('orders'), set.open('orders')]);
    expect(other).toBe(one);
    expect(await one.append(bytes)).toEqual({ startOffset: 0, endOffset: 1 });
  }));

test('a stream whose opening was not answered can be opened again, and goes on at its end', () =>
  inWorld(async (set, silence, sound) => {
    const stream = await set.create({ name: 'orders' });
    await stream.append(bytes);
    await stream.close();
    silence();
    await expect(set.open('orders')).rejects.toMatchObject({ outcome: 'unknown' });
    sound();
    await expect(set.open('orders', { expectedEpoch: 1 })).rejects.toMatchObject({ code: 'CONFLICT', currentEpoch: 2 });
    const again: Stream = await set.open('orders');
    expect(again.streamEpoch).toBe(2);
    expect(await again.append(bytes)).toEqual({ startOffset: 1, endOffset: 2 });
  }));

test('a stream whose creation was not answered can be deleted by its creator', () =>
  inWorld(async (set, silence, sound) => {
    silence();
    await expect(set.create({ name: 'orders' })).rejects.toMatchObject({ outcome: 'unknown' });
    sound();
    await set.sync();
    await set.delete('orders');
    await expect(set.describe('orders')).rejects.toMatchObject({ code: 'STREAM_NOT_FOUND' });
  }));
