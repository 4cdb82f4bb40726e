// What scripts do to read and to forget: reads, look-ups by time, trims, and those who follow.
import type { LogReadResult } from './log-driver.ts';
import type { LogHistory } from './log-history.ts';
import type { LogName } from './log-model.ts';
import { placeIn, type LogRun } from './log-run.ts';
import { isRefusedAtOnce, optionsOf } from './log-stream-operations.ts';
import { hold } from './log-violation.ts';

/** What is read. */
export interface LogReadShape {
  readonly at: number;
  readonly maxBytes?: number | undefined;
  readonly span?: number | undefined;
}

export async function readStream(
  run: LogRun,
  history: LogHistory,
  what: string,
  { at, maxBytes, span }: LogReadShape,
  signal?: AbortSignal,
): Promise<void> {
  const { model } = run;
  const name = model.name(history.name);
  const from = placeIn(history, at);
  const [call_] = optionsOf(signal);
  const options = { maxBytes, ...(span === undefined ? {} : { to: from + span }), ...call_ };
  const call = { history, from, options, before: history.known };
  await run.calls.ask({
    ...{ what: `${what} (from ${from})`, mayFail: run.mayFailBy(name), signal },
    act: () => run.driver.read(name.name, from, options),
    done: (result: LogReadResult) => {
      model.observeRead(call, result);
      return `${result.batches.length} batches of [${result.startOffset}, ${result.endOffset})`;
    },
    refusals: { OFFSET_OUT_OF_RANGE: () => model.observeOutOfRange(call) },
  });
}

export async function lookUp(
  run: LogRun,
  history: LogHistory,
  what: string,
  timestamp: number,
  signal?: AbortSignal,
): Promise<void> {
  if (run.lacks('offsetAt')) return;
  const { model, driver } = run;
  const name = model.name(history.name);
  const calledAt = model.tick();
  const before = history.known;
  await run.calls.ask({
    ...{ what, mayFail: run.mayFailBy(name), signal },
    act: () => driver.offsetAt!(name.name, timestamp, ...optionsOf(signal)),
    done: (found) => {
      history.observeLookUp(timestamp, calledAt, before, found);
      return String(found ?? 'nothing');
    },
  });
}

export async function trimStream(
  run: LogRun,
  history: LogHistory,
  what: string,
  at: number,
  signal?: AbortSignal,
): Promise<void> {
  const name = run.model.name(history.name);
  const startOffset = placeIn(history, at);
  const before = history.known;
  const trim = history.trim(startOffset);
  await run.calls.ask({
    ...{ what: `${what} (to ${startOffset})`, mayFail: run.mayFailBy(name), signal },
    act: () => run.driver.trim(name.name, startOffset, ...optionsOf(signal)),
    done: () => history.trimmed(trim, 'done'),
    refusals: {
      OFFSET_OUT_OF_RANGE: () => {
        const isOutside = startOffset > before.endOffset || startOffset < history.startMax;
        hold(isOutside, 'sensible', () => `a trim to ${startOffset} was refused; the end was ${before.endOffset}`);
        history.trimmed(trim, 'refused');
      },
    },
    failed: ({ outcome }) => {
      if (outcome === 'none' || isRefusedAtOnce(signal)) history.trimmed(trim, 'refused');
    },
  });
}

export function followStream(run: LogRun, history: LogHistory, at: number): void {
  if (run.lacks('follow')) return;
  const name: LogName = run.model.name(history.name);
  const { startOffset, endOffset } = history.known;
  const from = Math.min(Math.max(placeIn(history, at), startOffset), endOffset);
  const what = `follow ${name.name} from ${from}`;
  run.calls.note(what);
  const { moves } = name;
  const mayFail = run.restarts.watch();
  const mayEnd = (): boolean => name.moves !== moves || mayFail();
  run.followers.add(
    name,
    history,
    from,
    run.calls.now(what, () => run.driver.follow!(name.name, from)),
    mayEnd,
  );
}
