// The probe: right stores pass it, each kind of wrong one fails the check that is about it, and it leaves nothing behind.
import { describe, expect, test } from 'vitest';
import { isQanatError, qanatError } from '../../src/model/errors.ts';
import { MemoryObjectStore } from '../../src/store/memory-object-store.ts';
import type { BeginSlowPut } from '../../src/store/probe-folder.ts';
import { probeStore } from '../../src/store/probe-store.ts';
import type {
  DeleteResult,
  GetOptions,
  GetResult,
  ListOptions,
  ListResult,
  ObjectStore,
  ProbeReport,
  PutOptions,
  PutResult,
  StoreRequestOptions,
} from '../../src/store/object-store.ts';
import { FaultyObjectStore } from '../../src/testkit/faulty-object-store.ts';
import { SeededRuntime } from '../../src/testkit/seeded-runtime.ts';
import { rightStores, wrongStores } from '../testkit/wrong-stores.ts';

/** Probes in simulated time, and gives the names of the checks that failed. */
async function probed(
  store: ObjectStore,
  more: Partial<Parameters<typeof probeStore>[1]> = {},
): Promise<{ report: ProbeReport; failed: readonly string[]; problems: string }> {
  const runtime = new SeededRuntime({ seed: 1 });
  const report = await runtime.run(() => probeStore(store, { runtime, ...more }));
  const failed = report.checks.filter(({ verdict }) => verdict === 'failed');
  return {
    report,
    failed: failed.map(({ name }) => name),
    problems: failed.map(({ problem }) => problem).join('\n'),
  };
}

/** Passes everything on, and does some of it differently. */
function changed(change: (inner: ObjectStore) => Partial<ObjectStore>, inner: ObjectStore = new MemoryObjectStore()) {
  const passing: ObjectStore = {
    put: async (key, body, options) => inner.put(key, body, options),
    get: async (key, options) => inner.get(key, options),
    list: async (options) => inner.list(options),
    delete: async (keys, options) => inner.delete(keys, options),
  };
  return Object.assign(passing, change(inner));
}

const keysOf = async (store: ObjectStore): Promise<readonly string[]> =>
  (await store.list({ prefix: '', purpose: 'probe' })).keys.map(({ key }) => key);

/** Counts what is asked, and lets each request take a turn of the loop. */
class CountingStore implements ObjectStore {
  readonly inner = new MemoryObjectStore();
  readonly purposes = new Set<string>();
  requests = 0;

  async put(key: string, body: Uint8Array, options: PutOptions): Promise<PutResult> {
    this.#count(options);
    return this.inner.put(key, body, options);
  }

  async get(key: string, options: GetOptions): Promise<GetResult> {
    this.#count(options);
    return this.inner.get(key, options);
  }

  async list(options: ListOptions): Promise<ListResult> {
    this.#count(options);
    return this.inner.list(options);
  }

  async delete(keys: readonly string[], options: StoreRequestOptions): Promise<DeleteResult> {
    this.#count(options);
    return this.inner.delete(keys, options);
  }

  #count({ purpose }: StoreRequestOptions): void {
    this.requests += 1;
    this.purposes.add(purpose);
  }
}

