// What scripts do to append: one batch or several, at an offset, under an id, to a closed stream.
import type { LogFailure, LogOutcome } from './log-calls.ts';
import type { LogRange } from './log-driver.ts';
import type { LogAttempt, LogHistory } from './log-history.ts';
import type { LogName } from './log-model.ts';
import type { LogRun } from './log-run.ts';
import type { LogBatchShape } from './log-script.ts';
import { isRefusedAtOnce, optionsOf } from './log-stream-operations.ts';
import { hold, LogViolation } from './log-violation.ts';

const small: LogBatchShape = { count: 1, sizeBytes: 24 };

/** A batch as the log is given it: bytes of its own, which are spoilt when they are the caller's again. */
interface GivenBatch {
  readonly bytes: Uint8Array;
  readonly count: number;
  readonly timestamp?: number | undefined;
}

export async function appendOne(
  run: LogRun,
  history: LogHistory,
  what: string,
  shape: LogBatchShape,
  signal?: AbortSignal,
): Promise<void> {
  const attempt = run.model.attempt(history, shape);
  if (signal !== undefined) attempt.about = 'abortable';
  const batch = given(attempt);
  const act = (): Promise<LogRange> => run.driver.append(history.name, batch, ...optionsOf(signal));
  await askAppend(run, [attempt], [batch], what, act, { signal });
}

export async function appendAll(
  run: LogRun,
  history: LogHistory,
  what: string,
  shapes: readonly LogBatchShape[],
): Promise<void> {
  const [first] = shapes;
  if (first === undefined) return;
  if (run.lacks('appendAll')) return appendOne(run, history, what, first);
  const attempts = shapes.map((shape) => run.model.attempt(history, shape));
  const batches = attempts.map(given);
  await askAppend(run, attempts, batches, what, () => run.driver.appendAll!(history.name, batches));
}

export async function appendAt(run: LogRun, history: LogHistory, what: string, off: number): Promise<void> {
  const { driver, model } = run;
  const expectedOffset = history.endMax + off;
  if (run.lacks('appendAt') || history.isInDoubt || expectedOffset < 0) return;
  const attempt = model.attempt(history, small);
  const batch = given(attempt);
  const act = (): Promise<LogRange> => driver.appendAt!(history.name, expectedOffset, batch);
  const refusals = {
    OFFSET_MISMATCH: () => {
      hold(off !== 0, 'sensible', () => `${expectedOffset} was expected, and is next, and was refused`);
      history.refuse([attempt], model.tick());
    },
  };
  await askAppend(run, [attempt], [batch], what, act, { refusals });
  const isWrong = attempt.status === 'acknowledged' && off !== 0;
  hold(!isWrong, 'sensible', () => `${attempt.label} was appended, though the offset expected was off by ${off}`);
}

/** Under an id of its own. If nobody knows what became of the last one, that one is tried again instead. */
export async function appendOnce(
  run: LogRun,
  name: LogName,
  history: LogHistory,
  what: string,
  shape: LogBatchShape,
): Promise<void> {
  const { lastOnce } = name;
  if (run.lacks('appendOnce')) return;
  if (lastOnce?.history === history && lastOnce.status === 'pending') return;
  if (lastOnce?.history === history && isUndecided(lastOnce)) return retry(run, name, history, what);
  const attempt = run.model.attempt(history, shape);
  attempt.about = 'once';
  name.lastOnce = attempt;
  await askOnce(run, attempt, what);
}

/** The last append under an id, once more: it must stand once, where it stood. */
export async function retry(run: LogRun, name: LogName, history: LogHistory, what: string): Promise<void> {
  const { lastOnce } = name;
  if (run.lacks('appendOnce') || lastOnce === undefined || lastOnce.history !== history) return;
  if (lastOnce.status === 'pending') await run.calls.all();
  // Whoever trims what he has not heard of cannot ask for it any more.
  if (lastOnce.tries.some(({ startOffset }) => (startOffset ?? 0) < history.startMax)) return;
  const attempt = run.model.retry(lastOnce);
  name.lastOnce = attempt;
  await askOnce(run, attempt, what);
}

async function askOnce(run: LogRun, attempt: LogAttempt, what: string): Promise<void> {
  const batch = given(attempt);
  const { history, label } = attempt;
  await askAppend(run, [attempt], [batch], what, () => run.driver.appendOnce!(history.name, label, batch));
}

function isUndecided({ tries }: LogAttempt): boolean {
  return tries.some(({ status }) => status === 'unknown') && tries.every(({ status }) => status !== 'acknowledged');
}

export async function appendClosed(run: LogRun, name: LogName, what: string): Promise<void> {
  const { history } = name;
  if (history === undefined || name.isOpen) return;
  const { model } = run;
  const attempt = model.attempt(history, small);
  await run.calls.ask({
    ...{ what, mayFail: run.mayBeUnavailable() },
    act: () => run.driver.append(name.name, given(attempt)),
    done: () => {
      throw new LogViolation('sensible', `${attempt.label} was appended to ${name.name}, which is closed`);
    },
    refusals: { STREAM_CLOSED: () => history.refuse([attempt], model.tick()) },
    failed: ({ outcome }) => {
      if (outcome === 'none') history.refuse([attempt], model.tick());
      else history.doubt([attempt], model.tick());
    },
  });
}

function given({ bytes, count, timestamp }: LogAttempt): GivenBatch {
  return { bytes: bytes.slice(), count, ...(timestamp === undefined ? {} : { timestamp }) };
}

function askAppend(
  run: LogRun,
  attempts: readonly LogAttempt[],
  batches: readonly GivenBatch[],
  what: string,
  act: () => Promise<LogRange>,
  { refusals, signal }: { refusals?: Readonly<Record<string, () => void>>; signal?: AbortSignal | undefined } = {},
): Promise<LogOutcome> {
  const { model } = run;
  const { history } = attempts[0] as LogAttempt;
  const name = model.name(history.name);
  const mayFail = run.mayBeUnavailable();
  const isGone = (failure: LogFailure): boolean =>
    (name.history !== history || run.isStopping) && ['STREAM_NOT_FOUND', 'STREAM_CLOSED'].includes(failure.code);
  return run.calls.ask({
    ...{ what: `${what} (${attempts.map(({ label }) => label).join(', ')})`, act, refusals, signal },
    mayFail: (failure) => mayFail(failure) || isGone(failure),
    done: (range) => {
      history.acknowledge(attempts, range, model.tick());
      for (const { bytes } of batches) bytes.fill(0xee); // They are the caller's again.
      return `[${range.startOffset}, ${range.endOffset})`;
    },
    failed: ({ outcome }) => {
      if (outcome === 'none' || isRefusedAtOnce(signal)) history.refuse(attempts, model.tick());
      else history.doubt(attempts, model.tick());
    },
  });
}
