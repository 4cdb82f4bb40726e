// The side of recovery of the file WAL: ends the WAL of a past epoch for ever, and reads what it holds.
//
// - First the name `owner` is taken from the writer's file, durably; only then anything is read. The writer looks for
//   that name after each write and before each acknowledgement: what it acknowledged was written before we read (R12).
// - Every group that verifies counts, wherever it lies. From the released position on they must be dense; the last one
//   is the end. A bad group can only be the last that was written (one is in flight at a time), unless one with a
//   higher number verifies: then acknowledged data is damaged, and the recovery stops (OBJECT_CORRUPT).
// - What was read is synced, then the end is written down in the file `seal`, which is made once. All recoverers adopt
//   it, whatever lands later.
// - Before the WAL is called missing or damaged, and before it is given out, the state is read again: another recoverer
//   may have finished, and somebody may have tidied up since (W1, W2).
import { join } from 'node:path';
import { throwIfAborted } from '../base/abort.ts';
import { equalBytes } from '../base/bytes.ts';
import { corrupt } from '../format/damage.ts';
import {
  alignedSizeBytes,
  decodeWalSeal,
  encodeWalSeal,
  groupAlignmentBytes,
  groupHeadSizeBytes,
  readGroupBatches,
  readGroupHead,
  type GroupHead,
  type GroupOrigin,
} from '../format/wal-group.ts';
import { qanatError } from '../model/errors.ts';
import type { StreamBatch } from '../model/record-batch.ts';
import {
  epochFolder,
  hasEpochFolder,
  lastOpened,
  linkUnlessThere,
  makeEpochFolder,
  ownerName,
  readPlate,
  sealName,
  temporaryPath,
} from './file-wal-place.ts';
import { isSegmentFileName } from './file-wal-segments.ts';
import { GrowingSegment } from './growing-segment.ts';
import { readSmallFile, unlessMissing, writeNewFile, type WalFile, type WalFiles } from './wal-files.ts';
import type { SealedWal, WalRecoveryContext, WalSegment } from './wal.ts';

/** Consecutive groups of a segment in one file. */
interface Extent {
  readonly found: FoundFile;
  readonly start: number;
  end: number;
}

interface FoundFile {
  readonly path: string;
  readonly file: WalFile;
  /** What it began with when it was opened. */
  readonly head: Uint8Array;
}

interface FoundSegment extends WalSegment {
  readonly extents: readonly Extent[];
}

/** Where a WAL ends: the first group and the first segment that are not in it. */
interface End {
  readonly number: number;
  readonly segment: number;
}

/** Seals the file WAL of a past epoch in `directory`. See the contract in wal.ts. */
export async function sealFileWal(
  files: WalFiles,
  directory: string,
  context: WalRecoveryContext,
): Promise<SealedWal | undefined> {
  const { identity } = context;
  const plate = identity.kind === 'file' ? await readPlate(files, directory) : undefined;
  if (identity.kind !== 'file' || plate?.walId !== identity.id) throw missing(context, directory, 'is not in');
  return new FileWalSealing(files, directory, context).run();
}

class FileWalSealing {
  readonly #files: WalFiles;
  readonly #directory: string;
  readonly #folder: string;
  readonly #context: WalRecoveryContext;
  readonly #origin: GroupOrigin;
  #released: number;
  readonly #found: FoundFile[] = [];
  /** One file at a time is read into it. */
  #buffer = new Uint8Array(0);

  constructor(files: WalFiles, directory: string, context: WalRecoveryContext) {
    this.#files = files;
    this.#directory = directory;
    this.#folder = epochFolder(directory, context.nodeEpoch);
    this.#context = context;
    this.#origin = { walId: context.identity.id, nodeEpoch: context.nodeEpoch };
    this.#released = context.released;
  }

