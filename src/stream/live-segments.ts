// What other nodes have appended and not registered yet: the live segments of their object WALs, read as a contiguous
// run from the released position of the state (R13, W8). So a record that was acknowledged elsewhere can be read here
// before any upload.
//
// - A segment counts only when every segment from the released position up to it was read; a listing is never asked.
// - The run ends at the first missing segment and at a seal. Either way the state is read again before anybody waits:
//   the segment may be missing because it was released, and a seal means that the owner is being replaced.
// - What is seen here can be ahead of the owner's acknowledgements. It is stored, so it can no longer be lost.
// - A part counts while the state says that its epoch owns its stream. What the state has released it also holds, so
//   dropping released parts hides nothing (I3).
import { mapLimited } from '../base/limiter.ts';
import type { ObjectDirectory } from '../format/object-directory.ts';
import { qanatError } from '../model/errors.ts';
import type { StreamId } from '../model/ids.ts';
import { keyOf, type FoundSegment, type ObjectPlace, type ReadableObject } from '../cache/object-reader.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { EpochState } from '../catalog/state.ts';

/** What one live segment holds of one stream. */
export interface LivePart {
  readonly object: ReadableObject;
  readonly startOffset: number;
  readonly endOffset: number;
  /** Bytes of the blocks that hold it. */
  readonly sizeBytes: number;
  readonly maxTimestamp: number | undefined;
}

/** Finds segments; their directories are cached where blocks are. */
export interface SegmentSource {
  /** What stands in the slot. */
  discover(place: ObjectPlace): Promise<'missing' | 'seal' | FoundSegment>;
}

/** What live segments are read with. */
export interface LiveSegmentsOptions {
  readonly catalog: Catalog;
  readonly clusterId: string;
  readonly segments: SegmentSource;
  /** There is more of a stream than before. */
  readonly onExtended: (stream: StreamId, endOffset: number) => void;
  /** A WAL could not be read on; the next look tries again. */
  readonly onFailed: (cause: unknown) => void;
}

/** A stream that is read here and written elsewhere. */
interface Followed {
  readonly id: StreamId;
  readers: number;
  /** The ownership that the parts belong to. */
  epoch: number;
  streamEpoch: number;
  parts: LivePart[];
  /** Segments below this were looked at for this stream. */
  scannedTo: number;
}

/** WALs of so many nodes are looked at side by side. */
const epochsAtOnce = 4;

/** A long run is read ahead in growing windows, at most so many segments at once. */
const windowMax = 16;

