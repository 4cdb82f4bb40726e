// Draws scripts, runs each on a fresh log, and shrinks the first one that breaks a promise to the shortest found that
// breaks the same. fast-check is an optional peer of this package: it is loaded when a check begins.
import type * as FastCheck from 'fast-check';
import { systemRuntime } from '../index.ts';
import { arbitraryLogScript } from './log-arbitraries.ts';
import type { LogDriver, LogDriverOption, LogWorld } from './log-driver.ts';
import { runLogOperations, type LogRunNotes } from './log-script-run.ts';
import { describeOperation, type LogScript } from './log-script.ts';
import { LogViolation } from './log-violation.ts';
import { checkSeed } from './seeded-random.ts';
import { SeededRuntime } from './seeded-runtime.ts';
import { shorten } from './shorten.ts';
import { checkCount, checkOpen, checkSwitch } from './suite-options.ts';
import { checkFields, shown, wrongArgument } from './wrong-argument.ts';

/** How a script is run on a log. */
export interface LogScriptOptions {
  /** Opens a fresh, empty log. */
  readonly open: (world: LogWorld) => Promise<LogDriver>;
  /**
   * Whether time is simulated (default no): then the log must do all its waiting through `world.runtime` and none of
   * its own I/O in the real world, and the same seed gives the same history.
   */
  readonly simulate?: boolean | undefined;
  /** How long one call may take: ten minutes of simulated time, 20 s of real time unless given. */
  readonly callLimitMs?: number | undefined;
  /**
   * How many requests a call may cost on average while nothing goes wrong, for a log that counts them; unless given,
   * nobody looks.
   */
  readonly requestsPerOperationMax?: number | undefined;
}

/** How a log is checked. */
export interface LogCheckOptions extends LogScriptOptions {
  /** Scripts to run (default 100). */
  readonly runs?: number | undefined;
  /** Where scripts come from (default 1): the same seed gives the same scripts. */
  readonly seed?: number | undefined;
  /** Only the script at this place, as a failure printed it. */
  readonly path?: string | undefined;
  /** Operations in a script at most (default 40). */
  readonly commands?: number | undefined;
  /** Runs that may be spent on shrinking, twice (default 300): on values as drawn, and on leaving out steps. */
  readonly shrinkRunsMax?: number | undefined;
}

/** What came of a check. */
export interface LogReport {
  /** Scripts that were run before the first failure, that one counted. */
  readonly runs: number;
  readonly failure: LogCheckFailure | undefined;
  /** Methods that the scripts asked for and the driver does not have: what needs them was left out. */
  readonly leftOut: readonly LogDriverOption[];
}

/** A broken promise, with the shortest script found that breaks it. */
export interface LogCheckFailure {
  readonly violation: LogViolation;
  readonly seed: number;
  readonly path: string;
  readonly script: LogScript;
  /** What was asked and answered. */
  readonly lines: readonly string[];
}

/** What one script did: what was asked and answered, and the promise that was found broken, if any. */
export interface LogTrace {
  readonly lines: readonly string[];
  readonly violation: LogViolation | undefined;
  /** Methods that the script asked for and the driver does not have: what needs them was left out. */
  readonly leftOut: readonly LogDriverOption[];
}

/** Names of all options of a check, for those who refuse others. */
export const logCheckOptionNames: readonly string[] = [
  ...['simulate', 'callLimitMs', 'requestsPerOperationMax', 'runs', 'seed', 'path', 'commands', 'shrinkRunsMax'],
];

/** Runs one script on a fresh log: how a failure that was printed is repeated, or kept as a test. */
export async function runLogScript(script: LogScript, options: LogScriptOptions): Promise<LogTrace> {
  checkScriptOptions('runLogScript', options);
  checkScript(script);
  const { open, simulate = false, callLimitMs = simulate ? 600_000 : 20_000, requestsPerOperationMax } = options;
  const { seed } = script;
  const runtime = simulate ? new SeededRuntime({ seed }) : undefined;
  const notes: LogRunNotes = { lines: [], leftOut: new Set() };
  const body = (): Promise<void> => {
    const world = { seed, runtime: runtime ?? systemRuntime };
    return runLogOperations(script, world, { open, callLimitMs, requestsPerOperationMax }, notes);
  };
  let violation: LogViolation | undefined;
  try {
    await (runtime === undefined ? body() : runtime.run(body));
  } catch (cause) {
    // What was opened is no log.
    if ((cause as { code?: unknown } | undefined)?.code === 'INVALID_ARGUMENT') throw cause;
    violation = cause instanceof LogViolation ? cause : new LogViolation('sensible', shownFailure(cause), cause);
  }
  return { lines: notes.lines, violation, leftOut: [...notes.leftOut] };
}

