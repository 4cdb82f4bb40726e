// Options of a stream set's calls.
import type { Attributes } from '../model/ids.ts';
import type { ObjectStore } from '../store/object-store.ts';
import type { CallOptions } from '../stream/stream.ts';
import type { WalFactory } from '../wal/wal.ts';
import type { FoundationOptions } from './foundation.ts';

/** Options of opening a cluster to read. */
export interface OpenReadOnlyOptions extends FoundationOptions {}

/** Options of opening a node's stream set. */
export interface OpenOptions extends FoundationOptions {
  /** The node's name: one live set has it at a time; a later one fences the earlier. */
  readonly node: string;
  readonly store: ObjectStore;
  /**
   * How appends become durable. Default: `objectWal()`; but if `store` is a `FileObjectStore`, a file WAL beside its
   * objects, `fileWal({ directory: '<directory>/wal/<node>' })`. Where several nodes write to one `FileObjectStore`,
   * each asks for `objectWal()`: then what one leaves when it dies is where the others find it.
   */
  readonly wal?: WalFactory | undefined;
  /**
   * What to do if the WAL of an earlier incarnation is not where `wal` looks for it: refuse with WAL_MISSING (the
   * default), or give up what is only in that WAL. The event `walAbandoned` tells what was given up.
   */
  readonly walMissing?: 'refuse' | 'abandon' | undefined;
  /** What others may know of this node: an address, a rack. */
  readonly attributes?: Attributes | undefined;
}

/** Options of creating a stream. */
export interface CreateOptions extends CallOptions {
  /** A name, unique in the cluster. */
  readonly name?: string | undefined;
  readonly attributes?: Attributes | undefined;
}

/** Options of opening a stream. */
export interface OpenStreamOptions extends CallOptions {
  /** Open only if this is the stream's epoch now; CONFLICT with `currentEpoch` otherwise. */
  readonly expectedEpoch?: number | undefined;
}

/** Options of a change that may be conditional. */
export interface ChangeOptions extends CallOptions {
  readonly ifVersion?: number | undefined;
}
