// What only the file store has: the interleavings its head comment names, durable names, failures of the disk, files
// that are not its own, and what the dead have left.
import { spawnSync } from 'node:child_process';
import { link, mkdir, mkdtemp, readdir, rm, stat, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemRuntime } from '../../src/base/runtime.ts';
import { isQanatError } from '../../src/model/errors.ts';
import { FileDirectories } from '../../src/store/file-directories.ts';
import { fileFailure } from '../../src/store/file-failure.ts';
import { placeOfKey } from '../../src/store/file-key.ts';
import { keptCount, openNewest, openStanding, type StandingValue } from '../../src/store/file-life.ts';
import { FileObjectStore } from '../../src/store/file-object-store.ts';
import { linkNext, type PendingPut } from '../../src/store/file-put.ts';
import { FileTemporaries } from '../../src/store/file-temporaries.ts';
import { openValueFile } from '../../src/store/file-value.ts';
import type { PutCondition } from '../../src/store/object-store.ts';
import { SeededRuntime } from '../../src/testkit/seeded-runtime.ts';

const probe = { purpose: 'probe' } as const;
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

let parent: string;
let directory: string;
let objects: string;
let store: FileObjectStore;

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'qanat-file-store-'));
  directory = join(parent, 'deep', 'store');
  objects = join(directory, 'objects');
  store = new FileObjectStore(directory);
});

afterEach(() => rm(parent, { recursive: true, force: true }));

async function valueOf(key: string, from: FileObjectStore = store): Promise<string> {
  const got = await from.get(key, probe);
  return typeof got === 'string' ? got : new TextDecoder().decode(got.bytes);
}

async function files(): Promise<string[]> {
  return (await readdir(objects, { recursive: true })).toSorted();
}

/** A writer that has seen what stands and has its bytes on the disk, and now pauses before its link. */
async function pausedWriter(
  key: string,
  body: string,
  condition: 'etag' | undefined,
): Promise<{ go: () => ReturnType<typeof linkNext>; standing: StandingValue }> {
  const directories = new FileDirectories(objects);
  const place = placeOfKey(objects, key);
  const temporary = await new FileTemporaries(directories, objects, systemRuntime).write(text(body));
  const standing = await openStanding(place, key);
  if (standing === undefined) throw new Error(`${key} is missing`);
  const given: PutCondition | undefined = condition === undefined ? undefined : { etag: standing.etag };
  const put: PendingPut = { directories, place, key, temporary, condition: given, signal: undefined };
  const go = async (): ReturnType<typeof linkNext> => {
    try {
      return await linkNext(put, standing);
    } finally {
      await standing.close();
    }
  };
  return { go, standing };
}

