// Taking over from another node by hand: what it leaves, what it reports, and what it refuses.
import { describe, expect, test } from 'vitest';
import { MemoryObjectStore, StreamSet, memoryWal, fileWal, objectWal, systemRuntime } from '../../src/index.ts';
import type { ObjectStore, OpenOptions, RecoverOptions } from '../../src/index.ts';
import { FaultyObjectStore } from '../../src/testkit/faulty-object-store.ts';
import { SeededRuntime } from '../../src/testkit/seeded-runtime.ts';
import { bytesOf, errorOf, openSet, openView, readAll, someDirectory, stores } from './world.ts';

const settings = { storeDeadlineMs: 2_000, segmentSizeMinBytes: 1, catalogRefreshMs: 10 };
const texts = ['1', '2', '3', '4', '5', '6'];

/** A node of two streams that dies with the first half of its WAL registered, and without being told. */
async function deadNode(store: ObjectStore, more: Partial<OpenOptions> = {}): Promise<StreamSet> {
  const connection = new FaultyObjectStore(store, { runtime: systemRuntime, seed: 1, faults: [] });
  const set = await StreamSet.open({ node: 'dead', store: connection, settings, wal: objectWal(), ...more });
  const streams = await Promise.all(['one', 'two'].map((name) => set.create({ name })));
  for (const [i, text] of texts.entries()) {
    await Promise.all(streams.map((stream) => stream.append(bytesOf(text))));
    if (i === 2) await set.upload();
  }
  connection.crash();
  await set.close();
  return set;
}

