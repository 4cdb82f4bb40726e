// A broken promise of a log: which one, and what was seen. The names are what failures print.

/** The promises that logSuite checks. */
export const logProperties = {
  durable: 'P1 what was acknowledged can be read, through any crash',
  offsets: 'P2 offsets are contiguous, and each is given once',
  oneHistory: 'P3 all readers see one history, and what was seen stays',
  wholeBatch: 'P4 a read inside a batch gives that batch',
  answers: 'P5 every call is answered',
  monotonic: 'P6 neither start nor end goes back, and no more is registered than is durable',
  once: 'P7 an append that is tried again is one record with one offset',
  fenced: 'P8 a process that lost the log changes nothing',
  trimmed: 'P9 a trim is exact and for ever',
  nothingOld: 'P10 a name created again shows nothing old',
  referenced: 'P12 everything that is referred to exists',
  bounded: 'P13 memory stays within its budget',
  frugal: 'P14 requests per operation stay within bounds',
  timely: 'P15 a look-up by time is right',
  abortable: 'P16 an abort leaves nothing or all',
  settles: 'P17 every promise settles after a close, a crash, a fence',
  truthful: 'P18 the log tells the truth about itself',
  repeatable: 'P19 the same seed gives the same history',
  refused: 'a refused call changes nothing',
  followed: 'following gives all of the history, once and in order',
  sensible: 'a call is answered as the state of the log demands',
} as const;

/** One of the promises, by its short name. */
export type LogProperty = keyof typeof logProperties;

/** Thrown when a log has broken a promise. */
export class LogViolation extends Error {
  override readonly name: 'LogViolation' = 'LogViolation';
  readonly property: LogProperty;

  constructor(property: LogProperty, message: string, cause?: unknown) {
    super(`${logProperties[property]}: ${message}`, cause === undefined ? undefined : { cause });
    this.property = property;
  }
}

/** Throws a violation unless `condition` holds. */
export function hold(condition: boolean, property: LogProperty, message: () => string): void {
  if (!condition) throw new LogViolation(property, message());
}
