// A store that leaves some requests without an answer for ever, and does not look at signals: before they had their
// effect, after it, or with it coming much later. It keeps the bodies of such puts as they are, by reference, and can
// tell whether somebody has changed one.
import { crc32 } from '../../src/base/checksum.ts';
import type { Runtime } from '../../src/base/runtime.ts';
import type { ObjectStore } from '../../src/store/object-store.ts';
import { MemoryObjectStore } from '../../src/store/memory-object-store.ts';

interface HeldBody {
  readonly key: string;
  readonly body: Uint8Array;
  readonly checksum: number;
}

type Operation = 'put' | 'get' | 'list' | 'delete';

export class SimStallingStore implements ObjectStore {
  readonly inner: MemoryObjectStore = new MemoryObjectStore();
  readonly #runtime: Runtime;
  readonly #held: HeldBody[] = [];
  readonly stalls: Record<Operation, number> = { put: 0, get: 0, list: 0, delete: 0 };
  /** Share of the requests that stall. */
  stallShare = 0.1;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** Bodies that are not any more what they were when they were put. */
  changedBodies(): readonly string[] {
    return this.#held.filter(({ body, checksum }) => crc32(body) !== checksum).map(({ key }) => key);
  }

  readonly put: ObjectStore['put'] = (key, body, options) => {
    const { purpose, if: condition } = options;
    const effect = () => this.inner.put(key, body, { purpose, if: condition });
    return this.#answer('put', effect, () => this.#held.push({ key, body, checksum: crc32(body) }));
  };

  readonly get: ObjectStore['get'] = (key, options) =>
    this.#answer('get', () => this.inner.get(key, { ...options, signal: undefined }));

  readonly list: ObjectStore['list'] = (options) =>
    this.#answer('list', () => this.inner.list({ ...options, signal: undefined }));

  readonly delete: ObjectStore['delete'] = (keys, { purpose }) =>
    this.#answer('delete', () => this.inner.delete(keys, { purpose }));

  #answer<T>(operation: Operation, effect: () => Promise<T>, hold?: () => void): Promise<T> {
    const { random, timers } = this.#runtime;
    if (random.fraction() >= this.stallShare) return effect();
    this.stalls[operation] += 1;
    hold?.();
    const kind = Math.floor(random.fraction() * 3);
    if (kind === 1) void effect();
    if (kind === 2) timers.after(random.fraction() * 300_000, () => void effect());
    return new Promise(() => {});
  }
}
