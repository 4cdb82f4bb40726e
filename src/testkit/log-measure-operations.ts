// What a log is measured by: its memory, its requests, what it says of itself, and whether everything is there that it
// refers to. Nothing here changes what anybody can read, floods excepted.
import { appendOne } from './log-append-operations.ts';
import type { LogMemory, LogRequests, LogStats } from './log-driver.ts';
import type { LogHistory } from './log-history.ts';
import { readStream } from './log-read-operations.ts';
import type { LogRun } from './log-run.ts';
import { hold } from './log-violation.ts';

/** Batches of a flood: together more than the log may hold. */
const floodBatches = 80;
const floodBatchesInBudget = 64;

/** Budgets that are larger are not filled: it would take too long. */
const floodMaxBytes = 256 * 1024 * 1024;

/** What the log says and what was counted may be apart while a request is being answered. */
const triesMax = 20;
const tryAfterMs = 5;

/** Looks at the memory of the log. */
export function checkMemory(run: LogRun): void {
  const memory = memoryOf(run);
  if (memory === undefined) return;
  const { usedBytes, maxBytes } = memory;
  hold(usedBytes <= maxBytes, 'bounded', () => `the log holds ${usedBytes} bytes; ${maxBytes} are its budget`);
}

/** More appends than fit into memory; each may be refused, and none may be too much. */
export async function flood(run: LogRun, history: LogHistory, what: string): Promise<void> {
  if (run.lacks('memory')) return;
  const { maxBytes = 0 } = memoryOf(run) ?? {};
  if (maxBytes > floodMaxBytes)
    return run.calls.note(`${what}: left out, for the budget is more than ${floodMaxBytes}`);
  const sizeBytes = Math.ceil(maxBytes / floodBatchesInBudget);
  for (let batch = 0; batch < floodBatches; batch += 1) {
    run.calls.start(() => appendOne(run, history, what, { count: 1, sizeBytes }));
    checkMemory(run);
    if (batch % 8 === 7) await run.world.runtime.timers.turn();
  }
  checkMemory(run);
}

/** Looks for everything that the log refers to. */
export async function audit(run: LogRun): Promise<void> {
  if (run.lacks('audit')) return;
  await run.calls.all();
  await run.calls.ask({
    ...{ what: 'audit', mayFail: run.mayBeUnavailable() },
    act: () => run.driver.audit!(),
    done: (problems) => {
      const [first, ...others] = problems;
      const rest = others.length === 0 ? '' : `, and ${others.length} more`;
      hold(first === undefined, 'referenced', () => `${first}${rest}`);
    },
  });
}

/** A log that has nothing to do makes no request. */
export async function idle(run: LogRun): Promise<void> {
  if (run.lacks('requests', 'idleAfterMs')) return;
  const { idleAfterMs = 0 } = run.driver;
  await run.calls.all();
  if (run.restarts.isDisturbed || run.followers.areThere || idleAfterMs <= 0) return;
  await run.pause(idleAfterMs);
  const before = requestsOf(run);
  await run.pause(idleAfterMs);
  const made = requestsOf(run).total - before.total;
  hold(made === 0, 'frugal', () => `the log made ${made} requests in ${idleAfterMs} ms with nothing to do`);
}

/** All requests since the start, compared with the calls that they were made for. */
export function checkToll(run: LogRun): void {
  const { requestsPerOperationMax } = run.options;
  if (requestsPerOperationMax === undefined || run.lacks('requests')) return;
  const toll = run.restarts.calmToll;
  if (toll === undefined) return;
  const { calls, requests } = toll;
  const isWithin = requests <= Math.max(1, calls) * requestsPerOperationMax;
  const bound = `${requestsPerOperationMax} for each are the bound`;
  hold(isWithin, 'frugal', () => `${requests} requests were made for ${calls} calls; ${bound}`);
}

/** What the log says of its requests, compared with what was counted outside of it. */
export async function checkStats(run: LogRun): Promise<void> {
  if (run.lacks('stats', 'requests')) return;
  for (let tries = 1; ; tries += 1) {
    const [said, made] = [statsOf(run), requestsOf(run)];
    const isSo = said.puts === made.puts && said.gets === made.gets;
    if (isSo) return;
    hold(tries < triesMax, 'truthful', () => {
      return `the log says ${said.puts} puts and ${said.gets} gets; ${made.puts} and ${made.gets} were made`;
    });
    await run.pause(tryAfterMs);
  }
}

/**
 * What is read again at once is in memory: a hit, and no get. If it is known when the log has nothing else to do, that
 * is waited for; else work in the background may disturb a try, but not all.
 */
export async function readTwice(run: LogRun, history: LogHistory, what: string, at: number): Promise<void> {
  await run.calls.all();
  if (run.restarts.isDisturbed || run.followers.areThere || run.lacks('stats', 'requests')) return;
  const { idleAfterMs } = run.driver;
  const most = idleAfterMs === undefined ? triesMax : 1;
  for (let tries = 1; tries <= most; tries += 1) {
    await run.pause(idleAfterMs ?? tryAfterMs);
    const first = await measureRead(run, history, what, at);
    const second = await measureRead(run, history, what, at);
    if (run.restarts.isDue) return;
    const lie = lieOf(first) ?? lieOf(second) ?? lieOfSecond(first, second);
    if (lie === undefined) return;
    hold(tries < most, 'truthful', () => `${what}: ${lie}`);
  }
}

/** What a read added to the counts. */
interface ReadToll {
  readonly hits: number;
  readonly misses: number;
  readonly gets: number;
}

/** A read from a place to the end, so that there is nothing that could be read ahead. */
async function measureRead(run: LogRun, history: LogHistory, what: string, at: number): Promise<ReadToll> {
  const [said, made] = [statsOf(run), requestsOf(run)];
  await readStream(run, history, what, { at });
  await run.pause(run.driver.idleAfterMs ?? 0);
  const [saidNow, madeNow] = [statsOf(run), requestsOf(run)];
  const toll = { hits: saidNow.hits - said.hits, misses: saidNow.misses - said.misses, gets: madeNow.gets - made.gets };
  hold(
    toll.hits >= 0 && toll.misses >= 0,
    'truthful',
    () => `${what}: the log counts fewer hits or misses than before`,
  );
  return toll;
}

function lieOf({ hits, misses, gets }: ReadToll): string | undefined {
  if (misses > 0 && gets === 0) return `${misses} misses were counted, and nothing was got`;
  if (hits > 0 && misses === 0 && gets > 0) return `only hits were counted, and ${gets} gets were made`;
  return undefined;
}

function lieOfSecond(first: ReadToll, { hits, misses, gets }: ReadToll): string | undefined {
  if (first.hits + first.misses === 0) return undefined; // It never came from what is stored.
  if (gets > 0) return `what had just been read was got again, with ${gets} gets`;
  return hits > 0 && misses === 0 ? undefined : `what had just been read was no hit: ${hits} hits, ${misses} misses`;
}

function memoryOf(run: LogRun): LogMemory | undefined {
  return run.calls.now('memory', () => run.driver.memory?.());
}

function requestsOf(run: LogRun): LogRequests {
  return run.calls.now('requests', () => run.driver.requests!());
}

function statsOf(run: LogRun): LogStats {
  return run.calls.now('stats', () => run.driver.stats!());
}
