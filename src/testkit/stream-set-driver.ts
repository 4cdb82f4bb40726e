// The log driver of this package's own engine: a node's stream set over a bucket, through the public door only. Each
// start is a process of its own with its own connection to the bucket; a crash cuts the connection, and what the dead
// process still does reaches nothing.
import type { Journal, ObjectStore, Runtime, SettingsInput, WalFactory } from '../index.ts';
import { isQanatError, systemRuntime } from '../index.ts';
import { CrashingConnection, crashed } from './crashing-connection.ts';
import type {
  LogBatch,
  LogCallOptions,
  LogDisturbance,
  LogDriver,
  LogMemory,
  LogRange,
  LogReadBatch,
  LogReadOptions,
  LogReadResult,
  LogRequests,
  LogStats,
  LogUsurped,
} from './log-driver.ts';
import type { FaultRule } from './store-faults.ts';
import { auditStreams } from './stream-set-audit.ts';
import { StreamSetProcess } from './stream-set-process.ts';

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
  memoryMaxBytes: 64 * 1024 * 1024,
};

/**
 * Starts a stream set and gives the driver that speaks to it. With the object WAL another process can take the log over
 * while the first one goes on; a WAL of one's own is taken to have a lock against that.
 */
export async function streamSetDriver(options: StreamSetDriverOptions): Promise<LogDriver> {
  const driver = options.wal === undefined ? new UsurpableDriver(options) : new StreamSetDriver(options);
  await driver.start(undefined);
  return driver;
}

class StreamSetDriver implements LogDriver {
  readonly takesSignals: boolean = true;
  /** Uploads are made by then, and what they take the place of is deleted. */
  readonly idleAfterMs: number;
  readonly #options: StreamSetDriverOptions;
  readonly #connections: CrashingConnection[] = [];
  #process: StreamSetProcess | undefined;
  /** What the first try of the last append under an id expected, by stream. */
  readonly #tries = new Map<string, { readonly id: string; readonly expectedOffset: number }>();

  constructor(options: StreamSetDriverOptions) {
    this.#options = options;
    this.idleAfterMs = ((options.settings ?? busySettings).uploadAgeMaxMs ?? 60_000) * 3;
  }

  /** Begins a new process. */
  async start(meanwhile: LogDisturbance | undefined): Promise<void> {
    const { store, node = 'node-1', faults = [], timeScale = 1, settings = busySettings } = this.#options;
    const { runtime = systemRuntime } = this.#options;
    const connection = new CrashingConnection(store, { runtime, faults, timeScale });
    this.#connections.push(connection);
    const started = new StreamSetProcess(connection);
    this.#process = started;
    if (meanwhile !== undefined && this.#lets(meanwhile)) connection.disturb(meanwhile);
    const journal = await this.#options.journal?.();
    const wal = this.#options.wal?.(connection.dying);
    await started.start(this.#options.connect?.(connection) ?? connection, { node, runtime, settings, journal, wal });
  }

  async create(name: string, options?: LogCallOptions): Promise<void> {
    return this.living.create(name, options);
  }

  async open(name: string, options?: LogCallOptions): Promise<void> {
    return this.living.open(name, options);
  }

  async append(name: string, batch: LogBatch, options?: LogCallOptions): Promise<LogRange> {
    return this.living.append(name, batch, options);
  }

  async appendAt(name: string, expectedOffset: number, batch: LogBatch): Promise<LogRange> {
    return this.living.appendAt(name, expectedOffset, batch);
  }

  async appendAll(name: string, batches: readonly LogBatch[]): Promise<LogRange> {
    return this.living.appendAll(name, batches);
  }

  /**
   * Every try expects the offset that the first one was to be given. Where something stands there, it is this batch,
   * and the append is done, or it is another's, and the first try came to nothing.
   */
  async appendOnce(name: string, id: string, batch: LogBatch): Promise<LogRange> {
    const process = this.living;
    const last = this.#tries.get(name);
    const tried = last?.id === id ? last : undefined;
    const expectedOffset = tried?.expectedOffset ?? process.nextOffset(name);
    this.#tries.set(name, { id, expectedOffset });
    try {
      return await process.appendAt(name, expectedOffset, batch);
    } catch (cause) {
      if (tried === undefined || !isQanatError(cause, 'OFFSET_MISMATCH')) throw cause;
    }
    const standing = await process.standingAt(name, expectedOffset, batch);
    if (standing !== undefined) return standing;
    const nextOffset = process.nextOffset(name);
    this.#tries.set(name, { id, expectedOffset: nextOffset });
    return process.appendAt(name, nextOffset, batch);
  }

  async range(name: string): Promise<LogRange> {
    return this.living.range(name);
  }

  async registeredEnd(name: string): Promise<number> {
    return this.living.registeredEnd(name);
  }

  async read(name: string, from: number, options?: LogReadOptions): Promise<LogReadResult> {
    return this.living.read(name, from, options);
  }

  async offsetAt(name: string, timestamp: number, options?: LogCallOptions): Promise<number | undefined> {
    return this.living.offsetAt(name, timestamp, options);
  }

  follow(name: string, from: number): AsyncIterator<LogReadBatch> {
    return this.living.follow(name, from);
  }

  async trim(name: string, startOffset: number, options?: LogCallOptions): Promise<void> {
    return this.living.trim(name, startOffset, options);
  }

  async closeStream(name: string): Promise<void> {
    return this.living.closeStream(name);
  }

  async delete(name: string, options?: LogCallOptions): Promise<void> {
    return this.living.delete(name, options);
  }

  async reopen(): Promise<void> {
    await this.living.end();
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

  async maintain(): Promise<void> {
    return this.living.upload();
  }

  isEnded(): boolean {
    return this.#process?.hasEnded ?? true;
  }

  async audit(): Promise<readonly string[]> {
    const { store, runtime = systemRuntime } = this.#options;
    return auditStreams({ store, runtime, journal: await this.#options.journal?.() });
  }

  memory(): LogMemory {
    return this.#process?.hasEnded === false ? this.living.memory() : { usedBytes: 0, maxBytes: 0 };
  }

  requests(): LogRequests {
    return this.#process?.connection.requests ?? { puts: 0, gets: 0, total: 0 };
  }

  stats(): LogStats {
    return this.living.stats();
  }

  async close(): Promise<void> {
    const process = this.#process;
    this.#process = undefined;
    await process?.close();
  }

  #lets({ kind }: LogDisturbance): boolean {
    return this.#options.disturbances?.includes(kind) ?? true;
  }

  protected get living(): StreamSetProcess {
    if (this.#process === undefined) throw crashed();
    return this.#process;
  }
}

/** A driver of a log that a second start takes over while the first process lives. */
class UsurpableDriver extends StreamSetDriver {
  async usurp(): Promise<LogUsurped> {
    const usurped = this.living;
    await this.start(undefined);
    return usurped;
  }
}
