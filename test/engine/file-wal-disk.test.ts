// Sets on the file WAL, and what can happen to its disk: full in the middle of a group, full when the next file is due,
// the directory removed while the set runs; and how much of it a set takes that uploads while it writes.
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { FileObjectStore, MemoryObjectStore, systemRuntime } from '../../src/index.ts';
import type { ObjectStore, Stream, StreamSet } from '../../src/index.ts';
import { KiB, MiB } from '../../src/base/bytes.ts';
import { fileWalOfSizes } from '../../src/wal/file-wal.ts';
import type { FileWalSizes } from '../../src/wal/file-wal-writer.ts';
import { FaultyObjectStore } from '../../src/testkit/faulty-object-store.ts';
import { FaultyWalFiles } from './faulty-wal-files.ts';
import { bytesOf, errorOf, openSet, readAll, readBatches, someDirectory, textOf } from './world.ts';

const smallSizes: FileWalSizes = {
  fileSizeBytes: 64 * KiB,
  sparesMax: 2,
  groupSizeMaxBytes: 32 * KiB,
  segmentSizeBytes: 16 * KiB,
};

interface Filling {
  readonly store: ObjectStore;
  readonly files: FaultyWalFiles;
  readonly directory: string;
  readonly set: StreamSet;
  readonly stream: Stream;
}

/** A set on a disk that can be filled up. Three batches are acknowledged, the first of them is uploaded. */
async function openOnFaultyDisk(): Promise<Filling> {
  const store = new MemoryObjectStore();
  const files = new FaultyWalFiles();
  const directory = join(await someDirectory(), 'wal');
  const set = await openSet(store, { wal: fileWalOfSizes({ directory, files }, smallSizes) });
  const stream = await set.create({ name: 's' });
  await stream.append(bytesOf('1'));
  await set.upload();
  for (const text of ['2', '3']) await stream.append(bytesOf(text));
  return { store, files, directory, set, stream };
}

async function openAgain({ store, directory }: Filling): Promise<Stream> {
  const set = await openSet(store, { wal: fileWalOfSizes({ directory }, smallSizes) });
  return set.open('s');
}

const fourTexts = Array.from({ length: 4 }, (_, i) => `${i}`.repeat(2_000));

describe('a disk that is full', () => {
  test.each([0, 40, 1_000, 5_000])(
    'in the middle of a group, after %i bytes, ends the set; the group is not in the history',
    async (roomBytes) => {
      const filling = await openOnFaultyDisk();
      const { files, set, stream } = filling;
      files.roomBytes = roomBytes;
      const errors = await Promise.all(fourTexts.map((text) => errorOf(stream.append(bytesOf(text)))));
      for (const error of errors) expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE', outcome: 'unknown' });
      expect(errors[0]?.message).toContain('the disk is full');
      expect(await set.closed).toMatchObject({ status: 'failed', error: { code: 'STORE_UNAVAILABLE' } });
      expect((await errorOf(stream.append(bytesOf('late')))).message).toContain('the disk is full');
      expect(await readAll(stream)).toEqual(['1', '2', '3']);
      files.roomBytes = Infinity;
      const again = await openAgain(filling); // Not even a close was needed: a set that has ended lets go of it.
      expect(await readAll(again)).toEqual(['1', '2', '3']);
      expect(await again.append(bytesOf('4'))).toEqual({ startOffset: 3, endOffset: 4 });
    },
  );

  test('which says so when all of a group was written ends the set; the group is in the history, whole', async () => {
    const filling = await openOnFaultyDisk();
    const { files, set, stream } = filling;
    files.roomBytes = 8_300; // Four batches of 2,000 bytes with their frames, and the head; the rest is padding.
    const errors = await Promise.all(fourTexts.map((text) => errorOf(stream.append(bytesOf(text)))));
    for (const error of errors) expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE', outcome: 'unknown' });
    expect(await set.closed).toMatchObject({ status: 'failed' });
    expect(await readAll(await openAgain(filling))).toEqual(['1', '2', '3', ...fourTexts]);
  });

  test('when the next file is due ends the set before anything of the group is sent', async () => {
    const filling = await openOnFaultyDisk();
    const { files, set, stream } = filling;
    files.hasRoomForFiles = false;
    const acknowledged = ['1', '2', '3'];
    let error: Error | undefined;
    for (let i = 0; error === undefined; i += 1) {
      const text = `${i}`.padEnd(8_000, '.');
      error = await stream.append(bytesOf(text)).then(
        () => void acknowledged.push(text),
        (cause: unknown) => cause as Error,
      );
    }
    expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE', outcome: 'none' });
    expect(acknowledged.length).toBeGreaterThan(3 + 7); // The file that was begun, and the one that was ready.
    const reason = await set.closed;
    expect(reason.status === 'failed' && reason.error.message).toContain('the disk is full');
    files.hasRoomForFiles = true;
    const again = await openAgain(filling);
    expect(await readAll(again)).toEqual(acknowledged);
    expect(await again.append(bytesOf('next'))).toMatchObject({ startOffset: acknowledged.length });
  });
});

