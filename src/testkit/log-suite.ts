// What every log must do, as tests that run under any runner: short scripts, each about one promise, and then random
// ones over several streams, with crashes and faults where the driver has them. See log-driver.ts for what a log must
// be able to do, and log-violation.ts for the promises.
import assert from 'node:assert/strict';
import {
  checkLog,
  checkLogOptions,
  describeFailure,
  logCheckOptionNames,
  runLogScript,
  type LogCheckOptions,
  type LogTrace,
} from './log-check.ts';
import { optionalLogScripts } from './log-directed-options.ts';
import { directedLogScripts, dyingLogOperations } from './log-directed-scripts.ts';
import { describeOperation, type LogScript } from './log-script.ts';
import { LogViolation, logProperties } from './log-violation.ts';
import { checkSuiteOptions } from './suite-options.ts';

/** What logSuite is given. */
export interface LogSuiteOptions extends LogCheckOptions {
  /** The runner's own `test`. */
  readonly test: (title: string, body: () => Promise<void>) => void;
}

const allLogScripts = [...directedLogScripts, ...optionalLogScripts];

/** A script with more requests than this would take for ever. */
const requestsMax = 500;

/** Declares the tests that hold a log to its promises. */
export function logSuite(options: LogSuiteOptions): void {
  checkSuiteOptions('logSuite', options, logCheckOptionNames);
  checkLogOptions('logSuite', options);
  const { test: declare, runs = 100, seed = 1, simulate = false } = options;
  // What a runner gives a body is not asked for by a parameter: to some runners that means that it ends by a call.
  const test = (title: string, body: (context: unknown) => Promise<void>): void =>
    declare(title, (...given: readonly unknown[]) => body(given[0]));
  const traces = new Map<string, LogTrace>();
  for (const { title, operations, needs = [] } of allLogScripts) {
    test(title, async (context) => {
      const trace = await runQuietly({ seed, operations }, options);
      traces.set(title, trace);
      const missing = needs.filter((name) => trace.leftOut.includes(name));
      if (missing.length > 0) skip(context, `the driver has no ${missing.join(', no ')}`);
    });
  }
  test(`keeps every promise in ${runs} random scripts of seed ${seed}`, async (context) => {
    const { failure, leftOut } = await checkLog(options);
    if (leftOut.length > 0) say(context, `left out, for the driver has no ${leftOut.toSorted().join(', no ')}`);
    if (failure === undefined) return;
    const { violation } = failure;
    throw Object.assign(new LogViolation(violation.property, '', violation), { message: describeFailure(failure) });
  });
  if (!simulate) return;
  test('keeps every promise when it dies in any one request of a script', async (context) => {
    if (!(await dieEverywhere(options))) skip(context, 'the driver has no crash, or no disturb');
  });
  test('gives the same history for the same seed', async () => {
    for (const { title, operations } of allLogScripts) {
      const script = { seed, operations };
      const first = traces.get(title) ?? (await runLogScript(script, options));
      const second = await runLogScript(script, options);
      assert.deepEqual(second.lines, first.lines, logProperties.repeatable);
    }
  });
}

/** Dies in the first request, in the second, … until the script has no more; what is under way lands, or does not. */
async function dieEverywhere(options: LogSuiteOptions): Promise<boolean> {
  for (const underWay of ['lands', 'vanishes'] as const) {
    let hasDied = true;
    for (let request = 1; hasDied && request < requestsMax; request += 1) {
      const operations = [{ do: 'disturb', by: { kind: 'crash', request, underWay } } as const, ...dyingLogOperations];
      const { lines, leftOut } = await runQuietly({ seed: options.seed ?? 1, operations }, options);
      if (leftOut.includes('disturb')) return false;
      hasDied = lines.filter((line) => line.endsWith('  crash → done')).length > 1; // Every run ends with one.
    }
  }
  return true;
}

async function runQuietly(script: LogScript, options: LogSuiteOptions): Promise<LogTrace> {
  const trace = await runLogScript(script, options);
  const { violation, lines } = trace;
  if (violation === undefined) return trace;
  const steps = script.operations.map((operation) => describeOperation(operation));
  const message = [violation.message, 'The script:', ...steps, 'What happened:', ...lines].join('\n  ');
  throw Object.assign(new LogViolation(violation.property, '', violation), { message });
}

/** What runners give a body, as far as it serves to say something. */
interface RunnerContext {
  readonly skip?: (why: string) => unknown;
  readonly diagnostic?: (text: string) => unknown;
  readonly annotate?: (text: string) => unknown;
}

/** Tells the runner that a test was not made. A runner that cannot be told counts it as passed. */
function skip(context: unknown, why: string): void {
  const { skip: tell } = (context ?? {}) as RunnerContext;
  if (typeof tell === 'function') tell.call(context, why);
}

/** Tells the runner something that people should read. */
function say(context: unknown, text: string): void {
  const { diagnostic, annotate } = (context ?? {}) as RunnerContext;
  if (typeof diagnostic === 'function') diagnostic.call(context, text);
  else if (typeof annotate === 'function') void annotate.call(context, text);
}
