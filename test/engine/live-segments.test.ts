// Reading what another node has stored and not registered yet (R13, W8): at once, without a gap, through everything
// that can happen to its WAL, and without writing anything.
import { describe, expect, test } from 'vitest';
import { MemoryObjectStore, StreamSet, fileWal, memoryWal, objectWal } from '../../src/index.ts';
import type { ObjectStore, RecordBatch, StreamReader, StreamSetView } from '../../src/index.ts';
import { FaultyObjectStore } from '../../src/testkit/faulty-object-store.ts';
import { SeededRuntime } from '../../src/testkit/seeded-runtime.ts';
import { drawInteger } from '../../src/testkit/seeded-random.ts';
import { SimHeldStore } from '../wal/sim-held-store.ts';
import { copyOf } from './failing-store.ts';
import { bytesOf, errorOf, later, openSet, openView, readAll, someDirectory, textOf, within } from './world.ts';

/** Nothing is uploaded unless it is asked for, and each append is a segment. */
const settings = { storeDeadlineMs: 2_000, segmentSizeMinBytes: 1, uploadAgeMaxMs: 86_400_000, catalogRefreshMs: 10 };

const requestsOf = (view: StreamSetView, purpose: string): number =>
  view
    .stats()
    .requests.filter((counts) => counts.purpose === purpose)
    .reduce((sum, { requests }) => sum + requests, 0);

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Takes batches until there are `count`, as texts. */
async function take(follower: AsyncIterator<RecordBatch>, count: number): Promise<string[]> {
  const texts: string[] = [];
  while (texts.length < count) {
    const { value, done } = (await follower.next()) as IteratorResult<RecordBatch, undefined>;
    if (done) break;
    texts.push(textOf(value.bytes));
  }
  return texts;
}

