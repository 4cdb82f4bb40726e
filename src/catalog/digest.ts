// The running digest of a replica: what it is made of and how. Two replicas that judged the same records alike have the
// same digest; one that judged a single change otherwise is found out by the next record.
import { createHash } from 'node:crypto';
import { utf8, viewOf } from '../base/bytes.ts';
import type { Verdict, VoidReason } from './change.ts';

/** Bytes of a running digest. */
export const digestSizeBytes = 16;

/** The order is part of the digest: append, never reorder. */
const reasons: readonly VoidReason[] = [
  'fenced',
  'recovering',
  'exists',
  'not-found',
  'owned',
  'closed',
  'conflict',
  'position',
  'recovered',
  'discontinuous',
  'settled',
  'malformed',
];
const reasonCodes = new Map(reasons.map((reason, i) => [reason, i + 1]));

/** Digest of a state that no record has changed yet: of the cluster it belongs to. */
export function firstDigest(clusterId: string): Uint8Array {
  return cut(createHash('sha256').update('qanat state ').update(utf8(clusterId)).digest());
}

/** Digest after a record: of the digest before it, its bytes, and what became of its changes. */
export function nextDigest(previous: Uint8Array, recordBytes: Uint8Array, verdicts: readonly Verdict[]): Uint8Array {
  // The record's length stands before it, so that its last bytes cannot pass for verdicts.
  const head = new Uint8Array(8);
  viewOf(head).setFloat64(0, recordBytes.byteLength);
  const tail = new Uint8Array(verdicts.length * 9);
  const view = viewOf(tail);
  verdictColumns(verdicts).forEach((number, i) => {
    if (i % 2 === 0) view.setUint8((i / 2) * 9, number);
    else view.setFloat64(((i - 1) / 2) * 9 + 1, number);
  });
  return cut(createHash('sha256').update(previous).update(head).update(recordBytes).update(tail).digest());
}

/** Verdicts as numbers, two each: a code (0 for applied, else the reason's) and the value or fact. */
export function verdictColumns(verdicts: readonly Verdict[]): number[] {
  return verdicts.flatMap((verdict) =>
    verdict.applied ? [0, verdict.value] : [reasonCodes.get(verdict.reason) as number, verdict.fact],
  );
}

/** The verdict that two of those numbers stand for; undefined if they stand for none. */
export function verdictOfColumns(code: number, number: number): Verdict | undefined {
  if (code === 0) return { applied: true, value: number };
  const reason = reasons[code - 1];
  return reason === undefined ? undefined : { applied: false, reason, fact: number };
}

function cut(hash: Uint8Array): Uint8Array {
  return new Uint8Array(hash.subarray(0, digestSizeBytes));
}
