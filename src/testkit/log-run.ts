// A script under way: the log, what is known of it, and what every operation asks of them.
import { isUnavailable, type LogCalls, type LogFailure } from './log-calls.ts';
import type { LogDriver, LogDriverOption, LogWorld } from './log-driver.ts';
import { LogFollowers } from './log-followers.ts';
import type { LogHistory } from './log-history.ts';
import { LogModel, type LogName } from './log-model.ts';
import { LogRestarts } from './log-restarts.ts';

/** How scripts are run. */
export interface LogRunOptions {
  /** Opens a fresh, empty log. */
  readonly open: (world: LogWorld) => Promise<LogDriver>;
  /** How long any call may take. */
  readonly callLimitMs: number;
  /** How many requests an operation may cost, on average. */
  readonly requestsPerOperationMax?: number | undefined;
}

export class LogRun {
  readonly driver: LogDriver;
  readonly world: LogWorld;
  readonly calls: LogCalls;
  readonly options: LogRunOptions;
  readonly model: LogModel = new LogModel();
  readonly followers: LogFollowers;
  readonly restarts: LogRestarts;
  /** Methods that the script asked for and the driver does not have. */
  readonly leftOut: Set<LogDriverOption>;
  /** Whether this is the last close. */
  isStopping = false;

  constructor(
    driver: LogDriver,
    world: LogWorld,
    calls: LogCalls,
    options: LogRunOptions,
    leftOut: Set<LogDriverOption>,
  ) {
    this.driver = driver;
    this.world = world;
    this.calls = calls;
    this.options = options;
    this.leftOut = leftOut;
    this.followers = new LogFollowers(calls, this.model);
    this.restarts = new LogRestarts(driver, calls, this.model, this.followers);
  }

  /** Whether the driver lacks one of these. What is missing is left out, and said. */
  lacks(...names: readonly LogDriverOption[]): boolean {
    const missing = names.filter((name) => this.driver[name] === undefined || this.driver[name] === false);
    for (const name of missing) this.leftOut.add(name);
    return missing.length > 0;
  }

  /** Waits for an answer, or not. */
  async answered(wait: boolean, work: () => Promise<unknown>): Promise<void> {
    if (wait) await work();
    else this.calls.start(work);
  }

  pause(ms: number): Promise<void> {
    return new Promise((resolve) => void this.world.runtime.timers.after(ms, resolve));
  }

  /** Failures that may be because the log cannot do it, or has been started again since. */
  mayBeUnavailable(): (failure: LogFailure) => boolean {
    const mayFail = this.restarts.watch();
    return (failure) => failure.code === 'OVERLOADED' || (isUnavailable(failure) && mayFail());
  }

  /** The same, or because the stream was closed, opened, deleted meanwhile. */
  mayFailBy(name: LogName): (failure: LogFailure) => boolean {
    const { moves } = name;
    const mayFail = this.mayBeUnavailable();
    const codes = ['STREAM_CLOSED', 'STREAM_NOT_FOUND', 'CLOSED'];
    return (failure) => mayFail(failure) || (name.moves !== moves && codes.includes(failure.code));
  }
}

/** The offset at a place in a stream: 0 % is the start, 100 % the end, beyond that lies one more. */
export function placeIn(history: LogHistory, at: number): number {
  const { startOffset, endOffset } = history.known;
  if (at < 0) return Math.max(0, startOffset - 1);
  if (at > 100) return history.endMax + 1;
  return startOffset + Math.round(((endOffset - startOffset) * at) / 100);
}
