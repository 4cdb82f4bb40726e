// The contract of streams as stream.ts writes it down, through the public door, on both stores.
import { describe, expect, test } from 'vitest';
import { FileObjectStore, MemoryObjectStore } from '../../src/index.ts';
import type { RecordBatch, Stream, StreamReader, StreamSet } from '../../src/index.ts';
import { bytesOf, errorOf, errorsOf, openSet, openView, readAll, stores, textOf, within } from '../engine/world.ts';

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A stream with batches of 1, 2, 3, … records of 10 bytes each. */
async function stairs(set: StreamSet, count: number): Promise<Stream> {
  const stream = await set.create();
  await stream.appendAll(
    Array.from({ length: count }, (_, i) => ({ bytes: new Uint8Array(10).fill(i), count: i + 1 })),
  );
  return stream;
}

describe.each(stores)('a stream on a $kind', ({ make }) => {
  test('gives offsets in the order of the calls and acknowledges in that order', async () => {
    const set = await openSet(await make());
    const stream = await set.create({ name: 's' });
    const order: number[] = [];
    const appends = Array.from({ length: 50 }, async (_, i) => {
      expect(stream.nextOffset).toBe(2 * i);
      const { startOffset, endOffset } = await stream.append(bytesOf(`batch ${i}`), { count: 2 });
      expect(endOffset).toBe(startOffset + 2);
      expect(stream.endOffset).toBeGreaterThanOrEqual(endOffset);
      order.push(startOffset);
    });
    expect(stream.endOffset).toBe(0);
    await Promise.all(appends);
    expect(order).toEqual(Array.from({ length: 50 }, (_, i) => 2 * i));
    expect(await readAll(stream)).toEqual(Array.from({ length: 50 }, (_, i) => `batch ${i}`));
    expect([stream.startOffset, stream.endOffset, stream.nextOffset, stream.streamEpoch]).toEqual([0, 100, 100, 1]);
  });

  test('is read from the tail, and the same from objects and by others', async () => {
    const store = await make();
    const set = await openSet(store);
    const stream = await stairs(set, 6);
    const view = await openView(store);
    const check = async (reader: StreamReader): Promise<void> => {
      expect(await reader.read(0)).toMatchObject({ nextOffset: 21, startOffset: 0, endOffset: 21, stopped: 'end' });
      expect(await reader.read(21)).toMatchObject({ batches: [], nextOffset: 21, stopped: 'end' });
      const inside = await reader.read(4);
      expect(inside.batches[0]).toMatchObject({ startOffset: 3, endOffset: 6, count: 3, streamEpoch: 1 });
      expect(await reader.read(0, { maxBytes: 1 })).toMatchObject({ nextOffset: 1, stopped: 'max-bytes' });
      expect((await reader.read(0, { maxBytes: 29 })).batches).toHaveLength(2);
      expect((await reader.read(0, { maxBytes: 30 })).batches).toHaveLength(3);
      expect(await reader.read(0, { to: 3 })).toMatchObject({ nextOffset: 3, stopped: 'to' });
      expect(await reader.read(0, { to: 4 })).toMatchObject({ nextOffset: 6, stopped: 'to' });
      expect(await reader.read(3, { to: 1 })).toMatchObject({ batches: [], nextOffset: 3, stopped: 'to' });
      expect(await reader.read(0, { to: 1_000 })).toMatchObject({ nextOffset: 21, endOffset: 21, stopped: 'end' });
      expect(await reader.read(20, { to: 21 })).toMatchObject({ nextOffset: 21, stopped: 'end' });
      for (const offset of [22, 1_000])
        expect(await errorOf(reader.read(offset))).toMatchObject({
          ...{ code: 'OFFSET_OUT_OF_RANGE', offset, startOffset: 0, endOffset: 21, action: 'correct', outcome: 'none' },
        });
    };
    await check(stream);
    const reader = await view.reader(stream.id);
    // An object WAL can be read by others; files of the writer cannot.
    if (store instanceof FileObjectStore) expect(reader.endOffset).toBe(0);
    else await check(reader);
    await stream.close();
    await view.sync();
    expect(await reader.read(0, { onlyCached: true })).toMatchObject({
      batches: [],
      nextOffset: 0,
      stopped: 'not-cached',
    });
    await check(reader);
    expect(await reader.read(0, { onlyCached: true })).toMatchObject({ nextOffset: 21, stopped: 'end' });
    await check(await set.reader(stream.id));
    await check(await set.open(stream.id));
  });

  test('is followed from the start, the end and an offset, until it is closed', async () => {
    const set = await openSet(await make());
    const stream = await stairs(set, 3);
    const collect = async (batches: AsyncIterable<RecordBatch>): Promise<number[]> => {
      const found: number[] = [];
      for await (const { startOffset } of batches) found.push(startOffset);
      return found;
    };
    const reader = await set.reader(stream.id);
    const all = [
      collect(stream.follow('start')),
      collect(stream.follow('end')),
      collect(stream.follow(4)),
      collect(reader.follow(0)),
    ];
    await pause(2);
    for (let i = 0; i < 3; i++) await stream.append(bytesOf('more'));
    await pause(2);
    await stream.close();
    expect(await all[0]).toEqual([0, 1, 3, 6, 7, 8]);
    expect(await all[1]).toEqual([6, 7, 8]);
    expect(await all[2]).toEqual([3, 6, 7, 8]);
    expect(await within(20, all[3]!)).toBe('waits'); // The stream goes on somewhere else.
    await set.delete(stream.id);
    expect(await all[3]).toEqual([0, 1, 3, 6, 7, 8]);
  });

  test('forgets what is trimmed, also ahead of what is registered', async () => {
    const store = await make();
    const set = await openSet(store);
    const stream = await stairs(set, 6);
    await stream.trim(4);
    expect([stream.startOffset, stream.endOffset]).toEqual([4, 21]);
    expect(await errorOf(stream.read(3))).toMatchObject({ code: 'OFFSET_OUT_OF_RANGE', startOffset: 4, endOffset: 21 });
    expect((await stream.read(4)).batches[0]).toMatchObject({ startOffset: 3, endOffset: 6 });
    await stream.trim(2);
    expect(stream.startOffset).toBe(4);
    expect(await errorOf(stream.trim(22))).toMatchObject({ code: 'OFFSET_OUT_OF_RANGE' });
    const view = await openView(store);
    const reader = await view.reader(stream.id);
    expect([reader.startOffset, reader.endOffset]).toEqual([4, store instanceof FileObjectStore ? 4 : 21]);
    await stream.trim(21);
    expect(await stream.read(21)).toMatchObject({ batches: [], stopped: 'end' });
    await stream.close();
    await view.sync();
    expect([reader.startOffset, reader.endOffset]).toEqual([21, 21]);
    const again = await set.open(stream.id);
    expect(await again.append(bytesOf('x'))).toEqual({ startOffset: 21, endOffset: 22 });
    expect(await readAll(again)).toEqual(['x']);
  });

  test('finds the first batch at or after a moment, in the tail and in objects, whatever the order of timestamps', async () => {
    const set = await openSet(await make());
    const stream = await set.create();
    const timestamps = [50, 10, undefined, 70, 20, 90, undefined, 60];
    const check = async (reader: StreamReader): Promise<void> => {
      for (let moment = 0; moment <= 100; moment += 5) {
        const index = timestamps.findIndex((timestamp) => timestamp !== undefined && timestamp >= moment);
        expect(await reader.offsetAt(moment), `${moment}`).toBe(index < 0 ? undefined : index);
      }
    };
    for (const [i, timestamp] of timestamps.entries()) {
      await stream.append(bytesOf(`${i}`), timestamp === undefined ? {} : { timestamp });
      if (i === 3) await set.upload();
    }
    await check(stream);
    await set.upload();
    await check(stream);
    await check(await set.reader(stream.id));
    await stream.trim(4);
    expect(await stream.offsetAt(0)).toBe(4);
    expect(await stream.offsetAt(65)).toBe(5);
    expect(await stream.offsetAt(91)).toBeUndefined();
    expect(await (await set.create()).offsetAt(0)).toBeUndefined();
  });
});

