// Refuses what is no log driver, before a script fails in a way that nobody understands.
import type { LogDriver, LogDriverOption } from './log-driver.ts';
import { shown, wrongArgument } from './wrong-argument.ts';

const needed: readonly Exclude<keyof LogDriver, LogDriverOption>[] = [
  ...(['create', 'open', 'append', 'range', 'read', 'trim', 'closeStream', 'delete', 'reopen', 'close'] as const),
];

const optional: readonly LogDriverOption[] = [
  ...(['appendAt', 'appendAll', 'appendOnce', 'follow', 'offsetAt', 'registeredEnd', 'maintain', 'crash'] as const),
  ...(['disturb', 'settle', 'usurp', 'isEnded', 'audit', 'memory', 'requests', 'stats'] as const),
];

/** Throws a TypeError that says what a log lacks. */
export function checkDriver(driver: unknown): asserts driver is LogDriver {
  if (typeof driver !== 'object' || driver === null) {
    throw wrongArgument(`open gives a promise of a LogDriver; it gave ${shown(driver)}`);
  }
  const methods = driver as Readonly<Record<string, unknown>>;
  for (const name of needed) {
    if (typeof methods[name] === 'function') continue;
    throw wrongArgument(`the log that open gave has no method ${name}; a LogDriver has ${needed.join(', ')}`);
  }
  for (const name of optional) {
    const kind = typeof methods[name];
    if (kind !== 'function' && kind !== 'undefined')
      throw wrongArgument(`${name} of a log is a method; it is a ${kind}`);
  }
}
