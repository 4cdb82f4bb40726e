// What the tests of the file WAL share: an epoch on a simulated disk, cut up so small that files fill and are used
// again after a few appends.
import { KiB } from '../../src/base/bytes.ts';
import type { Runtime } from '../../src/base/runtime.ts';
import { MemoryObjectStore } from '../../src/store/memory-object-store.ts';
import { fileWalOfSizes } from '../../src/wal/file-wal.ts';
import type { FileWalSizes } from '../../src/wal/file-wal-writer.ts';
import type { WalFiles } from '../../src/wal/wal-files.ts';
import type { SealedWal, Wal, WalFactory } from '../../src/wal/wal.ts';
import { SimDisk, type HeldWrite } from '../../src/testkit/sim-disk.ts';
import { batch, indexesOf, MemoryEpochState, MemoryWalSink, quickRuntime, turn, walPlace } from './wal-place.ts';

export const directory = '/disk/wal';
export const folder = `${directory}/0000000000000007`;

/** Four groups of one sector's worth of batch fill a segment, two segments fill a file. */
export const smallSizes: FileWalSizes = {
  fileSizeBytes: 8 * KiB,
  sparesMax: 2,
  groupSizeMaxBytes: 4 * KiB,
  segmentSizeBytes: 4 * KiB,
};

export interface FileWalRig {
  readonly disk: SimDisk;
  readonly factory: WalFactory;
  readonly wal: Wal;
  readonly sink: MemoryWalSink;
  readonly state: MemoryEpochState;
  /** Appends batches, each of which is a group of its own, and waits until they are durable. */
  readonly appendEach: (from: number, to: number, sizeBytes?: number) => Promise<void>;
}

export async function openFileWal({
  disk = new SimDisk(quickRuntime),
  files = disk,
  sizes = smallSizes,
  runtime = quickRuntime,
  nodeEpoch = 7,
  state = new MemoryEpochState(),
}: {
  readonly disk?: SimDisk;
  readonly files?: WalFiles;
  readonly sizes?: FileWalSizes;
  readonly runtime?: Runtime;
  readonly nodeEpoch?: number;
  readonly state?: MemoryEpochState;
} = {}): Promise<FileWalRig> {
  const factory = fileWalOfSizes({ directory, files }, sizes);
  const sink = new MemoryWalSink();
  const wal = await factory.open({
    ...walPlace(new MemoryObjectStore(), { runtime, nodeEpoch }),
    settings: { segmentSizeMinBytes: 1, storeDeadlineMs: 60_000 },
    sink,
    sealedAt: () => Promise.resolve(state.sealedAt),
  });
  const appendEach = async (from: number, to: number, sizeBytes = 900): Promise<void> => {
    for (let index = from; index < to; index += 1) {
      const before = sink.durableCount;
      wal.append(batch(index, sizeBytes));
      while (sink.durableCount === before && sink.end === undefined) await turn();
    }
  };
  return { disk, factory, wal, sink, state, appendEach };
}

/** Seals an epoch as another process would. */
export async function sealFileWal(
  files: WalFiles,
  state: MemoryEpochState = new MemoryEpochState(),
  { nodeEpoch = 7, id, runtime = quickRuntime }: { nodeEpoch?: number; id?: string; runtime?: Runtime } = {},
): Promise<SealedWal | undefined> {
  const factory = fileWalOfSizes({ directory, files }, smallSizes);
  const place = walPlace(new MemoryObjectStore(), { nodeEpoch, runtime });
  const walId = id ?? (await walIdOf(files));
  return factory.seal({
    ...place,
    identity: { kind: 'file', id: walId },
    released: state.released,
    reread: () => state.reread(),
  });
}

/** The id that stands in the directory. */
export async function walIdOf(files: WalFiles): Promise<string> {
  const file = await files.open(`${directory}/wal-id`, 'read');
  const bytes = new Uint8Array(await file.size());
  await file.read(bytes, 0);
  await file.close();
  return Buffer.from(bytes.subarray(36, 52)).toString('hex');
}

/** The indexes of the batches that a recovery finds. */
export async function recoveredIndexes(files: WalFiles, state?: MemoryEpochState): Promise<number[]> {
  const sealed = await sealFileWal(files, state);
  const indexes = await indexesOf(sealed);
  await sealed?.close();
  return indexes;
}

/** Appends one batch, and gives the write that it becomes, held. */
export async function heldAppend({ disk, wal }: FileWalRig, index: number, sizeBytes: number): Promise<HeldWrite> {
  const write = new Promise<HeldWrite>((resolve) => (disk.hold = resolve));
  wal.append(batch(index, sizeBytes));
  return write;
}
