// The file WAL piece by piece: its directory, its lock, its files, and what it says when the system refuses it.
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawn } from 'node:child_process';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { KiB } from '../../src/base/bytes.ts';
import { systemRuntime } from '../../src/base/runtime.ts';
import { batchSizeMaxBytes } from '../../src/model/limits.ts';
import { MemoryObjectStore } from '../../src/store/memory-object-store.ts';
import { fileWal, fileWalOfSizes } from '../../src/wal/file-wal.ts';
import type { Wal, WalFactory } from '../../src/wal/wal.ts';
import {
  directory,
  folder,
  heldAppend,
  openFileWal,
  recoveredIndexes,
  sealFileWal,
  smallSizes,
  walIdOf,
  type FileWalRig,
} from './file-wal-rig.ts';
import { failure, SimDisk, type HeldWrite } from '../../src/testkit/sim-disk.ts';
import { batch, indexesOf, MemoryEpochState, MemoryWalSink, quickRuntime, turn, upTo, walPlace } from './wal-place.ts';

describe('A file WAL that the system refuses', () => {
  test('ends with an unknown outcome when the disk is full in the middle of a group', async () => {
    const rig = await openFileWal();
    await rig.appendEach(0, 3);
    const write = await heldAppend(rig, 3, 3_000);
    rig.wal.append(batch(4));
    write.show(); // All of it, some of it: nobody knows.
    write.answer(failure('ENOSPC', 'write', write.path));
    const end = await rig.sink.whenEnded();
    expect(end).toMatchObject({
      reason: 'failed',
      sentCount: 1,
      error: { code: 'STORE_UNAVAILABLE', outcome: 'unknown', message: expect.stringContaining('the disk is full') },
    });
    rig.wal.append(batch(5));
    await rig.wal.flush();
    await rig.wal.close();
    expect(rig.sink.durableCount).toBe(3);
    rig.disk.cutPower((_, sector) => sector % 2 === 0);
    expect(await recoveredIndexes(rig.disk)).toEqual(upTo(3));
  });

  test.each(['EIO', 'EROFS', 'ENOENT'])('ends after %s', async (code) => {
    const rig = await openFileWal();
    await rig.appendEach(0, 2);
    rig.disk.fault = (operation) => (operation === 'write' ? failure(code, 'write', 'x') : undefined);
    rig.wal.append(batch(2));
    const end = await rig.sink.whenEnded();
    expect(end).toMatchObject({ reason: 'failed', error: { code: 'STORE_UNAVAILABLE', outcome: 'unknown' } });
    expect(rig.sink.durableCount).toBe(2);
  });

  test('ends when a write was short', async () => {
    const rig = await openFileWal();
    const write = await heldAppend(rig, 0, 3_000);
    write.answer(new Error('only 512 of 3584 bytes were written'));
    expect(await rig.sink.whenEnded()).toMatchObject({ reason: 'failed', sentCount: 1 });
  });

  test('does not open on a full disk', async () => {
    const disk = new SimDisk(quickRuntime);
    disk.fault = (operation, path) =>
      operation === 'write' && path.endsWith('.seg') ? failure('ENOSPC', 'write', path) : undefined;
    await expect(openFileWal({ disk })).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      outcome: 'none',
      message: expect.stringContaining('the disk is full') as string,
    });
    disk.fault = undefined;
    expect(disk.paths().filter((path) => !path.endsWith('wal-id'))).toEqual([]); // No folder, no lock, nothing half made.
    const { appendEach } = await openFileWal({ disk });
    await appendEach(0, 1);
  });

  test('fails before it sends what would need another file of a full disk', async () => {
    const rig = await openFileWal();
    rig.disk.fault = (operation, path) =>
      operation === 'open' && path.endsWith('.seg') ? failure('ENOSPC', 'open', path) : undefined;
    let end = 0;
    while (rig.sink.end === undefined) await rig.appendEach(end, (end += 1));
    expect(rig.sink.end).toMatchObject({
      reason: 'failed',
      sentCount: 0,
      error: { code: 'STORE_UNAVAILABLE', outcome: 'none', message: expect.stringContaining('the disk is full') },
    });
    rig.disk.fault = undefined;
    expect(await recoveredIndexes(rig.disk)).toEqual(upTo(rig.sink.durableCount));
  });

  test('goes on when there is room again before it needs it', async () => {
    const rig = await openFileWal();
    let refused = 0;
    rig.disk.fault = (operation, path) =>
      operation === 'open' && path.endsWith('.seg') && refused++ < 1 ? failure('ENOSPC', 'open', path) : undefined;
    await rig.appendEach(0, 30);
    expect(rig.sink.durableCount).toBe(30);
    expect(refused).toBeGreaterThan(1);
  });

  test('ends when its directory is removed, and says that nobody knows', async () => {
    const rig = await openFileWal();
    await rig.appendEach(0, 2);
    rig.disk.destroy(directory);
    rig.wal.append(batch(2));
    const end = await rig.sink.whenEnded();
    expect(end).toMatchObject({ reason: 'failed', error: { code: 'STORE_UNAVAILABLE', outcome: 'unknown' } });
    expect(rig.sink.durableCount).toBe(2);
  });

  test('ends when its sink throws', async () => {
    const rig = await openFileWal();
    rig.sink.onDurable = () => {
      throw new Error('a bug');
    };
    rig.wal.append(batch(0));
    expect(await rig.sink.whenEnded()).toMatchObject({ reason: 'failed', sentCount: 0 });
  });
});

