// One segment of the object WAL on its way into the bucket: the same bytes, put if-absent, until it is known what
// stands in its slot.
//
// - An answer that got lost is asked for again by the same PUT: 'exists' is then most likely our own earlier try.
// - 'exists' is never taken for success, nor for failure: the slot is read (W6). Own bytes, stored; a seal, or nothing
//   (recovered, then swept), fenced; anything else is damage.
// - Whether the bytes may still be read is known too: only a single PUT that was answered 'stored' proves that none is
//   under way. After anything else, a PUT that nobody waits for may go on reading.
// - No signal reaches a PUT. When the flight is halted or out of time, an attempt under way is left to land.
import { sleep, untilAborted } from '../base/abort.ts';
import { assert } from '../base/assert.ts';
import { backoffDelayMs, type BackoffRange } from '../base/backoff.ts';
import { checkOrigin, decodeFooter, footerSizeBytes, isSameObject } from '../format/data-object.ts';
import { isQanatError, qanatError } from '../model/errors.ts';
import { emit } from '../model/events.ts';
import type { StoredValue } from '../store/object-store.ts';
import type { OpenRequests } from './open-requests.ts';
import type { WalContext, WalSegment } from './wal.ts';

const backoff: BackoffRange = { delayMinMs: 20, delayMaxMs: 3_000 };

/** Known of one slot: our segment is in it, our epoch is fenced, or nothing yet. */
type Finding = 'stored' | 'fenced' | 'unknown';

/** A segment that has been cut, and what it needs to be known by. */
export interface FlightPlan {
  readonly segment: WalSegment;
  readonly key: string;
  readonly batchCount: number;
  readonly payloadBytes: number;
}

export class SegmentFlight {
  readonly plan: FlightPlan;
  isStored = false;
  /** PUTs that were begun and not answered with 'stored'. */
  #doubtfulPuts = 0;
  readonly #context: WalContext;
  readonly #requests: OpenRequests;
  /** Fires when the WAL sends nothing any more, or when this flight is out of time. */
  readonly #halted = new AbortController();
  #lastFailure: unknown;

  constructor(plan: FlightPlan, context: WalContext, requests: OpenRequests) {
    this.plan = plan;
    this.#context = context;
    this.#requests = requests;
  }

  /** Whether no PUT of this flight can be reading its bytes any more. */
  get hasLanded(): boolean {
    return this.isStored && this.#doubtfulPuts === 0;
  }

  /** Stops trying. `fly` rejects with the reason. */
  halt(reason: Error): void {
    this.#halted.abort(reason);
  }

  /** Tries until it is known that the segment is stored or that its epoch is fenced. Rejects when it is out of time. */
  async fly(bytes: Uint8Array): Promise<'stored' | 'fenced'> {
    const { runtime, settings } = this.#context;
    const deadline = runtime.timers.after(settings.storeDeadlineMs, () => this.halt(this.#outOfTime()));
    try {
      return await this.#try(bytes);
    } finally {
      deadline.cancel();
    }
  }

  async #try(bytes: Uint8Array): Promise<'stored' | 'fenced'> {
    const { segment, batchCount } = this.plan;
    const { sequence, sizeBytes } = segment;
    for (let attempts = 1; ; attempts += 1) {
      const finding = await this.#attempt(bytes);
      if (finding === 'stored') {
        this.isStored = true;
        emit(this.#context.observer, 'walSegmentStored', { sequence, sizeBytes, batchCount, attempts });
      }
      if (finding !== 'unknown') return finding;
      const facts = { sequence, attempt: attempts, cause: this.#lastFailure };
      emit(this.#context.observer, 'walSegmentRetried', facts);
      await this.#pause(attempts);
    }
  }

  async #attempt(bytes: Uint8Array): Promise<Finding> {
    const { store } = this.#context;
    this.#doubtfulPuts += 1;
    const result = await this.#ask(() => store.put(this.plan.key, bytes, { if: 'absent', purpose: 'wal' }));
    if (result === undefined) return 'unknown';
    if (result.outcome === 'stored') this.#doubtfulPuts -= 1;
    if (result.outcome === 'stored' || result.outcome === 'unknown') return result.outcome;
    return this.#whatStands(bytes);
  }

  async #whatStands(bytes: Uint8Array): Promise<'stored' | 'fenced'> {
    const { store } = this.#context;
    const options = { range: { last: footerSizeBytes }, purpose: 'wal' } as const;
    for (let attempt = 1; ; attempt += 1) {
      const value = await this.#ask(() => store.get(this.plan.key, options));
      if (value === 'missing') return 'fenced';
      assert(value !== 'not-modified', 'a read without a condition has no condition to fail');
      if (value !== undefined) return isSameObject(value, bytes) ? 'stored' : this.#checkSeal(value);
      await this.#pause(attempt);
    }
  }

  #checkSeal({ bytes, size }: StoredValue): 'fenced' {
    const { key, segment } = this.plan;
    const { clusterId, node, nodeEpoch } = this.#context;
    try {
      const expected = { clusterId, node, nodeEpoch, sequence: segment.sequence, kind: 'seal' } as const;
      checkOrigin(decodeFooter(bytes, { key, size }), expected, { key });
      return 'fenced';
    } catch (cause) {
      const problem = `${key} holds neither this segment of the WAL nor a seal`;
      throw qanatError('OBJECT_CORRUPT', problem, { key, position: undefined }, { outcome: 'unknown', cause });
    }
  }

  /** Makes one request, and waits for it unless halted. Undefined: the store could not be reached. */
  async #ask<T>(request: () => Promise<T>): Promise<T | undefined> {
    const { signal } = this.#halted;
    signal.throwIfAborted();
    try {
      return await untilAborted(this.#requests.run(request), signal);
    } catch (cause) {
      if (signal.aborted || !isQanatError(cause, 'STORE_UNAVAILABLE')) throw cause;
      this.#lastFailure = cause;
      return undefined;
    }
  }

  async #pause(attempt: number): Promise<void> {
    const { runtime } = this.#context;
    await sleep(runtime, backoffDelayMs(attempt, backoff, runtime.random), this.#halted.signal);
  }

  #outOfTime(): Error {
    const { key, segment } = this.plan;
    const { storeDeadlineMs } = this.#context.settings;
    const problem = `segment ${segment.sequence} of the WAL could not be stored within ${storeDeadlineMs} ms`;
    const more = { outcome: 'unknown', cause: this.#lastFailure } as const;
    return qanatError('STORE_UNAVAILABLE', problem, { operation: 'put', key }, more);
  }
}
