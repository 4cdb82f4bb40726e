// Whatever is wrong with a call is said with the documented code, in a rejection, and nothing is done.
import { spawnSync } from 'node:child_process';
import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { FileObjectStore, MemoryObjectStore, StreamSet } from '../../src/index.ts';
import type { OpenOptions, StreamSetView } from '../../src/index.ts';
import { crc32 } from '../../src/base/checksum.ts';
import { batchCountMax, batchSizeMaxBytes } from '../../src/model/limits.ts';
import { keysOf } from './failing-store.ts';
import { bytesOf, errorOf, errorsOf, openSet, openView, readAll, someDirectory } from './world.ts';

const invalid = { code: 'INVALID_ARGUMENT' };

/** The promise of a call, however it fails; notes what is thrown at once. */
function call(run: () => unknown, thrownAtOnce: unknown[]): Promise<unknown> {
  try {
    return Promise.resolve(run());
  } catch (cause) {
    thrownAtOnce.push(cause);
    return Promise.reject(cause as Error);
  }
}

describe('a batch', () => {
  test('has bytes, at least one and at most as many as fit a segment', async () => {
    const set = await openSet(new MemoryObjectStore());
    const stream = await set.create();
    const wrong = [
      'text',
      null,
      undefined,
      5,
      {},
      [1, 2],
      new ArrayBuffer(4),
      new DataView(new ArrayBuffer(4)),
      new Uint16Array(2),
    ];
    for (const bytes of wrong as unknown[] as never[]) {
      const error = await errorOf(stream.append(bytes));
      expect(error).toMatchObject(invalid);
      expect(error).toBeInstanceOf(TypeError);
      expect(await errorOf(stream.appendAll([{ bytes: bytesOf('fine') }, { bytes }]))).toMatchObject(invalid);
    }
    expect(await errorOf(stream.append(new Uint8Array(0)))).toMatchObject(invalid);
    const large = new Uint8Array(batchSizeMaxBytes + 1);
    expect(await errorOf(stream.append(large))).toMatchObject({
      ...{
        code: 'RECORD_TOO_LARGE',
        sizeBytes: batchSizeMaxBytes + 1,
        sizeMaxBytes: batchSizeMaxBytes,
        outcome: 'none',
      },
    });
    expect(stream.nextOffset).toBe(0);
    expect(await stream.append(large.subarray(1).fill(7))).toEqual({ startOffset: 0, endOffset: 1 });
    expect(await stream.append(Buffer.from('a buffer'))).toEqual({ startOffset: 1, endOffset: 2 });
    const { batches } = await stream.read(0, { maxBytes: 2 ** 30 });
    expect(batches.map(({ bytes }) => bytes.byteLength)).toEqual([batchSizeMaxBytes, 8]);
    await set.upload();
    const elsewhere = await (await openSet(new MemoryObjectStore())).create();
    expect(elsewhere.endOffset).toBe(0);
  });

  test('has a count and a timestamp that are integers', async () => {
    const stream = await (await openSet(new MemoryObjectStore())).create();
    for (const count of [0, -1, 1.5, batchCountMax + 1, 2 ** 53, Number.NaN, Infinity, '2', null, 2n, {}] as never[]) {
      expect(await errorOf(stream.append(bytesOf('x'), { count })), String(count)).toMatchObject(invalid);
      expect(await errorOf(stream.appendAll([{ bytes: bytesOf('x'), count }]))).toMatchObject(invalid);
    }
    for (const timestamp of [1.5, Number.NaN, Infinity, '5', null, new Date()] as never[])
      expect(await errorOf(stream.append(bytesOf('x'), { timestamp }))).toMatchObject(invalid);
    for (const batches of [undefined, null, {}, [], [null], [bytesOf('x')], 'x', 5] as never[])
      expect(await errorOf(stream.appendAll(batches))).toMatchObject(invalid);
    expect(await stream.append(bytesOf('x'), { count: batchCountMax, timestamp: -5 })).toEqual({
      startOffset: 0,
      endOffset: batchCountMax,
    });
    expect((await stream.read(batchCountMax - 1)).batches[0]).toMatchObject({ startOffset: 0, timestamp: -5 });
  });
});

