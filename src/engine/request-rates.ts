// What a workload asks of the store in a second (pure): the rules by which the engine cuts segments, uploads, keeps its
// journal and reads, as formulas for a steady load. They are held against a running engine by a test.
//
// A segment is cut when as much waits as is asked for of each PUT under way: with r bytes a second, a PUT of t seconds
// and `segmentSizeMinBytes` m there are r × t ÷ s segments of s bytes under way, and s = (r × t ÷ s) × m; so s is the
// square root of r × t × m. Below m bytes a PUT, nothing is under way when the next one begins: s = r × t. An append
// that finds nothing under way goes alone. Above eight PUTs under way s = r × t ÷ 8.
//
// Example: 20 MB/s, PUTs of 100 ms, m = 256 KiB: √(2,000,000 × 262,144) = 724,077 bytes, 27.6 PUTs a second.
import { invalidArgument } from '../model/errors.ts';
import {
  blockSizeTargetBytes,
  segmentSizeMaxBytes,
  snapshotIntervalRecords,
  unreleasedSegmentsMax,
  walInFlightMax,
} from '../model/limits.ts';
import type { StoreOperation } from '../store/object-store.ts';
import { rangeSizeBytes, wholeSizeMaxBytes } from '../stream/prefetch.ts';
import { ownObjectSizeMinBytes } from '../upload/upload-planner.ts';
import { memoryShares, uploadRunSizeMaxBytes } from './memory-shares.ts';
import type { ResolvedWorkload } from './workload.ts';

/** Requests of all nodes per second, by operation. */
export type RequestRates = Readonly<Record<StoreOperation, number>>;

/** How a node's segments come about. */
export interface SegmentModel {
  readonly bytesPerSecond: number;
  /** 0 where the log is in files. */
  readonly segmentSizeBytes: number;
  readonly segmentsPerSecond: number;
  /** From an append to its acknowledgement, on average; undefined where the log is in files. */
  readonly appendSeconds: number | undefined;
}

/** How a node's uploads come about. */
export interface UploadModel {
  readonly uploadSizeBytes: number;
  readonly uploadsPerSecond: number;
  /** Whether segments become objects as they are. */
  readonly isInPlace: boolean;
  readonly putsPerUpload: number;
  readonly deletesPerUpload: number;
  readonly recordsPerUpload: number;
  /** Bytes of one stream that lie side by side in an object, and the size of the object. */
  readonly sideBySideBytes: number;
  readonly objectSizeBytes: number;
}

/** Segments of the object WAL of one node. */
export function modelSegments(workload: ResolvedWorkload): SegmentModel {
  const { bytesInPerSecond, compressionRatio, nodes, putSeconds, appendSizeBytes, wal, settings } = workload;
  const bytesPerSecond = bytesInPerSecond / compressionRatio / nodes;
  if (wal === 'file') return { bytesPerSecond, segmentSizeBytes: 0, segmentsPerSecond: 0, appendSeconds: undefined };
  const { walBuffers } = memoryShares(settings.memoryMaxBytes);
  const mostPerSecond = Math.min(walBuffers, walInFlightMax * segmentSizeMaxBytes) / putSeconds;
  if (bytesPerSecond > mostPerSecond)
    throw invalidArgument(
      `a node writes at most ${Math.floor(mostPerSecond)} bytes a second while a PUT takes ${putSeconds} s, and here ` +
        `it would be ${Math.ceil(bytesPerSecond)}: more nodes, or more memory, are needed`,
    );
  const perPut = bytesPerSecond * putSeconds;
  const awaited = Math.min(perPut, Math.sqrt(perPut * settings.segmentSizeMinBytes));
  const collected = Math.max(awaited, perPut / walInFlightMax);
  const segmentSizeBytes = Math.max(appendSizeBytes, Math.min(collected, segmentSizeMaxBytes));
  const waitsSeconds = collected > appendSizeBytes ? collected / bytesPerSecond / 2 : 0;
  return {
    bytesPerSecond,
    segmentSizeBytes,
    segmentsPerSecond: bytesPerSecond / segmentSizeBytes,
    appendSeconds: putSeconds + waitsSeconds,
  };
}

/** What begins an upload is exceeded a little before it is taken: an object that would be just full becomes two. */
const excess = 1.01;

/** Keys in one deletion. */
const keysPerDelete = 1_000;

