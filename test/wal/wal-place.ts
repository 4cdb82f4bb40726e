// What the tests of the object WAL share: an epoch to write, batches, a sink that keeps what it is told, and the state
// of the catalog as far as a WAL asks for it.
import { systemRuntime, type Runtime } from '../../src/base/runtime.ts';
import { silentObserver, type Observer } from '../../src/model/events.ts';
import { streamId } from '../../src/model/ids.ts';
import { objectKey } from '../../src/model/object-key.ts';
import type { StreamBatch } from '../../src/model/record-batch.ts';
import type { ObjectStore } from '../../src/store/object-store.ts';
import { objectWal } from '../../src/wal/object-wal.ts';
import type { SealedWal, Wal, WalEnd, WalPlace, WalSegment, WalSettings, WalSink } from '../../src/wal/wal.ts';

export const clusterId = '0123456789abcdef0123456789abcdef';

/** The real clock, without dice: every pause between tries is as short as it can be. */
export const quickRuntime: Runtime = {
  ...systemRuntime,
  random: { bytes: (length) => systemRuntime.random.bytes(length), fraction: () => 0 },
};

/** One node epoch on one store. */
export function walPlace(store: ObjectStore, more: Partial<WalPlace> = {}): WalPlace {
  return { store, clusterId, node: 'a', nodeEpoch: 7, runtime: quickRuntime, observer: silentObserver, ...more };
}

export function segmentKey(sequence: number): string {
  return objectKey(clusterId, { family: 'wal', node: 'a', nodeEpoch: 7, sequence });
}

/** A batch of one record: `index` is its offset, and can be read in its bytes. */
export function batch(index: number, sizeBytes = 8, stream = 1): StreamBatch {
  const bytes = new Uint8Array(sizeBytes).fill(index & 0xff);
  if (sizeBytes >= 4) new DataView(bytes.buffer).setUint32(0, index);
  return { stream: streamId(stream), streamEpoch: 1, startOffset: index, count: 1, timestamp: undefined, bytes };
}

/** Keeps what it is told. */
export class MemoryWalSink implements WalSink {
  readonly segments: WalSegment[] = [];
  readonly counts: number[] = [];
  end: WalEnd | undefined;
  onDurable: (() => void) | undefined;
  readonly #ended: Promise<WalEnd>;
  #resolveEnded: (end: WalEnd) => void = () => {};

  constructor() {
    this.#ended = new Promise((resolve) => (this.#resolveEnded = resolve));
  }

  get durableCount(): number {
    return this.counts.reduce((sum, count) => sum + count, 0);
  }

  durable(count: number, segment: WalSegment): void {
    if (this.end !== undefined) throw new Error('reported durable after the end');
    this.counts.push(count);
    this.segments.push(segment);
    this.onDurable?.();
  }

  ended(end: WalEnd): void {
    if (this.end !== undefined) throw new Error('ended twice');
    this.end = end;
    this.#resolveEnded(end);
  }

  whenEnded(): Promise<WalEnd> {
    return this.#ended;
  }
}

/** The catalog's word on one epoch. */
export class MemoryEpochState {
  released = 0;
  sealedAt: number | undefined;
  rereads = 0;
  onReread: (() => void) | undefined;

  reread(): Promise<{ released: number } | { sealedAt: number }> {
    this.rereads += 1;
    this.onReread?.();
    const { released, sealedAt } = this;
    return Promise.resolve(sealedAt === undefined ? { released } : { sealedAt });
  }
}

export interface OpenedWal {
  readonly wal: Wal;
  readonly sink: MemoryWalSink;
  readonly state: MemoryEpochState;
}

export async function openWal(
  store: ObjectStore,
  more: Partial<WalPlace> & { readonly settings?: Partial<WalSettings>; readonly state?: MemoryEpochState } = {},
): Promise<OpenedWal> {
  const { settings, state = new MemoryEpochState(), ...place } = more;
  const sink = new MemoryWalSink();
  const wal = await objectWal().open({
    ...walPlace(store, place),
    settings: { segmentSizeMinBytes: 256 * 1024, storeDeadlineMs: 60_000, ...settings },
    sink,
    sealedAt: () => Promise.resolve(state.sealedAt),
  });
  return { wal, sink, state };
}

export function sealWal(
  store: ObjectStore,
  state: MemoryEpochState = new MemoryEpochState(),
  more: {
    readonly signal?: AbortSignal;
    readonly released?: number;
    readonly runtime?: Runtime;
    readonly cutAt?: number;
  } = {},
): Promise<SealedWal | undefined> {
  const { signal, released = state.released, runtime = quickRuntime, cutAt } = more;
  return objectWal().seal({
    ...walPlace(store, { runtime, observer: {} satisfies Observer }),
    identity: { kind: 'object', id: '' },
    released,
    reread: () => state.reread(),
    cutAt,
    signal,
  });
}

/** The indexes that `batch` was given, of everything a sealed WAL holds. */
export async function indexesOf(sealed: SealedWal | undefined): Promise<number[]> {
  const indexes: number[] = [];
  for (const segment of sealed?.segments ?? [])
    for (const { startOffset } of (await sealed?.batches(segment)) ?? []) indexes.push(startOffset);
  return indexes;
}

export function upTo(end: number): number[] {
  return Array.from({ length: end }, (_, index) => index);
}

/** Lets all that is ready happen. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