test('an offset is an integer from 0 to 2^53 - 1, everywhere', async () => {
  const stream = await (await openSet(new MemoryObjectStore())).create();
  await stream.append(bytesOf('x'));
  const wrong = [-1, 0.5, 2 ** 53, -Infinity, Number.NaN, '0', null, undefined, {}, 1n] as never[];
  for (const offset of wrong) {
    const calls: Promise<unknown>[] = [
      stream.read(offset),
      stream.whenBeyond(offset),
      stream.trim(offset),
      stream.follow(offset).next(),
    ];
    if (offset !== undefined)
      calls.push(stream.read(0, { to: offset }), stream.append(bytesOf('y'), { expectedOffset: offset }));
    for (const one of calls) expect(await errorOf(one), String(offset)).toMatchObject(invalid);
    if (offset !== -1) expect(await errorOf(stream.offsetAt(offset)), String(offset)).toMatchObject(invalid);
  }
  for (const maxBytes of [0, -1, 1.5, '5', null] as never[])
    expect(await errorOf(stream.read(0, { maxBytes }))).toMatchObject(invalid);
  expect(await errorOf(stream.follow('middle' as never).next())).toMatchObject(invalid);
  for (const offset of [2, Number.MAX_SAFE_INTEGER]) {
    expect(await errorOf(stream.read(offset))).toMatchObject({ code: 'OFFSET_OUT_OF_RANGE' });
    expect(await errorOf(stream.trim(offset))).toMatchObject({ code: 'OFFSET_OUT_OF_RANGE' });
  }
  expect(await stream.append(bytesOf('y'))).toEqual({ startOffset: 1, endOffset: 2 });
});

describe('a name', () => {
  test('of a stream is any well-formed text of 1 to 512 bytes, and never becomes a path', async () => {
    const directory = join(await someDirectory(), 'deep', 'store');
    const set = await openSet(new FileObjectStore(directory));
    const legal = [
      '../../x',
      '/etc/passwd',
      'a\0b',
      '.',
      '..',
      'C:\\x',
      'ü'.repeat(256),
      'x'.repeat(512),
      '😀',
      ' ',
      '__proto__',
      'constructor',
    ];
    for (const name of legal) {
      const stream = await set.create({ name });
      await stream.append(bytesOf(name));
      expect((await set.open(name)).id).toBe(stream.id);
    }
    const wrong = [
      '',
      'x'.repeat(513),
      'ü'.repeat(257),
      'x'.repeat(100_000),
      '\ud800',
      'a\udc00b',
      5,
      null,
      {},
      Symbol('x'),
    ] as never[];
    for (const name of wrong) {
      expect(await errorOf(set.create({ name })), typeof name).toMatchObject(invalid);
      expect(await errorOf(set.openOrCreate(name))).toMatchObject(invalid);
      expect(await errorOf(set.kv.put(name, bytesOf('v')))).toMatchObject(invalid);
      expect(await errorOf(set.kv.get(name))).toMatchObject(invalid);
      expect(await errorOf(set.kv.delete(name))).toMatchObject(invalid);
    }
    await set.close();
    expect((await readdir(directory)).toSorted()).toEqual(['objects', 'wal']);
    expect(await readdir(join(directory, 'wal'))).toEqual(['a']);
    expect(await readdir(join(directory, '..'))).toEqual(['store']);
    const view = await openView(new FileObjectStore(directory));
    for (const name of legal) expect(await readAll(await view.reader(name))).toEqual([name]);
  });

  test('of a node is narrow', async () => {
    const store = new MemoryObjectStore();
    const wrong = [
      '',
      '../../x',
      'A',
      'a b',
      '-a',
      'a-',
      'ä',
      'a/b',
      'x'.repeat(64),
      'x'.repeat(100_000),
      5,
      null,
      undefined,
      '\ud800',
    ];
    for (const node of wrong as never[])
      expect(await errorOf(StreamSet.open({ node, store })), String(node).slice(0, 20)).toMatchObject(invalid);
    expect(await keysOf(store)).toEqual([]);
    for (const node of ['a', '0', 'a-1', 'a.b_c-1', 'x'.repeat(63)])
      await (await StreamSet.open({ node, store })).close();
    await (await StreamSet.open({ node: 'a-1-2', store })).close();
  });

  test('or an id of a stream is one that exists', async () => {
    const set = await openSet(new MemoryObjectStore());
    const view = await openView((set as unknown as { foundation: { store: MemoryObjectStore } }).foundation.store);
    const refs = [0, -1, 1.5, Number.NaN, null, undefined, {}, '', 1n] as never[];
    for (const ref of refs) {
      for (const one of [
        set.open(ref),
        set.delete(ref),
        set.reader(ref),
        view.reader(ref),
        view.describe(ref),
        set.setAttributes(ref, {}),
      ])
        expect(await errorOf(one), String(ref)).toMatchObject(invalid);
    }
    for (const ref of [1, 2 ** 53 - 1, 'unknown'] as never[])
      for (const one of [
        set.open(ref),
        set.delete(ref),
        set.reader(ref),
        view.reader(ref),
        view.describe(ref),
        set.setAttributes(ref, {}),
      ])
        expect(await errorOf(one)).toMatchObject({ code: 'STREAM_NOT_FOUND', stream: ref });
  });
});

