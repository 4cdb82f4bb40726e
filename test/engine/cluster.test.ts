// The cluster file and the probe: run once for a cluster and a version of the probe, before anything is written; kept
// with the file; refused stores are told apart by what they do, and left as they were.
import { describe, expect, test } from 'vitest';
import { StreamSet } from '../../src/index.ts';
import { decodeClusterFile, encodeClusterFile, probeVerdictOf } from '../../src/format/cluster-file.ts';
import { isQanatError, qanatError } from '../../src/model/errors.ts';
import { clusterFileKey } from '../../src/model/object-key.ts';
import { probeVersion } from '../../src/store/probe-store.ts';
import type { ProbeCheck } from '../../src/index.ts';
import { keysOf } from './failing-store.ts';
import { ProbedMemoryStore } from './probed-store.ts';
import { bytesOf, errorOf, later, openSet, openView } from './world.ts';

const clusterId = '0123456789abcdef'.repeat(2);
const cluster = { purpose: 'cluster' } as const;

async function fileOf(store: ProbedMemoryStore): Promise<ReturnType<typeof decodeClusterFile>> {
  const value = await store.get(clusterFileKey, cluster);
  if (typeof value === 'string') throw new Error(value);
  return decodeClusterFile(value.bytes);
}

const unavailable = (): never => {
  throw qanatError('STORE_UNAVAILABLE', 'away', { operation: 'put', key: undefined });
};

describe('a store that can be probed', () => {
  test('is probed by the first set, before anything is written, and never again', async () => {
    const store = new ProbedMemoryStore();
    store.answers = [
      () => {
        expect(store.asked).toEqual(['get cluster qanat.json', 'list cluster ']);
        return undefined;
      },
    ];
    const before = Date.now();
    await (await openSet(store)).close();
    const verdict = probeVerdictOf(await fileOf(store));
    expect(verdict).toEqual({ version: probeVersion, at: expect.any(Number), checks: expect.any(Number) });
    expect(verdict?.at).toBeGreaterThanOrEqual(before);
    expect(verdict?.checks).toBeGreaterThan(10);
    await openSet(store, { node: 'b' });
    await openView(store);
    expect(store.probes).toBe(1);
    expect((await keysOf(store)).filter((key) => key.startsWith('qanat-probe'))).toEqual([]);
  });

  test('is not probed by a view, which writes nothing', async () => {
    const store = new ProbedMemoryStore();
    expect(await errorOf(StreamSet.openReadOnly({ store }))).toMatchObject({ code: 'STORE_UNSUITABLE' });
    await (await openSet(store)).close();
    await store.put(clusterFileKey, encodeClusterFile({ clusterId: (await fileOf(store)).clusterId }), cluster);
    const asked = store.asked.length;
    await openView(store);
    expect(store.probes).toBe(1);
    expect(store.asked.slice(asked).filter((request) => request.startsWith('put'))).toEqual([]);
  });

  test.each([
    ['no verdict', {}],
    ['an older verdict', { probe: { version: probeVersion - 1, at: 1, checks: 2 } }],
    ['a verdict that cannot be understood', { probe: 'passed' }],
  ])('is probed where the file that stands has %s, which is added to it', async (_, fields) => {
    const store = new ProbedMemoryStore();
    const before = encodeClusterFile({ clusterId, createdBy: 'a test', ...fields });
    await store.put(clusterFileKey, before, cluster);
    await openSet(store);
    expect(store.probes).toBe(1);
    const file = await fileOf(store);
    expect(file).toMatchObject({ clusterId, extra: { createdBy: 'a test', probe: { version: probeVersion } } });
    await openSet(store, { node: 'b' });
    expect(store.probes).toBe(1);
  });

  test('is not probed where a later version of the package has asked more', async () => {
    const store = new ProbedMemoryStore();
    const probe = { version: probeVersion + 1, at: 1, checks: 20, more: 'said later' };
    const before = encodeClusterFile({ clusterId, probe });
    await store.put(clusterFileKey, before, cluster);
    await openSet(store);
    expect(store.probes).toBe(0);
    expect((await fileOf(store)).extra).toEqual({ probe });
  });

  test('is opened by many at once, with one cluster and one file', async () => {
    for (const isNew of [true, false]) {
      const store = new ProbedMemoryStore();
      if (!isNew) await store.put(clusterFileKey, encodeClusterFile({ clusterId }), cluster);
      const sets = await Promise.all(['a', 'b', 'c', 'd'].map((node) => openSet(store, { node })));
      expect(sets.map(({ status }) => status)).toEqual(['open', 'open', 'open', 'open']);
      expect(probeVerdictOf(await fileOf(store))?.version).toBe(probeVersion);
      await (await sets[0]!.create({ name: 's' })).append(bytesOf('x'));
      expect((await sets[3]!.nodes()).length).toBeGreaterThan(0);
      await Promise.all(sets.map((set) => set.close()));
    }
  });

  test('is begun where a probe that died has left keys, and nothing else', async () => {
    const store = new ProbedMemoryStore();
    const left = Array.from({ length: 30 }, (_, i) => `qanat-probe/${clusterId}/1-1/key-${i}`);
    for (const key of left) await store.put(key, bytesOf('left'), { purpose: 'probe' });
    await (await openSet(store)).close();
    expect((await keysOf(store)).filter((key) => key.startsWith('qanat-probe'))).toEqual(left.toSorted());
    const other = new ProbedMemoryStore();
    for (const key of [...left, 'zebra']) await other.put(key, bytesOf('left'), { purpose: 'probe' });
    const error = await errorOf(openSet(other));
    expect(error).toMatchObject({ code: 'OBJECT_CORRUPT', message: expect.stringContaining('such as zebra') });
    expect(other.probes).toBe(0);
  });

  test('has the requests of its probe counted', async () => {
    const store = new ProbedMemoryStore();
    const set = await openSet(store);
    const told = set.stats().requests.filter(({ purpose }) => purpose === 'probe');
    const asked = store.asked.filter((request) => request.split(' ')[1] === 'probe');
    for (const operation of ['put', 'get', 'list'] as const) {
      const counts = told.find((one) => one.operation === operation);
      expect(counts?.requests).toBe(asked.filter((request) => request.startsWith(operation)).length);
    }
    expect(told.find(({ operation }) => operation === 'get')?.bytesOut).toBeGreaterThan(1_000);
    expect(told.find(({ operation }) => operation === 'put')?.bytesOut).toBe(0);
  });
});

