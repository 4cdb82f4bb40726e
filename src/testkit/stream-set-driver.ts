// The log driver of this package's own engine: a node's stream set over a bucket, through the public door only. Each
// start is a process of its own with its own connection to the bucket; a crash cuts the connection, and what the dead
// process still does reaches nothing.
import type {
  Journal,
  ObjectStore,
  RecordBatch,
  Runtime,
  SettingsInput,
  Stream,
  StreamReader,
  WalFactory,
} from '../index.ts';
import { qanatError, StreamSet, systemRuntime } from '../index.ts';
import { CrashingConnection, crashed } from './crashing-connection.ts';
import type {
  LogBatch,
  LogDisturbance,
  LogDriver,
  LogRange,
  LogReadBatch,
  LogReadOptions,
  LogReadResult,
} from './log-driver.ts';
import type { FaultRule } from './store-faults.ts';

/** What a driver of the engine is made of. */
export interface StreamSetDriverOptions {
  /** The bucket, empty. It outlives every crash. */
  readonly store: ObjectStore;
  /** The node's name; 'node-1' unless given. */
  readonly node?: string | undefined;
  /** Makes the journal of each start; the store's own unless given. */
  readonly journal?: (() => Promise<Journal>) | undefined;
  /**
   * Makes the WAL of each start; the object WAL unless given. The signal is aborted when the process of that start
   * crashes: what the WAL has outside the bucket must then do nothing more, and a lock that it has taken must be gone
   * when the next WAL is made, as if its process had died.
   */
  readonly wal?: ((crashed: AbortSignal) => WalFactory) | undefined;
  /** The engine's settings; small ones, that make much happen, unless given. */
  readonly settings?: SettingsInput | undefined;
  readonly runtime?: Runtime | undefined;
  /** What goes wrong all the time between the engine and the bucket; nothing unless given. */
  readonly faults?: readonly FaultRule[] | undefined;
  /** Disturbances that are let through; all unless given. Those of real time cost real time. */
  readonly disturbances?: readonly LogDisturbance['kind'][] | undefined;
  /** Factor of all delays of disturbances; 1 unless given. */
  readonly timeScale?: number | undefined;
  /** Puts something between the engine and its connection, at each start. */
  readonly connect?: ((connection: ObjectStore) => ObjectStore) | undefined;
}

const busySettings: SettingsInput = {
  uploadSizeBytes: 2_000,
  uploadAgeMaxMs: 100,
  segmentSizeMinBytes: 64,
  storeDeadlineMs: 20_000,
  catalogRefreshMs: 500,
};

/** Starts a stream set and gives the driver that speaks to it. */
export async function streamSetDriver(options: StreamSetDriverOptions): Promise<LogDriver> {
  const driver = new StreamSetDriver(options);
  await driver.start(undefined);
  return driver;
}

/** One process: a connection, the set that stands on it, the streams it has open. */
interface Process {
  readonly connection: CrashingConnection;
  set: StreamSet | undefined;
  readonly streams: Map<string, Stream>;
}

class StreamSetDriver implements LogDriver {
  readonly #options: StreamSetDriverOptions;
  readonly #connections: CrashingConnection[] = [];
  #process: Process | undefined;

  constructor(options: StreamSetDriverOptions) {
    this.#options = options;
  }