describe('appending', () => {
  test('compares expectedOffset with the next offset, appends under way included', async () => {
    const stream = await (await openSet(new MemoryObjectStore())).create();
    const first = stream.append(bytesOf('a'), { expectedOffset: 0 });
    const refused = stream.append(bytesOf('b'), { expectedOffset: 0 });
    const second = stream.append(bytesOf('c'), { expectedOffset: 1 });
    const third = stream.appendAll([{ bytes: bytesOf('d') }, { bytes: bytesOf('e') }], { expectedOffset: 2 });
    expect(await errorOf(refused)).toMatchObject({
      code: 'OFFSET_MISMATCH',
      expectedOffset: 0,
      nextOffset: 1,
      outcome: 'none',
    });
    expect(await Promise.all([first, second, third])).toEqual([
      { startOffset: 0, endOffset: 1 },
      { startOffset: 1, endOffset: 2 },
      { startOffset: 2, endOffset: 4 },
    ]);
    expect(await readAll(stream)).toEqual(['a', 'c', 'd', 'e']);
  });

  test('of many batches settles once, with one range', async () => {
    const stream = await (await openSet(new MemoryObjectStore())).create();
    const batches = Array.from({ length: 1_000 }, (_, i) => ({ bytes: bytesOf(`${i}`), count: 3, timestamp: i }));
    expect(await stream.appendAll(batches)).toEqual({ startOffset: 0, endOffset: 3_000 });
    expect((await stream.read(999 * 3)).batches[0]).toMatchObject({ timestamp: 999, count: 3 });
  });

  test('beyond room is refused with OVERLOADED, changes nothing and succeeds later', async () => {
    const set = await openSet(new MemoryObjectStore(), { settings: { memoryMaxBytes: 64 * 1024 * 1024 } });
    const stream = await set.create();
    const bytes = new Uint8Array(4 * 1024 * 1024);
    const appends: Promise<unknown>[] = [];
    let error: Record<string, unknown> = {};
    while (error['code'] === undefined && appends.length < 32) {
      const { nextOffset } = stream;
      const append = stream.append(bytes);
      if (stream.nextOffset === nextOffset) error = await errorOf(append);
      else appends.push(append);
    }
    expect(error).toMatchObject({ code: 'OVERLOADED', outcome: 'none', action: 'retry' });
    await Promise.all(appends);
    await set.upload();
    expect(await stream.append(bytes)).toEqual({ startOffset: appends.length, endOffset: appends.length + 1 });
  });

  test('that is refused and tried again at once leaves the upload its turns', async () => {
    const set = await openSet(new MemoryObjectStore(), { settings: { memoryMaxBytes: 64 * 1024 * 1024 } });
    const stream = await set.create();
    const bytes = new Uint8Array(1024 * 1024);
    let refused = 0;
    const write = async (): Promise<void> => {
      for (;;) {
        const error = await stream.append(bytes).then(
          () => undefined,
          (cause: { code?: string }) => cause,
        );
        if (error === undefined) return;
        expect(error.code).toBe('OVERLOADED');
        refused += 1;
      }
    };
    await Promise.all(Array.from({ length: 100 }, write)); // 100 MiB at once, where 28 MiB may wait.
    expect(refused).toBeGreaterThanOrEqual(72);
    expect(stream.endOffset).toBe(100);
    await set.close();
  });

  test('that is refused is told so when its set ends', async () => {
    const set = await openSet(new MemoryObjectStore(), { settings: { memoryMaxBytes: 64 * 1024 * 1024 } });
    const stream = await set.create();
    const bytes = new Uint8Array(4 * 1024 * 1024);
    const outcomes = Array.from({ length: 9 }, () => errorOf(stream.append(bytes)));
    const closed = set.close();
    expect(await outcomes[8]).toMatchObject({ code: 'OVERLOADED', outcome: 'none' });
    await closed;
  });

  test('to a stream that was closed, or whose set was, is refused', async () => {
    const set = await openSet(new MemoryObjectStore());
    const [one, other] = [await set.create({ name: 'one' }), await set.create({ name: 'other' })];
    const pending = one.append(bytesOf('x'));
    const closing = one.close();
    expect(await errorOf(one.append(bytesOf('y')))).toMatchObject({
      code: 'STREAM_CLOSED',
      stream: 'one',
      action: 'reopen',
    });
    expect(await pending).toEqual({ startOffset: 0, endOffset: 1 });
    await closing;
    for (const error of await errorsOf([
      one.append(bytesOf('y')),
      one.trim(0),
      one.read(0),
      one.whenBeyond(0),
      one.offsetAt(0),
    ]))
      expect(error).toMatchObject({ code: 'STREAM_CLOSED' });
    expect(await one.follow(0).next()).toEqual({ done: true, value: undefined });
    await one.close();
    const last = other.append(bytesOf('z'));
    await set.close();
    expect(await last).toEqual({ startOffset: 0, endOffset: 1 });
    for (const error of await errorsOf([other.append(bytesOf('y')), other.read(0), other.trim(0)]))
      expect(['CLOSED', 'STREAM_CLOSED']).toContain(error['code']);
  });
});

