// Deletes the streams of topics that are gone, in the background. Nothing is lost where it fails or is stopped: at the
// next start the streams are found again, because no topic has their id.
import { isQanatError, type StreamSet } from '../../index.ts';
import type { BrokerLog } from '../broker-log.ts';
import { eachLimited } from './limited.ts';

/** Streams deleted at once. */
const atOnce = 64;

export class StreamRemoval {
  readonly #streams: StreamSet;
  readonly #log: BrokerLog;
  readonly #running = new Set<Promise<void>>();
  readonly #ending = new AbortController();

  constructor(streams: StreamSet, log: BrokerLog) {
    this.#streams = streams;
    this.#log = log;
  }

  /** Begins to delete streams; `names` may take its time to find them. */
  begin(names: () => Promise<readonly string[]>): void {
    const running = this.#remove(names).finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  /** Resolves when nothing is left to do. Never rejects. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  /** Begins no more deletions, and waits for those under way. */
  async close(): Promise<void> {
    this.#ending.abort();
    await this.settled();
  }

  async #remove(names: () => Promise<readonly string[]>): Promise<void> {
    try {
      await eachLimited(await names(), atOnce, (name) => this.#removeOne(name));
    } catch (cause) {
      if (this.#ending.signal.aborted || this.#streams.status !== 'open') return;
      const error = cause instanceof Error ? cause.message : String(cause);
      this.#log.log('error', 'Streams of a deleted topic could not be deleted; the next start does it.', { error });
    }
  }

  async #removeOne(name: string): Promise<void> {
    try {
      await this.#streams.delete(name, { signal: this.#ending.signal });
    } catch (cause) {
      if (!isQanatError(cause, 'STREAM_NOT_FOUND')) throw cause;
    }
  }
}
