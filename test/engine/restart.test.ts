// A process dies at any call to the store, and another takes its place: what was acknowledged is there. Exhaustive: one
// run for every call there is, with what was under way landing or vanishing.
import { expect, test } from 'vitest';
import { MemoryObjectStore, StreamSet, isQanatError, systemRuntime } from '../../src/index.ts';
import type { ObjectStore, Stream } from '../../src/index.ts';
import { FaultyObjectStore } from '../../src/testkit/faulty-object-store.ts';
import { SeededRuntime } from '../../src/testkit/seeded-runtime.ts';
import type { UnderWay } from '../../src/testkit/store-faults.ts';
import { copyOf, OutageObjectStore, type Failure } from './failing-store.ts';
import { bytesOf, openSet, readAll } from './world.ts';

const settings = { storeDeadlineMs: 1_000, segmentSizeMinBytes: 1, catalogRefreshMs: 10 };

/** A connection that dies at its n-th call. */
function dyingAt(store: ObjectStore, nth: number, underWay: UnderWay): FaultyObjectStore {
  return new FaultyObjectStore(store, {
    runtime: systemRuntime,
    seed: nth,
    faults: [{ nth, fault: { kind: 'crash', underWay } }],
  });
}

/** What a stream must hold: name and texts, from its first offset on. */
type Contents = Readonly<Record<string, readonly string[]>>;

async function contentsOf(store: ObjectStore, names: readonly string[]): Promise<Record<string, string[]>> {
  const set = await StreamSet.open({ node: 'a', store, settings });
  const found: Record<string, string[]> = {};
  for (const name of names) found[name] = await readAll(await set.open(name));
  await set.close();
  expect(await set.closed).toEqual({ status: 'closed' });
  return found;
}

/** A cluster whose node died without a word: registered and unregistered batches, a trim ahead of the registered end. */
async function deadCluster(): Promise<{ readonly store: MemoryObjectStore; readonly contents: Contents }> {
  const store = new MemoryObjectStore();
  const connection = new FaultyObjectStore(store, { runtime: systemRuntime, seed: 1, faults: [] });
  const set = await StreamSet.open({ node: 'a', store: connection, settings });
  const [kept, trimmed, gone] = await Promise.all(['kept', 'trimmed', 'gone'].map((name) => set.create({ name })));
  for (const text of ['1', '2']) await Promise.all([kept!.append(bytesOf(text)), trimmed!.append(bytesOf(text))]);
  await set.upload();
  await gone!.append(bytesOf('x'));
  await set.delete('gone');
  for (const text of ['3', '4', '5'])
    await Promise.all([kept!.append(bytesOf(text)), trimmed!.append(bytesOf(text), { count: 2 })]);
  await trimmed!.trim(4);
  await set.kv.put('key', bytesOf('value'));
  connection.crash();
  return { store, contents: { kept: ['1', '2', '3', '4', '5'], trimmed: ['4', '5'] } };
}

test('a node that did not close is opened again with everything that was acknowledged', async () => {
  const { store, contents } = await deadCluster();
  const set = await openSet(store);
  expect(await readAll(await set.open('kept'))).toEqual(contents['kept']);
  const trimmed = await set.open('trimmed');
  expect({ ...(await trimmed.read(4)), batches: [] }).toMatchObject({ startOffset: 4, endOffset: 8, stopped: 'end' });
  expect(await trimmed.append(bytesOf('6'))).toEqual({ startOffset: 8, endOffset: 9 });
  expect((await set.kv.get('key'))?.value).toEqual(bytesOf('value'));
  await expect(set.open('gone')).rejects.toMatchObject({ code: 'STREAM_NOT_FOUND' });
  expect(await set.nodes()).toMatchObject([{ node: 'a', status: 'open', unrecoveredEpoch: undefined }]);
});

test.each(['lands', 'vanishes'] as const)(
  'an opening that dies at any call, and what was under way %s, loses nothing',
  async (underWay) => {
    const { store, contents } = await deadCluster();
    let deaths = 0;
    for (let nth = 1; ; nth++) {
      const copy = await copyOf(store);
      const connection = dyingAt(copy, nth, underWay);
      const opening = await StreamSet.open({ node: 'a', store: connection, settings }).catch(() => undefined);
      if (!connection.crashed) {
        await opening?.close();
        break;
      }
      deaths += 1;
      expect(await contentsOf(copy, Object.keys(contents)), `death at call ${nth}`).toEqual(contents);
    }
    expect(deaths).toBeGreaterThan(15);
  },
);

test('an opening that dies, and the next one that dies, at many pairs of calls, lose nothing', async () => {
  const { store, contents } = await deadCluster();
  let pairs = 0;
  for (let first = 3; first < 60; first += 4) {
    const once = await copyOf(store);
    const connection = dyingAt(once, first, 'lands');
    await StreamSet.open({ node: 'a', store: connection, settings }).catch(() => {});
    if (!connection.crashed) break;
    for (let second = 5; second < 60; second += 5) {
      const twice = await copyOf(once);
      const next = dyingAt(twice, second, 'vanishes');
      const opening = await StreamSet.open({ node: 'a', store: next, settings }).catch(() => undefined);
      if (!next.crashed) {
        await opening?.close();
        break;
      }
      pairs += 1;
      expect(await contentsOf(twice, Object.keys(contents)), `deaths at calls ${first} and ${second}`).toEqual(
        contents,
      );
    }
  }
  expect(pairs).toBeGreaterThan(10);
});

