import { expect, test } from 'vitest';
import { Refusals } from '../../src/stream/refusals.ts';
import { SeededRuntime } from '../../src/testkit.ts';

/** Refuses appends of these sizes, and tells which of them have been told so. */
function refused(runtime: SeededRuntime, sizes: readonly number[]): { refusals: Refusals; told: string[] } {
  const refusals = new Refusals(runtime.clock, runtime.timers);
  const told: string[] = [];
  for (const [i, sizeBytes] of sizes.entries())
    refusals.refuse(sizeBytes, new Error(`${i}`)).catch((error: Error) => told.push(error.message));
  return { refusals, told };
}

test('as many are told as there is room for, in the order of their calls', async () => {
  const runtime = new SeededRuntime({ seed: 1 });
  await runtime.run(async () => {
    const { refusals, told } = refused(runtime, [10, 20, 30, 1]);
    refusals.tellFor(9);
    await runtime.timers.turn();
    expect(told).toEqual([]);
    refusals.tellFor(59); // The third does not fit beside the first two, and the fourth does not overtake it.
    await runtime.timers.turn();
    expect(told).toEqual(['0', '1']);
    refusals.tellAll();
    await runtime.timers.turn();
    expect(told).toEqual(['0', '1', '2', '3']);
  });
  expect(runtime.pendingTimers).toBe(0);
});

test('nobody waits for longer than a second', async () => {
  const runtime = new SeededRuntime({ seed: 2 });
  await runtime.run(async () => {
    const { refusals, told } = refused(runtime, [10]);
    const wait = (delayMs: number): Promise<void> =>
      new Promise((resolve) => void runtime.timers.after(delayMs, resolve));
    await wait(600);
    refusals.refuse(10, new Error('later')).catch((error: Error) => told.push(error.message));
    await wait(399);
    expect(told).toEqual([]);
    await wait(2);
    expect(told).toEqual(['0']);
    await wait(600);
    expect(told).toEqual(['0', 'later']);
  });
  expect(runtime.pendingTimers).toBe(0);
});