describe('A group that is under way when its WAL is sealed', () => {
  async function sealedUnderWay(): Promise<{ rig: FileWalRig; write: HeldWrite; sealedAt: number }> {
    const rig = await openFileWal();
    await rig.appendEach(0, 3);
    const write = await heldAppend(rig, 3, 500);
    write.show();
    write.sync();
    const sealed = await sealFileWal(rig.disk);
    expect(await indexesOf(sealed)).toEqual(upTo(4));
    return { rig, write, sealedAt: sealed?.sealedAt ?? 0 };
  }

  test('is acknowledged if the seal counts it and the epoch is recovered', async () => {
    const { rig, write, sealedAt } = await sealedUnderWay();
    rig.state.sealedAt = sealedAt;
    write.answer();
    expect(await rig.sink.whenEnded()).toEqual({ reason: 'fenced', outcome: 'none', sentCount: 0 });
    expect(rig.sink.durableCount).toBe(4);
  });

  test('was not applied if the epoch was ended before its segment by hand', async () => {
    const { rig, write } = await sealedUnderWay();
    rig.state.sealedAt = 0;
    write.answer();
    expect(await rig.sink.whenEnded()).toEqual({ reason: 'fenced', outcome: 'none', sentCount: 1 });
    expect(rig.sink.durableCount).toBe(3);
  });

  test('is nobody knows what if the epoch is not recovered, or the seal is gone', async () => {
    const unknown = { reason: 'fenced', outcome: 'unknown', sentCount: 1 };
    const first = await sealedUnderWay();
    first.write.answer();
    expect(await first.rig.sink.whenEnded()).toEqual(unknown);
    const second = await sealedUnderWay();
    second.rig.state.sealedAt = second.sealedAt;
    second.rig.disk.destroy(`${folder}/seal`);
    second.write.answer();
    expect(await second.rig.sink.whenEnded()).toEqual(unknown);
  });
});