  /** Begins a new process. */
  async start(meanwhile: LogDisturbance | undefined): Promise<void> {
    const {
      store,
      node = 'node-1',
      runtime = systemRuntime,
      faults,
      timeScale = 1,
      settings = busySettings,
    } = this.#options;
    const connection = new CrashingConnection(store, { runtime, faults: faults ?? [], timeScale });
    this.#connections.push(connection);
    const started: Process = { connection, set: undefined, streams: new Map() };
    this.#process = started;
    if (meanwhile !== undefined && this.#lets(meanwhile)) connection.disturb(meanwhile);
    const journal = await this.#options.journal?.();
    const opening = StreamSet.open({
      ...{ node, store: this.#options.connect?.(connection) ?? connection, runtime, settings },
      ...{ journal, wal: this.#options.wal?.(connection.dying) },
    });
    started.set = await connection.untilCrash(opening);
  }

  async create(name: string): Promise<void> {
    const { streams } = this.#living();
    streams.set(name, await this.#call((set) => set.create({ name })));
  }

  async open(name: string): Promise<void> {
    const { streams } = this.#living();
    streams.set(name, await this.#call((set) => set.open(name)));
  }

  append(name: string, { bytes, count }: LogBatch): Promise<LogRange> {
    return this.#call(() => this.#owned(name).append(bytes, { count }));
  }

  appendAt(name: string, expectedOffset: number, { bytes, count }: LogBatch): Promise<LogRange> {
    return this.#call(() => this.#owned(name).append(bytes, { count, expectedOffset }));
  }

  appendAll(name: string, batches: readonly LogBatch[]): Promise<LogRange> {
    return this.#call(() => this.#owned(name).appendAll(batches));
  }

  async range(name: string): Promise<LogRange> {
    const { startOffset, endOffset } = await this.#call((set) => this.#reader(set, name));
    return { startOffset, endOffset };
  }

  async read(name: string, from: number, { to, maxBytes }: LogReadOptions = {}): Promise<LogReadResult> {
    const reader = await this.#call((set) => this.#reader(set, name));
    const { batches, startOffset, endOffset } = await this.#call(() => reader.read(from, { to, maxBytes }));
    return { batches, startOffset, endOffset };
  }

  follow(name: string, from: number): AsyncIterator<LogReadBatch> {
    const { connection } = this.#living();
    const batches: AsyncIterator<RecordBatch> = this.#owned(name).follow(from);
    return {
      next: () => connection.untilCrash(batches.next()),
      return: async () => (await batches.return?.()) ?? { done: true, value: undefined },
    };
  }

  trim(name: string, startOffset: number): Promise<void> {
    return this.#call(() => this.#owned(name).trim(startOffset));
  }

  closeStream(name: string): Promise<void> {
    return this.#call(() => this.#owned(name).close());
  }

  delete(name: string): Promise<void> {
    return this.#call((set) => set.delete(name));
  }

  async reopen(): Promise<void> {
    await this.#call((set) => set.close());
    await this.start(undefined);
  }

  async crash(meanwhile?: LogDisturbance): Promise<void> {
    this.#process?.connection.crash();
    await this.start(meanwhile);
  }

  disturb(disturbance: LogDisturbance): void {
    if (this.#lets(disturbance)) this.#process?.connection.disturb(disturbance);
  }

  async settle(): Promise<void> {
    this.#process?.connection.calm();
    for (const connection of this.#connections) await connection.settled();
  }

  maintain(): Promise<void> {
    return this.#call((set) => set.upload());
  }

  isEnded(): boolean {
    const { connection, set } = this.#process ?? {};
    return set?.status !== 'open' || connection?.hasCrashed !== false;
  }

  async close(): Promise<void> {
    const ended = this.isEnded();
    const { connection, set } = this.#process ?? {};
    this.#process = undefined;
    if (set !== undefined && !ended) await connection?.untilCrash(set.close());
  }

  #lets({ kind }: LogDisturbance): boolean {
    return this.#options.disturbances?.includes(kind) ?? true;
  }

  #living(): Process & { readonly set: StreamSet } {
    const { set } = this.#process ?? {};
    if (set === undefined) throw crashed();
    return { ...(this.#process as Process), set };
  }

  /** A call that has no answer once its process is dead. */
  async #call<T>(act: (set: StreamSet) => Promise<T>): Promise<T> {
    const { connection, set } = this.#living();
    return connection.untilCrash(act(set));
  }

  /** The handle that this process has, closed or not. */
  #owned(name: string): Stream {
    const stream = this.#living().streams.get(name);
    if (stream === undefined) throw qanatError('STREAM_CLOSED', `stream '${name}' is not open`, { stream: name });
    return stream;
  }

  /** The stream if this process has it open, as the set says; a reader otherwise. */
  async #reader(set: StreamSet, name: string): Promise<StreamReader> {
    const stream = this.#living().streams.get(name);
    const { owner, id } = await set.describe(name);
    return stream?.id === id && owner === set.node ? stream : set.reader(name);
  }
}