describe('a stream that another node writes', () => {
  test('is read up to the last acknowledged batch, before any upload', async () => {
    const store = new MemoryObjectStore();
    const set = await openSet(store, { settings });
    const stream = await set.create({ name: 's' });
    for (let i = 0; i < 5; i++) await stream.append(bytesOf(`${i}`), { count: 2, timestamp: 100 + i });
    const view = await openView(store);
    const reader = await view.reader('s');
    expect([reader.startOffset, reader.endOffset]).toEqual([0, 10]);
    expect(await readAll(reader)).toEqual(['0', '1', '2', '3', '4']);
    expect(await reader.read(10)).toMatchObject({ batches: [], stopped: 'end', endOffset: 10 });
    expect(await errorOf(reader.read(11))).toMatchObject({ code: 'OFFSET_OUT_OF_RANGE', endOffset: 10 });
    expect(await reader.offsetAt(103)).toBe(6);
    expect(await reader.offsetAt(105)).toBeUndefined();
    expect(await view.describe('s')).toMatchObject({ endOffset: 0 }); // What is registered.
    await stream.append(bytesOf('5'), { timestamp: 105 });
    await view.sync();
    expect(await reader.offsetAt(105)).toBe(10);
    expect(await readAll(reader)).toEqual(['0', '1', '2', '3', '4', '5']);
  });

  test('grows for a reader that only reads, at most one look per interval', async () => {
    const store = new MemoryObjectStore();
    const set = await openSet(store, { settings });
    const stream = await set.create({ name: 's' });
    const view = await StreamSet.openReadOnly({ store, settings: { catalogRefreshMs: 100 } });
    later(() => view.close());
    const reader = await view.reader('s');
    await stream.append(bytesOf('x'));
    const before = requestsOf(view, 'follow');
    const started = performance.now();
    while ((await reader.read(0)).batches.length === 0) await pause(1);
    const intervals = Math.ceil((performance.now() - started) / 100);
    expect(intervals).toBeLessThan(20);
    expect(requestsOf(view, 'follow') - before).toBeLessThanOrEqual(2 * (intervals + 1));
    const idle = view.stats().requests;
    await pause(250);
    expect(view.stats().requests).toEqual(idle); // Nobody waits and nobody reads.
  });

  test('costs a waiting reader three requests per interval, and one more per segment', async () => {
    const store = new MemoryObjectStore();
    const runtime = new SeededRuntime({ seed: 1 });
    await runtime.run(async () => {
      const set = await StreamSet.open({ node: 'a', store, runtime, settings });
      const stream = await set.create({ name: 's' });
      const view = await StreamSet.openReadOnly({ store, runtime, settings: { catalogRefreshMs: 1_000 } });
      const reader = await view.reader('s');
      const follower = reader.follow('start');
      const next = follower.next();
      await new Promise<void>((resolve) => runtime.timers.after(500, resolve));
      const count = (): number => view.stats().requests.reduce((sum, { requests }) => sum + requests, 0);
      const before = count();
      await new Promise<void>((resolve) => runtime.timers.after(60_000, resolve));
      expect(count() - before).toBe(3 * 60);
      await stream.append(bytesOf('x'));
      const appendedAt = runtime.clock.monotonic();
      expect(textOf((await next).value?.bytes ?? new Uint8Array())).toBe('x');
      expect(runtime.clock.monotonic() - appendedAt).toBeLessThanOrEqual(1_000);
      await new Promise<void>((resolve) => runtime.timers.after(100, resolve));
      expect(count() - before).toBe(3 * 60 + 4); // The segment, the empty place after it, and two of the journal.
      await view.close();
      await set.close();
    });
  });

  test('is followed through uploads, registered and rewritten, and through the closing of the stream', async () => {
    const store = new MemoryObjectStore();
    const set = await openSet(store, { settings });
    const stream = await set.create({ name: 's' });
    const view = await openView(store);
    const follower = (await view.reader('s')).follow('start');
    const late = (await view.reader('s')).follow('start');
    let count = 0;
    for (let round = 0; round < 6; round++) {
      for (let i = 0; i < 1 + (round % 3) * 3; i++) await stream.append(bytesOf(`${count++}`));
      if (round % 2 === 0) await set.upload(); // One segment is registered, several are rewritten and deleted.
    }
    expect(await take(follower, count)).toEqual(Array.from({ length: count }, (_, i) => `${i}`));
    await stream.close();
    const other = await openSet(store, { node: 'b', settings });
    const moved = await other.open('s');
    await moved.append(bytesOf('moved'));
    expect(await take(follower, 1)).toEqual(['moved']);
    expect(await take(late, count + 1)).toHaveLength(count + 1);
    await other.delete('s');
    expect(await within(2_000, follower.next())).toEqual({ done: true, value: undefined });
  });

  test('is seen whole by one look, also when what the reader looked for was released meanwhile', async () => {
    const store = new MemoryObjectStore();
    const set = await openSet(store, { settings });
    const stream = await set.create({ name: 's' });
    const view = await openView(store);
    const reader = await view.reader('s');
    for (let i = 0; i < 3; i++) await stream.append(bytesOf(`${i}`));
    await set.upload(); // The three are rewritten, and their segments deleted.
    for (let i = 3; i < 5; i++) await stream.append(bytesOf(`${i}`));
    await view.sync();
    expect(await readAll(reader)).toEqual(['0', '1', '2', '3', '4']);
  });

  test('is followed through the death and the recovery of its writer', async () => {
    const store = new MemoryObjectStore();
    const dying = new FaultyObjectStore(store, { runtime: new SeededRuntime({ seed: 1 }), seed: 1, faults: [] });
    const victim = await StreamSet.open({ node: 'victim', store: dying, settings });
    const stream = await victim.create({ name: 's' });
    await stream.append(bytesOf('0'));
    await stream.append(bytesOf('1'));
    const view = await openView(store);
    const follower = (await view.reader('s')).follow('start');
    expect(await take(follower, 2)).toEqual(['0', '1']);
    dying.crash();
    await victim.close();
    const heir = await openSet(store, { node: 'heir', settings });
    await heir.recover('victim');
    const taken = await heir.open('s');
    expect(await taken.append(bytesOf('2'))).toMatchObject({ startOffset: 2 });
    expect(await take(follower, 1)).toEqual(['2']);
  });

  test('is not served across a segment that is missing', async () => {
    const store = new SimHeldStore();
    store.holds = () => false;
    const set = await openSet(store, { settings });
    const stream = await set.create({ name: 's' });
    const view = await openView(store);
    const reader = await view.reader('s');
    store.holds = ({ operation, purpose }) => operation === 'put' && purpose === 'wal';
    const appends = [stream.append(bytesOf('0'))];
    const first = await store.next('put', 0);
    appends.push(stream.append(bytesOf('1')));
    const second = await store.next('put', 1);
    await second.effect();
    await view.sync();
    expect(reader.endOffset).toBe(0);
    expect(await readAll(reader)).toEqual([]);
    await first.effect();
    await view.sync();
    expect(await readAll(reader)).toEqual(['0', '1']); // Stored, so it can no longer be lost; its writer knows nothing yet.
    await first.answer();
    await second.answer();
    expect(await Promise.all(appends)).toHaveLength(2);
  });

  test('ends for a follower that it is trimmed past, and is never shown below its start', async () => {
    const store = new MemoryObjectStore();
    const set = await openSet(store, { settings });
    const stream = await set.create({ name: 's' });
    for (let i = 0; i < 6; i++) await stream.append(bytesOf(`${i}`));
    const view = await openView(store);
    const reader = await view.reader('s');
    const follower = reader.follow('start');
    expect(await take(follower, 1)).toEqual(['0']);
    const behind = reader.follow(1);
    await stream.trim(4);
    await view.sync();
    expect([reader.startOffset, reader.endOffset]).toEqual([4, 6]);
    expect(await readAll(reader)).toEqual(['4', '5']);
    expect(await errorOf(behind.next())).toMatchObject({ code: 'OFFSET_OUT_OF_RANGE', startOffset: 4 });
  });

  test.each([
    ['file', async () => fileWal({ directory: await someDirectory() })],
    ['memory', () => Promise.resolve(memoryWal())],
  ] as const)('is seen when it is uploaded, where its writer has a %s WAL', async (_, make) => {
    const store = new MemoryObjectStore();
    const set = await openSet(store, { settings, wal: await make() });
    const stream = await set.create({ name: 's' });
    await stream.append(bytesOf('x'));
    const view = await openView(store);
    const next = (await view.reader('s')).follow('start').next();
    expect(await within(50, next)).toBe('waits');
    expect(requestsOf(view, 'follow')).toBe(0);
    await set.upload();
    expect(await within(2_000, next)).toMatchObject({ value: { startOffset: 0 } });
  });

  test('is read by a process that leaves the bucket as it is, byte for byte', async () => {
    const store = new MemoryObjectStore();
    const set = await openSet(store, { settings });
    const stream = await set.create({ name: 's' });
    for (let i = 0; i < 20; i++) await stream.append(bytesOf(`${i}`));
    await set.upload();
    for (let i = 0; i < 20; i++) await stream.append(bytesOf(`${i}`));
    const before = await everythingIn(store);
    const writes: string[] = [];
    const view = await openView(withoutWrites(store, writes));
    const reader = await view.reader('s');
    const follower = reader.follow('start');
    expect(await take(follower, 40)).toHaveLength(40);
    const waiting = follower.next();
    await reader.offsetAt(1);
    await view.nodes();
    await pause(50);
    await view.close();
    expect(await waiting).toEqual({ done: true, value: undefined });
    expect(writes).toEqual([]);
    expect(await everythingIn(store)).toEqual(before);
  });

  test.each([1, 3])('stays readable below segment %i when that cannot be read', async (segment) => {
    const store = new MemoryObjectStore();
    const set = await openSet(store, { settings });
    const stream = await set.create({ name: 's' });
    for (let i = 0; i < 5; i++) await stream.append(bytesOf(`${i}`));
    const keys = (await store.list({ prefix: '', purpose: 'read' })).keys.map(({ key }) => key);
    const damaged = keys.filter((key) => key.includes('/wal/')).at(segment)!;
    const copy = await copyOf(store);
    await copy.put(damaged, bytesOf('something else'), { purpose: 'wal' });
    const failures: unknown[] = [];
    const observer = { backgroundFailed: ({ cause }: { cause: unknown }) => void failures.push(cause) };
    const view = await StreamSet.openReadOnly({ store: copy, observer });
    later(() => view.close());
    const reader = await view.reader('s');
    expect(await readAll(reader)).toEqual(['0', '1', '2'].slice(0, segment));
    expect(failures[0]).toMatchObject({ code: 'OBJECT_CORRUPT', key: damaged });
  });
});