describe('a probe of a right store', () => {
  test.each(rightStores)('passes $name', async ({ open }) => {
    const { store, slowPut } = open();
    const { report, failed, problems } = await probed(store, slowPut === undefined ? {} : { slowPut });
    expect({ failed, problems }).toEqual({ failed: [], problems: '' });
    expect(report.checks.length).toBeGreaterThanOrEqual(slowPut === undefined ? 12 : 14);
    expect(await keysOf(store)).toEqual([]);
  });

  test('passes one that lets a rival wait for the body that began before', async () => {
    const inner = new MemoryObjectStore();
    let begun: Promise<unknown> = Promise.resolve();
    const store = changed(
      (under) => ({
        put: async (key, body, options) => {
          if (options.if !== undefined) await begun;
          return under.put(key, body, options);
        },
      }),
      inner,
    );
    const slowPut: BeginSlowPut = (key, body, options) => {
      let finish = (): void => {};
      begun = new Promise<void>((resolve) => (finish = resolve));
      return {
        halfway: Promise.resolve(),
        finish: async () => {
          const result = await inner.put(key, body, options);
          finish();
          return result;
        },
      };
    };
    expect(await probed(store, { slowPut })).toMatchObject({ failed: [], problems: '' });
  });

  test('passes one that answers a single request at a time, and the others not clearly', async () => {
    let isBusy = false;
    const one = async <T>(request: () => Promise<T>, busy: () => T): Promise<T> => {
      if (isBusy) return busy();
      isBusy = true;
      for (let turns = 0; turns < 10; turns++) await Promise.resolve();
      return request().finally(() => (isBusy = false));
    };
    const away = (): never => {
      throw qanatError('STORE_UNAVAILABLE', 'slow down', { operation: 'any', key: undefined });
    };
    const store = changed((inner) => ({
      put: async (key, body, options) =>
        one<PutResult>(
          () => inner.put(key, body, options),
          () => ({ outcome: 'unknown' }),
        ),
      get: async (key, options) => one(() => inner.get(key, options), away),
      list: async (options) => one(() => inner.list(options), away),
      delete: async (keys, options) => one(() => inner.delete(keys, options), away),
    }));
    expect(await probed(store)).toMatchObject({ failed: [], problems: '' });
  });

  test('makes fewer than a hundred requests, each with its purpose', async () => {
    const store = new CountingStore();
    await probed(store);
    expect(store.requests).toBeGreaterThan(60);
    expect(store.requests).toBeLessThan(100);
    expect([...store.purposes]).toEqual(['probe']);
  });

  test('asks for nothing outside a folder of its own, and touches no other key', async () => {
    const inner = new MemoryObjectStore();
    const theirs = ['a', 'qanat-probe', 'qanat-probe/of-a-dead-one/key', 'qanat.json', 'z'];
    for (const key of theirs) await inner.put(key, Buffer.from(key), { purpose: 'wal' });
    const asked: string[] = [];
    const store = changed(
      (under) => ({
        put: async (key, body, options) => (asked.push(key), under.put(key, body, options)),
        list: async (options) => (asked.push(options.prefix), under.list(options)),
        delete: async (keys, options) => (asked.push(...keys), under.delete(keys, options)),
      }),
      inner,
    );
    expect((await probed(store)).failed).toEqual([]);
    expect(asked.filter((key) => !/^qanat-probe\/[0-9a-f]{32}\//.test(key))).toEqual([]);
    expect(await keysOf(inner)).toEqual(theirs);
  });
});

/** Which check finds each of the wrong stores of the suite that a probe can find. */
const finders: Readonly<Record<string, string>> = {
  'ignores conditions': 'a key that is there is not created again',
  'ignores etags': 'a value is replaced over its etag, and over no other',
  'tests the condition before the body is complete': 'of 8 writers who create a key at once one succeeds',
  'tests the condition in the middle of a slow body': 'a key is not created twice while a body is on its way',
  "answers 'stored' to whoever loses a race": 'of 8 writers who create a key at once one succeeds',
  'gives one key one etag for ever': 'a value is replaced over its etag, and over no other',
  'stores with an etag where nothing stands': 'a value is replaced over its etag, and over no other',
  "answers 'changed' where it should answer 'exists'": 'a key that is there is not created again',
  'lists what it had some writes ago': 'keys can be listed',
  'lists in the order of writing': 'lists are whole and in order, at any page size',
  'lists in the order of UTF-16': 'lists are whole and in order, at any page size',
  'lists without regard to case': 'lists are whole and in order, at any page size',
  'skips the key after the last key of a page': 'lists are whole and in order, at any page size',
  'begins a page with the key it was told to go on after': 'lists are whole and in order, at any page size',
  'loses a key before the end of a page': 'lists are whole and in order, at any page size',
  'says there is more when there is not': 'lists are whole and in order, at any page size',
  'takes a prefix for a folder': 'lists are whole and in order, at any page size',
  'takes the end of a range as the last byte': 'ranges are the bytes that were asked for',
  'gives one byte too few of the last bytes': 'ranges are the bytes that were asked for',
  'gives the size of the range for the size of the value': 'ranges are the bytes that were asked for',
  'refuses a range beyond the size': 'ranges are the bytes that were asked for',
  'ignores ifNoneMatch': 'a value that is written over is read as the new one',
  'ignores case': 'lists are whole and in order, at any page size',
};

describe('a probe of a wrong store', () => {
  test.each(Object.entries(finders))('finds that it %s: %s', async (name, check) => {
    const kind = wrongStores.find((one) => one.name === name);
    if (kind === undefined) throw new Error(`there is no store that ${name}`);
    const { store, slowPut } = kind.open();
    const { failed, problems } = await probed(store, slowPut === undefined ? {} : { slowPut });
    expect(failed, problems).toContain(check);
    expect(problems).toMatch(/; .*use a store that passes/);
  });

  test('finds that it deletes nothing, and what it says', async () => {
    const keeps = changed(() => ({ delete: async () => ({ failed: [] }) }));
    expect(await probed(keeps)).toMatchObject({
      failed: ['deleted objects are gone, and missing ones are no failure'],
      problems: expect.stringContaining("a read of what was deleted is not answered 'missing'"),
    });
    const refuses = changed(() => ({
      delete: async (keys) => ({ failed: keys.map((key) => ({ key, cause: new Error('no') })) }),
    }));
    expect((await probed(refuses)).failed).toEqual(['objects can be deleted']);
  });

  test('says what happened and what to do in one sentence', async () => {
    const store = changed((inner) => ({
      put: async (key, body, options) => inner.put(key, body, { ...options, if: undefined }),
    }));
    const { report } = await probed(store);
    const check = report.checks.find(({ name }) => name === 'of 8 writers who create a key at once one succeeds');
    expect(check?.problem).toMatch(
      /^8 of 8 writers at once were told 'stored'; a store must let one writer alone create a key, .*docs\/operations/,
    );
  });

  test('cleans up behind the checks that failed', async () => {
    const inner = new MemoryObjectStore();
    const store = changed(
      (under) => ({ get: async (key, options) => (options.range ? 'missing' : under.get(key, options)) }),
      inner,
    );
    expect((await probed(store)).failed).toEqual(['ranges are the bytes that were asked for']);
    expect(await keysOf(inner)).toEqual([]);
  });
});

describe('a probe without some permissions', () => {
  const denied = (permission: string, key: string): Error =>
    qanatError('STORE_UNSUITABLE', `allow ${permission}`, {
      problem: `allow ${permission} of ${key}`,
      permission,
      key,
    });
  const denying = (actions: readonly string[]): ObjectStore => {
    const check = (permission: string, key: string): void => {
      if (actions.includes(permission)) throw denied(permission, key);
    };
    return changed((inner) => ({
      put: async (key, body, options) => (check('s3:PutObject', key), inner.put(key, body, options)),
      get: async (key, options) => (check('s3:GetObject', key), inner.get(key, options)),
      list: async (options) => (check('s3:ListBucket', options.prefix), inner.list(options)),
      delete: async (keys, options) =>
        actions.includes('s3:DeleteObject')
          ? { failed: keys.map((key) => ({ key, cause: denied('s3:DeleteObject', key) })) }
          : inner.delete(keys, options),
      abortUploads: async ({ prefix }) => (check('s3:ListBucketMultipartUploads', prefix), 0),
    }));
  };
  const all = ['s3:PutObject', 's3:ListBucket', 's3:GetObject', 's3:DeleteObject', 's3:ListBucketMultipartUploads'];

  test.each([...all.map((one) => [one]), ['s3:PutObject', 's3:DeleteObject'], all])(
    'names %s %s',
    async (...actions) => {
      const { report, problems } = await probed(denying(actions));
      const failed = report.checks.filter(({ verdict }) => verdict === 'failed');
      expect(new Set(failed.map(({ permission }) => permission))).toEqual(new Set(actions));
      expect(failed).toHaveLength(actions.length);
      for (const action of actions) expect(problems).toContain(`allow ${action} of qanat-probe/`);
      expect(report.checks).toHaveLength(5); // Nothing else is asked of a store that may not be used.
    },
  );
});

describe('a probe of a store that is in trouble', () => {
  test.each(['unknown-before', 'unknown-after'] as const)('asks again after some puts that end %s', async (kind) => {
    for (let nth = 1; nth <= 40; nth += 3) {
      const runtime = new SeededRuntime({ seed: nth });
      const faults = [{ operation: 'put', nth, fault: { kind } } as const];
      const store = new FaultyObjectStore(new MemoryObjectStore(), { runtime, seed: 1, faults });
      const report = await runtime.run(() => probeStore(store, { runtime }));
      expect(report.checks.filter(({ verdict }) => verdict === 'failed')).toEqual([]);
    }
  });

  test('fails what never has a clear answer, and says so', async () => {
    const store = changed((inner) => ({
      put: async (key, body, options) =>
        typeof options.if === 'object' ? { outcome: 'unknown' } : inner.put(key, body, options),
    }));
    const { failed, problems } = await probed(store);
    expect(failed).toEqual([
      'a value is replaced over its etag, and over no other',
      'of 8 writers who replace a value at once one succeeds',
    ]);
    expect(problems).toMatch(/^no clear answer in 5 tries: a replacement over the etag that stands was answered/);
  });

  test('gets over some requests that find it away', async () => {
    let count = 0;
    const away = qanatError('STORE_UNAVAILABLE', 'away', { operation: 'any', key: undefined });
    const now = <T>(answer: () => Promise<T>): Promise<T> => (++count % 3 === 0 ? Promise.reject(away) : answer());
    const store = changed((inner) => ({
      put: async (key, body, options) => now(() => inner.put(key, body, options)),
      get: async (key, options) => now(() => inner.get(key, options)),
      list: async (options) => now(() => inner.list(options)),
      delete: async (keys, options) => now(() => inner.delete(keys, options)),
    }));
    expect((await probed(store)).failed).toEqual([]);
  });

  test('rejects when it is away for good, within some seconds, and is no finding', async () => {
    const away = qanatError('STORE_UNAVAILABLE', 'nothing listens', { operation: 'put', key: undefined });
    const runtime = new SeededRuntime({ seed: 1 });
    const store = changed(() => ({ put: () => Promise.reject(away) }));
    await runtime.run(async () => {
      await expect(probeStore(store, { runtime })).rejects.toBe(away);
    });
    expect(runtime.clock.monotonic()).toBeLessThan(5_000);
    let isAway = false;
    const later = changed((inner) => ({
      put: async (key, body, options) => {
        isAway ||= options.if !== undefined;
        return isAway ? Promise.reject(away) : inner.put(key, body, options);
      },
      list: async (options) => (isAway ? Promise.reject(away) : inner.list(options)),
    }));
    await expect(probed(later)).rejects.toBe(away);
    isAway = false;
    expect(await keysOf(later)).toEqual([]);
  });

  test('fails what is never answered while other requests are', async () => {
    const store = changed((inner) => ({
      get: async (key, options) =>
        options.range === undefined
          ? inner.get(key, options)
          : Promise.reject(qanatError('STORE_UNAVAILABLE', 'no range came', { operation: 'get', key })),
    }));
    expect(await probed(store)).toMatchObject({
      failed: ['ranges are the bytes that were asked for'],
      problems: expect.stringMatching(/^no clear answer in 5 tries: no range came; use a store that passes/),
    });
  });

  test('rejects at once with what is wrong with everything', async () => {
    const problem = 'there is no bucket';
    let requests = 0;
    const store = changed(() => ({
      put: async () => {
        requests += 1;
        throw qanatError('STORE_UNSUITABLE', problem, { problem });
      },
    }));
    await expect(probed(store)).rejects.toSatisfy((cause) => isQanatError(cause, 'STORE_UNSUITABLE'));
    expect(requests).toBe(1);
  });

  test('rejects with the reason of a signal, and leaves nothing behind', async () => {
    const inner = new MemoryObjectStore();
    const controller = new AbortController();
    const reason = new Error('enough');
    let puts = 0;
    const store = changed(
      (under) => ({
        put: async (key, body, options) => {
          if (++puts === 20) controller.abort(reason);
          return under.put(key, body, options);
        },
      }),
      inner,
    );
    await expect(probed(store, { signal: controller.signal })).rejects.toBe(reason);
    await expect.poll(() => keysOf(inner)).toEqual([]);
  });
});
