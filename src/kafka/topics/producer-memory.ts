// What a partition remembers of its producers, kept over restarts. It is rebuilt from the newest snapshot and from the
// data behind that: from the data itself, so that a batch which became durable and was never acknowledged is known,
// too.
//
// Snapshots stand in a stream beside the partition's. All streams of a set become durable in the order of the appends,
// so that a snapshot which is there never knows more than the data; one that does all the same is passed over.
//
// What is behind the newest snapshot is bounded: a snapshot is due after so many bytes or batches, whoever wrote them.
import type { Runtime, Stream, StreamSet } from '../../index.ts';
import { isQanatError } from '../../index.ts';
import { KafkaRefusal } from '../kafka-error.ts';
import { type BatchHeader, readBatchHeader } from '../records/batch-header.ts';
import { type ProducerLimits, ProducerStates, type ProducerVerdict } from '../records/producer-states.ts';
import type { Places } from './limited.ts';
import type { RecordsAhead } from './records-ahead.ts';

/** A snapshot is due after so much was appended; and not before eight times its own size was. */
const dueBytes = 4 * 1_048_576;
const dueBatches = 10_000;
const snapshotShare = 8;
/** At a clean close, less than this is not worth a snapshot: it is read again as fast. */
const closeBytes = 65_536;
const closeBatches = 100;
/** The stream of snapshots is trimmed when so many are in it; the newest two stay. */
const snapshotsMax = 16;

const snapshotVersion = 1;
const snapshotPrefixBytes = 9;

export interface ProducerMemoryOptions {
  readonly streams: StreamSet;
  readonly runtime: Runtime;
  /** The partition's stream, just opened. */
  readonly stream: Stream;
  /** The stream of snapshots: its name, and whether it is there. */
  readonly snapshotsName: string;
  readonly hasSnapshots: boolean;
  readonly limits: ProducerLimits;
  /** Told of batches ahead of their time that are met again. */
  readonly ahead: RecordsAhead;
  /** How many partitions read back what they have to remember, at a time. */
  readonly places: Places;
  /** Told of a snapshot that could not be written: nothing is lost by it but time. */
  readonly onFailure: (cause: unknown) => void;
}

export class ProducerMemory {
  readonly #options: ProducerMemoryOptions;
  /** Where the data ends that was there before; what comes after it is recorded as it is appended. */
  readonly #knownEnd: number;
  #states: ProducerStates;
  #isReady = false;
  #recovering: Promise<void> | undefined;
  #hasSnapshots: boolean;
  #snapshots: Stream | undefined;
  #writing: Promise<void> | undefined;
  #snapshotEnd = 0;
  #snapshotBytes = 0;
  /** Behind the newest snapshot. */
  #bytesSince = 0;
  #batchesSince = 0;
  #isClosed = false;

  constructor(options: ProducerMemoryOptions) {
    this.#options = options;
    this.#knownEnd = options.stream.nextOffset;
    this.#hasSnapshots = options.hasSnapshots;
    this.#states = new ProducerStates(options.limits);
    this.#isReady = this.#knownEnd === 0;
  }

  /** Whether batches of idempotent producers can be judged now. */
  get isReady(): boolean {
    return this.#isReady;
  }