describe('following', () => {
  test('ends quietly when its reader, its stream or its set is closed, and when the stream is deleted', async () => {
    const ends: readonly ((set: StreamSet, stream: Stream, reader: StreamReader) => Promise<unknown>)[] = [
      (_set, stream) => stream.close(),
      (_set, _stream, reader) => reader.close(),
      (set) => set.close(),
      (set, stream) => set.delete(stream.id),
    ];
    for (const [i, end] of ends.entries()) {
      const set = await openSet(new MemoryObjectStore());
      const stream = await set.create();
      const reader = await set.reader(stream.id);
      const next = (i === 1 ? reader : stream).follow('start').next();
      await pause(1);
      await end(set, stream, reader);
      expect(await within(1_000, next), `${i}`).toEqual({ done: true, value: undefined });
    }
  });

  test('of a stream that another node deletes ends', async () => {
    const store = new MemoryObjectStore();
    const [one, other] = [await openSet(store), await openSet(store, { node: 'b' })];
    const stream = await one.create();
    await stream.close();
    const view = await openView(store);
    const next = (await view.reader(stream.id)).follow('end').next();
    await pause(2);
    await other.delete(stream.id);
    expect(await within(1_000, next)).toEqual({ done: true, value: undefined });
  });

  test('throws when it is trimmed past where it stands', async () => {
    const set = await openSet(new MemoryObjectStore());
    const stream = await stairs(set, 3);
    const follower = stream.follow(0);
    await stream.trim(5);
    expect(await errorOf(follower.next())).toMatchObject({ code: 'OFFSET_OUT_OF_RANGE', startOffset: 5 });
    expect(await follower.next()).toEqual({ done: true, value: undefined });
    const other = stream.follow('start');
    expect(await other.next()).toMatchObject({ value: { startOffset: 3 } });
  });

  test('is freed by leaving the loop, and by return() while it waits', async () => {
    const set = await openSet(new MemoryObjectStore());
    const stream = await stairs(set, 2);
    for await (const { startOffset } of stream.follow(0)) {
      expect(startOffset).toBe(0);
      break;
    }
    const follower = stream.follow('end');
    const steps = [follower.next(), follower.next(), follower.next()];
    await pause(1);
    expect(await follower.return?.()).toEqual({ done: true, value: undefined });
    expect(await within(1_000, Promise.all(steps))).toEqual(steps.map(() => ({ done: true, value: undefined })));
    expect(await follower.next()).toEqual({ done: true, value: undefined });
  });

  test('rejects with the reason of its signal, before, while it waits and between two steps', async () => {
    const set = await openSet(new MemoryObjectStore());
    const stream = await stairs(set, 2);
    const aborted = stream.follow(0, { signal: AbortSignal.abort(new Error('early')) });
    expect((await errorOf(aborted.next())).message).toBe('early');
    for (const from of ['end', 0] as const) {
      const controller = new AbortController();
      const follower = stream.follow(from, { signal: controller.signal });
      if (from === 0) await follower.next();
      const next = from === 'end' ? errorOf(follower.next()) : undefined;
      await pause(1);
      controller.abort(new Error('enough'));
      expect((await (next ?? errorOf(follower.next()))).message).toBe('enough');
      expect(await follower.next()).toEqual({ done: true, value: undefined });
    }
  });

  test('of a stream of another node sees what that node uploads', async () => {
    const store = new MemoryObjectStore();
    const set = await openSet(store);
    const stream = await set.create();
    const reader = await (await openView(store)).reader(stream.id);
    const texts: string[] = [];
    const followed = (async () => {
      for await (const { bytes } of reader.follow(0)) if (texts.push(textOf(bytes)) === 3) return;
    })();
    for (const text of ['1', '2', '3']) {
      await stream.append(bytesOf(text));
      await set.upload();
      await pause(15);
    }
    await within(2_000, followed);
    expect(texts).toEqual(['1', '2', '3']);
  });
});

