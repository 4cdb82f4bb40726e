// Calls that are aborted while they are under way. Afterwards the change is there in full or not at all, the call has
// rejected with the reason of its signal unless it had its answer already, and the log goes on.
import { appendOne } from './log-append-operations.ts';
import type { LogName } from './log-model.ts';
import { lookUp, readStream, trimStream } from './log-read-operations.ts';
import type { LogRun } from './log-run.ts';
import type { LogOperation } from './log-script.ts';
import { abortedSignal, createStream, deleteStream, openStream, readyStream } from './log-stream-operations.ts';

type AbortOperation = Extract<LogOperation, { do: 'abort' }>;

export async function abortCall(run: LogRun, name: LogName, what: string, operation: AbortOperation): Promise<void> {
  const { call, afterTurns, afterMs } = operation;
  if (run.lacks('takesSignals') || (call === 'look-up' && run.lacks('offsetAt'))) return;
  const changesNames = call === 'create' || call === 'open' || call === 'delete';
  const history = changesNames ? undefined : await readyStream(run, name);
  if (!changesNames && history === undefined) return;
  if (call === 'open' && name.history === undefined) return;
  const { signal, abort } = abortable();
  const given = afterTurns === 0 && afterMs === 0 ? abortedSignal() : signal;
  const answer = makeCall(run, name, what, call, given);
  const aborted = afterwards(run, afterTurns, afterMs).then(abort);
  await answer;
  await aborted; // So that nothing of it is left when the next operation begins.
}

async function makeCall(
  run: LogRun,
  name: LogName,
  what: string,
  call: AbortOperation['call'],
  signal: AbortSignal,
): Promise<void> {
  const { history } = name;
  switch (call) {
    case 'create':
      return createStream(run, name, what, signal);
    case 'open':
      name.isOpen = false; // Whether it is nobody knows; whoever needs it opens it again.
      return openStream(run, name, what, signal);
    case 'delete':
      return deleteStream(run, name, what, signal);
    default:
  }
  if (history === undefined) return;
  switch (call) {
    case 'append':
      return appendOne(run, history, what, { count: 2, sizeBytes: 40 }, signal);
    case 'read':
      return readStream(run, history, what, { at: 50 }, signal);
    case 'trim':
      return trimStream(run, history, what, 30, signal);
    default:
      return lookUp(run, history, what, 50, signal);
  }
}

function abortable(): { readonly signal: AbortSignal; readonly abort: () => void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort(new Error('aborted by the suite')) };
}

async function afterwards(run: LogRun, turns: number, ms: number): Promise<void> {
  if (ms > 0) await run.pause(ms);
  for (let turn = 1; turn < turns; turn += 1) await Promise.resolve();
}
