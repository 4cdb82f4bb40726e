// What a workload will cost, before anything runs (pure): the rates of request-rates.ts over a month, at the prices of
// a table. Every line says how it came about, so that whoever doubts the sum can see which figure to change.
import { GiB, MiB } from '../base/bytes.ts';
import type { StoreOperation } from '../store/object-store.ts';
import { secondsPerMonth } from './cost.ts';
import { checkPrices, s3StandardPrices, storageCostPerMonth, type PriceTable } from './prices.ts';
import {
  followRates,
  journalRates,
  modelSegments,
  modelUploads,
  readRates,
  snapshotRates,
  type RequestRates,
  type SegmentModel,
  type UploadModel,
} from './request-rates.ts';
import { resolveWorkload, type ResolvedWorkload, type Workload } from './workload.ts';

/** One line of an estimate. */
export interface CostLine {
  readonly name: string;
  /** How many in a month. */
  readonly quantity: number;
  readonly unit: 'GiB' | 'GiB-month' | 'PUT' | 'GET' | 'LIST' | 'DELETE';
  /** Price of one; of storage the mean over its tiers. */
  readonly unitPrice: number;
  readonly cost: number;
  /** How the quantity came about, in words and figures. */
  readonly formula: string;
}

/** What a workload will cost in a month of 30.44 days, once as much is stored as is kept. */
export interface CostEstimate {
  readonly workload: ResolvedWorkload;
  readonly prices: PriceTable;
  readonly lines: readonly CostLine[];
  readonly total: number;
  /** All of that for each GiB appended, as it was compressed. */
  readonly perGiBAppended: number;
  /** Requests of all kinds for each GiB appended. */
  readonly requestsPerGiBAppended: RequestRates;
  readonly storedBytes: number;
  /** Mean size of a segment of the object WAL; 0 with a log in files. */
  readonly segmentSizeBytes: number;
  /** Mean time from an append to its acknowledgement; undefined with a log in files. */
  readonly appendSeconds: number | undefined;
  /** What the estimate takes for granted, as sentences. */
  readonly assumptions: readonly string[];
}

const operations: readonly StoreOperation[] = ['put', 'get', 'list', 'delete'];

/** Compaction reads and writes in pieces of this size. */
const compactionPieceBytes: number = 8 * MiB;

/**
 * Estimates what a workload costs in a month, at these prices (S3 Standard unless others are given). It runs nothing.
 * INVALID_ARGUMENT if the workload cannot be, or a node could not write so much.
 */
export function estimateCost(workload: Workload, prices: PriceTable = s3StandardPrices): CostEstimate {
  const resolved = resolveWorkload(workload);
  checkPrices(prices);
  const segments = modelSegments(resolved);
  const uploads = modelUploads(resolved, segments);
  const appendedPerSecond = segments.bytesPerSecond * resolved.nodes;
  const requests = requestsOf(resolved, segments, uploads);
  const lines = [
    storageLine(resolved, appendedPerSecond, prices),
    ...requests.flatMap((activity) => requestLines(activity, prices)),
    ...byteLines(resolved, segments, uploads, prices),
  ];
  const appendedGiB = (appendedPerSecond * secondsPerMonth) / GiB;
  const total = lines.reduce((sum, { cost }) => sum + cost, 0);
  const perGiB = (operation: StoreOperation): number =>
    (requests.reduce((sum, { rates }) => sum + rates[operation], 0) * secondsPerMonth) / appendedGiB;
  return {
    ...{ workload: resolved, prices, lines, total, perGiBAppended: total / appendedGiB },
    requestsPerGiBAppended: { put: perGiB('put'), get: perGiB('get'), list: perGiB('list'), delete: perGiB('delete') },
    storedBytes: appendedPerSecond * resolved.retentionSeconds,
    ...{ segmentSizeBytes: segments.segmentSizeBytes, appendSeconds: segments.appendSeconds },
    assumptions: assumptionsOf(resolved),
  };
}

/** Requests for one end. */
interface Activity {
  readonly name: string;
  readonly rates: RequestRates;
  readonly formula: string;
}

const noRequests: RequestRates = { put: 0, get: 0, list: 0, delete: 0 };

function requestsOf(workload: ResolvedWorkload, segments: SegmentModel, uploads: UploadModel): readonly Activity[] {
  const { nodes, followers, compactionRewrites, settings } = workload;
  const { bytesPerSecond, segmentSizeBytes, segmentsPerSecond } = segments;
  const { uploadsPerSecond, uploadSizeBytes, putsPerUpload, deletesPerUpload, recordsPerUpload } = uploads;
  const nodesOf = `${counted(nodes, 'node')} × ${shown(bytesPerSecond)} bytes/s`;
  const recordsPerSecond = nodes * uploadsPerSecond * recordsPerUpload;
  const piecesPerSecond = (compactionRewrites * nodes * bytesPerSecond) / compactionPieceBytes;
  const readBytes = storeBytesPerSecond(workload);
  return [
    {
      name: 'log: segments',
      rates: { ...noRequests, put: nodes * segmentsPerSecond },
      formula: `${nodesOf} ÷ ${shown(segmentSizeBytes)} bytes a segment`,
    },
    {
      name: 'upload: objects',
      rates: { ...noRequests, put: nodes * uploadsPerSecond * putsPerUpload },
      formula: `${nodesOf} ÷ ${shown(uploadSizeBytes)} bytes an upload × ${counted(putsPerUpload, 'object')}`,
    },
    {
      name: 'upload: segments no longer needed',
      rates: { ...noRequests, delete: nodes * uploadsPerSecond * deletesPerUpload },
      formula: `${counted(deletesPerUpload, 'deletion')} an upload, of up to 1,000 keys`,
    },
    {
      name: 'journal',
      rates: journalRates(workload, recordsPerSecond),
      formula: `${counted(recordsPerUpload, 'record')} an upload; for each ${journalWords(nodes)}`,
    },
    {
      name: 'journal: snapshots',
      rates: snapshotRates(recordsPerSecond),
      formula: 'for each 512 records 3 PUTs, 8 GETs, 3 LISTs, 2 DELETEs',
    },
    {
      name: 'reading',
      rates: readRates(readBytes, uploads),
      formula:
        `${shown(readBytes)} bytes/s not from memory, ${shown(uploads.sideBySideBytes)} bytes of a stream side by ` +
        'side in an object: one GET for its directory, one for each MiB',
    },
    {
      name: 'following',
      rates: followRates(workload, segments, recordsPerSecond),
      formula:
        `${counted(followers, 'follower')}: a GET for each segment and record, and some every ` +
        `${shown(settings.catalogRefreshMs)} ms`,
    },
    {
      name: 'compaction',
      rates: { ...noRequests, put: piecesPerSecond, get: piecesPerSecond },
      formula: `each byte ${shown(compactionRewrites)} times more, in pieces of 8 MiB`,
    },
  ];
}