  /** Begins to read back what has to be known, where that is not done; resolves when it is. */
  ready(): Promise<void> {
    if (this.#isReady) return Promise.resolve();
    this.#recovering ??= this.#options.places
      .with(() => this.#recover())
      .finally(() => {
        this.#recovering = undefined; // A failure is not kept: the next one who asks tries again.
      });
    return this.#recovering;
  }

  /** What is to be done with a batch of an idempotent producer. */
  judge(header: BatchHeader): ProducerVerdict {
    return this.#states.judge(header);
  }

  /** A batch was given its offset. */
  appended(header: BatchHeader, baseOffset: number, nowMs: number): void {
    this.#states.record(header, baseOffset, nowMs);
    this.#bytesSince += header.sizeBytes;
    this.#batchesSince += 1;
    const isDue = this.#bytesSince >= dueBytes || this.#batchesSince >= dueBatches;
    if (isDue && this.#bytesSince >= this.#snapshotBytes * snapshotShare) this.#writeSoon();
  }

  /** Forgets producers that have been silent for long. */
  expire(nowMs: number): void {
    if (this.#isReady) this.#states.expire(nowMs);
  }

  /** Called before data is given up: what it says of producers must be in a snapshot. */
  async beforeTrim(startOffset: number): Promise<void> {
    if (startOffset <= this.#snapshotEnd) return;
    await this.ready();
    // The first may be one that was begun before.
    for (let attempt = 1; attempt <= 2 && startOffset > this.#snapshotEnd && this.#states.size > 0; attempt++)
      await this.#write();
  }

  /** Leaves a snapshot behind, if there is enough to remember. */
  async close(): Promise<void> {
    const isWorthIt = this.#bytesSince >= closeBytes || this.#batchesSince >= closeBatches;
    if (this.#isReady && isWorthIt && this.#options.streams.status === 'open') await this.#write();
    this.#isClosed = true;
    await this.#recovering?.catch(() => {});
    await this.#writing;
  }

  /** The topic is gone: nothing is written any more. */
  async abandon(): Promise<void> {
    this.#isClosed = true;
    await this.#recovering?.catch(() => {});
    await this.#writing;
  }

  async #recover(): Promise<void> {
    const { stream, limits, runtime, ahead } = this.#options;
    const end = this.#knownEnd;
    if (stream.endOffset < end) await stream.whenBeyond(end - 1);
    const { states, endOffset } = (await this.#newestSnapshot()) ?? {
      states: new ProducerStates(limits),
      endOffset: 0,
    };
    this.#snapshotEnd = endOffset;
    for (let offset = Math.max(endOffset, stream.startOffset); offset < end && !this.#isClosed;) {
      try {
        const { batches, nextOffset } = await stream.read(offset, { to: end });
        const nowMs = runtime.clock.now();
        for (const { bytes, startOffset, endOffset: batchEnd } of batches) {
          const header = readBatchHeader(bytes);
          states.record(header, startOffset, nowMs);
          ahead.note({ baseOffset: startOffset, endOffset: batchEnd, maxTimestamp: header.maxTimestamp }, nowMs);
          this.#bytesSince += bytes.byteLength;
          this.#batchesSince += 1;
        }
        offset = nextOffset;
      } catch (cause) {
        if (!isQanatError(cause, 'OFFSET_OUT_OF_RANGE') || stream.startOffset <= offset) throw cause;
        offset = stream.startOffset; // It was trimmed meanwhile.
      }
    }
    // Half of the past is worse than none: nobody may be judged by it.
    if (this.#isClosed) throw new KafkaRefusal('NOT_LEADER_OR_FOLLOWER', 'The partition is closed.');
    this.#states = states;
    this.#isReady = true;
  }

  /** The newest snapshot that knows no more than the data. */
  async #newestSnapshot(): Promise<Snapshot | undefined> {
    const { streams, snapshotsName, limits } = this.#options;
    if (!this.#hasSnapshots) return undefined;
    const reader = this.#snapshots ?? (await streams.reader(snapshotsName));
    try {
      for (let at = reader.endOffset - 1; at >= reader.startOffset; at -= 1) {
        const { batches } = await reader.read(at, { to: at + 1 });
        const snapshot = batches[0] === undefined ? undefined : decodeSnapshot(batches[0].bytes, limits);
        if (snapshot !== undefined && snapshot.endOffset <= this.#knownEnd) return snapshot;
      }
      return undefined;
    } finally {
      if (reader !== this.#snapshots) await reader.close();
    }
  }

  #writeSoon(): void {
    if (this.#isReady && this.#writing === undefined && !this.#isClosed) void this.#write();
  }

  /** Writes a snapshot, or waits for the one being written. Never rejects. */
  #write(): Promise<void> {
    this.#writing ??= this.#writeNow()
      .catch((cause: unknown) => this.#options.onFailure(cause))
      .finally(() => {
        this.#writing = undefined;
      });
    return this.#writing;
  }

  async #writeNow(): Promise<void> {
    const { streams, stream, snapshotsName } = this.#options;
    this.#snapshots ??= await streams.openOrCreate(snapshotsName);
    this.#hasSnapshots = true;
    const { nextOffset: endOffset } = stream;
    const bytes = encodeSnapshot({ states: this.#states, endOffset });
    this.#bytesSince = 0;
    this.#batchesSince = 0;
    this.#snapshotBytes = bytes.byteLength;
    const { startOffset: place } = await this.#snapshots.append(bytes);
    this.#snapshotEnd = endOffset;
    if (place - this.#snapshots.startOffset >= snapshotsMax) await this.#snapshots.trim(place - 1);
  }
}

interface Snapshot {
  readonly states: ProducerStates;
  /** End of the data that it knows. */
  readonly endOffset: number;
}

//   0 version u8 = 1 · 1 end of the data f64 · 9 the producers

function encodeSnapshot({ states, endOffset }: Snapshot): Uint8Array {
  const producers = states.encode();
  const bytes = new Uint8Array(snapshotPrefixBytes + producers.byteLength);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, snapshotVersion);
  view.setFloat64(1, endOffset);
  bytes.set(producers, snapshotPrefixBytes);
  return bytes;
}

/** Undefined for a snapshot of another form: the data says it all again, only slower. */
function decodeSnapshot(bytes: Uint8Array, limits: ProducerLimits): Snapshot | undefined {
  if (bytes.byteLength < snapshotPrefixBytes || bytes[0] !== snapshotVersion) return undefined;
  const endOffset = new DataView(bytes.buffer, bytes.byteOffset, snapshotPrefixBytes).getFloat64(1);
  try {
    return { states: ProducerStates.decode(bytes.subarray(snapshotPrefixBytes), limits), endOffset };
  } catch (cause) {
    if (cause instanceof KafkaRefusal) return undefined;
    throw cause;
  }
}
