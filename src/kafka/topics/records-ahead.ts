// Batches of a partition whose records are stamped ahead of the broker's clock. The storage engine is told no later
// time than that of their arrival, or they would keep everything before them from ever growing old; so it does not find
// them by their own time, and they are remembered here until the clock has caught up. Only in memory, and only so many.

const countMax = 256;

/** One batch ahead of its time. */
export interface BatchAhead {
  readonly baseOffset: number;
  readonly endOffset: number;
  readonly maxTimestamp: number;
}

export class RecordsAhead {
  /** In the order of offsets; each is later than all before it, because an earlier one is found first. */
  readonly #batches: BatchAhead[] = [];

  /** Notes a batch that was appended now. */
  note(batch: BatchAhead, nowMs: number): void {
    const batches = this.#batches;
    let passed = 0;
    while (passed < batches.length && (batches[passed] as BatchAhead).maxTimestamp <= nowMs) passed += 1;
    if (passed > 0) batches.splice(0, passed);
    const last = batches.at(-1);
    if (batch.maxTimestamp <= nowMs) return;
    if (last !== undefined && (last.maxTimestamp >= batch.maxTimestamp || last.baseOffset > batch.baseOffset)) return;
    if (batches.length === countMax) batches.shift();
    batches.push(batch);
  }

  /** The first batch in [startOffset, endOffset) with a record at or after `timestamp`. */
  firstAtOrAfter(timestamp: number, startOffset: number, endOffset: number): BatchAhead | undefined {
    return this.#batches.find(
      (batch) => batch.maxTimestamp >= timestamp && batch.endOffset > startOffset && batch.endOffset <= endOffset,
    );
  }

  /** The latest of all in [startOffset, endOffset). */
  latest(startOffset: number, endOffset: number): BatchAhead | undefined {
    return this.#batches.findLast((batch) => batch.endOffset > startOffset && batch.endOffset <= endOffset);
  }
}
