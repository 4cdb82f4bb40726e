// One script, run on one log: does what the script says, judges every answer by the model, starts the log again when it
// has ended, and in the end makes sure that all that was promised is there, and that everything settles.
import { abortCall } from './log-abort-operations.ts';
import { appendAll, appendAt, appendClosed, appendOnce, appendOne, retry } from './log-append-operations.ts';
import { LogCalls } from './log-calls.ts';
import { checkDriver } from './log-check-driver.ts';
import type { LogDriver, LogDriverOption, LogRange, LogWorld } from './log-driver.ts';
import type { LogHistory } from './log-history.ts';
import { audit, checkMemory, checkStats, checkToll, flood, idle, readTwice } from './log-measure-operations.ts';
import type { LogName } from './log-model.ts';
import { followStream, lookUp, readStream, trimStream } from './log-read-operations.ts';
import { LogRun, type LogRunOptions } from './log-run.ts';
import { describeOperation, type LogOperation, type LogScript } from './log-script.ts';
import { closeStream, createStream, deleteStream, openStream, readyStream } from './log-stream-operations.ts';
import { callUsurped } from './log-usurp-operations.ts';
import { LogViolation } from './log-violation.ts';

/** What a run tells, also when it ends by a violation. */
export interface LogRunNotes {
  lines: readonly string[];
  readonly leftOut: Set<LogDriverOption>;
}

/** Runs a script to its end. Throws LogViolation. */
export async function runLogOperations(
  script: LogScript,
  world: LogWorld,
  options: LogRunOptions,
  notes: LogRunNotes,
): Promise<void> {
  const calls = new LogCalls(world.runtime, options.callLimitMs);
  notes.lines = calls.lines;
  const driver = await openDriver(calls, world, options);
  let run: LogRun;
  try {
    run = new LogRun(driver, world, calls, options, notes.leftOut);
    for (const operation of script.operations) await step(run, operation);
    await finish(run);
  } catch (cause) {
    await calls.within('close', () => driver.close()).catch(() => {}); // What was found before counts.
    throw cause;
  }
  await stop(run);
}

async function openDriver(calls: LogCalls, world: LogWorld, options: LogRunOptions): Promise<LogDriver> {
  let driver: LogDriver;
  try {
    driver = await calls.within('open, which gives the log,', () => options.open(world));
  } catch (cause) {
    if (cause instanceof LogViolation) throw cause;
    const shown = (cause as Error | undefined)?.stack ?? String(cause);
    throw new LogViolation('sensible', `open, which gives the log, failed: ${shown}`, cause);
  }
  checkDriver(driver);
  return driver;
}

async function step(run: LogRun, operation: LogOperation): Promise<void> {
  await doOperation(run, operation, describeOperation(operation));
  run.calls.check();
  checkMemory(run);
  if (run.restarts.isDue) await run.restarts.restart('crash', undefined);
}

/** The end of every script: quiet, everybody caught up, a clean restart, a crash. */
async function finish(run: LogRun): Promise<void> {
  await settle(run);
  await waitForAll(run);
  if (run.restarts.isDue) await run.restarts.restart('crash', undefined);
  await run.restarts.restart('reopen', undefined);
  await run.restarts.restart('crash', undefined);
  await audit(run);
  await run.restarts.leaveUsurped();
  run.calls.check();
}

/** The last close: calls under way then are answered, those who wait are told, and so is whoever comes too late. */
async function stop(run: LogRun): Promise<void> {
  const { calls, driver, model, followers, restarts } = run;
  run.isStopping = true;
  const names = model.names.filter(({ isOpen, history }) => isOpen && history !== undefined);
  for (const { history, name } of names) {
    const open = history as LogHistory;
    calls.start(() => appendOne(run, open, `append ${name} while the log is closed`, { count: 1, sizeBytes: 24 }));
    calls.start(() => readStream(run, open, `read ${name} while the log is closed`, { at: 0 }));
    followStream(run, open, 100);
  }
  restarts.ending();
  await calls.within('close', () => driver.close(), 'settles');
  await calls.all();
  await followers.allEnd();
  for (const { name } of names) {
    const tooLate = calls.within(`range of ${name} after the close`, () => driver.range(name), 'settles');
    await tooLate.catch((cause: unknown) => {
      if (cause instanceof LogViolation) throw cause; // Any other answer will do.
    });
  }
}