test('attributes are small objects of strings, and kv values small bytes', async () => {
  const set = await openSet(new MemoryObjectStore());
  const { id } = await set.create();
  const wrong = [null, 5, 'x', [], { a: 1 }, { a: null }, { a: '\ud800' }, { a: 'x'.repeat(5_000) }] as never[];
  for (const attributes of wrong) {
    expect(await errorOf(set.create({ attributes }))).toMatchObject(invalid);
    expect(await errorOf(set.setAttributes(id, attributes))).toMatchObject(invalid);
    expect(await errorOf(StreamSet.open({ node: 'b', store: new MemoryObjectStore(), attributes }))).toMatchObject(
      invalid,
    );
  }
  for (const value of ['x', null, undefined, 5, new ArrayBuffer(2)] as never[])
    expect(await errorOf(set.kv.put('k', value))).toMatchObject(invalid);
  expect(await errorOf(set.kv.put('k', new Uint8Array(64 * 1024 + 1)))).toMatchObject({ code: 'RECORD_TOO_LARGE' });
  await set.kv.put('k', new Uint8Array(64 * 1024));
  for (const ifVersion of [-1, 1.5, '1', null, Number.NaN] as never[]) {
    expect(await errorOf(set.kv.put('k', bytesOf('v'), { ifVersion }))).toMatchObject(invalid);
    expect(await errorOf(set.setAttributes(id, {}, { ifVersion }))).toMatchObject(invalid);
  }
  for (const expectedEpoch of [0, -1, 1.5, '1', null] as never[])
    expect(await errorOf(set.open(id, { expectedEpoch }))).toMatchObject(invalid);
});

test('settings within bounds, spelt right, and options of the right type are needed to open', async () => {
  const store = new MemoryObjectStore();
  const wrong: readonly unknown[] = [
    ...[
      undefined,
      null,
      5,
      'x',
      [],
      {},
      { store },
      { node: 'a' },
      { node: 'a', store: null },
      { node: 'a', store: {} },
    ],
    ...[
      { storeDeadlineMs: 0 },
      { storeDeadlineMs: 1.5 },
      { memoryMaxBytes: 1 },
      { uploadSizeBytes: -1 },
      { segmentSizeMinBytes: '5' },
      { catalogRefreshMs: null },
    ].map((settings) => ({ node: 'a', store, settings })),
    ...[{ memoryMaxBites: 5 }, { __proto: 1 }, 5, 'x'].map((settings) => ({ node: 'a', store, settings })),
  ];
  for (const options of wrong) {
    expect(await errorOf(StreamSet.open(options as OpenOptions)), JSON.stringify(options)).toMatchObject(invalid);
    if (!(options as { node?: string } | undefined)?.node && (options as { store?: unknown } | undefined)?.store)
      continue;
    expect(await errorOf(StreamSet.openReadOnly(options as OpenOptions))).toMatchObject(invalid);
  }
  expect(await errorOf(StreamSet.open({ node: 'a', store, settings: { memoryMaxBites: 1 } as never }))).toMatchObject({
    message: expect.stringContaining("'memoryMaxBytes'"),
  });
  expect(await keysOf(store)).toEqual([]);
});

