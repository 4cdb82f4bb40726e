// What the tests use of failover-judge.mjs.
export class Judge {
  constructor(place: { readonly directory: string; readonly store?: string; readonly streams: number });
  readonly counts: { readonly batches: number; readonly acknowledged: number; readonly seen: number };
  /** Rejects with what is not as it must be; otherwise where each stream ends. */
  judge(): Promise<readonly number[]>;
}
