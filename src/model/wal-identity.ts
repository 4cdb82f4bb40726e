// The identity of a WAL: stored when a node registers, so that a later recovery looks at the right one (R3).

/** Where a node's WAL lives: in the bucket, in a directory, in memory, or nowhere (a node that never appends). */
export type WalKind = 'object' | 'file' | 'memory' | 'none';

/** Kind, and an id drawn once for that WAL ('' where the kind alone says where to look). */
export interface WalIdentity {
  readonly kind: WalKind;
  readonly id: string;
}
