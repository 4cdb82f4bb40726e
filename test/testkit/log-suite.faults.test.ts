// The log suite is itself under test: each planted fault must be found, as the promise that it breaks, by the suite's
// short scripts or by the random scripts of one seed. A fault that is not found is a hole in the suite.
import { afterAll, describe, expect, test } from 'vitest';
import { checkLog, runLogScript, type LogScriptOptions } from '../../src/testkit/log-check.ts';
import { optionalLogScripts } from '../../src/testkit/log-directed-options.ts';
import { directedLogScripts } from '../../src/testkit/log-directed-scripts.ts';
import type { LogDriver, LogRequests } from '../../src/testkit/log-driver.ts';
import { ArrayLog } from './array-log.ts';
import { plantedFaults, type OpenWrong } from './planted-faults.ts';
import { plantedOptionFaults } from './planted-option-faults.ts';

const runsMax = 60;
const table: string[] = [];

test.each(plantedFaults)(`$name is found within ${runsMax} scripts`, async ({ name, breaks, open }) => {
  const { runs, failure } = await checkLog({ open, runs: runsMax, seed: 1, simulate: true, shrinkRunsMax: 0 });
  table.push(`${name}: ${failure?.violation.property ?? 'not found'}, in script ${runs}`);
  expect(breaks).toContain(failure?.violation.property);
});

test.each(plantedOptionFaults)('$name is found by a short script', async ({ name, breaks, open }) => {
  const options: LogScriptOptions = { open, simulate: true, requestsPerOperationMax: 6 };
  for (const { operations, title } of [...optionalLogScripts, ...directedLogScripts]) {
    const { violation } = await runLogScript({ seed: 1, operations }, options);
    if (violation === undefined) continue;
    expect(breaks).toContain(violation.property);
    if (violation.property !== breaks[0]) continue;
    table.push(`${name}: ${violation.property}, where a log ${title}`);
    return;
  }
  expect.unreachable(`${name} was not found`);
});

afterAll(() => console.log(table.join('\n')));

describe('a call that is never answered', () => {
  const never = (): Promise<never> => new Promise(() => {});
  const lacking = (methods: Partial<LogDriver>): OpenWrong => {
    return async ({ runtime }): Promise<LogDriver> => Object.assign(new ArrayLog(runtime), methods);
  };
  const requests = (): LogRequests => ({ puts: 0, gets: 0, total: 0 });
  const throwing = (): never => {
    throw new RangeError('on purpose');
  };
  const operations = [{ do: 'append', stream: 'a', count: 1, sizeBytes: 40, wait: true }] as const;
  const script = { seed: 1, operations: [...operations, { do: 'wait' } as const] };

  const ways: readonly (readonly [string, OpenWrong, string])[] = [
    ['open of the log', never, 'open, which gives the log, has no answer'],
    ['close', lacking({ close: never }), 'close has no answer'],
    ['append', lacking({ append: never }), 'append a 1 record in 40 bytes (a1#1) has no answer'],
    ['create', lacking({ create: never }), 'create a has no answer'],
    ['range', lacking({ range: never }), 'range of a has no answer'],
    ['reopen', lacking({ reopen: never }), 'reopen has no answer'],
    ['audit', lacking({ audit: never }), 'audit has no answer'],
    ['settle', lacking({ settle: never }), 'settle has no answer'],
    ['open of the log that throws', throwing, 'open, which gives the log, threw'],
    ['close that throws', lacking({ close: throwing }), 'close threw'],
    ['append that throws', lacking({ append: throwing }), 'append a 1 record in 40 bytes (a1#1) threw'],
    ['isEnded that throws', lacking({ isEnded: throwing }), 'isEnded threw'],
    ['memory that throws', lacking({ memory: throwing }), 'memory threw'],
    ['stats that throws', lacking({ requests, stats: throwing }), 'stats threw'],
    ['requests that throws', lacking({ requests: throwing }), 'requests threw'],
  ];

  test.each(ways)('is told by its name: %s, in simulated time', async (_, open, told) => {
    const { violation } = await runLogScript(script, { open, simulate: true, callLimitMs: 1_000 });
    expect(violation?.message).toContain(told);
    expect(['answers', 'settles']).toContain(violation?.property);
  });

  test.each(ways)('is told by its name: %s, in real time', async (_, open, told) => {
    const began = performance.now();
    const { violation } = await runLogScript(script, { open, callLimitMs: 40 });
    expect(violation?.message).toContain(told);
    expect(performance.now() - began).toBeLessThan(2_000);
  });
});
