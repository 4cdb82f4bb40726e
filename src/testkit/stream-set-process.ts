// One process of the engine under test: a connection to the bucket, the stream set that stands on it, the streams that
// it has open. Through the public door only. What it is asked has no answer once it is dead.
import type { ObjectStore, RecordBatch, Stream, StreamReader } from '../index.ts';
import { isQanatError, qanatError, StreamSet } from '../index.ts';
import { crashed, type CrashingConnection } from './crashing-connection.ts';
import type {
  LogBatch,
  LogCallOptions,
  LogMemory,
  LogRange,
  LogReadBatch,
  LogReadOptions,
  LogReadResult,
  LogStats,
} from './log-driver.ts';

/** What a set is opened with, whatever store it stands on. */
export type SetOptions = Omit<Parameters<typeof StreamSet.open>[0], 'store'>;

export class StreamSetProcess {
  readonly connection: CrashingConnection;
  #set: StreamSet | undefined;
  readonly #streams = new Map<string, Stream>();

  constructor(connection: CrashingConnection) {
    this.connection = connection;
  }

  /** Opens the set. `store` is the connection, or something that stands on it. */
  async start(store: ObjectStore, options: SetOptions): Promise<void> {
    this.#set = await this.connection.untilCrash(StreamSet.open({ ...options, store }));
  }

  get hasEnded(): boolean {
    return this.#set?.status !== 'open' || this.connection.hasCrashed;
  }

  async create(name: string, { signal }: LogCallOptions = {}): Promise<void> {
    this.#streams.set(name, await this.#call((set) => set.create({ name, signal })));
  }

  async open(name: string, { signal }: LogCallOptions = {}): Promise<void> {
    this.#streams.set(name, await this.#call((set) => set.open(name, { signal })));
  }

  append(name: string, { bytes, ...facts }: LogBatch, { signal }: LogCallOptions = {}): Promise<LogRange> {
    return this.#call(() => this.#owned(name).append(bytes, { ...facts, signal }));
  }

  appendAt(name: string, expectedOffset: number, { bytes, ...facts }: LogBatch): Promise<LogRange> {
    return this.#call(() => this.#owned(name).append(bytes, { ...facts, expectedOffset }));
  }

  appendAll(name: string, batches: readonly LogBatch[]): Promise<LogRange> {
    return this.#call(() => this.#owned(name).appendAll(batches));
  }

  /** The offset that the next append is given, if it is called in the same moment. */
  nextOffset(name: string): number {
    return this.#owned(name).nextOffset;
  }

  /** The range of the batch at an offset, pending ones included, if it is this one. */
  async standingAt(name: string, offset: number, { bytes }: LogBatch): Promise<LogRange | undefined> {
    const stream = this.#owned(name);
    if (offset >= stream.nextOffset) return undefined;
    await this.#call(() => stream.whenBeyond(offset));
    const [batch] = (await this.#call(() => stream.read(offset, { maxBytes: 1 }))).batches;
    const isIt = batch?.startOffset === offset && equalBytes(batch.bytes, bytes);
    return isIt ? { startOffset: batch.startOffset, endOffset: batch.endOffset } : undefined;
  }

  async range(name: string): Promise<LogRange> {
    const { startOffset, endOffset } = await this.#call((set) => this.#reader(set, name));
    return { startOffset, endOffset };
  }

  async registeredEnd(name: string): Promise<number> {
    return (await this.#call((set) => set.describe(name))).endOffset;
  }

  async read(name: string, from: number, options: LogReadOptions = {}): Promise<LogReadResult> {
    options.signal?.throwIfAborted();
    const reader = await this.#call((set) => this.#reader(set, name));
    const { batches, startOffset, endOffset } = await this.#call(() => reader.read(from, options));
    return { batches, startOffset, endOffset };
  }

  async offsetAt(name: string, timestamp: number, options: LogCallOptions = {}): Promise<number | undefined> {
    options.signal?.throwIfAborted();
    const reader = await this.#call((set) => this.#reader(set, name));
    return this.#call(() => reader.offsetAt(timestamp, options));
  }

  follow(name: string, from: number): AsyncIterator<LogReadBatch> {
    const { connection } = this;
    const batches: AsyncIterator<RecordBatch> = this.#owned(name).follow(from);
    return {
      next: () => connection.untilCrash(batches.next()),
      return: async () => (await batches.return?.()) ?? { done: true, value: undefined },
    };
  }

  trim(name: string, startOffset: number, { signal }: LogCallOptions = {}): Promise<void> {
    return this.#call(() => this.#owned(name).trim(startOffset, { signal }));
  }

  closeStream(name: string): Promise<void> {
    return this.#call(() => this.#owned(name).close());
  }

  delete(name: string, { signal }: LogCallOptions = {}): Promise<void> {
    return this.#call((set) => set.delete(name, { signal }));
  }

  upload(): Promise<void> {
    return this.#call((set) => set.upload());
  }

  memory(): LogMemory {
    const { cache, writing } = this.#living().stats();
    const shares = Object.values(writing?.shares ?? {}) as readonly number[];
    // Only the first mark of what is not uploaded is within the second one.
    const maxBytes = shares.reduce((sum, share) => sum + share, 0) - (writing?.shares.unuploaded ?? 0);
    const usedBytes = cache.sizeBytes + (writing?.tailSizeBytes ?? 0) + (writing?.walPendingBytes ?? 0);
    return { usedBytes, maxBytes };
  }

  stats(): LogStats {
    const { cache, requests } = this.#living().stats();
    const count = (operation: string): number =>
      requests.reduce((sum, counts) => (counts.operation === operation ? sum + counts.requests : sum), 0);
    return { hits: cache.hits, misses: cache.misses, puts: count('put'), gets: count('get') };
  }

  /** Ends it cleanly. */
  async end(): Promise<void> {
    await this.#call((set) => set.close());
  }

  /** Frees what it holds, whatever became of it. */
  async close(): Promise<void> {
    if (this.#set !== undefined && !this.connection.hasCrashed) {
      await this.connection.untilCrash(this.#set.close()).catch((cause: unknown) => {
        if (!isQanatError(cause)) throw cause;
      });
    }
  }

  #living(): StreamSet {
    if (this.#set === undefined) throw crashed();
    return this.#set;
  }

  /** A call that has no answer once its process is dead. */
  async #call<T>(act: (set: StreamSet) => Promise<T>): Promise<T> {
    return this.connection.untilCrash(act(this.#living()));
  }

  /** The handle that this process has, closed or not. */
  #owned(name: string): Stream {
    const stream = this.#streams.get(name);
    if (stream === undefined) throw qanatError('STREAM_CLOSED', `stream '${name}' is not open`, { stream: name });
    return stream;
  }

  /** The stream if this process has it open, as the set says; a reader otherwise. */
  async #reader(set: StreamSet, name: string): Promise<StreamReader> {
    const stream = this.#streams.get(name);
    const { owner, id } = await set.describe(name);
    return stream?.id === id && owner === set.node ? stream : set.reader(name);
  }
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
