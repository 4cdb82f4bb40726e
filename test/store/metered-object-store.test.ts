// The metering store: what it counts, what it tells, and that it changes nothing.
import { describe, expect, test } from 'vitest';
import { qanatError } from '../../src/model/errors.ts';
import type { QanatEvents } from '../../src/model/events.ts';
import { MemoryObjectStore } from '../../src/store/memory-object-store.ts';
import { MeteredObjectStore } from '../../src/store/metered-object-store.ts';
import type {
  AbortUploadsOptions,
  DeleteResult,
  GetResult,
  ListResult,
  ObjectStore,
  PutResult,
} from '../../src/store/object-store.ts';
import { FaultyObjectStore } from '../../src/testkit/faulty-object-store.ts';
import { SeededRuntime } from '../../src/testkit/seeded-runtime.ts';

type Told = QanatEvents['storeRequest'];

describe('MeteredObjectStore', () => {
  test('counts requests and bytes by operation and purpose', async () => {
    const store = new MeteredObjectStore(new MemoryObjectStore());
    await store.put('a', new Uint8Array(10), { purpose: 'wal' });
    await store.put('a', new Uint8Array(5), { if: 'absent', purpose: 'wal' });
    await store.put('b', new Uint8Array(7), { purpose: 'upload' });
    await store.get('a', { purpose: 'read' });
    await store.get('a', { range: { last: 4 }, purpose: 'read' });
    await store.get('nothing', { purpose: 'read' });
    await store.list({ prefix: '', purpose: 'sweep' });
    await store.delete(['a', 'b'], { purpose: 'sweep' });
    expect(store.counts()).toEqual([
      { operation: 'put', purpose: 'wal', requests: 2, bytesIn: 15, bytesOut: 0 },
      { operation: 'put', purpose: 'upload', requests: 1, bytesIn: 7, bytesOut: 0 },
      { operation: 'get', purpose: 'read', requests: 3, bytesIn: 0, bytesOut: 14 },
      { operation: 'list', purpose: 'sweep', requests: 1, bytesIn: 0, bytesOut: 0 },
      { operation: 'delete', purpose: 'sweep', requests: 1, bytesIn: 0, bytesOut: 0 },
    ]);
  });

  test('tells the observer what was asked, how long it took, and how it ended', async () => {
    const runtime = new SeededRuntime({ seed: 1 });
    const told: Told[] = [];
    const faulty = new FaultyObjectStore(new MemoryObjectStore(), {
      runtime,
      faults: [
        { fault: { kind: 'latency', minMs: 5, maxMs: 5 } },
        { operation: 'get', nth: 3, fault: { kind: 'unavailable' } },
      ],
    });
    const store = new MeteredObjectStore(faulty, { runtime, observer: { storeRequest: (facts) => told.push(facts) } });
    await runtime.run(async () => {
      await store.put('a', new Uint8Array(3), { if: 'absent', purpose: 'wal' });
      await store.put('a', new Uint8Array(3), { if: 'absent', purpose: 'wal' });
      await store.get('a', { purpose: 'read' });
      await store.get('b', { purpose: 'read' });
      await expect(store.get('a', { purpose: 'read' })).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
      await store.list({ prefix: 'x/', purpose: 'sweep' });
      await store.delete(['a', 'b'], { purpose: 'sweep' });
    });
    expect(
      told.map(({ operation, key, bytes, durationMs, outcome }) => [operation, key, bytes, durationMs, outcome]),
    ).toEqual([
      ['put', 'a', 3, 5, 'stored'],
      ['put', 'a', 3, 5, 'exists'],
      ['get', 'a', 3, 5, 'found'],
      ['get', 'b', 0, 5, 'missing'],
      ['get', 'a', 0, 5, 'STORE_UNAVAILABLE'],
      ['list', 'x/', 0, 5, 'listed'],
      ['delete', undefined, 0, 5, 'deleted'],
    ]);
    expect(store.counts().reduce((sum, { requests }) => sum + requests, 0)).toBe(7);
  });

  test('does not count what made no request, and survives an observer that throws', async () => {
    const observer = {
      storeRequest: (): void => {
        throw new Error('of the observer');
      },
    };
    const store = new MeteredObjectStore(new MemoryObjectStore(), { observer });
    await expect(store.get('', { purpose: 'read' })).rejects.toThrow(RangeError);
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(store.get('a', { purpose: 'read', signal })).rejects.toThrow('enough');
    expect(store.counts()).toEqual([]);
    expect(await store.get('a', { purpose: 'read' })).toBe('missing');
    expect(store.counts()).toHaveLength(1);
  });
});

