// The seeded runtime: the same seed gives the same world, time moves only when nothing else can, and a world that
// stands still says so.
import { describe, expect, test } from 'vitest';
import { SeededRuntime } from '../../src/testkit/seeded-runtime.ts';
import { TimerQueue } from '../../src/testkit/timer-queue.ts';
import { seededRandom } from '../../src/testkit/seeded-random.ts';
import { MemoryObjectStore } from '../../src/store/memory-object-store.ts';

/** A world of workers that sleep, turn and write for random times: the order in which they meet is its history. */
async function historyOf(seed: number): Promise<string[]> {
  const runtime = new SeededRuntime({ seed });
  const store = new MemoryObjectStore();
  const history: string[] = [];
  const sleep = (ms: number): Promise<void> => new Promise((resolve) => void runtime.timers.after(ms, resolve));
  const worker = async (name: string): Promise<void> => {
    for (let step = 0; step < 20; step++) {
      if (runtime.random.fraction() < 0.3) await runtime.timers.turn();
      else await sleep(Math.floor(runtime.random.fraction() * 100));
      const { outcome } = await store.put('key', runtime.random.bytes(4), { if: 'absent', purpose: 'probe' });
      if (runtime.random.fraction() < 0.5) await store.delete(['key'], { purpose: 'probe' });
      history.push(`${runtime.clock.monotonic().toFixed(3)} ${name} ${outcome}`);
    }
  };
  await runtime.run(async () => {
    await Promise.all(['a', 'b', 'c', 'd'].map(worker));
  });
  return history;
}

describe('SeededRuntime', () => {
  test('gives the same history for the same seed, and another one for another seed', async () => {
    const first = await historyOf(7);
    expect(first).toHaveLength(80);
    for (let i = 0; i < 3; i++) expect(await historyOf(7)).toEqual(first);
    expect(await historyOf(8)).not.toEqual(first);
  });

  test('passes hours in no time, and in the order of the timers', async () => {
    const runtime = new SeededRuntime({ seed: 1, startMs: 1000 });
    const fired: number[] = [];
    await runtime.run(
      () =>
        new Promise<void>((resolve) => {
          runtime.timers.after(3_600_000, () => (fired.push(runtime.clock.monotonic()), resolve()));
          runtime.timers.after(5, () => fired.push(runtime.clock.monotonic()));
          runtime.timers.after(5, () => fired.push(-runtime.clock.now()));
          runtime.timers.after(1, () => fired.push(runtime.clock.monotonic()));
        }),
    );
    expect(fired).toEqual([1, 5, -1005, 3_600_000]);
    expect(runtime.clock.monotonic()).toBe(3_600_000);
  });

  test('lets everything that is ready come to rest before a timer fires', async () => {
    const runtime = new SeededRuntime({ seed: 1 });
    const order: string[] = [];
    await runtime.run(async () => {
      const timer = new Promise<void>((resolve) =>
        runtime.timers.after(0, () => {
          order.push('timer');
          resolve();
        }),
      );
      for (let i = 0; i < 1000; i++) await Promise.resolve();
      order.push('microtasks');
      await timer;
    });
    expect(order).toEqual(['microtasks', 'timer']);
  });

  test('does not fire a cancelled timer, and counts those that wait', async () => {
    const runtime = new SeededRuntime({ seed: 1 });
    let fired = false;
    const timer = runtime.timers.after(10, () => (fired = true));
    runtime.timers.after(1000, () => {});
    expect(runtime.pendingTimers).toBe(2);
    timer.cancel();
    timer.cancel();
    expect(runtime.pendingTimers).toBe(1);
    await runtime.run(() => new Promise<void>((resolve) => void runtime.timers.after(20, resolve)));
    expect(fired).toBe(false);
    expect(runtime.pendingTimers).toBe(1);
  });

  test('ends a loop that turns until the clock has moved', async () => {
    const runtime = new SeededRuntime({ seed: 1 });
    await runtime.run(async () => {
      while (runtime.clock.monotonic() < 1) await runtime.timers.turn();
    });
    expect(runtime.clock.monotonic()).toBeCloseTo(1);
  });

  test('rejects when nothing is scheduled and the body still waits', async () => {
    const runtime = new SeededRuntime({ seed: 42 });
    await expect(runtime.run(() => new Promise(() => {}))).rejects.toThrow(/world of seed 42 stands still/);
    // It can be used again.
    expect(await runtime.run(async () => 'done')).toBe('done');
  });

  test('rejects when the world goes round in circles', async () => {
    const runtime = new SeededRuntime({ seed: 42, runMaxMs: 10_000 });
    const again = (): void => void runtime.timers.after(100, again, { background: true });
    again();
    await expect(runtime.run(() => new Promise(() => {}))).rejects.toThrow(/has run for 10000 ms/);
  });

  test('gives what the body gives, also its failure, and that of a timer', async () => {
    const runtime = new SeededRuntime({ seed: 1 });
    const failure = new Error('of the body');
    await expect(runtime.run(() => Promise.reject(failure))).rejects.toBe(failure);
    await expect(
      runtime.run(() => {
        throw failure;
      }),
    ).rejects.toBe(failure);
    runtime.timers.after(0, () => {
      throw new Error('of a timer');
    });
    await expect(runtime.run(() => new Promise(() => {}))).rejects.toThrow('of a timer');
  });

  test('runs one world at a time', async () => {
    const runtime = new SeededRuntime({ seed: 1 });
    await runtime.run(async () => {
      await expect(runtime.run(async () => {})).rejects.toThrow('runs a world already');
    });
  });

  test('lets the wall clock jump without touching what measures durations', () => {
    const runtime = new SeededRuntime({ seed: 1, startMs: 5000 });
    runtime.jumpClock(-3000);
    expect(runtime.clock.now()).toBe(2000);
    expect(runtime.clock.monotonic()).toBe(0);
  });

  test('refuses a seed that is no integer, and a delay that no timer can wait', () => {
    for (const seed of ['7', undefined, null, 1.5, NaN, Infinity, {}]) {
      const make = (): unknown => new SeededRuntime({ seed: seed as number });
      expect(make).toThrow(TypeError);
      expect(make).toThrow(/a seed is an integer/);
    }
    const runtime = new SeededRuntime({ seed: -3 });
    for (const delay of [NaN, Infinity, 2 ** 31])
      expect(() => runtime.timers.after(delay, () => {})).toThrow(TypeError);
  });
});