describe('The groups of a file WAL', () => {
  test('take what was appended in one moment, and what came while one was written', async () => {
    const rig = await openFileWal();
    rig.wal.append(batch(0));
    rig.wal.append(batch(1));
    const write = await new Promise<HeldWrite>((resolve) => (rig.disk.hold = resolve));
    for (let index = 2; index < 9; index += 1) rig.wal.append(batch(index));
    await turn();
    expect(rig.sink.counts).toEqual([]);
    rig.disk.hold = undefined;
    write.show();
    write.sync();
    write.answer();
    await rig.wal.flush();
    expect(rig.sink.counts).toEqual([2, 7]);
  });

  test('are at most as large as they may be, or one batch', async () => {
    const rig = await openFileWal();
    const sizes = [3_000, 1_000, 500, 7_000, 3, 3_000, 2_000, 100, 100, 7_900, 4_200];
    for (const [index, sizeBytes] of sizes.entries()) rig.wal.append(batch(index, sizeBytes));
    await rig.wal.flush();
    expect(rig.sink.counts).toEqual([1, 2, 1, 2, 3, 1, 1]);
    const sealed = await sealFileWal(rig.disk);
    const found = [];
    for (const segment of sealed?.segments ?? [])
      for (const { bytes } of (await sealed?.batches(segment)) ?? []) found.push(bytes.byteLength);
    expect(found).toEqual(sizes);
  });

  test('hold the greatest batch there is, in files of the usual size', async () => {
    const disk = new SimDisk(quickRuntime);
    const { MiB } = { MiB: 1_024 * KiB };
    const sizes = { fileSizeBytes: 16 * MiB, sparesMax: 1, groupSizeMaxBytes: 4 * MiB, segmentSizeBytes: MiB };
    const { wal, sink } = await openFileWal({ disk, sizes });
    const count = 6;
    for (let index = 0; index < count; index += 1) wal.append(batch(index, batchSizeMaxBytes - index));
    await wal.flush();
    expect(sink.durableCount).toBe(count);
    expect(await recoveredIndexes(disk)).toEqual(upTo(count));
  });

  test('belong to segments that a flush completes', async () => {
    const rig = await openFileWal();
    await rig.appendEach(0, 2, 100);
    expect(rig.wal.unreleased()).toEqual([]);
    await rig.wal.flush();
    expect(rig.wal.unreleased()).toMatchObject([{ sequence: 0, parts: [{ startOffset: 0, endOffset: 2 }] }]);
    await rig.wal.flush();
    expect(rig.wal.unreleased()).toHaveLength(1);
    rig.wal.append(batch(2));
    const first = rig.wal.flush();
    rig.wal.append(batch(3));
    rig.wal.append(batch(4, 4_000));
    const second = rig.wal.flush();
    rig.wal.append(batch(5));
    await first;
    expect(rig.wal.unreleased().length).toBeGreaterThan(1);
    await second;
    const ends = rig.wal.unreleased().map(({ parts }) => parts.at(-1)?.endOffset ?? 0);
    expect(ends.at(-1)).toBeGreaterThanOrEqual(5);
    await rig.wal.flush();
    expect(rig.wal.unreleased().at(-1)?.parts.at(-1)?.endOffset).toBe(6);
    expect(rig.wal.unreleased().map(({ sequence }) => sequence)).toEqual(upTo(rig.wal.unreleased().length));
  });
});

describe('The files of a file WAL', () => {
  const segmentFiles = (disk: SimDisk): string[] => disk.paths(folder).filter((path) => path.endsWith('.seg'));

  test('are used again after a release, and never more than are needed', async () => {
    const rig = await openFileWal();
    let index = 0;
    for (let round = 0; round < 30; round += 1) {
      await rig.appendEach(index, (index += 10));
      await rig.wal.flush();
      const position = (rig.wal.unreleased().at(-1)?.sequence ?? -1) + 1;
      await rig.wal.release(position, new Set());
      rig.state.released = position;
      expect(segmentFiles(rig.disk).length).toBeLessThanOrEqual(5);
    }
    expect(rig.wal.unreleased()).toEqual([]);
    await rig.appendEach(index, index + 3);
    expect(await recoveredIndexes(rig.disk, rig.state)).toEqual([index, index + 1, index + 2]);
  });

  test('are removed when more are free than will be needed', async () => {
    const rig = await openFileWal();
    await rig.appendEach(0, 100);
    await rig.wal.flush();
    const before = segmentFiles(rig.disk).length;
    expect(before).toBeGreaterThan(10);
    await rig.wal.release((rig.wal.unreleased().at(-1)?.sequence ?? -1) + 1, new Set());
    expect(segmentFiles(rig.disk).length).toBe(1 + smallSizes.sparesMax);
  });

  test('that hold a segment which is not released stay', async () => {
    const rig = await openFileWal();
    await rig.appendEach(0, 60);
    await rig.wal.flush();
    const segments = rig.wal.unreleased();
    for (let position = 0; position <= segments.length; position += 1) {
      await rig.wal.release(position, new Set());
      rig.state.released = position;
      const from = segments[position]?.parts[0]?.startOffset ?? 60;
      rig.disk.destroy(`${folder}/seal`);
      expect(await recoveredIndexes(rig.disk, rig.state)).toEqual(upTo(60).slice(from));
    }
  });

  test('of past epochs are removed when they are over, and others are not', async () => {
    const older = await openFileWal({ nodeEpoch: 5 });
    await older.wal.close();
    const { disk, factory, appendEach } = await openFileWal({ disk: older.disk });
    await appendEach(0, 2);
    await factory.discard?.((epoch) => epoch < 7, { runtime: quickRuntime });
    expect(disk.paths().some((path) => path.includes('0000000000000005'))).toBe(false);
    expect(await recoveredIndexes(disk)).toEqual(upTo(2));
    await factory.discard?.(() => false, { runtime: quickRuntime });
    expect(await recoveredIndexes(disk)).toEqual(upTo(2));
  });
});