/** A store that says what it sends: its puts in two requests, the first of which is lost, its deletes in pages. */
class TellingMemoryObjectStore extends MemoryObjectStore {
  override put(...[key, body, options]: Parameters<ObjectStore['put']>): Promise<PutResult> {
    options.tally?.sent('put', body.byteLength);
    options.tally?.sent('put', body.byteLength);
    return super.put(key, body, options);
  }

  override async get(...[key, options]: Parameters<ObjectStore['get']>): Promise<GetResult> {
    options.tally?.sent('get', 0);
    const value = await super.get(key, options);
    if (typeof value !== 'string') options.tally?.received(value.bytes.byteLength);
    return value;
  }

  override delete(...[keys, options]: Parameters<ObjectStore['delete']>): Promise<DeleteResult> {
    for (let from = 0; from < keys.length; from += 2) options.tally?.sent('delete', 0);
    return super.delete(keys, options);
  }

  /** Refused before anything is sent, as by a store without credentials. */
  override list(): Promise<ListResult> {
    return Promise.reject(qanatError('STORE_UNAVAILABLE', 'not sent', { operation: 'list', key: undefined }));
  }

  async putLarge(...[key, body, options]: Parameters<NonNullable<ObjectStore['putLarge']>>): Promise<PutResult> {
    const gathered: Uint8Array[] = [];
    options.tally?.sent('put', 0);
    for await (const piece of body) {
      options.tally?.sent('put', piece.byteLength);
      gathered.push(piece);
    }
    options.tally?.sent('put', 0);
    return super.put(key, Buffer.concat(gathered), options);
  }

  copyRanges(...[, , { tally }]: Parameters<NonNullable<ObjectStore['copyRanges']>>): Promise<'missing'> {
    tally?.sent('get', 0);
    return Promise.resolve('missing');
  }

  abortUploads({ tally }: AbortUploadsOptions): Promise<number> {
    tally?.sent('list', 0);
    tally?.sent('delete', 0);
    return Promise.resolve(1);
  }
}

async function* pieces(...sizes: readonly number[]): AsyncIterable<Uint8Array> {
  for (const size of sizes) yield await Promise.resolve(new Uint8Array(size));
}