describe('a place that is not fit for a store', () => {
  const open = (directory: string): Promise<StreamSet> =>
    StreamSet.open({ node: 'a', store: new FileObjectStore(directory), settings: { storeDeadlineMs: 1_000 } });

  test('such as a file is refused at once', async () => {
    const path = join(await someDirectory(), 'file');
    await writeFile(path, 'something');
    for (const directory of [path, join(path, 'below')])
      expect(await errorOf(open(directory))).toMatchObject({ code: 'STORE_UNSUITABLE', outcome: 'none' });
  });

  test('such as a directory with something else in it is refused, and left as it was', async () => {
    const directory = await someDirectory();
    await writeFile(join(directory, 'thesis.txt'), 'something');
    await mkdir(join(directory, 'pictures'));
    const store = new FileObjectStore(directory);
    for (const opening of [() => open(directory), () => StreamSet.openReadOnly({ store })])
      expect(await errorOf(opening())).toMatchObject({
        code: 'STORE_UNSUITABLE',
        problem: expect.stringContaining('pictures'),
      });
    expect((await readdir(directory)).toSorted()).toEqual(['pictures', 'thesis.txt']);
    await writeFile(join(directory, 'pictures', 'objects'), 'a file');
    expect(await errorOf(open(join(directory, 'pictures')))).toMatchObject({ code: 'STORE_UNSUITABLE' });
  });

  test('such as a directory that may not be written to is refused, and left as it was', async (ctx) => {
    if (process.getuid?.() === 0) return ctx.skip('root may write everywhere');
    const directory = await someDirectory();
    await chmod(directory, 0o500);
    const error = await errorOf(open(directory));
    await chmod(directory, 0o700);
    expect(['STORE_UNAVAILABLE', 'STORE_UNSUITABLE']).toContain(error['code']);
    expect(await readdir(directory)).toEqual([]);
  });

  test('such as a bucket with other keys is refused', async () => {
    const store = new MemoryObjectStore();
    await store.put('something/else', bytesOf('x'), { purpose: 'probe' });
    expect(await errorOf(StreamSet.open({ node: 'a', store }))).toMatchObject({
      code: 'OBJECT_CORRUPT',
      key: 'qanat.json',
    });
    expect(await keysOf(store)).toEqual(['something/else']);
  });

  test('such as a bucket of a newer format is refused', async () => {
    const store = new MemoryObjectStore();
    const textOf = (fields: object): string => `${JSON.stringify(fields, null, 2)}\n`;
    const fields = { format: 2, clusterId: '0'.repeat(32), from: 'a later version' };
    const checksum = crc32(bytesOf(textOf(fields)))
      .toString(16)
      .padStart(8, '0');
    await store.put('qanat.json', bytesOf(textOf({ ...fields, checksum })), { purpose: 'probe' });
    for (const error of await errorsOf([StreamSet.open({ node: 'a', store }), StreamSet.openReadOnly({ store })]))
      expect(error).toMatchObject({
        code: 'FORMAT_UNSUPPORTED',
        key: 'qanat.json',
        found: 2,
        supported: 1,
      });
    expect(await keysOf(store)).toEqual(['qanat.json']);
  });

  test('such as a disk that is full ends the set, and what was acknowledged stays', async (ctx) => {
    const program = `
      import { FileObjectStore, objectWal, StreamSet } from 'qanat';
      const store = new FileObjectStore(process.argv[1]);
      const set = await StreamSet.open({ node: 'a', store, wal: objectWal(), settings: { storeDeadlineMs: 300 } });
      const stream = await set.create({ name: 's' });
      process.on('SIGXFSZ', () => {});
      let acknowledged = 0;
      try {
        await stream.append(new Uint8Array(20_000).fill(1));
        acknowledged += 1;
        await stream.append(new Uint8Array(400_000).fill(2));
        acknowledged += 1;
      } catch (cause) {
        const reason = await set.closed;
        const { batches } = await stream.read(0);
        console.log(JSON.stringify({ acknowledged, code: cause.code, outcome: cause.outcome, status: reason.status, readable: batches.length }));
      }
      await set.close();`;
    const directory = await someDirectory();
    const limited = `ulimit -f 200 || exit 99; exec "$0" --input-type=module -e "$1" "$2"`; // In blocks of 512 bytes or of 1 KiB.
    const cwd = new URL('../..', import.meta.url);
    const { status, stdout, stderr } = spawnSync('sh', ['-c', limited, process.execPath, program, directory], {
      encoding: 'utf8',
      cwd,
      timeout: 20_000,
    });
    if (status === 99) return ctx.skip('the shell cannot limit the size of files');
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toMatchObject({
      acknowledged: 1,
      code: 'STORE_UNAVAILABLE',
      status: 'failed',
      readable: 1,
    });
    const set = await openSet(new FileObjectStore(directory));
    const { batches } = await (await set.open('s')).read(0);
    expect(batches[0]?.bytes).toEqual(new Uint8Array(20_000).fill(1));
  });
});

