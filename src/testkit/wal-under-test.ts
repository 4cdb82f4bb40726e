// What the tests of the WAL suite are given, and what they share: one epoch's WAL with everything it was given and
// everything it said, and the proof that what recovery finds is a prefix of the one that holds all of the other.
import assert from 'node:assert/strict';
import type {
  ObjectPart,
  Random,
  Runtime,
  SealedWal,
  StreamBatch,
  StreamId,
  Wal,
  WalEnd,
  WalFactory,
  WalPlace,
  WalSegment,
} from '../index.ts';
import { FaultyObjectStore } from './faulty-object-store.ts';
import { drawInteger, seededRandom } from './seeded-random.ts';
import type { FaultRule, UnderWay } from './store-faults.ts';

/** A kind of WAL, and a fresh place for WALs of one node. */
export interface WalUnderTest {
  readonly walFactory: WalFactory;
  /** What its WALs are given. The suite opens this epoch and, when it is over, later ones. */
  readonly place: WalPlace;
  /**
   * Ends a WAL as the death of its process would. Unless given, its connection to the store dies and it is stopped,
   * which is all there is to a WAL that lives in the store.
   */
  crash?(wal: Wal): Promise<void>;
  /** Whether such a WAL is lost with its process: then recovery finds nothing. */
  readonly isVolatile?: boolean | undefined;
  /** Frees what the test used. */
  close?(): Promise<void>;
}

/** The same, with how long something that must happen may take. */
export interface PatientWalUnderTest extends WalUnderTest {
  readonly patienceMs: number;
}

/** How one test of the suite is declared. */
export type WalTest = (title: string, body: (opened: PatientWalUnderTest) => Promise<void>) => void;

/** How a WAL is opened by a test. */
export interface WalRigOptions {
  /** Counted from the epoch of the place. */
  readonly epochsLater?: number | undefined;
  /** What goes wrong between the WAL and the store; requests that overtake each other unless given. */
  readonly faults?: readonly FaultRule[] | undefined;
  readonly seed?: number | undefined;
}

/** Requests take so long that those in flight together are answered in any order. */
export const overtaking: readonly FaultRule[] = [{ fault: { kind: 'latency', minMs: 0, maxMs: 4 } }];

/** The greatest batch that every WAL must take. */
export const batchSizeMaxBytes: number = 8 * 1024 * 1024 - 4 * 1024;

/** What a batch of the suite is made of. */
export interface BatchShape {
  readonly stream?: number | undefined;
  readonly sizeBytes?: number | undefined;
  readonly count?: number | undefined;
  readonly timestamp?: number | undefined;
}

/** One epoch of a node: its WAL, the catalog's word on it, and all that passed between the WAL and its owner. */
export class WalRig {
  readonly place: WalPlace;
  readonly random: Random;
  readonly appended: StreamBatch[] = [];
  readonly segments: WalSegment[] = [];
  /** How many batches of each segment were reported. */
  readonly counts: number[] = [];
  /** How many reports there were. */
  reportCount = 0;
  /** Called at each report. */
  onDurable: (() => void) | undefined;
  end: WalEnd | undefined;
  /** What the state of the catalog says. */
  released = 0;
  sealedAt: number | undefined;
  readonly #opened: PatientWalUnderTest;
  readonly #connection: FaultyObjectStore;
  readonly #nextOffsets = new Map<number, number>();
  readonly #violations: string[] = [];
  #wal: Wal | undefined;
  #isAppending = false;
  #isSilent = false;

  private constructor(opened: PatientWalUnderTest, options: WalRigOptions) {
    const { epochsLater = 0, seed = 1, faults = overtaking } = options;
    this.#opened = opened;
    this.random = seededRandom(seed + epochsLater);
    const { store, runtime } = opened.place;
    this.#connection = new FaultyObjectStore(store, { runtime, seed, faults, afterCrash: 'hangs' });
    this.place = { ...opened.place, nodeEpoch: opened.place.nodeEpoch + epochsLater };
  }

