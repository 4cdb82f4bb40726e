// The state: everything the cluster agrees on, as it is after record `index` of the journal. Only applyRecord changes
// it, in place and synchronously; everybody else reads it, in one synchronous section, and carries ids out of it.
import type { ObjectFamily } from '../model/object-key.ts';
import { firstDigest } from './digest.ts';
import { KvTable, type KvState } from './kv-table.ts';
import { NodeTable, type EpochState, type NodeState, type WriterState } from './node-table.ts';
import { ObjectTable, type ObjectState } from './object-table.ts';
import { StreamTable, type StreamState } from './stream-table.ts';

export type { KvState } from './kv-table.ts';
export type { EpochState, NodeState, WriterState } from './node-table.ts';
export type { ObjectState } from './object-table.ts';
export type { StreamState } from './stream-table.ts';

/** The highest version of the rules (of what applyRecord does with a record) that this package knows. */
export const rulesVersion = 1;

export class CatalogState {
  readonly clusterId: string;
  /** Index of the last record applied; 0 before the first. */
  index = 0;
  /** The version of the rules by which records are judged. */
  rules = 1;
  /** Running digest of all records so far and of what became of their changes. */
  digest: Uint8Array;
  /** The tables behind the questions below. Only applyRecord and the snapshot write to them. */
  readonly tables: {
    readonly nodes: NodeTable;
    readonly streams: StreamTable;
    readonly objects: ObjectTable;
    readonly kv: KvTable;
  } = { nodes: new NodeTable(), streams: new StreamTable(), objects: new ObjectTable(), kv: new KvTable() };

  constructor(clusterId: string) {
    this.clusterId = clusterId;
    this.digest = firstDigest(clusterId);
  }

  node(name: string): NodeState | undefined {
    return this.tables.nodes.get(name);
  }

  /** All nodes that were registered and not forgotten, in the order of their first registration. */
  nodes(): Iterable<NodeState> {
    return this.tables.nodes.all();
  }

  /** An epoch that is live (current) or owed (unrecovered). */
  epoch(epoch: number): EpochState | undefined {
    return this.tables.nodes.epoch(epoch);
  }

  /** Whether an epoch may still propose: it is the current one of its node. */
  isCurrent(epoch: number): boolean {
    const state = this.tables.nodes.epoch(epoch);
    return state !== undefined && this.tables.nodes.get(state.node)?.current === state;
  }

  /** Whether an epoch is over for ever: this state has passed it, and it is neither live nor owed. */
  isOver(epoch: number): boolean {
    return epoch <= this.index && this.tables.nodes.epoch(epoch) === undefined;
  }

  /** Where the seal of a recovered epoch stands: the slot that nothing else ever fills (W3). Known for ever. */
  sealedAt(epoch: number): number | undefined {
    return this.tables.nodes.ledger.sealedAt(epoch);
  }

  /**
   * Which segments of a recovered epoch are in the history: those below this (W4). It is where the epoch was sealed,
   * unless something was given up: then it is where that begins.
   */
  appliedBelow(epoch: number): number | undefined {
    return this.tables.nodes.ledger.appliedBelow(epoch);
  }

  /** The node that an epoch was granted to, also if the node is forgotten. */
  nodeOfEpoch(epoch: number): string | undefined {
    return this.tables.nodes.ofEpoch(epoch)?.name;
  }

  /** The newest epoch of a node, if it is newer than `epoch`; else 0. */
  newerEpoch(node: string, epoch: number): number {
    const newest = this.tables.nodes.get(node)?.lastEpoch ?? 0;
    return newest > epoch ? newest : 0;
  }

  /** The newest epoch of the node that `epoch` was granted to, if it is newer; else 0. */
  newerEpochThan(epoch: number): number {
    const newest = this.tables.nodes.ofEpoch(epoch)?.lastEpoch ?? 0;
    return newest > epoch ? newest : 0;
  }

  stream(id: number): StreamState | undefined {
    return this.tables.streams.get(id);
  }

  streamByName(name: string): StreamState | undefined {
    return this.tables.streams.byName(name);
  }

  /** Streams in order of id, from the id `from` on. */
  streams(from = 1): Iterable<StreamState> {
    return this.tables.streams.from(from);
  }

  get streamCount(): number {
    return this.tables.streams.size;
  }

  /** The id that the next stream gets; every id below it was given once. */
  get nextStreamId(): number {
    return this.tables.streams.nextId;
  }

  /** The epoch under which a stream is open: live, or owed and not recovered yet. */
  ownerOf(stream: StreamState): EpochState | undefined {
    return stream.ownerEpoch === 0 ? undefined : this.tables.nodes.epoch(stream.ownerEpoch);
  }

  isOpen(stream: StreamState): boolean {
    return this.ownerOf(stream) !== undefined;
  }

  /** An object, live or retired. */
  object(id: number): ObjectState | undefined {
    return this.tables.objects.get(id);
  }

  /** The object, live or retired, that an epoch wrote as its `sequence`. */
  objectByOrigin(family: ObjectFamily, writerEpoch: number, sequence: number): ObjectState | undefined {
    return this.tables.objects.byOrigin(family, writerEpoch, sequence);
  }

  /** Live objects, in order of id. */
  objects(): Iterable<ObjectState> {
    return this.tables.objects.live();
  }

  get objectCount(): number {
    return this.tables.objects.liveCount;
  }

  /** Sizes of all live objects, with what is trimmed of them. */
  get objectSizeBytes(): number {
    return this.tables.objects.liveSizeBytes;
  }

  /** Objects that nothing refers to any more, in the order in which they were retired; the newest few thousand. */
  retired(): Iterable<ObjectState> {
    return this.tables.objects.retired();
  }

  kv(key: string): KvState | undefined {
    return this.tables.kv.get(key);
  }

  /** Entries whose key starts with `prefix`, ordered by the UTF-16 code units of their keys. */
  kvEntries(prefix = ''): Iterable<{ readonly key: string } & KvState> {
    return this.tables.kv.withPrefix(prefix);
  }

  /** The last version given to any key. */
  get kvVersion(): number {
    return this.tables.kv.lastVersion;
  }

  /** The last record of a writer: of a live or owed epoch, of its nonce, or of an epoch that closed itself lately. */
  writer(id: number | string): WriterState | undefined {
    return this.tables.nodes.writers.get(id);
  }
}