describe('every call', () => {
  /** All calls that give a promise, by name. */
  async function calls(): Promise<{
    set: StreamSet;
    view: StreamSetView;
    all: Record<string, (signal?: AbortSignal) => Promise<unknown>>;
  }> {
    const store = new MemoryObjectStore();
    const set = await openSet(store);
    const view = await openView(store);
    const stream = await set.create({ name: 's' });
    await set.create({ name: 'gone' });
    await stream.append(bytesOf('x'));
    await set.upload();
    await view.sync();
    const reader = await view.reader('s');
    const given = (signal?: AbortSignal): { signal?: AbortSignal } => (signal === undefined ? {} : { signal });
    return {
      set,
      view,
      all: {
        create: (signal) => set.create(given(signal)),
        open: (signal) => set.open('s', given(signal)),
        openOrCreate: (signal) => set.openOrCreate('new', given(signal)),
        delete: (signal) => set.delete('gone', given(signal)),
        setAttributes: (signal) => set.setAttributes('s', {}, given(signal)),
        upload: (signal) => set.upload(given(signal)),
        reader: (signal) => set.reader('s', given(signal)),
        describe: (signal) => view.describe('s', given(signal)),
        nodes: (signal) => view.nodes(given(signal)),
        sync: (signal) => view.sync(given(signal)),
        watch: (signal) => (signal === undefined ? set.watch() : set.watch({ signal })).next(),
        'kv.get': (signal) => set.kv.get('k', { fresh: true, ...given(signal) }),
        'kv.put': (signal) => set.kv.put('k', bytesOf('v'), given(signal)),
        'kv.delete': (signal) => set.kv.delete('k', given(signal)),
        'kv.list': (signal) => set.kv.list(given(signal)).next(),
        append: (signal) => stream.append(bytesOf('y'), given(signal)),
        appendAll: (signal) => stream.appendAll([{ bytes: bytesOf('y') }], given(signal)),
        trim: (signal) => stream.trim(0, given(signal)),
        read: (signal) => reader.read(0, given(signal)),
        follow: (signal) => reader.follow(1, given(signal)).next(),
        whenBeyond: (signal) => reader.whenBeyond(100, given(signal)),
        offsetAt: (signal) => reader.offsetAt(0, given(signal)),
      },
    };
  }

  test('rejects with the reason of a signal that has fired, and changes nothing', async () => {
    const { set, all } = await calls();
    const { journalIndex } = set.stats();
    const thrown: unknown[] = [];
    for (const [name, run] of Object.entries(all)) {
      const reason = new Error(name);
      expect(await errorOf(call(() => run(AbortSignal.abort(reason)), thrown)), name).toBe(reason);
    }
    expect(thrown).toEqual([]);
    expect(set.stats()).toMatchObject({ journalIndex, status: 'open' });
    expect((await set.open('s')).nextOffset).toBe(1);
  });

  test('rejects with the reason of a signal that fires during it, or is done; the set goes on', async () => {
    for (const turns of [0, 1, 3]) {
      const { set, all } = await calls();
      for (const [name, run] of Object.entries(all)) {
        const controller = new AbortController();
        const reason = new Error(name);
        const running = run(controller.signal).then(
          () => 'done',
          (cause: unknown) => cause,
        );
        for (let i = 0; i < turns; i++) await Promise.resolve();
        controller.abort(reason);
        const outcome = await running;
        if (outcome !== 'done') expect(outcome, name).toBe(reason);
      }
      await set.sync();
      const stream = await set.open('s');
      await stream.append(bytesOf('z'));
      expect(set.status).toBe('open');
      expect((await readAll(stream)).filter((text) => text === 'y').length).toBe(2); // Aborting takes nothing back.
    }
  });

  test('never throws at once, whatever it is given, and says CLOSED after the end', async () => {
    const { set, view, all } = await calls();
    await Promise.all([set.close(), view.close()]);
    const thrown: unknown[] = [];
    for (const [name, run] of Object.entries(all)) {
      if (name === 'watch') continue; // It gives an iterator, and throws.
      const outcome = await call(() => run(), thrown).catch((cause: { code?: string }) => cause.code);
      const isDone = typeof outcome === 'object' && (outcome as { done?: boolean }).done === true;
      expect(isDone || outcome === 'CLOSED' || outcome === 'STREAM_CLOSED', `${name}: ${String(outcome)}`).toBe(true);
    }
    expect(thrown).toEqual([]);
    expect(() => set.watch()).toThrow(expect.objectContaining({ code: 'CLOSED' }));
  });

  test('of a method that gives a promise gives one for any arguments', async () => {
    const store = new MemoryObjectStore();
    const set = await openSet(store);
    const view = await openView(store);
    const stream = await set.create();
    const reader = await view.reader(stream.id);
    const strange = [
      undefined,
      null,
      -1,
      Number.NaN,
      '',
      '\ud800',
      {},
      [],
      Symbol('x'),
      () => {},
      1n,
      new Proxy({}, {}),
    ];
    const thrown: unknown[] = [];
    const quiet = new Set(['constructor', 'close', 'stats', 'cost', 'watch', 'list', 'follow']);
    const isPromising = (name: string): boolean =>
      !quiet.has(name) && !/^(readerHost|openStreamOf|fail|endWith|check\w+|end|ended|resolve)$/.test(name);
    for (const target of [set, view, stream, reader, set.kv, view.kv]) {
      const names = new Set<string>();
      for (
        let type = Object.getPrototypeOf(target) as object;
        type !== Object.prototype;
        type = Object.getPrototypeOf(type) as object
      )
        for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(type)))
          if (typeof value === 'function' && isPromising(name)) names.add(name);
      expect(names.size).toBeGreaterThan(0);
      for (const name of names)
        for (const [i, first] of strange.entries()) {
          const method = (target as unknown as Record<string, (...given: unknown[]) => unknown>)[name]!;
          const controller = new AbortController();
          const second = i % 2 === 0 ? { signal: controller.signal } : strange[(i * 5) % strange.length];
          const outcome = call(() => method.call(target, first, second), thrown).catch(() => {});
          controller.abort();
          await outcome;
        }
    }
    expect(thrown).toEqual([]);
    expect(set.status).toBe('open');
  });

  test('that opens and is aborted at any moment is closed again in the background', async () => {
    for (let turns = 0; turns < 120; turns += 3) {
      const store = new MemoryObjectStore();
      const controller = new AbortController();
      const opening = StreamSet.open({ node: 'a', store, signal: controller.signal }).then(
        (set) => set,
        (cause: unknown) => cause,
      );
      for (let i = 0; i < turns; i++) await Promise.resolve();
      controller.abort(new Error('enough'));
      const outcome = await opening;
      if (outcome instanceof StreamSet) {
        await outcome.close();
        continue;
      }
      expect((outcome as Error).message).toBe('enough');
      await new Promise((resolve) => setTimeout(resolve, 2));
      const again = await openSet(store);
      await (await again.create()).append(bytesOf('x'));
      expect(again.status).toBe('open');
    }
  });

  test('that creates or opens a stream and is aborted leaves it closed', async () => {
    const store = new MemoryObjectStore();
    const set = await openSet(store);
    const controller = new AbortController();
    const creating = errorOf(set.create({ name: 's', signal: controller.signal }));
    controller.abort(new Error('enough'));
    expect((await creating).message).toBe('enough');
    const isClosed = async (): Promise<boolean> => {
      await set.sync();
      return (await set.describe('s')).owner === undefined;
    };
    for (let i = 0; i < 200 && !(await isClosed().catch(() => false)); i++)
      await new Promise((resolve) => setTimeout(resolve, 2));
    expect(await isClosed()).toBe(true);
    const next = new AbortController();
    const opening = errorOf(set.open('s', { signal: next.signal }));
    next.abort(new Error('enough'));
    expect((await opening).message).toBe('enough');
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(await isClosed()).toBe(true);
    expect((await set.open('s')).streamEpoch).toBeGreaterThanOrEqual(2);
  });
});
