// The catalog's replica and its way to propose: changes that wait together, lost races, lost answers, collected
// records, snapshots. The journal is in memory, and answers as each test has it answer.
import { afterEach, expect, test } from 'vitest';
import { systemRuntime, type Runtime } from '../../src/base/runtime.ts';
import { Catalog } from '../../src/catalog/catalog.ts';
import type { Change, Verdict } from '../../src/catalog/change.ts';
import { encodeState } from '../../src/catalog/state-snapshot.ts';
import type { AppendVerdict, Journal, JournalOptions } from '../../src/journal/journal.ts';
import { MemoryJournal } from '../../src/journal/memory-journal.ts';
import { qanatError } from '../../src/model/errors.ts';
import { seededRandom } from '../../src/testkit/seeded-random.ts';

const clusterId = '0123456789abcdef'.repeat(2);
const catalogs: Catalog[] = [];
afterEach(async () => {
  for (const catalog of catalogs.splice(0)) await catalog.close();
});

/** A journal handle whose next appends are done by a script. */
class ScriptedJournal implements Journal {
  readonly inner: MemoryJournal;
  /** One for each append that goes another way than the inner journal's. */
  readonly script: ((index: number, bytes: Uint8Array) => Promise<AppendVerdict>)[] = [];
  appends = 0;
  readonly read: Journal['read'];
  readonly snapshots: Journal['snapshots'];
  readonly saveSnapshot: Journal['saveSnapshot'];
  readonly truncate: Journal['truncate'];
  readonly close: Journal['close'];

  constructor(inner: MemoryJournal) {
    this.inner = inner;
    this.read = (from, limit, options) => inner.read(from, limit, options);
    this.snapshots = (options) => inner.snapshots(options);
    this.saveSnapshot = (index, bytes, options) => inner.saveSnapshot(index, bytes, options);
    this.truncate = (upTo, options) => inner.truncate(upTo, options);
    this.close = () => inner.close();
  }

  append(index: number, bytes: Uint8Array, options?: JournalOptions): Promise<AppendVerdict> {
    this.appends += 1;
    return this.script.shift()?.(index, bytes) ?? this.inner.append(index, bytes, options);
  }
}

async function openCatalog(journal: Journal, runtime: Runtime = systemRuntime): Promise<Catalog> {
  const catalog = await Catalog.open({ journal, clusterId, runtime, observer: {} });
  catalogs.push(catalog);
  return catalog;
}

/** A replica with an epoch of its own. */
async function openWriter(
  node: string,
  shared: MemoryJournal,
  runtime?: Runtime,
): Promise<{ catalog: Catalog; journal: ScriptedJournal; epoch: number }> {
  const journal = new ScriptedJournal(shared.openPeer());
  const catalog = await openCatalog(journal, runtime);
  catalog.signAs(node, node.repeat(32).slice(0, 32));
  const wal = { kind: 'none', id: '' } as const;
  const verdict = await catalog.propose({ kind: 'register', node, wal, attributes: {}, rules: 1 });
  if (!verdict.applied) throw new Error(verdict.reason);
  catalog.signAs(node, verdict.value);
  return { catalog, journal, epoch: verdict.value };
}

const put = (key: string, more: { ifVersion?: number } = {}): Change => ({
  kind: 'kv-put',
  key,
  value: new Uint8Array([1]),
  ...more,
});
const unknown = (): Error =>
  qanatError('STORE_UNAVAILABLE', 'no answer', { operation: 'put', key: undefined }, { outcome: 'unknown' });
const isApplied = ({ applied }: Verdict): boolean => applied;

test('a thousand changes proposed at once go in a few records, and each gets its own verdict', async () => {
  const { catalog, journal } = await openWriter('a', new MemoryJournal());
  journal.appends = 0;
  const verdicts = await Promise.all(
    Array.from({ length: 1_000 }, (_, i) => catalog.propose(put(`key ${i % 500}`, { ifVersion: 0 }))),
  );
  expect(journal.appends).toBeLessThanOrEqual(2);
  expect(verdicts.slice(0, 500).every(isApplied)).toBe(true);
  expect(verdicts.slice(500).some(isApplied)).toBe(false);
  const first = verdicts[0] as { value: number };
  expect(verdicts[500]).toEqual({ applied: false, reason: 'conflict', fact: first.value });
});

test('changes that are large together go in several records of at most about a megabyte', async () => {
  const { catalog, journal } = await openWriter('a', new MemoryJournal());
  journal.appends = 0;
  const value = new Uint8Array(60_000);
  const changes = Array.from({ length: 50 }, (_, i) => catalog.propose({ kind: 'kv-put', key: `${i}`, value }));
  expect((await Promise.all(changes)).every(isApplied)).toBe(true);
  expect(journal.appends).toBeGreaterThanOrEqual(3);
  expect(journal.appends).toBeLessThanOrEqual(4);
});

