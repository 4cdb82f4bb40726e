// Objects of a bucket that somebody has changed, cut, exchanged or deleted behind our back: whoever reads them gets the
// right bytes or OBJECT_CORRUPT with the key, never silence and never other bytes. The engine's own tests try every bit
// on stores in memory; here it is what a bucket makes of it: etags, ranges of what has changed, keys that are missing.
import { beforeAll, describe, expect, test } from 'vitest';
import { StreamSet } from '../../src/index.ts';
import { encodeClusterFile } from '../../src/format/cluster-file.ts';
import { buildCluster, judge, type Cluster } from '../engine/damaged-cluster.ts';
import { keysOf } from '../engine/failing-store.ts';
import { bytesOf, errorOf, openView } from '../engine/world.ts';
import { startServer, storeAt } from './bad-places.ts';
import type { FakeS3 } from './fake-s3.mjs';

const probe = { purpose: 'probe' } as const;

let cluster: Cluster;
let values: Map<string, Uint8Array>;
let last: { record: string; segment: string };

beforeAll(async () => {
  cluster = await buildCluster(0);
  values = new Map();
  for (const key of await keysOf(cluster.store)) {
    const value = await cluster.store.get(key, probe);
    if (typeof value !== 'string') values.set(key, value.bytes);
  }
  const id = [...values.keys()].find((key) => key.includes('/'))?.split('/')[0] as string;
  // With a verdict, so that not every copy is probed.
  values.set('qanat.json', encodeClusterFile({ clusterId: id, probe: { version: 1_000, at: 0, checks: 0 } }));
  const keys = [...values.keys()].toSorted();
  const ofLastEpoch = (key: string): number => Number(/-(\d+)\/\d+$/.exec(key)?.[1]);
  last = {
    record: keys.findLast((key) => /\/journal\/\d+$/.test(key)) as string,
    segment: keys
      .filter((key) => key.includes('/wal/'))
      .toSorted((a, b) => ofLastEpoch(a) - ofLastEpoch(b))
      .at(-1) as string,
  };
});

/** The cluster file, the root, and the first, second and last of records, segments and data objects. */
function someOfEach(): readonly (readonly [string, Uint8Array])[] {
  const kinds = ['qanat.json', '/journal/root', '/journal/0', '/wal/', '/data/'];
  return kinds.flatMap((kind) => {
    const found = [...values].filter(([key]) => key.includes(kind));
    return found.filter((_, at) => at < 2 || at === found.length - 1);
  });
}

/** A bucket with the cluster in it, one object of which is another, or gone. */
async function bucketWith(key?: string, bytes?: Uint8Array): Promise<FakeS3> {
  const fake = await startServer({ verifySignatures: false });
  const store = storeAt(fake.endpoint);
  for (const [name, value] of values) {
    const body = name === key ? bytes : value;
    if (body !== undefined) await store.put(name, body, probe);
  }
  return fake;
}

describe('an object that was changed behind our back', () => {
  const flipped = (bytes: Uint8Array): Uint8Array =>
    bytes.map((byte, at) => (at === bytes.length >> 1 ? byte ^ 1 : byte));
  const other = (): Uint8Array => bytesOf('something else that somebody has put here');

  test('is none in a bucket that is as it was', async () => {
    const { endpoint } = await bucketWith();
    expect(await judge(cluster, storeAt(endpoint), 'undamaged')).toEqual({ errors: [], isShort: false });
  });

  test.each([
    ['flipped', flipped],
    ['exchanged', other],
    ['deleted', () => undefined],
  ] as const)('is noticed, whichever it is, when it is %s', { timeout: 60_000 }, async (what, change) => {
    for (const [key, bytes] of someOfEach()) {
      // Nothing that remains speaks of these two; see the tests of damage.
      if (what === 'deleted' && (key === last.record || key === last.segment)) continue;
      const { endpoint } = await bucketWith(key, change(bytes));
      const { errors, isShort } = await judge(cluster, storeAt(endpoint), `${what} ${key}`);
      expect(isShort && errors.length === 0, `${what} ${key}: something is missing, and nobody said so`).toBe(false);
      if (!key.includes('/wal/')) expect(errors.length, `${what} ${key}: nobody noticed`).toBeGreaterThan(0);
    }
  });

  test('is noticed by a view that is open already', async () => {
    for (const change of [flipped, (): undefined => undefined]) {
      const fake = await bucketWith();
      const view = await openView(storeAt(fake.endpoint));
      const store = storeAt(fake.endpoint);
      for (const [key, bytes] of values) {
        const changed = change(bytes);
        if (!/\/(wal|data)\//.test(key)) continue;
        if (changed === undefined) await store.delete([key], probe);
        else await store.put(key, changed, probe);
      }
      const reader = await view.reader('orders');
      const error = await errorOf(reader.read(0));
      expect(error).toMatchObject({ code: 'OBJECT_CORRUPT', key: expect.stringMatching(/\/(wal|data)\//) });
    }
  });

  test('is no new cluster: a cluster file that is gone is asked for', async () => {
    const { endpoint } = await bucketWith('qanat.json');
    const error = await errorOf(StreamSet.open({ node: 'b', store: storeAt(endpoint) }));
    expect(error).toMatchObject({ code: 'OBJECT_CORRUPT', key: 'qanat.json' });
    expect(error.message).toMatch(
      /is missing, but the store holds other keys, such as .*; restore it, or use an empty/,
    );
  });
});