describe('A WAL that is not where it is looked for is missing, never empty:', () => {
  const missing = { code: 'WAL_MISSING', node: 'a', nodeEpoch: 7, walKind: 'file' };

  test('no directory, an empty one, one of another WAL', async () => {
    const disk = new SimDisk(quickRuntime);
    await expect(sealFileWal(disk, undefined, { id: 'ab'.repeat(16) })).rejects.toMatchObject(missing);
    await disk.makeDirectory(directory);
    await expect(sealFileWal(disk, undefined, { id: 'ab'.repeat(16) })).rejects.toMatchObject(missing);
    const rig = await openFileWal();
    await rig.appendEach(0, 2);
    await expect(sealFileWal(rig.disk, undefined, { id: 'ab'.repeat(16) })).rejects.toMatchObject(missing);
    expect(rig.disk.paths().some((path) => path.endsWith('owner'))).toBe(true);
  });

  test('another kind of WAL', async () => {
    const { disk, factory } = await openFileWal();
    const identity = { kind: 'object', id: '' } as const;
    const context = { ...walPlace(new MemoryObjectStore()), identity, released: 0 };
    const reread = (): Promise<{ released: number }> => Promise.resolve({ released: 0 });
    await expect(factory.seal({ ...context, reread })).rejects.toMatchObject({
      code: 'WAL_MISSING',
      walKind: 'object',
    });
    expect(disk.paths().some((path) => path.endsWith('owner'))).toBe(true);
  });

  test('the folder of an epoch that was opened here', async () => {
    const rig = await openFileWal();
    rig.disk.destroy(folder);
    await expect(sealFileWal(rig.disk)).rejects.toMatchObject(missing);
  });

  test('the folder of an epoch of which something was released', async () => {
    const rig = await openFileWal({ nodeEpoch: 5 });
    const state = new MemoryEpochState();
    state.released = 1;
    await expect(sealFileWal(rig.disk, state)).rejects.toMatchObject(missing);
  });

  test('all segment files of an epoch', async () => {
    const rig = await openFileWal();
    await rig.appendEach(0, 10);
    rig.disk.killProcess();
    for (const path of rig.disk.paths(folder)) if (path.endsWith('.seg')) rig.disk.destroy(path);
    await expect(sealFileWal(rig.disk)).rejects.toMatchObject(missing);
  });

  test('unless the state says that the epoch was recovered in the meantime', async () => {
    const rig = await openFileWal();
    await rig.appendEach(0, 2);
    rig.state.sealedAt = 1;
    expect(await sealFileWal(rig.disk, rig.state)).toBeUndefined();
    rig.disk.destroy(folder);
    rig.state.sealedAt = 3;
    expect(await sealFileWal(rig.disk, rig.state)).toBeUndefined();
  });
});

describe('An epoch that ended before its WAL was opened', () => {
  test('is empty, and stays so: its writer comes too late', async () => {
    const { disk, wal } = await openFileWal({ nodeEpoch: 5 });
    await wal.close();
    const sealed = await sealFileWal(disk);
    expect(sealed).toMatchObject({ sealedAt: 0, segments: [] });
    await expect(openFileWal({ disk, nodeEpoch: 7 })).rejects.toMatchObject({ code: 'NODE_FENCED', nodeEpoch: 7 });
    expect(await sealFileWal(disk)).toMatchObject({ sealedAt: 0, segments: [] });
  });

  test('has one maker of its folder, whoever is faster', async () => {
    for (let head = 0; head < 40; head += 1) {
      const first = await openFileWal({ nodeEpoch: 5 });
      await first.wal.close();
      const { disk } = first;
      const opening = openFileWal({ disk }).catch(() => undefined);
      for (let i = 0; i < head; i += 1) await turn();
      const sealed = await sealFileWal(disk);
      const opened = await opening;
      opened?.wal.append(batch(0));
      for (let i = 0; i < 10; i += 1) await turn();
      expect(sealed?.sealedAt).toBe(0);
      expect(opened?.sink.durableCount ?? 0).toBe(0);
      if (opened !== undefined) expect(opened.sink.end).toMatchObject({ reason: 'fenced' });
    }
  });
});

