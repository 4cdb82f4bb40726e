// The log suite on this package's own engine, in a simulated world and in real time, and on the smallest log there is.
// The seeds are fixed, so that a run can be repeated; another one is given by hand: `seed`, and `runs` for longer ones.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { FileObjectStore, MemoryObjectStore } from '../../src/index.ts';
import { checkLog, describeFailure, runLogScript } from '../../src/testkit/log-check.ts';
import { logSuite } from '../../src/testkit/log-suite.ts';
import { shorten } from '../../src/testkit/shorten.ts';
import { streamSetDriver } from '../../src/testkit/stream-set-driver.ts';
import type { LogDriver, LogWorld } from '../../src/testkit/log-driver.ts';
import { ArrayLog } from './array-log.ts';
import { FullArrayLog } from './full-array-log.ts';
import { plantedFaults } from './planted-faults.ts';

const latency = { fault: { kind: 'latency', minMs: 1, maxMs: 4 } } as const;

describe('a stream set over a bucket in memory, in simulated time', () => {
  logSuite({
    test,
    simulate: true,
    runs: 50,
    requestsPerOperationMax: 8,
    open: ({ runtime, seed }) => {
      const faults = seed % 3 === 0 ? [] : [latency]; // Without latency much happens in one moment.
      return streamSetDriver({ store: new MemoryObjectStore(), runtime, faults });
    },
  });
});

describe('a stream set over files, in real time', () => {
  const directories: string[] = [];
  afterAll(() => Promise.all(directories.map((directory) => rm(directory, { recursive: true, force: true }))));
  logSuite({
    test,
    runs: 4,
    commands: 25,
    open: async () => {
      const directory = await mkdtemp(join(tmpdir(), 'qanat-log-'));
      directories.push(directory);
      const disturbances = ['crash', 'slow', 'lost-answers'] as const;
      const store = new FileObjectStore(directory);
      const driver = await streamSetDriver({ store, disturbances, timeScale: 0.02 });
      return Object.assign(driver, { memory: undefined, takesSignals: false }); // In simulated time they cost less.
    },
  });
});

describe('a log of arrays', () => {
  logSuite({ test, simulate: true, runs: 100, open: async ({ runtime }) => new ArrayLog(runtime) });
});

describe('a log of arrays with everything that a log may have', () => {
  const open = async ({ runtime }: LogWorld): Promise<LogDriver> => new FullArrayLog(runtime);
  logSuite({ test, simulate: true, runs: 100, requestsPerOperationMax: 6, open });
});

describe('a failure', () => {
  const [{ open }] = plantedFaults as [(typeof plantedFaults)[number]];

  test('says what broke, is repeated by its seed and path, and by its script', async () => {
    const options = { open, simulate: true, seed: 2 };
    const { failure } = await checkLog(options);
    if (failure === undefined) throw new Error('the planted fault was not found');
    const { path, script, lines, violation } = failure;
    expect(violation.property).toBe('durable');
    expect(script.operations.length).toBeLessThanOrEqual(3);
    const again = await checkLog({ ...options, path });
    expect(again.failure).toEqual(failure);
    expect(again.runs).toBe(1);
    expect(await runLogScript(script, options)).toEqual({ lines, violation, leftOut: [] });
    const text = describeFailure(failure);
    for (const part of [violation.message, `seed: 2, path: '${path}'`, JSON.stringify(script)]) {
      expect(text).toContain(part);
    }
  });

  test('is shortened by leaving out what it does not need', async () => {
    const items = Array.from({ length: 40 }, (_, i) => i);
    const fails = async (some: readonly number[]): Promise<boolean> => some.includes(7) && some.includes(31);
    expect(await shorten(items, fails, 300)).toEqual([7, 31]);
  });
});