export class LiveSegments {
  readonly #options: LiveSegmentsOptions;
  readonly #followed = new Map<StreamId, Followed>();
  /** Names of segments that were found, by epoch and sequence, so that caches know them again. */
  readonly #found = new Map<number, Map<number, ReadableObject>>();
  #nextId = -1;
  #ownEpoch: number | undefined;
  #isClosed = false;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor(options: LiveSegmentsOptions) {
    this.#options = options;
  }

  /** Looks at nothing any more. */
  close(): void {
    this.#isClosed = true;
  }

  /** Streams of this epoch are read from memory: it is this set's own. */
  leaveOut(ownEpoch: number): void {
    this.#ownEpoch = ownEpoch;
  }

  /** A stream is read here, until the returned function is called. Costs nothing by itself. */
  follow(id: StreamId): () => void {
    const known = this.#followed.get(id);
    const followed = known ?? { id, readers: 0, epoch: 0, streamEpoch: 0, parts: [], scannedTo: 0 };
    this.#followed.set(id, followed);
    followed.readers += 1;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      followed.readers -= 1;
      if (followed.readers === 0) this.#followed.delete(id);
    };
  }

  /** The live parts of a stream, beyond what is registered, in order. */
  partsOf(id: StreamId): readonly LivePart[] {
    const followed = this.#followed.get(id);
    if (followed === undefined) return noParts;
    this.#adopt(followed);
    return followed.parts;
  }

  /** The live part that holds an offset. */
  partAt(id: StreamId, offset: number): LivePart | undefined {
    const parts = this.partsOf(id);
    return parts.find(({ startOffset, endOffset }) => startOffset <= offset && offset < endOffset);
  }

  /** Where what is stored of a stream ends, if that is beyond the registered end. */
  endOffset(id: StreamId): number | undefined {
    return this.partsOf(id).at(-1)?.endOffset;
  }

  /** Whether a stream has an owner elsewhere whose WAL can be read. */
  isLive(id: StreamId): boolean {
    const followed = this.#followed.get(id);
    if (followed === undefined) return false;
    this.#adopt(followed);
    return followed.epoch !== 0;
  }

  /** Looks at what others have stored since, and at the journal. A look that began before the call does not count. */
  refresh(): Promise<void> {
    if (this.#next !== undefined) return this.#next;
    if (this.#running === undefined) return this.#start();
    this.#next = this.#running.then(
      () => this.#start(),
      () => this.#start(),
    );
    return this.#next;
  }

  #start(): Promise<void> {
    this.#next = undefined;
    const look = this.#look().finally(() => {
      if (this.#running === look) this.#running = undefined;
    });
    this.#running = look;
    return look;
  }

  async #look(): Promise<void> {
    const { catalog } = this.#options;
    const stoppedAt = new Map<number, number>();
    await this.#readOn(stoppedAt);
    await catalog.sync();
    await this.#readOn(stoppedAt); // From the new released position, and for new owners; else there is nothing to do.
    for (const epoch of this.#found.keys()) this.#forgetReleased(epoch);
  }

  /** Reads on in the WAL of every owner of a followed stream, unless it stands where it stood. */
  async #readOn(stoppedAt: Map<number, number>): Promise<void> {
    const owners = new Map<number, Followed[]>();
    for (const followed of this.#followed.values()) {
      this.#adopt(followed);
      if (followed.epoch === 0) continue;
      const others = owners.get(followed.epoch);
      if (others === undefined) owners.set(followed.epoch, [followed]);
      else others.push(followed);
    }
    await mapLimited([...owners], epochsAtOnce, async ([epoch, streams]) => {
      const position = (): number => streams.reduce((least, { scannedTo }) => Math.min(least, scannedTo), Infinity);
      if (this.#isClosed || stoppedAt.get(epoch) === position()) return;
      try {
        await this.#readRun(epoch, position());
      } catch (cause) {
        if (!this.#isClosed) this.#options.onFailed(cause);
      }
      stoppedAt.set(epoch, position());
    });
  }

  /** Reads the segments of one WAL from a position on, up to the first one that is not there. */
  async #readRun(epoch: number, from: number): Promise<void> {
    let position = from;
    for (let width = 1; ; width = Math.min(windowMax, Math.max(1, position - from))) {
      const owner = this.#options.catalog.state.epoch(epoch);
      if (owner === undefined) return;
      position = Math.max(position, owner.released);
      const slots = await Promise.allSettled(
        Array.from({ length: width }, (_, i) => this.#segmentAt(owner, position + i)),
      );
      for (const slot of slots) {
        if (slot.status === 'rejected') throw slot.reason;
        if (typeof slot.value === 'string') return;
        this.#takeIn(epoch, position, slot.value);
        position += 1;
      }
    }
  }

  async #segmentAt(owner: EpochState, sequence: number): Promise<'missing' | 'seal' | FoundSegment> {
    const { epoch: writerEpoch, node } = owner;
    const id = this.#found.get(writerEpoch)?.get(sequence)?.id ?? this.#nextId--;
    const found = await this.#options.segments.discover({ id, family: 'wal', node, writerEpoch, sequence });
    if (typeof found === 'string') return found;
    const known = this.#found.get(writerEpoch);
    if (known === undefined) this.#found.set(writerEpoch, new Map([[sequence, found.object]]));
    else known.set(sequence, found.object);
    return found;
  }

  /** Adds what a segment holds to the streams that have seen everything before it. */
  #takeIn(epoch: number, sequence: number, { object, directory }: FoundSegment): void {
    for (const followed of this.#followed.values()) {
      this.#adopt(followed);
      if (followed.epoch !== epoch || followed.scannedTo !== sequence) continue;
      followed.scannedTo = sequence + 1;
      const part = partOf(directory, followed, object);
      if (part === undefined) continue;
      const endOffset = followed.parts.at(-1)?.endOffset ?? this.#options.catalog.state.stream(followed.id)?.endOffset;
      if (part.startOffset !== endOffset) {
        followed.scannedTo = sequence; // Nothing is served across a gap; other streams go on.
        const what = `stream ${followed.id} at ${part.startOffset}, not at ${String(endOffset)}`;
        this.#options.onFailed(this.#gap(object, what));
        continue;
      }
      followed.parts.push(part);
      this.#options.onExtended(followed.id, part.endOffset);
    }
  }

  #gap(object: ReadableObject, what: string): Error {
    const key = keyOf(this.#options.clusterId, object);
    return qanatError('OBJECT_CORRUPT', `${key} continues ${what}`, { key, position: undefined });
  }

  /** Makes a followed stream agree with the state: whose it is, and what is released. */
  #adopt(followed: Followed): void {
    const { state } = this.#options.catalog;
    const stream = state.stream(followed.id);
    const owner = stream === undefined ? undefined : state.ownerOf(stream);
    if (stream === undefined || owner?.wal.kind !== 'object' || owner.epoch === this.#ownEpoch) {
      followed.epoch = 0;
      followed.parts = [];
      return;
    }
    if (followed.epoch !== owner.epoch || followed.streamEpoch !== stream.streamEpoch) {
      followed.epoch = owner.epoch;
      followed.streamEpoch = stream.streamEpoch;
      followed.parts = [];
      followed.scannedTo = owner.released;
      return;
    }
    if (followed.scannedTo < owner.released) followed.scannedTo = owner.released;
    while (followed.parts.length > 0 && (followed.parts[0] as LivePart).object.sequence < owner.released)
      followed.parts.shift();
  }

  #forgetReleased(epoch: number): void {
    const { state } = this.#options.catalog;
    const released = state.epoch(epoch)?.released;
    const isFollowed = [...this.#followed.values()].some((followed) => followed.epoch === epoch);
    if (released === undefined || !isFollowed) this.#found.delete(epoch);
    else
      for (const sequence of this.#found.get(epoch)?.keys() ?? [])
        if (sequence < released) this.#found.get(epoch)?.delete(sequence);
  }
}

const noParts: readonly LivePart[] = [];

/** The range that a segment holds of a stream: the blocks of a stream lie one after the other. */
function partOf(
  { index }: ObjectDirectory,
  { id, streamEpoch }: Followed,
  object: ReadableObject,
): LivePart | undefined {
  const first = index.firstOf(id);
  if (first < 0) return undefined;
  const { startOffset, streamEpoch: writtenUnder } = index.entry(first);
  if (writtenUnder !== streamEpoch) return undefined;
  let endOffset = startOffset;
  let sizeBytes = 0;
  let maxTimestamp: number | undefined;
  for (let block = first; block < index.blockCount; block++) {
    const entry = index.entry(block);
    if (entry.stream !== id || entry.streamEpoch !== streamEpoch) break;
    endOffset = entry.endOffset;
    sizeBytes += entry.sizeBytes;
    if (entry.maxTimestamp !== undefined) maxTimestamp = Math.max(maxTimestamp ?? -Infinity, entry.maxTimestamp);
  }
  return { object, startOffset, endOffset, sizeBytes, maxTimestamp };
}
