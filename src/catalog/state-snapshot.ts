// The state as bytes, and back: everything that a later record, or anybody who reads the state, could tell apart.
//
// Both directions work in slices: a chunk holds a bounded number of rows, and `yieldSlice` is called after each, so
// that a large state does not hold up the event loop. The state must not change meanwhile: its owner pauses applying.
//
//   state     counters and digest                 writers   number and verdicts of each
//   nodes     with their live and owed epochs     objects   live ones by id, then retired ones as they were retired
//   ledger    every epoch, and where it is sealed  streams   with their ranges
//   cuts      where epochs were given up          parts     by stream, each series without the starts it implies
//   kv        by key
import { InvariantError, assert } from '../base/assert.ts';
import { SnapshotEncoder, decodeSnapshot, decodeSnapshotHead, type SnapshotPlace } from '../format/snapshot.ts';
import { qanatError } from '../model/errors.ts';
import type { Attributes } from '../model/ids.ts';
import { streamId } from '../model/ids.ts';
import { columnsOf, rowsOf, sliced } from './columns.ts';
import type { Verdict } from './change.ts';
import { verdictColumns, verdictOfColumns } from './digest.ts';
import type { EpochEntry } from './node-table.ts';
import { partChunks, readParts } from './part-chunk.ts';
import { CatalogState, rulesVersion, type ObjectState, type StreamState } from './state.ts';
import { StreamEntry } from './stream-table.ts';

/** Rows of a chunk, by what they cost: each chunk takes about a millisecond. */
const nodesPerChunk = 256;
const writersPerChunk = 64;
const epochsPerChunk = 8_192;
const objectsPerChunk = 2_048;
const streamsPerChunk = 512;
const kvBytesPerChunk = 256 * 1_024;

/** Encodes a state that does not change until the promise settles. */
export async function encodeState(state: CatalogState, yieldSlice: () => Promise<void>): Promise<Uint8Array> {
  const encoder = new SnapshotEncoder({ clusterId: state.clusterId, index: state.index, rules: state.rules });
  const index = state.index;
  for (const { chunk, rows } of chunksOf(state)) {
    encoder.add(chunk, rows);
    await yieldSlice();
    assert(state.index === index, 'a state does not change while it is encoded');
  }
  const steps = encoder.finishing();
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    await yieldSlice();
  }
}

/** Decodes what encodeState made. OBJECT_CORRUPT for anything else, FORMAT_UNSUPPORTED for a newer version's. */
export async function decodeState(
  bytes: Uint8Array,
  place: SnapshotPlace,
  yieldSlice: () => Promise<void>,
): Promise<CatalogState> {
  const { clusterId, index, rules } = decodeSnapshotHead(bytes, place);
  if (rules > rulesVersion) throw unsupported(place, `a state of rules ${rules}`, rules);
  const state = new CatalogState(clusterId);
  state.index = index;
  state.rules = rules;
  for (const { chunk, rows } of decodeSnapshot(bytes, place)) {
    const read = readers[chunk];
    if (read === undefined) throw unsupported(place, `a table of the unknown kind '${chunk}'`, chunk);
    try {
      read(state, rows);
    } catch (cause) {
      if (!(cause instanceof InvariantError || cause instanceof TypeError || cause instanceof RangeError)) throw cause;
      const message = `${place.key} holds a table '${chunk}' that no state has`;
      throw qanatError('OBJECT_CORRUPT', message, { key: place.key, position: undefined }, { cause });
    }
    await yieldSlice();
  }
  return state;
}

