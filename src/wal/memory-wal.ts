// The WAL that is none: durable means that the process remembers. For tests, and for data that may be lost with its
// process; it has to be asked for by name. Recovery finds nothing of it and ends it where it was released (R3).
import { assert } from '../base/assert.ts';
import { MiB } from '../base/bytes.ts';
import { batchSizeMaxBytes } from '../model/limits.ts';
import type { StreamBatch } from '../model/record-batch.ts';
import { GrowingSegment } from './growing-segment.ts';
import type { SealedWal, Wal, WalFactory, WalRecoveryContext, WalSegment, WalSink } from './wal.ts';

const segmentSizeBytes: number = 1 * MiB;

/** A write-ahead log in memory: what is appended is lost with the process, unless it has been uploaded. */
export function memoryWal(): WalFactory {
  return {
    kind: 'memory',
    identify: () => Promise.resolve({ kind: 'memory', id: '' }),
    open: ({ sink }) => Promise.resolve(new MemoryWal(sink)),
    seal: sealMemoryWal,
  };
}

class MemoryWal implements Wal {
  readonly segmentsAreObjects = false;
  readonly #sink: WalSink;
  #waiting: StreamBatch[] = [];
  #pendingBytes = 0;
  #segment = new GrowingSegment(0);
  /** Replaced when it changes, so that it can be handed out: it is asked for at every report. */
  #unreleased: readonly WalSegment[] = [];
  #flushes: (() => void)[] = [];
  #reportIsDue = false;
  #isOver = false;

  constructor(sink: WalSink) {
    this.#sink = sink;
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  append(batch: StreamBatch): void {
    assert(batch.bytes.byteLength <= batchSizeMaxBytes, 'a batch fits a segment');
    if (this.#isOver) return;
    this.#waiting.push(batch);
    this.#pendingBytes += batch.bytes.byteLength;
    this.#scheduleReport();
  }

  flush(): Promise<void> {
    if (this.#isOver) return Promise.resolve();
    if (this.#waiting.length === 0) {
      this.#complete();
      return Promise.resolve();
    }
    return new Promise((resolve) => this.#flushes.push(resolve));
  }

  unreleased(): readonly WalSegment[] {
    return this.#unreleased;
  }

  release(position: number, registered: ReadonlySet<number>): Promise<void> {
    assert(registered.size === 0, 'segments of a memory WAL are no objects');
    this.#unreleased = this.#unreleased.filter(({ sequence }) => sequence >= position);
    return Promise.resolve();
  }

  stop(): void {
    this.#isOver = true;
    this.#waiting = [];
    this.#pendingBytes = 0;
    for (const resolve of this.#flushes) resolve();
    this.#flushes = [];
  }

  close(): Promise<void> {
    this.stop();
    return Promise.resolve();
  }

  /** Never from inside `append`. */
  #scheduleReport(): void {
    if (this.#reportIsDue) return;
    this.#reportIsDue = true;
    queueMicrotask(() => {
      this.#reportIsDue = false;
      if (this.#isOver || this.#waiting.length === 0) return;
      try {
        this.#report();
      } catch (cause) {
        this.stop();
        this.#sink.ended({ reason: 'failed', error: cause as Error, sentCount: 0 });
      }
    });
  }

  #report(): void {
    const batches = this.#waiting;
    const flushes = this.#flushes;
    const segment = this.#segment;
    this.#waiting = [];
    this.#flushes = [];
    this.#pendingBytes = 0;
    for (const batch of batches) segment.add(batch);
    if (flushes.length > 0 || segment.sizeBytes >= segmentSizeBytes) this.#complete();
    this.#sink.durable(batches.length, segment);
    for (const resolve of flushes) resolve();
  }

  #complete(): void {
    if (this.#segment.batchCount === 0) return;
    this.#unreleased = [...this.#unreleased, this.#segment];
    this.#segment = new GrowingSegment(this.#segment.sequence + 1);
  }
}

async function sealMemoryWal(context: WalRecoveryContext): Promise<SealedWal | undefined> {
  const state = await context.reread();
  if ('sealedAt' in state) return undefined;
  return {
    sealedAt: state.released,
    segmentsAreObjects: false,
    segments: [],
    batches: () => Promise.resolve([]),
    close: () => Promise.resolve(),
  };
}
