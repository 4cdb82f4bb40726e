// Every error this package gives: a stable `code`, typed facts of that code, what to do about it (`action`) and
// whether anything may have happened (`outcome`). Messages are for people and may change. docs/errors.md lists them.
import type { StreamRef } from './ids.ts';

/** What a caller can do: try again later, open again, mend the call, mend the stored bytes, or tell us. */
export type ErrorAction = 'retry' | 'reopen' | 'correct' | 'repair' | 'report';

/** 'none': certainly nothing changed. 'unknown': it may have. */
export type ErrorOutcome = 'none' | 'unknown';

/** The facts that each code carries as fields of the error. */
export interface QanatErrorFacts {
  STREAM_NOT_FOUND: { readonly stream: StreamRef };
  STREAM_EXISTS: { readonly streamName: string; readonly stream: StreamRef };
  STREAM_OWNED: { readonly stream: StreamRef; readonly owner: string; readonly ownerEpoch: number };
  STREAM_CLOSED: { readonly stream: StreamRef };
  NODE_FENCED: { readonly node: string; readonly nodeEpoch: number; readonly byEpoch: number | undefined };
  CLOSED: { readonly what: string };
  OFFSET_OUT_OF_RANGE: { readonly offset: number; readonly startOffset: number; readonly endOffset: number };
  OFFSET_MISMATCH: { readonly expectedOffset: number; readonly nextOffset: number };
  RECORD_TOO_LARGE: { readonly sizeBytes: number; readonly sizeMaxBytes: number };
  OVERLOADED: { readonly what: string };
  CONFLICT: {
    readonly what: string;
    readonly currentVersion?: number | undefined;
    readonly currentEpoch?: number | undefined;
  };
  STORE_UNAVAILABLE: { readonly operation: string; readonly key: string | undefined };
  STORE_UNSUITABLE: {
    readonly problem: string;
    /** The permission that is missing, and for which key, if that is the problem. */
    readonly permission?: string | undefined;
    readonly key?: string | undefined;
    /** The rules that the store does not keep, as a probe found them. */
    readonly failedChecks?: readonly FailedCheck[] | undefined;
  };
  OBJECT_CORRUPT: { readonly key: string; readonly position: number | undefined };
  FORMAT_UNSUPPORTED: { readonly key: string; readonly found: number | string; readonly supported: number | string };
  WAL_LOCKED: { readonly node: string; readonly holder: string };
  WAL_MISSING: { readonly node: string; readonly nodeEpoch: number; readonly walKind: string; readonly walId: string };
  NODE_NOT_FOUND: { readonly node: string; readonly nodeEpoch: number | undefined };
}

/** One rule that a store does not keep, as a probe found it. */
export interface FailedCheck {
  /** What must hold, as a sentence. */
  readonly name: string;
  /** What happened instead, and what to do. */
  readonly problem: string;
  /** The permission that is missing, where that is it. */
  readonly permission?: string | undefined;
}

/** Every code, in one union. */
export type QanatErrorCode = keyof QanatErrorFacts;

/** The error of one code, with its facts. */
export type QanatErrorOf<C extends QanatErrorCode> = Error & {
  readonly name: 'QanatError';
  readonly code: C;
  readonly action: ErrorAction;
  readonly outcome: ErrorOutcome;
} & Readonly<QanatErrorFacts[C]>;

/** Any error of this package, discriminated by `code`. */
export type QanatError = { [C in QanatErrorCode]: QanatErrorOf<C> }[QanatErrorCode];

const actions: Readonly<Record<QanatErrorCode, ErrorAction>> = {
  STREAM_NOT_FOUND: 'correct',
  STREAM_EXISTS: 'correct',
  STREAM_OWNED: 'retry',
  STREAM_CLOSED: 'reopen',
  NODE_FENCED: 'reopen',
  CLOSED: 'reopen',
  OFFSET_OUT_OF_RANGE: 'correct',
  OFFSET_MISMATCH: 'correct',
  RECORD_TOO_LARGE: 'correct',
  OVERLOADED: 'retry',
  CONFLICT: 'correct',
  STORE_UNAVAILABLE: 'retry',
  STORE_UNSUITABLE: 'correct',
  OBJECT_CORRUPT: 'repair',
  FORMAT_UNSUPPORTED: 'repair',
  WAL_LOCKED: 'retry',
  WAL_MISSING: 'repair',
  NODE_NOT_FOUND: 'correct',
};

/** All codes, for those who list them. */
export const qanatErrorCodes: readonly QanatErrorCode[] = Object.keys(actions) as QanatErrorCode[];

const brand = Symbol.for('qanat.error');

class BrandedError extends Error {
  override readonly name = 'QanatError';
  readonly [brand] = true;
}

/** Makes the error of a code. `outcome` is 'none' and `action` the code's own, unless said otherwise. */
export function qanatError<C extends QanatErrorCode>(
  code: C,
  message: string,
  facts: QanatErrorFacts[C],
  more: { readonly outcome?: ErrorOutcome; readonly action?: ErrorAction; readonly cause?: unknown } = {},
): QanatErrorOf<C> {
  const error = new BrandedError(message, more.cause === undefined ? undefined : { cause: more.cause });
  return Object.assign(error, facts, {
    code,
    action: more.action ?? actions[code],
    outcome: more.outcome ?? 'none',
  }) as unknown as QanatErrorOf<C>;
}

/** An earlier failure as it concerns a later call, which was refused: nothing was done, and only opening anew helps. */
export function asRefusal(error: Error): Error {
  if (!isQanatError(error)) return error;
  const { code } = error;
  const facts = Object.fromEntries(Object.entries(error)) as unknown as QanatErrorFacts[typeof code];
  const more = { outcome: 'none', action: 'reopen', cause: error } as const;
  return qanatError(code, `refused, because of an earlier failure: ${error.message}`, facts, more);
}

/** Whether `error` is one of this package (of any copy of it), and of this code if one is given. */
export function isQanatError(error: unknown): error is QanatError;
export function isQanatError<C extends QanatErrorCode>(error: unknown, code: C): error is QanatErrorOf<C>;
export function isQanatError(error: unknown, code?: QanatErrorCode): boolean {
  return (
    error instanceof Error && brand in error && (code === undefined || (error as { code?: unknown }).code === code)
  );
}

/** A wrong argument: a RangeError (or TypeError) with `code: 'INVALID_ARGUMENT'`. */
export type InvalidArgumentError = (TypeError | RangeError) & { readonly code: 'INVALID_ARGUMENT' };

/** Makes the error for a wrong argument. Nothing was done. */
export function invalidArgument(
  message: string,
  kind: typeof TypeError | typeof RangeError = RangeError,
): InvalidArgumentError {
  return Object.assign(new kind(message), { code: 'INVALID_ARGUMENT' as const });
}
