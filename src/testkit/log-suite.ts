// What every log must do, as tests that run under any runner: short scripts, each about one promise, and then random
// ones over several streams, with crashes and faults where the driver has them. See log-driver.ts for what a log must
// be able to do, and log-violation.ts for the promises.
import assert from 'node:assert/strict';
import { checkLog, describeFailure, runLogScript, type LogCheckOptions } from './log-check.ts';
import { directedLogScripts } from './log-directed-scripts.ts';
import { describeOperation, type LogScript } from './log-script.ts';
import { LogViolation, logProperties } from './log-violation.ts';

/** What logSuite is given. */
export interface LogSuiteOptions extends LogCheckOptions {
  /** The runner's own `test`. */
  readonly test: (title: string, body: () => Promise<void>) => void;
}

/** Seeds whose scripts are run twice where time is simulated. */
const repeatedRuns = 1;

/** Declares the tests that hold a log to its promises. */
export function logSuite(options: LogSuiteOptions): void {
  const { test, runs = 100, seed = 1, simulate = false } = options;
  for (const { title, operations } of directedLogScripts) {
    test(title, () => runQuietly({ seed, operations }, options));
  }
  test(`keeps every promise in ${runs} random scripts of seed ${seed}`, async () => {
    const { failure } = await checkLog(options);
    if (failure === undefined) return;
    const { violation } = failure;
    throw Object.assign(new LogViolation(violation.property, '', violation), { message: describeFailure(failure) });
  });
  if (!simulate) return;
  test('gives the same history for the same seed', async () => {
    for (const { operations } of directedLogScripts) {
      for (let i = 0; i < repeatedRuns; i += 1) {
        const script = { seed: seed + i, operations };
        const first = await runLogScript(script, options);
        const second = await runLogScript(script, options);
        assert.deepEqual(second.lines, first.lines, logProperties.repeatable);
      }
    }
  });
}

async function runQuietly(script: LogScript, options: LogSuiteOptions): Promise<void> {
  const { violation, lines } = await runLogScript(script, options);
  if (violation === undefined) return;
  const steps = script.operations.map((operation) => describeOperation(operation));
  const message = [violation.message, 'The script:', ...steps, 'What happened:', ...lines].join('\n  ');
  throw Object.assign(new LogViolation(violation.property, '', violation), { message });
}
