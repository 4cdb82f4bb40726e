// The object store: bytes by key. The contract that memory, files, S3 and anybody's own store keep, and that
// objectStoreSuite in the test kit holds them to.
//
// - Keys are well-formed strings of 1 to 1,024 UTF-8 bytes; '/' has no meaning to the contract.
// - Reads and lists are strong: what was answered 'stored' is seen by every get and list that starts afterwards,
//   what was deleted is not.
// - A condition is tested against the value that stands when the whole body has arrived, atomically with the write:
//   of any number of writers racing with 'absent', or with the same etag, at most one is answered 'stored'.
// - 'unknown' is an answer, not an error: the write may have taken effect, may take effect later, or never. The caller
//   can tell by reading its own bytes back. An error thrown by `put` means that certainly nothing was written and
//   nothing will be.
// - "Deleted" is not for ever: a late put may bring a key back. Nothing may rest on a key's absence.
// - A conditional replacement that races with a deletion of the same key may go either way.
// - Failures of the store itself reject with STORE_UNAVAILABLE; a fired signal rejects with its reason, and a put
//   given up that way may still take effect.

/** Why a request is made. Every request carries one, so that cost and load can be told apart. */
export type StorePurpose =
  | 'cluster'
  | 'probe'
  | 'journal'
  | 'snapshot'
  | 'wal'
  | 'recovery'
  | 'upload'
  | 'read'
  | 'follow'
  | 'compaction'
  | 'sweep';

/**
 * The four kinds of request. What begins, continues or ends a put in parts counts as 'put', a look at a head as 'get'.
 */
export type StoreOperation = 'put' | 'get' | 'list' | 'delete';

/**
 * Counts what goes over the wire. A store whose calls may make other than one request (pages, parts, second tries)
 * tells it of each; of a store that never tells it anything, each call counts as one request.
 */
export interface RequestTally {
  /** A request was sent, with so many bytes of a value. */
  sent(operation: StoreOperation, valueBytes: number): void;
  /** So many bytes of a value arrived. */
  received(valueBytes: number): void;
}

/** What every request carries. */
export interface StoreRequestOptions {
  readonly purpose: StorePurpose;
  readonly signal?: AbortSignal | undefined;
  /** Who counts the requests that this call makes. */
  readonly tally?: RequestTally | undefined;
}

/** Write only where there is nothing, or only over the value with this etag. */
export type PutCondition = 'absent' | { readonly etag: string };

export interface PutOptions extends StoreRequestOptions {
  readonly if?: PutCondition | undefined;
}

/** What became of a put. 'exists' and 'changed' are certain refusals of a condition by a value that stood there. */
export type PutResult =
  | { readonly outcome: 'stored'; readonly etag: string }
  | { readonly outcome: 'exists' | 'changed' | 'unknown' };

/** Bytes [start, end) of a value, cut at its size; or its last bytes, all of it where it is shorter. */
export type ByteRange = { readonly start: number; readonly end: number } | { readonly last: number };

export interface GetOptions extends StoreRequestOptions {
  readonly range?: ByteRange | undefined;
  /** Answer 'not-modified' instead of bytes if the value still has this etag. */
  readonly ifNoneMatch?: string | undefined;
}

/** A value, or the range asked for, with the etag and whole size of the value. */
export interface StoredValue {
  readonly bytes: Uint8Array;
  readonly etag: string;
  /** Size of the whole value. */
  readonly size: number;
}

/** A value, or why there is none. */
export type GetResult = StoredValue | 'missing' | 'not-modified';

export interface ListOptions extends StoreRequestOptions {
  readonly prefix: string;
  /** Only keys that sort after this one. */
  readonly after?: string | undefined;
  /** At most so many keys; the store may give fewer (S3 gives at most 1,000). */
  readonly limit?: number | undefined;
}

/** Keys in the order of their UTF-8 bytes. `more`: ask again, after the last key given. */
export interface ListResult {
  readonly keys: readonly ListedKey[];
  readonly more: boolean;
}

/** A key, and the size of its value. */
export interface ListedKey {
  readonly key: string;
  readonly size: number;
}

/** Keys that could not be deleted. Deleting what is not there is no failure. */
export interface DeleteResult {
  readonly failed: readonly { readonly key: string; readonly cause: unknown }[];
}

/** Options of writing a value that is not in memory as a whole. */
export interface PutLargeOptions extends StoreRequestOptions {
  /** Size of the whole value. A body of another length is refused, and nothing is written. */
  readonly sizeBytes: number;
}

/** A piece of a value that is put together: a range of what stands at a key, or bytes. */
export type CopyPiece =
  | { readonly key: string; readonly range: { readonly start: number; readonly end: number } }
  | { readonly bytes: Uint8Array };

/** Options of giving up what was begun in parts and not ended. */
export interface AbortUploadsOptions extends StoreRequestOptions {
  readonly prefix: string;
  /** Only what was begun so long ago, by the clock of the store. */
  readonly olderThanMs: number;
}

/** One thing that was asked of a store by a probe. */
export interface ProbeCheck {
  /** What must hold, as a sentence. */
  readonly name: string;
  readonly verdict: 'passed' | 'failed';
  /** What happened instead, and what to do. */
  readonly problem?: string | undefined;
  /** The permission that is missing, where that is it: `s3:GetObject`. */
  readonly permission?: string | undefined;
  /** Median time of the requests of this check. */
  readonly latencyMs: number;
}

/** What a probe is given. */
export interface ProbeOptions {
  readonly signal?: AbortSignal | undefined;
  /** Who counts the requests that the probe makes. */
  readonly tally?: RequestTally | undefined;
}

/** What a probe found. */
export interface ProbeReport {
  readonly checks: readonly ProbeCheck[];
}

/** Bytes by key, with conditions. See the head of the file for the rules. */
export interface ObjectStore {
  /** Writes `body`, which must not change until the promise settles and any attempt it started has ended. */
  put(key: string, body: Uint8Array, options: PutOptions): Promise<PutResult>;
  /** Reads a value or a range of it. A start at or beyond the size gives no bytes. */
  get(key: string, options: GetOptions): Promise<GetResult>;
  /** Keys under a prefix, in order, page by page. */
  list(options: ListOptions): Promise<ListResult>;
  /** Deletes keys, any number of them, and tells which ones it could not. */
  delete(keys: readonly string[], options: StoreRequestOptions): Promise<DeleteResult>;
  /**
   * Writes a value piece by piece, where the store can. Unconditional: for keys that are written once. A body that
   * fails, or a signal, leaves nothing behind but what `abortUploads` finds.
   */
  putLarge?(key: string, body: AsyncIterable<Uint8Array>, options: PutLargeOptions): Promise<PutResult>;
  /**
   * Puts a value together from pieces, in order, where the store can; large ranges never leave it. Unconditional.
   * 'missing': a source is not there, or ends before its range does; nothing was written.
   */
  copyRanges?(key: string, pieces: readonly CopyPiece[], options: StoreRequestOptions): Promise<PutResult | 'missing'>;
  /** Gives up values that were begun in parts and never ended. How many. */
  abortUploads?(options: AbortUploadsOptions): Promise<number>;
  /**
   * Tries on the real service what the rules above demand. A store has this method if it cannot know that by itself:
   * it is called when a cluster is first opened, and the verdict is kept. A store that fails a check is not used.
   */
  probe?(options?: ProbeOptions): Promise<ProbeReport>;
}