/** Uploads of one node. */
export function modelUploads(workload: ResolvedWorkload, segments: SegmentModel): UploadModel {
  const { nodes, streams, appendSizeBytes, wal, settings } = workload;
  const { bytesPerSecond, segmentSizeBytes } = segments;
  const shares = memoryShares(settings.memoryMaxBytes);
  const byAge = bytesPerSecond * (settings.uploadAgeMaxMs / 1_000);
  const byCount = wal === 'object' ? unreleasedSegmentsMax * segmentSizeBytes : Infinity;
  const smallest = wal === 'object' ? segmentSizeBytes : appendSizeBytes;
  const uploadSizeBytes = Math.max(smallest, Math.min(settings.uploadSizeBytes, byAge, byCount));
  const uploadsPerSecond = bytesPerSecond / uploadSizeBytes;
  const ownStreams = Math.max(1, streams / nodes);
  const perStream = uploadSizeBytes / Math.min(ownStreams, Math.max(1, uploadSizeBytes / appendSizeBytes));
  const perSegment = Math.min(ownStreams, Math.max(1, segmentSizeBytes / appendSizeBytes));
  const segmentsPerUpload = wal === 'object' ? uploadSizeBytes / segmentSizeBytes : 0;
  const isLarge = segmentSizeBytes >= perSegment * blockSizeTargetBytes;
  if (wal === 'object' && (isLarge || segmentsPerUpload <= 1))
    return {
      ...{ uploadSizeBytes, uploadsPerSecond, isInPlace: true },
      ...{ putsPerUpload: 0, deletesPerUpload: 0, recordsPerUpload: 1 },
      ...{ sideBySideBytes: segmentSizeBytes / perSegment, objectSizeBytes: segmentSizeBytes },
    };
  const isOwn = perStream >= ownObjectSizeMinBytes;
  const objects = (sizeBytes: number): number => Math.ceil((sizeBytes * excess) / shares.uploadBuffer);
  const putsPerUpload = isOwn ? ownStreams * objects(perStream) : objects(uploadSizeBytes);
  const objectSizeBytes = uploadSizeBytes / putsPerUpload;
  return {
    ...{ uploadSizeBytes, uploadsPerSecond, isInPlace: false, putsPerUpload },
    deletesPerUpload: wal === 'object' ? Math.ceil(segmentsPerUpload / keysPerDelete) : 0,
    recordsPerUpload: Math.max(1, uploadSizeBytes / uploadRunSizeMaxBytes(shares)),
    ...{ sideBySideBytes: Math.min(perStream, objectSizeBytes), objectSizeBytes },
  };
}

/**
 * The journal. A record is a PUT and a look at the root. Where others have written since, the first PUT finds its
 * place taken, and their records are read, in windows that double and go beyond the end.
 */
export function journalRates({ nodes }: ResolvedWorkload, recordsPerSecond: number): RequestRates {
  const others = nodes - 1;
  const gets = others === 0 ? 1 : 1 + 1.5 * others + 2;
  return { put: recordsPerSecond * (others === 0 ? 1 : 2), get: recordsPerSecond * gets, list: 0, delete: 0 };
}

/** Each saves the state, reads it back, names it, raises the floor, and looks for what can be deleted. */
export function snapshotRates(recordsPerSecond: number): RequestRates {
  const perSecond = recordsPerSecond / snapshotIntervalRecords;
  return { put: 3 * perSecond, get: 8 * perSecond, list: 3 * perSecond, delete: 2 * perSecond };
}

/** Reads from the store: the directory of each object that is visited, and ranges of about 1 MiB. */
export function readRates(
  storeBytesPerSecond: number,
  { sideBySideBytes, objectSizeBytes }: UploadModel,
): RequestRates {
  const isWhole = objectSizeBytes <= wholeSizeMaxBytes && sideBySideBytes >= objectSizeBytes / 2;
  const getsPerVisit = isWhole ? 1 : 1 + Math.ceil(sideBySideBytes / rangeSizeBytes);
  return { put: 0, get: (storeBytesPerSecond / sideBySideBytes) * getsPerVisit, list: 0, delete: 0 };
}

/**
 * Followers: every `catalogRefreshMs` a look at the journal and one behind the last segment of each node; each segment
 * and each record once.
 */
export function followRates(
  { followers, nodes, settings, wal }: ResolvedWorkload,
  { segmentsPerSecond }: SegmentModel,
  recordsPerSecond: number,
): RequestRates {
  const looksPerSecond = 1_000 / settings.catalogRefreshMs;
  const perLook = 2 + (wal === 'object' ? nodes : 0);
  const get = followers * (looksPerSecond * perLook + nodes * segmentsPerSecond + recordsPerSecond);
  return { put: 0, get, list: 0, delete: 0 };
}
