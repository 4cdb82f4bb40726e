// A small cluster with a bit of everything, whose node died, and the judgement on what opening and reading a damaged
// copy of it may give: the right bytes, or an error that says which object is damaged. Never anything else.
import { expect } from 'vitest';
import { isQanatError, MemoryObjectStore, objectWal, StreamSet, systemRuntime } from '../../src/index.ts';
import type { ObjectStore, StreamSetView } from '../../src/index.ts';
import { FaultyObjectStore } from '../../src/testkit/faulty-object-store.ts';
import { keysOf } from './failing-store.ts';
import { bytesOf, readBatches, textOf, within } from './world.ts';

/** Streams by name, each with its batches by offset. */
export type History = ReadonlyMap<string, ReadonlyMap<number, string>>;

export interface Cluster {
  readonly store: MemoryObjectStore;
  /** What is registered, as any reader sees it. */
  readonly registered: History;
  /** Everything acknowledged, as its node sees it after recovery. */
  readonly acknowledged: History;
  /** First readable offset of each stream. */
  readonly starts: ReadonlyMap<string, number>;
}

const settings = { storeDeadlineMs: 500, segmentSizeMinBytes: 1, catalogRefreshMs: 10 };
const names = ['orders', 'audit', 'trimmed'];

/** Builds it; `extraRecords` lengthens the journal, so that snapshots stand in it and its beginning is collected. */
export async function buildCluster(extraRecords: number): Promise<Cluster> {
  const store = new MemoryObjectStore();
  const history = new Map(names.map((name) => [name, new Map<number, string>()]));
  const open = async (): Promise<{ set: StreamSet; connection: FaultyObjectStore }> => {
    const connection = new FaultyObjectStore(store, { runtime: systemRuntime, seed: 1, faults: [] });
    return { set: await StreamSet.open({ node: 'a', store: connection, settings }), connection };
  };
  const append = async (set: StreamSet, name: string, text: string): Promise<void> => {
    const { startOffset } = await (await set.open(name)).append(bytesOf(text), { count: 2, timestamp: text.length });
    history.get(name)!.set(startOffset, text);
  };
  const first = await open();
  for (const name of names) await first.set.create({ name, attributes: { of: name } });
  await first.set.kv.put('key', bytesOf('value'));
  for (const text of ['a', 'b', 'c']) for (const name of names) await append(first.set, name, `${name} ${text}`);
  await first.set.upload();
  for (const name of names) await append(first.set, name, `${name} d`);
  await first.set.close();
  const second = await open();
  for (let i = 0; i < extraRecords; i++) await second.set.kv.put('counter', bytesOf(String(i)));
  const isCollected = async (): Promise<boolean> => (await keysOf(store)).length < extraRecords;
  while (extraRecords > 0 && !(await isCollected())) await new Promise((resolve) => setTimeout(resolve, 5));
  for (const name of names) await append(second.set, name, `${name} e`);
  await (await second.set.open('trimmed')).trim(4);
  await second.set.upload();
  const registered = copy(history);
  for (const text of ['f', 'g']) for (const name of names) await append(second.set, name, `${name} ${text}`);
  second.connection.crash();
  await second.set.close();
  return { store, registered, acknowledged: history, starts: new Map([['trimmed', 4]]) };
}

function copy(history: History): History {
  return new Map([...history].map(([name, batches]) => [name, new Map(batches)]));
}

export interface Judgement {
  /** The errors that were met, by code and key. */
  readonly errors: readonly { readonly code: string; readonly key: unknown }[];
  /** Whether batches at the end were missing, without an error. */
  readonly isShort: boolean;
}

/** Opens a view, and then the node, and reads everything. Fails if anything but right bytes or a damage comes of it. */
export async function judge(cluster: Cluster, store: ObjectStore, what: string, alsoNode = true): Promise<Judgement> {
  const errors: { code: string; key: unknown }[] = [];
  let isShort = false;
  const attempt = async (work: () => Promise<void>): Promise<void> => {
    try {
      if ((await within(10_000, work())) === 'waits') throw new Error(`${what}: nothing happened for ten seconds`);
    } catch (cause) {
      if (!isQanatError(cause)) throw cause;
      const { code } = cause;
      expect(code, `${what}: ${cause.message}`).toMatch(/^(OBJECT_CORRUPT|FORMAT_UNSUPPORTED)$/);
      expect((cause as { key?: unknown }).key, `${what}: ${cause.message}`).toMatch(/./);
      if (code === 'OBJECT_CORRUPT') expect(cause.position ?? 0).toBeGreaterThanOrEqual(0);
      errors.push({ code, key: (cause as { key?: unknown }).key });
    }
  };
  const read = async (set: StreamSetView, name: string, expected: ReadonlyMap<number, string>): Promise<void> => {
    const reader = await set.reader(name);
    const start = cluster.starts.get(name) ?? 0;
    if (reader.startOffset !== start) isShort = true;
    const found = new Map((await readBatches(reader)).map(({ startOffset, bytes }) => [startOffset, textOf(bytes)]));
    for (const [offset, text] of found) {
      const right = cluster.acknowledged.get(name)!.get(offset);
      if (text !== right) throw new Error(`${what}: wrong bytes of ${name} at ${offset}: ${text}`);
    }
    for (const offset of expected.keys()) if (offset >= start && !found.has(offset)) isShort = true;
  };
  await attempt(async () => {
    const view = await StreamSet.openReadOnly({ store, settings });
    try {
      for (const [name, batches] of cluster.registered) await attempt(() => read(view, name, batches));
    } finally {
      await view.close();
    }
  });
  if (!alsoNode) return { errors, isShort };
  await attempt(async () => {
    const set = await StreamSet.open({ node: 'a', store, wal: objectWal(), settings });
    try {
      for (const [name, batches] of cluster.acknowledged)
        await attempt(async () => {
          await set.open(name);
          await read(set, name, batches);
        });
      if (textOf((await set.kv.get('key'))?.value ?? bytesOf('')) !== 'value') isShort = true;
    } finally {
      await set.close();
    }
  });
  return { errors, isShort };
}
