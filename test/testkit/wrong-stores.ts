// Object stores that are wrong on purpose, each in one way that somebody has got wrong before, and right ones beside
// them: what the object store suite must tell apart.
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
import { MemoryObjectStore } from '../../src/store/memory-object-store.ts';
import type { ObjectStoreOffer, ObjectStoreUnderTest, SlowPut } from '../../src/testkit/object-store-under-test.ts';

/** Passes everything on, as it is. */
class PassingStore implements ObjectStore {
  readonly inner: ObjectStore;

  constructor(inner: ObjectStore = new MemoryObjectStore()) {
    this.inner = inner;
  }

  async put(key: string, body: Uint8Array, options: PutOptions): Promise<PutResult> {
    return this.inner.put(key, body, options);
  }

  async get(key: string, options: GetOptions): Promise<GetResult> {
    return this.inner.get(key, options);
  }

  async list(options: ListOptions): Promise<ListResult> {
    return this.inner.list(options);
  }

  async delete(keys: readonly string[], options: StoreRequestOptions): Promise<DeleteResult> {
    return this.inner.delete(keys, options);
  }
}

type Opened = Pick<ObjectStoreUnderTest, 'store' | 'openPeer' | 'reopen' | 'slowPut'>;

/** A kind of store, opened fresh for each test. */
export interface StoreKind {
  readonly name: string;
  readonly offers?: readonly ObjectStoreOffer[];
  readonly open: () => Opened;
}

function kind(name: string, change: (store: PassingStore) => Partial<ObjectStore>): StoreKind {
  return {
    name,
    open: () => {
      const store = new PassingStore();
      return { store: Object.assign(store, change(store)) };
    },
  };
}

async function ticks(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await Promise.resolve();
}

async function holds(inner: ObjectStore, key: string, condition: PutOptions['if']): Promise<PutResult | undefined> {
  const standing = await inner.get(key, { purpose: 'probe' });
  if (condition === 'absent' && standing !== 'missing') return { outcome: 'exists' };
  if (typeof condition !== 'object') return undefined;
  return typeof standing !== 'string' && standing.etag === condition.etag ? undefined : { outcome: 'changed' };
}

/** Begins a put, and tests its condition when the body is complete, or too early. */
function slowPutOn(inner: ObjectStore, testedEarly: boolean) {
  return (key: string, body: Uint8Array, { if: condition, purpose }: PutOptions): SlowPut => {
    const early = testedEarly ? holds(inner, key, condition) : Promise.resolve(undefined);
    return {
      halfway: early.then(() => undefined),
      finish: async () => {
        const refusal = await early;
        if (refusal !== undefined) return refusal;
        return inner.put(key, body, testedEarly ? { purpose } : { purpose, if: condition });
      },
    };
  };
}

function openSlow(testedEarly: boolean): Opened {
  const store = new PassingStore();
  return { store, slowPut: slowPutOn(store.inner, testedEarly), reopen: async () => new PassingStore(store.inner) };
}

/** Stores that keep the contract. */
export const rightStores: readonly StoreKind[] = [
  kind('one that passes everything on', () => ({})),
  { name: 'one with slow bodies', offers: ['slowPut', 'reopen'], open: () => openSlow(false) },
  kind('one that gives its keys in pages of 10', ({ inner }) => ({
    list: (options) => {
      const isRight = options?.limit === undefined || Number.isSafeInteger(options.limit);
      return inner.list(isRight && options ? { ...options, limit: Math.min(options.limit ?? 10, 10) } : options);
    },
  })),
];