test.each(['unavailable', 'unknown-undone', 'unknown-done'] as const)(
  'an opening whose store is lost (%s) from any call on is given up in time, and the next one loses nothing',
  async (failure: Failure) => {
    const { store, contents } = await deadCluster();
    let losses = 0;
    for (let from = 1; ; from++) {
      const copy = await copyOf(store);
      const outage = new OutageObjectStore(copy, failure, from);
      const runtime = new SeededRuntime({ seed: from, runMaxMs: 3_600_000 });
      const error = await runtime.run(async () => {
        const options = { node: 'a', store: outage, settings, runtime };
        const set = await StreamSet.open(options).catch((cause: unknown) => cause);
        if (set instanceof StreamSet) await set.close();
        return set;
      });
      if (outage.calls < from) break;
      if (error instanceof StreamSet) continue; // The loss came when it closed.
      losses += 1;
      expect(isQanatError(error, 'STORE_UNAVAILABLE'), `${from}: ${String(error)}`).toBe(true);
      expect(await contentsOf(copy, Object.keys(contents)), `lost from call ${from}`).toEqual(contents);
    }
    expect(losses).toBeGreaterThan(15);
  },
);

test.each(['lands', 'vanishes'] as const)(
  'a close that dies at any call, and what was under way %s, loses nothing',
  async (underWay) => {
    const { store, contents } = await deadCluster();
    await contentsOf(store, Object.keys(contents)); // Recovered and closed.
    let deaths = 0;
    for (let nth = 1; ; nth++) {
      const copy = await copyOf(store);
      const connection = new FaultyObjectStore(copy, { runtime: systemRuntime, seed: nth, faults: [] });
      const set = await StreamSet.open({ node: 'a', store: connection, settings });
      const streams = await Promise.all(Object.keys(contents).map((name) => set.open(name)));
      await Promise.all(streams.map((stream) => stream.append(bytesOf('more'))));
      connection.inject([{ nth, fault: { kind: 'crash', underWay } }]);
      await set.close();
      if (!connection.crashed) break;
      deaths += 1;
      expect(set.status).toMatch(/failed|closed/);
      const expected = Object.fromEntries(Object.entries(contents).map(([name, texts]) => [name, [...texts, 'more']]));
      expect(await contentsOf(copy, Object.keys(contents)), `death at call ${nth}`).toEqual(expected);
    }
    expect(deaths).toBeGreaterThanOrEqual(2);
  },
);

/** What was asked for and what was answered, stream by stream. */
class Ledger {
  readonly acknowledged = new Map<string, string[]>();
  readonly deleted = new Set<string>();
  readonly maybeDeleted = new Set<string>();
  readonly trimmedTo = new Map<string, number>();
  readonly maybeTrimmedTo = new Map<string, number>();
}

/** A busy life; rejects where the connection dies. */
async function live(set: StreamSet, ledger: Ledger): Promise<void> {
  const append = async (stream: Stream, text: string): Promise<void> => {
    await stream.append(bytesOf(text));
    ledger.acknowledged.get(stream.name!)!.push(text);
  };
  const create = async (name: string): Promise<Stream> => {
    const stream = await set.create({ name });
    ledger.acknowledged.set(name, []);
    return stream;
  };
  const one = await create('one');
  await Promise.all([append(one, '1'), append(one, '2')]);
  const two = await create('two');
  await Promise.all([append(one, '3'), append(two, 'a'), append(two, 'b')]);
  ledger.maybeTrimmedTo.set('one', 2);
  await one.trim(2);
  ledger.trimmedTo.set('one', 2);
  await two.close();
  await append(one, '4');
  await append(await set.open('two'), 'c');
  ledger.maybeDeleted.add('two');
  await set.delete('two');
  ledger.deleted.add('two');
  await append(await create('three'), 'x');
  await append(one, '5');
}

test.each(['lands', 'vanishes'] as const)(
  'a life of creating, appending, trimming, closing and deleting that dies at any call keeps its word (%s)',
  async (underWay) => {
    let deaths = 0;
    for (let nth = 1; ; nth++) {
      const store = new MemoryObjectStore();
      const connection = new FaultyObjectStore(store, { runtime: systemRuntime, seed: nth, faults: [] });
      const set = await StreamSet.open({ node: 'a', store: connection, settings });
      connection.inject([{ nth, fault: { kind: 'crash', underWay } }]);
      const ledger = new Ledger();
      const failure = await live(set, ledger).catch((cause: unknown) => cause);
      await set.close();
      if (!connection.crashed) {
        expect(failure).toBeUndefined();
        break;
      }
      deaths += 1;
      await checkLedger(store, ledger, `death at call ${nth}`);
    }
    expect(deaths).toBeGreaterThan(15);
  },
);

async function checkLedger(store: ObjectStore, ledger: Ledger, when: string): Promise<void> {
  const set = await StreamSet.open({ node: 'a', store, settings });
  for (const [name, texts] of ledger.acknowledged) {
    const reader = await set.reader(name).catch((cause: unknown) => cause as Error);
    if (ledger.deleted.has(name)) expect(reader, when).toMatchObject({ code: 'STREAM_NOT_FOUND' });
    if (reader instanceof Error) {
      expect(ledger.maybeDeleted.has(name), `${when}: ${reader.message}`).toBe(true);
      continue;
    }
    const { startOffset } = reader;
    expect(startOffset, when).toBeGreaterThanOrEqual(ledger.trimmedTo.get(name) ?? 0);
    expect(startOffset, when).toBeLessThanOrEqual(ledger.maybeTrimmedTo.get(name) ?? 0);
    const found = await readAll(reader);
    // What was never acknowledged may have become part of the history, after what was.
    expect(found.slice(0, texts.length - startOffset), when).toEqual(texts.slice(startOffset));
    const stream = await set.open(name);
    expect((await stream.append(bytesOf('z'))).startOffset, when).toBe(startOffset + found.length);
  }
  await set.close();
}
