// What a process does that has lost the log to another and does not know: nothing of it may be acknowledged, and
// nothing of it may ever be seen.
import { isUnavailable } from './log-calls.ts';
import type { LogUsurped } from './log-driver.ts';
import type { LogName } from './log-model.ts';
import { placeIn, type LogRun } from './log-run.ts';
import type { LogOperation } from './log-script.ts';
import { LogViolation } from './log-violation.ts';

type UsurpedCall = Extract<LogOperation, { do: 'usurped' }>['call'];

export async function callUsurped(run: LogRun, name: LogName, what: string, call: UsurpedCall): Promise<void> {
  const { usurped } = run.restarts;
  if (usurped === undefined) return;
  const act = actOf(run, usurped, name, call);
  if (act === undefined) return;
  await run.calls.ask({
    ...{ what, act },
    done: () => {
      throw new LogViolation('fenced', `${what} was done by a process that has lost the log`);
    },
    // Whatever it is told, it was not done; whether that is so, those who read will see.
    mayFail: (failure) => failure.outcome === 'none' || isUnavailable(failure),
  });
}

/** What it tries, unless that would change nothing anyway. */
function actOf(
  run: LogRun,
  usurped: LogUsurped,
  name: LogName,
  call: UsurpedCall,
): (() => Promise<unknown>) | undefined {
  const { history } = name;
  if (call === 'create') {
    const fresh = run.model.name(`${name.name}-of-the-usurped`);
    return () => usurped.create(fresh.name);
  }
  if (history === undefined) return undefined;
  if (call === 'delete') return () => usurped.delete(name.name);
  if (call === 'trim') {
    const startOffset = placeIn(history, 100);
    return startOffset > history.startMax ? () => usurped.trim(name.name, startOffset) : undefined;
  }
  const { bytes, count } = run.model.attempt(history, { count: 1, sizeBytes: 40 }, 'usurped');
  return () => usurped.append(name.name, { bytes: bytes.slice(), count });
}