describe('the directory of a WAL that is removed under a running set', () => {
  async function removed(): Promise<{ store: FileObjectStore; set: StreamSet; stream: Stream }> {
    const directory = await someDirectory();
    const store = new FileObjectStore(directory);
    const set = await openSet(store);
    const stream = await set.create({ name: 's' });
    await stream.append(bytesOf('uploaded'));
    await set.upload();
    await stream.append(bytesOf('only in the WAL'));
    await rm(join(directory, 'wal'), { recursive: true });
    return { store, set, stream };
  }

  test('ends it with the next append, of which nobody knows; what is lost is given up only if told to', async () => {
    const { store, set, stream } = await removed();
    expect(await errorOf(stream.append(bytesOf('3')))).toMatchObject({ code: 'STORE_UNAVAILABLE', outcome: 'unknown' });
    expect(await set.closed).toMatchObject({ status: 'failed', error: { code: 'STORE_UNAVAILABLE' } });
    expect(await readAll(stream)).toEqual(['uploaded', 'only in the WAL']);
    const missing = { code: 'WAL_MISSING', outcome: 'none', node: 'a', nodeEpoch: set.nodeEpoch, walKind: 'file' };
    for (let attempt = 0; attempt < 2; attempt += 1) expect(await errorOf(openSet(store))).toMatchObject(missing);
    const next = await openSet(store, { walMissing: 'abandon' });
    expect(await readAll(await next.open('s'))).toEqual(['uploaded']);
  });

  test('loses nothing if the set is closed before it appends: what was acknowledged is in memory', async () => {
    const { store, set } = await removed();
    await set.close();
    expect(await set.closed).toEqual({ status: 'closed' });
    expect(await readAll(await (await openSet(store)).open('s'))).toEqual(['uploaded', 'only in the WAL']);
  });
});

describe('a set that uploads while it writes', () => {
  const batchBytes = 16 * KiB;
  const batchesAtOnce = 8;
  const batches = 4_096; // 64 MiB.
  const sizes: FileWalSizes = {
    fileSizeBytes: 1 * MiB,
    sparesMax: 2,
    groupSizeMaxBytes: 160 * KiB,
    segmentSizeBytes: 256 * KiB,
  };
  // Of 64 MiB a quarter may wait for uploads; acknowledgements wait beyond it, so only appends under way come on top.
  const waitingBytesMax = 16 * MiB + batchesAtOnce * batchBytes;
  // A file is full when the next group does not fit; the first may hold a group that is needed, and no more.
  const fullFilesMax = Math.ceil(waitingBytesMax / (sizes.fileSizeBytes - sizes.groupSizeMaxBytes)) + 1;
  // The file that is written, one that is prepared, and those that are ready.
  const filesMax = fullFilesMax + 2 + sizes.sparesMax;
  // Each upload may have cut one segment short: the one under way, and the one that is due.
  const segmentsMax = Math.ceil(waitingBytesMax / sizes.segmentSizeBytes) + 2;

  test(`keeps the WAL below ${filesMax} files of 1 MiB and ${segmentsMax + 1} segments`, async () => {
    const memory = new MemoryObjectStore();
    const slow = { operation: 'put', purpose: 'upload', fault: { kind: 'latency', minMs: 40, maxMs: 80 } } as const;
    const store = new FaultyObjectStore(memory, { runtime: systemRuntime, seed: 1, faults: [slow] });
    const directory = join(await someDirectory(), 'wal');
    const settings = { memoryMaxBytes: 64 * MiB, uploadSizeBytes: 2 * MiB, storeDeadlineMs: 20_000 };
    const wal = fileWalOfSizes({ directory }, sizes);
    const set = await openSet(store, { wal, settings });
    const stream = await set.create({ name: 's' });
    const folder = join(directory, String(set.nodeEpoch).padStart(16, '0'));
    const peak = { files: 0, bytes: 0, segments: 0, unuploadedBytes: 0, samples: 0 };
    let isDone = false;
    const sampling = (async () => {
      while (!isDone) {
        const { writing } = set.stats();
        peak.segments = Math.max(peak.segments, writing?.unreleasedSegments ?? 0);
        peak.unuploadedBytes = Math.max(peak.unuploadedBytes, writing?.unuploadedBytes ?? 0);
        const names = await readdir(folder);
        const found = await Promise.all(names.map((name) => stat(join(folder, name)).catch(() => undefined)));
        peak.files = Math.max(peak.files, names.filter((name) => name.endsWith('.seg')).length);
        peak.bytes = Math.max(
          peak.bytes,
          found.reduce((sum, one) => sum + (one?.size ?? 0), 0),
        );
        peak.samples += 1;
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    })();
    let appended = 0;
    const write = async (): Promise<void> => {
      while (appended < batches) {
        const text = `batch ${appended}`;
        appended += 1;
        const bytes = new Uint8Array(batchBytes);
        bytes.set(bytesOf(text));
        await stream.append(bytes);
      }
    };
    await Promise.all(Array.from({ length: batchesAtOnce }, write));
    isDone = true;
    await sampling;
    expect(peak.samples).toBeGreaterThan(20);
    expect(peak.unuploadedBytes).toBeGreaterThan(settings.uploadSizeBytes); // Nobody waited for the uploads.
    expect(peak.unuploadedBytes).toBeLessThanOrEqual(waitingBytesMax);
    expect(peak.files).toBeLessThanOrEqual(filesMax);
    expect(peak.bytes).toBeLessThanOrEqual(filesMax * sizes.fileSizeBytes);
    expect(peak.segments).toBeLessThanOrEqual(segmentsMax);

    await set.upload();
    const left = (await readdir(folder)).filter((name) => name.endsWith('.seg'));
    expect(left.length).toBeLessThanOrEqual(1 + sizes.sparesMax + 1);
    expect(set.stats().writing?.unreleasedSegments).toBe(0);
    await set.close();
    const found = await readBatches(await (await openSet(memory, { wal })).open('s'));
    expect(found.map(({ bytes }) => textOf(bytes.subarray(0, bytes.indexOf(0))))).toEqual(
      Array.from({ length: batches }, (_, i) => `batch ${i}`),
    );
  });
});