function* chunksOf(state: CatalogState): Iterable<{ readonly chunk: string; readonly rows: unknown }> {
  const { nodes, objects, kv } = state.tables;
  const { digest, nextStreamId, kvVersion } = state;
  yield { chunk: 'state', rows: { digest, nextStreamId, nextObjectId: objects.nextId, kvVersion } };
  for (const rows of sliced(nodes.everRegistered(), nodesPerChunk))
    yield {
      chunk: 'nodes',
      rows: rows.map((node) => ({ ...node, ordinal: undefined, isForgotten: node.isForgotten || undefined })),
    };
  for (const rows of sliced(nodes.ledger.rows(), epochsPerChunk)) yield { chunk: 'ledger', rows: columnsOf(rows) };
  for (const rows of sliced(nodes.ledger.cuts(), epochsPerChunk)) yield { chunk: 'cuts', rows: columnsOf(rows) };
  for (const rows of sliced(nodes.writers, writersPerChunk))
    yield {
      chunk: 'writers',
      rows: rows.map(([writer, { number, verdicts }]) => [writer, number, new Float64Array(verdictColumns(verdicts))]),
    };
  for (const table of [objects.live(), objects.retired()])
    for (const rows of sliced(table, objectsPerChunk))
      yield { chunk: 'objects', rows: columnsOf(rows.map((object) => objectRow(object))) };
  for (const rows of sliced(state.streams(), streamsPerChunk)) yield { chunk: 'streams', rows: streamRows(rows) };
  for (const rows of partChunks(state.streams())) yield { chunk: 'parts', rows };
  yield* kvChunks(kv.withPrefix(''));
}

const readers: Readonly<Record<string, (state: CatalogState, rows: unknown) => void>> = {
  state: readCounters,
  nodes: readNodes,
  ledger: (state, rows) => {
    for (const [epoch, ordinal, sealedAt] of rowsOf(rows, 3))
      state.tables.nodes.ledger.append(epoch as number, ordinal as number, sealedAt);
  },
  cuts: (state, rows) => {
    for (const [epoch, cutAt] of rowsOf(rows, 2))
      state.tables.nodes.ledger.restoreCut(epoch as number, cutAt as number);
  },
  writers: readWriters,
  objects: readObjects,
  streams: readStreams,
  parts: (state, rows) => readParts(state.tables.streams, rows),
  kv: (state, rows) => {
    for (const [key, value, version] of rows as [string, Uint8Array, number][])
      state.tables.kv.set(key, { value, version });
  },
};

function readCounters(state: CatalogState, rows: unknown): void {
  const { digest, nextStreamId, nextObjectId, kvVersion } = rows as Record<string, number> & { digest: Uint8Array };
  state.digest = digest;
  state.tables.streams.nextId = nextStreamId as number;
  state.tables.objects.nextId = nextObjectId as number;
  state.tables.kv.lastVersion = kvVersion as number;
}

interface NodeRow {
  readonly name: string;
  readonly attributes: Attributes;
  readonly isForgotten?: true;
  readonly lastEpoch: number;
  readonly closedEpoch?: number;
  readonly current?: EpochEntry;
  readonly unrecovered?: EpochEntry;
}

function readNodes(state: CatalogState, rows: unknown): void {
  const { nodes } = state.tables;
  for (const { name, attributes, isForgotten, lastEpoch, closedEpoch, current, unrecovered } of rows as NodeRow[]) {
    const node = nodes.ensure(name);
    node.isForgotten = isForgotten === true;
    node.attributes = Object.freeze(attributes);
    node.lastEpoch = lastEpoch;
    node.closedEpoch = closedEpoch;
    if (current !== undefined) nodes.restore(node, 'current', current);
    if (unrecovered !== undefined) nodes.restore(node, 'unrecovered', unrecovered);
  }
}

function readWriters(state: CatalogState, rows: unknown): void {
  for (const [writer, number, columns] of rows as [number | string, number, Float64Array][]) {
    const verdicts: Verdict[] = [];
    for (let at = 0; at < columns.length; at += 2) {
      const verdict = verdictOfColumns(columns[at] as number, columns[at + 1] as number);
      assert(verdict !== undefined, 'every verdict has a code');
      verdicts.push(verdict);
    }
    state.tables.nodes.writers.set(writer, { number, verdicts });
  }
}

function objectRow(object: ObjectState): readonly number[] {
  const { id, family, writerEpoch, sequence, sizeBytes, liveBytes, livePartCount, retiredAt } = object;
  return [id, family === 'wal' ? 1 : 0, writerEpoch, sequence, sizeBytes, liveBytes, livePartCount, retiredAt ?? 0];
}

