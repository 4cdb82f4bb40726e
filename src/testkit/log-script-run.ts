// One script, run on one log: does what the script says, judges every answer by the model, starts the log again when it
// has ended, and in the end makes sure that all that was promised is there.
import { isUnavailable, LogCalls, type LogFailure, type LogOutcome } from './log-calls.ts';
import type { LogDriver, LogRange, LogWorld } from './log-driver.ts';
import { LogFollowers } from './log-followers.ts';
import type { LogAttempt, LogHistory } from './log-history.ts';
import { LogModel, type LogName } from './log-model.ts';
import { LogRestarts } from './log-restarts.ts';
import { describeOperation, type LogBatchShape, type LogOperation, type LogScript } from './log-script.ts';
import { hold, LogViolation } from './log-violation.ts';

/** How scripts are run. */
export interface LogRunOptions {
  /** Opens a fresh, empty log. */
  readonly open: (world: LogWorld) => Promise<LogDriver>;
  /** How long any call may take. */
  readonly callLimitMs: number;
}

/** Runs a script to its end. Throws LogViolation; `lines` tell what happened, also then. */
export async function runLogOperations(
  script: LogScript,
  world: LogWorld,
  options: LogRunOptions,
  onLines: (lines: readonly string[]) => void,
): Promise<void> {
  const calls = new LogCalls(world.runtime, options.callLimitMs);
  onLines(calls.lines);
  const driver = await options.open(world);
  try {
    const run = new LogScriptRun(driver, world, calls);
    for (const operation of script.operations) await run.step(operation);
    await run.finish();
  } catch (cause) {
    await calls.within('the close', driver.close()).catch(() => {}); // What was found before counts.
    throw cause;
  }
  await calls.within('the close', driver.close());
}

class LogScriptRun {
  readonly #driver: LogDriver;
  readonly #world: LogWorld;
  readonly #calls: LogCalls;
  readonly #model = new LogModel();
  readonly #followers: LogFollowers;
  readonly #restarts: LogRestarts;

  constructor(driver: LogDriver, world: LogWorld, calls: LogCalls) {
    this.#driver = driver;
    this.#world = world;
    this.#calls = calls;
    this.#followers = new LogFollowers(calls, this.#model);
    this.#restarts = new LogRestarts(driver, calls, this.#model, this.#followers);
  }

