// Taking over a node one of whose segments is damaged or lost: the recovery stops, and goes on only by hand.
import { describe, expect, test } from 'vitest';
import { MemoryObjectStore, StreamSet, fileWal, systemRuntime } from '../../src/index.ts';
import type { ObjectStore, OpenOptions } from '../../src/index.ts';
import { FaultyObjectStore } from '../../src/testkit/faulty-object-store.ts';
import { copyOf, keysOf } from './failing-store.ts';
import { bytesOf, errorOf, later, openSet, openView, readAll, someDirectory } from './world.ts';

const settings = { storeDeadlineMs: 2_000, segmentSizeMinBytes: 1, catalogRefreshMs: 10 };
const purpose = 'probe' as const;
const streamCount = 2;

const segmentKeys = async (store: ObjectStore): Promise<string[]> =>
  (await keysOf(store)).filter((key) => key.includes('/wal/') && key.includes('/dead-'));

/** A node died with its first two of eight segments registered; each holds one batch of each of two streams. */
async function deadNode(store: ObjectStore, more: Partial<OpenOptions> = {}): Promise<StreamSet> {
  const connection = new FaultyObjectStore(store, { runtime: systemRuntime, seed: 1, faults: [] });
  const set = await StreamSet.open({ node: 'dead', store: connection, settings, ...more });
  const streams = await Promise.all(['one', 'two'].map((name) => set.create({ name })));
  for (let i = 0; i < 8; i++) {
    await Promise.all(streams.map((stream) => stream.append(bytesOf(`${i}`))));
    if (i === 1) await set.upload();
  }
  connection.crash();
  await set.close();
  return set;
}

/** The key of segment `sequence` of the dead node, whether it is still there or not. */
async function keyOf(store: ObjectStore, sequence: number): Promise<string> {
  const last = (await segmentKeys(store)).at(-1) as string;
  return last.slice(0, -16) + String(sequence).padStart(16, '0');
}

const harms = [
  ['damaged', async (store: ObjectStore, key: string) => void (await store.put(key, bytesOf('?'), { purpose }))],
  ['lost', async (store: ObjectStore, key: string) => void (await store.delete([key], { purpose }))],
] as const;

describe.each(harms)('a segment that is %s', (_, harm) => {
  test('stops a recovery: streams stay closed, can be read up to the registered end, and it is said what to do', async () => {
    const store = new MemoryObjectStore();
    const dead = await deadNode(store);
    const key = await keyOf(store, 4);
    await harm(store, key);
    const set = await openSet(store, { node: 'b' });
    for (const attempt of [() => set.recover('dead'), () => set.open('one'), () => set.recover('dead')]) {
      const error = await errorOf(attempt());
      expect(error).toMatchObject({ code: 'OBJECT_CORRUPT', action: 'repair', key });
      expect(error.message).toContain(`recover('dead', { epoch: ${dead.nodeEpoch}, cutAt: 4 })`);
    }
    expect(await set.nodes()).toContainEqual(
      expect.objectContaining({ node: 'dead', status: 'fenced', unrecoveredEpoch: dead.nodeEpoch }),
    );
    expect(await set.describe('one')).toMatchObject({ owner: 'dead', endOffset: 2 });
    expect((await readAll(await set.reader('one'))).slice(0, 2)).toEqual(['0', '1']);
    expect(await errorOf(StreamSet.open({ node: 'dead', store, settings }))).toMatchObject({ code: 'OBJECT_CORRUPT' });
    expect(set.status).toBe('open');
  });

  test('is given up by a cut, with all after it and nothing else, and the report says what', async () => {
    const store = new MemoryObjectStore();
    const dead = await deadNode(store);
    await harm(store, await keyOf(store, 4));
    const set = await openSet(store, { node: 'b' });
    const [one, two] = await Promise.all(['one', 'two'].map((name) => set.describe(name)));
    const report = await set.recover('dead', { epoch: dead.nodeEpoch, cutAt: 4 });
    expect(report).toMatchObject({
      ...{ nodeEpoch: dead.nodeEpoch, alreadyDone: false, abandoned: false, streamCount, bytesCopied: 0 },
      unreadCount: 1,
      givenUp: [one?.id, two?.id].map((stream) => ({ stream, startOffset: 4, endOffset: 8 })),
    });
    const kept = 2 + report.segmentCount;
    expect(report.givenUp[0]).toEqual({ stream: one?.id, startOffset: kept, endOffset: 8 });
    const expected = ['0', '1', '2', '3'].slice(0, kept);
    const view = await openView(store);
    expect(await readAll(await view.reader('two'))).toEqual(expected);
    expect(await set.recover('dead', { cutAt: 4 })).toMatchObject({ alreadyDone: true, givenUp: [], unreadCount: 0 });
    const again = await openSet(store, { node: 'dead' });
    const stream = await again.open('one');
    expect(stream.streamEpoch).toBe(2);
    expect(await stream.append(bytesOf('new'))).toEqual({ startOffset: kept, endOffset: kept + 1 });
    expect(await readAll(stream)).toEqual([...expected, 'new']);
  });

  test('is given up by eight recoverers at once as by one', async () => {
    const store = new MemoryObjectStore();
    await deadNode(store);
    await harm(store, await keyOf(store, 5));
    const sets = await Promise.all(
      Array.from({ length: 8 }, (_each, i) => openSet(store, { node: `n${i}`, settings })),
    );
    const reports = await Promise.all(sets.map((set) => set.recover('dead', { cutAt: 5 })));
    expect(reports.filter(({ alreadyDone }) => !alreadyDone)).toHaveLength(1);
    expect(reports.reduce((sum, { segmentCount }) => sum + segmentCount, 0)).toBe(3);
    for (const set of sets) expect(await readAll(await set.reader('one'))).toEqual(['0', '1', '2', '3', '4']);
  });

  test.each(['lands', 'vanishes'] as const)(
    'is given up in the end by recoverers that die at any call (%s)',
    async (underWay) => {
      const store = new MemoryObjectStore();
      await deadNode(store);
      await harm(store, await keyOf(store, 4));
      let deaths = 0;
      for (let nth = 1; ; nth++) {
        const copy: ObjectStore = await copyOf(store);
        const connection = new FaultyObjectStore(copy, { runtime: systemRuntime, seed: nth, faults: [] });
        const first = await StreamSet.open({ node: 'b', store: connection, settings });
        connection.inject([{ nth, fault: { kind: 'crash', underWay } }]);
        await first.recover('dead', { cutAt: 4 }).catch(() => {});
        const { crashed } = connection;
        if (crashed) {
          deaths += 1;
          const second = await openSet(copy, { node: 'c' });
          await second.recover('dead', { cutAt: 4 });
          expect(await readAll(await second.open('two')), `death at call ${nth}`).toEqual(['0', '1', '2', '3']);
          await second.close();
        }
        await first.close();
        if (!crashed) break;
      }
      expect(deaths).toBeGreaterThan(10);
    },
  );
});