describe('a store that fails its probe', () => {
  const passed: ProbeCheck = { name: 'lists are in order', verdict: 'passed', latencyMs: 1 };
  const failed: ProbeCheck = {
    ...passed,
    name: 'a key is created once',
    verdict: 'failed',
    problem: 'two writers were told so; use another store',
  };

  test('is refused with each check that failed, and nothing is written', async () => {
    const store = new ProbedMemoryStore();
    store.answers = [() => [passed, failed, { ...failed, name: 'ranges are right', problem: 'they are not' }]];
    const error = await errorOf(openSet(store));
    expect(error).toMatchObject({
      code: 'STORE_UNSUITABLE',
      action: 'correct',
      outcome: 'none',
      problem: 'it failed 2 of 3 checks of the probe',
      failedChecks: [
        { name: 'a key is created once', problem: 'two writers were told so; use another store' },
        { name: 'ranges are right', problem: 'they are not' },
      ],
    });
    expect(error.message.split('\n')).toEqual([
      'this store cannot be used: it failed 2 of 3 checks of the probe',
      '- a key is created once: two writers were told so; use another store',
      '- ranges are right: they are not',
    ]);
    expect(await keysOf(store)).toEqual([]);
  });

  test('is refused also where a cluster stands, which is left as it is', async () => {
    const store = new ProbedMemoryStore();
    const before = encodeClusterFile({ clusterId });
    await store.put(clusterFileKey, before, cluster);
    store.answers = [() => [failed]];
    expect(await errorOf(openSet(store))).toMatchObject({ code: 'STORE_UNSUITABLE' });
    expect(await store.get(clusterFileKey, cluster)).toMatchObject({ bytes: before });
  });

  test('has all permissions named that are missing, also if the first request is refused already', async () => {
    const store = new ProbedMemoryStore();
    const refusal = (permission: string): Error =>
      qanatError('STORE_UNSUITABLE', permission, { problem: permission, permission, key: 'k' });
    const lacks = ['s3:GetObject', 's3:DeleteObject'];
    store.answers = [() => lacks.map((permission) => ({ ...failed, permission, problem: `allow ${permission}` }))];
    const denied = Object.assign(store, { get: () => Promise.reject(refusal('s3:GetObject')) });
    const error = await errorOf(openSet(denied));
    expect(error).toMatchObject({ code: 'STORE_UNSUITABLE', permission: 's3:GetObject' });
    expect(isQanatError(error, 'STORE_UNSUITABLE') && error.failedChecks?.map((one) => one.permission)).toEqual(lacks);
    expect(error.message).toContain('the credentials lack s3:GetObject, s3:DeleteObject');
    store.answers = [() => [passed]];
    expect(await errorOf(openSet(denied))).toMatchObject({ message: 's3:GetObject' });
    expect(await errorOf(StreamSet.openReadOnly({ store: denied }))).toMatchObject({ message: 's3:GetObject' });
  });

  test('is refused at once where nothing can be done with it', async () => {
    const store = new ProbedMemoryStore();
    const problem = 'there is no bucket';
    store.answers = [
      () => {
        throw qanatError('STORE_UNSUITABLE', problem, { problem });
      },
    ];
    expect(await errorOf(openSet(store))).toMatchObject({ code: 'STORE_UNSUITABLE', problem });
    expect(store.probes).toBe(1);
  });
});

describe('a store that is away while it is probed', () => {
  test('is probed again, until it is there', async () => {
    const store = new ProbedMemoryStore();
    store.answers = [unavailable, unavailable, () => undefined];
    const set = await openSet(store, { settings: { storeDeadlineMs: 20_000 } });
    expect([set.status, store.probes]).toEqual(['open', 3]);
  });

  test('is given up at the deadline, or with the signal', async () => {
    const store = new ProbedMemoryStore();
    store.answers = [unavailable];
    const late = await errorOf(openSet(store, { settings: { storeDeadlineMs: 100 } }));
    expect(late).toMatchObject({ code: 'STORE_UNAVAILABLE' });
    const controller = new AbortController();
    const reason = new Error('enough');
    const opening = errorOf(openSet(store, { signal: controller.signal }));
    later(async () => controller.abort(reason));
    await expect.poll(() => store.probes).toBeGreaterThan(3);
    controller.abort(reason);
    expect(await opening).toBe(reason);
    expect(await keysOf(store)).toEqual([]);
  });
});
