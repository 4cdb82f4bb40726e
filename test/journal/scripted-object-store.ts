// A store whose single requests a test can hold: a held request takes effect and is answered when the script says so,
// in either order, or never. All other requests pass. Two rules are checked at every effect, whatever the script does:
// the root never moves back, and nothing is deleted that the root, as it stands at that moment, still needs.
import assert from 'node:assert/strict';
import { decodeJournalRoot, type JournalRoot } from '../../src/format/journal-root.ts';
import { recordIndexOf, rootKey, snapshotKey } from '../../src/journal/journal-key.ts';
import { isNotBehind } from '../../src/journal/next-root.ts';
import { qanatError } from '../../src/model/errors.ts';
import { MemoryObjectStore } from '../../src/store/memory-object-store.ts';
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
} from '../../src/store/object-store.ts';

export type Operation = 'put' | 'get' | 'list' | 'delete';

/** A request that waits for the script. */
export interface HeldRequest {
  /** Resolves when the request has been made. */
  readonly made: Promise<void>;
  /** Waits until it is made; fails if `call`, which should make it, ends before. */
  madeBy(call: Promise<unknown>): Promise<void>;
  /** Lets it take effect, once, as soon as it is made; its answer waits. */
  apply(): Promise<void>;
  /** Gives the true answer; takes effect first if it has not. */
  answer(): Promise<void>;
  /** Answers 'unknown', whether or not it took effect: it still may. */
  lose(): void;
  /** Answers as told, whether or not that is true. */
  lie(answer: PutResult): void;
  /** Fails it without effect. */
  fail(): void;
}

interface Hold {
  readonly matches: (line: string) => boolean;
  readonly begin: (request: Request) => void;
}

interface Request {
  readonly run: () => Promise<unknown>;
  readonly resolve: (answer: unknown) => void;
  readonly reject: (cause: unknown) => void;
}

export class ScriptedObjectStore {
  readonly inner: MemoryObjectStore = new MemoryObjectStore();
  readonly clusterId: string;
  /** Every request in the order they were made: `A put 1`, `C get root`. */
  readonly log: string[] = [];
  #holds: Hold[] = [];
  #failing: string | undefined;
  #lastRoot: JournalRoot | undefined;

  constructor(clusterId: string) {
    this.clusterId = clusterId;
  }

  /** The store as one client sees it. */
  as(client: string): ObjectStore {
    return {
      put: (key, body, options) => this.#request(client, 'put', key, () => this.#put(key, body, options)),
      get: (key, options) => this.#request(client, 'get', key, () => this.#get(key, options)),
      list: (options) => this.#request(client, 'list', options.prefix, () => this.#list(options)),
      delete: (keys, options) => this.#request(client, 'delete', keys.join(' '), () => this.#delete(keys, options)),
    };
  }

  /** Holds the next request of `client` of this kind: `hold('A', 'put', '1')`. */
  hold(client: string, operation: Operation, name: string): HeldRequest {
    const wanted = `${client} ${operation} ${name}`;
    let request: Request | undefined;
    let result: Promise<unknown> | undefined;
    let made = (): void => {};
    const whenMade = new Promise<void>((resolve) => (made = resolve));
    this.#holds.push({
      matches: (line) => line === wanted,
      begin: (begun) => {
        request = begun;
        made();
      },
    });
    const must = (): Request => request ?? assert.fail(`${wanted} has not been made`);
    const apply = (): Promise<unknown> => (result ??= whenMade.then(() => must().run()));
    return {
      made: whenMade,
      madeBy: (call) => {
        const tooEarly = call.then((answer) => assert.fail(`it answered ${String(answer)} without ${wanted}`));
        return Promise.race([whenMade, tooEarly]);
      },
      apply: async () => void (await apply()),
      answer: async () => must().resolve(await apply()),
      lose: () => must().resolve({ outcome: 'unknown' }),
      lie: (answer) => must().resolve(answer),
      fail: () => must().reject(unavailable(wanted)),
    };
  }

  /** From now on all requests whose line begins so fail without effect; undefined: none. */
  failAll(lineStart: string | undefined): void {
    this.#failing = lineStart;
  }

  /** How many requests since the log was `from` lines long begin so. */
  count(lineStart: string, from = 0): number {
    return this.log.slice(from).filter((line) => line.startsWith(lineStart)).length;
  }

  async #request<T>(client: string, operation: Operation, key: string, run: () => Promise<T>): Promise<T> {
    const line = `${client} ${operation} ${this.#short(key)}`;
    this.log.push(line);
    if (this.#failing !== undefined && line.startsWith(this.#failing)) throw unavailable(line);
    const at = this.#holds.findIndex(({ matches }) => matches(line));
    if (at === -1) return run();
    const [hold] = this.#holds.splice(at, 1);
    return new Promise<T>((resolve, reject) => {
      hold?.begin({ run, resolve: (answer) => resolve(answer as T), reject });
    });
  }

  /** `journal/0000000000000007` becomes `7`, `journal/root` becomes `root`, `journal/` nothing. */
  #short(keys: string): string {
    return keys
      .split(' ')
      .map((key) => key.replace(`${this.clusterId}/journal/`, '').replace(/^0*(\d{1,16})$/, '$1'))
      .map((name) => name.replace(/^snapshot-0*(\d+)-.*/, 'snapshot-$1'))
      .join(' ');
  }

  async #put(key: string, body: Uint8Array, options: PutOptions): Promise<PutResult> {
    const answer = await this.inner.put(key, body, { ...options, signal: undefined });
    if (answer.outcome === 'stored' && key === rootKey(this.clusterId)) {
      const root = decodeJournalRoot(body, { key });
      if (this.#lastRoot !== undefined) assert.ok(isNotBehind(root, this.#lastRoot), 'the root moved back');
      this.#lastRoot = root;
    }
    return answer;
  }

  async #get(key: string, options: GetOptions): Promise<GetResult> {
    return this.inner.get(key, { ...options, signal: undefined });
  }

  async #list(options: ListOptions): Promise<ListResult> {
    return this.inner.list({ ...options, signal: undefined });
  }

  async #delete(keys: readonly string[], options: StoreRequestOptions): Promise<DeleteResult> {
    const { floor = 0, snapshots = [] } = this.#lastRoot ?? {};
    const named = snapshots.map(({ index, digest }) => snapshotKey(this.clusterId, index, digest));
    for (const key of keys) {
      assert.ok((recordIndexOf(key) ?? 0) <= floor, `${this.#short(key)} is deleted above floor ${floor}`);
      assert.ok(!named.includes(key), `${this.#short(key)} is deleted while the root names it`);
      assert.notEqual(key, rootKey(this.clusterId), 'the root is deleted');
    }
    return this.inner.delete(keys, { ...options, signal: undefined });
  }
}

function unavailable(line: string): Error {
  return qanatError('STORE_UNAVAILABLE', `${line} failed by script`, { operation: line, key: undefined });
}
