// The log of some of the groups: one stream, to which everything is appended before anybody is told of it.
//
// - Entries written in one turn of the event loop share an append, and so do those that come while as many appends as
//   may be are under way. They become durable in the order in which they were written.
// - From time to time everything that is known is written again, while the groups go on living, and the stream is
//   trimmed to where that began. Each entry says how something is when it is written; whatever happens to that later
//   is behind it in the log, and what happened to it shortly before is said twice. The log is therefore always
//   complete from its start, and there is nothing to say where a snapshot begins or ends.
// - An append that the engine refuses for lack of room changes nothing and is made again. Any other failure is the end
//   of the stream set, and of the log.
import { isQanatError, type Runtime, type Stream } from '../../index.ts';
import type { BrokerLog } from '../broker-log.ts';
import { decodeAppend, encodeAppend, encodeEntry, type LogEntry } from './log-entry.ts';

const KiB = 1024;
const MiB = 1024 * KiB;

/** Entries of one append, unless a single one is larger. */
const appendSizeBytes = 1 * MiB;

const appendsUnderWayMax = 4;

/** Bytes that wait to be appended above which nothing that can be refused is taken. */
const waitingMaxBytes = 16 * MiB;

/** A snapshot is due when so much was written since the last one, and twice what that one took. */
const snapshotAfterBytes = 4 * MiB;

/** What was written, and when it is durable. */
export interface Written {
  readonly done: Promise<void>;
  readonly isDone: boolean;
}

interface Append {
  readonly entries: Uint8Array[];
  sizeBytes: number;
  readonly done: Promise<void>;
  isDone: boolean;
  settle: (failure: Error | undefined) => void;
}

interface GroupLogOptions {
  readonly stream: Stream;
  readonly runtime: Runtime;
  readonly log: BrokerLog;
  /** Everything there is to say, each entry made when it is asked for. */
  readonly snapshot: () => Iterable<LogEntry>;
  readonly snapshotAfterBytes?: number | undefined;
}

export class GroupLog {
  readonly #options: GroupLogOptions;
  readonly #stream: Stream;
  readonly #snapshotAfterBytes: number;
  #waiting: Append[] = [];
  #waitingBytes = 0;
  #last: Append | undefined;
  #underWay = 0;
  #isScheduled = false;
  #isRefused = false;
  #failure: Error | undefined;
  /** Bytes written since the start of the log, those of the last snapshot not counted. */
  #sinceBytes = 0;
  #snapshotBytes = 0;
  #snapshotting: Promise<void> | undefined;
  #isClosed = false;

  constructor(options: GroupLogOptions) {
    this.#options = options;
    this.#stream = options.stream;
    this.#snapshotAfterBytes = options.snapshotAfterBytes ?? snapshotAfterBytes;
  }

  /** Everything that the log says, oldest first. Before anything is written. */
  async replay(apply: (entry: LogEntry) => void): Promise<void> {
    for (let from = this.#stream.startOffset; ;) {
      const { batches, nextOffset, stopped } = await this.#stream.read(from, { maxBytes: 4 * MiB });
      for (const { bytes } of batches) {
        this.#sinceBytes += bytes.byteLength;
        for (const entry of decodeAppend(bytes)) apply(entry);
      }
      if (stopped === 'end') return;
      from = nextOffset;
      await this.#options.runtime.timers.turn();
    }
  }

  /** So much waits that nothing should be taken that can be refused. */
  get isFull(): boolean {
    return this.#waitingBytes >= waitingMaxBytes;
  }

  get failure(): Error | undefined {
    return this.#failure;
  }

