// The log as it should be: for each name its stream, for each stream its history. Every batch says in its bytes which
// append it comes from, so whatever is read can be traced back; what nobody appended is found at once.
import type { LogBatch, LogRange, LogReadBatch, LogReadOptions, LogReadResult } from './log-driver.ts';
import { LogHistory, type LogAttempt, type LogKnowledge } from './log-history.ts';
import type { LogBatchShape } from './log-script.ts';
import { hold, LogViolation } from './log-violation.ts';

/** What is known of a name. */
export interface LogName {
  readonly name: string;
  /** The last append that was made under an id of its own. */
  lastOnce: LogAttempt | undefined;
  /** Its stream, if it has one. */
  history: LogHistory | undefined;
  /** Whether the stream takes appends. */
  isOpen: boolean;
  /** After a create or delete of unknown outcome: the stream there is, if there is one. */
  doubt: LogHistory | undefined;
  /** Rises when the stream is created, opened, closed, deleted: calls under way may fail by that. */
  moves: number;
}

/** A read, as it was called. */
export interface LogReadCall {
  readonly history: LogHistory;
  readonly from: number;
  readonly options: LogReadOptions;
  readonly before: LogKnowledge;
}

/**
 * The log as it should be. Tell it what was attempted (`attempt`) and what came of it (`acknowledge`, `refuse`, `doubt`
 * of the attempt's history), and it judges what is read: what cannot be is thrown as a LogViolation.
 */
export class LogModel {
  readonly #names = new Map<string, LogName>();
  readonly #generations = new Map<string, number>();
  readonly #attempts = new Map<string, LogAttempt>();
  #tick = 0;

  /** All names that were used. */
  get names(): readonly LogName[] {
    return [...this.#names.values()];
  }

  /** Time of the model: what is called later has the higher tick. */
  tick(): number {
    this.#tick += 1;
    return this.#tick;
  }

  /** What is known of a name; nothing, if it was never used. */
  name(name: string): LogName {
    const known = this.#names.get(name);
    if (known !== undefined) return known;
    const fresh: LogName = { name, lastOnce: undefined, history: undefined, isOpen: false, doubt: undefined, moves: 0 };
    this.#names.set(name, fresh);
    return fresh;
  }

  /** The history of a stream that is about to be created. */
  newHistory(name: string): LogHistory {
    const generation = (this.#generations.get(name) ?? 0) + 1;
    this.#generations.set(name, generation);
    return new LogHistory(name, generation);
  }

  /** A batch to append, of about `sizeBytes`: its bytes begin with its own label. */
  attempt(history: LogHistory, shape: LogBatchShape, by: 'owner' | 'usurped' = 'owner'): LogAttempt {
    const tick = this.tick();
    const { count, sizeBytes, timestamp } = shape;
    const label = `${history.name}${history.generation}#${tick}`;
    const head = new TextEncoder().encode(`${label}|`);
    const bytes = new Uint8Array(Math.max(sizeBytes, head.byteLength)).fill(97 + (tick % 26));
    bytes.set(head);
    const facts = { label, tick, bytes, count, timestamp };
    const attempt = by === 'owner' ? history.attempt(facts) : history.attemptByUsurped(facts);
    this.#attempts.set(label, attempt);
    return attempt;
  }

  /** The same batch, tried again. */
  retry(last: LogAttempt): LogAttempt {
    const { history, label, bytes, count, timestamp } = last;
    return history.attempt({ label, tick: this.tick(), bytes, count, timestamp }, last);
  }

  /** Judges a batch that was read from a stream. */
  observe(history: LogHistory, batch: LogReadBatch): void {
    const attempt = this.#origin(batch);
    const shown = `${history.name}: [${batch.startOffset}, ${batch.endOffset})`;
    if (attempt === undefined) {
      throw new LogViolation('oneHistory', `${shown} holds bytes that nobody appended: ${shownBytes(batch)}`);
    }
    if (attempt.history !== history) {
      const property = attempt.history.name === history.name ? 'nothingOld' : 'oneHistory';
      const { name, generation } = attempt.history;
      throw new LogViolation(property, `${shown} is ${attempt.label}, of stream ${generation} of the name ${name}`);
    }
    history.observe(attempt, batch);
  }

  /** Judges the answer to a read. */
  observeRead({ history, from, options, before }: LogReadCall, result: LogReadResult): void {
    const shown = `${history.name} read from ${from}`;
    hold(from >= before.startOffset, 'trimmed', () => `${shown}, which lies below its start, ${before.startOffset}`);
    hold(from <= history.endMax, 'sensible', () => `${shown}, which lies beyond its end`);
    let next = from;
    let sizeBytes = 0;
    for (const [i, batch] of result.batches.entries()) {
      const { startOffset, endOffset, bytes } = batch;
      const place = `[${startOffset}, ${endOffset})`;
      if (i === 0) hold(startOffset <= from && from < endOffset, 'wholeBatch', () => `${shown} gave ${place} first`);
      else hold(startOffset === next, 'offsets', () => `${shown} gave ${place} after ${next}`);
      hold(startOffset < (options.to ?? Infinity), 'sensible', () => `${shown} to ${options.to} gave ${place}`);
      this.observe(history, batch);
      next = endOffset;
      sizeBytes += bytes.byteLength;
    }
    history.observeRange(result, before);
    const count = result.batches.length;
    const isWithin = count < 2 || sizeBytes <= (options.maxBytes ?? Infinity);
    hold(isWithin, 'sensible', () => `${shown} gave ${sizeBytes} bytes, ${options.maxBytes} at most were asked for`);
    const mayBeEmpty = from >= Math.min(before.endOffset, options.to ?? Infinity);
    hold(count > 0 || mayBeEmpty, 'durable', () => `${shown} gave nothing; it ended at ${before.endOffset}`);
    hold(next <= result.endOffset, 'sensible', () => `${shown} gave ${next}, beyond its end, ${result.endOffset}`);
  }

  /** Judges that a read was refused as out of range. */
  observeOutOfRange({ history, from, before }: LogReadCall): void {
    const isOutside = from < history.startMax || from > before.endOffset;
    const { startOffset, endOffset } = before;
    hold(isOutside, 'durable', () => `${history.name} refused ${from}, which lies in [${startOffset}, ${endOffset}]`);
  }

  #origin({ bytes, count }: LogReadBatch): LogAttempt | undefined {
    const label = new TextDecoder().decode(bytes.subarray(0, 64)).split('|', 1)[0] ?? '';
    const attempt = this.#attempts.get(label);
    return attempt !== undefined && equalBatches(attempt, { bytes, count }) ? attempt : undefined;
  }
}

/** What a recovered stream holds, read to its end, decides what is in its history. */
export function decideHistory(history: LogHistory, range: LogRange, readTo: number): void {
  const { name } = history;
  hold(readTo === range.endOffset, 'durable', () => `${name} can be read to ${readTo}; it ends at ${range.endOffset}`);
  history.decide(range);
}

function equalBatches(a: LogBatch, b: LogBatch): boolean {
  const { length } = a.bytes;
  if (length !== b.bytes.length) return false;
  for (let i = 0; i < length; i += 1) if (a.bytes[i] !== b.bytes[i]) return false;
  return true;
}

function shownBytes({ bytes }: LogReadBatch): string {
  const text = new TextDecoder().decode(bytes.subarray(0, 40));
  return `${bytes.byteLength} bytes, ${JSON.stringify(text)}`;
}