async function doOperation(run: LogRun, operation: LogOperation, what: string): Promise<void> {
  const { calls, restarts, driver } = run;
  switch (operation.do) {
    case 'wait':
      return waitForAll(run);
    case 'pause':
      return run.pause(operation.ms);
    case 'settle':
      return settle(run);
    case 'reopen':
      return restarts.restart('reopen', undefined);
    case 'crash':
      run.lacks('crash');
      return restarts.restart('crash', operation.meanwhile);
    case 'usurp':
      if (run.lacks('usurp')) return;
      return restarts.restart('usurp', undefined);
    case 'disturb':
      if (run.lacks('disturb')) return;
      calls.note(what);
      restarts.disturbed();
      return calls.now(what, () => driver.disturb?.(operation.by));
    case 'maintain': {
      if (run.lacks('maintain')) return;
      const act = (): Promise<void> => driver.maintain!();
      await calls.ask({ what, mayFail: run.mayBeUnavailable(), act, done: () => {} });
      return;
    }
    case 'audit':
      return audit(run);
    case 'idle':
      return idle(run);
    default:
      return doWithStream(run, operation, run.model.name(operation.stream), what);
  }
}

type StreamOperation = Extract<LogOperation, { stream: string }>;

async function doWithStream(run: LogRun, operation: StreamOperation, name: LogName, what: string): Promise<void> {
  if (name.doubt !== undefined) return; // Until a restart has told what there is.
  switch (operation.do) {
    case 'create':
      return createStream(run, name, what);
    case 'open':
      return openStream(run, name, what);
    case 'close':
      return closeStream(run, name, what);
    case 'delete':
      return deleteStream(run, name, what);
    case 'append-closed':
      return appendClosed(run, name, what);
    case 'leave':
      return run.followers.leave(name.name);
    case 'usurped':
      return callUsurped(run, name, what, operation.call);
    case 'abort':
      return abortCall(run, name, what, operation);
    default:
  }
  const history = await readyStream(run, name);
  if (history !== undefined) await doWithHistory(run, operation, name, history, what);
}

async function doWithHistory(
  run: LogRun,
  operation: StreamOperation,
  name: LogName,
  history: LogHistory,
  what: string,
): Promise<void> {
  switch (operation.do) {
    case 'append':
      return run.answered(operation.wait, () => appendOne(run, history, what, operation));
    case 'append-all':
      return run.answered(operation.wait, () => appendAll(run, history, what, operation.batches));
    case 'append-at':
      return appendAt(run, history, what, operation.off);
    case 'append-once':
      return run.answered(operation.wait, () => appendOnce(run, name, history, what, operation));
    case 'retry':
      return retry(run, name, history, what);
    case 'read':
      return run.answered(operation.wait, () => readStream(run, history, what, operation));
    case 'read-twice':
      return readTwice(run, history, what, operation.at);
    case 'look-up':
      return run.answered(operation.wait, () => lookUp(run, history, what, operation.timestamp));
    case 'trim':
      return run.answered(operation.wait, () => trimStream(run, history, what, operation.at));
    case 'flood':
      return flood(run, history, what);
    case 'follow':
      return followStream(run, history, operation.at);
    default:
  }
}

async function waitForAll(run: LogRun): Promise<void> {
  if (run.calls.areUnderWay) await observeAllEnds(run); // What is under way need not be durable yet.
  await run.calls.all();
  await observeAllEnds(run);
  if (!run.restarts.isDisturbed) await run.followers.catchUp();
  await checkStats(run);
  checkToll(run);
}

async function observeAllEnds(run: LogRun): Promise<void> {
  for (const name of run.model.names) {
    if (name.history !== undefined && name.isOpen) await observeEnds(run, name, name.history);
  }
}

/** What is registered, and then what is durable. */
async function observeEnds(run: LogRun, name: LogName, history: LogHistory): Promise<void> {
  const { driver, calls } = run;
  let registered: number | undefined;
  if (!run.lacks('registeredEnd')) {
    await calls.ask({
      ...{ what: `registered end of ${name.name}`, mayFail: run.mayFailBy(name) },
      act: () => driver.registeredEnd!(name.name),
      done: (end) => String((registered = end)),
    });
  }
  const before = history.known;
  await calls.ask({
    ...{ what: `range of ${name.name}`, mayFail: run.mayFailBy(name) },
    act: () => driver.range(name.name),
    done: (range: LogRange) => {
      history.observeRange(range, before);
      if (registered !== undefined) history.observeRegistered(registered, range.endOffset);
      return `[${range.startOffset}, ${range.endOffset})`;
    },
  });
}

async function settle(run: LogRun): Promise<void> {
  await run.calls.within('settle', () => run.driver.settle?.());
}