/** Stores that do not. */
export const wrongStores: readonly StoreKind[] = [
  kind('ignores conditions', ({ inner }) => ({
    put: async (key, body, options) => inner.put(key, body, { ...options, if: undefined }),
  })),
  kind('ignores etags', ({ inner }) => ({
    put: async (key, body, options) =>
      inner.put(key, body, typeof options?.if === 'object' ? { ...options, if: undefined } : options),
  })),
  kind('tests the condition before the body is complete', ({ inner }) => ({
    put: async (key, body, options) => {
      if (options?.if === undefined || !(body instanceof Uint8Array)) return inner.put(key, body, options);
      const refusal = await holds(inner, key, options.if);
      await ticks(body.byteLength >> 14);
      return refusal ?? inner.put(key, body, { ...options, if: undefined });
    },
  })),
  { name: 'tests the condition in the middle of a slow body', offers: ['slowPut'], open: () => openSlow(true) },
  {
    name: 'loses everything in a restart',
    offers: ['reopen'],
    open: () => ({ store: new MemoryObjectStore(), reopen: async () => new MemoryObjectStore() }),
  },
  {
    name: 'remembers in one handle what it read, while another writes',
    open: () => {
      const store = new PassingStore();
      const seen = new Map<string, GetResult>();
      const peer = Object.assign(new PassingStore(store.inner), {
        get: async (key: string, options: GetOptions): Promise<GetResult> => {
          const answer = seen.get(key) ?? (await store.inner.get(key, options));
          if (typeof answer !== 'string' && options.range === undefined) seen.set(key, answer);
          return answer;
        },
      });
      return { store, openPeer: async () => peer };
    },
  },
  kind('lists what it had some writes ago', ({ inner }) => {
    let pending: (() => Promise<unknown>)[] = [];
    const listed = new MemoryObjectStore();
    return {
      put: async (key, body, options) => {
        const answer = await inner.put(key, body, options);
        if (answer.outcome === 'stored') pending.push(() => listed.put(key, body, { purpose: 'probe' }));
        return answer;
      },
      delete: async (keys, options) => {
        pending.push(() => listed.delete(keys, options));
        return inner.delete(keys, options);
      },
      list: async (options) => {
        const late = pending.splice(0, Math.max(0, pending.length - 1));
        for (const land of late) await land();
        return listed.list(options);
      },
    };
  }),
  kind("answers 'stored' for a large body and stores nothing", ({ inner }) => ({
    put: async (key, body, options) =>
      body?.byteLength > 1_000_000 ? { outcome: 'stored', etag: 'lost' } : inner.put(key, body, options),
  })),
  kind("answers 'stored' to whoever loses a race", ({ inner }) => ({
    put: async (key, body, options) => {
      const before = await inner.get(key, { purpose: 'probe' }).catch(() => 'missing' as const);
      const answer = await inner.put(key, body, options);
      return answer.outcome === 'exists' && before === 'missing' ? { outcome: 'stored', etag: 'x' } : answer;
    },
  })),
  kind('gives one key one etag for ever', ({ inner }) => ({
    put: async (key, body, options) => {
      const condition = typeof options?.if === 'object' && options.if?.etag === `"${key}"` ? undefined : options?.if;
      const answer = await inner.put(key, body, options && { ...options, if: condition });
      return answer.outcome === 'stored' ? { ...answer, etag: `"${key}"` } : answer;
    },
    get: async (key, options) => {
      const answer = await inner.get(key, options);
      return typeof answer === 'string' ? answer : { ...answer, etag: `"${key}"` };
    },
  })),
  kind('gives another etag in get than in put', ({ inner }) => ({
    get: async (key, options) => {
      const answer = await inner.get(key, options);
      return typeof answer === 'string' ? answer : { ...answer, etag: answer.etag.toUpperCase() };
    },
  })),
  kind('stores with an etag where nothing stands', ({ inner }) => ({
    put: async (key, body, options) => {
      const answer = await inner.put(key, body, options);
      const isMissing = answer.outcome === 'changed' && (await inner.get(key, { purpose: 'probe' })) === 'missing';
      return isMissing ? inner.put(key, body, { ...options, if: undefined }) : answer;
    },
  })),
  kind("answers 'changed' where it should answer 'exists'", ({ inner }) => ({
    put: async (key, body, options) => {
      const answer = await inner.put(key, body, options);
      return answer.outcome === 'exists' ? { outcome: 'changed' } : answer;
    },
  })),
  kind('keeps the body it was given', () => aliasing('in')),
  kind('hands out the bytes it keeps', () => aliasing('out')),
  kind('stores the buffer under a view', ({ inner }) => ({
    put: async (key, body, options) =>
      inner.put(key, body instanceof Uint8Array ? new Uint8Array(body.buffer) : body, options),
  })),
  kind('lists in the order of writing', ({ inner }) => {
    const order: string[] = [];
    return {
      put: async (key, body, options) => {
        const answer = await inner.put(key, body, options);
        if (answer.outcome === 'stored' && !order.includes(key)) order.push(key);
        return answer;
      },
      list: async (options) => {
        const page = await inner.list(options);
        return { ...page, keys: page.keys.toSorted((a, b) => order.indexOf(a.key) - order.indexOf(b.key)) };
      },
    };
  }),
  kind('lists in the order of UTF-16', ({ inner }) => ({
    list: async (options) => {
      const page = await inner.list(options);
      return { ...page, keys: page.keys.toSorted((a, b) => (a.key < b.key ? -1 : 1)) };
    },
  })),
  kind('lists without regard to case', ({ inner }) => ({
    list: async (options) => {
      const page = await inner.list(options);
      return { ...page, keys: page.keys.toSorted((a, b) => (a.key.toLowerCase() < b.key.toLowerCase() ? -1 : 1)) };
    },
  })),
  kind('loses a key before the end of a page', ({ inner }) => ({
    list: async (options) => {
      const { keys, more } = await inner.list(options);
      return { keys: more ? keys.filter((_, index) => index !== keys.length - 2) : keys, more };
    },
  })),
  kind('skips the key after the last key of a page', ({ inner }) => ({
    list: async (options) => {
      const page = await inner.list(options);
      return options?.after !== undefined && page.keys.length > 1 ? { ...page, keys: page.keys.slice(1) } : page;
    },
  })),
  kind('begins a page with the key it was told to go on after', ({ inner }) => ({
    list: async (options) => {
      const page = await inner.list(options);
      if (typeof options?.after !== 'string' || options.after === '') return page;
      const again = await inner.list({ purpose: 'probe', prefix: options.after, limit: 1 });
      const first = again.keys.find(({ key }) => key === options.after && key.startsWith(options.prefix));
      return first === undefined ? page : { ...page, keys: [first, ...page.keys] };
    },
  })),
  kind('stops after a thousand keys', ({ inner }) => ({
    list: async (options) => ({ ...(await inner.list(options)), more: false }),
  })),
  kind('says there is more when there is not', ({ inner }) => ({
    list: async (options) => {
      const page = await inner.list(options);
      return { ...page, more: options?.after === undefined || page.more };
    },
  })),
  kind('takes a prefix for a folder', ({ inner }) => ({
    list: async (options) => {
      if (typeof options?.prefix !== 'string' || options.prefix === '' || options.prefix.endsWith('/')) {
        return inner.list(options);
      }
      return inner.list({ ...options, prefix: `${options.prefix}/` });
    },
  })),
  kind('ignores `after` beyond the prefix', ({ inner }) => ({
    list: async (options) => {
      const { after, prefix } = options ?? {};
      const isBeyond = typeof after === 'string' && typeof prefix === 'string' && !after.startsWith(prefix);
      return inner.list(isBeyond ? { ...options, after: undefined } : options);
    },
  })),
  kind('lists sizes of first values', ({ inner }) => {
    const sizes = new Map<string, number>();
    return {
      put: async (key, body, options) => {
        const answer = await inner.put(key, body, options);
        if (answer.outcome === 'stored' && !sizes.has(key)) sizes.set(key, body.byteLength);
        return answer;
      },
      list: async (options) => {
        const page = await inner.list(options);
        return { ...page, keys: page.keys.map(({ key }) => ({ key, size: sizes.get(key) ?? 0 })) };
      },
    };
  }),
  kind('deletes nothing', ({ inner }) => ({
    delete: async (keys, options) => inner.delete(Array.isArray(keys) ? keys.slice(0, 0) : keys, options),
  })),
  kind('deletes only the first key', ({ inner }) => ({
    delete: async (keys, options) => {
      await inner.delete(keys, { ...options, signal: AbortSignal.abort() }).catch((cause: { code?: unknown }) => {
        if (cause.code === 'INVALID_ARGUMENT') throw cause;
      });
      return inner.delete(keys.slice(0, 1), options);
    },
  })),
  kind('fails to delete what is not there', ({ inner }) => ({
    delete: async (keys, options) => {
      const failed: { key: string; cause: unknown }[] = [];
      for (const key of Array.isArray(keys) ? keys : []) {
        const standing = await inner.get(key, { purpose: 'probe' }).catch(() => undefined);
        if (standing === 'missing') failed.push({ key, cause: new Error('not there') });
      }
      await inner.delete(keys, options);
      return { failed };
    },
  })),
  kind('deletes whatever begins with the key', ({ inner }) => ({
    delete: async (keys, options) => {
      const answer = await inner.delete(keys, options);
      for (const key of keys) {
        const below = await inner.list({ purpose: 'probe', prefix: `${key}/`.slice(0, 1024) });
        await inner.delete(
          below.keys.map((listed) => listed.key),
          options,
        );
      }
      return answer;
    },
  })),
  kind('takes the end of a range as the last byte', ({ inner }) => ({
    get: async (key, options) => {
      const range = options?.range;
      const isRange = typeof range === 'object' && range !== null && 'start' in range && range.end > range.start;
      return inner.get(key, isRange ? { ...options, range: { start: range.start, end: range.end + 1 } } : options);
    },
  })),
  kind('gives one byte too few of the last bytes', ({ inner }) => ({
    get: async (key, options) => {
      const answer = await inner.get(key, options);
      const isLast = typeof options?.range === 'object' && options.range !== null && 'last' in options.range;
      return typeof answer === 'string' || !isLast ? answer : { ...answer, bytes: answer.bytes.slice(1) };
    },
  })),
  kind('gives the size of the range for the size of the value', ({ inner }) => ({
    get: async (key, options) => {
      const answer = await inner.get(key, options);
      return typeof answer === 'string' ? answer : { ...answer, size: answer.bytes.byteLength };
    },
  })),
  kind('refuses a range beyond the size', ({ inner }) => ({
    get: async (key, options) => {
      const answer = await inner.get(key, options);
      const range = options.range as { start?: number } | undefined;
      if (typeof answer !== 'string' && (range?.start ?? 0) > answer.size) throw new Error('range not satisfiable');
      return answer;
    },
  })),
  kind('ignores ifNoneMatch', ({ inner }) => ({
    get: async (key, options) => {
      await inner.get('x', options).catch((cause: unknown) => Promise.reject(cause as Error));
      return inner.get(key, { ...options, ifNoneMatch: undefined });
    },
  })),
  kind('ignores case', ({ inner }) => ({
    put: async (key, body, options) => inner.put(lower(key), body, options),
    get: async (key, options) => inner.get(lower(key), options),
  })),
  kind('normalises Unicode', ({ inner }) => ({
    put: async (key, body, options) => inner.put(composed(key), body, options),
    get: async (key, options) => inner.get(composed(key), options),
  })),
  kind('cuts long keys', ({ inner }) => ({
    put: async (key, body, options) => inner.put(shortened(key), body, options),
    get: async (key, options) => inner.get(shortened(key), options),
  })),
  kind('walks up paths', ({ inner }) => ({
    put: async (key, body, options) => inner.put(walked(key), body, options),
    get: async (key, options) => inner.get(walked(key), options),
  })),
  kind('throws wrong arguments in the caller’s face', ({ inner }) => ({
    put: (key, body, options) => {
      if (!(body instanceof Uint8Array)) throw Object.assign(new TypeError('no'), { code: 'INVALID_ARGUMENT' });
      return inner.put(key, body, options);
    },
  })),
  kind('takes an array of arrays for a body', ({ inner }) => ({
    put: async (key, body, options) =>
      inner.put(key, Array.isArray(body) ? new Uint8Array(body.length) : body, options),
  })),
  kind('gives the whole value for a range it does not understand', ({ inner }) => ({
    get: async (key, options) =>
      inner.get(key, options).catch((cause: unknown) => {
        if (options?.range === undefined) throw cause;
        return inner.get(key, { purpose: 'probe' });
      }),
  })),
  kind('does not look at signals', ({ inner }) => ({
    put: async (key, body, options) => inner.put(key, body, options && { ...options, signal: undefined }),
    get: async (key, options) => inner.get(key, options && { ...options, signal: undefined }),
  })),
  kind('writes before it looks at the signal', ({ inner }) => ({
    put: async (key, body, options) => {
      const answer = await inner.put(key, body, options && { ...options, signal: undefined });
      options.signal?.throwIfAborted();
      return answer;
    },
  })),
  kind('rejects with an error of its own for a signal', ({ inner }) => ({
    get: async (key, options) => {
      if (options?.signal?.aborted) throw new Error('aborted');
      return inner.get(key, options);
    },
  })),
];