describe('recover', () => {
  test.each(stores)('leaves the streams of a dead node closed, complete, and free ($kind)', async ({ make }) => {
    const store = await make();
    const dead = await deadNode(store);
    const set = await openSet(store, { node: 'b', wal: objectWal() });
    const report = await set.recover('dead');
    expect(report).toEqual({
      node: 'dead',
      nodeEpoch: dead.nodeEpoch,
      streamCount: 2,
      segmentCount: 3,
      bytesRegistered: expect.any(Number) as number,
      bytesCopied: 0,
      requests: expect.any(Number) as number,
      alreadyDone: false,
      abandoned: false,
      givenUp: [],
      unreadCount: 0,
    });
    expect(report.bytesRegistered).toBeGreaterThan(0);
    expect(report.requests).toBeGreaterThan(3);
    expect(await set.describe('one')).toMatchObject({ owner: undefined, endOffset: texts.length });
    expect(await set.nodes()).toContainEqual(
      expect.objectContaining({ node: 'dead', status: 'closed', unrecoveredEpoch: undefined }),
    );
    const view = await openView(store);
    expect(await readAll(await view.reader('two'))).toEqual(texts);
    for (const node of ['c', 'dead'])
      await using(await openSet(store, { node, wal: objectWal() }), async (other) => {
        const stream = await other.open('one');
        expect((await readAll(stream)).slice(0, 6)).toEqual(texts);
        await stream.append(bytesOf(node));
      });
  });

  test('reads only directories of an object WAL, however much its segments hold', async () => {
    const store = new MemoryObjectStore();
    const sizes: number[] = [];
    for (const sizeBytes of [100, 1_000_000]) {
      const node = `dead-${sizeBytes}`;
      const connection = new FaultyObjectStore(store, { runtime: systemRuntime, seed: 1, faults: [] });
      const set = await StreamSet.open({ node, store: connection, settings });
      const stream = await set.create({ name: node });
      for (let i = 0; i < 5; i++) await stream.append(new Uint8Array(sizeBytes));
      connection.crash();
      await set.close();
      const recoverer = await openSet(store, { node: 'b' });
      const before = readBytes(recoverer);
      const report = await recoverer.recover(node);
      sizes.push(readBytes(recoverer) - before);
      expect(report).toMatchObject({ segmentCount: 5, bytesCopied: 0, streamCount: 1 });
      expect(report.bytesRegistered).toBeGreaterThan(5 * sizeBytes);
      await recoverer.close();
    }
    expect(sizes[1]).toBeLessThan(400_000); // Five tails of 64 KiB, and the journal.
  });

  test('fences a live node, which learns it', async () => {
    const store = new MemoryObjectStore();
    const victim = await openSet(store, { node: 'victim', settings });
    const stream = await victim.create({ name: 's' });
    await stream.append(bytesOf('1'));
    const set = await openSet(store, { node: 'b', settings });
    expect(await set.recover('victim')).toMatchObject({ nodeEpoch: victim.nodeEpoch, streamCount: 1 });
    expect(await errorOf(stream.append(bytesOf('2')))).toMatchObject({ code: 'NODE_FENCED', outcome: 'none' });
    expect(await victim.closed).toEqual({ status: 'fenced', byEpoch: undefined });
    expect(victim.status).toBe('fenced');
    expect(await readAll(await set.open('s'))).toEqual(['1']);
  });

  test('does nothing the second time, and says so', async () => {
    const store = new MemoryObjectStore();
    const dead = await deadNode(store);
    const set = await openSet(store, { node: 'b' });
    await set.recover('dead');
    const zero = { streamCount: 0, segmentCount: 0, bytesRegistered: 0, bytesCopied: 0, alreadyDone: true };
    expect(await set.recover('dead')).toMatchObject({ nodeEpoch: dead.nodeEpoch, ...zero });
    expect(await set.recover('dead', { epoch: dead.nodeEpoch })).toMatchObject({ nodeEpoch: dead.nodeEpoch, ...zero });
    const other = await openSet(store, { node: 'c' });
    expect(await other.recover('dead')).toMatchObject(zero);
  });

  test('of an epoch leaves the newer incarnation alone, without one it takes that one', async () => {
    const store = new MemoryObjectStore();
    const dead = await deadNode(store);
    const again = await openSet(store, { node: 'dead' });
    const stream = await again.open('one');
    const set = await openSet(store, { node: 'b' });
    expect(await set.recover('dead', { epoch: dead.nodeEpoch })).toMatchObject({ alreadyDone: true, streamCount: 0 });
    expect(await stream.append(bytesOf('7'))).toEqual({ startOffset: 6, endOffset: 7 });
    expect(await set.recover('dead')).toMatchObject({ nodeEpoch: again.nodeEpoch, streamCount: 1, alreadyDone: false });
    expect(await errorOf(stream.append(bytesOf('8')))).toMatchObject({ code: 'NODE_FENCED' });
    expect(await readAll(await set.open('one'))).toEqual([...texts, '7']);
  });

  test('of a file WAL needs its directory, and copies what is in it', async () => {
    const store = new MemoryObjectStore();
    const directory = await someDirectory();
    const dead = await deadNode(store, { wal: fileWal({ directory }) });
    const set = await openSet(store, { node: 'b' });
    const facts = { code: 'WAL_MISSING', node: 'dead', nodeEpoch: dead.nodeEpoch, walKind: 'file', action: 'repair' };
    for (const options of [{}, { walDirectory: await someDirectory() }]) {
      const error = await errorOf(set.recover('dead', options));
      expect(error).toMatchObject(facts);
      expect(error.message).toMatch(/\{ walDirectory \}.*\{ abandon: true \}/);
    }
    expect(await errorOf(set.open('one'))).toMatchObject(facts);
    const report = await set.recover('dead', { walDirectory: directory });
    expect(report).toMatchObject({ nodeEpoch: dead.nodeEpoch, streamCount: 2, bytesRegistered: 0, abandoned: false });
    expect(report.bytesCopied).toBeGreaterThan(0);
    expect(await readAll(await set.open('one'))).toEqual(texts);
  });

  test('gives up a WAL that is nowhere, if it is told to', async () => {
    const store = new MemoryObjectStore();
    await deadNode(store, { wal: fileWal({ directory: await someDirectory() }) });
    const set = await openSet(store, { node: 'b' });
    const report = await set.recover('dead', { abandon: true });
    expect(report).toMatchObject({ abandoned: true, segmentCount: 0, streamCount: 2, alreadyDone: false });
    expect(await readAll(await set.open('one'))).toEqual(['1', '2', '3']);
  });

  test('of a memory WAL finds what was uploaded', async () => {
    const store = new MemoryObjectStore();
    await deadNode(store, { wal: memoryWal() });
    const set = await openSet(store, { node: 'b' });
    expect(await set.recover('dead')).toMatchObject({ segmentCount: 0, streamCount: 2, alreadyDone: false });
    expect(await readAll(await set.open('one'))).toEqual(['1', '2', '3']);
  });

  test('refuses what it cannot mean', async () => {
    const store = new MemoryObjectStore();
    const dead = await deadNode(store);
    const set = await openSet(store, { node: 'b' });
    expect(await errorOf(set.recover('dae'))).toMatchObject({
      code: 'NODE_NOT_FOUND',
      action: 'correct',
      outcome: 'none',
      node: 'dae',
      message: 'there is no node dae; known are dead, b',
    });
    expect(await errorOf(set.recover('dead', { epoch: set.nodeEpoch }))).toMatchObject({
      code: 'NODE_NOT_FOUND',
      node: 'dead',
      nodeEpoch: set.nodeEpoch,
    });
    expect(await errorOf(set.recover('dead', { epoch: 999 }))).toMatchObject({ code: 'NODE_NOT_FOUND' });
    const wrong: [unknown, unknown][] = [
      ['b', {}],
      ['B!', {}],
      ['', {}],
      [7, {}],
      [undefined, {}],
      ['dead', null],
      ['dead', 'now'],
      ['dead', { epoch: 0 }],
      ['dead', { epoch: 1.5 }],
      ['dead', { epoch: '1' }],
      ['dead', { walDirectory: 7 }],
      ['dead', { walDirectory: '' }],
      ['dead', { abandon: 'yes' }],
      ['dead', { cutAt: -1 }],
      ['dead', { cutAt: 0.5 }],
      ['dead', { cutAt: '3' }],
      ['dead', { signal: 7 }],
    ];
    for (const [node, options] of wrong)
      expect(await errorOf(set.recover(node as string, options as RecoverOptions)), JSON.stringify([node, options])) //
        .toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(await errorOf(set.recover('dead', { signal: AbortSignal.abort(new Error('enough')) }))).toMatchObject({
      message: 'enough',
    });
    expect(await set.nodes()).toContainEqual(
      expect.objectContaining({ node: 'dead', status: 'open', nodeEpoch: dead.nodeEpoch }),
    );
    await set.close();
    expect(await errorOf(set.recover('dead'))).toMatchObject({ code: 'CLOSED' });
  });
});

