// What every log must do, as tests that run under any runner: short scripts, each about one promise, and then random
// ones over several streams, with crashes and faults where the driver has them. See log-driver.ts for what a log must
// be able to do, and log-violation.ts for the promises.
import assert from 'node:assert/strict';
import { checkLog, describeFailure, runLogScript, type LogCheckOptions } from './log-check.ts';
import { directedLogScripts, dyingLogOperations } from './log-directed-scripts.ts';
import { describeOperation, type LogScript } from './log-script.ts';
import { LogViolation, logProperties } from './log-violation.ts';
import { checkSeed } from './seeded-random.ts';

/** What logSuite is given. */
export interface LogSuiteOptions extends LogCheckOptions {
  /** The runner's own `test`. */
  readonly test: (title: string, body: () => Promise<void>) => void;
}

/** A script with more requests than this would take for ever. */
const requestsMax = 500;

/** Declares the tests that hold a log to its promises. */
export function logSuite(options: LogSuiteOptions): void {
  const { test, runs = 100, seed = 1, simulate = false } = options;
  checkSeed(seed);
  for (const { title, operations } of directedLogScripts) {
    test(title, async () => {
      await runQuietly({ seed, operations }, options);
    });
  }
  test(`keeps every promise in ${runs} random scripts of seed ${seed}`, async () => {
    const { failure } = await checkLog(options);
    if (failure === undefined) return;
    const { violation } = failure;
    throw Object.assign(new LogViolation(violation.property, '', violation), { message: describeFailure(failure) });
  });
  if (!simulate) return;
  test('keeps every promise when it dies in any one request of a script', () => dieEverywhere(options));
  test('gives the same history for the same seed', async () => {
    for (const { operations } of directedLogScripts) {
      const first = await runLogScript({ seed, operations }, options);
      const second = await runLogScript({ seed, operations }, options);
      assert.deepEqual(second.lines, first.lines, logProperties.repeatable);
    }
  });
}

/** Dies in the first request, in the second, … until the script has no more; what is under way lands, or does not. */
async function dieEverywhere(options: LogSuiteOptions): Promise<void> {
  for (const underWay of ['lands', 'vanishes'] as const) {
    let hasDied = true;
    for (let request = 1; hasDied && request < requestsMax; request += 1) {
      const operations = [{ do: 'disturb', by: { kind: 'crash', request, underWay } } as const, ...dyingLogOperations];
      const lines = await runQuietly({ seed: options.seed ?? 1, operations }, options);
      hasDied = lines.filter((line) => line.endsWith('  crash → done')).length > 1; // Every run ends with one.
    }
  }
}

async function runQuietly(script: LogScript, options: LogSuiteOptions): Promise<readonly string[]> {
  const { violation, lines } = await runLogScript(script, options);
  if (violation === undefined) return lines;
  const steps = script.operations.map((operation) => describeOperation(operation));
  const message = [violation.message, 'The script:', ...steps, 'What happened:', ...lines].join('\n  ');
  throw Object.assign(new LogViolation(violation.property, '', violation), { message });
}
