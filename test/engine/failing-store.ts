// Stores that fail as the tests need it: from the n-th call on, for ever or until healed. And copies of stores, so that
// a history can be continued in many ways.
import { MemoryObjectStore, qanatError } from '../../src/index.ts';
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
} from '../../src/index.ts';

/** How calls fail: refused with nothing done; done or not done, with an answer that says neither. */
export type Failure = 'unavailable' | 'unknown-done' | 'unknown-undone';

/** A store in front of another that answers nothing useful from call number `from` on. */
export class OutageObjectStore implements ObjectStore {
  /** Calls so far. */
  calls = 0;
  /** The first call that fails. */
  from: number;
  readonly #store: ObjectStore;
  readonly #failure: Failure;

  constructor(store: ObjectStore, failure: Failure, from = Infinity) {
    this.#store = store;
    this.#failure = failure;
    this.from = from;
  }

  async put(key: string, body: Uint8Array, options: PutOptions): Promise<PutResult> {
    if (!this.#fails()) return this.#store.put(key, body, options);
    if (this.#failure === 'unavailable') throw unavailable('put', key);
    if (this.#failure === 'unknown-done') await this.#store.put(key, body, options);
    return { outcome: 'unknown' };
  }

  async get(key: string, options: GetOptions): Promise<GetResult> {
    if (this.#fails()) throw unavailable('get', key);
    return this.#store.get(key, options);
  }

  async list(options: ListOptions): Promise<ListResult> {
    if (this.#fails()) throw unavailable('list', undefined);
    return this.#store.list(options);
  }

  async delete(keys: readonly string[], options: StoreRequestOptions): Promise<DeleteResult> {
    if (this.#fails()) throw unavailable('delete', keys[0]);
    return this.#store.delete(keys, options);
  }

  #fails(): boolean {
    this.calls += 1;
    return this.calls >= this.from;
  }
}

/** A memory store with what another store holds. */
export async function copyOf(store: ObjectStore): Promise<MemoryObjectStore> {
  const copy = new MemoryObjectStore();
  for (const key of await keysOf(store)) {
    const value = await store.get(key, { purpose: 'probe' });
    if (typeof value === 'object') await copy.put(key, value.bytes, { purpose: 'probe' });
  }
  return copy;
}

/** All keys of a store. */
export async function keysOf(store: ObjectStore, prefix = ''): Promise<string[]> {
  const found: string[] = [];
  for (let more = true; more;) {
    const page = await store.list({ prefix, after: found.at(-1), purpose: 'probe' });
    found.push(...page.keys.map(({ key }) => key));
    more = page.more;
  }
  return found;
}

function unavailable(operation: string, key: string | undefined): Error {
  return qanatError('STORE_UNAVAILABLE', 'the store is out of reach (simulated)', { operation, key });
}
