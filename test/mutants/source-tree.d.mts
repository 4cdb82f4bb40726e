/** A line of the source that is changed. */
export interface SourceEdit {
  /** Path below `src`: 'journal/record-append.ts'. */
  readonly file: string;
  /** Text that stands in the file exactly once; it may have several lines. */
  readonly from: string;
  readonly to: string;
}

/** Makes a compiled copy of `src`, with edits, and of other folders beside it. Its path. */
export function makeSourceTree(edits: readonly SourceEdit[], folders?: readonly string[]): string;