describe('forgetNode', () => {
  test('takes a node that is over off the list, and lets it register anew', async () => {
    const store = new MemoryObjectStore();
    const dead = await deadNode(store, { attributes: { rack: 'r1' } });
    const set = await openSet(store, { node: 'b' });
    const names = async (): Promise<string[]> => (await set.nodes()).map(({ node }) => node);
    const refused = { code: 'CONFLICT', action: 'correct', outcome: 'none', currentEpoch: dead.nodeEpoch };
    expect(await errorOf(set.forgetNode('dead'))).toMatchObject(refused);
    expect(await errorOf(set.forgetNode('b'))).toMatchObject({ code: 'CONFLICT', currentEpoch: set.nodeEpoch });
    await set.recover('dead');
    await set.forgetNode('dead');
    expect(await names()).toEqual(['b']);
    expect(await errorOf(set.forgetNode('dead'))).toMatchObject({ code: 'NODE_NOT_FOUND', node: 'dead' });
    expect(await errorOf(set.recover('dead', { epoch: dead.nodeEpoch }))).toMatchObject({ code: 'NODE_NOT_FOUND' });
    expect(await readAll(await set.reader('one'))).toEqual(texts);
    const again = await openSet(store, { node: 'dead' });
    expect(again.nodeEpoch).toBeGreaterThan(dead.nodeEpoch);
    const stream = await again.open('one');
    expect(await stream.append(bytesOf('7'))).toEqual({ startOffset: 6, endOffset: 7 });
    await set.sync();
    expect(await set.nodes()).toContainEqual(
      expect.objectContaining({ node: 'dead', nodeEpoch: again.nodeEpoch, attributes: {} }),
    );
  });

  test('says what stands in the way, and refuses what no node is called', async () => {
    const store = new MemoryObjectStore();
    const dead = await deadNode(store, { wal: fileWal({ directory: await someDirectory() }) });
    const set = await openSet(store, { node: 'b' });
    expect((await errorOf(set.forgetNode('dead'))).message).toBe(
      `node dead cannot be forgotten: it is open, at epoch ${dead.nodeEpoch}; recover it first`,
    );
    await errorOf(set.recover('dead')); // Fenced, and its WAL is not here.
    expect((await errorOf(set.forgetNode('dead'))).message).toBe(
      `node dead cannot be forgotten: epoch ${dead.nodeEpoch} of it is not recovered; recover it first`,
    );
    for (const node of ['', 'No', 7, undefined])
      expect(await errorOf(set.forgetNode(node as string))).toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(await errorOf(set.forgetNode('zz'))).toMatchObject({ code: 'NODE_NOT_FOUND', node: 'zz' });
  });

  test('racing with registrations, forgets only what is over', async () => {
    const store = new MemoryObjectStore();
    const judges = await Promise.all(['b', 'c'].map((node) => openSet(store, { node, settings })));
    for (let round = 0; round < 5; round++) {
      const opening = StreamSet.open({ node: 'x', store, settings });
      const forgets = await Promise.allSettled(judges.map((judge) => judge.forgetNode('x')));
      const set = await opening;
      const stream = await set.openOrCreate('s');
      expect(await stream.append(bytesOf(`${round}`))).toEqual({ startOffset: round, endOffset: round + 1 });
      for (const forget of forgets)
        if (forget.status === 'rejected')
          expect(['CONFLICT', 'NODE_NOT_FOUND']).toContain((forget.reason as { code: string }).code);
      await set.close();
    }
    await judges[0]!.sync();
    expect(await readAll(await judges[0]!.reader('s'))).toEqual(['0', '1', '2', '3', '4']);
  });
});

