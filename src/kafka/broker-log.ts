// What a broker tells the people who run it. It writes nothing itself: an embedder gives it a place to write to.

/** 'error': somebody has to look. 'info': what changes rarely. 'debug': what clients do. */
export type LogLevel = 'error' | 'info' | 'debug';

/** What is told besides the sentence. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** Where a broker's sentences go. */
export interface BrokerLog {
  /** `message` is a constant sentence; what varies is in `fields`. Never throws. */
  log(level: LogLevel, message: string, fields?: LogFields): void;
}

/** Says nothing. */
export const silentLog: BrokerLog = { log: () => {} };
