// Small words that the files of apply-change.ts share.
import type { CatalogChange, Verdict, VoidReason } from './change.ts';
import type { EpochEntry } from './node-table.ts';

/** Told of everything that applied changes alter. */
export type Tell = ((change: CatalogChange) => void) | undefined;

/** The verdict on a change that does what it says. */
export function applies(value = 0): Verdict {
  return { applied: true, value };
}

/** The verdict on a change that does nothing. */
export function voids(reason: VoidReason, fact = 0): Verdict {
  return { applied: false, reason, fact };
}

/** Raises a settled watermark; it never goes back (I5). */
export function settle(epoch: EpochEntry, settledBelow: number): void {
  epoch.settledBelow = Math.max(epoch.settledBelow, settledBelow);
}
