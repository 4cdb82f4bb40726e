// Sealing an object WAL of which something is given up by hand: from a segment on that is damaged or lost.
import { expect, test } from 'vitest';
import { decodeFooter, encodeDataObject } from '../../src/format/data-object.ts';
import { MemoryObjectStore } from '../../src/store/memory-object-store.ts';
import type { ObjectStore } from '../../src/store/object-store.ts';
import {
  batch,
  clusterId,
  indexesOf,
  MemoryEpochState,
  openWal,
  sealWal,
  segmentKey,
  turn,
  upTo,
} from './wal-place.ts';

const purpose = 'probe' as const;

/** A store with segments 0 to `count` − 1, all acknowledged but the last. */
async function storeWith(count: number): Promise<MemoryObjectStore> {
  const store = new MemoryObjectStore();
  for (const sequence of upTo(count)) {
    const durableBelow = sequence;
    const head = { clusterId, kind: 'wal-segment', node: 'a', nodeEpoch: 7, sequence, durableBelow } as const;
    await store.put(segmentKey(sequence), encodeDataObject(head, [batch(sequence)]).bytes, { purpose });
  }
  return store;
}

async function damage(store: ObjectStore, sequence: number): Promise<void> {
  await store.put(segmentKey(sequence), new Uint8Array(100).fill(7), { purpose });
}

async function lose(store: ObjectStore, sequence: number): Promise<void> {
  await store.delete([segmentKey(sequence)], { purpose });
}

async function sealsIn(store: ObjectStore, count: number): Promise<number[]> {
  const seals: number[] = [];
  for (const sequence of upTo(count)) {
    const key = segmentKey(sequence);
    const value = await store.get(key, { purpose });
    if (typeof value === 'string' || value.size === 100) continue;
    if (decodeFooter(value.bytes, { key, size: value.size }).kind === 'seal') seals.push(sequence);
  }
  return seals;
}

test.each([
  ['damaged', damage],
  ['lost', lose],
] as const)(
  'What is sound below a %s segment is kept, and the seal stands behind all that is there',
  async (_, harm) => {
    const store = await storeWith(8);
    await harm(store, 3);
    await harm(store, 5);
    await expect(sealWal(store)).rejects.toMatchObject({ code: 'OBJECT_CORRUPT', key: segmentKey(3) });
    expect(await sealsIn(store, 10)).toEqual([]);
    for (const round of [1, 2]) {
      const sealed = await sealWal(store, undefined, { cutAt: 3 });
      expect(sealed, `round ${round}`).toMatchObject({ sealedAt: 8, cut: { at: 3, unreadCount: 2 } });
      expect(await indexesOf(sealed)).toEqual([0, 1, 2]);
      expect(sealed?.cut?.segments.map(({ sequence }) => sequence)).toEqual([4, 6, 7]);
      expect(await sealsIn(store, 10)).toEqual([8]);
    }
    await expect(sealWal(store)).rejects.toMatchObject({ code: 'OBJECT_CORRUPT' }); // The seal buries nothing.
  },
);

test('A cut below the damage gives up more, a cut above it changes nothing', async () => {
  const store = await storeWith(6);
  await damage(store, 3);
  await expect(sealWal(store, undefined, { cutAt: 4 })).rejects.toMatchObject({ code: 'OBJECT_CORRUPT' });
  expect(await sealsIn(store, 10)).toEqual([]);
  expect(await sealWal(store, undefined, { cutAt: 1 })).toMatchObject({
    sealedAt: 6,
    cut: { at: 1, unreadCount: 1 },
    segments: [{ sequence: 0 }],
  });
});

test('The last segment can be cut off, and so can the first', async () => {
  for (const at of [0, 4]) {
    const store = await storeWith(5);
    await damage(store, at);
    const sealed = await sealWal(store, undefined, { cutAt: at });
    expect(sealed).toMatchObject({ sealedAt: 5, cut: { at, unreadCount: 1 } });
    expect(sealed?.segments).toHaveLength(at);
  }
});

test('A cut at the end gives nothing up; one beyond it is refused before anything is sealed', async () => {
  const store = await storeWith(3);
  const refused = { code: 'INVALID_ARGUMENT', message: expect.stringContaining('from 0 to 3') as string };
  await expect(sealWal(store, undefined, { cutAt: 4 })).rejects.toMatchObject(refused);
  expect(await sealsIn(store, 10)).toEqual([]);
  const sealed = await sealWal(store, undefined, { cutAt: 3 });
  expect(sealed).toMatchObject({ sealedAt: 3, cut: undefined });
  expect(sealed?.segments).toHaveLength(3);
  await expect(sealWal(store, undefined, { cutAt: 4 })).rejects.toMatchObject(refused);
});

test('A cut below the released position is refused, also if the position moves meanwhile', async () => {
  const store = await storeWith(5);
  const state = new MemoryEpochState();
  state.released = 2;
  const refused = { code: 'INVALID_ARGUMENT', message: expect.stringMatching(/is 1, .* begins at [24]/) as string };
  await expect(sealWal(store, state, { cutAt: 1 })).rejects.toMatchObject(refused);
  state.released = 0;
  state.onReread = () => (state.released = 4);
  await expect(sealWal(store, state, { cutAt: 1 })).rejects.toMatchObject(refused);
  expect(await sealsIn(store, 10)).toEqual([]);
});

test('Who comes after the recovery adopts it, with a cut or without', async () => {
  const store = await storeWith(5);
  const state = new MemoryEpochState();
  state.sealedAt = 9;
  expect(await sealWal(store, state, { cutAt: 2 })).toBeUndefined();
});

test('A seal in a hole that was acknowledged ends nothing', async () => {
  const store = await storeWith(6);
  await lose(store, 2);
  const seal = { clusterId, kind: 'seal', node: 'a', nodeEpoch: 7, sequence: 2, durableBelow: 0 } as const;
  await store.put(segmentKey(2), encodeDataObject(seal, []).bytes, { purpose });
  await expect(sealWal(store)).rejects.toMatchObject({ code: 'OBJECT_CORRUPT', key: segmentKey(2) });
  expect(await sealWal(store, undefined, { cutAt: 2 })).toMatchObject({ sealedAt: 6, cut: { at: 2, unreadCount: 1 } });
});

test.each([
  ['damaged', damage],
  ['lost', lose],
] as const)('A writer that lives is stopped, and told that what is given up was not applied (%s)', async (_, harm) => {
  const store = new MemoryObjectStore();
  const { wal, sink, state } = await openWal(store, { settings: { segmentSizeMinBytes: 1 } });
  let next = 0;
  const write = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) {
      wal.append(batch(next));
      next += 1;
      await turn();
    }
    await turn();
  };
  await write(6);
  expect(sink.durableCount).toBe(6);
  await harm(store, 2);
  const sealing = sealWal(store, undefined, { cutAt: 2 });
  while (sink.end === undefined) {
    await write(3);
    const sealed = await Promise.race([sealing, turn()]);
    if (sealed !== undefined) state.sealedAt = sealed.cut?.at ?? sealed.sealedAt;
  }
  const sealed = await sealing;
  expect(sealed?.cut?.at).toBe(2);
  expect(sink.end).toMatchObject({ reason: 'fenced' });
  expect(sink.durableCount).toBeLessThanOrEqual(sealed?.sealedAt ?? 0); // One batch each.
  await wal.close();
});