describe('MeteredObjectStore over a store that tells its requests', () => {
  test('counts the requests that were told, not the calls', async () => {
    const told: Told[] = [];
    const observer = { storeRequest: (facts: Told): void => void told.push(facts) };
    const store = new MeteredObjectStore(new TellingMemoryObjectStore(), { observer });
    await store.put('a', new Uint8Array(10), { purpose: 'wal' });
    await store.get('a', { range: { last: 4 }, purpose: 'read' });
    await store.delete(['a', 'b', 'c'], { purpose: 'sweep' });
    await store.putLarge?.('d', pieces(5, 6), { sizeBytes: 11, purpose: 'compaction' });
    await store.copyRanges?.('e', [{ bytes: new Uint8Array(3) }], { purpose: 'compaction' });
    await store.abortUploads?.({ prefix: 'x/', olderThanMs: 1, purpose: 'sweep' });
    expect(store.counts()).toEqual([
      { operation: 'put', purpose: 'wal', requests: 2, bytesIn: 20, bytesOut: 0 },
      { operation: 'get', purpose: 'read', requests: 1, bytesIn: 0, bytesOut: 4 },
      { operation: 'delete', purpose: 'sweep', requests: 3, bytesIn: 0, bytesOut: 0 },
      { operation: 'put', purpose: 'compaction', requests: 4, bytesIn: 11, bytesOut: 0 },
      { operation: 'get', purpose: 'compaction', requests: 1, bytesIn: 0, bytesOut: 0 },
      { operation: 'list', purpose: 'sweep', requests: 1, bytesIn: 0, bytesOut: 0 },
    ]);
    expect(told.map(({ operation, key, bytes, outcome }) => [operation, key, bytes, outcome])).toEqual([
      ['put', 'a', 10, 'stored'],
      ['get', 'a', 4, 'found'],
      ['delete', undefined, 0, 'deleted'],
      ['put', 'd', 11, 'stored'],
      ['put', 'e', 3, 'missing'],
      ['list', 'x/', 0, 'cleared'],
    ]);
  });

  test('counts a request when it is sent, also if it never ends', () => {
    const store = new MeteredObjectStore(
      new (class extends TellingMemoryObjectStore {
        override get(...[, { tally }]: Parameters<ObjectStore['get']>): Promise<GetResult> {
          tally?.sent('get', 0);
          return new Promise(() => {});
        }
      })(),
    );
    void store.get('a', { purpose: 'read' });
    expect(store.counts()).toMatchObject([{ operation: 'get', requests: 1 }]);
  });

  test('counts nothing for a call that fails before anything is sent', async () => {
    const store = new MeteredObjectStore(new TellingMemoryObjectStore());
    await store.get('a', { purpose: 'read' });
    await expect(store.list({ prefix: '', purpose: 'sweep' })).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(store.counts()).toMatchObject([{ operation: 'get', requests: 1 }]);
  });

  test('tells a caller who counts, too', async () => {
    const sent: unknown[] = [];
    const tally = { sent: (...facts: unknown[]) => sent.push(facts), received: (bytes: number) => sent.push(bytes) };
    const outer = new MeteredObjectStore(new MeteredObjectStore(new TellingMemoryObjectStore()));
    await outer.put('a', new Uint8Array(3), { purpose: 'wal', tally });
    await outer.get('a', { purpose: 'read', tally });
    expect(sent).toEqual([['put', 3], ['put', 3], ['get', 0], 3]);
    expect(outer.counts().map(({ requests }) => requests)).toEqual([2, 1]);
  });

  test('has the optional methods that the store has, and no others', async () => {
    const without = new MeteredObjectStore(new MemoryObjectStore());
    expect([without.putLarge, without.copyRanges, without.abortUploads]).toEqual([undefined, undefined, undefined]);
    expect(Object.keys(without)).toEqual([]);
    const store = new MeteredObjectStore(new TellingMemoryObjectStore());
    expect(await store.putLarge?.('a', pieces(1), { sizeBytes: 1, purpose: 'upload' })).toMatchObject({
      outcome: 'stored',
    });
    expect(await store.abortUploads?.({ prefix: '', olderThanMs: 0, purpose: 'sweep' })).toBe(1);
  });

  test('refuses wrong options as the store does', async () => {
    const store = new MeteredObjectStore(new TellingMemoryObjectStore());
    const wrong = [undefined, null, 7].map((options) => options as never);
    for (const options of wrong)
      await expect(new MeteredObjectStore(new MemoryObjectStore()).get('a', options)).rejects.toThrow(TypeError);
    for (const options of wrong.slice(0, 2)) {
      await expect(store.copyRanges?.('a', options, options)).rejects.toThrow(TypeError);
      await expect(store.putLarge?.('a', pieces(1), options)).rejects.toThrow(TypeError);
      await expect(store.abortUploads?.(options)).rejects.toThrow(TypeError);
    }
  });
});
