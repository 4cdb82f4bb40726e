// What a set tells about streams and nodes: plain data, read from the state in one synchronous section.
import type { Attributes, StreamId } from '../model/ids.ts';
import type { WalKind } from '../model/wal-identity.ts';
import { keyOf } from '../cache/object-reader.ts';
import type { CatalogState, NodeState, StreamState } from '../catalog/state.ts';

/** A stream in a list. */
export interface StreamSummary {
  readonly id: StreamId;
  readonly name: string | undefined;
  readonly streamEpoch: number;
  /** The node that has it open, if any. */
  readonly owner: string | undefined;
  readonly startOffset: number;
  /** End of what is registered; the owner may have more. */
  readonly endOffset: number;
}

/** A stream, described. */
export interface StreamDescription extends StreamSummary {
  readonly ownerEpoch: number | undefined;
  readonly attributes: Attributes;
  /** Rises with every change of the attributes; for `ifVersion`. */
  readonly attributesVersion: number;
  /** Which ownership wrote which offsets. */
  readonly epochs: readonly {
    readonly streamEpoch: number;
    readonly startOffset: number;
    readonly endOffset: number;
  }[];
  /** Where the registered offsets lie. */
  readonly objects: readonly {
    readonly key: string;
    readonly startOffset: number;
    readonly endOffset: number;
    readonly sizeBytes: number;
  }[];
}

/** A node, described. */
export interface NodeDescription {
  readonly node: string;
  /** 'recovering' and 'open' are live; 'fenced' still has an epoch to recover; 'closed' has nothing left to do. */
  readonly status: 'recovering' | 'open' | 'fenced' | 'closed';
  /** The live epoch, or else the newest one. */
  readonly nodeEpoch: number;
  /** The epoch that is to be recovered, if any. */
  readonly unrecoveredEpoch: number | undefined;
  readonly walKind: WalKind | undefined;
  readonly attributes: Attributes;
}

export function summarizeStream(state: CatalogState, stream: StreamState): StreamSummary {
  const { id, name, streamEpoch, startOffset, endOffset } = stream;
  return { id, name, streamEpoch, owner: state.ownerOf(stream)?.node, startOffset, endOffset };
}

export function describeStream(state: CatalogState, stream: StreamState, clusterId: string): StreamDescription {
  const objects = Array.from({ length: stream.parts.length }, (_, i) => {
    const { object: id, startOffset, endOffset, sizeBytes } = stream.parts.at(i);
    const object = state.object(id);
    return { key: object === undefined ? '' : keyOf(clusterId, object), startOffset, endOffset, sizeBytes };
  });
  return {
    ...summarizeStream(state, stream),
    ownerEpoch: state.ownerOf(stream)?.epoch,
    attributes: { ...stream.attributes },
    attributesVersion: stream.attributesVersion,
    epochs: Array.from({ length: stream.ranges.length }, (_, i) => stream.ranges.at(i)),
    objects,
  };
}

export function describeNode(node: NodeState): NodeDescription {
  const { name, current, unrecovered, lastEpoch, attributes } = node;
  const idle = unrecovered === undefined ? 'closed' : 'fenced';
  return {
    node: name,
    status: current?.status ?? idle,
    nodeEpoch: current?.epoch ?? lastEpoch,
    unrecoveredEpoch: unrecovered?.epoch,
    walKind: (current ?? unrecovered)?.wal.kind,
    attributes: { ...attributes },
  };
}
