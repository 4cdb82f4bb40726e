// The small key-value store of the catalog: for names, settings, assignments. Writes are linearizable; a get is local
// unless it asks to be fresh.
import { invalidArgument, qanatError } from '../model/errors.ts';
import { checkCallOptions } from '../model/check-options.ts';
import { checkKvKey } from '../model/check-names.ts';
import { kvValueMaxBytes } from '../model/limits.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { Change } from '../catalog/change.ts';
import type { CallOptions } from '../stream/stream.ts';
import { voidError } from './void-change.ts';

/** A value, and the version to name when replacing it. */
export interface KvEntry {
  readonly value: Uint8Array;
  readonly version: number;
}

/** A key with its value. */
export interface KvListed extends KvEntry {
  readonly key: string;
}

/** Options of reading. */
export interface KvReadOptions extends CallOptions {
  /** Catch up with the journal first (two requests); without it, what this set knows is given. */
  readonly fresh?: boolean | undefined;
}

/** Options of writing. */
export interface KvWriteOptions extends CallOptions {
  /** Write only over this version; 0 means that the key must be absent. CONFLICT otherwise, with currentVersion. */
  readonly ifVersion?: number | undefined;
}

/** The key-value store as anybody may read it. */
export interface KvView {
  /** A value with its version; undefined if the key is absent. */
  get(key: string, options?: KvReadOptions): Promise<KvEntry | undefined>;
  /** Keys in order, with their values. */
  list(options?: KvReadOptions & { readonly prefix?: string | undefined }): AsyncIterableIterator<KvListed>;
}

/** The key-value store of a set that may write. */
export interface Kv extends KvView {
  /** Writes a value; resolves with its version. */
  put(key: string, value: Uint8Array, options?: KvWriteOptions): Promise<number>;
  /** Removes a key. That it was absent already is no failure, unless `ifVersion` says otherwise. */
  delete(key: string, options?: KvWriteOptions): Promise<void>;
}

export class CatalogKvView implements KvView {
  protected readonly catalog: Catalog;
  protected readonly check: () => void;

  constructor(catalog: Catalog, check: () => void) {
    this.catalog = catalog;
    this.check = check;
  }

  async get(key: string, options: KvReadOptions = {}): Promise<KvEntry | undefined> {
    checkCallOptions(options);
    checkKvKey(key);
    await this.#prepare(options);
    const entry = this.catalog.state.kv(key);
    return entry === undefined ? undefined : { value: entry.value.slice(), version: entry.version };
  }

  async *list(options: KvReadOptions & { readonly prefix?: string | undefined } = {}): AsyncIterableIterator<KvListed> {
    checkCallOptions(options);
    const prefix = options.prefix ?? '';
    if (typeof prefix !== 'string') throw invalidArgument('a prefix is a string', TypeError);
    await this.#prepare(options);
    for (const { key, value, version } of [...this.catalog.state.kvEntries(prefix)])
      yield { key, value: value.slice(), version };
  }

  async #prepare(options: KvReadOptions): Promise<void> {
    options.signal?.throwIfAborted();
    this.check();
    if (options.fresh) await this.catalog.sync({ signal: options.signal });
  }
}

/** How a set proposes: the verdict of a change that was applied or void, never fenced. */
export type Propose = (change: Change, signal: AbortSignal | undefined) => ReturnType<Catalog['propose']>;

export class CatalogKv extends CatalogKvView implements Kv {
  readonly #propose: Propose;

  constructor(catalog: Catalog, check: () => void, propose: Propose) {
    super(catalog, check);
    this.#propose = propose;
  }

  async put(key: string, value: Uint8Array, options: KvWriteOptions = {}): Promise<number> {
    checkCallOptions(options);
    checkKvKey(key);
    if (!(value instanceof Uint8Array)) throw invalidArgument('a kv value is a Uint8Array', TypeError);
    if (value.byteLength > kvValueMaxBytes) {
      const facts = { sizeBytes: value.byteLength, sizeMaxBytes: kvValueMaxBytes };
      throw qanatError(
        'RECORD_TOO_LARGE',
        `a kv value has at most ${kvValueMaxBytes} bytes; this one has ${value.byteLength}`,
        facts,
      );
    }
    const verdict = await this.#write(
      { kind: 'kv-put', key, value: value.slice(), ...condition(options) },
      key,
      options,
    );
    return verdict;
  }

  async delete(key: string, options: KvWriteOptions = {}): Promise<void> {
    checkCallOptions(options);
    checkKvKey(key);
    await this.#write({ kind: 'kv-delete', key, ...condition(options) }, key, options);
  }

  async #write(change: Change, key: string, options: KvWriteOptions): Promise<number> {
    options.signal?.throwIfAborted();
    const verdict = await this.#propose(change, options.signal);
    if (verdict.applied) return verdict.value;
    if (verdict.reason === 'not-found') return 0; // It was absent, as asked.
    throw voidError(verdict, `kv key ${JSON.stringify(key)}`, 'currentVersion');
  }
}

/** The condition of a write, checked. */
export function condition(options: { readonly ifVersion?: number | undefined }): { ifVersion?: number } {
  const { ifVersion } = options;
  if (ifVersion === undefined) return {};
  if (!Number.isSafeInteger(ifVersion) || ifVersion < 0)
    throw invalidArgument(`ifVersion is an integer of at least 0; got ${String(ifVersion)}`);
  return { ifVersion };
}
