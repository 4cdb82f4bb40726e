// Records what clients of a log do and see, as a history for checkHistory. Each batch that is made here says in its
// bytes which one it is, so whatever is read can be traced back to who appended it.
import type {
  HistoryAppend,
  HistoryBatch,
  HistoryCall,
  HistoryGiveUp,
  HistoryLookUp,
  HistoryOperation,
  HistoryOutcome,
  HistoryRead,
  HistorySeen,
} from './history.ts';
import type { LogRange, LogReadBatch, LogReadResult } from './log-driver.ts';

/** A batch to append: its bytes begin with its id. */
export interface RecordedBatch extends HistoryBatch {
  readonly bytes: Uint8Array;
}

/** Who asks, of which stream. */
export type RecordedCall = Pick<HistoryCall, 'client' | 'stream'>;

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** A history in the making. */
export class HistoryRecorder {
  readonly #operations: HistoryOperation[] = [];
  readonly #batches = new Map<string, { readonly digest: number; readonly sizeBytes: number }>();
  #tick = 0;

  /** What was recorded so far, in the order of the calls. */
  get history(): readonly HistoryOperation[] {
    return this.#operations;
  }

  /** A moment later than all moments before. */
  tick(): number {
    this.#tick += 1;
    return this.#tick;
  }

  /** Makes a batch that no other batch equals, of this size or a little more. */
  batch(count: number, sizeBytes: number, timestamp?: number): RecordedBatch {
    const id = `#${this.#batches.size + 1}`;
    const filling = String.fromCharCode(97 + (this.#batches.size % 26));
    const bytes = new TextEncoder().encode(`${id}|`.padEnd(sizeBytes, filling));
    this.#batches.set(id, { digest: digestOf(bytes), sizeBytes: bytes.byteLength });
    return { id, count, bytes, ...(timestamp === undefined ? {} : { timestamp }) };
  }

  /** Appends, and records what came of it. */
  async append(call: RecordedCall, batches: readonly RecordedBatch[], act: () => Promise<LogRange>): Promise<LogRange> {
    const facts = batches.map(({ id, count, timestamp }) => ({ id, count, timestamp }));
    const operation: Writable<HistoryAppend> = {
      ...{ do: 'append', ...call, calledAt: this.tick(), batches: facts, outcome: 'unknown' },
    };
    this.#operations.push(operation);
    return this.#change(operation, act, ({ startOffset, endOffset }) => {
      operation.startOffset = startOffset;
      operation.endOffset = endOffset;
    });
  }

  /** Trims, and records what came of it. */
  async trim(call: RecordedCall, startOffset: number, act: () => Promise<void>): Promise<void> {
    const operation = { do: 'trim', ...call, calledAt: this.tick(), startOffset, outcome: 'unknown' } as const;
    this.#operations.push(operation);
    return this.#change(operation, act, () => {});
  }

  /** Deletes, and records what came of it. */
  async delete(call: RecordedCall, act: () => Promise<void>): Promise<void> {
    const operation = { do: 'delete', ...call, calledAt: this.tick(), outcome: 'unknown' } as const;
    this.#operations.push(operation);
    return this.#change(operation, act, () => {});
  }

  /** Reads, and records what was seen. A read that fails is not recorded. */
  async read(
    call: RecordedCall,
    from: number,
    act: () => Promise<LogReadResult>,
    options: { readonly mayLag?: boolean | undefined } = {},
  ): Promise<LogReadResult> {
    const calledAt = this.tick();
    const result = await act();
    this.saw(call, calledAt, from, result, options);
    return result;
  }

  /** Records what was read, by a call of that time. */
  saw(
    call: RecordedCall,
    calledAt: number,
    from: number,
    { batches, startOffset, endOffset }: LogReadResult,
    { mayLag = false }: { readonly mayLag?: boolean | undefined } = {},
  ): void {
    const seen = batches.map((batch) => this.identify(batch));
    const answeredAt = this.tick();
    const operation: HistoryRead = {
      ...{ do: 'read', ...call, calledAt, answeredAt, from, seen, startOffset, endOffset, mayLag },
    };
    this.#operations.push(operation);
  }

  /** Looks up by time, and records what was found. A look-up that fails is not recorded. */
  async lookUp(
    call: RecordedCall,
    timestamp: number,
    act: () => Promise<number | undefined>,
    { mayLag = false }: { readonly mayLag?: boolean | undefined } = {},
  ): Promise<number | undefined> {
    const calledAt = this.tick();
    const offset = await act();
    const operation: HistoryLookUp = { do: 'look-up', ...call, calledAt, answeredAt: this.tick(), timestamp, mayLag };
    this.#operations.push(offset === undefined ? operation : { ...operation, offset });
    return offset;
  }

  /** Records that what was acknowledged from an offset on may be gone, by a decision made at that time. */
  giveUp(call: RecordedCall, calledAt: number, from: number): void {
    const operation: HistoryGiveUp = { do: 'give-up', ...call, calledAt, answeredAt: this.tick(), from };
    this.#operations.push(operation);
  }

  /** Which batch this is, as its bytes say. */
  identify({ bytes, startOffset, endOffset }: LogReadBatch): HistorySeen {
    const text = new TextDecoder().decode(bytes.subarray(0, 40));
    const id = text.split('|', 1)[0] ?? '';
    const known = this.#batches.get(id);
    if (known === undefined) return { id: JSON.stringify(text), isWhole: true, startOffset, endOffset };
    const isWhole = known.sizeBytes === bytes.byteLength && known.digest === digestOf(bytes);
    return { id, isWhole, startOffset, endOffset };
  }

  async #change<T>(
    operation: { outcome: HistoryOutcome; answeredAt?: number | undefined },
    act: () => Promise<T>,
    done: (value: T) => void,
  ): Promise<T> {
    try {
      const value = await act();
      operation.outcome = 'ok';
      done(value);
      return value;
    } catch (cause) {
      operation.outcome = (cause as { readonly outcome?: unknown }).outcome === 'none' ? 'none' : 'unknown';
      throw cause;
    } finally {
      operation.answeredAt = this.tick();
    }
  }
}

/** FNV-1a: enough to tell a damaged batch. */
function digestOf(bytes: Uint8Array): number {
  let digest = 0x811c9dc5;
  for (const byte of bytes) digest = Math.imul(digest ^ byte, 0x01000193);
  return digest >>> 0;
}