  async step(operation: LogOperation): Promise<void> {
    await this.#do(operation, describeOperation(operation));
    this.#calls.check();
    if (this.#restarts.isDue) await this.#restarts.restart('crash', undefined);
  }

  /** The end of every script: quiet, everybody caught up, a clean restart, a crash. */
  async finish(): Promise<void> {
    await this.#settle();
    await this.#wait();
    if (this.#restarts.isDue) await this.#restarts.restart('crash', undefined);
    await this.#restarts.restart('reopen', undefined);
    await this.#restarts.restart('crash', undefined);
    this.#calls.check();
  }

  async #do(operation: LogOperation, what: string): Promise<void> {
    switch (operation.do) {
      case 'wait':
        return this.#wait();
      case 'pause':
        return new Promise((resolve) => void this.#world.runtime.timers.after(operation.ms, resolve));
      case 'settle':
        return this.#settle();
      case 'reopen':
        return this.#restarts.restart('reopen', undefined);
      case 'crash':
        return this.#restarts.restart('crash', operation.meanwhile);
      case 'disturb':
        if (this.#driver.disturb === undefined) return;
        this.#calls.note(what);
        this.#restarts.disturbed();
        return this.#driver.disturb(operation.by);
      case 'maintain': {
        const mayFail = this.#mayBeUnavailable();
        await this.#calls.ask({ what, mayFail, act: async () => this.#driver.maintain?.(), done: () => {} });
        return;
      }
      default:
        return this.#doWithStream(operation, this.#model.name(operation.stream), what);
    }
  }

  async #doWithStream(
    operation: Extract<LogOperation, { stream: string }>,
    name: LogName,
    what: string,
  ): Promise<void> {
    if (name.doubt !== undefined) return; // Until a restart has told what there is.
    switch (operation.do) {
      case 'create':
        return this.#create(name, what);
      case 'open':
        return this.#open(name, what);
      case 'close':
        return this.#close(name, what);
      case 'delete':
        return this.#delete(name, what);
      case 'append-closed':
        return this.#appendClosed(name, what);
      case 'leave':
        return this.#followers.leave(name.name);
      default:
    }
    const history = await this.#ready(name);
    if (history === undefined) return;
    switch (operation.do) {
      case 'append':
        return this.#append(history, what, [operation], operation.wait, 'one');
      case 'append-all':
        return this.#append(history, what, operation.batches, operation.wait, 'all');
      case 'append-at':
        return this.#appendAt(history, what, operation.off);
      case 'read':
        return this.#read(history, name, what, operation);
      case 'trim':
        return this.#trim(history, name, what, operation.at, operation.wait);
      default:
        return this.#follow(history, name, operation.at);
    }
  }

  /** The stream, created or opened if need be. */
  async #ready(name: LogName): Promise<LogHistory | undefined> {
    if (name.history === undefined) await this.#create(name, `create ${name.name}`);
    if (name.history !== undefined && !name.isOpen) await this.#open(name, `open ${name.name}`);
    return name.isOpen ? name.history : undefined;
  }

  async #create(name: LogName, what: string): Promise<void> {
    const mayFail = this.#mayBeUnavailable();
    const standing = name.history;
    const fresh = standing === undefined ? this.#model.newHistory(name.name) : undefined;
    await this.#calls.ask({
      ...{ what, mayFail, act: () => this.#driver.create(name.name) },
      done: () => {
        hold(fresh !== undefined, 'sensible', () => `${name.name} was created though it was there`);
        Object.assign(name, { history: fresh, isOpen: true, moves: name.moves + 1 });
      },
      refusals: {
        STREAM_EXISTS: () =>
          hold(fresh === undefined, 'nothingOld', () => `${name.name} could not be created: it exists`),
      },
      failed: ({ outcome }) => {
        if (outcome === 'unknown') name.doubt = fresh;
      },
    });
  }

  async #open(name: LogName, what: string): Promise<void> {
    await this.#calls.ask({
      ...{ what, mayFail: this.#mayBeUnavailable(), act: () => this.#driver.open(name.name) },
      done: () => {
        hold(name.history !== undefined, 'nothingOld', () => `${name.name} was opened, and there is none`);
        name.isOpen = true;
      },
      refusals: {
        STREAM_NOT_FOUND: () => hold(name.history === undefined, 'durable', () => `the stream ${name.name} is lost`),
      },
    });
  }

  async #close(name: LogName, what: string): Promise<void> {
    if (name.history === undefined || !name.isOpen) return;
    name.isOpen = false;
    name.moves += 1;
    const act = (): Promise<void> => this.#driver.closeStream(name.name);
    await this.#calls.ask({ what, act, mayFail: this.#mayBeUnavailable(), done: () => {} });
  }

  async #delete(name: LogName, what: string): Promise<void> {
    const { history } = name;
    name.isOpen = false;
    name.moves += 1;
    await this.#calls.ask({
      ...{ what, mayFail: this.#mayBeUnavailable(), act: () => this.#driver.delete(name.name) },
      done: () => {
        hold(history !== undefined, 'nothingOld', () => `${name.name} was deleted, and there was none`);
        name.history = undefined;
      },
      refusals: {
        STREAM_NOT_FOUND: () => hold(history === undefined, 'durable', () => `the stream ${name.name} is lost`),
      },
      failed: ({ outcome }) => {
        if (outcome === 'unknown') Object.assign(name, { doubt: history, history: undefined });
      },
    });
  }

  async #append(
    history: LogHistory,
    what: string,
    shapes: readonly LogBatchShape[],
    wait: boolean,
    how: 'one' | 'all',
  ): Promise<void> {
    const attempts = shapes.map(({ count, sizeBytes }) => this.#model.attempt(history, count, sizeBytes));
    const batches = attempts.map(({ bytes, count }) => ({ bytes: Uint8Array.from(bytes), count }));
    const [first] = batches as [(typeof batches)[number]];
    const driver = this.#driver;
    const isAll = how === 'all' && driver.appendAll !== undefined;
    const used = isAll ? attempts : attempts.slice(0, 1);
    if (!isAll) history.refuse(attempts.slice(1), this.#model.tick()); // Never called.
    const act = (): Promise<LogRange> =>
      isAll ? driver.appendAll!(history.name, batches) : driver.append(history.name, first);
    const asked = this.#askAppend(used, batches, what, act);
    if (wait) await asked;
    else this.#calls.start(() => asked);
  }

  async #appendAt(history: LogHistory, what: string, off: number): Promise<void> {
    const driver = this.#driver;
    const expectedOffset = history.endMax + off;
    if (driver.appendAt === undefined || history.isInDoubt || expectedOffset < 0) return;
    const attempt = this.#model.attempt(history, 1, 24);
    const batch = { bytes: Uint8Array.from(attempt.bytes), count: 1 };
    const act = (): Promise<LogRange> => driver.appendAt!(history.name, expectedOffset, batch);
    await this.#askAppend([attempt], [batch], what, act, {
      OFFSET_MISMATCH: () => {
        hold(off !== 0, 'sensible', () => `${expectedOffset} was expected, and is next, and was refused`);
        history.refuse([attempt], this.#model.tick());
      },
    });
    const isWrong = attempt.status === 'acknowledged' && off !== 0;
    hold(!isWrong, 'sensible', () => `${attempt.label} was appended, though the offset expected was off by ${off}`);
  }

  #askAppend(
    attempts: readonly LogAttempt[],
    batches: readonly { readonly bytes: Uint8Array }[],
    what: string,
    act: () => Promise<LogRange>,
    refusals: Readonly<Record<string, () => void>> = {},
  ): Promise<LogOutcome> {
    const { history } = attempts[0] as LogAttempt;
    const name = this.#model.name(history.name);
    const mayFail = this.#mayBeUnavailable();
    const isGone = (failure: LogFailure): boolean =>
      name.history !== history && ['STREAM_NOT_FOUND', 'STREAM_CLOSED'].includes(failure.code);
    return this.#calls.ask({
      ...{ what: `${what} (${attempts.map(({ label }) => label).join(', ')})`, act, refusals },
      mayFail: (failure) => mayFail(failure) || isGone(failure),
      done: (range) => {
        history.acknowledge(attempts, range, this.#model.tick());
        for (const { bytes } of batches) bytes.fill(0xee); // They are the caller's again.
        return `[${range.startOffset}, ${range.endOffset})`;
      },
      failed: ({ outcome }) => {
        if (outcome === 'none') history.refuse(attempts, this.#model.tick());
        else history.doubt(attempts, this.#model.tick());
      },
    });
  }

  async #appendClosed(name: LogName, what: string): Promise<void> {
    const { history } = name;
    if (history === undefined || name.isOpen) return;
    const attempt = this.#model.attempt(history, 1, 24);
    await this.#calls.ask({
      ...{ what, mayFail: this.#mayBeUnavailable() },
      act: () => this.#driver.append(name.name, { bytes: attempt.bytes, count: 1 }),
      done: () => {
        throw new LogViolation('sensible', `${attempt.label} was appended to ${name.name}, which is closed`);
      },
      refusals: { STREAM_CLOSED: () => history.refuse([attempt], this.#model.tick()) },
      failed: ({ outcome }) => {
        if (outcome === 'none') history.refuse([attempt], this.#model.tick());
        else history.doubt([attempt], this.#model.tick());
      },
    });
  }

  async #read(
    history: LogHistory,
    name: LogName,
    what: string,
    { at, maxBytes, span, wait }: Extract<LogOperation, { do: 'read' }>,
  ): Promise<void> {
    const from = placeIn(history, at);
    const options = { maxBytes, ...(span === undefined ? {} : { to: from + span }) };
    const call = { history, from, options, before: history.known };
    const mayFail = this.#mayFailBy(name);
    const asked = this.#calls.ask({
      ...{ what: `${what} (from ${from})`, mayFail, act: () => this.#driver.read(name.name, from, options) },
      done: (result) => {
        this.#model.observeRead(call, result);
        return `${result.batches.length} batches of [${result.startOffset}, ${result.endOffset})`;
      },
      refusals: { OFFSET_OUT_OF_RANGE: () => this.#model.observeOutOfRange(call) },
    });
    if (wait) await asked;
    else this.#calls.start(() => asked);
  }

  async #trim(history: LogHistory, name: LogName, what: string, at: number, wait: boolean): Promise<void> {
    const startOffset = placeIn(history, at);
    const before = history.known;
    const trim = history.trim(startOffset);
    const asked = this.#calls.ask({
      ...{ what: `${what} (to ${startOffset})`, mayFail: this.#mayFailBy(name) },
      act: () => this.#driver.trim(name.name, startOffset),
      done: () => history.trimmed(trim, 'done'),
      refusals: {
        OFFSET_OUT_OF_RANGE: () => {
          const isOutside = startOffset > before.endOffset || startOffset < history.startMax;
          hold(isOutside, 'sensible', () => `a trim to ${startOffset} was refused; the end was ${before.endOffset}`);
          history.trimmed(trim, 'refused');
        },
      },
      failed: ({ outcome }) => {
        if (outcome === 'none') history.trimmed(trim, 'refused');
      },
    });
    if (wait) await asked;
    else this.#calls.start(() => asked);
  }

  #follow(history: LogHistory, name: LogName, at: number): void {
    if (this.#driver.follow === undefined) return;
    const { startOffset, endOffset } = history.known;
    const from = Math.min(Math.max(placeIn(history, at), startOffset), endOffset);
    this.#calls.note(`follow ${name.name} from ${from}`);
    const { moves } = name;
    const mayFail = this.#restarts.watch();
    const mayEnd = (): boolean => name.moves !== moves || mayFail();
    this.#followers.add(name, history, from, this.#driver.follow(name.name, from), mayEnd);
  }

  async #wait(): Promise<void> {
    await this.#calls.all();
    for (const name of this.#model.names) {
      const { history } = name;
      if (history === undefined || !name.isOpen) continue;
      const before = history.known;
      const done = (range: LogRange): string => {
        history.observeRange(range, before);
        return `[${range.startOffset}, ${range.endOffset})`;
      };
      const act = (): Promise<LogRange> => this.#driver.range(name.name);
      await this.#calls.ask({ what: `range of ${name.name}`, act, done, mayFail: this.#mayFailBy(name) });
    }
    if (!this.#restarts.isDisturbed) await this.#followers.catchUp();
  }

  async #settle(): Promise<void> {
    if (this.#driver.settle !== undefined) await this.#calls.within('settle', this.#driver.settle());
  }

  /** Failures that may be because the log cannot do it, or has been started again since. */
  #mayBeUnavailable(): (failure: LogFailure) => boolean {
    const mayFail = this.#restarts.watch();
    return (failure) => failure.code === 'OVERLOADED' || (isUnavailable(failure) && mayFail());
  }

  /** The same, or because the stream was closed, opened, deleted meanwhile. */
  #mayFailBy(name: LogName): (failure: LogFailure) => boolean {
    const { moves } = name;
    const mayFail = this.#mayBeUnavailable();
    const codes = ['STREAM_CLOSED', 'STREAM_NOT_FOUND', 'CLOSED'];
    return (failure) => mayFail(failure) || (name.moves !== moves && codes.includes(failure.code));
  }
}

/** The offset at a place in a stream: 0 % is the start, 100 % the end, beyond that lies one more. */
function placeIn(history: LogHistory, at: number): number {
  const { startOffset, endOffset } = history.known;
  if (at < 0) return Math.max(0, startOffset - 1);
  if (at > 100) return history.endMax + 1;
  return startOffset + Math.round(((endOffset - startOffset) * at) / 100);
}
