// What scripts do to whole streams: create, open, close, delete.
import type { LogCall } from './log-calls.ts';
import type { LogHistory } from './log-history.ts';
import type { LogName } from './log-model.ts';
import type { LogRun } from './log-run.ts';
import { hold } from './log-violation.ts';

/** The stream, created or opened if need be; nothing if that cannot be. */
export async function readyStream(run: LogRun, name: LogName): Promise<LogHistory | undefined> {
  if (name.doubt !== undefined) return undefined; // Until a restart has told what there is.
  if (name.history === undefined) await createStream(run, name, `create ${name.name}`);
  if (name.history !== undefined && !name.isOpen) await openStream(run, name, `open ${name.name}`);
  return name.isOpen ? name.history : undefined;
}

export async function createStream(run: LogRun, name: LogName, what: string, signal?: AbortSignal): Promise<void> {
  const { model, driver } = run;
  const standing = name.history;
  const fresh = standing === undefined ? model.newHistory(name.name) : undefined;
  const call: LogCall<void> = {
    ...{ what, signal, mayFail: run.mayBeUnavailable() },
    act: () => driver.create(name.name, ...optionsOf(signal)),
    done: () => {
      hold(fresh !== undefined, 'sensible', () => `${name.name} was created though it was there`);
      Object.assign(name, { history: fresh, isOpen: true, moves: name.moves + 1 });
    },
    refusals: {
      STREAM_EXISTS: () =>
        hold(fresh === undefined, 'nothingOld', () => `${name.name} could not be created: it exists`),
    },
    failed: ({ outcome }) => {
      if (outcome === 'unknown' && !isRefusedAtOnce(signal)) name.doubt = fresh;
    },
  };
  await run.calls.ask(call);
}

export async function openStream(run: LogRun, name: LogName, what: string, signal?: AbortSignal): Promise<void> {
  const call: LogCall<void> = {
    ...{ what, signal, mayFail: run.mayBeUnavailable() },
    act: () => run.driver.open(name.name, ...optionsOf(signal)),
    done: () => {
      hold(name.history !== undefined, 'nothingOld', () => `${name.name} was opened, and there is none`);
      name.isOpen = true;
    },
    refusals: {
      STREAM_NOT_FOUND: () => hold(name.history === undefined, 'durable', () => `the stream ${name.name} is lost`),
    },
  };
  await run.calls.ask(call);
}

export async function closeStream(run: LogRun, name: LogName, what: string): Promise<void> {
  if (name.history === undefined || !name.isOpen) return;
  name.isOpen = false;
  name.moves += 1;
  const act = (): Promise<void> => run.driver.closeStream(name.name);
  await run.calls.ask({ what, act, mayFail: run.mayBeUnavailable(), done: () => {} });
}

export async function deleteStream(run: LogRun, name: LogName, what: string, signal?: AbortSignal): Promise<void> {
  const { history, isOpen } = name;
  name.isOpen = false;
  name.moves += 1;
  await run.calls.ask({
    ...{ what, signal, mayFail: run.mayBeUnavailable() },
    act: () => run.driver.delete(name.name, ...optionsOf(signal)),
    done: () => {
      hold(history !== undefined, 'nothingOld', () => `${name.name} was deleted, and there was none`);
      name.history = undefined;
    },
    refusals: {
      STREAM_NOT_FOUND: () => hold(history === undefined, 'durable', () => `the stream ${name.name} is lost`),
    },
    failed: ({ outcome }) => {
      if (isRefusedAtOnce(signal)) name.isOpen = isOpen;
      else if (outcome === 'unknown') Object.assign(name, { doubt: history, history: undefined });
    },
  });
}

/** Options of a call that has any. */
export function optionsOf(signal: AbortSignal | undefined): readonly [] | readonly [{ readonly signal: AbortSignal }] {
  return signal === undefined ? [] : [{ signal }];
}

const abortedBefore = new WeakSet<AbortSignal>();

/** A signal that is aborted already: whatever is given it changes nothing. */
export function abortedSignal(): AbortSignal {
  const controller = new AbortController();
  controller.abort(new Error('aborted by the suite, before the call'));
  abortedBefore.add(controller.signal);
  return controller.signal;
}

/** Whether a call that was given this signal cannot have had an effect. */
export function isRefusedAtOnce(signal: AbortSignal | undefined): boolean {
  return signal !== undefined && abortedBefore.has(signal);
}
