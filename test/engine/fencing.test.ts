// One node, several incarnations: the later one wins, the earlier one learns it and tells the truth about what was under
// way. And a store that is lost: every promise settles, and what was acknowledged is found again.
import { describe, expect, test } from 'vitest';
import { MemoryObjectStore, StreamSet, isQanatError, objectWal, systemRuntime } from '../../src/index.ts';
import type { Appended, ObjectStore, PutOptions, PutResult, Stream } from '../../src/index.ts';
import { SeededRuntime } from '../../src/testkit/seeded-runtime.ts';
import { OutageObjectStore, copyOf, type Failure } from './failing-store.ts';
import { bytesOf, errorOf, later, openSet, readAll, readBatches, stores, textOf } from './world.ts';

const settings = { storeDeadlineMs: 2_000, segmentSizeMinBytes: 1, catalogRefreshMs: 10 };

/** A connection whose puts of WAL segments wait, each until it is told to go on. */
class WaitingObjectStore implements ObjectStore {
  readonly #store: ObjectStore;
  /** Which answers of WAL puts are kept back, and whether they wait before or after the write. */
  waits: 'no' | 'before' | 'after' = 'no';
  readonly #gates = { before: [] as (() => void)[], after: [] as (() => void)[] };
  readonly get: ObjectStore['get'];
  readonly list: ObjectStore['list'];
  readonly delete: ObjectStore['delete'];

  constructor(store: ObjectStore) {
    this.#store = store;
    this.get = (key, options) => store.get(key, options);
    this.list = (options) => store.list(options);
    this.delete = (keys, options) => store.delete(keys, options);
  }

