// How long is too long: for one request on its way to a store, for one call of a store that may make several, and for
// all tries of a call together. Pure.
//
// - A request that takes so long is given up, not because it has failed, but because another try is likely to be
//   answered sooner. So the limits lie far above what a store takes that is merely slow, and grow with the bytes.
// - Giving up is no proof of anything: what became of a put is then unknown.
// - Only the deadlines follow the setting `storeDeadlineMs`; what one request may take is a fact of stores.
import { MiB } from '../base/bytes.ts';
import { recordSizeMaxBytes, segmentSizeMaxBytes } from '../model/limits.ts';
import type { StoreOperation, StorePurpose } from './object-store.ts';

/** A request, as far as it matters for how long it may take. */
export interface RequestMeasure {
  readonly operation: StoreOperation;
  readonly purpose: StorePurpose;
  /** Bytes of the body, or of the answer as far as they are known. */
  readonly bytes?: number | undefined;
}

/** Whoever cannot move so much in a second, all requests together, is better served by smaller settings. */
const slowestBytesPerSecond: number = 1 * MiB;

/** A request is never waited for longer: no connection that is silent for so long comes back. */
const requestLimitMaxMs = 120_000;

/** A list or a delete goes through up to 1,000 keys, and through what was deleted between them. */
const manyKeysMs = 10_000;

/** Of a call that waits for a place before its request, or makes another one after it. */
const requestsPerCall = 2;

interface PurposeTimes {
  /** What a request without bytes may take. */
  readonly baseMs: number;
  /** All tries together take no longer, however long the store may be away. */
  readonly deadlineMaxMs?: number | undefined;
  /** What a value may have whose size nobody knows before it comes; as much as a segment unless said otherwise. */
  readonly unknownBytes?: number | undefined;
}

const times: Readonly<Record<StorePurpose, PurposeTimes>> = {
  // Appends are acknowledged in order: one request that hangs holds up all behind it.
  wal: { baseMs: 5_000 },
  // One record is under way at a time, and all changes wait for it.
  journal: { baseMs: 5_000, unknownBytes: recordSizeMaxBytes },
  // A reader waits, and a second try goes another way.
  read: { baseMs: 5_000 },
  follow: { baseMs: 5_000 },
  // Streams that nobody can write wait for it, but many requests are under way at once.
  recovery: { baseMs: 10_000 },
  // Whoever opens a set waits to be told that nothing listens where it was sent; trying again is the host's.
  cluster: { baseMs: 5_000, deadlineMaxMs: 15_000, unknownBytes: 0 },
  // As large as the state: so many bytes are a hundred thousand streams and more.
  snapshot: { baseMs: 10_000, unknownBytes: 32 * MiB },
  upload: { baseMs: 10_000 },
  // Somebody waits at a terminal, to be told what is wrong.
  probe: { baseMs: 10_000, deadlineMaxMs: 15_000 },
  // Nobody waits. What fails is planned anew later, from a newer state; until then it holds memory for nothing.
  compaction: { baseMs: 20_000, deadlineMaxMs: 60_000 },
  sweep: { baseMs: 20_000, deadlineMaxMs: 60_000 },
};

/** For purposes that the types do not know. */
const otherTimes: PurposeTimes = { baseMs: 10_000 };

/** How long one request is waited for, from when it is sent to the last byte of its answer. */
export function requestLimitMs({ operation, purpose, bytes }: RequestMeasure): number {
  const { baseMs, unknownBytes = segmentSizeMaxBytes } = timesOf(purpose);
  const isOfKeys = operation === 'list' || operation === 'delete';
  const moved = bytes ?? (isOfKeys ? 0 : unknownBytes);
  const movingMs = Math.ceil((moved / slowestBytesPerSecond) * 1000);
  return Math.min(requestLimitMaxMs, baseMs + movingMs + (isOfKeys ? manyKeysMs : 0));
}

/**
 * How long one call of any store is waited for. A store that bounds its own requests has given up long before; this is
 * for one that does not, and leaves room for waiting in a lane and for pages. `requests`: how many requests the call
 * makes one after the other at most, if it is known that they are many.
 */
export function callLimitMs(measure: RequestMeasure, requests = 1): number {
  return requestLimitMs(measure) * Math.max(requestsPerCall, requests);
}

/** How long a call is tried again, where it is tried again, if the store may be away for `storeDeadlineMs`. */
export function retryDeadlineMs(purpose: StorePurpose, storeDeadlineMs: number): number {
  return Math.min(storeDeadlineMs, timesOf(purpose).deadlineMaxMs ?? Infinity);
}

function timesOf(purpose: string): PurposeTimes {
  return Object.hasOwn(times, purpose) ? times[purpose as StorePurpose] : otherTimes;
}
