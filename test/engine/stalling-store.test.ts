// A whole set on a store that leaves requests without an answer: every one of them is given up in time, nothing that
// was acknowledged is lost, and everything goes on by itself.
import { describe, expect, test } from 'vitest';
import { isQanatError, StreamSet } from '../../src/index.ts';
import type { OpenOptions, Stream } from '../../src/index.ts';
import { objectWal } from '../../src/wal/object-wal.ts';
import { memoryWal } from '../../src/wal/memory-wal.ts';
import { SeededRuntime } from '../../src/testkit/seeded-runtime.ts';
import { SimStallingStore } from './sim-stalling-store.ts';
import { bytesOf, readAll } from './world.ts';

const settings = { segmentSizeMinBytes: 1, uploadAgeMaxMs: 5_000, catalogRefreshMs: 1_000 };
const names = ['tea', 'ink', 'salt'];

function pause(runtime: SeededRuntime, maxMs: number): Promise<void> {
  return new Promise((resolve) => void runtime.timers.after(runtime.random.fraction() * maxMs, resolve));
}

/** Opens a set as a host does: first contact is given up soon, and tried again. */
async function openAgain(options: OpenOptions): Promise<StreamSet> {
  for (;;) {
    try {
      return await StreamSet.open(options);
    } catch (cause) {
      if (!isQanatError(cause, 'STORE_UNAVAILABLE')) throw cause;
    }
  }
}

describe('on a store of which one request in ten stalls for ever', () => {
  for (const [kind, wal] of Object.entries({ object: objectWal(), memory: memoryWal() })) {
    test(`a set with the ${kind} WAL opens, appends, uploads, reads and closes`, { timeout: 60_000 }, async () => {
      const stalls = { put: 0, get: 0, list: 0, delete: 0 };
      for (let seed = 1; seed <= 25; seed++) {
        const runtime = new SeededRuntime({ seed });
        const store = new SimStallingStore(runtime);
        const acknowledged = new Map(names.map((name) => [name, [] as string[]]));
        const append = async (stream: Stream, name: string, count: number): Promise<void> => {
          for (let i = 0; i < count; i++) {
            await pause(runtime, 4_000);
            const text = `${name} ${acknowledged.get(name)!.length}`;
            await stream.append(bytesOf(text));
            acknowledged.get(name)!.push(text);
          }
        };
        await runtime.run(async () => {
          for (let incarnation = 0; incarnation < 2; incarnation++) {
            const set = await openAgain({ node: 'a', store, wal, runtime, settings });
            const streams = await Promise.all(names.map((name) => set.openOrCreate(name)));
            await Promise.all(streams.map((stream, i) => append(stream, names[i]!, 15)));
            await set.upload();
            expect(set.status).toBe('open');
            for (const [i, stream] of streams.entries())
              expect(await readAll(stream), `seed ${seed}`).toEqual(acknowledged.get(names[i]!));
            await set.close();
          }
          store.stallShare = 0;
          const view = await StreamSet.openReadOnly({ store, runtime, settings });
          for (const name of names)
            expect(await readAll(await view.reader(name)), `seed ${seed}`).toEqual(acknowledged.get(name));
          await view.close();
        });
        // Whoever is still reading a body reads what was put.
        expect(store.changedBodies(), `seed ${seed}`).toEqual([]);
        for (const operation of ['put', 'get', 'list', 'delete'] as const) stalls[operation] += store.stalls[operation];
      }
      const used = kind === 'object' ? (['put', 'get', 'list', 'delete'] as const) : (['put', 'get'] as const);
      for (const operation of used) expect(stalls[operation], operation).toBeGreaterThan(5);
    });
  }
});

test('a store that stalls altogether for a minute delays appends, and loses nothing', { timeout: 60_000 }, async () => {
  for (let seed = 1; seed <= 10; seed++) {
    const runtime = new SeededRuntime({ seed });
    const store = new SimStallingStore(runtime);
    store.stallShare = 0;
    await runtime.run(async () => {
      const set = await StreamSet.open({ node: 'a', store, wal: objectWal(), runtime, settings });
      const stream = await set.create({ name: 'tea' });
      await stream.append(bytesOf('0'));
      store.stallShare = 1;
      const goneAt = runtime.clock.monotonic();
      runtime.timers.after(60_000, () => (store.stallShare = 0));
      await Promise.all(Array.from({ length: 20 }, (_, i) => stream.append(bytesOf(String(i + 1)))));
      const delayMs = runtime.clock.monotonic() - goneAt;
      // The tries that had begun before the store was back have to be given up first.
      expect(delayMs, `seed ${seed}`).toBeGreaterThan(60_000);
      expect(delayMs, `seed ${seed}`).toBeLessThan(60_000 + 20_000);
      expect(await readAll(stream)).toEqual(Array.from({ length: 21 }, (_, i) => String(i)));
      await set.close();
    });
    expect(store.changedBodies()).toEqual([]);
  }
});