describe('a cluster of which everything is followed', () => {
  test.each(Array.from({ length: 12 }, (_, seed) => seed))(
    'shows prefixes of one history through moves, deaths and slow requests (seed %i)',
    async (seed) => {
      const runtime = new SeededRuntime({ seed });
      await runtime.run(() => liveOn(runtime, seed));
    },
  );
});

/** Nodes write, hand streams over, die and are recovered, while a reader follows every stream. */
async function liveOn(runtime: SeededRuntime, seed: number): Promise<void> {
  const { random } = runtime;
  const draw = (below: number): number => drawInteger(random, below);
  const bucket = new MemoryObjectStore();
  const faults = [
    { probability: 0.5, fault: { kind: 'latency', minMs: 0, maxMs: 30 } },
    { operation: 'put', probability: 0.05, fault: { kind: 'latency', minMs: 0, maxMs: 400 } },
  ] as const;
  const connect = (): FaultyObjectStore => new FaultyObjectStore(bucket, { runtime, seed: seed + draw(1000), faults });
  const sleep = (ms: number): Promise<void> => new Promise((resolve) => runtime.timers.after(ms, () => resolve()));
  const own = { ...settings, storeDeadlineMs: 20_000, uploadAgeMaxMs: 300 };
  const open = async (node: string): Promise<{ set: StreamSet; connection: FaultyObjectStore }> => {
    const connection = connect();
    return {
      set: await StreamSet.open({ node, store: connection, runtime, settings: own, wal: objectWal() }),
      connection,
    };
  };
  let one = await open('n0');
  const names = ['s0', 's1', 's2'];
  const acknowledged = names.map(() => [] as string[]);
  for (const name of names) await (await one.set.create({ name })).close();

  const view = await StreamSet.openReadOnly({ store: connect(), runtime, settings: { catalogRefreshMs: 20 } });
  const seen = names.map(() => [] as string[]);
  const following = names.map(async (name, i) => {
    const reader: StreamReader = await view.reader(name);
    for await (const { startOffset, bytes } of reader.follow('start')) {
      expect(startOffset).toBe(seen[i]!.length); // No gap, nothing twice.
      seen[i]!.push(textOf(bytes));
    }
  });

  let number = 0;
  for (let incarnation = 1; incarnation <= 8; incarnation++) {
    const streams = await Promise.all(names.map((name) => one.set.open(name)));
    for (let i = 0; i < 10 + draw(20); i++) {
      const which = draw(names.length);
      const text = `${number++}`;
      const append = streams[which]!.append(bytesOf(text)).then(
        ({ startOffset }) => void (acknowledged[which]![startOffset] = text),
        () => {},
      );
      if (draw(3) === 0) await append;
      if (draw(10) === 0) await one.set.upload().catch(() => {});
      if (draw(4) === 0) await sleep(draw(60));
    }
    const next = await open(`n${incarnation}`);
    if (draw(2) === 0) {
      await Promise.all(streams.map((stream) => stream.close()));
      await one.set.close();
    } else {
      if (draw(2) === 0) one.connection.crash();
      await next.set.recover(`n${incarnation - 1}`);
      if (draw(2) === 0) void one.set.close();
      else one.connection.crash();
    }
    one = next;
  }
  await one.set.close();
  await view.sync();
  const whole = await Promise.all(names.map(async (name) => readAll(await view.reader(name))));
  for (let i = 0; i < 400 && seen.some((texts, which) => texts.length < whole[which]!.length); i++) await sleep(20);
  await view.close();
  await Promise.all(following);
  expect(seen).toEqual(whole);
  acknowledged.forEach((texts, which) => texts.forEach((text, offset) => expect(whole[which]![offset]).toBe(text)));
  expect(whole.flat().length).toBeGreaterThan(20);
}

async function everythingIn(store: MemoryObjectStore): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const { key } of (await store.list({ prefix: '', limit: 10_000, purpose: 'read' })).keys) {
    const value = await store.get(key, { purpose: 'read' });
    if (typeof value === 'object') found[key] = `${value.etag} ${Buffer.from(value.bytes).toString('hex')}`;
  }
  return found;
}

/** The same store; whatever would write to it is noted. */
function withoutWrites(store: ObjectStore, writes: string[]): ObjectStore {
  return {
    get: (key, options) => store.get(key, options),
    list: (options) => store.list(options),
    put: (key, body, options) => {
      writes.push(key);
      return store.put(key, body, options);
    },
    delete: (keys, options) => {
      writes.push(...keys);
      return store.delete(keys, options);
    },
  };
}