  async run(): Promise<SealedWal | undefined> {
    for (;;) {
      throwIfAborted(this.#context.signal);
      const released = this.#released;
      try {
        const sealed = await this.#seal();
        if (!(await this.#isRecovered())) return this.#sealedFrom(sealed);
        await this.#closeFiles();
        return undefined;
      } catch (cause) {
        await this.#closeFiles();
        if (await this.#isRecovered()) return undefined;
        if (this.#released === released) throw cause; // Else what is missing may be no longer needed.
      }
    }
  }

  async #seal(): Promise<{ end: End; segments: readonly FoundSegment[] }> {
    const { nodeEpoch } = this.#context;
    const wasOpened = (await lastOpened(this.#files, this.#directory)) >= nodeEpoch;
    if (!(await hasEpochFolder(this.#files, this.#directory, nodeEpoch))) await this.#makeUpFor(wasOpened);
    await unlessMissing(this.#files.remove(join(this.#folder, ownerName)));
    await this.#files.syncDirectory(this.#folder);
    const known = await this.#readSeal();
    const groups = await this.#scan(known);
    if (known !== undefined) return this.#checkEnd(known, groups);
    const last = groups.last;
    await groups.lastFile?.file.sync(); // A reader may see what is not on the disk yet.
    const end = { number: last === undefined ? 0 : last.number + 1, segment: groups.endSegment(this.#released) };
    const adopted = await this.#writeSeal(end);
    if (adopted.number === end.number) return this.#checkEnd(adopted, groups);
    return this.#checkEnd(adopted, await this.#scan(adopted)); // Another recoverer has seen more, or less.
  }

  /**
   * There is no folder: the epoch ended before its WAL was opened, or the folder got lost. In the first case a folder
   * with nothing but a seal keeps a writer that comes late from opening it.
   */
  async #makeUpFor(wasOpened: boolean): Promise<void> {
    const { nodeEpoch, runtime } = this.#context;
    if (this.#released > 0 || wasOpened) throw missing(this.#context, this.#directory, 'was lost from');
    await makeEpochFolder(this.#files, this.#directory, nodeEpoch, runtime.random, (folder) =>
      writeNewFile(this.#files, join(folder, sealName), encodeWalSeal(this.#origin, 0, 0)),
    );
  }

  async #readSeal(): Promise<End | undefined> {
    const path = join(this.#folder, sealName);
    const bytes = await readSmallFile(this.#files, path);
    return bytes === undefined ? undefined : decodeWalSeal(bytes, this.#origin, { key: path });
  }

  /** Writes the end down, or finds that somebody has. */
  async #writeSeal(end: End): Promise<End> {
    const temporary = temporaryPath(this.#folder, this.#context.runtime.random);
    await writeNewFile(this.#files, temporary, encodeWalSeal(this.#origin, end.number, end.segment));
    await linkUnlessThere(this.#files, temporary, join(this.#folder, sealName));
    return (await this.#readSeal()) ?? end;
  }

  /**
   * Reads all segment files and keeps what lies at or beyond the released position, up to the end if it is known. If
   * the group that was in flight lands meanwhile at the beginning of a file, their order may be another: once more.
   */
  async #scan(end: End | undefined): Promise<GroupRun> {
    for (;;) {
      await this.#closeFiles();
      const groups = new GroupRun(this.#released, end?.number ?? Infinity);
      let isStill = true;
      for (const found of await this.#openFiles(end === undefined || end.segment > this.#released)) {
        throwIfAborted(this.#context.signal);
        isStill &&= await this.#scanFile(found, groups);
      }
      if (isStill) return groups;
    }
  }

  /** Opens the segment files, in the order of what is written at their beginning. */
  async #openFiles(isNeeded: boolean): Promise<readonly FoundFile[]> {
    const names = (await this.#files.list(this.#folder)).filter(isSegmentFileName);
    if (names.length === 0 && isNeeded) throw missing(this.#context, this.#directory, 'has lost its files in');
    for (const name of names) {
      const path = join(this.#folder, name);
      const file = await unlessMissing(this.#files.open(path, 'read'));
      if (file === undefined) continue; // It held nothing that is needed, and the writer lives.
      const head = new Uint8Array(groupHeadSizeBytes);
      this.#found.push({ path, file, head });
      await file.read(head, 0);
    }
    return this.#found.toSorted((a, b) => readNumberUnchecked(a.head) - readNumberUnchecked(b.head));
  }

  /** False if the file does not begin as it did when it was opened. */
  async #scanFile(found: FoundFile, groups: GroupRun): Promise<boolean> {
    const { path, file } = found;
    const sizeBytes = await file.size();
    if (this.#buffer.byteLength < sizeBytes) this.#buffer = new Uint8Array(sizeBytes);
    const whole = this.#buffer.subarray(0, await file.read(this.#buffer.subarray(0, sizeBytes), 0));
    const { head: headBefore } = found;
    if (!equalBytes(whole.subarray(0, groupHeadSizeBytes), headBefore.subarray(0, whole.byteLength))) return false;
    for (let position = 0; position < whole.byteLength;) {
      const head = readGroupHead(whole, position, this.#origin, { key: path });
      if (head?.kind !== 'group') {
        position += groupAlignmentBytes;
        continue;
      }
      const groupSizeBytes = alignedSizeBytes(groupHeadSizeBytes + head.framesSizeBytes);
      groups.add(found, position, groupSizeBytes, head, whole);
      position += groupSizeBytes;
    }
    return true;
  }

  /** What the seal says must be there. */
  #checkEnd(end: End, groups: GroupRun): { end: End; segments: readonly FoundSegment[] } {
    const { last } = groups;
    if (end.segment > this.#released && (last?.number !== end.number - 1 || last.segment !== end.segment - 1))
      throw corrupt({ key: this.#folder }, undefined, `its WAL goes on to group ${end.number}, which is not found`);
    return { end, segments: groups.segments };
  }

  #sealedFrom({ end, segments }: { end: End; segments: readonly FoundSegment[] }): SealedWal {
    const needed = segments.filter(({ sequence }) => sequence >= this.#released);
    return {
      sealedAt: Math.max(end.segment, this.#released),
      segmentsAreObjects: false,
      segments: needed,
      batches: (segment) => this.#batches(segment as FoundSegment),
      close: () => this.#closeFiles(),
    };
  }

  async #batches({ extents }: FoundSegment): Promise<readonly StreamBatch[]> {
    const batches: StreamBatch[] = [];
    for (const { found, start, end } of extents) {
      const place = { key: found.path };
      const bytes = new Uint8Array(end - start);
      const count = await found.file.read(bytes, start);
      for (let position = 0; position < bytes.byteLength;) {
        const head = readGroupHead(bytes.subarray(0, count), position, this.#origin, place);
        if (head === undefined) throw corrupt(place, start + position, 'a group has changed since it was read');
        readGroupBatches(bytes, position, head, place, (batch) => batches.push(batch));
        position += alignedSizeBytes(groupHeadSizeBytes + head.framesSizeBytes);
      }
    }
    return batches;
  }

  /** Whether the state calls the epoch recovered; else the released position is the state's. */
  async #isRecovered(): Promise<boolean> {
    const state = await this.#context.reread();
    if ('sealedAt' in state) return true;
    this.#released = Math.max(this.#released, state.released);
    return false;
  }

  async #closeFiles(): Promise<void> {
    for (const { file } of this.#found.splice(0)) await file.close().catch(() => {});
  }
}

/** The groups of a WAL from the released position on, as they are found: checked to be dense, merged into segments. */
class GroupRun {
  readonly segments: (GrowingSegment & { readonly extents: Extent[] })[] = [];
  last: GroupHead | undefined;
  lastFile: FoundFile | undefined;
  /** The highest segment met, also below the released position. */
  #highestSegment = -1;
  readonly #released: number;
  readonly #endNumber: number;

  constructor(released: number, endNumber: number) {
    this.#released = released;
    this.#endNumber = endNumber;
  }

  /** The first segment beyond all that were met. */
  endSegment(released: number): number {
    return Math.max(released, this.#highestSegment + 1);
  }

  add(found: FoundFile, position: number, sizeBytes: number, head: GroupHead, bytes: Uint8Array): void {
    if (head.number >= this.#endNumber) return;
    this.#highestSegment = Math.max(this.#highestSegment, head.segment);
    if (head.segment < this.#released) return;
    this.#checkNext(found, position, head);
    const startsSegment = this.last?.segment !== head.segment;
    const segment = startsSegment ? this.#begin(head.segment) : this.segments.at(-1);
    const extent = segment?.extents.at(-1);
    if (extent?.found === found && extent.end === position) extent.end += sizeBytes;
    else segment?.extents.push({ found, start: position, end: position + sizeBytes });
    readGroupBatches(bytes, position, head, { key: found.path }, (batch) => segment?.add(batch));
    this.last = head;
    this.lastFile = found;
  }

  #begin(sequence: number): GrowingSegment & { readonly extents: Extent[] } {
    const segment = Object.assign(new GrowingSegment(sequence), { extents: [] as Extent[] });
    this.segments.push(segment);
    return segment;
  }

  /** The first group needed begins the released segment; each later one follows the one before it. */
  #checkNext(found: FoundFile, position: number, { number, segment, segmentStart }: GroupHead): void {
    const { last } = this;
    const isFirst = last === undefined && segment === this.#released && segmentStart === number;
    const follows =
      last !== undefined &&
      number === last.number + 1 &&
      (segment === last.segment
        ? segmentStart === last.segmentStart
        : segment === last.segment + 1 && segmentStart === number);
    if (isFirst || follows) return;
    const expected = last === undefined ? `the first of segment ${this.#released}` : `group ${last.number + 1}`;
    const problem = `group ${number} is whole, but ${expected}, which was acknowledged before it, is not`;
    throw corrupt({ key: found.path }, position, problem);
  }
}

/** The number that a head seems to have, to sort files by; what is wrong about it is found when they are read. */
function readNumberUnchecked(head: Uint8Array): number {
  const view = new DataView(head.buffer);
  return view.getUint32(40) * 2 ** 32 + view.getUint32(44);
}

function missing({ node, nodeEpoch, identity }: WalRecoveryContext, directory: string, what: string): Error {
  const where = JSON.stringify(directory);
  const problem = `the WAL of ${node}, epoch ${nodeEpoch} (${identity.kind}, ${identity.id}), ${what} ${where}`;
  const facts = { node, nodeEpoch, walKind: identity.kind, walId: identity.id };
  return qanatError('WAL_MISSING', problem, facts);
}
