// The commit: objects and parts come in, stream ends advance, the WAL is released, streams and the epoch may close, all
// in one change (R1, R4, S1–S4, S6, O1, O2).
//
//   from = 3, to = 5, released = 3            applies: released becomes 5
//   from = 3, to = 5, released = 4 or 2       void 'position': somebody else was faster, or a run is still missing
//
// It is void unless it starts at the released position, so uploads, closes and recoveries can overtake each other and
// only one of them counts. Parts of deleted streams and below a stream's start are dropped, never refused: refusing
// would leave the rest of the run unregistered for ever.
import type { StreamId } from '../model/ids.ts';
import type { ObjectPart } from '../model/record-batch.ts';
import type { CommitChange, CommittedObject, Verdict } from './change.ts';
import type { EpochEntry, NodeEntry } from './node-table.ts';
import type { CatalogState, EpochState } from './state.ts';
import type { StreamEntry } from './stream-table.ts';
import { applies, settle, voids, type Tell } from './verdict.ts';

export function judgeCommit(state: CatalogState, proposer: EpochState, change: CommitChange): Verdict {
  const epoch = state.epoch(change.epoch);
  if (epoch === undefined) return judgeOverEpoch(state, change.epoch);
  if (epoch === proposer) {
    if (epoch.status === 'recovering') return voids('recovering');
  } else {
    // The epoch of another writer is committed for only once it is fenced, or its own commits would race with these.
    if (state.isCurrent(change.epoch)) return voids('conflict', change.epoch);
    // Before `recovered`, a stream of that epoch may have more in its WAL than this change knows of (O3).
    if (change.closeStreams !== undefined || change.closeEpoch) return voids('malformed');
  }
  if (change.from !== epoch.released) return voids('position', epoch.released);
  return (
    judgeOrigins(state, epoch, proposer, change.objects) ??
    judgeParts(state, epoch, change.objects) ??
    judgeClosing(state, epoch, change.closeStreams ?? []) ??
    applies(change.to)
  );
}

export function commit(state: CatalogState, writer: number, change: CommitChange, tell: Tell): void {
  const epoch = state.tables.nodes.epoch(change.epoch) as EpochEntry;
  const proposer = state.tables.nodes.epoch(writer) as EpochEntry;
  const extended = new Set<StreamEntry>();
  for (const object of change.objects) addObject(state, writerOf(object, epoch, proposer), object, extended);
  epoch.released = change.to;
  settle(proposer, change.settledBelow);
  for (const stream of extended) tellOfStream(state, stream, 'extended', tell);
  for (const id of change.closeStreams ?? []) closeStream(state, id, tell);
  if (change.closeEpoch) closeEpoch(state, epoch, tell);
}

function judgeOverEpoch(state: CatalogState, epoch: number): Verdict {
  const sealedAt = state.sealedAt(epoch);
  if (sealedAt !== undefined) return voids('recovered', sealedAt);
  return state.nodeOfEpoch(epoch) === undefined ? voids('not-found') : voids('fenced', state.newerEpochThan(epoch));
}

/** A WAL segment was written by the epoch whose WAL it is; a data object by whoever proposes the commit. */
function writerOf<E extends EpochState>({ family }: CommittedObject, epoch: E, proposer: E): E {
  return family === 'wal' ? epoch : proposer;
}

/** An object is named once, and never below the watermark under which its writer has decided everything. */
function judgeOrigins(
  state: CatalogState,
  epoch: EpochState,
  proposer: EpochState,
  objects: readonly CommittedObject[],
): Verdict | undefined {
  for (const object of objects) {
    const { family, sequence } = object;
    const writer = writerOf(object, epoch, proposer);
    if (family === 'data' && sequence < writer.settledBelow) return voids('settled', writer.settledBelow);
    const named = state.objectByOrigin(family, writer.epoch, sequence);
    if (named !== undefined) return voids('conflict', named.id);
  }
  return undefined;
}

/** Every part continues its stream, under the ownership that the state knows, in the order of the change. */
function judgeParts(state: CatalogState, epoch: EpochState, objects: readonly CommittedObject[]): Verdict | undefined {
  const ends = new Map<StreamId, number>();
  for (const { parts } of objects) {
    for (const part of parts) {
      const stream = state.stream(part.stream);
      if (stream === undefined) {
        if (part.stream >= state.nextStreamId) return voids('not-found');
        continue; // Deleted: what the object holds of it is dropped.
      }
      if (stream.ownerEpoch !== epoch.epoch || stream.streamEpoch !== part.streamEpoch) return voids('closed');
      const end = ends.get(part.stream) ?? stream.endOffset;
      if (part.startOffset !== end) return voids('discontinuous', end);
      ends.set(part.stream, part.endOffset);
    }
  }
  return undefined;
}

function judgeClosing(state: CatalogState, epoch: EpochState, streams: readonly StreamId[]): Verdict | undefined {
  const isOwn = (id: StreamId): boolean => state.stream(id)?.ownerEpoch === epoch.epoch;
  return streams.every(isOwn) ? undefined : voids('closed');
}

function addObject(
  state: CatalogState,
  epoch: EpochEntry,
  { family, sequence, sizeBytes, parts }: CommittedObject,
  extended: Set<StreamEntry>,
): void {
  const { objects, streams } = state.tables;
  const object = objects.create({ family, writerEpoch: epoch.epoch, node: epoch.node, sequence, sizeBytes });
  for (const part of parts) {
    const stream = streams.get(part.stream);
    if (stream === undefined) continue;
    extended.add(stream);
    if (!addPart(stream, object.id, part)) continue;
    object.livePartCount += 1;
    object.liveBytes += part.sizeBytes;
  }
  objects.settle(object, state.index + 1);
}

/** Advances the stream's end over the part; keeps the part unless it lies wholly below the start. */
function addPart(stream: StreamEntry, object: number, part: ObjectPart): boolean {
  const { startOffset, endOffset, sizeBytes, maxTimestamp } = part;
  stream.endOffset = endOffset;
  if (endOffset <= stream.startOffset) return false;
  stream.parts.append({ object, startOffset, endOffset, sizeBytes, maxTimestamp });
  stream.ranges.extend(part.streamEpoch, startOffset, endOffset);
  return true;
}

function closeStream(state: CatalogState, id: StreamId, tell: Tell): void {
  const stream = state.tables.streams.get(id) as StreamEntry;
  stream.ownerEpoch = 0;
  tellOfStream(state, stream, 'closed', tell);
}

/** The epoch's streams are closed by its end alone. Its last record can be answered until the node has a new epoch. */
function closeEpoch(state: CatalogState, epoch: EpochEntry, tell: Tell): void {
  const { nodes } = state.tables;
  nodes.end(nodes.get(epoch.node) as NodeEntry, 'current', { keepWriter: true });
  tell?.({ index: state.index + 1, of: 'node', what: 'closed', node: epoch.node, epoch: epoch.epoch });
}

function tellOfStream(state: CatalogState, stream: StreamEntry, what: 'extended' | 'closed', tell: Tell): void {
  tell?.({ index: state.index + 1, of: 'stream', what, stream: stream.id, name: stream.name });
}
