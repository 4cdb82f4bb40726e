// Worlds of faults from a seed: the same for the same seed, every kind of day among few seeds, nothing in them that
// breaks the contract of a store; and this package's own engine comes through each of them.
import { describe, expect, test } from 'vitest';
import { checkLog, describeFailure, runLogScript } from '../../src/testkit/log-check.ts';
import { logSuite } from '../../src/testkit/log-suite.ts';
import type { StoreFaultProfile } from '../../src/testkit/draw-store-faults.ts';
import { drawStoreFaults } from '../../src/testkit/draw-store-faults.ts';
import { FaultRules } from '../../src/testkit/fault-rules.ts';
import type { LogDriver, LogWorld } from '../../src/testkit/log-driver.ts';
import { seededRandom } from '../../src/testkit/seeded-random.ts';
import { SeededRuntime } from '../../src/testkit/seeded-runtime.ts';
import { streamSetDriver } from '../../src/testkit/stream-set-driver.ts';
import { MemoryObjectStore } from '../../src/store/memory-object-store.ts';

const everyProfile: readonly StoreFaultProfile[] = [
  'calm',
  'common',
  'slow',
  'lossy',
  'throttled',
  'overtaken',
  'silent',
  'mixed',
];

describe('drawStoreFaults', () => {
  test('draws the same from the same seed, every kind of day, and no two lossy days alike', () => {
    const drawn = Array.from({ length: 100 }, (_, seed) => drawStoreFaults(seed));
    expect(new Set(drawn.map(({ profile }) => profile))).toEqual(new Set(everyProfile));
    expect(Array.from({ length: 100 }, (_, seed) => drawStoreFaults(seed))).toEqual(drawn);
    const lossy = drawn.filter(({ profile }) => profile === 'lossy').map(({ faults }) => JSON.stringify(faults));
    expect(new Set(lossy).size).toBe(lossy.length);
  });

  test('draws rules that are valid and keep the contract of a store', () => {
    const seen = new Set<string>();
    for (let seed = -500; seed < 500; seed++) {
      const { faults } = drawStoreFaults(seed);
      expect(() => new FaultRules(faults)).not.toThrow();
      for (const { fault } of faults) {
        seen.add(fault.kind);
        expect('told' in fault).toBe(false);
      }
    }
    const breaking = ['missing-get', 'truncated-get', 'flipped-bit', 'crash'];
    expect(breaking.filter((kind) => seen.has(kind))).toEqual([]);
    expect(seen.size).toBe(14);
  });

  test.each(everyProfile)('this engine keeps every promise on a day of this kind: %s', async (profile) => {
    const days = Array.from({ length: 200 }, (_, seed) => drawStoreFaults(seed)).filter(
      (day) => day.profile === profile,
    );
    const open = async ({ runtime, seed }: LogWorld): Promise<LogDriver> => {
      const { faults } = days[Math.abs(seed) % days.length]!;
      const driver = await streamSetDriver({ store: new MemoryObjectStore(), runtime, faults });
      return Object.assign(driver, { idleAfterMs: 0 }); // On such days nobody knows when there is nothing left to do.
    };
    const { failure } = await checkLog({ open, simulate: true, runs: 5, seed: 20 });
    if (failure !== undefined) throw new Error(describeFailure(failure));
  });
});

describe('a seed that is no number', () => {
  test.each(['7', 1.5, Number.NaN, null, {}, 2 ** 60])('is refused wherever the kit takes one: %j', async (wrong) => {
    const seed = wrong as number;
    const open = (): Promise<LogDriver> => Promise.reject(new Error('is not asked'));
    const sentence = /^a seed is an integer, so that it can be written down and used again; got /;
    for (const make of [
      () => seededRandom(seed),
      () => new SeededRuntime({ seed }),
      () => drawStoreFaults(seed),
      () => logSuite({ test: () => {}, open, seed }),
    ]) {
      expect(make).toThrow(TypeError);
      expect(make).toThrow(sentence);
    }
    for (const run of [checkLog({ open, seed }), runLogScript({ seed, operations: [] }, { open })]) {
      await expect(run).rejects.toThrow(TypeError);
      await expect(run).rejects.toThrow(sentence);
    }
  });

  test('a misspelt field of a SeededRuntime is told with the one that comes nearest', () => {
    const make = (options: unknown) => (): unknown => new SeededRuntime(options as { seed: number });
    expect(make({ sed: 7 })).toThrow(/has no field sed; it has seed, .*; did you mean 'seed'\?$/);
    expect(make({ seed: 7, startMS: 0 })).toThrow(/did you mean 'startMs'\?$/);
    expect(make(7)).toThrow(/is an object; got 7$/);
    expect(make(undefined)).toThrow(TypeError);
    expect(make({ seed: 7, startMs: Number.NaN })).toThrow(/startMs is a time in milliseconds; got NaN/);
    expect(make({ seed: 7, runMaxMs: 0 })).toThrow(/runMaxMs is a number of milliseconds, more than 0; got 0/);
  });
});