describe('a cut', () => {
  test('tells the victim that what was given up was not applied, though its segments lie below the seal', async () => {
    const store = new MemoryObjectStore();
    let hold: 'no' | 'answers' | 'requests' = 'no';
    const gates: (() => void)[] = [];
    const connection: ObjectStore = {
      get: (key, options) => store.get(key, options),
      list: (options) => store.list(options),
      delete: (keys, options) => store.delete(keys, options),
      put: async (key, body, options) => {
        if (options.purpose !== 'wal' || hold === 'no') return store.put(key, body, options);
        const landed = hold === 'answers' ? await store.put(key, body, options) : undefined;
        await new Promise<void>((resolve) => gates.push(resolve));
        return landed ?? store.put(key, body, options);
      },
    };
    const victim = await StreamSet.open({ node: 'dead', store: connection, settings });
    later(() => victim.close());
    const stream = await victim.create({ name: 'one' });
    await stream.append(bytesOf('0'));
    const settle = (text: string): Promise<unknown> => stream.append(bytesOf(text)).catch((cause: unknown) => cause);
    const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));
    hold = 'answers';
    const appends = [settle('1')];
    await pause();
    appends.push(settle('2'));
    await pause();
    hold = 'requests';
    appends.push(settle('three'));
    await pause();
    const set = await openSet(store, { node: 'b' });
    const report = await set.recover('dead', { cutAt: 2 });
    expect(report.givenUp).toEqual([{ stream: stream.id, startOffset: 2, endOffset: 3 }]);
    hold = 'no';
    gates.at(-1)?.(); // The last one meets the seal; of the others no answer has come, and the state decides (W4).
    const [first, ...others] = await Promise.all(appends);
    expect(first).toEqual({ startOffset: 1, endOffset: 2 });
    for (const other of others) expect(other).toMatchObject({ code: 'NODE_FENCED', outcome: 'none' });
    expect(await victim.closed).toMatchObject({ status: 'fenced' });
    expect(await readAll(await set.open('one'))).toEqual(['0', '1']);
    for (const gate of gates) gate();
  });

  test('must lie within what is not registered', async () => {
    const store = new MemoryObjectStore();
    await deadNode(store);
    const set = await openSet(store, { node: 'b' });
    const error = await errorOf(set.recover('dead', { cutAt: 1 }));
    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(error.message).toMatch(/cutAt is 1, .* begins at 2/);
    expect((await errorOf(set.recover('dead', { cutAt: 9 }))).message).toMatch(/cutAt is 9, .* goes from 2 to 8/);
    const report = await set.recover('dead', { cutAt: 8 });
    expect(report).toMatchObject({ segmentCount: 6, givenUp: [], alreadyDone: false });
    expect(await readAll(await set.open('one'))).toHaveLength(8);
  });

  test('is refused for a WAL of another kind, before anything is fenced', async () => {
    const store = new MemoryObjectStore();
    const directory = await someDirectory();
    const dead = await deadNode(store, { wal: fileWal({ directory }) });
    const set = await openSet(store, { node: 'b' });
    const error = await errorOf(set.recover('dead', { walDirectory: directory, cutAt: 0 }));
    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(error.message).toContain('{ abandon: true }');
    expect(await set.nodes()).toContainEqual(
      expect.objectContaining({ node: 'dead', status: 'open', nodeEpoch: dead.nodeEpoch }),
    );
  });

  test('is known to who comes by way of a snapshot', async () => {
    const store = new MemoryObjectStore();
    const dead = await deadNode(store);
    await harms[0][1](store, await keyOf(store, 4));
    const set = await openSet(store, { node: 'b', settings });
    await set.recover('dead', { cutAt: 4 });
    for (let i = 0; i < 520; i++) await set.kv.put('k', bytesOf(`${i}`));
    await set.close();
    const again = await openSet(store, { node: 'c' });
    expect(again.stats().journalIndex).toBeGreaterThan(512);
    expect(await again.recover('dead', { epoch: dead.nodeEpoch, cutAt: 4 })).toMatchObject({ alreadyDone: true });
    expect(await readAll(await again.open('two'))).toEqual(['0', '1', '2', '3']);
  });
});
