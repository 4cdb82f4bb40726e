// The changes of the catalog: plain data, proposed by one node and judged by all, in the order of the journal.
// apply-change.ts decides what each does; nothing else ever touches the state.
import type { Attributes, StreamId } from '../model/ids.ts';
import type { ObjectFamily } from '../model/object-key.ts';
import type { ObjectPart } from '../model/record-batch.ts';
import type { WalIdentity } from '../model/wal-identity.ts';

/**
 * An object that a commit adds, and what it holds. A WAL segment was written by the epoch whose WAL is released; a data
 * object by the proposer, also when it acts for another epoch: two recoverers never write under the same key.
 */
export interface CommittedObject {
  readonly family: ObjectFamily;
  readonly sequence: number;
  readonly sizeBytes: number;
  readonly parts: readonly ObjectPart[];
}

/** A new incarnation of a node. The epoch granted is the index of the record (R2). */
export interface RegisterChange {
  readonly kind: 'register';
  readonly node: string;
  readonly wal: WalIdentity;
  readonly attributes: Attributes;
  /** The highest version of the rules that this node can apply. */
  readonly rules: number;
}

/** Makes all further changes of an epoch void (W1). Void unless it is the node's current epoch. */
export interface FenceChange {
  readonly kind: 'fence';
  readonly node: string;
  readonly epoch: number;
}

/** The one way to release a WAL (R1): void unless `from` is the released position of `epoch`. */
export interface CommitChange {
  readonly kind: 'commit';
  /** The epoch whose WAL it is: the proposer's own, or an unrecovered one on whose behalf it acts. */
  readonly epoch: number;
  readonly from: number;
  readonly to: number;
  readonly objects: readonly CommittedObject[];
  /** Data sequences of the proposer below it are decided (R4). */
  readonly settledBelow: number;
  /** Streams of this epoch that are closed by the same change (O1). */
  readonly closeStreams?: readonly StreamId[];
  /** The epoch itself is closed by the same change, and all its streams with it. */
  readonly closeEpoch?: true;
}

/** Ends the recovery of an epoch: counts once (R2, W2). */
export interface RecoveredChange {
  readonly kind: 'recovered';
  readonly node: string;
  readonly epoch: number;
  readonly from: number;
  readonly sealedAt: number;
  /** What lies between `from` and `sealedAt` is given up, by hand; it was not applied. */
  readonly givenUp?: true;
}

/** Raises the settled watermark of the proposer's own epoch, when it is idle (S4). */
export interface SettleChange {
  readonly kind: 'settle';
  readonly settledBelow: number;
}

/** Creates a stream and opens it for the proposer. */
export interface CreateChange {
  readonly kind: 'create';
  readonly name?: string;
  readonly attributes: Attributes;
}

/** Makes the proposer the only writer of a closed stream (R7). */
export interface OpenChange {
  readonly kind: 'open';
  readonly stream: StreamId;
  /** Void unless the stream's epoch is exactly this. */
  readonly expectedEpoch?: number;
}

/** Deletes a closed stream. */
export interface DeleteChange {
  readonly kind: 'delete';
  readonly stream: StreamId;
}

/** Forgets the offsets of the proposer's stream below `startOffset`. May run ahead of the registered end. */
export interface TrimChange {
  readonly kind: 'trim';
  readonly stream: StreamId;
  readonly streamEpoch: number;
  readonly startOffset: number;
}

/** Replaces the attributes of a stream. */
export interface AttributesChange {
  readonly kind: 'attributes';
  readonly stream: StreamId;
  readonly attributes: Attributes;
  readonly ifVersion?: number;
}

/** Writes a key of the small key-value store; `ifVersion` 0 means absent. */
export interface KvPutChange {
  readonly kind: 'kv-put';
  readonly key: string;
  readonly value: Uint8Array;
  readonly ifVersion?: number;
}

export interface KvDeleteChange {
  readonly kind: 'kv-delete';
  readonly key: string;
  readonly ifVersion?: number;
}

/** Takes a node off the list: void while it has an epoch that is live or owed. Its epochs stay known for ever. */
export interface ForgetNodeChange {
  readonly kind: 'forget-node';
  readonly node: string;
}

/** Raises the version of the rules, once every open node can apply it. */
export interface RulesChange {
  readonly kind: 'rules';
  readonly rules: number;
}

/** Any change. */
export type Change =
  | RegisterChange
  | FenceChange
  | CommitChange
  | RecoveredChange
  | SettleChange
  | CreateChange
  | OpenChange
  | DeleteChange
  | TrimChange
  | AttributesChange
  | KvPutChange
  | KvDeleteChange
  | ForgetNodeChange
  | RulesChange;

/** Why a change did nothing. */
export type VoidReason =
  /** The proposer's epoch, or the epoch it names, is not live any more; fact: the node's newer epoch, 0 if none. */
  | 'fenced'
  /** The proposer still has an epoch of its node to recover. */
  | 'recovering'
  /** The name is taken; fact: the stream that has it. */
  | 'exists'
  /** No such stream, node, epoch or key. */
  | 'not-found'
  /** Another epoch has the stream; fact: that epoch. */
  | 'owned'
  /** The stream is not open under this epoch. */
  | 'closed'
  /** A condition did not hold; fact: the version, the stream epoch or the node epoch that stands. */
  | 'conflict'
  /** `from` is not the released position; fact: the released position. */
  | 'position'
  /** The epoch is recovered already; fact: where it was sealed. */
  | 'recovered'
  /** A part does not continue its stream; fact: the registered end. */
  | 'discontinuous'
  /** An output lies below its writer's settled watermark; fact: the watermark. */
  | 'settled'
  /** The change contradicts itself. */
  | 'malformed';

/**
 * What a change did. `value`: register, the epoch; create, the stream id; open, the stream epoch; kv-put and
 * attributes, the new version; commit, the released position; trim, the start offset; else 0.
 */
export type Verdict =
  | { readonly applied: true; readonly value: number }
  | { readonly applied: false; readonly reason: VoidReason; readonly fact: number };

/** One record of the journal: changes that one writer proposed together. */
export interface ChangeRecord {
  readonly index: number;
  /** A node epoch, or for a record that registers a node a nonce drawn for it (R5). */
  readonly writer: number | string;
  /** Rises by one per record of this writer; a record that lost its index keeps its number. */
  readonly number: number;
  /** Running digest of everything before this record, verdicts included (16 bytes). */
  readonly previousDigest: Uint8Array;
  readonly changes: readonly Change[];
}

/** What an applied change altered, for those who watch. */
export type CatalogChange =
  | {
      readonly index: number;
      readonly of: 'stream';
      readonly what: 'created' | 'opened' | 'closed' | 'deleted' | 'trimmed' | 'extended' | 'attributes';
      readonly stream: StreamId;
      readonly name: string | undefined;
    }
  | {
      readonly index: number;
      readonly of: 'node';
      readonly what: 'registered' | 'fenced' | 'opened' | 'closed' | 'recovered' | 'forgotten';
      readonly node: string;
      readonly epoch: number;
    }
  | {
      readonly index: number;
      readonly of: 'kv';
      readonly what: 'put' | 'deleted';
      readonly key: string;
      readonly version: number;
    }
  | {
      /** A snapshot was loaded: anything may have changed between the last change seen and `index`. */
      readonly index: number;
      readonly of: 'catalog';
      readonly what: 'reloaded';
    };
