// Writes the data objects of one node epoch: draws their sequences, puts the bytes until it is known that they stand,
// and keeps the watermark below which everything is decided (R4, S1–S4).
//
// A sequence is drawn before its first byte is sent and never used again, whatever becomes of it. An object is decided
// when a change that names it was applied, or when it was given up for ever; an unknown outcome is neither.
//
// Objects are encoded one at a time, in memory that is used again (upload-buffers.ts).
import { sleep } from '../base/abort.ts';
import { backoffDelayMs } from '../base/backoff.ts';
import type { Runtime } from '../base/runtime.ts';
import { ObjectEncoder, footerSizeBytes, isSameObject } from '../format/data-object.ts';
import { isQanatError, qanatError } from '../model/errors.ts';
import { objectKey } from '../model/object-key.ts';
import type { ObjectStore, PutResult } from '../store/object-store.ts';
import type { CommittedObject } from '../catalog/change.ts';
import { UploadBuffers, type LentBuffer } from './upload-buffers.ts';

/** Who writes, and where. */
export interface ObjectWriterOptions {
  readonly store: ObjectStore;
  readonly clusterId: string;
  readonly node: string;
  readonly nodeEpoch: number;
  readonly runtime: Runtime;
  /** How long one object is tried. */
  readonly storeDeadlineMs: number;
  /** An object is no larger; it is encoded in one buffer of at most this size, which all uploads share. */
  readonly objectSizeMaxBytes: number;
}

const retryDelay = { delayMinMs: 20, delayMaxMs: 3_000 };

export class ObjectWriter {
  readonly #options: ObjectWriterOptions;
  readonly #buffers: UploadBuffers;
  #nextSequence = 0;
  readonly #undecided = new Set<number>();

  constructor(options: ObjectWriterOptions) {
    this.#options = options;
    this.#buffers = new UploadBuffers(options.objectSizeMaxBytes);
  }

  get objectSizeMaxBytes(): number {
    return this.#buffers.sizeMaxBytes;
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

  /**
   * Writes one object of at most `sizeBytes`. `fill` adds the batches, as many as fit, and may take its time. It stays
   * undecided until `decide`.
   */
  async write(
    kind: 'stream-set' | 'stream',
    sizeBytes: number,
    fill: (encoder: ObjectEncoder) => Promise<void>,
  ): Promise<CommittedObject> {
    return this.#buffers.use(sizeBytes, async (buffer) => {
      const encoder = new ObjectEncoder(buffer.bytes);
      await fill(encoder);
      return this.#store(kind, encoder, buffer);
    });
  }

  async #store(kind: 'stream-set' | 'stream', encoder: ObjectEncoder, buffer: LentBuffer): Promise<CommittedObject> {
    const { clusterId, node, nodeEpoch } = this.#options;
    const sequence = this.#nextSequence;
    this.#nextSequence += 1;
    this.#undecided.add(sequence);
    const { bytes, parts } = encoder.finish({ clusterId, kind, node, nodeEpoch, sequence, durableBelow: 0 });
    const object: CommittedObject = { family: 'data', sequence, sizeBytes: bytes.byteLength, parts };
    try {
      await this.#put(objectKey(clusterId, { family: 'data', node, nodeEpoch, sequence }), bytes, buffer);
    } catch (cause) {
      this.decide([object]); // No change will ever name it.
      throw cause;
    }
    return object;
  }

  async #put(key: string, bytes: Uint8Array, buffer: LentBuffer): Promise<void> {
    const { runtime, storeDeadlineMs } = this.#options;
    const startedAt = runtime.clock.monotonic();
    for (let attempt = 1; ; attempt++) {
      let failure: unknown;
      try {
        if (await this.#stands(key, bytes, buffer)) return;
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
  async #stands(key: string, bytes: Uint8Array, buffer: LentBuffer): Promise<boolean> {
    const { store } = this.#options;
    const result: PutResult = await store.put(key, bytes, { if: 'absent', purpose: 'upload' });
    if (result.outcome === 'unknown') buffer.abandon(); // The attempt may still be under way, and be read.
    if (result.outcome !== 'exists') return result.outcome === 'stored';
    const value = await store.get(key, { range: { last: footerSizeBytes }, purpose: 'upload' });
    if (value === 'missing' || value === 'not-modified') return false;
    if (isSameObject(value, bytes)) return true;
    throw qanatError('OBJECT_CORRUPT', `${key} holds what this node did not write`, { key, position: undefined });
  }
}
