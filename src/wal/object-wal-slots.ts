// The slots of one past epoch's object WAL: what stands in each, and the creation of seals. Requests that fail are
// repeated with a growing delay; the caller's signal ends the waiting, never a PUT.
import { sleep, throwIfAborted, untilAborted } from '../base/abort.ts';
import { assert } from '../base/assert.ts';
import { backoffDelayMs, type BackoffRange } from '../base/backoff.ts';
import { checkOrigin, encodeDataObject, type DataObjectHead } from '../format/data-object.ts';
import { decodeWhole, readDirectory, type ObjectBytes, type ObjectDirectory } from '../format/object-directory.ts';
import { isQanatError, qanatError } from '../model/errors.ts';
import { epochPrefix, objectKey, sequenceOfKey, type ObjectOrigin } from '../model/object-key.ts';
import type { StreamBatch } from '../model/record-batch.ts';
import type { ByteRange } from '../store/object-store.ts';
import type { WalRecoveryContext, WalSegment } from './wal.ts';

const backoff: BackoffRange = { delayMinMs: 20, delayMaxMs: 3_000 };

/** How long one request is repeated before its failure is thrown on. */
const patienceMs = 120_000;

/** What stands in a slot. */
export type Slot = 'missing' | 'seal' | { readonly segment: WalSegment; readonly durableBelow: number };

export class WalSlots {
  readonly #context: WalRecoveryContext;

  constructor(context: WalRecoveryContext) {
    this.#context = context;
  }

  key(sequence: number): string {
    return objectKey(this.#context.clusterId, this.#origin(sequence));
  }

  /** The sequences at or beyond `from` that the store lists, ascending. */
  async list(from: number): Promise<readonly number[]> {
    const { store, clusterId, signal } = this.#context;
    const prefix = epochPrefix(clusterId, this.#origin(from));
    const sequences: number[] = [];
    let after = from === 0 ? undefined : this.key(from - 1);
    for (let more = true; more;) {
      const options = { prefix, after, purpose: 'recovery', signal } as const;
      const page = await this.#insist(() => store.list(options));
      for (const { key } of page.keys) {
        const sequence = sequenceOfKey(key);
        if (sequence !== undefined && sequence >= from) sequences.push(sequence);
      }
      after = page.keys.at(-1)?.key;
      more = page.more && after !== undefined;
    }
    return sequences;
  }

  /** Reads the directory in a slot. OBJECT_CORRUPT if something stands there that this epoch did not write. */
  async read(sequence: number): Promise<Slot> {
    const key = this.key(sequence);
    let directory: ObjectDirectory;
    try {
      directory = await readDirectory(key, (range) => this.#get(key, range));
    } catch (cause) {
      if (cause instanceof MissingObject) return 'missing';
      throw cause;
    }
    const { footer, index, sizeBytes } = directory;
    if (footer.kind === 'seal') {
      checkOrigin(footer, this.#head('seal', sequence), { key });
      return 'seal';
    }
    const { durableBelow } = footer;
    checkOrigin(footer, { ...this.#head('wal-segment', sequence), durableBelow }, { key });
    return { segment: { sequence, sizeBytes, parts: index.parts() }, durableBelow };
  }

  /** As `read`, but what cannot be vouched for counts as missing: it lies beyond a gap and proves nothing. */
  async readIfSound(sequence: number): Promise<Slot> {
    try {
      return await this.read(sequence);
    } catch (cause) {
      if (isQanatError(cause, 'OBJECT_CORRUPT') || isQanatError(cause, 'FORMAT_UNSUPPORTED')) return 'missing';
      throw cause;
    }
  }

  /** Puts a seal into the slot unless something stands there. True if a seal, whosever, is known to stand there. */
  async createSeal(sequence: number): Promise<boolean> {
    const { store } = this.#context;
    const { bytes } = encodeDataObject(this.#head('seal', sequence), []);
    const options = { if: 'absent', purpose: 'recovery' } as const;
    const { outcome } = await this.#insist(() => store.put(this.key(sequence), bytes, options));
    return outcome === 'stored' || (await this.read(sequence)) === 'seal';
  }

  /** Reads a segment whole. */
  async batches({ sequence }: WalSegment): Promise<readonly StreamBatch[]> {
    const key = this.key(sequence);
    try {
      const { bytes } = await this.#get(key, undefined);
      const { footer, batches } = decodeWhole(key, bytes);
      checkOrigin(footer, { ...this.#head('wal-segment', sequence), durableBelow: footer.durableBelow }, { key });
      return batches;
    } catch (cause) {
      if (!(cause instanceof MissingObject)) throw cause;
      throw qanatError('OBJECT_CORRUPT', `${key} was there when its WAL was sealed, and is missing`, {
        key,
        position: undefined,
      });
    }
  }

  /** Waits before another try. */
  async pause(attempt: number): Promise<void> {
    const { runtime, signal } = this.#context;
    await sleep(runtime, backoffDelayMs(attempt, backoff, runtime.random), signal);
  }

  async #get(key: string, range: ByteRange | undefined): Promise<ObjectBytes> {
    const { store, signal } = this.#context;
    const value = await this.#insist(() => store.get(key, { range, purpose: 'recovery', signal }));
    if (value === 'missing') throw new MissingObject();
    assert(value !== 'not-modified', 'a read without a condition has no condition to fail');
    return value;
  }

  async #insist<T>(request: () => Promise<T>): Promise<T> {
    const { clock } = this.#context.runtime;
    const startedAt = clock.monotonic();
    for (let attempt = 1; ; attempt += 1) {
      throwIfAborted(this.#context.signal);
      try {
        return await untilAborted(request(), this.#context.signal);
      } catch (cause) {
        const isHopeless = clock.monotonic() - startedAt >= patienceMs;
        if (isHopeless || !isQanatError(cause, 'STORE_UNAVAILABLE')) throw cause;
      }
      await this.pause(attempt);
    }
  }

  #head(kind: 'wal-segment' | 'seal', sequence: number): DataObjectHead {
    const { clusterId, node, nodeEpoch } = this.#context;
    return { clusterId, kind, node, nodeEpoch, sequence, durableBelow: 0 };
  }

  #origin(sequence: number): ObjectOrigin {
    const { node, nodeEpoch } = this.#context;
    return { family: 'wal', node, nodeEpoch, sequence };
  }
}

class MissingObject extends Error {}
