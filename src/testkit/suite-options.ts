// What every suite checks before it declares a test: that it has a runner and a factory, and that no option is
// misspelt, so that no test is green because nobody looked at what was asked for.
import { checkFields, didYouMean, shown, wrongArgument } from './wrong-argument.ts';

const example = '{ test, open: async () => … }';

/** Refuses options of a suite that cannot be right, with a sentence that says what is. */
export function checkSuiteOptions(suite: string, options: unknown, others: readonly string[]): void {
  if (typeof options !== 'object' || options === null) {
    throw wrongArgument(`${suite} is given ${example}; got ${shown(options)}`);
  }
  const { test, open } = options as { readonly test?: unknown; readonly open?: unknown };
  if (typeof test !== 'function') {
    const right = 'the function of your runner that declares a test, such as test of node:test or of vitest';
    throw wrongArgument(`test of ${suite} is ${right}: ${example}; got ${shown(test)}`);
  }
  checkOpen(suite, open);
  checkFields(options, ['test', 'open', ...others], `the argument of ${suite}`);
}

/** Refuses what opens nothing. */
export function checkOpen(who: string, open: unknown): void {
  if (typeof open === 'function') return;
  const right = 'a function that opens a fresh thing to test, and gives a promise of it';
  throw wrongArgument(`open of ${who} is ${right}: open: async () => …; got ${shown(open)}`);
}

/** Refuses a number of things, or of milliseconds, that cannot be. */
export function checkCount(name: string, value: unknown, least = 1): void {
  if (value === undefined || (Number.isSafeInteger(value) && (value as number) >= least)) return;
  throw wrongArgument(`${name} is an integer of at least ${least}; got ${shown(value)}`);
}

/** Refuses what is neither true nor false, where something is said at all. */
export function checkSwitch(name: string, value: unknown): void {
  if (value === undefined || typeof value === 'boolean') return;
  throw wrongArgument(`${name} is true or false; got ${shown(value)}`);
}

/** Refuses what is no list of strings, or has one that is not known. */
export function checkNames(name: string, values: unknown, known?: readonly string[]): void {
  if (!Array.isArray(values) || values.some((value) => typeof value !== 'string')) {
    throw wrongArgument(`${name} is a list of strings; got ${shown(values)}`);
  }
  const strange = (values as readonly string[]).find((value) => known?.includes(value) === false);
  if (strange === undefined || known === undefined) return;
  throw wrongArgument(`${name} are of ${known.join(', ')}; got ${shown(strange)}${didYouMean(strange, known)}`);
}