describe('The directory of a file WAL', () => {
  let parent: string;
  let wal: string;
  beforeEach(async () => {
    parent = await mkdtemp(join(tmpdir(), 'qanat-wal-'));
    wal = join(parent, 'some', 'wal');
  });
  afterEach(() => rm(parent, { recursive: true }));

  const place = walPlace(new MemoryObjectStore(), { runtime: systemRuntime });
  const small = (): WalFactory => fileWalOfSizes({ directory: wal }, smallSizes);
  const open = (factory: WalFactory, nodeEpoch: number): Promise<Wal> =>
    factory.open({
      ...place,
      nodeEpoch,
      settings: { segmentSizeMinBytes: 1, storeDeadlineMs: 60_000 },
      sink: new MemoryWalSink(),
      sealedAt: () => Promise.resolve(undefined),
    });

  test('is made with those above it, and keeps its identity', async () => {
    const identity = await small().identify(place);
    expect(identity).toMatchObject({ kind: 'file', id: expect.stringMatching(/^[0-9a-f]{32}$/) as string });
    await rm(join(wal, 'lock'));
    expect(await small().identify(place)).toEqual(identity);
  });

  test('is refused if it holds something else, and nothing is made in it', async () => {
    await mkdir(wal, { recursive: true });
    await writeFile(join(wal, 'photo.jpg'), '');
    await expect(small().identify(place)).rejects.toMatchObject({
      code: 'STORE_UNSUITABLE',
      message: expect.stringContaining('photo.jpg') as string,
    });
    expect(await readdir(wal)).toEqual(['photo.jpg']);
  });

  test('is refused if it is a file, or belongs to another node or cluster', async () => {
    await mkdir(join(parent, 'some'));
    await writeFile(wal, '');
    await expect(small().identify(place)).rejects.toMatchObject({ code: 'STORE_UNSUITABLE' });
    await rm(wal);
    const factory = small();
    await factory.identify(place);
    await factory.letGo?.();
    await expect(small().identify({ ...place, node: 'b' })).rejects.toMatchObject({
      code: 'STORE_UNSUITABLE',
      problem: expect.stringContaining('node a') as string,
    });
    const clusterId = 'ff'.repeat(16);
    await expect(small().identify({ ...place, clusterId })).rejects.toMatchObject({ code: 'STORE_UNSUITABLE' });
  });

  test('with a damaged name plate is not used and not replaced', async () => {
    await small().identify(place);
    const path = join(wal, 'wal-id');
    const bytes = await readFile(path);
    for (let position = 0; position < bytes.byteLength; position += 1) {
      const damaged = Buffer.from(bytes);
      damaged[position] = (damaged[position] as number) ^ (1 << (position % 8));
      await writeFile(path, damaged);
      await expect(small().identify(place), `byte ${position}`).rejects.toMatchObject({
        code: expect.stringMatching(/^(OBJECT_CORRUPT|FORMAT_UNSUPPORTED)$/) as string,
      });
    }
  });

  test('is locked while its owner lives, and free when it has closed, stopped or given up', async () => {
    const first = small();
    await first.identify(place);
    const locked = { code: 'WAL_LOCKED', node: 'a', holder: `process ${process.pid} on ${hostname()}` };
    await expect(small().identify(place)).rejects.toMatchObject(locked);
    await first.letGo?.();
    const second = small();
    await second.identify(place);
    const opened = await open(second, 8);
    await expect(small().identify(place)).rejects.toMatchObject(locked);
    await opened.close();
    const third = small();
    await third.identify(place);
    const stopped = await open(third, 9);
    stopped.stop();
    await stopped.close();
    const fourth = small();
    await fourth.identify(place);
    await (await open(fourth, 10)).close();
    expect(await readdir(wal)).not.toContain('lock');
  });

  test('is given to one of two who take it at once', async () => {
    const answers = await Promise.allSettled(Array.from({ length: 8 }, () => small().identify(place)));
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const answer of answers)
      if (answer.status === 'rejected') expect(answer.reason).toMatchObject({ code: 'WAL_LOCKED' });
  });

  test.each([
    ['was locked before the machine was started', { bootId: 'another' }],
    ['is locked by a process that is gone', { pid: 2 ** 22 + 1 }],
    ['is locked by a process that was started at another time', { startTime: '1' }],
    ['has a lock that says nothing', undefined],
  ])('that %s is taken over', async (_, facts) => {
    const first = small();
    await first.identify(place);
    const path = join(wal, 'lock');
    const holder = JSON.parse(await readFile(path, 'utf8')) as object;
    await writeFile(path, facts === undefined ? 'x' : JSON.stringify({ ...holder, ...facts }));
    const second = small();
    await second.identify(place);
    await first.letGo?.(); // It does not take the other's lock with it.
    await expect(small().identify(place)).rejects.toMatchObject({ code: 'WAL_LOCKED' });
    await second.letGo?.();
  });

  test('that is locked by a process which has died is taken over', async () => {
    const first = small();
    await first.identify(place);
    const path = join(wal, 'lock');
    const child = spawn('sleep', ['60']);
    const died = new Promise((resolve) => child.once('exit', resolve));
    const line = await readFile(`/proc/${child.pid}/stat`, 'utf8').catch(() => undefined);
    const startTime = line?.slice(line.lastIndexOf(')') + 2).split(' ')[19];
    const holder = JSON.parse(await readFile(path, 'utf8')) as object;
    await writeFile(path, JSON.stringify({ ...holder, pid: child.pid, startTime }));
    await expect(small().identify(place)).rejects.toMatchObject({ holder: `process ${child.pid} on ${hostname()}` });
    child.kill('SIGKILL');
    await died;
    await small().identify(place);
  });

  test('is cleared of what was left half made', async () => {
    const factory = small();
    await factory.identify(place);
    await factory.letGo?.();
    await mkdir(join(wal, '.new-99999999-1-x'));
    await writeFile(join(wal, '.new-99999999-1-x', 'owner'), '');
    await writeFile(join(wal, '.new-99999999-1-y'), '');
    await writeFile(join(wal, `.new-${process.pid}-1-z`), '');
    const mine = `.new-${process.pid}--z`;
    await writeFile(join(wal, mine), '');
    await small().identify(place);
    expect((await readdir(wal)).toSorted()).toEqual([mine, 'lock', 'wal-id']);
  });

  test('is a path', () => {
    for (const wrong of [undefined, '', 5, 'a\0b'])
      expect(() => fileWal({ directory: wrong as string })).toThrow(TypeError);
  });

  test('serves a real disk, with files of the usual size, and is found again', async () => {
    const factory = fileWal({ directory: wal });
    const identity = await factory.identify(place);
    const sink = new MemoryWalSink();
    const opened = await factory.open({
      ...place,
      settings: { segmentSizeMinBytes: 1, storeDeadlineMs: 60_000 },
      sink,
      sealedAt: () => Promise.resolve(undefined),
    });
    const sizes = [1, 100, 70_000, 40_000, 8 * KiB, 3_000_000, 5_000_000, 64, batchSizeMaxBytes, 5_000_000];
    for (const [index, sizeBytes] of sizes.entries()) opened.append(batch(index, sizeBytes));
    await opened.flush();
    await opened.close();
    const reread = (): Promise<{ released: number }> => Promise.resolve({ released: 0 });
    const sealed = await fileWal({ directory: wal }).seal({ ...place, identity, released: 0, reread });
    expect(await indexesOf(sealed)).toEqual(upTo(sizes.length));
    await sealed?.close();
  });

  test('is read for its id by whoever recovers', async () => {
    const disk = new SimDisk(quickRuntime);
    const { factory } = await openFileWal({ disk });
    expect((await factory.identify(walPlace(new MemoryObjectStore()))).id).toBe(await walIdOf(disk));
  });
});

test('a file WAL lets go of batches that are durable, though others always wait', async () => {
  const rig = await openFileWal();
  const kept: WeakRef<object>[] = [];
  const append = (index: number): void => {
    const added = batch(index, 900);
    kept.push(new WeakRef(added));
    rig.wal.append(added);
  };
  for (let appended = 0; rig.sink.durableCount < 200; await turn())
    while (appended < rig.sink.durableCount + 40) append(appended++);
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  expect(rig.wal.pendingBytes).toBeGreaterThan(8 * KiB);
  expect(kept.slice(0, 100).filter((ref) => ref.deref() !== undefined)).toEqual([]);
  await rig.wal.close();
});
