// What the file WAL says when the operating system refuses it: STORE_UNAVAILABLE, with the reason in words.
import { InvariantError } from '../base/assert.ts';
import { isQanatError, qanatError, type ErrorOutcome } from '../model/errors.ts';
import { errnoOf, fileFailure } from '../store/file-failure.ts';

/** The error for a failed file operation. Errors of this package are given back as they are. */
export function walFailure(cause: unknown, what: string, path: string, outcome: ErrorOutcome): Error {
  if (isQanatError(cause) || cause instanceof InvariantError) return cause;
  const why = errnoOf(cause) === undefined ? String((cause as Error | undefined)?.message) : wordsFor(cause, what);
  const message = why.startsWith(what) ? why : `${what}: ${why}`;
  return qanatError('STORE_UNAVAILABLE', message, { operation: 'wal', key: path }, { outcome, cause });
}

function wordsFor(cause: unknown, what: string): string {
  return (fileFailure(cause, what, undefined) as Error).message.replace(' failed (', ' (');
}
