// What every object store checks before it does anything: wrong arguments are refused the same way by all of them,
// with INVALID_ARGUMENT and a sentence. These functions throw; stores call them inside their async methods, so that
// callers always see a rejected promise.
import { invalidArgument } from '../model/errors.ts';
import type { ByteRange, GetOptions, ListOptions, PutOptions, StoreRequestOptions } from './object-store.ts';

/** The longest key, in UTF-8 bytes: what S3 and everything that speaks like it accepts. */
export const keyMaxBytes = 1024;

/** Keys in one answer of `list` when the caller sets no limit: what S3 gives. */
export const listLimitDefault = 1000;

/** Checks the arguments of `put`. */
export function checkPut(key: unknown, body: unknown, options: PutOptions): void {
  checkKey(key);
  if (!(body instanceof Uint8Array)) throw invalidArgument(`a body is a Uint8Array; got ${show(body)}`, TypeError);
  checkOptions(options);
  const condition: unknown = options.if;
  if (condition === undefined || condition === 'absent') return;
  const etag = typeof condition === 'object' && condition !== null && 'etag' in condition ? condition.etag : undefined;
  if (typeof etag !== 'string' || etag === '')
    throw invalidArgument(`the condition of a put is 'absent' or { etag: <text> }; got ${show(condition)}`, TypeError);
}

/** Checks the arguments of `get`. */
export function checkGet(key: unknown, options: GetOptions): void {
  checkKey(key);
  checkOptions(options);
  const { ifNoneMatch, range } = options as { ifNoneMatch?: unknown; range?: unknown };
  if (ifNoneMatch !== undefined && (typeof ifNoneMatch !== 'string' || ifNoneMatch === ''))
    throw invalidArgument(`ifNoneMatch is an etag; got ${show(ifNoneMatch)}`, TypeError);
  if (range !== undefined) checkRange(range);
}

/** Checks the arguments of `list`. */
export function checkList(options: ListOptions): void {
  checkOptions(options);
  const { prefix, after, limit } = options as { prefix: unknown; after?: unknown; limit?: unknown };
  checkPartOfKey(prefix, 'a prefix');
  if (after !== undefined) checkPartOfKey(after, '`after`');
  if (limit !== undefined && (!Number.isSafeInteger(limit) || (limit as number) < 1))
    throw invalidArgument(`the limit of a list is a positive integer; got ${show(limit)}`);
}

/** Checks the arguments of `delete`. */
export function checkDelete(keys: unknown, options: StoreRequestOptions): void {
  if (!Array.isArray(keys)) throw invalidArgument(`delete takes an array of keys; got ${show(keys)}`, TypeError);
  for (const key of keys) checkKey(key);
  checkOptions(options);
}

/** The bytes [start, end) that a range means in a value of `size` bytes. */
export function resolveRange(range: ByteRange | undefined, size: number): { start: number; end: number } {
  if (range === undefined) return { start: 0, end: size };
  if ('last' in range) return { start: Math.max(0, size - range.last), end: size };
  const start = Math.min(range.start, size);
  return { start, end: Math.max(start, Math.min(range.end, size)) };
}

function checkOptions(options: unknown): void {
  if (typeof options !== 'object' || options === null)
    throw invalidArgument(`a request carries options with its purpose; got ${show(options)}`, TypeError);
  const { purpose } = options as { purpose?: unknown };
  if (typeof purpose !== 'string' || purpose === '')
    throw invalidArgument(`a request names its purpose; got ${show(purpose)}`, TypeError);
}

function checkKey(key: unknown): void {
  checkPartOfKey(key, 'a key');
  if (key === '') throw invalidArgument('a key has at least one character');
}

function checkPartOfKey(text: unknown, what: string): void {
  if (typeof text !== 'string') throw invalidArgument(`${what} is a string; got ${show(text)}`, TypeError);
  if (text.length > keyMaxBytes || Buffer.byteLength(text) > keyMaxBytes)
    throw invalidArgument(`${what} has at most ${keyMaxBytes} UTF-8 bytes; this one has more`);
  if (/\p{Surrogate}/u.test(text))
    throw invalidArgument(`${what} must be well-formed Unicode; this one has a lone surrogate`);
}

function checkRange(range: unknown): void {
  if (typeof range !== 'object' || range === null)
    throw invalidArgument(`a range is { start, end } or { last }; got ${show(range)}`, TypeError);
  const { start, end, last } = range as { start?: unknown; end?: unknown; last?: unknown };
  if (last !== undefined && start === undefined && end === undefined) {
    checkPosition(last, 'last');
    return;
  }
  if (last !== undefined) throw invalidArgument('a range is { start, end } or { last }, not both', TypeError);
  checkPosition(start, 'start');
  checkPosition(end, 'end');
  if ((start as number) > (end as number))
    throw invalidArgument(`a range ends at or after its start; got [${String(start)}, ${String(end)})`);
}

function checkPosition(value: unknown, name: string): void {
  if (!Number.isSafeInteger(value) || (value as number) < 0)
    throw invalidArgument(`\`${name}\` of a range is a non-negative integer; got ${show(value)}`);
}

function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}...` : value);
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return String(value);
  return value === null ? 'null' : typeof value;
}
