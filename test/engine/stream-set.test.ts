// Sets of streams through the public door: names, ownership, moving streams between nodes and processes, closing
// together, the key-value store, watching, describing.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { FileObjectStore, MemoryObjectStore, objectWal, StreamSet } from '../../src/index.ts';
import type { CatalogChange, ObjectStore, Observer, Stream } from '../../src/index.ts';
import { keysOf } from './failing-store.ts';
import {
  bytesOf,
  errorOf,
  errorsOf,
  openSet,
  openView,
  readAll,
  readBatches,
  someDirectory,
  stores,
  textOf,
  within,
} from './world.ts';

const records = async (store: ObjectStore): Promise<number> =>
  (await keysOf(store)).filter((key) => /\/journal\/\d{16}$/.test(key)).length;

describe.each(stores)('a stream set on a $kind', ({ make, walKind }) => {
  test('creates, opens, lists, describes and deletes streams', async () => {
    const set = await openSet(await make());
    const named = await set.create({ name: 'orders', attributes: { topic: 'orders' } });
    const nameless = await set.create();
    const third = await set.openOrCreate('returns');
    expect(await set.openOrCreate('returns')).toBe(third);
    expect(await set.open('orders')).toBe(named);
    expect([named.id, nameless.id, third.id]).toEqual([1, 2, 3]);
    expect([named.name, nameless.name]).toEqual(['orders', undefined]);
    expect(await errorOf(set.create({ name: 'orders' }))).toMatchObject({
      code: 'STREAM_EXISTS',
      streamName: 'orders',
      stream: 1,
    });
    await named.append(bytesOf('x'));
    await named.close();
    const reopened = await set.open('orders', { expectedEpoch: 1 });
    expect(reopened.streamEpoch).toBe(2);
    expect(await errorOf(set.open('orders', { expectedEpoch: 1 }))).toMatchObject({
      code: 'CONFLICT',
      currentEpoch: 2,
    });
    await reopened.close();
    expect(await errorOf(set.open('orders', { expectedEpoch: 1 }))).toMatchObject({
      code: 'CONFLICT',
      currentEpoch: 2,
    });
    expect(await set.describe('orders')).toMatchObject({
      ...{ id: 1, name: 'orders', streamEpoch: 2, owner: undefined, startOffset: 0, endOffset: 1 },
      ...{
        attributes: { topic: 'orders' },
        attributesVersion: 1,
        epochs: [{ streamEpoch: 1, startOffset: 0, endOffset: 1 }],
      },
      objects: [{ startOffset: 0, endOffset: 1 }],
    });
    await set.setAttributes('orders', { topic: 'other' }, { ifVersion: 1 });
    expect(await errorOf(set.setAttributes('orders', {}, { ifVersion: 1 }))).toMatchObject({
      code: 'CONFLICT',
      currentVersion: 2,
    });
    const list = async (prefix?: string): Promise<unknown[]> => {
      const found: unknown[] = [];
      for await (const { name } of set.list(prefix === undefined ? {} : { prefix })) found.push(name);
      return found;
    };
    expect(await list()).toEqual(['orders', undefined, 'returns']);
    expect(await list('r')).toEqual(['returns']);
    await set.delete('orders');
    await set.delete(nameless.id);
    expect(await list()).toEqual(['returns']);
    for (const error of await errorsOf([
      set.open('orders'),
      set.describe(1 as never),
      set.delete('orders'),
      set.reader(nameless.id),
    ]))
      expect(error).toMatchObject({ code: 'STREAM_NOT_FOUND' });
    expect((await set.create({ name: 'orders' })).id).toBe(4);
    expect(await set.nodes()).toMatchObject([{ node: 'a', status: 'open', nodeEpoch: set.nodeEpoch, walKind }]);
    expect(set.stats()).toMatchObject({
      status: 'open',
      streamCount: 2,
      writing: { openStreamCount: 2, pendingAppends: 0 },
    });
  });

  test('keeps keys with versions', async () => {
    const store = await make();
    const set = await openSet(store);
    const other = await openSet(store, { node: 'b' });
    expect(await set.kv.get('k')).toBeUndefined();
    const version = await set.kv.put('k', bytesOf('1'), { ifVersion: 0 });
    expect(await errorOf(set.kv.put('k', bytesOf('2'), { ifVersion: 0 }))).toMatchObject({
      code: 'CONFLICT',
      currentVersion: version,
    });
    expect(await set.kv.get('k')).toEqual({ value: bytesOf('1'), version });
    expect(await other.kv.get('k')).toBeUndefined();
    expect(await other.kv.get('k', { fresh: true })).toEqual({ value: bytesOf('1'), version });
    const next = await other.kv.put('k', bytesOf('2'), { ifVersion: version });
    expect(next).toBeGreaterThan(version);
    expect(await errorOf(set.kv.delete('k', { ifVersion: version }))).toMatchObject({
      code: 'CONFLICT',
      currentVersion: next,
    });
    for (const key of ['a/1', 'a/2', 'b']) await set.kv.put(key, bytesOf(key));
    const keys: string[] = [];
    for await (const { key, value } of (await openView(store)).kv.list({ prefix: 'a/' }))
      keys.push(key + textOf(value));
    expect(keys).toEqual(['a/1a/1', 'a/2a/2']);
    (await set.kv.get('k'))!.value.fill(0);
    expect((await set.kv.get('k'))?.value).toEqual(bytesOf('2'));
    await set.kv.delete('k', { ifVersion: next });
    expect(await set.kv.get('k')).toBeUndefined();
    expect(await set.kv.put('k', bytesOf('3'), { ifVersion: 0 })).toBeGreaterThan(next);
  });

  test('moves a stream from one to another and back, with offsets that go on', async () => {
    const store = await make();
    const [a, b] = [await openSet(store), await openSet(store, { node: 'b' })];
    const created = await a.create({ name: 's' });
    expect(await errorOf(b.open('s'))).toMatchObject({ code: 'STREAM_OWNED', owner: 'a', ownerEpoch: a.nodeEpoch });
    expect(await errorOf(b.delete('s'))).toMatchObject({ code: 'STREAM_OWNED', owner: 'a' });
    let stream: Stream = created;
    for (let turn = 0; turn < 6; turn++) {
      const appended = await Promise.all([
        stream.append(bytesOf(`${turn} one`)),
        stream.append(bytesOf(`${turn} two`)),
      ]);
      expect(appended[1]).toEqual({ startOffset: 2 * turn + 1, endOffset: 2 * turn + 2 });
      await stream.close();
      stream = await (turn % 2 === 0 ? b : a).open('s', { expectedEpoch: turn + 1 });
      expect(stream.nextOffset).toBe(2 * turn + 2);
    }
    expect((await readAll(stream)).filter((_, i) => i % 2 === 0)).toEqual(
      [0, 1, 2, 3, 4, 5].map((turn) => `${turn} one`),
    );
    const epochs = (await stream.read(0)).batches.map(({ streamEpoch }) => streamEpoch);
    expect(epochs).toEqual([1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6]);
    await a.sync();
    expect((await a.describe('s')).epochs).toHaveLength(6);
  });
});

