// Whose turn it is in the journal (pure). Whoever has just appended a record knows the end of the journal, and can send
// the next one at once; whoever has lost has to read first. So one busy node would win against all others for as long
// as it is busy. It stands back now and then for as long as the others need to read and to try: often while others are
// known to write, seldom while it seems to be alone, because those who only ever lose are not seen.

/** Own records in a row before others are let in, while others are known to write, and while not. */
const rowMax = { amongOthers: 4, alone: 64 };

/** For how long others count as writing after a record of theirs was seen. */
const othersKnownMs = 10_000;

/** How long others need to read and to try, in appends. The exact time is drawn, so that not all stand back at once. */
const pauseAppends = { min: 2, max: 4 };

/** An append that met an outage may have taken minutes; nobody stands back for longer than this. */
const pauseMaxMs = 1_000;

export class TurnTaking {
  #row = 0;
  #appendMs = 0;
  #othersSeenAt = -Infinity;

  /** A record of somebody else was read. */
  sawOther(nowMs: number): void {
    this.#othersSeenAt = nowMs;
  }

  /** An own record stands; `tookMs` is known if it did not have to race. */
  appended(tookMs: number | undefined): void {
    this.#row = tookMs === undefined ? 1 : this.#row + 1;
    if (tookMs !== undefined) this.#appendMs = tookMs;
  }

  /** How long to stand back before the next record; `fraction` is drawn from [0, 1). */
  pauseMs(nowMs: number, fraction: number): number {
    const { amongOthers, alone } = rowMax;
    if (this.#row < (nowMs - this.#othersSeenAt < othersKnownMs ? amongOthers : alone)) return 0;
    this.#row = 0;
    const { min, max } = pauseAppends;
    return Math.min(pauseMaxMs, Math.ceil(this.#appendMs * (min + fraction * (max - min))));
  }
}
