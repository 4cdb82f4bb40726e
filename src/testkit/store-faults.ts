// What can go wrong between an engine and its object store, and the rules that say when. This file is the catalogue;
// which rules strike a call is decided in fault-rules.ts, what a fault does happens in faulty-object-store.ts.
//
// Every fault keeps the contract of ObjectStore, so whoever trusts a store must survive it, except those whose comment
// says that it breaks the contract: they show what becomes of damage, and are never part of a world of faults.

/** The requests of a store. */
export type FaultyOperation = 'put' | 'get' | 'list' | 'delete';

/** One thing that goes wrong. */
export type StoreFault =
  /**
   * The request takes a time between the two before it reaches the store. 'even', which is the rule if nothing is said:
   * every time is as likely. 'long-tailed': most take little more than the least, one in ten adds ten times it, one in
   * a hundred a hundred times.
   */
  | {
      readonly kind: 'latency';
      readonly minMs: number;
      readonly maxMs: number;
      readonly shape?: 'even' | 'long-tailed';
    }
  /** The request fails with STORE_UNAVAILABLE and has no effect; a delete may have had its effect all the same. */
  | { readonly kind: 'unavailable'; readonly afterEffect?: boolean }
  /**
   * The request never reaches the store. After a time drawn between the two a put is answered 'unknown', anything else
   * fails with STORE_UNAVAILABLE.
   */
  | { readonly kind: 'time-out-before'; readonly minMs: number; readonly maxMs: number }
  /** The same, but the request did reach the store, and had its effect before the wait. */
  | { readonly kind: 'time-out-after'; readonly minMs: number; readonly maxMs: number }
  /** A put is answered 'unknown' and never takes effect. */
  | { readonly kind: 'unknown-before' }
  /** A put takes effect and is answered 'unknown'. */
  | { readonly kind: 'unknown-after' }
  /**
   * A conditional put has no effect, because the store is busy with another request for the key (a 409). It is told as
   * the contract demands: 'unknown'. With `told: 'refused'` it is 'exists' or 'changed', though nothing may stand in
   * its way: that breaks the contract.
   */
  | { readonly kind: 'conflict-before'; readonly told?: 'unknown' | 'refused' }
  /**
   * A conditional put takes effect; its answer is lost, and a retry hidden in the client is refused by what it wrote
   * itself (a 412). It is told as the contract demands: 'unknown'. With `told: 'refused'` it is 'exists' or 'changed',
   * though it was stored: that breaks the contract.
   */
  | { readonly kind: 'conflict-after'; readonly told?: 'unknown' | 'refused' }
  /** A put is answered 'unknown'; it reaches the store after a time drawn between the two, its condition with it. */
  | { readonly kind: 'late-put'; readonly minMs: number; readonly maxMs: number }
  /**
   * A put is answered 'unknown'; it reaches the store, its condition with it, right after its key has been deleted, or
   * after this time. Deletes are seen that go through any FaultyObjectStore over the same store.
   */
  | { readonly kind: 'put-after-delete'; readonly maxMs: number }
  /** A put takes effect, is answered 'unknown', and reaches the store once more after a time drawn between the two. */
  | { readonly kind: 'doubled-put'; readonly minMs: number; readonly maxMs: number }
  /**
   * A put has sent half of its body; the rest follows when another put of the key has been stored, or after this time.
   * Only then is its condition tested. Puts are seen that go through any FaultyObjectStore over the same store.
   */
  | { readonly kind: 'overtaken-put'; readonly maxMs: number }
  /**
   * A put fails with STORE_UNAVAILABLE and has no effect if it reaches the store less than this after another put of
   * the key did, through any FaultyObjectStore over the same store. It strikes, and counts, only then.
   */
  | { readonly kind: 'key-rate'; readonly perKeyMs: number }
  /** A get answers 'missing', whatever stands there. Breaks the contract. */
  | { readonly kind: 'missing-get' }
  /** A get gives only the first part of the bytes, cut somewhere. Breaks the contract. */
  | { readonly kind: 'truncated-get' }
  /** A get gives bytes of which one bit is wrong. Breaks the contract. */
  | { readonly kind: 'flipped-bit' }
  /** A list gives at most so many keys. */
  | { readonly kind: 'small-page'; readonly keysMax: number }
  /** The connection crashes as if the process had died with this request under way; see FaultyObjectStore.crash. */
  | { readonly kind: 'crash'; readonly underWay?: UnderWay };

/** What becomes of requests that were under way in a crash: all reach the store, none does, or chance decides each. */
export type UnderWay = 'lands' | 'vanishes' | 'either';

/** When something goes wrong: at calls that fit all of what is given, always, at the n-th of them, or by chance. */
export interface FaultRule {
  readonly operation?: FaultyOperation | undefined;
  readonly purpose?: string | undefined;
  /** Strikes only keys that contain this (of a list: its prefix; of a delete: any of its keys). */
  readonly keyIncludes?: string | undefined;
  /** Strikes only the n-th call that fits, counted from 1. */
  readonly nth?: number | undefined;
  /** Strikes each call that fits with this probability, in (0, 1]. */
  readonly probability?: number | undefined;
  /** A burst: once it has struck, it strikes until it has struck so many fitting calls in a row. */
  readonly forCalls?: number | undefined;
  /** A burst: once it has struck, it strikes every fitting call for so long. */
  readonly forMs?: number | undefined;
  readonly fault: StoreFault;
}

/** A bit of everything that a store does to those who trust it: what a seed alone stands for. */
export const commonStoreFaults: readonly FaultRule[] = [
  { fault: { kind: 'latency', minMs: 1, maxMs: 40 } },
  { probability: 0.02, fault: { kind: 'latency', minMs: 500, maxMs: 3000 } },
  { probability: 0.03, fault: { kind: 'unknown-before' } },
  { probability: 0.03, fault: { kind: 'unknown-after' } },
  { probability: 0.02, fault: { kind: 'late-put', minMs: 10, maxMs: 20_000 } },
  { probability: 0.01, fault: { kind: 'doubled-put', minMs: 10, maxMs: 20_000 } },
  { probability: 0.03, fault: { kind: 'unavailable' } },
  { operation: 'delete', probability: 0.03, fault: { kind: 'unavailable', afterEffect: true } },
  { probability: 0.3, fault: { kind: 'small-page', keysMax: 3 } },
];
