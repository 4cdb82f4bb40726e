// The smallest log that keeps every promise of the log suite: arrays in memory. It shows what a stranger has to write,
// and its parts are open enough for the planted faults to spoil one at a time.
import { qanatError, type Runtime } from '../../src/index.ts';
import type {
  LogBatch,
  LogDriver,
  LogRange,
  LogReadBatch,
  LogReadOptions,
  LogReadResult,
} from '../../src/testkit/log-driver.ts';

/** A batch, and what it was appended with besides. */
export interface ArrayBatch extends LogReadBatch {
  readonly timestamp?: number | undefined;
  readonly id?: string | undefined;
}

/** One stream: everything appended, of which a first part is durable. */
export interface ArrayStream {
  batches: ArrayBatch[];
  startOffset: number;
  /** Batches that a crash keeps. */
  durableCount: number;
  isOpen: boolean;
}

export class ArrayLog implements LogDriver {
  readonly streams: Map<string, ArrayStream> = new Map();
  readonly #runtime: Runtime;
  #waiting: { readonly offset: number; readonly wake: () => void }[] = [];
  /** Appends become durable one after the other. */
  #lastAppend: Promise<void> = Promise.resolve();
  #era = 0;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  async create(name: string): Promise<void> {
    if (this.streams.has(name)) {
      throw qanatError('STREAM_EXISTS', `${name} exists`, { streamName: name, stream: name });
    }
    this.streams.set(name, { batches: [], startOffset: 0, durableCount: 0, isOpen: true });
  }

  async open(name: string): Promise<void> {
    this.stream(name).isOpen = true;
  }

  append(name: string, batch: LogBatch): Promise<LogRange> {
    return this.appendAll(name, [batch]);
  }

  async appendAt(name: string, expectedOffset: number, batch: LogBatch): Promise<LogRange> {
    const nextOffset = endOf(this.stream(name).batches);
    if (expectedOffset !== nextOffset) {
      throw qanatError('OFFSET_MISMATCH', `the next offset is ${nextOffset}`, { expectedOffset, nextOffset });
    }
    return this.append(name, batch);
  }

  async appendAll(name: string, batches: readonly (LogBatch & { readonly id?: string })[]): Promise<LogRange> {
    const stream = this.stream(name);
    if (!stream.isOpen) throw qanatError('STREAM_CLOSED', `${name} is closed`, { stream: name });
    const startOffset = endOf(stream.batches);
    for (const { bytes, count, ...facts } of batches) {
      const at = endOf(stream.batches);
      stream.batches.push({ ...facts, bytes: bytes.slice(), count, startOffset: at, endOffset: at + count });
    }
    const { length } = stream.batches;
    const endOffset = endOf(stream.batches);
    await this.#becomeDurable();
    stream.durableCount = Math.max(stream.durableCount, length);
    for (const { wake } of this.#waiting.splice(0)) wake();
    return { startOffset, endOffset };
  }

  async range(name: string): Promise<LogRange> {
    const { batches, durableCount, startOffset } = this.stream(name);
    return { startOffset, endOffset: Math.max(startOffset, endOf(batches.slice(0, durableCount))) };
  }

  async read(
    name: string,
    from: number,
    { to = Infinity, maxBytes = Infinity }: LogReadOptions = {},
  ): Promise<LogReadResult> {
    const { startOffset, endOffset } = await this.range(name);
    if (from < startOffset || from > endOffset) {
      throw qanatError('OFFSET_OUT_OF_RANGE', `${from} is out of range`, { offset: from, startOffset, endOffset });
    }
    const { batches, durableCount } = this.stream(name);
    const found = batches.slice(0, durableCount).filter((batch) => batch.endOffset > from && batch.startOffset < to);
    const fitting = found.filter((_, i) => i === 0 || sizeOf(found.slice(0, i + 1)) <= maxBytes);
    return { batches: from < to ? fitting : [], startOffset, endOffset };
  }

  follow(name: string, from: number): AsyncIterator<LogReadBatch> {
    const { batches } = this.stream(name);
    let position = from;
    let hasLeft = false;
    const next = async (): Promise<IteratorResult<LogReadBatch, undefined>> => {
      for (;;) {
        const stream = this.streams.get(name);
        if (hasLeft || stream?.batches !== batches || !stream.isOpen) return { done: true, value: undefined };
        const value = batches.slice(0, stream.durableCount).find(({ endOffset }) => endOffset > position);
        if (value !== undefined) {
          position = value.endOffset;
          return { done: false, value };
        }
        await new Promise<void>((wake) => this.#waiting.push({ offset: position, wake }));
      }
    };
    const leave = async (): Promise<IteratorResult<LogReadBatch, undefined>> => {
      hasLeft = true;
      for (const { wake } of this.#waiting.splice(0)) wake();
      return { done: true, value: undefined };
    };
    return { next, return: leave };
  }

  async trim(name: string, startOffset: number): Promise<void> {
    const range = await this.range(name);
    if (startOffset > range.endOffset) {
      throw qanatError('OFFSET_OUT_OF_RANGE', `${startOffset} is out of range`, { offset: startOffset, ...range });
    }
    const stream = this.stream(name);
    stream.startOffset = Math.max(stream.startOffset, startOffset);
  }

  async closeStream(name: string): Promise<void> {
    this.stream(name).isOpen = false;
    await this.#lastAppend;
    for (const { wake } of this.#waiting.splice(0)) wake();
  }

  async delete(name: string): Promise<void> {
    this.stream(name).isOpen = false;
    await this.#lastAppend;
    this.streams.delete(name);
    for (const { wake } of this.#waiting.splice(0)) wake();
  }

  async reopen(): Promise<void> {
    await this.#lastAppend;
    this.#restart();
  }

  #restart(): void {
    for (const stream of this.streams.values()) stream.isOpen = false;
    for (const { wake } of this.#waiting.splice(0)) wake();
  }

  async crash(): Promise<void> {
    for (const stream of this.streams.values()) stream.batches = stream.batches.slice(0, stream.durableCount);
    this.#era += 1;
    this.#restart();
  }

  isEnded(): boolean {
    return false;
  }

  async close(): Promise<void> {
    await this.reopen();
  }

  /** The time that a disk would take; a crash meanwhile, and it has not happened. */
  #becomeDurable(): Promise<void> {
    const era = this.#era;
    const { timers, random } = this.#runtime;
    const before = this.#lastAppend;
    const durable = (async () => {
      await before;
      await new Promise<void>((resolve) => void timers.after(Math.ceil(random.fraction() * 10), resolve));
    })();
    this.#lastAppend = durable;
    return durable.then(() => {
      if (era === this.#era) return;
      throw Object.assign(new Error('the process has crashed'), { code: 'CRASHED', outcome: 'unknown' });
    });
  }

  protected stream(name: string): ArrayStream {
    const stream = this.streams.get(name);
    if (stream === undefined) throw qanatError('STREAM_NOT_FOUND', `there is no ${name}`, { stream: name });
    return stream;
  }
}

function endOf(batches: readonly LogReadBatch[]): number {
  return batches.at(-1)?.endOffset ?? 0;
}

function sizeOf(batches: readonly LogReadBatch[]): number {
  return batches.reduce((sum, { bytes }) => sum + bytes.byteLength, 0);
}