function journalWords(nodes: number): string {
  if (nodes === 1) return 'a PUT and a GET';
  return `2 PUTs and ${shown(1 + 1.5 * (nodes - 1) + 2)} GETs, of what ${counted(nodes - 1, 'other node')} wrote, too`;
}

function requestLines({ name, rates, formula }: Activity, prices: PriceTable): readonly CostLine[] {
  return operations
    .filter((operation) => rates[operation] > 0)
    .map((operation) => {
      const quantity = rates[operation] * secondsPerMonth;
      const unitPrice = prices.perThousandRequests[operation] / 1_000;
      const unit = operation.toUpperCase() as CostLine['unit'];
      return { name, quantity, unit, unitPrice, cost: quantity * unitPrice, formula };
    });
}

function storageLine({ retentionSeconds }: ResolvedWorkload, appendedPerSecond: number, prices: PriceTable): CostLine {
  const storedBytes = appendedPerSecond * retentionSeconds;
  const quantity = storedBytes / GiB;
  const cost = storageCostPerMonth(prices, storedBytes);
  const unitPrice = quantity === 0 ? 0 : cost / quantity;
  const formula = `${shown(appendedPerSecond)} bytes/s, compressed, kept for ${shown(retentionSeconds)} s`;
  return { name: 'storage', quantity, unit: 'GiB-month', unitPrice, cost, formula };
}

/** What is sent and got, where bytes have a price of their own or not. */
function byteLines(
  workload: ResolvedWorkload,
  { bytesPerSecond }: SegmentModel,
  { isInPlace }: UploadModel,
  { perGiBIn, perGiBOut }: PriceTable,
): readonly CostLine[] {
  const { nodes, wal, compactionRewrites } = workload;
  const writes = (wal === 'object' ? 1 : 0) + (isInPlace ? 0 : 1) + compactionRewrites;
  const appended = nodes * bytesPerSecond;
  const read = storeBytesPerSecond(workload);
  const line = (name: string, perSecond: number, unitPrice: number, formula: string): CostLine => {
    const quantity = (perSecond * secondsPerMonth) / GiB;
    return { name, quantity, unit: 'GiB', unitPrice, cost: quantity * unitPrice, formula };
  };
  const ends = [
    ...(wal === 'object' ? ['log'] : []),
    ...(isInPlace ? [] : ['upload']),
    ...(compactionRewrites > 0 ? [`${shown(compactionRewrites)} × compaction`] : []),
  ];
  return [
    line('bytes sent', appended * writes, perGiBIn, `each byte ${shown(writes)} times: ${ends.join(', ')}`),
    line(
      'bytes got',
      read + appended * compactionRewrites,
      perGiBOut,
      `${shown(read)} bytes/s read${compactionRewrites > 0 ? ', and what compaction reads' : ''}`,
    ),
  ];
}

function storeBytesPerSecond({ bytesOutPerSecond, compressionRatio, memoryReadShare }: ResolvedWorkload): number {
  return (bytesOutPerSecond / compressionRatio) * (1 - memoryReadShare);
}

function assumptionsOf({ wal, putSeconds, compactionRewrites }: ResolvedWorkload): readonly string[] {
  return [
    'The load is steady and spread evenly over nodes and streams; producers do not wait for each other.',
    ...(wal === 'object' ? [`A PUT takes ${shown(putSeconds)} s.`] : []),
    'What is older than the retention is deleted. This version does not do that: storage grows until it does.',
    compactionRewrites === 0
      ? 'Nothing is compacted: this version does not do that. A stream is read in as many pieces as it was written in.'
      : 'Compaction rewrites bytes as stated; this version does not do that yet. What it saves in reading is left out.',
    'Left out: requests tried again, traffic to other regions or the internet, indexes (about a thousandth), the ' +
      'bytes of the journal, opening and recovering.',
  ];
}

function counted(count: number, noun: string): string {
  return `${shown(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** A figure as people read it: whole from 1,000 on, with four digits below. */
function shown(figure: number): string {
  if (Math.abs(figure) < 1_000) return String(Number(figure.toPrecision(4)));
  return String(Math.round(figure)).replaceAll(/\B(?=(\d{3})+$)/g, ',');
}