test('replicas that race for indexes lose nothing and apply nothing twice', async () => {
  const shared = new MemoryJournal();
  const writers = await Promise.all(['a', 'b', 'c', 'd'].map((node) => openWriter(node, shared)));
  const work = writers.map(async ({ catalog, epoch }) => {
    for (let i = 0; i < 20; i++) {
      const verdict = await catalog.propose(put(`${epoch}/${i}`, { ifVersion: 0 }));
      expect(verdict.applied).toBe(true);
    }
  });
  await Promise.all(work);
  await Promise.all(writers.map(({ catalog }) => catalog.sync()));
  const states = writers.map(({ catalog: { state } }) => ({
    index: state.index,
    digest: Buffer.from(state.digest).toString('hex'),
    keys: [...state.kvEntries()].length,
  }));
  for (const state of states) expect(state).toEqual(states[0]);
  expect(states[0]?.keys).toBe(80);
});

test('a writer that has waited after a lost race tries at the index that is free after the wait', async () => {
  const shared = new MemoryJournal();
  const a = await openWriter('a', shared);
  let others = 0;
  const goOn = async (): Promise<void> => {
    if (others++ < 20) await a.catalog.propose(put(`another ${others}`));
  };
  // While b waits, a goes on.
  const timers: Runtime['timers'] = {
    ...systemRuntime.timers,
    after: (delayMs, run) => {
      void goOn().then(run);
      return systemRuntime.timers.after(delayMs, () => {});
    },
  };
  const b = await openWriter('b', shared, { ...systemRuntime, random: seededRandom(1), timers });
  b.journal.appends = 0;
  b.journal.script.push(async (index, bytes) => {
    await goOn();
    return b.journal.inner.append(index, bytes);
  });
  expect(isApplied(await b.catalog.propose(put('mine')))).toBe(true);
  expect(b.journal.appends).toBe(2);
});

test('an append whose answer is lost leaves its change unknown; what comes next settles it first', async () => {
  for (const lands of [true, false]) {
    const { catalog, journal } = await openWriter('a', new MemoryJournal());
    journal.script.push(async (index, bytes) => {
      if (lands) await journal.inner.append(index, bytes);
      throw unknown();
    });
    await expect(catalog.propose(put('lost', { ifVersion: 0 }))).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      outcome: 'unknown',
    });
    expect(await catalog.propose(put('next', { ifVersion: 0 }))).toMatchObject({ applied: true });
    expect(catalog.state.kv('lost')).toBeDefined(); // The same bytes were sent again, at the same index.
    expect(catalog.state.index).toBe(3);
  }
});

test('an unknown change whose index another record took is given up, and never applied later', async () => {
  const shared = new MemoryJournal();
  const { catalog, journal } = await openWriter('a', shared);
  const other = await openWriter('b', shared);
  await catalog.sync();
  journal.script.push(async () => {
    await other.catalog.propose(put('other'));
    throw unknown();
  });
  await expect(catalog.propose(put('lost'))).rejects.toMatchObject({ outcome: 'unknown' });
  expect(await catalog.propose(put('next'))).toMatchObject({ applied: true });
  await other.catalog.sync();
  for (const { state } of [catalog, other.catalog])
    expect([...state.kvEntries()].map(({ key }) => key)).toEqual(['next', 'other']);
});

test('a failure that certainly changed nothing leaves the number free', async () => {
  const { catalog, journal } = await openWriter('a', new MemoryJournal());
  journal.script.push(() =>
    Promise.reject(qanatError('STORE_UNAVAILABLE', 'no', { operation: 'put', key: undefined })),
  );
  await expect(catalog.propose(put('lost'))).rejects.toMatchObject({ outcome: 'none' });
  expect(await catalog.propose(put('next'))).toMatchObject({ applied: true });
  expect(catalog.state.kv('lost')).toBeUndefined();
});

/** Another node goes on, snapshots twice and collects everything so far. */
async function collect(other: { catalog: Catalog; journal: ScriptedJournal }): Promise<void> {
  for (const key of ['x', 'y']) {
    await other.catalog.propose(put(key));
    const { state } = other.catalog;
    await other.journal.inner.saveSnapshot(state.index, await encodeState(state, () => Promise.resolve()));
  }
  await other.journal.inner.truncate(other.catalog.state.index);
}

test.each([true, false])(
  'a record whose index was collected is looked up in the snapshot (it had been applied: %s)',
  async (lands) => {
    const shared = new MemoryJournal();
    const { catalog, journal } = await openWriter('a', shared);
    const other = await openWriter('b', shared);
    await catalog.sync();
    journal.script.push(async (index, bytes) => {
      if (lands) await journal.inner.append(index, bytes);
      await collect(other);
      return 'collected';
    });
    const verdicts = await Promise.all([
      catalog.propose(put('mine', { ifVersion: 0 })),
      catalog.propose(put('mine', { ifVersion: 0 })),
    ]);
    expect(verdicts.map(isApplied)).toEqual([true, false]);
    expect(journal.appends).toBe(lands ? 2 : 3); // The registration is one; what was not applied is proposed again.
    expect(catalog.state.kv('mine')?.version).toBe((verdicts[0] as { value: number }).value);
    await catalog.propose(put('more'));
    await other.catalog.sync();
    expect(other.catalog.state.digest).toEqual(catalog.state.digest);
  },
);