test('closes asked for together share one record', async () => {
  const store = new MemoryObjectStore();
  const set = await openSet(store);
  const streams = await Promise.all(Array.from({ length: 100 }, () => set.create()));
  expect(await records(store)).toBeLessThanOrEqual(4);
  await Promise.all(streams.map((stream) => stream.append(bytesOf('x'))));
  const before = await records(store);
  await Promise.all(streams.map((stream) => stream.close()));
  expect((await records(store)) - before).toBe(1);
  const again = await Promise.all(streams.map(({ id }) => set.open(id)));
  expect((await records(store)) - before).toBeLessThanOrEqual(3);
  await again[0]!.append(bytesOf('y'));
  const open = await records(store);
  await set.close();
  expect((await records(store)) - open).toBe(1);
  expect(await set.closed).toEqual({ status: 'closed' });
  await set.close();
});

test('256 unreleased segments start an upload', async () => {
  const uploads: number[] = [];
  const observer: Observer = { uploaded: ({ from, to }) => uploads.push(from, to) };
  const set = await openSet(new MemoryObjectStore(), { observer });
  const stream = await set.create();
  for (let i = 0; i < 255; i++) await stream.append(bytesOf('x'));
  expect(uploads).toEqual([]);
  expect(set.stats().writing?.unreleasedSegments).toBe(255);
  await stream.append(bytesOf('x'));
  for (let i = 0; uploads.length === 0 && i < 200; i++) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(uploads.slice(0, 2)).toEqual([0, 256]);
  expect(set.stats().writing?.unreleasedSegments).toBe(0);
  expect(await readAll(stream)).toHaveLength(256);
});