function readObjects(state: CatalogState, rows: unknown): void {
  for (const row of rowsOf(rows, 8)) {
    const [id, family, writerEpoch, sequence, sizeBytes, liveBytes, livePartCount, retiredAt] = row as [
      ...[number, number, number, number, number, number, number, number],
    ];
    const node = state.nodeOfEpoch(writerEpoch);
    assert(node !== undefined, 'an object was written by an epoch');
    state.tables.objects.add({
      ...{ id, family: family === 1 ? 'wal' : 'data', writerEpoch, node, sequence },
      ...{ sizeBytes, liveBytes, livePartCount, retiredAt: retiredAt === 0 ? undefined : retiredAt },
    });
  }
}

interface StreamRows {
  /** Id, attributesVersion, ownerEpoch, streamEpoch, startOffset, endOffset, count of ranges. */
  readonly numbers: unknown;
  readonly names: readonly (string | null)[];
  /** Only of streams that have some: place in the chunk, and the attributes. */
  readonly attributes: readonly (readonly [number, Attributes])[];
  /** Stream epoch, startOffset, endOffset of all ranges, stream after stream. */
  readonly ranges: unknown;
}

function streamRows(streams: readonly StreamState[]): StreamRows {
  const ranges = streams.flatMap((stream) =>
    Array.from({ length: stream.ranges.length }, (_, i) => {
      const { streamEpoch, startOffset, endOffset } = stream.ranges.at(i);
      return [streamEpoch, startOffset, endOffset];
    }),
  );
  return {
    numbers: columnsOf(
      streams.map((s) => [
        ...[s.id, s.attributesVersion, s.ownerEpoch, s.streamEpoch, s.startOffset, s.endOffset, s.ranges.length],
      ]),
    ),
    names: streams.map(({ name }) => name ?? null),
    attributes: streams.flatMap(({ attributes }, i) =>
      Object.keys(attributes).length === 0 ? [] : [[i, attributes] as const],
    ),
    ranges: columnsOf(ranges),
  };
}

function readStreams(state: CatalogState, rows: unknown): void {
  const { numbers, names, attributes, ranges } = rows as StreamRows;
  const attributesAt = new Map(attributes);
  const allRanges = rowsOf(ranges, 3);
  let rangeAt = 0;
  for (const [i, row] of rowsOf(numbers, 7).entries()) {
    const [id, attributesVersion, ownerEpoch, streamEpoch, startOffset, endOffset, rangeCount] = row as [
      ...[number, number, number, number, number, number, number],
    ];
    const stream = new StreamEntry(streamId(id), names[i] ?? undefined, attributesAt.get(i) ?? {}, ownerEpoch);
    Object.assign(stream, { attributesVersion, streamEpoch, startOffset, endOffset });
    for (const end = rangeAt + rangeCount; rangeAt < end; rangeAt++) {
      const [epoch, start, endOfRange] = allRanges[rangeAt] as [number, number, number];
      stream.ranges.extend(epoch, start, endOfRange);
    }
    state.tables.streams.add(stream);
  }
}

type KvRow = readonly [key: string, value: Uint8Array, version: number];

function* kvChunks(
  entries: Iterable<{ readonly key: string; readonly value: Uint8Array; readonly version: number }>,
): Iterable<{ readonly chunk: string; readonly rows: readonly KvRow[] }> {
  let rows: KvRow[] = [];
  let sizeBytes = 0;
  for (const { key, value, version } of entries) {
    rows.push([key, value, version]);
    sizeBytes += 2 * key.length + value.byteLength;
    if (sizeBytes < kvBytesPerChunk) continue;
    yield { chunk: 'kv', rows };
    rows = [];
    sizeBytes = 0;
  }
  if (rows.length > 0) yield { chunk: 'kv', rows };
}

function unsupported(place: SnapshotPlace, what: string, found: number | string): Error {
  const message = `${place.key} holds ${what}; this package knows rules up to ${rulesVersion}`;
  return qanatError('FORMAT_UNSUPPORTED', message, { key: place.key, found, supported: rulesVersion });
}
