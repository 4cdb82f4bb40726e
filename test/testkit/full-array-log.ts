// The log of arrays with everything that a log driver may have besides. Its parts are open enough for planted faults.
import { qanatError, type Runtime } from '../../src/index.ts';
import type {
  LogBatch,
  LogCallOptions,
  LogMemory,
  LogRange,
  LogReadOptions,
  LogReadResult,
  LogRequests,
  LogStats,
  LogUsurped,
} from '../../src/testkit/log-driver.ts';
import { ArrayLog } from './array-log.ts';

export class FullArrayLog extends ArrayLog {
  readonly takesSignals: boolean = true;
  readonly idleAfterMs: number = 50;
  readonly maxBytes: number = 100_000;
  /** Counted where requests would be made. */
  readonly made: { puts: number; gets: number } = { puts: 0, gets: 0 };
  /** Counted by the log itself. */
  readonly said: { hits: number; misses: number; puts: number; gets: number };
  readonly #known = new Set<string>();

  constructor(runtime: Runtime) {
    super(runtime);
    this.said = { hits: 0, misses: 0, puts: 0, gets: 0 };
  }

  override create(name: string, options: LogCallOptions = {}): Promise<void> {
    return untilAborted(options, () => super.create(name));
  }

  override open(name: string, options: LogCallOptions = {}): Promise<void> {
    return untilAborted(options, () => super.open(name));
  }

  override append(name: string, batch: LogBatch, options: LogCallOptions = {}): Promise<LogRange> {
    return untilAborted(options, () => this.appendAll(name, [batch]));
  }

  override async appendAll(name: string, batches: readonly (LogBatch & { readonly id?: string })[]): Promise<LogRange> {
    const sizeBytes = batches.reduce((sum, { bytes }) => sum + bytes.byteLength, 0);
    if (this.memory().usedBytes + sizeBytes > this.maxBytes) {
      throw Object.assign(new Error('there is no room'), { code: 'OVERLOADED', outcome: 'none' });
    }
    this.countPut();
    return super.appendAll(name, batches);
  }

  async appendOnce(name: string, id: string, batch: LogBatch): Promise<LogRange> {
    const standing = this.stream(name).batches.find((other) => other.id === id);
    if (standing === undefined) return this.appendAll(name, [{ ...batch, id }]);
    return { startOffset: standing.startOffset, endOffset: standing.endOffset };
  }

  override trim(name: string, startOffset: number, options: LogCallOptions = {}): Promise<void> {
    return untilAborted(options, () => super.trim(name, startOffset));
  }

  override delete(name: string, options: LogCallOptions = {}): Promise<void> {
    return untilAborted(options, () => super.delete(name));
  }

  override read(name: string, from: number, options: LogReadOptions = {}): Promise<LogReadResult> {
    return untilAborted(options, async () => {
      const result = await super.read(name, from, options);
      for (const { startOffset } of result.batches) this.countGet(`${name} ${startOffset}`);
      return result;
    });
  }

  offsetAt(name: string, timestamp: number, options: LogCallOptions = {}): Promise<number | undefined> {
    return untilAborted(options, async () => {
      const { startOffset } = await this.range(name);
      const { batches, durableCount } = this.stream(name);
      const durable = batches.slice(0, durableCount).filter(({ endOffset }) => endOffset > startOffset);
      return durable.find((batch) => (batch.timestamp ?? -Infinity) >= timestamp)?.startOffset;
    });
  }

  async registeredEnd(name: string): Promise<number> {
    return (await this.range(name)).endOffset;
  }

  override async crash(): Promise<void> {
    this.startAnew();
    return super.crash();
  }

  override async reopen(): Promise<void> {
    await super.reopen();
    this.startAnew();
  }

  async usurp(): Promise<LogUsurped> {
    await this.crash();
    return usurped;
  }

  async audit(): Promise<readonly string[]> {
    return [];
  }

  memory(): LogMemory {
    let usedBytes = 0;
    for (const { batches, durableCount } of this.streams.values()) {
      for (const { bytes } of batches.slice(durableCount)) usedBytes += bytes.byteLength;
    }
    return { usedBytes, maxBytes: this.maxBytes };
  }

  requests(): LogRequests {
    const { puts, gets } = this.made;
    return { puts, gets, total: puts + gets };
  }

  stats(): LogStats {
    return { ...this.said };
  }

  protected startAnew(): void {
    Object.assign(this.made, { puts: 0, gets: 0 });
    Object.assign(this.said, { hits: 0, misses: 0, puts: 0, gets: 0 });
    this.#known.clear();
  }

  protected countPut(): void {
    this.made.puts += 1;
    this.said.puts += 1;
  }

  protected countGet(key: string): void {
    if (this.#known.has(key)) {
      this.said.hits += 1;
      return;
    }
    this.#known.add(key);
    this.said.misses += 1;
    this.said.gets += 1;
    this.made.gets += 1;
  }
}

const refuse = async (): Promise<never> => {
  throw qanatError('NODE_FENCED', 'another process has the log', { node: 'a', byEpoch: 2 } as never);
};

/** What a process can do that has lost the log: nothing. */
const usurped: LogUsurped = { create: refuse, append: refuse, trim: refuse, delete: refuse, close: async () => {} };

/** The answer, or the reason of the signal, whichever comes first. */
export async function untilAborted<T>({ signal }: LogCallOptions, act: () => Promise<T>): Promise<T> {
  signal?.throwIfAborted();
  const answer = act();
  if (signal === undefined) return answer;
  const abort = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
  return Promise.race([answer, abort]);
}
