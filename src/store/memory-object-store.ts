// An object store in the memory of one process: for tests, and for data that may be lost with the process.
//
// Invariants: bodies are copied in and out, so nobody outside holds bytes of the store; a request takes effect in one
// synchronous step, a microtask after the call at the earliest, so conditions are tested atomically with the write;
// an etag is never given twice.
import { throwIfAborted } from '../base/abort.ts';
import { checkDelete, checkGet, checkList, checkPut, listLimitDefault, resolveRange } from './check-request.ts';
import { fromByteString, toByteString } from './key-order.ts';
import type {
  DeleteResult,
  GetOptions,
  GetResult,
  ListOptions,
  ListResult,
  ObjectStore,
  PutOptions,
  PutResult,
  StoreRequestOptions,
} from './object-store.ts';
import { SortedKeys } from './sorted-keys.ts';

interface MemoryValue {
  readonly bytes: Uint8Array;
  readonly etag: string;
}

/** Keeps values in memory. All handles on the data are this one object. */
export class MemoryObjectStore implements ObjectStore {
  readonly #values = new Map<string, MemoryValue>();
  readonly #keys = new SortedKeys();
  #etagCount = 0;

  /** Writes a copy of `body`; never answers 'unknown'. */
  async put(key: string, body: Uint8Array, options: PutOptions): Promise<PutResult> {
    checkPut(key, body, options);
    await begin(options);
    const standing = this.#values.get(key);
    if (options.if === 'absent' && standing !== undefined) return { outcome: 'exists' };
    if (typeof options.if === 'object' && standing?.etag !== options.if.etag) return { outcome: 'changed' };
    this.#etagCount += 1;
    const etag = `m${this.#etagCount}`;
    this.#values.set(key, { bytes: Uint8Array.from(body), etag });
    if (standing === undefined) this.#keys.add(toByteString(key));
    return { outcome: 'stored', etag };
  }

  /** Reads a copy of a value, or of a range of it. */
  async get(key: string, options: GetOptions): Promise<GetResult> {
    checkGet(key, options);
    await begin(options);
    const value = this.#values.get(key);
    if (value === undefined) return 'missing';
    if (options.ifNoneMatch === value.etag) return 'not-modified';
    const { start, end } = resolveRange(options.range, value.bytes.byteLength);
    return { bytes: value.bytes.slice(start, end), etag: value.etag, size: value.bytes.byteLength };
  }

  /** Lists keys in the order of their UTF-8 bytes, 1,000 unless a limit is given. */
  async list(options: ListOptions): Promise<ListResult> {
    checkList(options);
    await begin(options);
    const { prefix, after, limit = listLimitDefault } = options;
    const page = this.#keys.page(
      toByteString(prefix),
      after === undefined ? undefined : toByteString(after),
      limit + 1,
    );
    const keys = page.slice(0, limit).map((bytes) => {
      const key = fromByteString(bytes)!;
      return { key, size: this.#values.get(key)!.bytes.byteLength };
    });
    return { keys, more: page.length > limit };
  }

  /** Deletes keys; none can fail. */
  async delete(keys: readonly string[], options: StoreRequestOptions): Promise<DeleteResult> {
    checkDelete(keys, options);
    const asked = [...keys];
    await begin(options);
    for (const key of asked) if (this.#values.delete(key)) this.#keys.remove(toByteString(key));
    return { failed: [] };
  }
}

/** A fired signal stops a request before it does anything; no request is answered in the tick of its call. */
async function begin(options: StoreRequestOptions): Promise<void> {
  throwIfAborted(options.signal);
  await Promise.resolve();
  throwIfAborted(options.signal);
}