  async put(key: string, body: Uint8Array, options: PutOptions): Promise<PutResult> {
    if (options.purpose !== 'wal' || this.waits === 'no') return this.#store.put(key, body, options);
    const before = this.waits === 'before';
    const result = before ? undefined : await this.#store.put(key, body, options);
    await new Promise<void>((resolve) => this.#gates[before ? 'before' : 'after'].push(resolve));
    return result ?? this.#store.put(key, body, options);
  }

  goOn(which: 'before' | 'after'): void {
    this.waits = 'no';
    for (const gate of this.#gates[which].splice(0)) gate();
  }
}

type Outcome = Appended | { readonly code: string; readonly outcome: string };

const settle = (append: Promise<Appended>): Promise<Outcome> =>
  append.catch((cause: unknown) => cause as { code: string; outcome: string });

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe('a node that is opened twice', () => {
  test.each(stores)('has one writer: the later one ($kind)', async ({ make }) => {
    const store = await make();
    const first = await openSet(store, { wal: objectWal() });
    const stream = await first.create({ name: 's' });
    await stream.append(bytesOf('1'));
    const second = await openSet(store, { wal: objectWal() });
    const error = await errorOf(stream.append(bytesOf('2')));
    expect(error).toMatchObject({ code: 'NODE_FENCED', outcome: 'none', node: 'a', nodeEpoch: first.nodeEpoch });
    expect(await first.closed).toEqual({ status: 'fenced', byEpoch: second.nodeEpoch });
    expect(first.status).toBe('fenced');
    expect(await readAll(stream)).toEqual(['1']);
    for (const call of [
      stream.append(bytesOf('3')),
      stream.trim(1),
      first.create(),
      first.kv.put('k', bytesOf('v')),
      first.upload(),
      first.sync(),
    ])
      expect(await errorOf(call)).toMatchObject({ code: 'NODE_FENCED', outcome: 'none', byEpoch: second.nodeEpoch });
    const again = await second.open('s');
    expect(again.streamEpoch).toBe(2);
    expect(await again.append(bytesOf('2'))).toEqual({ startOffset: 1, endOffset: 2 });
    await first.close();
    expect(first.status).toBe('fenced');
  });

  test.each(['create', 'kv', 'trim', 'close', 'upload', 'sync'] as const)(
    'is learnt of by the earlier at its next call: %s',
    async (call) => {
      const store = new MemoryObjectStore();
      const first = await openSet(store);
      const stream = await first.create();
      await stream.append(bytesOf('1'));
      const second = await openSet(store);
      const calls = {
        create: () => first.create(),
        kv: () => first.kv.put('k', bytesOf('v')),
        trim: () => stream.trim(1),
        close: () => stream.close(),
        upload: () => first.upload(),
        sync: () => first.sync(),
      };
      await calls[call]().catch((cause: unknown) => expect(cause).toMatchObject({ code: 'NODE_FENCED' }));
      expect(await first.closed).toEqual({ status: 'fenced', byEpoch: second.nodeEpoch });
      expect((await (await second.open(stream.id)).read(0)).batches).toHaveLength(1);
    },
  );

  test('tells appends that landed before the seal that they are durable, and the others that they are not', async () => {
    const store = new MemoryObjectStore();
    const connection = new WaitingObjectStore(store);
    const first = await openSet(connection, { settings });
    const stream = await first.create({ name: 's' });
    await stream.append(bytesOf('0'));
    connection.waits = 'after';
    const landed = [settle(stream.append(bytesOf('1')))];
    await pause(5);
    landed.push(settle(stream.append(bytesOf('2'))));
    await pause(5);
    connection.waits = 'before';
    const late = [settle(stream.append(bytesOf('3')))];
    await pause(5);
    late.push(settle(stream.append(bytesOf('4'))));
    const second = await openSet(store, { settings });
    await first.sync().catch(() => {});
    expect(first.status).toBe('fenced');
    connection.goOn('before'); // They meet the seal; of the others no answer has come, and the state decides (W4).
    expect(await Promise.all(landed)).toEqual([
      { startOffset: 1, endOffset: 2 },
      { startOffset: 2, endOffset: 3 },
    ]);
    for (const outcome of await Promise.all(late))
      expect(outcome).toMatchObject({ code: 'NODE_FENCED', outcome: 'none', byEpoch: second.nodeEpoch });
    expect(await readAll(await second.open('s'))).toEqual(['0', '1', '2']);
    connection.goOn('after');
  });

  test('tells an append whose answer was lost what the state says of it', async () => {
    for (const lands of [true, false]) {
      const store = new MemoryObjectStore();
      const first = new OutageObjectStore(store, lands ? 'unknown-done' : 'unknown-undone');
      const set = await openSet(first, { settings });
      const stream = await set.create({ name: 's' });
      first.from = first.calls + 1;
      const append = settle(stream.append(bytesOf('x')));
      await pause(2);
      const second = await openSet(store, { settings });
      first.from = Infinity;
      if (lands) expect(await append).toEqual({ startOffset: 0, endOffset: 1 });
      else expect(await append).toMatchObject({ code: 'NODE_FENCED', outcome: 'none' });
      expect(await readAll(await second.open('s'))).toEqual(lands ? ['x'] : []);
      await set.sync().catch(() => {});
      expect(await set.closed).toEqual({ status: 'fenced', byEpoch: second.nodeEpoch });
    }
  });

  test('lets followers and watchers of the earlier end with the error, and its readers read on', async () => {
    const store = new MemoryObjectStore();
    const first = await openSet(store);
    const stream = await first.create();
    await stream.append(bytesOf('1'));
    const follower = stream.follow(0);
    expect(await follower.next()).toMatchObject({ value: { startOffset: 0 } });
    const watch = async (): Promise<void> => {
      for await (const { index } of first.watch()) expect(index).toBeGreaterThan(0);
    };
    const waiting = [follower.next(), stream.whenBeyond(1), watch()].map((step) => errorOf(step));
    await openSet(store);
    await first.sync().catch(() => {});
    for (const error of await Promise.all(waiting)) expect(error).toMatchObject({ code: 'NODE_FENCED' });
    expect(await readAll(stream)).toEqual(['1']);
  });

  test('lets two sets that append as fast as they can share one history', async () => {
    const store = new MemoryObjectStore();
    const acknowledged = new Map<number, string>();
    const write = async (stream: Stream, name: string): Promise<void> => {
      for (let i = 0; ; i++) {
        const text = `${name} ${i}`;
        try {
          const { startOffset } = await stream.append(bytesOf(text));
          expect(acknowledged.has(startOffset)).toBe(false);
          acknowledged.set(startOffset, text);
        } catch (cause) {
          if (!isQanatError(cause)) throw cause;
          return;
        }
        if (i % 10 === 0) await pause(0);
      }
    };
    const writers: Promise<void>[] = [];
    for (let i = 0; i < 5; i++) {
      const set = await openSet(store, { settings });
      const stream = await set.openOrCreate('s');
      writers.push(write(stream, `incarnation ${i}`));
      await pause(20);
    }
    const last = await openSet(store, { settings });
    const stream = await last.open('s');
    await Promise.all(writers);
    const found = new Map((await readBatches(stream)).map(({ startOffset, bytes }) => [startOffset, textOf(bytes)]));
    expect(acknowledged.size).toBeGreaterThan(20);
    for (const [offset, text] of acknowledged) expect(found.get(offset)).toBe(text);
  });
});

test.each([
  { ...stores[0]!, count: 8 },
  { ...stores[1]!, count: 3 },
])(
  'of $count opens of one node at once exactly one stays open, and nothing is lost ($kind)',
  async ({ make, count }) => {
    const store = await make();
    const before = await StreamSet.open({ node: 'a', store, wal: objectWal() });
    const stream = await before.create({ name: 's' });
    await stream.append(bytesOf('1'));
    const options = { node: 'a', store, wal: objectWal(), settings: { storeDeadlineMs: 20_000 } };
    const opens = await Promise.allSettled(Array.from({ length: count }, () => StreamSet.open(options)));
    const opened = opens.flatMap((open) => (open.status === 'fulfilled' ? [open.value] : []));
    for (const set of opened) later(() => set.close());
    for (const open of opens)
      if (open.status === 'rejected') expect(open.reason).toMatchObject({ code: 'NODE_FENCED' });
    await Promise.all(opened.map((set) => set.sync().catch(() => {})));
    const living = opened.filter((set) => set.status === 'open');
    expect(living).toHaveLength(1);
    expect(opened.filter((set) => set.status === 'fenced')).toHaveLength(opened.length - 1);
    const again = await living[0]!.open('s');
    await again.append(bytesOf('2'));
    expect(await readAll(again)).toEqual(['1', '2']);
    await before.close();
  },
);

describe('a store that is lost', () => {
  test.each(['unavailable', 'unknown-undone', 'unknown-done'] as const)(
    'ends the set as failed after the deadline; every promise settles; acknowledged data is found again (%s)',
    async (failure: Failure) => {
      const store = new MemoryObjectStore();
      const runtime = new SeededRuntime({ seed: 7 });
      const outage = new OutageObjectStore(store, failure);
      const { settled, readable } = await runtime.run(async () => {
        const set = await StreamSet.open({ node: 'a', store: outage, runtime, settings: { storeDeadlineMs: 60_000 } });
        const stream = await set.create({ name: 's' });
        await stream.append(bytesOf('1'));
        outage.from = outage.calls + 1;
        const promises: Promise<unknown>[] = Array.from({ length: 20 }, (_, i) => stream.append(bytesOf(`lost ${i}`)));
        promises.push(stream.follow(1).next(), stream.whenBeyond(10_000), set.watch().next(), set.create());
        promises.push(set.kv.put('k', bytesOf('v')), stream.trim(1), set.upload(), set.sync(), stream.close());
        promises.push(set.kv.get('k', { fresh: true }));
        const outcomes = await Promise.allSettled(promises);
        const reason = await set.closed;
        expect(reason.status).toBe('failed');
        const texts = await readBatches(stream);
        await set.close();
        expect(set.status).toBe('failed');
        return { settled: outcomes, readable: texts };
      });
      if (failure !== 'unknown-done') expect(readable.map(({ bytes }) => textOf(bytes))).toEqual(['1']);
      for (const outcome of settled) {
        expect(outcome.status).toBe('rejected');
        if (outcome.status === 'rejected') expect(isQanatError(outcome.reason), String(outcome.reason)).toBe(true);
      }
      const again = await (await openSet(store)).open('s'); // The trim may have gone through.
      const found = await readBatches(again);
      const expected = readable.filter(({ startOffset }) => startOffset >= again.startOffset);
      expect(found.slice(0, expected.length)).toEqual(expected);
    },
  );

  test('does not end a set whose store comes back in time', async () => {
    const store = new MemoryObjectStore();
    for (const failure of ['unavailable', 'unknown-undone', 'unknown-done'] as const) {
      const runtime = new SeededRuntime({ seed: 3 });
      const outage = new OutageObjectStore(await copyOf(store), failure);
      await runtime.run(async () => {
        const set = await StreamSet.open({ node: 'a', store: outage, runtime, settings: { storeDeadlineMs: 60_000 } });
        const stream = await set.create();
        outage.from = outage.calls + 1;
        const appends = ['1', '2', '3'].map((text) => stream.append(bytesOf(text)));
        runtime.timers.after(30_000, () => (outage.from = Infinity));
        expect((await Promise.all(appends)).map(({ startOffset }) => startOffset)).toEqual([0, 1, 2]);
        outage.from = outage.calls + 1;
        runtime.timers.after(30_000, () => (outage.from = Infinity));
        await set.close();
        expect(set.status).toBe('closed');
      });
    }
  });

  test('is told apart from a process that was only slow', async () => {
    const runtime = systemRuntime;
    const outage = new OutageObjectStore(new MemoryObjectStore(), 'unavailable');
    const set = await openSet(outage, { runtime, settings: { storeDeadlineMs: 300 } });
    const stream = await set.create();
    outage.from = outage.calls + 1;
    const error = await errorOf(stream.append(bytesOf('x')));
    expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE', outcome: 'unknown' });
    expect(await set.closed).toMatchObject({ status: 'failed', error: { code: 'STORE_UNAVAILABLE' } });
    expect(await errorOf(stream.append(bytesOf('y')))).toMatchObject({ outcome: 'none', action: 'reopen' });
  });
});
