// One replica of the catalog, driven record by record, for tests: it numbers records, keeps them for a second replica to
// repeat, and checks every invariant of the state after each.
import { applyRecord } from '../../src/catalog/apply-change.ts';
import type {
  CatalogChange,
  Change,
  ChangeRecord,
  CommitChange,
  CommittedObject,
  Verdict,
} from '../../src/catalog/change.ts';
import { checkProgress, checkState, progressOf } from '../../src/catalog/invariants.ts';
import { CatalogState, type EpochState, type StreamState } from '../../src/catalog/state.ts';
import { decodeJournalRecord, encodeJournalRecord } from '../../src/format/journal-record.ts';
import { streamId } from '../../src/model/ids.ts';
import type { WalKind } from '../../src/model/wal-identity.ts';

export const clusterId: string = '0123456789abcdef0123456789abcdef';

/** A record as the journal holds it. */
export interface StoredRecord {
  readonly record: ChangeRecord;
  readonly bytes: Uint8Array;
}

export class Replica {
  state: CatalogState = new CatalogState(clusterId);
  readonly records: StoredRecord[] = [];
  /** What the last record altered. */
  effects: CatalogChange[] = [];
  readonly #numbers = new Map<number | string, number>();

  /** Applies changes as one record of `writer`, and gives their verdicts. */
  applyAll(writer: number | string, changes: readonly Change[]): readonly Verdict[] {
    const number = (this.#numbers.get(writer) ?? 0) + 1;
    this.#numbers.set(writer, number);
    return this.applyNumbered(writer, number, changes);
  }

  applyNumbered(writer: number | string, number: number, changes: readonly Change[]): readonly Verdict[] {
    const { index, digest } = this.state;
    const record = { clusterId, index: index + 1, writer, number, previousDigest: digest, changes };
    return this.replay({ record, bytes: encodeJournalRecord(record) });
  }

  /** Applies a change as a record of its own. */
  apply(writer: number | string, change: Change): Verdict {
    return this.applyAll(writer, [change])[0] as Verdict;
  }

  /** Applies a record that another replica has applied, as its bytes have it. */
  replay({ record, bytes }: StoredRecord): readonly Verdict[] {
    const earlier = progressOf(this.state);
    this.effects = [];
    const place = { key: 'journal/test', clusterId, index: record.index };
    const decoded = decodeJournalRecord(bytes, place) as unknown as ChangeRecord;
    const verdicts = applyRecord(this.state, decoded, bytes, (effect) => this.effects.push(effect));
    this.records.push({ record, bytes });
    const findings = [...checkState(this.state), ...checkProgress(earlier, this.state)];
    if (findings.length > 0) throw new Error(`after record ${record.index}: ${findings.join('; ')}`);
    return verdicts;
  }

  /** Registers a node, and gives its new epoch. */
  register(node: string, kind: WalKind = 'object', nonce: string = `nonce of ${this.state.index + 1}`): number {
    const wal = { kind, id: kind === 'file' ? 'disk' : '' };
    const verdict = this.apply(nonce, { kind: 'register', node, wal, attributes: {}, rules: 1 });
    if (!verdict.applied) throw new Error(`not registered: ${verdict.reason}`);
    return verdict.value;
  }

  /** Creates a stream for an epoch, and gives its id. */
  create(writer: number, name?: string): number {
    return valueOf(this.apply(writer, { kind: 'create', attributes: {}, ...(name === undefined ? {} : { name }) }));
  }

  stream(id: number): StreamState {
    return present(this.state.stream(id));
  }

  epoch(epoch: number): EpochState {
    return present(this.state.epoch(epoch));
  }

  /** A commit of one WAL segment that holds these ranges, under the epochs that the streams have now. */
  segment(epoch: number, sequence: number, ...ranges: readonly Range[]): CommitChange {
    const objects = [this.object('wal', sequence, ...ranges)];
    return { kind: 'commit', epoch, from: sequence, to: sequence + 1, objects, settledBelow: 0 };
  }

  object(family: 'wal' | 'data', sequence: number, ...ranges: readonly Range[]): CommittedObject {
    const parts = ranges.map(([stream, startOffset, endOffset, maxTimestamp]) => ({
      stream: streamId(stream),
      streamEpoch: this.state.stream(stream)?.streamEpoch ?? 1,
      startOffset,
      endOffset,
      sizeBytes: 10 * (endOffset - startOffset),
      maxTimestamp,
    }));
    return { family, sequence, sizeBytes: 1_000, parts };
  }

  open(writer: number, stream: number, expectedEpoch?: number): Verdict {
    const change = { kind: 'open', stream: streamId(stream) } as const;
    return this.apply(writer, expectedEpoch === undefined ? change : { ...change, expectedEpoch });
  }

  trim(writer: number, stream: number, startOffset: number): Verdict {
    const streamEpoch = this.state.stream(stream)?.streamEpoch ?? 1;
    return this.apply(writer, { kind: 'trim', stream: streamId(stream), streamEpoch, startOffset });
  }

  /** Fences the current epoch of `node` by `writer`. */
  fence(writer: number, node: string): Verdict {
    return this.apply(writer, { kind: 'fence', node, epoch: this.state.node(node)?.current?.epoch ?? 1 });
  }

  recovered(writer: number, epoch: number, at: number): Verdict {
    const node = this.state.nodeOfEpoch(epoch) ?? 'nobody';
    return this.apply(writer, { kind: 'recovered', node, epoch, from: at, sealedAt: at });
  }
}

/** Stream, start, end, largest timestamp. */
export type Range = readonly [stream: number, startOffset: number, endOffset: number, maxTimestamp?: number];

export function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('nothing there');
  return value;
}

export function valueOf(verdict: Verdict | undefined): number {
  if (!verdict?.applied) throw new Error(`void: ${JSON.stringify(verdict)}`);
  return verdict.value;
}

/** The verdict on a change that does what it says. */
export const applied = (value = 0): Verdict => ({ applied: true, value });

/** The verdict on a change that does nothing. */
export const refused = (reason: Extract<Verdict, { applied: false }>['reason'], fact = 0): Verdict => ({
  applied: false,
  reason,
  fact,
});

/** Everything about a state that anybody could tell apart, as plain data. */
export function describeState(state: CatalogState): unknown {
  const { nodes, objects, kv } = state.tables;
  return {
    clusterId: state.clusterId,
    index: state.index,
    rules: state.rules,
    digest: Buffer.from(state.digest).toString('hex'),
    counters: [state.nextStreamId, objects.nextId, kv.lastVersion, state.streamCount, state.objectCount],
    nodes: [...nodes.everRegistered()].map((node) => structuredClone(node)),
    ledger: [...nodes.ledger.rows()],
    cuts: [...nodes.ledger.cuts()],
    writers: [...nodes.writers].map(([writer, entry]) => [writer, structuredClone(entry)]),
    streams: [...state.streams()].map(({ parts, ranges, ...stream }) => ({
      ...stream,
      parts: Array.from({ length: parts.length }, (_, i) => parts.at(i)),
      ranges: Array.from({ length: ranges.length }, (_, i) => ranges.at(i)),
    })),
    objects: [...state.objects()].map((object) => ({ ...object })),
    retired: [...state.retired()].map((object) => ({ ...object })),
    kv: [...state.kvEntries()].map(({ key, value, version }) => [key, [...value], version]),
  };
}
