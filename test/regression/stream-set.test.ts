// What once went wrong in the engine, found through its public door. Each title says what happened.
import { expect, test } from 'vitest';
import { MemoryObjectStore, StreamSet } from '../../src/index.ts';
import type { GetOptions, GetResult, ObjectStore, PutOptions, PutResult } from '../../src/index.ts';
import { objectKey } from '../../src/model/object-key.ts';
import { keysOf } from '../engine/failing-store.ts';
import { bytesOf, errorOf, openSet, readAll, textOf, within } from '../engine/world.ts';

/** A memory store whose next calls can be held back until they are let go. */
class HeldObjectStore extends MemoryObjectStore {
  holdsGets: (key: string) => boolean = () => false;
  holdsPuts: (key: string) => boolean = () => false;
  readonly #held: (() => void)[] = [];

  override async get(key: string, options: GetOptions): Promise<GetResult> {
    if (this.holdsGets(key)) await new Promise<void>((resolve) => this.#held.push(resolve));
    return super.get(key, options);
  }

  override async put(key: string, body: Uint8Array, options: PutOptions): Promise<PutResult> {
    if (this.holdsPuts(key)) await new Promise<void>((resolve) => this.#held.push(resolve));
    return super.put(key, body, options);
  }

  letGo(): void {
    this.holdsGets = () => false;
    this.holdsPuts = () => false;
    for (const resolve of this.#held.splice(0)) resolve();
  }
}

test('an upload asked for in the moment in which another ended was never begun', async () => {
  const set = await openSet(new MemoryObjectStore());
  for (let turns = 0; turns < 12; turns++) {
    await set.upload();
    for (let i = 0; i < turns; i++) await Promise.resolve();
    expect(await within(1_000, set.upload())).toBeUndefined();
  }
});

test('a close of a stream asked for in the moment in which an upload ended was never begun', async () => {
  const set = await openSet(new MemoryObjectStore());
  for (let turns = 0; turns < 12; turns++) {
    const stream = await set.create();
    await set.upload();
    for (let i = 0; i < turns; i++) await Promise.resolve();
    expect(await within(1_000, stream.close())).toBeUndefined();
  }
});

test('the tail served what the caller had written into its buffer after the append', async () => {
  const set = await openSet(new MemoryObjectStore());
  const stream = await set.create();
  for (const sizeBytes of [10, 8 * 1024 - 1, 8 * 1024, 100_000]) {
    const bytes = new Uint8Array(sizeBytes).fill(1);
    const { startOffset } = await stream.append(bytes);
    bytes.fill(2);
    const { batches } = await stream.read(startOffset);
    expect(batches[0]?.bytes.every((byte) => byte === 1)).toBe(true);
  }
});

test('giving up a wait for an open closed the stream under another who waited for the same open', async () => {
  const store = new HeldObjectStore();
  const set = await openSet(store);
  const { id } = await set.create();
  await (await set.open(id)).close();
  store.holdsPuts = (key) => key.includes('/journal/');
  const controller = new AbortController();
  const [first, second] = [set.open(id, { signal: controller.signal }), set.open(id)];
  controller.abort(new Error('enough'));
  expect((await errorOf(first)).message).toBe('enough');
  store.letGo();
  const stream = await second;
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(await stream.append(bytesOf('x'))).toEqual({ startOffset: 0, endOffset: 1 });
});

test('a reader that waited for a closed stream was not woken when its own set opened it and appended', async () => {
  const set = await openSet(new MemoryObjectStore(), { settings: { catalogRefreshMs: 3_600_000 } });
  const { id } = await set.create();
  await (await set.open(id)).close();
  const reader = await set.reader(id);
  const beyond = reader.whenBeyond(0);
  await new Promise((resolve) => setTimeout(resolve, 5));
  const stream = await set.open(id);
  await stream.append(bytesOf('x'));
  expect(await within(1_000, beyond)).toBe(1);
});

test('an append under way never settled when its set was closed as soon as it was fenced', async () => {
  const store = new HeldObjectStore();
  const first = await openSet(store);
  const stream = await first.create();
  await stream.append(bytesOf('a'));
  store.holdsPuts = (key) => key.includes('/wal/');
  const waiting = [stream.append(bytesOf('b')), stream.append(bytesOf('c'))].map((append) =>
    append.catch((cause: unknown) => cause),
  );
  await new Promise((resolve) => setTimeout(resolve, 5));
  store.holdsPuts = () => false;
  await openSet(store);
  await first.sync().catch(() => {});
  expect(first.status).toBe('fenced');
  const closed = first.close();
  store.letGo();
  for (const append of waiting)
    expect(await within(5_000, append)).toMatchObject({ code: 'NODE_FENCED', outcome: 'none' });
  await closed;
});

test('offsetAt answered with a batch that was too early, where a trim had run ahead of the registered end', async () => {
  const set = await openSet(new MemoryObjectStore());
  const stream = await set.create();
  await stream.append(bytesOf('late'), { timestamp: 100 });
  await stream.append(bytesOf('early'), { timestamp: 10 });
  await stream.append(bytesOf('later'), { timestamp: 200 });
  await stream.trim(1);
  expect(await stream.offsetAt(50)).toBe(2);
});

test('a set with little memory refused appends for ever, because no upload was due', async () => {
  const set = await openSet(new MemoryObjectStore(), { settings: { memoryMaxBytes: 64 * 1024 * 1024 } });
  const stream = await set.create();
  const bytes = new Uint8Array(4 * 1024 * 1024);
  for (let i = 0; i < 24; i++) {
    for (;;) {
      const outcome = await stream.append(bytes).catch((cause: { code?: string }) => cause.code);
      if (outcome !== 'OVERLOADED') break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  expect(stream.endOffset).toBe(24);
}, 5_000);

test('an aborted read waited for the store all the same', async () => {
  const store = new HeldObjectStore();
  const set = await openSet(store);
  for (const [request, part] of ['directory', 'block'].entries()) {
    const stream = await set.create();
    await stream.append(new Uint8Array(2_000_000)); // More than comes with the directory.
    await stream.close();
    const reader = await set.reader(stream.id);
    const controller = new AbortController();
    let requests = 0;
    store.holdsGets = (key) => {
      if (!key.includes('/wal/') || requests++ !== request) return false;
      setTimeout(() => controller.abort(new Error(part)), 5);
      return true;
    };
    const read = reader.read(0, { signal: controller.signal }).then(({ nextOffset }) => nextOffset);
    expect(await within(1_000, errorOf(read))).toMatchObject({ message: part });
    store.letGo();
  }
});

test('a durable append that waited for room never settled when its set was fenced', async () => {
  const store = new HeldObjectStore();
  const first = await openSet(store, { settings: { memoryMaxBytes: 64 * 1024 * 1024 } });
  const stream = await first.create();
  store.holdsPuts = (key) => key.includes('/journal/0');
  const bytes = new Uint8Array(6 * 1024 * 1024);
  const appends = [1, 2, 3].map(() => stream.append(bytes));
  expect(await within(100, appends[2] as Promise<unknown>)).toBe('waits');
  expect(stream.endOffset).toBe(3);
  store.holdsPuts = () => false;
  await openSet(store);
  store.letGo();
  expect((await first.closed).status).toBe('fenced');
  expect(await within(1_000, Promise.all(appends))).toHaveLength(3);
});

test('an aborted opening waited for the store all the same', async () => {
  const store = new HeldObjectStore();
  await (await openSet(store)).close();
  for (const held of ['qanat.json', 'journal/root', 'journal/0']) {
    for (const kind of ['set', 'view'] as const) {
      store.holdsGets = (key) => key.includes(held);
      const controller = new AbortController();
      const { signal } = controller;
      const opening =
        kind === 'set' ? StreamSet.open({ node: 'b', store, signal }) : StreamSet.openReadOnly({ store, signal });
      setTimeout(() => controller.abort(new Error('enough')), 10);
      expect(await within(1_000, errorOf(opening)), held).toMatchObject({ message: 'enough' });
      store.letGo();
    }
  }
});

test('of two calls of next on one watch the first never settled', async () => {
  const set = await openSet(new MemoryObjectStore());
  const watch = set.watch();
  const both = [watch.next(), watch.next()];
  await set.kv.put('a', bytesOf('1'));
  await set.kv.put('b', bytesOf('2'));
  const found = await within(1_000, Promise.all(both));
  expect(found).toMatchObject([{ value: { key: 'a' } }, { value: { key: 'b' } }]);
  const waiting = [watch.next(), watch.next()];
  await watch.return?.();
  expect(await within(1_000, Promise.all(waiting))).toMatchObject([{ done: true }, { done: true }]);
});

test('a watch that was aborted went on collecting changes until somebody asked for the next', async () => {
  const counting = new (class extends MemoryObjectStore {
    gets = 0;
    override get(key: string, options: GetOptions): Promise<GetResult> {
      this.gets += 1;
      return super.get(key, options);
    }
  })();
  const set = await openSet(counting, { settings: { catalogRefreshMs: 5 } });
  const controller = new AbortController();
  const watch = set.watch({ signal: controller.signal });
  controller.abort(new Error('enough'));
  await new Promise((resolve) => setTimeout(resolve, 30));
  const { gets } = counting;
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(counting.gets).toBe(gets);
  expect((await errorOf(watch.next())).message).toBe('enough');
});

test('a stream closed while its set was closing was told that the set is closed', async () => {
  const store = new HeldObjectStore();
  const set = await openSet(store);
  const stream = await set.create();
  await stream.append(bytesOf('x'));
  store.holdsPuts = (key) => key.includes('/journal/');
  const closing = set.close();
  await new Promise((resolve) => setTimeout(resolve, 10));
  const closed = stream.close();
  store.letGo();
  expect(await Promise.all([closing, closed])).toEqual([undefined, undefined]);
  expect((await set.closed).status).toBe('closed');
});

test('a fence that an upload met was told without the epoch that fenced', async () => {
  const store = new MemoryObjectStore();
  const first = await openSet(store);
  const stream = await first.create();
  await stream.append(bytesOf('x'));
  const second = await openSet(store);
  const error = await errorOf(first.upload());
  expect(error).toMatchObject({ code: 'NODE_FENCED', byEpoch: second.nodeEpoch });
  expect(await first.closed).toEqual({ status: 'fenced', byEpoch: second.nodeEpoch });
  expect(textOf((await (await second.open(stream.id)).read(0)).batches[0]!.bytes)).toBe('x');
});

test('options of a wrong type were answered with an error without a code', async () => {
  const set = await openSet(new MemoryObjectStore());
  const stream = await set.create();
  const wrong = [null, 5, 'x', { signal: {} }, { signal: 5 }] as const;
  for (const options of wrong as unknown as readonly never[]) {
    const calls = [
      set.create(options),
      set.open(stream.id, options),
      set.openOrCreate('n', options),
      set.delete(stream.id, options),
      set.setAttributes(stream.id, {}, options),
      set.upload(options),
      set.reader(stream.id, options),
      set.describe(stream.id, options),
      set.nodes(options),
      set.sync(options),
      set.kv.get('k', options),
      set.kv.put('k', bytesOf('v'), options),
      set.kv.delete('k', options),
      set.kv.list(options).next(),
      set.list(options).next(),
      stream.append(bytesOf('x'), options),
      stream.appendAll([{ bytes: bytesOf('x') }], options),
      stream.read(0, options),
      stream.whenBeyond(-1, options),
      stream.offsetAt(0, options),
      stream.trim(0, options),
      stream.follow(0, options).next(),
    ];
    for (const [i, call] of calls.entries())
      expect(await errorOf(call), `call ${i}`).toMatchObject({ code: 'INVALID_ARGUMENT' });
  }
  expect(stream.nextOffset).toBe(0);
});

test('a component of a wrong type was found out only after the cluster had been created', async () => {
  const wrong: Record<string, unknown> = { wal: {}, journal: {}, runtime: {}, observer: 5, signal: {} };
  for (const [name, value] of Object.entries(wrong)) {
    const store: ObjectStore = new MemoryObjectStore();
    const options = { node: 'a', store, [name]: value } as never;
    expect(await errorOf(StreamSet.open(options)), name).toMatchObject({ code: 'INVALID_ARGUMENT' });
    if (name !== 'wal')
      expect(await errorOf(StreamSet.openReadOnly(options)), name).toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect((await store.list({ prefix: '', purpose: 'probe' })).keys).toEqual([]);
  }
});

test('a set whose uploads met damage went on without them, until there was no room', async () => {
  const store = new MemoryObjectStore();
  const set = await openSet(store);
  const stream = await set.create();
  const clusterId = (await keysOf(store))[0]!.split('/')[0]!;
  const place = { family: 'data', node: 'a', nodeEpoch: set.nodeEpoch, sequence: 0 } as const;
  const foreign = objectKey(clusterId, place);
  await store.put(foreign, new Uint8Array(500), { purpose: 'probe' });
  for (let i = 0; i < 300; i++) await stream.append(bytesOf(`${i}`)).catch(() => {});
  const reason = await set.closed;
  expect(reason).toMatchObject({ status: 'failed', error: { code: 'OBJECT_CORRUPT', key: foreign } });
  const again = await openSet(store);
  expect((await readAll(await again.open(stream.id))).length).toBeGreaterThanOrEqual(256);
});