  /** Opens the WAL of an epoch. */
  static async open(opened: PatientWalUnderTest, options: WalRigOptions = {}): Promise<WalRig> {
    const rig = new WalRig(opened, options);
    rig.#wal = await opened.walFactory.open({
      ...rig.place,
      store: rig.#connection,
      settings: { segmentSizeMinBytes: 1_000, storeDeadlineMs: 60_000 },
      sink: {
        durable: (count, segment) => rig.#durable(count, segment),
        ended: (end) => rig.#ended(end),
      },
      sealedAt: () => Promise.resolve(rig.sealedAt),
    });
    return rig;
  }

  get wal(): Wal {
    assert.ok(this.#wal !== undefined);
    return this.#wal;
  }

  get runtime(): Runtime {
    return this.place.runtime;
  }

  /** Batches reported durable. */
  get reportedCount(): number {
    return this.counts.reduce((sum, count) => sum + count, 0);
  }

  /** Appends a batch at the next offset of its stream. */
  append({ stream = 1, sizeBytes = 100, count = 1, timestamp }: BatchShape = {}): void {
    const startOffset = this.#nextOffsets.get(stream) ?? 0;
    this.#nextOffsets.set(stream, startOffset + count);
    const bytes = bytesOf(this.appended.length, sizeBytes);
    const batch = { stream: stream as StreamId, streamEpoch: 1, startOffset, count, timestamp, bytes };
    this.appended.push(batch);
    this.#isAppending = true;
    this.wal.append(batch);
    this.#isAppending = false;
  }

  /** Appends batches of chance. */
  appendSome(count: number, streamCount = 3): void {
    for (let i = 0; i < count; i += 1) {
      const stream = 1 + drawInteger(this.random, streamCount);
      const timestamp = drawInteger(this.random, 2) === 0 ? undefined : drawInteger(this.random, 1_000);
      const sizeBytes = drawInteger(this.random, 400);
      this.append({ stream, sizeBytes, count: 1 + drawInteger(this.random, 5), timestamp });
    }
  }

  /** Lets time pass. */
  pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.runtime.timers.after(delayMs, resolve);
    });
  }

  /** Waits until something is so, and fails when it is not in time. */
  async until(what: string, isSo: () => boolean): Promise<void> {
    const { clock } = this.runtime;
    const deadline = clock.monotonic() + this.#opened.patienceMs;
    while (!isSo()) {
      assert.ok(clock.monotonic() < deadline, `not in time: ${what}`);
      await this.pause(1);
    }
  }

  /** Waits for a promise, and fails when it is not settled in time. */
  async settled(what: string, promise: Promise<unknown>): Promise<void> {
    let isSettled = false;
    const settling = promise.finally(() => (isSettled = true));
    settling.catch(() => {});
    await this.until(what, () => isSettled);
    await settling;
  }

  /** The process of the WAL dies. What it had under way in its store lands, does not, or either. */
  async crash(underWay: UnderWay = 'either'): Promise<void> {
    this.#isSilent = true;
    this.#connection.crash({ underWay });
    if (this.#opened.crash === undefined) this.wal.stop();
    else await this.#opened.crash(this.wal);
  }

  /** From now on nothing may be reported: it was stopped. */
  expectSilence(): void {
    this.#isSilent = true;
  }

  /** Another process seals the WAL. It knows what the state says, or what it said once. */
  async seal(known: { readonly released?: number } = {}): Promise<SealedWal | undefined> {
    const { walFactory } = this.#opened;
    const identity = await walFactory.identify(this.place);
    return walFactory.seal({
      ...this.place,
      identity,
      released: known.released ?? this.released,
      reread: () =>
        Promise.resolve(this.sealedAt === undefined ? { released: this.released } : { sealedAt: this.sealedAt }),
    });
  }

  /** Seals, and demands an end. */
  async sealed(): Promise<SealedWal> {
    const sealed = await this.seal();
    assert.ok(sealed !== undefined, 'an epoch that is not recovered is sealed');
    return sealed;
  }

  /** Seals, and demands that it holds a prefix of what was appended with all that was reported. Gives its length. */
  async recover(): Promise<number> {
    const sealed = await this.sealed();
    const count = await this.assertHolds(sealed);
    await sealed.close();
    return count;
  }

  /** Demands that a sealed WAL holds a prefix of what was appended with all that was reported. Gives its length. */
  async assertHolds(sealed: SealedWal): Promise<number> {
    this.check();
    const released = Math.max(this.released, sealed.sealedAt - sealed.segments.length);
    assert.equal(sealed.segments.length, sealed.sealedAt - released, 'its segments fill it up to its end');
    if (this.#opened.isVolatile === true) {
      assert.equal(sealed.sealedAt, this.released, 'what is lost with its process ends where it was released');
      return 0;
    }
    let position = this.counts.slice(0, released).reduce((sum, count) => sum + count, 0);
    for (const [i, segment] of sealed.segments.entries()) {
      const sequence = released + i;
      assert.equal(segment.sequence, sequence, 'sequences are dense');
      const found = await sealed.batches(segment);
      const expected = this.appended.slice(position, position + found.length);
      assertSameBatches(found, expected, `segment ${sequence}`);
      assertSameParts(segment.parts, partsOf(expected), `segment ${sequence}`);
      const reported = this.segments[sequence];
      if (reported !== undefined) {
        const reportedCount = this.counts[sequence] ?? 0;
        // A segment that was added to when the writer died may hold more than was reported.
        const isGrowing = sequence === this.segments.length - 1 && !sealed.segmentsAreObjects;
        if (!isGrowing || found.length < reportedCount)
          assert.equal(found.length, reportedCount, `segment ${sequence} holds what was reported with it`);
        const known = partsOf(expected.slice(0, reportedCount));
        assertSameParts(reported.parts, known, `segment ${sequence} as it was reported`);
      }
      position += found.length;
    }
    assert.ok(position >= this.reportedCount, `${this.reportedCount} were reported durable, ${position} are found`);
    return position;
  }

  /** Demands that the WAL has kept to its side of the contract so far. */
  check(): void {
    assert.deepEqual(this.#violations, []);
    if (this.end?.reason === 'failed') throw this.end.error;
  }

  #durable(count: number, segment: WalSegment): void {
    if (this.#isAppending) this.#violations.push('durable was called from inside append');
    if (this.#isSilent) this.#violations.push('durable was called after the WAL was stopped');
    if (this.end !== undefined) this.#violations.push('durable was called after the end');
    if (!Number.isInteger(count) || count < 1) this.#violations.push(`${count} batches were reported durable`);
    this.reportCount += 1;
    const last = this.segments.length - 1;
    if (segment.sequence === last && !this.wal.segmentsAreObjects) {
      if (segment !== this.segments[last]) this.#violations.push(`segment ${last} was reported as two`);
      this.counts[last] = (this.counts[last] ?? 0) + count;
    } else {
      if (segment.sequence !== last + 1)
        this.#violations.push(`segment ${segment.sequence} was reported as number ${last + 1}`);
      this.counts.push(count);
      this.segments.push(segment);
    }
    if (this.reportedCount > this.appended.length) this.#violations.push('more was reported than appended');
    this.onDurable?.();
  }

  #ended(end: WalEnd): void {
    if (this.#isAppending) this.#violations.push('ended was called from inside append');
    if (this.end !== undefined) this.#violations.push('ended was called twice');
    if (this.#isSilent) this.#violations.push('ended was called after the WAL was stopped');
    const unreported = this.appended.length - this.reportedCount;
    if (!(end.sentCount >= 0 && end.sentCount <= unreported))
      this.#violations.push(`${end.sentCount} of ${unreported} unreported batches were on their way`);
    this.end = end;
  }
}

/** `sizeBytes` bytes that differ from those of any other index. */
function bytesOf(index: number, sizeBytes: number): Uint8Array {
  const bytes = new Uint8Array(sizeBytes).fill(index % 251);
  const view = new DataView(bytes.buffer);
  if (sizeBytes >= 4) view.setUint32(0, index);
  if (sizeBytes >= 8) view.setUint32(sizeBytes - 4, ~index >>> 0);
  return bytes;
}

/** Within a segment batches may be grouped by stream; those of a stream come in their order. */
function byStream<T extends { readonly stream: number }>(batches: readonly T[]): T[] {
  return batches.toSorted((a, b) => a.stream - b.stream);
}

function assertSameBatches(found: readonly StreamBatch[], expected: readonly StreamBatch[], where: string): void {
  assert.equal(found.length, expected.length, `${where}: more than was appended`);
  const [left, right] = [byStream(found), byStream(expected)];
  for (const [i, batch] of left.entries()) {
    const { bytes, ...facts } = batch;
    const { bytes: expectedBytes, ...expectedFacts } = right[i]!;
    assert.deepEqual({ ...facts }, expectedFacts, `${where}: batch ${i}`);
    assert.equal(Buffer.compare(bytes, expectedBytes), 0, `${where}: bytes of batch ${i}`);
  }
}

/** The contiguous runs of batches, as parts without a size. */
function partsOf(batches: readonly StreamBatch[]): Omit<ObjectPart, 'sizeBytes'>[] {
  const parts: Omit<ObjectPart, 'sizeBytes'>[] = [];
  for (const { stream, streamEpoch, startOffset, count, timestamp } of byStream(batches)) {
    const last = parts.at(-1);
    const endOffset = startOffset + count;
    if (last === undefined || last.stream !== stream || last.endOffset !== startOffset)
      parts.push({ stream, streamEpoch, startOffset, endOffset, maxTimestamp: timestamp });
    else {
      const maxTimestamp = Math.max(last.maxTimestamp ?? -Infinity, timestamp ?? -Infinity);
      parts[parts.length - 1] = {
        ...last,
        endOffset,
        maxTimestamp: maxTimestamp === -Infinity ? undefined : maxTimestamp,
      };
    }
  }
  return parts;
}

function assertSameParts(
  found: readonly ObjectPart[],
  expected: readonly Omit<ObjectPart, 'sizeBytes'>[],
  where: string,
): void {
  const facts = byStream(found).map(({ stream, streamEpoch, startOffset, endOffset, maxTimestamp }) => ({
    ...{ stream, streamEpoch, startOffset, endOffset, maxTimestamp },
  }));
  assert.deepEqual(facts, expected, `${where}: parts`);
  for (const { sizeBytes } of found) assert.ok(sizeBytes > 0, `${where}: a part has a size`);
}
