// The WAL in a directory of the machine: an append costs a write to a local disk, and recovery needs that directory.
//
// - Each incarnation writes only files of its own (file-wal-place.ts, file-wal-segments.ts). One group is one write;
//   one group is in flight, and the next collects meanwhile (file-wal-writer.ts).
// - The lock is politeness. What fences a writer is the file `owner`: whoever takes over takes that name away before
//   reading, and a writer looks for it after each write and before each acknowledgement (R12).
// - The WAL has an id, drawn once and kept in the directory; a recovery that does not find it says WAL_MISSING and
//   never "empty" (R3).
// - A segment, the unit of release, is a run of groups that have filled 1 MiB, or that a flush has ended. Every group
//   says to which it belongs; only complete ones are listed as unreleased. 10,000 groups a second are 10,000 lines of
//   nobody's list.
import { resolve } from 'node:path';
import { MiB } from '../base/bytes.ts';
import { invalidArgument, qanatError } from '../model/errors.ts';
import type { WalIdentity } from '../model/wal-identity.ts';
import { errnoOf } from '../store/file-failure.ts';
import { DirectoryLock } from './file-wal-lock.ts';
import {
  claimDirectory,
  epochFolder,
  makeEpochFolder,
  markOpened,
  ownerName,
  removeEpochs,
  removeTemporaries,
  unsuitable,
} from './file-wal-place.ts';
import { sealFileWal } from './file-wal-seal.ts';
import { makeSegmentFile, SegmentFiles, segmentFileName } from './file-wal-segments.ts';
import { FileWalWriter, type FileWalSizes } from './file-wal-writer.ts';
import { nodeWalFiles } from './node-wal-files.ts';
import { walFailure } from './wal-failure.ts';
import type { WalFile, WalFiles } from './wal-files.ts';
import type { SealedWal, Wal, WalContext, WalFactory, WalPlace, WalRecoveryContext } from './wal.ts';
import { join } from 'node:path';

/** Where a file WAL lives. */
export interface FileWalOptions {
  /** A directory of a local file system, of this node alone. It is made if it is missing. */
  readonly directory: string;
  /** The file operations; those of the machine unless given. */
  readonly files?: WalFiles | undefined;
}

/** A segment file holds four groups of the greatest usual size; the greatest batch of all fits, too. */
const usualSizes: FileWalSizes = {
  fileSizeBytes: 16 * MiB,
  sparesMax: 8,
  groupSizeMaxBytes: 4 * MiB,
  segmentSizeBytes: 1 * MiB,
};

/**
 * The write-ahead log in files: an append costs a write to a local disk, shared with the appends of its moment. After a
 * crash the node is recovered where its directory is.
 */
export function fileWal(options: FileWalOptions): WalFactory {
  return fileWalOfSizes(options, usualSizes);
}

/** The same with files and groups of other sizes, so that tests meet their ends. */
export function fileWalOfSizes(options: FileWalOptions, sizes: FileWalSizes): WalFactory {
  const { directory, files = nodeWalFiles } = options ?? {};
  if (typeof directory !== 'string' || directory === '' || directory.includes('\0'))
    throw invalidArgument('the directory of a file WAL is a path', TypeError);
  return new FileWalFactory(resolve(directory), files, sizes);
}

class FileWalFactory implements WalFactory {
  readonly kind = 'file';
  readonly #directory: string;
  readonly #files: WalFiles;
  readonly #sizes: FileWalSizes;
  /** Taken by `identify`, handed to the WAL that is opened. */
  #lock: DirectoryLock | undefined;
  #identifying: Promise<WalIdentity> | undefined;
  /** Whether a WAL of ours is open: then its lock is the one that counts. */
  #openWal: FileWalWriter | undefined;

  constructor(directory: string, files: WalFiles, sizes: FileWalSizes) {
    this.#directory = directory;
    this.#files = files;
    this.#sizes = sizes;
  }

  /** Takes the directory and its lock. Asked again, it answers the same and takes nothing twice. */
  identify(place: Omit<WalPlace, 'nodeEpoch'>): Promise<WalIdentity> {
    this.#identifying ??= this.#identify(place).finally(() => (this.#identifying = undefined));
    return this.#identifying;
  }

  async #identify({ clusterId, node, runtime }: Omit<WalPlace, 'nodeEpoch'>): Promise<WalIdentity> {
    const files = this.#files;
    const directory = this.#directory;
    try {
      const { walId } = await claimDirectory(files, directory, { clusterId, node }, runtime.random);
      if (this.#lock === undefined && this.#openWal?.isOver !== false) {
        this.#lock = await DirectoryLock.take(files, directory, node, runtime.random);
        await removeTemporaries(files, directory);
      }
      return { kind: 'file', id: walId };
    } catch (cause) {
      if (lasting.has(errnoOf(cause) ?? '')) throw unsuitable(directory, (cause as Error).message, cause);
      throw walFailure(cause, 'the WAL could not be found', directory, 'none');
    }
  }

  async letGo(): Promise<void> {
    await this.#lock?.release();
    this.#lock = undefined;
  }

  async open(context: WalContext): Promise<Wal> {
    const { id } = await this.identify(context);
    const lock = this.#lock;
    this.#lock = undefined;
    try {
      this.#openWal = await this.#open(context, id, lock);
      return this.#openWal;
    } catch (cause) {
      await lock?.release();
      throw walFailure(cause, 'the WAL could not be opened', this.#directory, 'none');
    }
  }

  /** Everything an incarnation needs is made under another name, and appears at once: before its first group. */
  async #open(context: WalContext, walId: string, lock: DirectoryLock | undefined): Promise<FileWalWriter> {
    const { node, nodeEpoch, runtime } = context;
    const files = this.#files;
    let owner: WalFile | undefined;
    try {
      const isOurs = await makeEpochFolder(files, this.#directory, nodeEpoch, runtime.random, async (folder) => {
        owner = await files.open(join(folder, ownerName), 'create');
        await owner.sync();
        await makeSegmentFile(files, join(folder, segmentFileName(0)), this.#sizes.fileSizeBytes);
      });
      if (!isOurs || owner === undefined)
        throw qanatError('NODE_FENCED', `epoch ${nodeEpoch} of node ${node} is over before its WAL was opened`, {
          node,
          nodeEpoch,
          byEpoch: undefined,
        });
      await markOpened(files, this.#directory, nodeEpoch);
      const folder = epochFolder(this.#directory, nodeEpoch);
      const segments = new SegmentFiles(files, folder, this.#sizes, 1);
      await segments.adopt(0);
      await segments.rotate();
      return new FileWalWriter({ context, walId, files, folder, owner, segments, lock, sizes: this.#sizes });
    } catch (cause) {
      await owner?.close();
      throw cause;
    }
  }

  async seal(context: WalRecoveryContext): Promise<SealedWal | undefined> {
    try {
      return await sealFileWal(this.#files, this.#directory, context);
    } catch (cause) {
      throw walFailure(cause, 'the WAL could not be sealed', this.#directory, 'none');
    }
  }

  async discard(isOver: (nodeEpoch: number) => boolean, { runtime }: Pick<WalPlace, 'runtime'>): Promise<void> {
    try {
      await removeEpochs(this.#files, this.#directory, runtime.random, isOver);
    } catch (cause) {
      throw walFailure(cause, 'past epochs of the WAL could not be removed', this.#directory, 'none');
    }
  }
}

/** What the system says about a path that will not become right by waiting. */
const lasting: ReadonlySet<string> = new Set(['EACCES', 'EPERM', 'ENOTDIR', 'EEXIST', 'ELOOP', 'ENAMETOOLONG']);