function readBytes(set: StreamSet): number {
  return set.stats().requests.reduce((sum, { bytesOut }) => sum + bytesOut, 0);
}

async function using(set: StreamSet, body: (set: StreamSet) => Promise<void>): Promise<void> {
  try {
    await body(set);
  } finally {
    await set.close();
  }
}

test.each([
  { of: 'live', isFenced: false },
  { of: 'fenced', isFenced: true },
])('a set that is closed while it recovers a $of node ends as closed, whenever that is', async ({ isFenced }) => {
  const reasons = new Set<string>();
  for (let delayMs = 0; delayMs < 40; delayMs++) {
    const runtime = new SeededRuntime({ seed: 1 });
    await runtime.run(async () => {
      const bucket = new MemoryObjectStore();
      const faults = [{ fault: { kind: 'latency', minMs: 1, maxMs: 3 } }] as const;
      const connect = (seed: number): FaultyObjectStore => new FaultyObjectStore(bucket, { runtime, seed, faults });
      const wal = objectWal();
      const lost = await StreamSet.open({ node: 'lost', store: connect(1), runtime, wal });
      await (await lost.create({ name: 'one' })).append(bytesOf('1'));
      const set = await StreamSet.open({ node: 'b', store: connect(2), runtime, wal });
      // A cut beyond the end is found after the fence, and leaves it at that.
      if (isFenced)
        await expect(set.recover('lost', { cutAt: 99 })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
      const recovered = set.recover('lost').then(
        () => 'recovered',
        (error: unknown) => (error as { code: string }).code,
      );
      await new Promise<void>((resolve) => runtime.timers.after(delayMs, () => resolve()));
      await set.close();
      const { requests } = set.stats();
      reasons.add(`${(await set.closed).status}, ${await recovered}`);
      await new Promise<void>((resolve) => runtime.timers.after(100, () => resolve()));
      expect(set.stats().requests).toEqual(requests);
      await lost.close();
    });
  }
  expect([...reasons].toSorted()).toEqual(['closed, CLOSED', 'closed, recovered']);
});