test('an upload makes everything readable elsewhere that was appended before', async () => {
  const store = new MemoryObjectStore();
  const set = await openSet(store);
  const streams = await Promise.all([set.create(), set.create()]);
  const appends = streams.map((stream) => stream.append(bytesOf('x')));
  await set.upload();
  await Promise.all(appends);
  const view = await openView(store);
  for (const { id } of streams) expect(await readAll(await view.reader(id))).toEqual(['x']);
});

test('watchers see what changes, in order, until the set closes', async () => {
  const store = new MemoryObjectStore();
  const set = await openSet(store);
  const view = await openView(store);
  const seen: CatalogChange[][] = [[], []];
  const watching = [set, view].map(async (watched, i) => {
    for await (const change of watched.watch()) seen[i]!.push(change);
  });
  await new Promise((resolve) => setTimeout(resolve, 5));
  const stream = await set.create({ name: 's' });
  await stream.append(bytesOf('x'));
  await set.kv.put('k', bytesOf('v'));
  await stream.trim(1);
  await stream.close();
  await set.delete('s');
  await view.sync();
  await Promise.all([set.close(), view.close()]);
  await Promise.all(watching);
  const shown = seen[1]!.map((change) => `${change.of} ${change.what}`);
  expect(shown).toEqual([
    'stream created',
    'kv put',
    'stream trimmed',
    'stream extended',
    'stream closed',
    'stream deleted',
  ]);
  expect(seen[0]!.slice(0, shown.length)).toEqual(seen[1]);
});

test('a view writes nothing and is told when there is no cluster', async () => {
  const store = new MemoryObjectStore();
  expect(await errorOf(StreamSet.openReadOnly({ store }))).toMatchObject({ code: 'STORE_UNSUITABLE' });
  expect(await keysOf(store)).toEqual([]);
  const set = await openSet(store);
  await (await set.create({ name: 's' })).append(bytesOf('x'));
  const before = await keysOf(store);
  const view = await openView(store);
  expect(await readAll(await view.reader('s'))).toEqual(['x']);
  expect(view.status).toBe('open');
  await view.close();
  expect(await view.closed).toEqual({ status: 'closed' });
  expect(await keysOf(store)).toEqual(before);
  for (const error of await errorsOf([
    view.reader('s'),
    view.sync(),
    view.nodes(),
    view.kv.get('k'),
    view.describe('s'),
  ]))
    expect(error).toMatchObject({ code: 'CLOSED' });
});

test('two sets of different nodes in one process append side by side', async () => {
  const store = new FileObjectStore(await someDirectory());
  const sets = await Promise.all(
    ['a', 'b'].map((node) => openSet(store, { node, wal: objectWal(), settings: { storeDeadlineMs: 20_000 } })),
  );
  const streams = await Promise.all(sets.map((set, i) => set.create({ name: `s${i}` })));
  await Promise.all(streams.flatMap((stream) => Array.from({ length: 50 }, (_, i) => stream.append(bytesOf(`${i}`)))));
  await Promise.all(sets.map((set) => set.close()));
  const view = await openView(store);
  for (const name of ['s0', 's1']) expect(await readAll(await view.reader(name))).toHaveLength(50);
});

test('three processes hand one stream round on one directory', async () => {
  const directory = await someDirectory();
  await (await StreamSet.open({ node: 'z', store: new FileObjectStore(directory), wal: objectWal() })).close();
  const program = fileURLToPath(new URL('relay.mjs', import.meta.url));
  const rounds = 3;
  const runs = ['a', 'b', 'c'].map(async (node) => {
    const child = spawn(process.execPath, [program, directory, node, String(rounds)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, output };
  });
  const outcomes = await within(50_000, Promise.all(runs));
  if (outcomes === 'waits') throw new Error('the processes did not end');
  const acknowledged = outcomes.flatMap(({ code, output }) => {
    expect(code).toBe(0);
    return output
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { offset: number; text: string });
  });
  expect(acknowledged).toHaveLength(3 * rounds * 2);
  const view = await openView(new FileObjectStore(directory));
  const found = (await readBatches(await view.reader('relay'))).map(({ startOffset, bytes }) => ({
    offset: startOffset,
    text: textOf(bytes),
  }));
  expect(found).toEqual(acknowledged.toSorted((x, y) => x.offset - y.offset));
  expect(found.map(({ offset }) => offset)).toEqual(Array.from(found, (_, i) => i));
});
