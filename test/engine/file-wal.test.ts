import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { fileWal, memoryWal, MemoryObjectStore, objectWal, StreamSet, type QanatEvents } from '../../src/index.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'qanat-file-wal-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const wal = (name = 'a') => fileWal({ directory: join(directory, name) });
const codeOf = (cause: unknown): unknown => (cause as { code?: unknown }).code;

test('appends through a file WAL are uploaded on close and found again', async () => {
  const store = new MemoryObjectStore();
  const set = await StreamSet.open({ node: 'a', store, wal: wal() });
  const stream = await set.create({ name: 'orders' });
  await Promise.all(Array.from({ length: 1_000 }, (_, i) => stream.append(Buffer.from(`${i}`))));
  await set.close();
  const again = await StreamSet.open({ node: 'a', store, wal: wal() });
  const { batches } = await (await again.open('orders')).read(0, { maxBytes: 10_000_000 });
  expect(batches.map(({ bytes }) => Buffer.from(bytes).toString())).toEqual(
    Array.from({ length: 1_000 }, (_, i) => `${i}`),
  );
  const { keys } = await store.list({ prefix: '', purpose: 'read' });
  expect(keys.filter(({ key }) => key.includes('/data/'))).toHaveLength(1); // A thousand batches, one object.
  expect(keys.filter(({ key }) => key.includes('/wal/'))).toHaveLength(0);
  await again.close();
});

test('a directory that a live set holds is WAL_LOCKED, and the set goes on', async () => {
  const store = new MemoryObjectStore();
  const set = await StreamSet.open({ node: 'a', store, wal: wal() });
  const refused = await StreamSet.open({ node: 'a', store, wal: wal() }).catch(codeOf);
  expect(refused).toBe('WAL_LOCKED');
  const stream = await set.create();
  await stream.append(Buffer.from('still here'));
  expect(set.status).toBe('open');
  await set.close();
});

test('a restart with another WAL is refused before it fences anybody, unless the old one is given up', async () => {
  const store = new MemoryObjectStore();
  const set = await StreamSet.open({ node: 'a', store, wal: wal() });
  const stream = await set.create({ name: 'orders' });
  await stream.append(Buffer.from('uploaded'));
  await set.upload();
  await stream.append(Buffer.from('only in the WAL'));
  for (const other of [objectWal(), memoryWal(), wal('elsewhere')]) {
    const refused = await StreamSet.open({ node: 'a', store, wal: other }).catch(codeOf);
    expect(refused).toBe('WAL_MISSING');
  }
  expect(set.status).toBe('open');

  const abandoned: QanatEvents['walAbandoned'][] = [];
  const observer = { walAbandoned: (facts: QanatEvents['walAbandoned']) => void abandoned.push(facts) };
  const next = await StreamSet.open({ node: 'a', store, wal: objectWal(), walMissing: 'abandon', observer });
  expect(abandoned).toMatchObject([{ node: 'a', nodeEpoch: set.nodeEpoch, walKind: 'file' }]);
  const taken = await next.open('orders');
  expect(taken.endOffset).toBe(1);
  expect(await taken.append(Buffer.from('again'))).toEqual({ startOffset: 1, endOffset: 2 });
  await set.sync().catch(() => {});
  expect(set.status).toBe('fenced');
  await next.close();
  await set.close();
});

test('a memory WAL loses with its process what was not uploaded, and nothing else', async () => {
  const store = new MemoryObjectStore();
  const lost = await StreamSet.open({ node: 'a', store, wal: memoryWal() });
  const stream = await lost.create({ name: 'orders' });
  await stream.append(Buffer.from('uploaded'));
  await lost.upload();
  await stream.append(Buffer.from('in memory only'));
  const next = await StreamSet.open({ node: 'a', store, wal: memoryWal() });
  const { batches } = await (await next.open('orders')).read(0);
  expect(batches.map(({ bytes }) => Buffer.from(bytes).toString())).toEqual(['uploaded']);
  await next.close();
  await lost.close();
});

test('a misspelt walMissing is an argument error', async () => {
  const options = { node: 'a', store: new MemoryObjectStore(), walMissing: 'ignore' as 'refuse' };
  await expect(StreamSet.open(options)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
});
