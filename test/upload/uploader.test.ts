// Uploads through the public door, over a journal that loses answers: what was committed without an answer is met as a
// position that has moved on, and planned again.
import { expect, test } from 'vitest';
import { MemoryJournal, MemoryObjectStore, memoryWal, qanatError } from '../../src/index.ts';
import type { AppendVerdict, JournalOptions, PutOptions, PutResult, Stream } from '../../src/index.ts';
import { bytesOf, openSet, openView, readAll } from '../engine/world.ts';

/** A journal that loses the answer to the next append with a commit in it, done or not done. */
class LosingJournal extends MemoryJournal {
  losesCommit: 'done' | 'undone' | undefined;
  commits = 0;

  override async append(index: number, bytes: Uint8Array, options?: JournalOptions): Promise<AppendVerdict> {
    const isCommit = new TextDecoder('latin1').decode(bytes).includes('commit');
    if (isCommit) this.commits += 1;
    if (!isCommit || this.losesCommit === undefined) return super.append(index, bytes, options);
    const isDone = this.losesCommit === 'done';
    this.losesCommit = undefined;
    if (isDone) await super.append(index, bytes, options);
    const facts = { operation: 'put', key: undefined };
    throw qanatError('STORE_UNAVAILABLE', 'the answer is lost (simulated)', facts, { outcome: 'unknown' });
  }
}

test.each(['done', 'undone'] as const)(
  'an upload whose answer was lost (%s) is planned again from where the state is',
  async (loses) => {
    const [store, journal] = [new MemoryObjectStore(), new LosingJournal()];
    const set = await openSet(store, { journal });
    const stream = await set.create({ name: 's' });
    for (const text of ['1', '2', '3']) await stream.append(bytesOf(text));
    journal.losesCommit = loses;
    await expect(set.upload()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', outcome: 'unknown' });
    await stream.append(bytesOf('4'));
    await set.upload();
    expect(set.stats().writing).toMatchObject({ unreleasedSegments: 0, unuploadedBytes: 0 });
    expect(await readAll(await set.reader('s'))).toEqual(['1', '2', '3', '4']);
    await set.close();
    expect(await set.closed).toEqual({ status: 'closed' });
    const view = await openSet(store, { journal: journal.openPeer(), node: 'b' });
    expect(await readAll(await view.reader('s'))).toEqual(['1', '2', '3', '4']);
  },
);

test.each(['done', 'undone'] as const)('a close whose answer was lost (%s) may be asked for again', async (loses) => {
  const [store, journal] = [new MemoryObjectStore(), new LosingJournal()];
  const set = await openSet(store, { journal });
  const stream = await set.create({ name: 's' });
  await stream.append(bytesOf('1'));
  journal.losesCommit = loses;
  await expect(stream.close()).rejects.toMatchObject({ outcome: 'unknown' });
  await expect(stream.append(bytesOf('2'))).rejects.toMatchObject({ code: 'STREAM_CLOSED' });
  await stream.close();
  const again = await set.open('s');
  expect(again.streamEpoch).toBe(2);
  expect(await again.append(bytesOf('2'))).toEqual({ startOffset: 1, endOffset: 2 });
  expect(await readAll(again)).toEqual(['1', '2']);
});

test('uploads, closes of streams and the close of the set may overtake each other', async () => {
  const [store, journal] = [new MemoryObjectStore(), new MemoryJournal()];
  for (let round = 0; round < 10; round++) {
    const set = await openSet(store, { journal: journal.openPeer() });
    const streams = await Promise.all(Array.from({ length: 5 }, (_, i) => set.openOrCreate(`stream ${i}`)));
    const append = async (stream: Stream, i: number): Promise<unknown> => stream.append(bytesOf(`${round}/${i}`));
    const work: Promise<unknown>[] = [];
    for (let i = 0; i < 20; i++) {
      work.push(...streams.slice(0, 4).map((stream) => append(stream, i)));
      if (i % 3 === 0) work.push(set.upload());
      if (i % 7 === round % 7) await Promise.resolve();
    }
    work.push(streams[4]!.close(), set.upload(), streams[0]!.close(), streams[1]!.close(), set.close());
    await Promise.all(work);
    expect(set.status).toBe('closed');
  }
  const reader = await openSet(store, { journal: journal.openPeer(), node: 'reader' });
  for (let i = 0; i < 4; i++) {
    const expected = Array.from({ length: 10 }, (_, round) =>
      Array.from({ length: 20 }, (__, n) => `${round}/${n}`),
    ).flat();
    expect(await readAll(await reader.reader(`stream ${i}`))).toEqual(expected);
  }
});

test('small segments are put together, and their own objects go', async () => {
  const store = new MemoryObjectStore();
  const set = await openSet(store);
  const streams = await Promise.all([set.create({ name: 'one' }), set.create({ name: 'two' })]);
  for (let i = 0; i < 20; i++) for (const stream of streams) await stream.append(bytesOf(`${i}`));
  await set.upload();
  const { keys } = await store.list({ prefix: '', purpose: 'probe' });
  expect(keys.filter(({ key }) => key.includes('/wal/'))).toEqual([]);
  expect(keys.filter(({ key }) => key.includes('/data/'))).toHaveLength(1);
  const view = await openView(store);
  for (const name of ['one', 'two']) expect(await readAll(await view.reader(name))).toHaveLength(20);
});

/** A store in which puts of uploads wait until they are let through. */
class WaitingStore extends MemoryObjectStore {
  readonly waiting: (() => void)[] = [];
  isOpen = false;

  override async put(key: string, body: Uint8Array, options: PutOptions): Promise<PutResult> {
    if (options.purpose === 'upload' && !this.isOpen)
      await new Promise<void>((resolve) => void this.waiting.push(resolve));
    return super.put(key, body, options);
  }
}

test('what is appended during an upload is uploaded by its age, though its segment is not complete', async () => {
  const store = new WaitingStore();
  const set = await openSet(store, { wal: memoryWal(), settings: { storeDeadlineMs: 2_000, uploadAgeMaxMs: 20 } });
  const stream = await set.create();
  await stream.append(bytesOf('before'));
  await expect.poll(() => store.waiting.length).toBe(1);
  await stream.append(bytesOf('meanwhile'));
  store.isOpen = true;
  store.waiting[0]?.();
  await expect.poll(() => set.stats().writing?.unuploadedBytes, { timeout: 2_000 }).toBe(0);
});
