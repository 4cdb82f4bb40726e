// Processes of a simulated world: what stops, stops; what dies, is dead; what was on its way arrives or does not, as said.
import { describe, expect, test } from 'vitest';
import { MemoryObjectStore, type StreamSet } from '../../src/index.ts';
import type { SimNode } from '../../src/testkit/sim-machine.ts';
import type { SimProcess } from '../../src/testkit/sim-process.ts';
import { SimWorld } from '../../src/testkit/sim-world.ts';

const bytes = new TextEncoder().encode('tea');
const latency = [{ fault: { kind: 'latency', minMs: 10, maxMs: 10 } }] as const;

/** A process in a world where each request takes 10 ms. */
async function withProcess(body: (process: SimProcess, world: SimWorld) => Promise<void>): Promise<void> {
  const world = new SimWorld({ seed: 1, faults: latency });
  await world.run(() => body(world.machine('a').spawn(), world));
}

async function keysOf(world: SimWorld): Promise<string[]> {
  return (await world.bucket.list({ prefix: '', purpose: 'probe' })).keys.map(({ key }) => key);
}

describe('a process', () => {
  test('that is stopped does not learn what has happened, and learns it when it wakes', () =>
    withProcess(async (process, world) => {
      const learnt: string[] = [];
      const tell = (what: string) => () => void learnt.push(what);
      void process.store.put('k', bytes, { purpose: 'probe' }).then(tell('put'));
      process.runtime.timers.after(5, tell('timer'));
      void process.runtime.timers.turn().then(tell('turn'));
      process.stop();
      await world.sleep(60_000);
      expect(process.state).toBe('stopped');
      expect(learnt).toEqual([]);
      expect(await keysOf(world)).toEqual(['k']);
      process.wake();
      await world.sleep(1);
      expect(learnt).toEqual(['timer', 'turn', 'put']);
    }));

  test('that is stopped begins a call when it wakes', () =>
    withProcess(async (process, world) => {
      process.stop();
      let began = false;
      const call = process.call(async () => {
        began = true;
        return 7;
      });
      await world.sleep(1_000);
      expect(began).toBe(false);
      process.wake();
      expect(await call).toBe(7);
    }));

  test('that takes a timer back while it is stopped never sees it', () =>
    withProcess(async (process, world) => {
      let fired = false;
      const timer = process.runtime.timers.after(5, () => (fired = true));
      process.stop();
      await world.sleep(10);
      timer.cancel();
      process.wake();
      await world.sleep(10);
      expect(fired).toBe(false);
    }));

  test.each(['lands', 'vanishes'] as const)('that dies is never told, and what was under way %s', (underWay) =>
    withProcess(async (process, world) => {
      let told = false;
      const put = process.store.put('k', bytes, { purpose: 'probe' });
      put.then(
        () => (told = true),
        () => (told = true),
      );
      const call = process.call(() => put);
      await world.sleep(1); // It is on its way.
      process.kill(underWay);
      await expect(call).rejects.toMatchObject({ code: 'CRASHED', outcome: 'unknown' });
      await world.sleep(1_000);
      expect(told).toBe(false);
      expect(await keysOf(world)).toEqual(underWay === 'lands' ? ['k'] : []);
      process.wake();
      expect(process.state).toBe('dead');
      await expect(process.call(async () => 1)).rejects.toMatchObject({ code: 'CRASHED' });
    }),
  );

  test('whose requests hang is answered when it is connected again, or gives up at once', () =>
    withProcess(async (process, world) => {
      process.cutOff('hangs');
      const put = process.store.put('k', bytes, { purpose: 'probe' });
      const patience = new AbortController();
      const impatient = process.store.get('k', { purpose: 'probe', signal: patience.signal });
      await world.sleep(60_000);
      expect(await keysOf(world)).toEqual([]);
      patience.abort(new Error('enough'));
      await expect(impatient).rejects.toThrow('enough');
      process.reconnect();
      expect(await put).toMatchObject({ outcome: 'stored' });
    }));

  test('whose requests are refused never knows what became of its puts', () =>
    withProcess(async (process) => {
      process.cutOff('refuses');
      const request = { purpose: 'probe' } as const;
      expect(await process.store.put('k', bytes, request)).toEqual({ outcome: 'unknown' });
      await expect(process.store.get('k', request)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
      process.reconnect();
      expect(await process.store.put('k', bytes, request)).toMatchObject({ outcome: 'stored' });
    }));

  test('has a clock of its own that can jump, and durations that do not', () =>
    withProcess(async (process, world) => {
      const [now, monotonic] = [process.runtime.clock.now(), process.runtime.clock.monotonic()];
      process.jumpClock(-3_600_000);
      expect(process.runtime.clock.now()).toBe(now - 3_600_000);
      expect(process.runtime.clock.monotonic()).toBe(monotonic);
      expect(world.runtime.clock.now()).toBe(now);
    }));
});

describe('a machine', () => {
  const start = (world: SimWorld): Promise<SimNode> => world.machine('a').start({ wal: 'file' });
  const readAll = async (set: StreamSet): Promise<number> => (await set.open('s')).endOffset;

  test('keeps what was acknowledged through a power cut, and what its process held is free', async () => {
    const world = new SimWorld({ seed: 2 });
    await world.run(async () => {
      const first = await start(world);
      const stream = await first.call((set) => set.create({ name: 's' }));
      for (let i = 0; i < 20; i += 1) await first.call(() => stream.append(bytes));
      world.machine('a').cutPower();
      expect(first.process.state).toBe('dead');
      const second = await start(world);
      expect(await second.call(readAll)).toBe(20);
      await second.call((set) => set.close());
    });
  });

  test('refuses a second owner of its file WAL, unless the lock is broken', async () => {
    const world = new SimWorld({ seed: 3 });
    await world.run(async () => {
      const first = await start(world);
      await expect(start(world)).rejects.toMatchObject({ code: 'WAL_LOCKED' });
      const second = await world.machine('a').start({ wal: 'file', breaksLock: true });
      expect(second.set.status).toBe('open');
      await expect(first.call((set) => set.create({ name: 's' }))).rejects.toMatchObject({ code: 'NODE_FENCED' });
      await second.call((set) => set.close());
    });
  });

  test('shares its bucket with all others, and with whoever made it', async () => {
    const bucket = new MemoryObjectStore();
    const world = new SimWorld({ seed: 4, bucket });
    await world.run(async () => {
      const { call } = await world.machine('a').start();
      await call((set) => set.kv.put('k', bytes));
      const other = await world.machine('b').start();
      expect(await other.call((set) => set.kv.get('k'))).toMatchObject({ value: bytes });
      await Promise.all([call((set) => set.close()), other.call((set) => set.close())]);
    });
    expect(bucket).toBe(world.bucket);
    expect(world.machines.map(({ node }) => node)).toEqual(['a', 'b']);
  });
});