test('a record that was collected together with its epoch is unknown for ever', async () => {
  const shared = new MemoryJournal();
  const { catalog, journal, epoch } = await openWriter('a', shared);
  const other = await openWriter('b', shared);
  journal.script.push(async () => {
    await other.catalog.propose({ kind: 'fence', node: 'a', epoch });
    await other.catalog.propose({ kind: 'recovered', node: 'a', epoch, from: 0, sealedAt: 0 });
    await collect(other);
    return 'collected';
  });
  await expect(catalog.propose(put('mine'))).rejects.toMatchObject({
    code: 'NODE_FENCED',
    outcome: 'unknown',
    nodeEpoch: epoch,
  });
  expect(await catalog.propose(put('next'))).toMatchObject({ applied: false, reason: 'fenced' });
});

test('a snapshot is taken every 512 records, and a new replica begins from it', async () => {
  const shared = new MemoryJournal();
  const { catalog, journal } = await openWriter('a', shared);
  const saved: number[] = [];
  const observed = await Catalog.open({ journal: shared.openPeer(), clusterId, runtime: systemRuntime, observer: {} });
  catalogs.push(observed);
  for (let i = 0; i < 1_100; i++) await catalog.propose(put(`key ${i % 50}`));
  for (let i = 0; i < 200 && (await shared.read(1, 1)) !== 'collected'; i++) await systemRuntime.timers.turn();
  for (const { index } of await shared.snapshots()) saved.push(index);
  expect(saved).toEqual([1_024, 512]);
  expect(await journal.inner.read(512, 1)).toBe('collected');
  const changes: string[] = [];
  observed.subscribe(({ of, what }) => changes.push(`${of} ${what}`));
  await observed.sync();
  expect(changes[0]).toBe('catalog reloaded');
  const fresh = await openCatalog(shared.openPeer());
  for (const { state } of [observed, fresh]) {
    expect(state.index).toBe(catalog.state.index);
    expect(state.digest).toEqual(catalog.state.digest);
  }
});

test('a replica that disagrees with the journal fails for good, and tells once', async () => {
  const shared = new MemoryJournal();
  const { catalog } = await openWriter('a', shared);
  const other = await openWriter('b', shared);
  await catalog.sync();
  const failures: unknown[] = [];
  other.catalog.onFailure((cause) => failures.push(cause));
  other.catalog.state.digest = new Uint8Array(16); // As a bug would have it.
  await catalog.propose(put('x'));
  await expect(other.catalog.sync()).rejects.toMatchObject({ code: 'OBJECT_CORRUPT' });
  for (const call of [() => other.catalog.sync(), () => other.catalog.propose(put('y'))])
    await expect(call()).rejects.toMatchObject({ code: 'OBJECT_CORRUPT' });
  expect(failures).toHaveLength(1);
  other.catalog.onFailure((cause) => failures.push(cause));
  expect(failures[1]).toBe(failures[0]);
});

test('a sync is answered also while changes always wait', async () => {
  const { catalog, journal } = await openWriter('a', new MemoryJournal());
  const { append } = journal;
  let proposed = 0;
  const sent: Promise<Verdict>[] = [];
  // With every record under way the next change comes, so that there is always one that waits.
  journal.append = (...args) => {
    if (proposed < 50) sent.push(catalog.propose(put(`key ${proposed++}`)));
    return append.apply(journal, args);
  };
  sent.push(catalog.propose(put('first')));
  await catalog.sync();
  expect(proposed).toBeLessThan(5);
  proposed = 50;
  expect((await Promise.all(sent)).every(isApplied)).toBe(true);
});

test('closing rejects what waits, and does not wait for a journal that never answers', async () => {
  const { catalog, journal } = await openWriter('a', new MemoryJournal());
  let onAbort: (() => void) | undefined;
  journal.append = (_index, _bytes, options) =>
    new Promise((_resolve, reject) => {
      onAbort = () => reject(options?.signal?.reason as Error);
      options?.signal?.addEventListener('abort', onAbort);
    });
  const calls = [catalog.propose(put('x')), catalog.propose(put('y')), catalog.sync()].map((call) =>
    call.catch((cause: unknown) => cause),
  );
  await systemRuntime.timers.turn();
  calls.push(catalog.propose(put('late')).catch((cause: unknown) => cause));
  await catalog.close();
  for (const outcome of await Promise.all(calls)) expect(outcome).toMatchObject({ code: 'CLOSED' });
  await expect(catalog.sync()).rejects.toMatchObject({ code: 'CLOSED' });
});