  /** Entries that belong together become durable together, as long as they fit one append. */
  write(...entries: readonly LogEntry[]): Written {
    let append = this.#waiting.at(-1);
    for (const entry of entries) {
      const encoded = encodeEntry(entry);
      if (append === undefined || append.sizeBytes + encoded.byteLength > appendSizeBytes) {
        append = newAppend();
        if (this.#failure === undefined) this.#waiting.push(append);
        else append.settle(this.#failure);
      }
      append.entries.push(encoded);
      append.sizeBytes += encoded.byteLength;
      this.#waitingBytes += encoded.byteLength;
    }
    if (append === undefined) return this.#last ?? nothingWritten;
    this.#last = append;
    this.#schedule();
    return append;
  }

  /** Makes everything durable that was written, and ends. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#snapshotting;
    this.#send();
    await Promise.allSettled([this.#last?.done]);
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      this.#send();
    });
  }

  #send(): void {
    while (this.#failure === undefined && !this.#isRefused && this.#underWay < appendsUnderWayMax) {
      const [append] = this.#waiting;
      if (append === undefined) return;
      const before = this.#stream.nextOffset;
      const sent = this.#stream.append(encodeAppend(append.entries), { timestamp: this.#options.runtime.clock.now() });
      if (this.#stream.nextOffset === before) {
        this.#isRefused = true;
        sent.then(
          () => this.#fail(new Error('an append without an offset was made')),
          (cause: unknown) => this.#onRefused(cause as Error),
        );
        return;
      }
      this.#waiting.shift();
      this.#waitingBytes -= append.sizeBytes;
      this.#sinceBytes += append.sizeBytes;
      this.#underWay++;
      sent.then(
        () => this.#onDurable(append),
        (cause: unknown) => {
          append.settle(cause as Error);
          this.#fail(cause as Error);
        },
      );
    }
  }

  #onDurable(append: Append): void {
    this.#underWay--;
    append.settle(undefined);
    this.#send();
    const dueBytes = Math.max(this.#snapshotAfterBytes, 2 * this.#snapshotBytes);
    if (this.#isClosed || this.#snapshotting !== undefined || this.#sinceBytes < dueBytes) return;
    this.#snapshotting = this.#snapshot().finally(() => (this.#snapshotting = undefined));
  }

  /** Told so when there is room again, or after a while. */
  #onRefused(cause: Error): void {
    if (!isQanatError(cause, 'OVERLOADED')) return this.#fail(cause);
    this.#isRefused = false;
    this.#send();
  }

  #fail(cause: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = cause;
    for (const append of this.#waiting.splice(0)) append.settle(cause);
    this.#waitingBytes = 0;
  }

  async #snapshot(): Promise<void> {
    const from = this.#stream.nextOffset;
    const sinceBytes = this.#sinceBytes;
    let sizeBytes = 0;
    let last: Written | undefined;
    try {
      for (const entry of this.#options.snapshot()) {
        const before = this.#waitingBytes;
        last = this.write(entry);
        sizeBytes += this.#waitingBytes - before;
        if (this.#waitingBytes > appendSizeBytes) await last.done;
        if (this.#isClosed) return;
      }
      await last?.done;
      await this.#stream.trim(from);
      this.#snapshotBytes = sizeBytes;
      this.#sinceBytes -= sinceBytes + sizeBytes;
    } catch (cause) {
      // The log is longer than it need be, and complete. The next snapshot is due when as much again was written.
      this.#snapshotBytes = this.#sinceBytes;
      if (this.#failure === undefined && !this.#isClosed)
        this.#options.log.log('error', 'A snapshot of groups failed', { cause: String(cause) });
    }
  }
}

const nothingWritten: Written = { done: Promise.resolve(), isDone: true };

function newAppend(): Append {
  let resolve: () => void = () => {};
  let reject: (cause: Error) => void = () => {};
  const done = new Promise<void>((...both) => ([resolve, reject] = both));
  done.catch(() => {}); // Whoever waits for it is told; nobody need.
  const append: Append = {
    entries: [],
    sizeBytes: 0,
    done,
    isDone: false,
    settle: (failure) => {
      append.isDone = failure === undefined;
      if (failure === undefined) resolve();
      else reject(failure);
    },
  };
  return append;
}
