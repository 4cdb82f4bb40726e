// Options of calls, checked at the door: what is wrong is said with a code, before anything is done.
import { invalidArgument } from './errors.ts';

/** Checks what every call may be given: an object, in which `signal` is an AbortSignal or missing. */
export function checkCallOptions(options: unknown): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw invalidArgument(`options are an object, such as { signal }; got ${kindOf(options)}`, TypeError);
  const { signal } = options as { readonly signal?: unknown };
  if (signal !== undefined) checkMethods(signal, '`signal` is an AbortSignal', ['throwIfAborted', 'addEventListener']);
}

/** Checks that a component has the methods it is used by. `what` says what it should be. */
export function checkMethods(component: unknown, what: string, methods: readonly string[]): void {
  const candidate = component as Readonly<Record<string, unknown>> | null;
  const isObject = typeof candidate === 'object' && candidate !== null;
  const missing = isObject ? methods.find((name) => typeof candidate[name] !== 'function') : undefined;
  if (isObject && missing === undefined) return;
  const problem = isObject ? `an object without the method ${missing}` : kindOf(component);
  throw invalidArgument(`${what}; got ${problem}`, TypeError);
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'an array' : typeof value;
}
