import type { SourceEdit } from './source-tree.mjs';

/** Which worlds are run. */
export interface HuntOptions {
  readonly seed: number;
  readonly worlds: number;
  /** Of processor time. */
  readonly seconds: number;
}

/** What came of a hunt. */
export interface Hunt {
  /** Worlds that were run, the one that failed counted. */
  readonly worlds: number;
  /** What the last of them broke: nothing, if it was not caught; 'hang', if a world did not end. */
  readonly verdicts: readonly string[];
  readonly message: string;
  readonly seconds: number;
}

/** Runs worlds of the source with edits until one of them breaks a promise. */
export function huntMutant(edits: readonly SourceEdit[], options: HuntOptions): Promise<Hunt>;
