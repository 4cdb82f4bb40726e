// Writes the data objects of one node epoch: draws their sequences, puts the bytes until it is known that they stand,
// and keeps the watermark below which everything is decided (R4, S1–S4).
//
// A sequence is drawn before its first byte is sent and never used again, whatever becomes of it. An object is decided
// when a change that names it was applied, or when it was given up for ever; an unknown outcome is neither.
import { sleep } from '../base/abort.ts';
import { backoffDelayMs } from '../base/backoff.ts';
import type { Runtime } from '../base/runtime.ts';
import { encodeDataObject, footerSizeBytes, isSameObject } from '../format/data-object.ts';
import { isQanatError, qanatError } from '../model/errors.ts';
import { objectKey } from '../model/object-key.ts';
import type { StreamBatch } from '../model/record-batch.ts';
import type { ObjectStore, PutResult } from '../store/object-store.ts';
import type { CommittedObject } from '../catalog/change.ts';

/** Who writes, and where. */
export interface ObjectWriterOptions {
  readonly store: ObjectStore;
  readonly clusterId: string;
  readonly node: string;
  readonly nodeEpoch: number;
  readonly runtime: Runtime;
  /** How long one object is tried. */
  readonly storeDeadlineMs: number;
}

const retryDelay = { delayMinMs: 20, delayMaxMs: 3_000 };

export class ObjectWriter {
  readonly #options: ObjectWriterOptions;
  #nextSequence = 0;
  readonly #undecided = new Set<number>();

  constructor(options: ObjectWriterOptions) {
    this.#options = options;
  }

  /** The watermark, as a change may carry it: the lowest undecided sequence, `own` counted as decided. */
  settledBelow(own: readonly CommittedObject[] = []): number {
    // WAL segments that are registered in place are numbered apart (S7).
    const ownData = own.filter(({ family }) => family === 'data');
    const decided = new Set(ownData.map(({ sequence }) => sequence));
    let lowest = this.#nextSequence;
    for (const sequence of this.#undecided) if (!decided.has(sequence)) lowest = Math.min(lowest, sequence);
    return lowest;
  }

  /** Objects are decided: they were committed, or never will be. */
  decide(objects: readonly CommittedObject[]): void {
    for (const { family, sequence } of objects) if (family === 'data') this.#undecided.delete(sequence);
  }

  /** Writes one object with these batches. It stays undecided until `decide`. */
  async write(kind: 'stream-set' | 'stream', batches: readonly StreamBatch[]): Promise<CommittedObject> {
    const { clusterId, node, nodeEpoch } = this.#options;
    const sequence = this.#nextSequence;
    this.#nextSequence += 1;
    this.#undecided.add(sequence);
    const { bytes, parts } = encodeDataObject({ clusterId, kind, node, nodeEpoch, sequence, durableBelow: 0 }, batches);
    const object: CommittedObject = { family: 'data', sequence, sizeBytes: bytes.byteLength, parts };
    try {
      await this.#put(objectKey(clusterId, { family: 'data', node, nodeEpoch, sequence }), bytes);
    } catch (cause) {
      this.decide([object]); // No change will ever name it.
      throw cause;
    }
    return object;
  }

  async #put(key: string, bytes: Uint8Array): Promise<void> {
    const { runtime, storeDeadlineMs } = this.#options;
    const startedAt = runtime.clock.monotonic();
    for (let attempt = 1; ; attempt++) {
      let failure: unknown;
      try {
        if (await this.#stands(key, bytes)) return;
      } catch (cause) {
        if (!isQanatError(cause, 'STORE_UNAVAILABLE')) throw cause;
        failure = cause;
      }
      if (runtime.clock.monotonic() - startedAt >= storeDeadlineMs) {
        const message = `${key} could not be written within ${storeDeadlineMs} ms`;
        throw qanatError('STORE_UNAVAILABLE', message, { operation: 'put', key }, { cause: failure });
      }
      await sleep(runtime, backoffDelayMs(attempt, retryDelay, runtime.random));
    }
  }

  /** One attempt: whether our bytes are known to stand at the key now. */
  async #stands(key: string, bytes: Uint8Array): Promise<boolean> {
    const { store } = this.#options;
    const result: PutResult = await store.put(key, bytes, { if: 'absent', purpose: 'upload' });
    if (result.outcome !== 'exists') return result.outcome === 'stored';
    const value = await store.get(key, { range: { last: footerSizeBytes }, purpose: 'upload' });
    if (value === 'missing' || value === 'not-modified') return false;
    if (isSameObject(value, bytes)) return true;
    throw qanatError('OBJECT_CORRUPT', `${key} holds what this node did not write`, { key, position: undefined });
  }
}