/** A store that shares bytes with its callers, on the way in or on the way out. */
function aliasing(where: 'in' | 'out'): Partial<ObjectStore> {
  const inner = new MemoryObjectStore();
  const kept = new Map<string, Uint8Array>();
  return {
    put: async (key, body, options) => {
      const answer = await inner.put(key, body, options);
      if (answer.outcome === 'stored') kept.set(key, where === 'in' ? body : body.slice());
      return answer;
    },
    get: async (key, options) => {
      const answer = await inner.get(key, options);
      if (typeof answer === 'string' || options.range !== undefined) return answer;
      const bytes = kept.get(key)!;
      return { ...answer, bytes: where === 'out' ? bytes : bytes.slice() };
    },
    list: (options) => inner.list(options),
    delete: (keys, options) => inner.delete(keys, options),
  };
}

function lower(key: string): string {
  return typeof key === 'string' ? key.toLowerCase() : key;
}

function composed(key: string): string {
  return typeof key === 'string' ? key.normalize('NFC') : key;
}

function shortened(key: string): string {
  return typeof key === 'string' && Buffer.byteLength(key) <= 1024 ? key.slice(0, 255) : key;
}

function walked(key: string): string {
  return typeof key === 'string' && key.includes('/..') ? key.replace(/[^/]+\/\.\.(\/|$)/, '').padEnd(1, '.') : key;
}
