// The nodes of the state: per node its current epoch and at most one unrecovered one (R2); every epoch ever granted,
// with its seal once it is recovered; and the last record of every writer (R5).
//
// Only apply-change.ts and the files beside it call what changes the tables; everybody else reads.
import { assert } from '../base/assert.ts';
import type { Attributes } from '../model/ids.ts';
import type { WalIdentity } from '../model/wal-identity.ts';
import type { Verdict } from './change.ts';

/** An epoch that is live (the current one of its node) or owed (the unrecovered one). */
export interface EpochState {
  /** Index of the record that granted it. */
  readonly epoch: number;
  readonly node: string;
  /** 'recovering' until nothing before it is unrecovered. An unrecovered epoch was 'open' and says so for ever. */
  readonly status: 'recovering' | 'open';
  readonly wal: WalIdentity;
  /** Position of its WAL below which nothing is needed any more. */
  readonly released: number;
  /** Its data sequences below this are committed or given up for ever (R4). */
  readonly settledBelow: number;
  /** The highest version of the rules that it can apply. */
  readonly rules: number;
  /** The writer of the record that registered it. */
  readonly nonce: string;
}

/** A node: a name, and its epochs. */
export interface NodeState {
  readonly name: string;
  readonly attributes: Attributes;
  /** The epoch that may propose. */
  readonly current: EpochState | undefined;
  /** The epoch whose WAL nobody has recovered yet. */
  readonly unrecovered: EpochState | undefined;
  /** The newest epoch granted to this node. */
  readonly lastEpoch: number;
  /** The epoch that closed itself, until the next is granted: its closing record can still be answered. */
  readonly closedEpoch: number | undefined;
}

/** The last record of a writer, and what became of its changes. */
export interface WriterState {
  readonly number: number;
  readonly verdicts: readonly Verdict[];
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
export type EpochEntry = Mutable<EpochState>;
export type NodeEntry = Mutable<Omit<NodeState, 'current' | 'unrecovered'>> & {
  /** Place in the order of first registration: what the ledger names nodes by. */
  readonly ordinal: number;
  /** Off the list; the ledger still names it, and a later registration brings it back. */
  isForgotten: boolean;
  current: EpochEntry | undefined;
  unrecovered: EpochEntry | undefined;
};

export class NodeTable {
  readonly #nodes = new Map<string, NodeEntry>();
  readonly #byOrdinal: NodeEntry[] = [];
  /** Live and owed epochs. */
  readonly #epochs = new Map<number, EpochEntry>();
  readonly ledger: EpochLedger = new EpochLedger();
  readonly writers: Map<number | string, WriterState> = new Map();

  get(name: string): NodeEntry | undefined {
    const node = this.#nodes.get(name);
    return node?.isForgotten ? undefined : node;
  }

  /** The nodes on the list. */
  *all(): Iterable<NodeEntry> {
    for (const node of this.#byOrdinal) if (!node.isForgotten) yield node;
  }

  /** All nodes that the ledger names, those off the list included. */
  everRegistered(): Iterable<NodeEntry> {
    return this.#byOrdinal;
  }

  epoch(epoch: number): EpochEntry | undefined {
    return this.#epochs.get(epoch);
  }

  /** The node that an epoch was granted to, for every epoch ever granted. */
  ofEpoch(epoch: number): NodeEntry | undefined {
    const ordinal = this.ledger.nodeOrdinal(epoch);
    return ordinal === undefined ? undefined : this.#byOrdinal[ordinal];
  }

  /** Finds a node, or adds it without an epoch; one off the list is on it again. */
  ensure(name: string): NodeEntry {
    const known = this.#nodes.get(name);
    if (known !== undefined) {
      known.isForgotten = false;
      return known;
    }
    const node: NodeEntry = {
      name,
      ordinal: this.#byOrdinal.length,
      isForgotten: false,
      attributes: {},
      current: undefined,
      unrecovered: undefined,
      lastEpoch: 0,
      closedEpoch: undefined,
    };
    this.#nodes.set(name, node);
    this.#byOrdinal.push(node);
    return node;
  }

  /** Takes a node without a live or owed epoch off the list, with its attributes. Its epochs stay in the ledger. */
  forget(node: NodeEntry): void {
    assert(
      node.current === undefined && node.unrecovered === undefined,
      'a node with an epoch to end is not forgotten',
    );
    if (node.closedEpoch !== undefined) this.writers.delete(node.closedEpoch);
    node.closedEpoch = undefined;
    node.attributes = {};
    node.isForgotten = true;
  }

  /** Makes a new epoch the node's current one; whatever stood there has been moved away. */
  grant(node: NodeEntry, epoch: EpochEntry): void {
    assert(node.current === undefined, 'a node has one current epoch');
    if (node.closedEpoch !== undefined) this.writers.delete(node.closedEpoch);
    node.closedEpoch = undefined;
    node.current = epoch;
    node.lastEpoch = epoch.epoch;
    this.#epochs.set(epoch.epoch, epoch);
    this.ledger.append(epoch.epoch, node.ordinal);
  }

  /** Puts an epoch back in its slot, as a snapshot has it. */
  restore(node: NodeEntry, slot: 'current' | 'unrecovered', epoch: EpochEntry): void {
    node[slot] = epoch;
    this.#epochs.set(epoch.epoch, epoch);
  }

  /** An epoch is over: nothing can be proposed by it or on its behalf any more. */
  end(node: NodeEntry, slot: 'current' | 'unrecovered', options: { readonly keepWriter?: boolean } = {}): void {
    const epoch = node[slot];
    assert(epoch !== undefined, 'only a live or owed epoch ends');
    node[slot] = undefined;
    this.#epochs.delete(epoch.epoch);
    this.writers.delete(epoch.nonce);
    if (options.keepWriter) node.closedEpoch = epoch.epoch;
    else this.writers.delete(epoch.epoch);
  }
}

const ledgerWidth = 3;

/**
 * Every epoch ever granted, in order: its node, and where it was sealed if it was recovered (NaN if not). Kept for
 * ever, 24 bytes each: the sweeper must know a seal for ever, and a writer that wakes up late is told who replaced it.
 *
 * Where an epoch's WAL was given up from some position on, by hand, that position stands beside it: what lies between
 * there and the seal was not applied, and a writer that wakes up late is told so (W4).
 */
export class EpochLedger {
  #columns = new Float64Array(0);
  #length = 0;
  /** Where the WALs were cut of which something was given up: few, if any. */
  readonly #cuts = new Map<number, number>();