describe('seededRandom', () => {
  test('spreads fractions evenly, and fills bytes of any length', () => {
    const random = seededRandom(123);
    const buckets = Array.from({ length: 16 }, () => 0);
    for (let i = 0; i < 16_000; i++) {
      const fraction = random.fraction();
      expect(fraction >= 0 && fraction < 1).toBe(true);
      buckets[Math.floor(fraction * 16)]! += 1;
    }
    for (const count of buckets) expect(Math.abs(count - 1000)).toBeLessThan(150);
    for (const length of [0, 1, 3, 4, 5, 16, 33]) expect(random.bytes(length)).toHaveLength(length);
    expect(new Set(random.bytes(10_000)).size).toBe(256);
  });

  test('tells neighbouring and far seeds apart', () => {
    const first = new Set([0, 1, 2, -1, 2 ** 32, 2 ** 33, 2 ** 40].map((seed) => seededRandom(seed).fraction()));
    expect(first.size).toBe(7);
  });
});

describe('TimerQueue', () => {
  test('gives the calls in the order of their time, and of their coming', () => {
    const random = seededRandom(5);
    const queue = new TimerQueue();
    const expected: [number, number][] = [];
    for (let i = 0; i < 2000; i++) {
      const due = Math.floor(random.fraction() * 100);
      const cancel = queue.add(due, () => {});
      if (random.fraction() < 0.3) cancel();
      else expected.push([due, i]);
    }
    expected.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    expect(queue.size).toBe(expected.length);
    const taken: number[] = [];
    for (let next = queue.take(); next !== undefined; next = queue.take()) taken.push(next.dueMs);
    expect(taken).toEqual(expected.map(([due]) => due));
    expect(queue.size).toBe(0);
  });
});