/** Runs random scripts on a log until one breaks a promise. */
export async function checkLog(options: LogCheckOptions): Promise<LogReport> {
  checkLogOptions('checkLog', options);
  checkFields(options, ['open', ...logCheckOptionNames, 'test'], 'the argument of checkLog');
  const { runs = 100, seed = 1, path, commands = 40, shrinkRunsMax = 300 } = options;
  const fc = await loadFastCheck();
  const leftOut = new Set<LogDriverOption>();
  let count = 0;
  let runsToFailure = 0;
  let found: LogViolation | undefined;
  const property = fc.asyncProperty(
    arbitraryLogScript<FastCheck.Arbitrary<LogScript>>(fc, commands),
    async (script) => {
      count += 1;
      if (found !== undefined && count - runsToFailure > shrinkRunsMax) return;
      const { violation, leftOut: missing } = await runLogScript(script, options);
      for (const name of missing) leftOut.add(name);
      if (violation === undefined || (found !== undefined && violation.property !== found.property)) return;
      if (found === undefined) runsToFailure = count;
      found = violation;
      throw violation;
    },
  );
  const result = await fc.check(property, { numRuns: runs, seed, ...(path === undefined ? {} : { path }) });
  if (!result.failed) return { runs: count, failure: undefined, leftOut: [...leftOut] };
  const [drawn] = result.counterexample ?? [];
  if (drawn === undefined || found === undefined) throw result.errorInstance;
  const { property: broken } = found;
  const stillFails = async (operations: LogScript['operations']): Promise<boolean> =>
    (await runLogScript({ ...drawn, operations }, options)).violation?.property === broken;
  const script = { ...drawn, operations: await shorten(drawn.operations, stillFails, shrinkRunsMax) };
  const { lines, violation = found } = await runLogScript(script, options);
  const failure = { violation, seed, path: result.counterexamplePath ?? '', script, lines };
  return { runs: runsToFailure, failure, leftOut: [...leftOut] };
}

/** Refuses options of a check that cannot be right; misspelt names are for the caller, who may have more of them. */
export function checkLogOptions(who: string, options: LogCheckOptions): void {
  checkScriptOptions(who, options);
  const { runs, seed = 1, commands, path, shrinkRunsMax } = options;
  checkSeed(seed);
  checkCount('runs', runs);
  checkCount('commands', commands);
  checkCount('shrinkRunsMax', shrinkRunsMax, 0);
  if (path !== undefined && typeof path !== 'string') {
    throw wrongArgument(`path is a string as a failure printed it, such as '3:1:0'; got ${shown(path)}`);
  }
}

function checkScriptOptions(who: string, options: LogScriptOptions): void {
  if (typeof options !== 'object' || options === null) {
    throw wrongArgument(`${who} is given an object { open: async (world) => … }; got ${shown(options)}`);
  }
  const { open, simulate, callLimitMs, requestsPerOperationMax } = options;
  checkOpen(who, open);
  checkSwitch('simulate', simulate);
  checkCount('callLimitMs', callLimitMs);
  checkCount('requestsPerOperationMax', requestsPerOperationMax);
}

function checkScript(script: LogScript): void {
  const { seed, operations } = (script ?? {}) as Partial<LogScript>;
  checkSeed(seed);
  if (!Array.isArray(operations)) {
    throw wrongArgument(`a script is { seed, operations: [{ do: 'append', … }, …] }; got ${shown(script)}`);
  }
}

/** A failure as people read it: what broke, how to repeat it, the script, what happened. */
export function describeFailure({ violation, seed, path, script, lines }: LogCheckFailure): string {
  const steps = script.operations.map((operation, i) => `  ${i + 1}. ${describeOperation(operation)}`);
  return [
    violation.message,
    `To repeat it: { seed: ${seed}, path: '${path}' }, with the same number of commands.`,
    `The shortest script found, in a world of seed ${script.seed}:`,
    ...steps,
    'As data, for runLogScript:',
    `  ${JSON.stringify(script)}`,
    'What happened:',
    ...lines.map((line) => `  ${line}`),
  ].join('\n');
}

function shownFailure(cause: unknown): string {
  return (cause as Error | undefined)?.stack ?? String(cause);
}

async function loadFastCheck(): Promise<typeof FastCheck> {
  try {
    return await import('fast-check');
  } catch (cause) {
    const message = 'logSuite draws its scripts with fast-check; add it: npm install --save-dev fast-check';
    throw new Error(message, { cause });
  }
}
