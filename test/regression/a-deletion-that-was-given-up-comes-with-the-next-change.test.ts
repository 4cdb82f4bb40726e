// A deletion was not answered in time and given up with outcome unknown; its request had not even left, so nothing
// brought it to the journal until the node made its next change. A judge of worlds that had listed the stream before
// took it for lost.
import { expect, test } from 'vitest';
import { isQanatError, StreamSet } from '../../src/index.ts';
import { FaultyObjectStore } from '../../src/testkit/faulty-object-store.ts';
import { SeededRuntime } from '../../src/testkit/seeded-runtime.ts';
import { runWorld } from '../../src/testkit/world-run.ts';
import { MemoryObjectStore } from '../../src/store/memory-object-store.ts';

test('a deletion that was given up takes effect with the next change of its node', async () => {
  const runtime = new SeededRuntime({ seed: 1 });
  const store = new FaultyObjectStore(new MemoryObjectStore(), { runtime, faults: [] });
  await runtime.run(async () => {
    const set = await StreamSet.open({ node: 'a', store, runtime, settings: { storeDeadlineMs: 20_000 } });
    await (await set.create({ name: 'tea' })).close();
    store.cutOff({ how: 'hangs' });
    const failure = await set.delete('tea').then(
      () => undefined,
      (cause: unknown) => cause,
    );
    expect(isQanatError(failure, 'STORE_UNAVAILABLE') && failure.outcome).toBe('unknown');
    store.reconnect();
    await set.create({ name: 'ink' });
    await expect(set.open('tea')).rejects.toMatchObject({ code: 'STREAM_NOT_FOUND' });
    await set.close();
  });
});

test('a world in which that happens breaks no promise', async () => {
  const { findings } = await runWorld({
    seed: 710_692,
    members: [{ node: 'a', wal: 'object' }],
    settings: {
      uploadSizeBytes: 300,
      uploadAgeMaxMs: 60_000,
      segmentSizeMinBytes: 5_000,
      storeDeadlineMs: 20_000,
      catalogRefreshMs: 5_000,
    },
    faults: [],
    steps: [
      { do: 'append', node: 'a', stream: 's2', counts: [1, 2, 4], sizeBytes: 3, wait: true },
      { do: 'kill', node: 'a', underWay: 'either' },
      { do: 'open', node: 'a', stream: 's1', wait: true },
      { do: 'cut-off', node: 'a', how: 'hangs' },
      { do: 'delete', node: 'a', stream: 's2', wait: true },
    ],
  });
  expect(findings).toEqual([]);
});
