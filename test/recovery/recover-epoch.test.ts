// Recovery by others than the node itself: several at once, and dying at any step. Who opens a stream of a fenced epoch
// finishes that recovery first (R7).
import { expect, test } from 'vitest';
import { MemoryObjectStore, StreamSet, systemRuntime } from '../../src/index.ts';
import type { ObjectStore } from '../../src/index.ts';
import type { Foundation } from '../../src/engine/foundation.ts';
import { FaultyObjectStore } from '../../src/testkit/faulty-object-store.ts';
import { copyOf } from '../engine/failing-store.ts';
import { bytesOf, errorOf, later, openSet, readAll } from '../engine/world.ts';

const settings = { storeDeadlineMs: 5_000, segmentSizeMinBytes: 1 };
const texts = ['1', '2', '3', '4', '5', '6'];

const foundationOf = (set: StreamSet): Foundation => (set as unknown as { foundation: Foundation }).foundation;

/** A node died with some of its WAL registered, and was fenced; nobody has recovered it. */
async function fencedNode(): Promise<MemoryObjectStore> {
  const store = new MemoryObjectStore();
  const connection = new FaultyObjectStore(store, { runtime: systemRuntime, seed: 1, faults: [] });
  const set = await StreamSet.open({ node: 'dead', store: connection, settings });
  const streams = await Promise.all(['one', 'two'].map((name) => set.create({ name })));
  for (const [i, text] of texts.entries()) {
    await Promise.all(streams.map((stream) => stream.append(bytesOf(text))));
    if (i === 2) await set.upload();
  }
  connection.crash();
  await set.close();
  const judge = await StreamSet.open({ node: 'judge', store, settings });
  const { catalog } = foundationOf(judge);
  expect(await catalog.propose({ kind: 'fence', node: 'dead', epoch: set.nodeEpoch })).toMatchObject({ applied: true });
  await judge.close();
  return store;
}

test('a stream of a live node is not taken, one of a fenced node is when its epoch is recovered', async () => {
  const store = await fencedNode();
  const set = await openSet(store, { node: 'b' });
  expect(await set.nodes()).toContainEqual(expect.objectContaining({ node: 'dead', status: 'fenced' }));
  const one = await set.open('one');
  expect(await readAll(one)).toEqual(texts);
  expect(one.nextOffset).toBe(texts.length);
  expect(await set.nodes()).toContainEqual(
    expect.objectContaining({ node: 'dead', status: 'closed', unrecoveredEpoch: undefined }),
  );
  const other = await openSet(store, { node: 'c' });
  expect(await errorOf(other.open('one'))).toMatchObject({ code: 'STREAM_OWNED', owner: 'b' });
  expect(await readAll(await other.open('two'))).toEqual(texts);
});

test.each([2, 8])('%i nodes that recover an epoch at once come to one end', async (count) => {
  const store = await fencedNode();
  const nodes = Array.from({ length: count }, (_, i) => `node-${i}`);
  const sets = await Promise.all(nodes.map((node) => StreamSet.open({ node, store, settings })));
  for (const set of sets) later(() => set.close());
  await Promise.all(sets.map((set) => set.sync()));
  const opens = await Promise.allSettled(sets.flatMap((set) => [set.open('one'), set.open('two')]));
  const won = opens.flatMap((open) => (open.status === 'fulfilled' ? [open.value] : []));
  expect(new Set(won.map(({ name }) => name))).toEqual(new Set(['one', 'two']));
  expect(won).toHaveLength(2);
  for (const open of opens) if (open.status === 'rejected') expect(open.reason).toMatchObject({ code: 'STREAM_OWNED' });
  for (const stream of won) {
    expect(await readAll(stream)).toEqual(texts);
    expect(await stream.append(bytesOf('7'))).toEqual({ startOffset: 6, endOffset: 7 });
  }
  for (const set of sets) expect(set.status).toBe('open');
});

test.each(['lands', 'vanishes'] as const)(
  'a recoverer that dies at any call (%s) leaves the rest to the next',
  async (underWay) => {
    const store = await fencedNode();
    let deaths = 0;
    for (let nth = 1; ; nth++) {
      const copy: ObjectStore = await copyOf(store);
      const connection = new FaultyObjectStore(copy, { runtime: systemRuntime, seed: nth, faults: [] });
      const first = await StreamSet.open({ node: 'b', store: connection, settings });
      connection.inject([{ nth, fault: { kind: 'crash', underWay } }]);
      await first.open('one').catch(() => {});
      const { crashed } = connection;
      if (crashed) {
        deaths += 1;
        const second = await openSet(copy, { node: 'c' });
        expect(await readAll(await second.open('two')), `death at call ${nth}`).toEqual(texts);
        const again = await openSet(copy, { node: 'b' });
        expect(await readAll(await again.open('one')), `death at call ${nth}`).toEqual(texts);
      }
      await first.close();
      if (!crashed) break;
    }
    expect(deaths).toBeGreaterThan(10);
  },
);
