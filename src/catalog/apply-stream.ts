// Changes of single streams: create, open, delete, trim, attributes (R7, O3, O4, S6).
//
// A stream is open while its owner's epoch is live or owed, and nobody else can have it until then: not another node,
// not a newer epoch of the same node, not even the owner again. Its owner's WAL may hold what no object does.
import type { Attributes } from '../model/ids.ts';
import type {
  AttributesChange,
  CatalogChange,
  CreateChange,
  DeleteChange,
  OpenChange,
  TrimChange,
  Verdict,
} from './change.ts';
import type { CatalogState, EpochState, StreamState } from './state.ts';
import type { StreamEntry } from './stream-table.ts';
import { applies, voids, type Tell } from './verdict.ts';

/** A change of one stream. */
export type StreamChange = CreateChange | OpenChange | DeleteChange | TrimChange | AttributesChange;

export function judgeStreamChange(state: CatalogState, proposer: EpochState, change: StreamChange): Verdict {
  if (change.kind === 'create') return judgeCreate(state, proposer, change);
  if (change.kind === 'open' && proposer.status === 'recovering') return voids('recovering');
  const stream = state.stream(change.stream);
  if (stream === undefined) return voids('not-found');
  switch (change.kind) {
    case 'open':
      return judgeOpen(state, stream, change);
    case 'delete':
      return state.isOpen(stream) ? voids('owned', stream.ownerEpoch) : applies();
    case 'trim':
      if (stream.ownerEpoch !== proposer.epoch || stream.streamEpoch !== change.streamEpoch) return voids('closed');
      return applies(Math.max(stream.startOffset, change.startOffset));
    default:
      if ((change.ifVersion ?? stream.attributesVersion) !== stream.attributesVersion)
        return voids('conflict', stream.attributesVersion);
      return applies(stream.attributesVersion + 1);
  }
}

export function streamChange(state: CatalogState, writer: number, change: StreamChange, tell: Tell): void {
  const { streams } = state.tables;
  if (change.kind === 'create') {
    const created = streams.create(change.name, copyOf(change.attributes), writer);
    return tellOf(state, created, 'created', tell);
  }
  const stream = streams.get(change.stream) as StreamEntry;
  switch (change.kind) {
    case 'open':
      stream.ownerEpoch = writer;
      stream.streamEpoch += 1;
      return tellOf(state, stream, 'opened', tell);
    case 'delete':
      stream.parts.trimBelow(Number.POSITIVE_INFINITY, releaseParts(state));
      streams.delete(stream);
      return tellOf(state, stream, 'deleted', tell);
    case 'trim':
      if (change.startOffset <= stream.startOffset) return;
      stream.startOffset = change.startOffset;
      stream.parts.trimBelow(change.startOffset, releaseParts(state));
      stream.ranges.trimBelow(change.startOffset);
      return tellOf(state, stream, 'trimmed', tell);
    default:
      stream.attributes = copyOf(change.attributes);
      stream.attributesVersion += 1;
      return tellOf(state, stream, 'attributes', tell);
  }
}

function judgeCreate(state: CatalogState, proposer: EpochState, change: CreateChange): Verdict {
  if (proposer.status === 'recovering') return voids('recovering');
  const taken = change.name === undefined ? undefined : state.streamByName(change.name);
  return taken === undefined ? applies(state.nextStreamId) : voids('exists', taken.id);
}

function judgeOpen(state: CatalogState, stream: StreamState, change: OpenChange): Verdict {
  if (state.isOpen(stream)) return voids('owned', stream.ownerEpoch);
  if ((change.expectedEpoch ?? stream.streamEpoch) !== stream.streamEpoch) return voids('conflict', stream.streamEpoch);
  return applies(stream.streamEpoch + 1);
}

/** Lets objects go with their parts; one left with nothing alive is retired by the same record. */
function releaseParts(state: CatalogState): (object: number, sizeBytes: number) => void {
  return (object, sizeBytes) => state.tables.objects.releasePart(object, sizeBytes, state.index + 1);
}

/** A record's decoded values may share memory with its bytes; the state keeps none of that. */
function copyOf(attributes: Attributes): Attributes {
  return Object.freeze({ ...attributes });
}

type StreamEffect = Extract<CatalogChange, { of: 'stream' }>['what'];

function tellOf(state: CatalogState, stream: StreamEntry, what: StreamEffect, tell: Tell): void {
  tell?.({ index: state.index + 1, of: 'stream', what, stream: stream.id, name: stream.name });
}
