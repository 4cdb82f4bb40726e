// The write-ahead log of one node epoch: what makes an append durable. All streams of a stream set share it.
//
// - Batches are appended synchronously, in order; they become durable in that order and are reported in that order.
// - A WAL is a series of segments with dense sequences from 0. `released` is the position below which segments are no
//   longer needed, because an applied change of the catalog says so; it is a sequence.
// - A WAL ends once. After that nothing more is reported durable, except what the state proves to be in the history.
// - Recovery seals first: after a seal nothing can become durable that recovery does not include (W1–W7).
// - walSuite in the test kit holds every implementation to these rules.
import type { Runtime } from '../base/runtime.ts';
import type { Observer } from '../model/events.ts';
import type { ObjectPart, StreamBatch } from '../model/record-batch.ts';
import type { WalIdentity, WalKind } from '../model/wal-identity.ts';
import type { ObjectStore } from '../store/object-store.ts';

/**
 * A run of batches, with its directory. A WAL whose segments are no objects may add to a segment: it is reported with
 * each addition, its directory holds what is durable of it, and once it is complete it is listed as unreleased.
 */
export interface WalSegment {
  readonly sequence: number;
  readonly sizeBytes: number;
  readonly parts: readonly ObjectPart[];
}

/** Why a WAL ended by itself. */
export type WalEnd =
  | {
      /** A later epoch sealed it. */
      readonly reason: 'fenced';
      /** What became of the batches that were on their way: none of them applied, or nobody knows yet (W4). */
      readonly outcome: 'none' | 'unknown';
      /** How many of the unreported batches were on their way; those after them were never sent. */
      readonly sentCount: number;
    }
  | {
      /** It could not be written: no store, a full disk, a foreign object in its place. */
      readonly reason: 'failed';
      readonly error: Error;
      readonly sentCount: number;
    };

/** Who a WAL reports to. Calls come in the order of appends, never from inside `append`. */
export interface WalSink {
  /** The next `count` batches, in order of append, are durable, and `segment` (where they are in one) holds them. */
  durable(count: number, segment: WalSegment): void;
  /** Called at most once: nothing more becomes durable. */
  ended(end: WalEnd): void;
}

/** What every WAL is given. */
export interface WalPlace {
  readonly store: ObjectStore;
  readonly clusterId: string;
  readonly node: string;
  readonly nodeEpoch: number;
  readonly runtime: Runtime;
  readonly observer: Observer;
}

/** How a WAL writes. */
export interface WalSettings {
  /** Bytes that must wait for each PUT in flight before another segment is cut. */
  readonly segmentSizeMinBytes: number;
  /** Bytes of writes under way at which no more are started (default: as many as the WAL can have under way). */
  readonly inFlightSizeMaxBytes?: number | undefined;
  /** How long one segment is tried before the WAL fails. */
  readonly storeDeadlineMs: number;
}

/** What an open WAL is given besides. */
export interface WalContext extends WalPlace {
  readonly settings: WalSettings;
  readonly sink: WalSink;
  /**
   * Catches up with the journal and tells where what was applied of this WAL ends: where it was sealed, or below that,
   * where it was given up from; undefined while the epoch is not recovered. Asked when the WAL meets a seal, or nothing
   * where its own segment should be (W4, W6). Rejects if the journal is out of reach.
   */
  sealedAt(): Promise<number | undefined>;
}

/** What sealing is given: a past epoch, and the state as it is at or after the fence (W1). */
export interface WalRecoveryContext extends WalPlace {
  readonly identity: WalIdentity;
  /** Released position of the state at or after the fence's index. */
  readonly released: number;
  /**
   * Reads the state again: the released position, or that the epoch is recovered already. A first missing segment is
   * believed only after this.
   */
  reread(): Promise<{ readonly released: number } | { readonly sealedAt: number }>;
  /**
   * By hand: give up everything from this segment on, so that damage there does not stop the recovery. What lies below
   * must be sound. INVALID_ARGUMENT, with the valid range, if it is not within what is unreleased. Only asked of a WAL
   * whose segments are objects.
   */
  readonly cutAt?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** An open WAL. */
export interface Wal {
  /** Whether a segment is itself a data object that can be registered in place. */
  readonly segmentsAreObjects: boolean;
  /** Takes a batch, synchronously. Its bytes must not change until it is reported. */
  append(batch: StreamBatch): void;
  /** Resolves when all appended so far is durable and in complete segments, or the WAL has ended. Never rejects. */
  flush(): Promise<void>;
  /** Segments that are complete, durable and not released, in order. */
  unreleased(): readonly WalSegment[];
  /** Bytes appended and not yet durable. */
  readonly pendingBytes: number;
  /**
   * Lets go of segments below `position`, after the change that releases them was applied. Those in `registered` are
   * data objects now and stay; the others are deleted. Best effort: what remains is swept later.
   */
  release(position: number, registered: ReadonlySet<number>): Promise<void>;
  /**
   * Ends the WAL without a report: nothing becomes durable from now on (a failure elsewhere, a close). Segments under
   * way may still land.
   */
  stop(): void;
  /** Resolves when no attempt of this WAL is under way any more. Call `flush` or `stop` first. */
  close(): Promise<void>;
}

/** The end of a past epoch's WAL that is given up: everything from `at` to where it is sealed. */
export interface WalCut {
  readonly at: number;
  /** The segments given up whose directories can be read. */
  readonly segments: readonly WalSegment[];
  /** How many are lost, or cannot be read. */
  readonly unreadCount: number;
}

/** A past epoch's WAL after its seal: what it holds from the released position on. */
export interface SealedWal {
  /** The first sequence that is not in it, and never will be. */
  readonly sealedAt: number;
  /** What is given up by hand, if anything is: not in `segments`, and never to be registered. */
  readonly cut?: WalCut | undefined;
  readonly segmentsAreObjects: boolean;
  readonly segments: readonly WalSegment[];
  /** The batches of one of its segments, in the order of its directory. */
  batches(segment: WalSegment): Promise<readonly StreamBatch[]>;
  /** Lets go of what reading it took. */
  close(): Promise<void>;
}

/** Makes WALs of one kind. */
export interface WalFactory {
  readonly kind: WalKind;
  /** The identity to register with, known before the epoch is. */
  identify(place: Omit<WalPlace, 'nodeEpoch'>): Promise<WalIdentity>;
  /** Opens the empty WAL of a new epoch. */
  open(context: WalContext): Promise<Wal>;
  /**
   * Seals the WAL of a past epoch. Idempotent; any number of recoverers may do it at once; works while the writer is
   * alive. Undefined if the state, read again, says that the epoch is recovered. WAL_MISSING if this factory cannot
   * reach the WAL with that identity.
   */
  seal(context: WalRecoveryContext): Promise<SealedWal | undefined>;
  /** Lets go of what `identify` has taken, if no WAL is opened after all. */
  letGo?(): Promise<void>;
  /**
   * Removes what past epochs have left outside the store, as far as `isOver` says that they are closed or recovered and
   * that nothing of them was given up.
   */
  discard?(isOver: (nodeEpoch: number) => boolean, place: Pick<WalPlace, 'runtime'>): Promise<void>;
}
