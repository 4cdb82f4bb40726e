// Builds a large state and measures it; state-scale.test.ts does, in the process that each test
// file has for itself, so that the heap is its own.
import { createHash } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { applyRecord } from '../../src/catalog/apply-change.ts';
import type { Change, CommittedObject } from '../../src/catalog/change.ts';
import { decodeState, encodeState } from '../../src/catalog/state-snapshot.ts';
import { CatalogState, type StreamState } from '../../src/catalog/state.ts';
import { streamId } from '../../src/model/ids.ts';

const clusterId = '0123456789abcdef0123456789abcdef';
const streamCount = 100_000;
const partsPerStream = 10;
/** Streams in one stream-set object. */
const streamsPerObject = 500;

export interface ScaleFigures {
  readonly streamCount: number;
  readonly partCount: number;
  readonly objectCount: number;
  readonly buildMs: number;
  readonly heapPerIdleStreamBytes: number;
  readonly heapPerPartBytes: number;
  readonly lookupShortUs: number;
  readonly lookupLongUs: number;
  readonly snapshotBytes: number;
  readonly encodeMs: number;
  readonly encodeMedianSliceMs: number;
  readonly encodeLongestSliceMs: number;
  readonly decodeMs: number;
  readonly decodeMedianSliceMs: number;
  readonly decodeLongestSliceMs: number;
  readonly isSame: boolean;
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
const state = new CatalogState(clusterId);
let recordNumber = 0;

/** Builds the state and measures. Once per process. */
export async function measureScale(): Promise<ScaleFigures> {
  const empty = usedBytes();
  const buildStart = performance.now();
  apply('nonce', [{ kind: 'register', node: 'a', wal: { kind: 'object', id: '' }, attributes: {}, rules: 1 }]);
  for (let i = 0; i < streamCount; i += 1_000)
    apply(
      1,
      Array.from({ length: 1_000 }, (_, k) => ({
        kind: 'create',
        name: `a stream of some name ${i + k}`,
        attributes: {},
      })),
    );
  const createdMs = performance.now() - buildStart;
  const idle = usedBytes();
  const partsStart = performance.now();
  let sequence = 0;
  for (let round = 0; round < partsPerStream; round++)
    for (let first = 1; first <= streamCount; first += streamsPerObject) {
      const objects = [objectOf(sequence, first, streamsPerObject)];
      apply(1, [{ kind: 'commit', epoch: 1, from: sequence, to: ++sequence, objects, settledBelow: 0 }]);
    }
  const buildMs = createdMs + performance.now() - partsStart;
  const full = usedBytes();

  const encoding = await measured((turn) => encodeState(state, turn));
  const bytes = encoding.result;
  const place = { key: 'snapshot', clusterId };
  const decoding = await measured((turn) => decodeState(bytes, place, turn));
  const again = await encodeState(decoding.result, () => Promise.resolve());

  const short = state.stream(1) as StreamState;
  const lookupShortUs = Math.min(lookupUs(short), lookupUs(short));
  const partCount = [...state.streams()].reduce((sum, { parts }) => sum + parts.length, 0);
  const objectCount = state.objectCount;
  for (let i = 0; i < 20; i++) {
    // One stream grows to a hundred times its parts.
    const objects = [];
    for (let k = 0; k < 50; k++) objects.push(growing(short, sequence + k, k));
    apply(1, [{ kind: 'commit', epoch: 1, from: sequence, to: (sequence += 50), objects, settledBelow: 0 }]);
  }

  const rounded = (value: number): number => Math.round(value * 1_000) / 1_000;
  return {
    streamCount: state.streamCount,
    partCount,
    objectCount,
    buildMs: rounded(buildMs),
    heapPerIdleStreamBytes: Math.round((idle - empty) / streamCount),
    heapPerPartBytes: Math.round((full - idle) / partCount),
    lookupShortUs: rounded(lookupShortUs),
    lookupLongUs: rounded(Math.min(lookupUs(short), lookupUs(short))),
    snapshotBytes: bytes.byteLength,
    encodeMs: rounded(encoding.tookMs),
    encodeMedianSliceMs: rounded(encoding.medianSliceMs),
    encodeLongestSliceMs: rounded(encoding.longestSliceMs),
    decodeMs: rounded(decoding.tookMs),
    decodeMedianSliceMs: rounded(decoding.medianSliceMs),
    decodeLongestSliceMs: rounded(decoding.longestSliceMs),
    isSame: Buffer.compare(bytes, again) === 0,
  };
}

function apply(writer: number | string, changes: readonly Change[]): void {
  const index = state.index + 1;
  const number = typeof writer === 'string' ? 1 : ++recordNumber;
  const bytes = createHash('sha256').update(String(index)).digest();
  const record = { index, writer, number, previousDigest: state.digest, changes };
  for (const verdict of applyRecord(state, record, bytes)) if (!verdict.applied) throw new Error(verdict.reason);
}

function usedBytes(): number {
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** One object that continues each of these streams by ten records. */
function objectOf(sequence: number, first: number, count: number): CommittedObject {
  const parts = Array.from({ length: count }, (_, i) => {
    const id = streamId(first + i);
    const startOffset = (state.stream(id) as StreamState).endOffset;
    const maxTimestamp = 1_700_000_000_000 + state.index;
    return { stream: id, streamEpoch: 1, startOffset, endOffset: startOffset + 10, sizeBytes: 1_000, maxTimestamp };
  });
  return { family: 'wal', sequence, sizeBytes: 1_000 * count, parts };
}

/** The mean time of a look-up by offset in a stream, in microseconds. */
function lookupUs(stream: StreamState): number {
  const count = 200_000;
  let found = 0;
  const start = performance.now();
  for (let i = 0; i < count; i++) found += stream.parts.find((i * 7_919) % stream.endOffset) >= 0 ? 1 : 0;
  if (found !== count) throw new Error('an offset was not found');
  return ((performance.now() - start) * 1_000) / count;
}

interface Sliced<T> {
  readonly result: T;
  readonly tookMs: number;
  readonly medianSliceMs: number;
  /** In processor time: what the slice takes of a machine that is busy with other things, too. */
  readonly longestSliceMs: number;
}

/** Runs sliced work, and measures its slices. */
async function measured<T>(work: (turn: () => Promise<void>) => Promise<T>): Promise<Sliced<T>> {
  const slices: number[] = [];
  const start = performance.now();
  let sliceStart = process.cpuUsage();
  const endSlice = (): void => {
    const { user, system } = process.cpuUsage(sliceStart);
    slices.push((user + system) / 1_000);
  };
  const result = await work(async () => {
    endSlice();
    await new Promise((resolve) => setImmediate(resolve));
    sliceStart = process.cpuUsage();
  });
  endSlice();
  slices.sort((a, b) => a - b);
  const at = (index: number): number => slices[Math.floor(index)] as number;
  const tookMs = performance.now() - start;
  return { result, tookMs, medianSliceMs: at(slices.length / 2), longestSliceMs: at(slices.length - 1) };
}

/** The k-th of some objects that continue one stream, one after another. */
function growing(short: StreamState, at: number, k: number): CommittedObject {
  const startOffset = short.endOffset + 10 * k;
  const part = { stream: short.id, streamEpoch: 1, startOffset, endOffset: startOffset + 10, sizeBytes: 1 };
  return { family: 'wal', sequence: at, sizeBytes: 1, parts: [{ ...part, maxTimestamp: undefined }] };
}