describe('waiting for the end to move', () => {
  test('resolves at once or when it has moved, on the owner and elsewhere', async () => {
    const store = new MemoryObjectStore();
    const set = await openSet(store);
    const stream = await stairs(set, 2);
    expect(await stream.whenBeyond(2)).toBe(3);
    const waits = [stream.whenBeyond(3), stream.whenBeyond(3), stream.whenBeyond(4)];
    const elsewhere = (await (await openView(store)).reader(stream.id)).whenBeyond(3);
    await stream.append(bytesOf('x'));
    expect(await Promise.all(waits.slice(0, 2))).toEqual([4, 4]);
    await stream.append(bytesOf('y'));
    expect(await waits[2]).toBe(5);
    expect(await within(2_000, elsewhere)).toBeGreaterThanOrEqual(4);
  });

  test('makes no request where the writer is this set, and one look per interval elsewhere', async () => {
    const store = new MemoryObjectStore();
    const set = await openSet(store, { settings: { catalogRefreshMs: 50 } });
    const stream = await set.create();
    const gets = (of: StreamSet): number => of.stats().requests.reduce((sum, { requests }) => sum + requests, 0);
    const before = gets(set);
    const waiting = Array.from({ length: 100 }, (_, i) => stream.whenBeyond(i).catch(() => {}));
    await pause(120);
    expect(gets(set)).toBe(before);
    const other = await openSet(store, { node: 'b', settings: { catalogRefreshMs: 50 } });
    const reader = await other.reader(stream.id);
    const start = gets(other);
    for (let round = 0; round < 20; round++) {
      const controller = new AbortController();
      const wait = reader.whenBeyond(0, { signal: controller.signal }).catch(() => {});
      await pause(10);
      controller.abort();
      await wait;
    }
    const looks = (gets(other) - start) / 3; // Two of the journal, and one of the writer's WAL.
    expect(looks).toBeGreaterThanOrEqual(1);
    expect(looks).toBeLessThanOrEqual(12); // At least 200 ms, an interval of 50 ms, and a slow machine.
    await set.close();
    await Promise.all(waiting);
  });

  test('rejects with CLOSED or the reason of its signal', async () => {
    const set = await openSet(new MemoryObjectStore());
    const stream = await set.create();
    const reader = await set.reader(stream.id);
    const wait = errorOf(reader.whenBeyond(0));
    await reader.close();
    expect(await wait).toMatchObject({ code: 'CLOSED', what: 'reader' });
    expect(await errorOf(reader.read(0))).toMatchObject({ code: 'CLOSED' });
    const controller = new AbortController();
    const other = errorOf(stream.whenBeyond(0, { signal: controller.signal }));
    controller.abort(new Error('enough'));
    expect((await other).message).toBe('enough');
  });
});
