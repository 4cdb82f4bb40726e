// Lets old records go, from time to time, in all partitions that are open. One partition that fails or takes long does
// not keep the others from it; it is tried again the next time.
import { setMaxListeners } from 'node:events';
import type { Runtime, Timer } from '../../index.ts';
import type { BrokerLog } from '../broker-log.ts';
import { refusalOf } from '../kafka-error.ts';
import { eachLimited } from './limited.ts';
import type { Partition } from './partition.ts';

/** Partitions looked at at once. */
const atOnce = 16;
/** How long one partition may take. */
const partitionMaxMs = 60_000;

export interface RetentionOptions {
  /** All partitions that are open now. */
  readonly partitions: () => Iterable<Partition>;
  readonly runtime: Runtime;
  /** log.retention.check.interval.ms, from which each pause differs by up to a tenth. */
  readonly intervalMs: number;
  readonly log: BrokerLog;
}

export class Retention {
  readonly #options: RetentionOptions;
  readonly #ending = new AbortController();
  #timer: Timer | undefined;
  #stepping: Promise<void> = Promise.resolve();

  constructor(options: RetentionOptions) {
    this.#options = options;
    setMaxListeners(0, this.#ending.signal); // Every partition looked at listens.
  }

  /** Begins: the first look is after one interval. */
  start(): void {
    if (this.#ending.signal.aborted) return;
    const { runtime, intervalMs } = this.#options;
    const delayMs = Math.max(1, Math.round(intervalMs * (0.9 + 0.2 * runtime.random.fraction())));
    this.#timer = runtime.timers.after(
      delayMs,
      () => {
        this.#stepping = this.step().finally(() => this.start());
      },
      { background: true },
    );
  }

  /** Looks at all partitions once. Never rejects. */
  async step(): Promise<void> {
    await eachLimited([...this.#options.partitions()], atOnce, (partition) => this.#retain(partition));
  }

  /** Stops, and waits for what is under way. */
  async close(): Promise<void> {
    this.#ending.abort();
    this.#timer?.cancel();
    await this.#stepping;
  }

  async #retain(partition: Partition): Promise<void> {
    const { signal } = this.#ending;
    if (signal.aborted) return;
    const { runtime, log } = this.#options;
    const tooLong = new AbortController();
    const stop = (): void => tooLong.abort();
    signal.addEventListener('abort', stop);
    const timer = runtime.timers.after(partitionMaxMs, stop, { background: true });
    const { topic, index } = partition;
    try {
      const records = await partition.retain(tooLong.signal);
      if (records > 0) log.log('debug', 'Records went by retention.', { topic: topic.name, partition: index, records });
    } catch (cause) {
      const { error, message } = refusalOf(cause);
      // The topic was deleted meanwhile, or the broker stops.
      if (signal.aborted || error === 'UNKNOWN_TOPIC_OR_PARTITION') return;
      log.log('error', 'Old records could not be let go.', { topic: topic.name, partition: index, error: message });
    } finally {
      timer.cancel();
      signal.removeEventListener('abort', stop);
    }
  }
}