  get length(): number {
    return this.#length;
  }

  append(epoch: number, nodeOrdinal: number, sealedAt: number = Number.NaN): void {
    const at = this.#length * ledgerWidth;
    assert(at === 0 || (this.#columns[at - ledgerWidth] as number) < epoch, 'epochs are granted in ascending order');
    if (at === this.#columns.length) {
      const grown = new Float64Array(Math.max(8 * ledgerWidth, at * 2));
      grown.set(this.#columns);
      this.#columns = grown;
    }
    this.#columns.set([epoch, nodeOrdinal, sealedAt], at);
    this.#length += 1;
  }

  nodeOrdinal(epoch: number): number | undefined {
    const at = this.#find(epoch);
    return at < 0 ? undefined : this.#columns[at + 1];
  }

  sealedAt(epoch: number): number | undefined {
    const at = this.#find(epoch);
    const sealedAt = at < 0 ? Number.NaN : (this.#columns[at + 2] as number);
    return Number.isNaN(sealedAt) ? undefined : sealedAt;
  }

  /** Where what of a recovered epoch was applied ends: at its seal, or where it was cut. */
  appliedBelow(epoch: number): number | undefined {
    return this.#cuts.get(epoch) ?? this.sealedAt(epoch);
  }

  /** An epoch is over: sealed at `sealedAt`, and given up from `cutAt` on if that is below. */
  seal(epoch: number, sealedAt: number, cutAt: number = sealedAt): void {
    const at = this.#find(epoch);
    assert(at >= 0 && Number.isNaN(this.#columns[at + 2]), 'an epoch is sealed once');
    this.#columns[at + 2] = sealedAt;
    if (cutAt < sealedAt) this.#cuts.set(epoch, cutAt);
  }

  /** As a snapshot has it. */
  restoreCut(epoch: number, cutAt: number): void {
    const sealedAt = this.sealedAt(epoch);
    assert(sealedAt !== undefined && cutAt < sealedAt, 'a WAL is cut below its seal');
    this.#cuts.set(epoch, cutAt);
  }

  /** Epoch, and where its WAL was cut, of those of which something was given up, in the order in which it was. */
  cuts(): Iterable<readonly [epoch: number, cutAt: number]> {
    return this.#cuts;
  }

  /** Epoch, ordinal of its node, and seal (NaN for none) of every epoch, in order. */
  *rows(): Iterable<readonly [epoch: number, nodeOrdinal: number, sealedAt: number]> {
    for (let at = 0; at < this.#length * ledgerWidth; at += ledgerWidth)
      yield [this.#columns[at] as number, this.#columns[at + 1] as number, this.#columns[at + 2] as number];
  }

  #find(epoch: number): number {
    let low = 0;
    let high = this.#length - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const found = this.#columns[middle * ledgerWidth] as number;
      if (found === epoch) return middle * ledgerWidth;
      if (found < epoch) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }
}
