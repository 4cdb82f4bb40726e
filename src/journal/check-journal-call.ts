// The arguments of a journal's calls, checked alike by every journal of this package.
import { invalidArgument } from '../model/errors.ts';

/** Checks the index of a record or snapshot: 1, 2, 3, … */
export function checkIndex(index: unknown, what: string): void {
  if (!Number.isSafeInteger(index) || (index as number) < 1)
    throw invalidArgument(`${what} is a positive integer; got ${String(index)}`);
}

/** Checks a floor to reach: any index, or 0 for none. */
export function checkFloor(upTo: unknown): void {
  if (!Number.isSafeInteger(upTo) || (upTo as number) < 0)
    throw invalidArgument(`a floor is an integer from 0 on; got ${String(upTo)}`);
}

/** Checks the bytes of a record or snapshot. Nothing at all could not tell its writer, so it is refused. */
export function checkBytes(bytes: unknown, what: string): void {
  if (!(bytes instanceof Uint8Array)) throw invalidArgument(`${what} is a Uint8Array; got ${typeof bytes}`, TypeError);
  if (bytes.byteLength === 0) throw invalidArgument(`${what} has at least one byte`);
}
