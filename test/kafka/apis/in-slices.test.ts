// Work on very many parts of a request lets others have their turn.
import { describe, expect, test } from 'vitest';
import { systemRuntime, type Runtime } from '../../../src/index.ts';
import { inSlices, ofPartitions } from '../../../src/kafka/apis/in-slices.ts';

/** A runtime that counts turns. */
function counting(): { readonly runtime: Runtime; turns: number } {
  const counted = {
    turns: 0,
    runtime: {
      ...systemRuntime,
      timers: {
        ...systemRuntime.timers,
        turn: () => {
          counted.turns++;
          return systemRuntime.timers.turn();
        },
      },
    },
  };
  return counted;
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

describe('work in slices', () => {
  test('gives what comes of every item, in order, whichever is ready first', async () => {
    const { runtime } = counting();
    const doubled = await inSlices(numbers(1_000), runtime, async (one) => {
      if (one % 7 === 0) await runtime.timers.turn();
      return 2 * one;
    });
    expect(doubled).toEqual(numbers(1_000).map((one) => 2 * one));
  });

  test('begins with few items at once, and does not wait between them', async () => {
    const counted = counting();
    let begun = 0;
    const done = inSlices(numbers(64), counted.runtime, () => begun++);
    expect(begun).toBe(64);
    await done;
    expect(counted.turns).toBe(0);
  });

  test('lets the event loop turn between slices of many items', async () => {
    const counted = counting();
    let most = 0;
    let underWay = 0;
    await inSlices(numbers(1_000), counted.runtime, async () => {
      most = Math.max(most, ++underWay);
      await Promise.resolve();
      underWay--;
    });
    expect(counted.turns).toBeGreaterThanOrEqual(10);
    expect(most).toBeLessThanOrEqual(100);
  });

  test('rejects with what an item rejects with', async () => {
    const { runtime } = counting();
    const failing = inSlices(numbers(500), runtime, (one) => {
      if (one === 400) throw new Error('no');
      return one;
    });
    await expect(failing).rejects.toThrow('no');
  });

  test('goes over the partitions of all topics, and keeps them apart', async () => {
    const counted = counting();
    const topics = [
      { name: 'a', partitions: numbers(300) },
      { name: 'b', partitions: [] },
      { name: 'c', partitions: numbers(2) },
    ];
    const named = await ofPartitions(topics, counted.runtime, ({ name }, partition) =>
      Promise.resolve(`${name}-${partition}`),
    );
    expect(named.map(({ length }) => length)).toEqual([300, 0, 2]);
    expect(named[0]?.[299]).toBe('a-299');
    expect(named[2]).toEqual(['c-0', 'c-1']);
    expect(counted.turns).toBeGreaterThan(1);
  });
});