describe('a writer that pauses between looking and linking', () => {
  test('is overtaken by one replacement, and has linked nothing', async () => {
    await store.put('key', text('1'), probe);
    const { go } = await pausedWriter('key', 'paused', 'etag');
    await store.put('key', text('2'), probe);
    expect(await go()).toBe('overtaken');
    expect(await valueOf('key')).toBe('2');
  });

  test("is never told 'stored' for a number that others have used, however many they were", async () => {
    for (let others = 1; others <= keptCount + 3; others++) {
      const key = `key/${others}`;
      await store.put(key, text('1'), probe);
      const { go } = await pausedWriter(key, 'paused', 'etag');
      for (let i = 0; i < others; i++) await store.put(key, text(`other ${i}`), probe);
      expect(await go()).toEqual(others <= keptCount ? 'overtaken' : { outcome: 'unknown' });
      expect(await valueOf(key)).toBe(`other ${others - 1}`);
    }
  });

  for (const seenNumber of [1, 2, 3, 7]) {
    test(`and has seen value ${seenNumber} is not told 'stored' when its number was used and removed`, async () => {
      for (let number = 1; number <= seenNumber; number++) await store.put('key', text(String(number)), probe);
      const { go, standing } = await pausedWriter('key', 'paused', 'etag');
      expect(standing.number).toBe(seenNumber);
      const newest = seenNumber + 1 + keptCount;
      for (let number = seenNumber + 1; number <= newest; number++) await store.put('key', text(String(number)), probe);
      expect(await go()).toEqual({ outcome: 'unknown' });
      expect(await valueOf('key')).toBe(String(newest));
      // Nor does it disturb those who come after it.
      const { etag } = (await store.get('key', probe)) as { etag: string };
      expect((await store.put('key', text('next'), { ...probe, if: { etag } })).outcome).toBe('stored');
      expect(await valueOf('key')).toBe('next');
      expect((await files()).filter((name) => /~[0-9a-f]{24}\//.test(name)).length).toBeLessThanOrEqual(keptCount);
    });
  }

  test("is told 'stored' when nobody else has written meanwhile", async () => {
    await store.put('key', text('1'), probe);
    const { go } = await pausedWriter('key', 'paused', 'etag');
    expect((await go()) as object).toMatchObject({ outcome: 'stored' });
    expect(await valueOf('key')).toBe('paused');
  });

  test('without a condition counts as stored and replaced when its number was used and removed', async () => {
    await store.put('key', text('1'), probe);
    const { go } = await pausedWriter('key', 'paused', undefined);
    for (let number = 2; number <= 20; number++) await store.put('key', text(String(number)), probe);
    expect((await go()) as object).toMatchObject({ outcome: 'stored' });
    expect(await valueOf('key')).toBe('20');
  });

  test('changes nothing in the next life of the key', async () => {
    for (const values of [1, 2, 5]) {
      const key = `key/${values}`;
      for (let number = 1; number <= values; number++) await store.put(key, text(String(number)), probe);
      const { go } = await pausedWriter(key, 'paused', 'etag');
      await store.delete([key], probe);
      const made = await store.put(key, text('next life'), { ...probe, if: 'absent' });
      expect(made.outcome).toBe('stored');
      const answer = await go();
      expect(answer === 'overtaken' || answer.outcome === 'unknown').toBe(true);
      expect(await valueOf(key)).toBe('next life');
      if (made.outcome !== 'stored') continue;
      expect((await store.put(key, text('on'), { ...probe, if: { etag: made.etag } })).outcome).toBe('stored');
      expect(await valueOf(key)).toBe('on');
    }
    expect((await store.list({ ...probe, prefix: '' })).keys).toHaveLength(3);
    const lives = (await files()).filter((name) => /~[0-9a-f]{24}$/.test(name));
    expect(lives).toHaveLength(3); // What the paused ones left of the lives before is gone.
  });

  test('does not bring a deleted key back', async () => {
    await store.put('key', text('1'), probe);
    const { go } = await pausedWriter('key', 'paused', 'etag');
    await store.delete(['key'], probe);
    expect(await go()).toEqual({ outcome: 'unknown' });
    expect(await valueOf('key')).toBe('missing');
    expect((await store.list({ ...probe, prefix: '' })).keys).toEqual([]);
    expect(await files()).toEqual(['.tmp', expect.stringMatching(/^\.tmp\//)]);
  });
});

describe('a reader that pauses after it opened the first value', () => {
  test('starts again when the key was replaced and deleted meanwhile', async () => {
    await store.put('key', text('1'), probe);
    const place = placeOfKey(objects, 'key');
    const first = (await openValueFile(place.first))!;
    await store.put('key', text('2'), probe);
    await store.delete(['key'], probe);
    expect(await openNewest(place, 'key', first)).toBeUndefined();
    await store.put('key', text('next life'), probe);
    expect(await openNewest(place, 'key', first)).toBeUndefined();
    await first.handle.close();
    expect(await valueOf('key')).toBe('next life');
  });
});

describe('an etag', () => {
  test('of an earlier life of a key does not fit a later one, though number, size and bytes are the same', async () => {
    const etags = new Set<string>();
    for (let life = 0; life < 50; life++) {
      const made = await store.put('key', text('same'), { ...probe, if: 'absent' });
      if (made.outcome !== 'stored') throw new Error(made.outcome);
      for (const etag of etags) {
        if (life % 10 !== 9) break;
        expect(await store.put('key', text('x'), { ...probe, if: { etag } })).toEqual({ outcome: 'changed' });
      }
      etags.add(made.etag);
      await store.delete(['key'], probe);
    }
    expect(etags.size).toBe(50);
  });
});

describe('the directory', () => {
  test('is made by the first put, with those above it, and not by looking', async () => {
    expect(store.directory).toBe(directory);
    expect(await store.get('key', probe)).toBe('missing');
    expect(await store.list({ ...probe, prefix: '' })).toEqual({ keys: [], more: false });
    expect(await store.delete(['key'], probe)).toEqual({ failed: [] });
    expect(await readdir(parent)).toEqual([]);
    await store.put('a/b', text('x'), probe);
    expect(await files()).toEqual(['.tmp', 'a', 'a/b~1']);
  });

  test('is never left, whatever the key', async () => {
    const keys = ['../x', '../../x', '..', '/etc/x', 'a/../../../x', '\0', 'a\0b', './.', '.tmp/x', '%2e%2e/x'];
    for (const key of keys) await store.put(key, text(key), { ...probe, if: 'absent' });
    for (const key of keys) expect(await valueOf(key)).toBe(key);
    expect(await readdir(parent)).toEqual(['deep']);
    expect(await readdir(join(parent, 'deep'))).toEqual(['store']);
    expect(await readdir(directory)).toEqual(['objects']);
    expect(await readdir(join(objects, '.tmp'))).toEqual([]);
    const { keys: listed } = await store.list({ ...probe, prefix: '' });
    expect(listed.map(({ key }) => key)).toEqual(keys.toSorted());
  });

  test('may be removed and made again under a store that goes on', async () => {
    await store.put('a/b', text('1'), probe);
    await rm(directory, { recursive: true });
    expect(await valueOf('a/b')).toBe('missing');
    expect((await store.put('a/b', text('2'), { ...probe, if: 'absent' })).outcome).toBe('stored');
    await rm(join(objects, 'a'), { recursive: true });
    expect((await store.put('a/b', text('3'), { ...probe, if: 'absent' })).outcome).toBe('stored');
    await rm(join(objects, '.tmp'), { recursive: true });
    expect((await store.put('a/b', text('4'), probe)).outcome).toBe('stored');
    expect(await valueOf('a/b')).toBe('4');
  });

  test('keeps no more than a few values of a key, and none of a deleted one', async () => {
    for (let i = 0; i < 100; i++) await store.put('key', text(String(i)), probe);
    expect((await files()).length).toBeLessThanOrEqual(keptCount + 3);
    await store.delete(['key'], probe);
    expect(await files()).toEqual(['.tmp']);
  });

  test('may hold files of others: they are not listed, not read, not removed', async () => {
    await store.put('a/b', text('x'), probe);
    const foreign = ['README.md', '.hidden', 'A~1', 'a~x', 'a~2', '.DS_Store', 'a/b~1.bak', 'a/lost+found'];
    for (const name of foreign) await writeFile(join(objects, name), 'foreign');
    await mkdir(join(objects, 'Folder'));
    await mkdir(join(objects, 'folder~1'));
    await symlink(parent, join(objects, 'loop'));
    expect((await store.list({ ...probe, prefix: '' })).keys).toEqual([{ key: 'a/b', size: 1 }]);
    await store.delete(['a/b', 'README.md', 'A', 'a'], probe);
    expect(await files()).toEqual(expect.arrayContaining([...foreign, 'Folder', 'folder~1', 'loop']));
  });

  test('is a path', () => {
    for (const wrong of ['', 7, undefined, null, 'a\0b']) {
      expect(() => new FileObjectStore(wrong as string)).toThrow(/the directory of a FileObjectStore is a path/);
    }
  });
});

describe('a list', () => {
  test('knows whether there is more, so that nobody asks in vain', async () => {
    for (const key of ['a/1', 'a/2', 'b', 'c/1']) await store.put(key, text('x'), probe);
    const page = async (prefix: string, limit: number, after?: string): Promise<string> => {
      const { keys, more } = await store.list({ ...probe, prefix, limit, after });
      return `${keys.map(({ key }) => key).join(' ')} ${more}`;
    };
    expect(await page('', 4)).toBe('a/1 a/2 b c/1 false');
    expect(await page('', 3)).toBe('a/1 a/2 b true');
    expect(await page('a/', 2)).toBe('a/1 a/2 false');
    expect(await page('', 1, 'b')).toBe('c/1 false');
    await store.delete(['c/1'], probe);
    expect(await page('', 3)).toBe('a/1 a/2 b false');
  });
});

describe('what the dead have left', () => {
  test('in the temporary directory is removed by the first put, once it is an hour old', async () => {
    const temporary = join(objects, '.tmp');
    await mkdir(temporary, { recursive: true });
    const now = 1_700_000_000;
    for (const [name, age] of [
      ['old', 3601],
      ['older', 86_400],
      ['young', 3599],
      ['future', -500],
    ] as const) {
      await writeFile(join(temporary, name), 'half a val');
      await utimes(join(temporary, name), now - age, now - age);
    }
    const runtime = new SeededRuntime({ seed: 1, startMs: now * 1000 });
    const later = new FileObjectStore(directory, { runtime });
    expect(await readdir(temporary)).toHaveLength(4);
    await later.put('key', text('x'), probe);
    expect((await readdir(temporary)).toSorted()).toEqual(['future', 'young']);
    expect((await later.list({ ...probe, prefix: '' })).keys).toEqual([{ key: 'key', size: 1 }]);
  });

  test('as a second name of a value is no harm: it is read, listed, replaced and deleted like any other', async () => {
    await store.put('key', text('1'), probe);
    await link(join(objects, 'key~1'), join(objects, '.tmp', 'left'));
    expect(await valueOf('key')).toBe('1');
    expect((await store.list({ ...probe, prefix: 'key' })).keys).toEqual([{ key: 'key', size: 1 }]);
    expect(await store.put('key', text('x'), { ...probe, if: 'absent' })).toEqual({ outcome: 'exists' });
    await store.put('key', text('2'), probe);
    await store.delete(['key'], probe);
    expect(await valueOf('key')).toBe('missing');
  });

  test('of a deletion that was cut short is seen by nobody, in this life or the next', async () => {
    for (const value of ['1', '2', '3']) await store.put('key', text(value), probe);
    await rm(join(objects, 'key~1'));
    expect(await valueOf('key')).toBe('missing');
    expect((await store.list({ ...probe, prefix: '' })).keys).toEqual([]);
    expect((await store.put('key', text('next life'), { ...probe, if: 'absent' })).outcome).toBe('stored');
    expect(await valueOf('key')).toBe('next life');
  });

  test('of a first replacement that was cut short before its link changes nothing', async () => {
    const made = await store.put('key', text('1'), probe);
    if (made.outcome !== 'stored') throw new Error(made.outcome);
    await mkdir(join(objects, `key~${made.etag.slice(2)}`));
    expect(await valueOf('key')).toBe('1');
    expect((await store.list({ ...probe, prefix: '' })).keys).toEqual([{ key: 'key', size: 1 }]);
    expect((await store.put('key', text('2'), { ...probe, if: { etag: made.etag } })).outcome).toBe('stored');
    expect(await valueOf('key')).toBe('2');
  });
});

describe('a damaged value', () => {
  test('is OBJECT_CORRUPT when read, is listed, and can be deleted', async () => {
    await store.put('short', text('value'), probe);
    await truncate(join(objects, 'short~1'), 7);
    await store.put('strange', text('value'), probe);
    await rm(join(objects, 'strange~1'));
    await writeFile(join(objects, 'strange~1'), 'not written by this store');
    await store.put('replaced', text('1'), probe);
    await store.put('replaced', text('2'), probe);
    const life = (await readdir(objects)).find((name) => name.startsWith('replaced~') && name !== 'replaced~1')!;
    await truncate(join(objects, life, '2'), 3);
    for (const key of ['short', 'strange', 'replaced']) {
      const error: unknown = await store.get(key, probe).catch((cause: unknown) => cause);
      expect(isQanatError(error, 'OBJECT_CORRUPT') && error.key).toBe(key);
    }
    const { keys } = await store.list({ ...probe, prefix: '' });
    expect(keys.map(({ key }) => key)).toEqual(['replaced', 'short', 'strange']);
    expect(await store.delete(['short', 'strange', 'replaced'], probe)).toEqual({ failed: [] });
    expect(await store.list({ ...probe, prefix: '' })).toEqual({ keys: [], more: false });
  });
});

describe('a failure of the system', () => {
  test('where a file stands in the place of a directory is STORE_UNAVAILABLE, and tells what to do', async () => {
    await store.put('other', text('x'), probe);
    await writeFile(join(objects, 'a'), 'a file');
    const { failed } = await store.delete(['a/b'], probe);
    for (const call of [
      () => store.put('a/b', text('x'), { ...probe, if: 'absent' }),
      () => store.put('a/b/c', text('x'), probe),
      () => store.get('a/b', probe),
      () => store.list({ ...probe, prefix: 'a/' }),
      () => Promise.reject(failed[0]?.cause as Error),
    ]) {
      const error: unknown = await call().catch((cause: unknown) => cause);
      if (!isQanatError(error, 'STORE_UNAVAILABLE')) throw error;
      expect(error.message).toMatch(/failed \((ENOTDIR|EEXIST)\): a file stands where a directory belongs; /);
      expect(error.message).not.toContain(parent);
      expect(error.outcome).toBe('none');
      expect((error.cause as { syscall?: string }).syscall).toBeTypeOf('string');
    }
    expect(await readdir(join(objects, '.tmp'))).toEqual([]);
    expect(await valueOf('other')).toBe('x');
  });

  test('where the directory is a file is STORE_UNSUITABLE, in every call', async () => {
    await mkdir(join(parent, 'deep'));
    await writeFile(directory, 'a file');
    for (const call of [
      () => store.put('key', text('x'), probe),
      () => store.get('key', probe),
      () => store.list({ ...probe, prefix: '' }),
      () => store.delete(['key'], probe),
    ]) {
      await expect(call()).rejects.toMatchObject({ code: 'STORE_UNSUITABLE' });
    }
    expect((await stat(directory)).size).toBe(6);
  });

  test('of each kind has a sentence of its own, with the operation and the key', () => {
    for (const code of [
      'ENOSPC',
      'EACCES',
      'EPERM',
      'ENOTDIR',
      'EIO',
      'EROFS',
      'EFBIG',
      'EMFILE',
      'ENFILE',
      'EDQUOT',
    ]) {
      const cause = Object.assign(new Error(`${code}: open '/secret/path'`), { code, syscall: 'open' });
      const error = fileFailure(cause, 'put', 'some/key');
      if (!isQanatError(error, 'STORE_UNAVAILABLE')) throw new Error('not the error of the store');
      expect(error).toMatchObject({ operation: 'put', key: 'some/key', action: 'retry', cause });
      expect(error.message).toMatch(
        new RegExp(`^put of "some/key" failed \\(${code}\\): [a-z -]+; [a-z -]+, then try again$`),
      );
    }
    const other = new Error('a bug');
    expect(fileFailure(other, 'put', 'key')).toBe(other);
  });

  test('of too large a file stores nothing, and leaves nothing', async () => {
    const script = `
      const { FileObjectStore } = await import(process.argv[1]);
      const store = new FileObjectStore(process.argv[2]);
      const error = await store.put('big', new Uint8Array(300_000), { purpose: 'probe' }).catch((cause) => cause);
      const small = await store.put('small', new Uint8Array(10), { purpose: 'probe' });
      console.log(error.code, error.outcome, error.cause?.code, small.outcome);`;
    expect(limited('ulimit -f 100', script)).toBe('STORE_UNAVAILABLE none EFBIG stored');
    expect(await readdir(join(objects, '.tmp'))).toEqual([]);
    expect((await store.list({ ...probe, prefix: '' })).keys).toEqual([{ key: 'small', size: 10 }]);
  });

  test('of too many open files stores nothing, and passes when there are fewer', async () => {
    const script = `
      const { open } = await import('node:fs/promises');
      const { FileObjectStore } = await import(process.argv[1]);
      const store = new FileObjectStore(process.argv[2]);
      await store.put('before', new Uint8Array(10), { purpose: 'probe' });
      const handles = [];
      for (;;) {
        const handle = await open('/dev/null').catch(() => undefined);
        if (handle === undefined) break;
        handles.push(handle);
      }
      const put = await store.put('key', new Uint8Array(10), { purpose: 'probe' }).catch((cause) => cause);
      const get = await store.get('before', { purpose: 'probe' }).catch((cause) => cause);
      for (const handle of handles) await handle.close();
      const after = await store.put('key', new Uint8Array(10), { purpose: 'probe', if: 'absent' });
      console.log(put.code, put.cause?.code, get.code, after.outcome);`;
    expect(limited('ulimit -n 80', script)).toBe('STORE_UNAVAILABLE EMFILE STORE_UNAVAILABLE stored');
  });

  test('of too long a path names it as such', async () => {
    const long = new FileObjectStore(join(parent, ...Array.from({ length: 18 }, () => 'd'.repeat(200))));
    const error: unknown = await long.put('\u{e9}'.repeat(512), text('x'), probe).catch((cause: unknown) => cause);
    expect(isQanatError(error, 'STORE_UNAVAILABLE') && error.message).toMatch(/\(ENAMETOOLONG\): the path is too long/);
  });
});

describe('many requests at once', () => {
  test('do not open more files than a process may', async () => {
    const script = `
      const { FileObjectStore } = await import(process.argv[1]);
      const store = new FileObjectStore(process.argv[2]);
      const options = { purpose: 'probe' };
      const keys = Array.from({ length: 200 }, (_, index) => 'key/' + index);
      await Promise.all(keys.map((key) => store.put(key, new Uint8Array(1000), options)));
      await Promise.all(keys.map((key) => store.put(key, new Uint8Array(2000), options)));
      const values = await Promise.all(keys.map((key) => store.get(key, options)));
      const lists = await Promise.all(keys.slice(0, 20).map(() => store.list({ prefix: 'key/', ...options })));
      console.log(values.every(({ size }) => size === 2000), lists.every((list) => list.keys.length === 200));`;
    expect(limited('ulimit -n 300', script)).toBe('true true');
  });

  test('see each other’s bytes whole while a value is replaced all the time', async () => {
    const body = (mark: number): Uint8Array => new Uint8Array(1000 + mark).fill(mark);
    await store.put('key', body(0), probe);
    let isWriting = true;
    const write = (async () => {
      for (let mark = 1; mark <= 120; mark++) await store.put('key', body(mark), probe);
      isWriting = false;
    })();
    let [last, reads] = [0, 0];
    while (isWriting) {
      const got = await store.get('key', probe);
      if (typeof got === 'string') throw new Error(got);
      const mark = got.size - 1000;
      expect(mark).toBeGreaterThanOrEqual(last); // Never an older value than one that was seen before.
      expect(got.bytes.every((byte) => byte === mark)).toBe(true);
      last = mark;
      reads += 1;
    }
    await write;
    expect(reads).toBeGreaterThan(20);
  });
});

/** Runs a script on the built package in a process with a limit of the shell, and gives what it prints. */
function limited(limit: string, script: string): string {
  const index = new URL('../../dist/index.js', import.meta.url).href;
  const command = `${limit} && exec "$0" --input-type=module --eval "$1" "$2" "$3"`;
  const run = spawnSync('/bin/sh', ['-c', command, process.execPath, script, index, directory], { encoding: 'utf8' });
  return run.stdout.trim() || run.stderr;
}
