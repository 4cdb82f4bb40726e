// Turns what the WAL holds into data objects, and closes streams and the epoch with the same changes (R1, O1). One
// commit at a time, each planned from the released position that the state has then: whatever overtakes it makes it
// void, and it is planned again.
import { sharedAbortController, sleep } from '../base/abort.ts';
import { InvariantError } from '../base/assert.ts';
import { backoffDelayMs } from '../base/backoff.ts';
import type { Runtime, Timer } from '../base/runtime.ts';
import { isQanatError } from '../model/errors.ts';
import { emit, type Observer } from '../model/events.ts';
import type { StreamId } from '../model/ids.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { CommitChange, CommittedObject, Verdict } from '../catalog/change.ts';
import type { Wal, WalSegment } from '../wal/wal.ts';
import { commitsOf, type CommitRun } from './commit-runs.ts';
import type { ObjectWriter } from './object-writer.ts';
import type { RangeSource } from './rewrite.ts';
import { uploadIsDue, type UploadSettings } from './upload-trigger.ts';

/** What an uploader works on. */
export interface UploaderOptions {
  readonly catalog: Catalog;
  readonly wal: Wal;
  readonly nodeEpoch: number;
  readonly writer: ObjectWriter;
  /** Where the batches of an unreleased range are: in memory. */
  readonly source: RangeSource;
  readonly runtime: Runtime;
  readonly observer: Observer;
  readonly settings: UploadSettings;
  /** Bytes appended and not uploaded. */
  readonly unuploadedBytes: () => number;
  /** Why the set takes no more changes, if it does not: it is fenced or has failed. */
  readonly ending: () => Error | undefined;
  /** Called after a change that released the WAL below `position` was applied. */
  readonly onReleased: (position: number) => void;
  /** The error for a change that is void because this epoch is fenced; the set ends with it. */
  readonly onFenced: (byEpoch: number) => Error;
  /** An upload failed in a way that no other can mend: damage, or a bug. It ends the set. */
  readonly onBroken: (cause: unknown) => void;
}

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (cause: unknown) => void;
}

/** An ownership that ends. The stream may be opened again as soon as it has: that one is not meant. */
interface ClosingStream {
  readonly id: StreamId;
  readonly streamEpoch: number;
}

/** What is closed with the last commit of a round. */
interface Closing {
  readonly streams: readonly ClosingStream[];
  readonly epoch: boolean;
}

const retryDelay = { delayMinMs: 100, delayMaxMs: 10_000 };

export class Uploader {
  readonly #options: UploaderOptions;
  #uploads: Waiter[] = [];
  #streamCloses: (ClosingStream & { readonly waiter: Waiter })[] = [];
  #epochCloses: Waiter[] = [];
  #loop: Promise<void> | undefined;
  #background: Promise<void> | undefined;
  #ageTimer: Timer | undefined;
  /** Objects of a commit whose outcome is unknown: decided as soon as a later change has a verdict. */
  #inDoubt: CommittedObject[] = [];
  readonly #stopped = sharedAbortController();

  constructor(options: UploaderOptions) {
    this.#options = options;
  }

  /** Looks whether an upload is due, by size or count, and starts it in the background; by age it starts later. */
  poke(): void {
    if (this.#background !== undefined || this.#stopped.signal.aborted) return;
    if (this.#options.ending() !== undefined) return; // What is due stays due: it would be tried for ever, at once.
    if (this.#isDue()) {
      this.#start();
      return;
    }
    const { runtime, settings } = this.#options;
    this.#ageTimer ??= runtime.timers.after(settings.uploadAgeMaxMs, () => this.#start(), { background: true });
  }

  /** Everything appended before the call is uploaded when it resolves. */
  upload(): Promise<void> {
    return this.#request((waiter) => this.#uploads.push(waiter));
  }

  /** Gives a stream up: the WAL's run is uploaded and the stream closed in one change. */
  closeStream({ id, streamEpoch }: ClosingStream): Promise<void> {
    return this.#request((waiter) => this.#streamCloses.push({ id, streamEpoch, waiter }));
  }

  /** Uploads everything and closes the epoch, with all its streams. The last thing an uploader does. */
  closeEpoch(): Promise<void> {
    return this.#request((waiter) => this.#epochCloses.push(waiter));
  }

  /** No more background work. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#ageTimer?.cancel();
    await this.#background;
    await this.#loop;
  }

  #isDue(): boolean {
    const { wal, settings } = this.#options;
    return uploadIsDue(wal.unreleased(), this.#options.unuploadedBytes(), settings);
  }

  #start(): void {
    this.#ageTimer?.cancel();
    this.#ageTimer = undefined;
    if (this.#stopped.signal.aborted) return;
    this.#background ??= this.#uploadInBackground().finally(() => {
      this.#background = undefined;
      // Also for a segment that is not complete: it grows old, too.
      if (this.#options.unuploadedBytes() > 0) this.poke();
    });
  }

  #request(enqueue: (waiter: Waiter) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      enqueue({ resolve, reject });
      this.#startLoop();
    });
  }

  /** What is asked for after the last look of a loop that ends, and before its end is known, starts another one. */
  #startLoop(): void {
    this.#loop ??= Promise.resolve()
      .then(() => this.#run())
      .finally(() => {
        this.#loop = undefined;
        if (this.#isAsked) this.#startLoop();
      });
  }

  get #isAsked(): boolean {
    return this.#uploads.length + this.#streamCloses.length + this.#epochCloses.length > 0;
  }

  /** Uploads until nothing more is due, through outages of the store. */
  async #uploadInBackground(): Promise<void> {
    const { runtime, observer } = this.#options;
    const { signal } = this.#stopped;
    let attempt = 0;
    do {
      try {
        await this.upload();
        attempt = 0;
      } catch (cause) {
        if (!isQanatError(cause, 'STORE_UNAVAILABLE')) return; // The set has ended with it.
        emit(observer, 'backgroundFailed', { work: 'upload', cause });
        const delayMs = backoffDelayMs(++attempt, retryDelay, runtime.random);
        await sleep(runtime, delayMs, signal).catch(() => {});
      }
    } while (!signal.aborted && (attempt > 0 || this.#isDue()));
  }

  async #run(): Promise<void> {
    while (this.#isAsked) {
      await Promise.resolve(); // Closes called in the same turn share one change.
      const uploads = this.#uploads.splice(0);
      const streams = this.#streamCloses.splice(0);
      const epochCloses = this.#epochCloses.splice(0);
      const waiters = [...uploads, ...streams.map(({ waiter }) => waiter), ...epochCloses];
      try {
        await this.#options.wal.flush();
        const ending = this.#options.ending(); // A WAL that ended has flushed nothing.
        if (ending !== undefined) throw ending;
        await this.#commitAll({ streams, epoch: epochCloses.length > 0 });
        for (const { resolve } of waiters) resolve();
      } catch (cause) {
        for (const { reject } of waiters) reject(cause);
        if (isLasting(cause)) this.#options.onBroken(cause);
      }
    }
  }

  /** Commits until nothing is left to release or to close; planned anew after every void. */
  async #commitAll(closing: Closing): Promise<void> {
    const { catalog, wal, nodeEpoch } = this.#options;
    const flushedTo = (wal.unreleased().at(-1)?.sequence ?? -1) + 1;
    for (;;) {
      const { state } = catalog;
      const epoch = state.epoch(nodeEpoch);
      if (epoch === undefined || !state.isCurrent(nodeEpoch)) {
        const isClosed = state.isOver(nodeEpoch) && state.sealedAt(nodeEpoch) === undefined;
        if (closing.epoch && isClosed) return; // By a change whose answer was lost.
        throw this.#options.onFenced(state.newerEpochThan(nodeEpoch));
      }
      await this.#letGoBelow(epoch.released); // A commit whose answer was lost may have released all the same.
      const streams = closing.streams.filter(({ id, streamEpoch }) => {
        const now = state.stream(id);
        return now?.ownerEpoch === nodeEpoch && now.streamEpoch === streamEpoch;
      });
      const segments = wal.unreleased().filter(({ sequence }) => sequence >= epoch.released);
      const isReleased = epoch.released >= flushedTo;
      if (isReleased && streams.length === 0 && !closing.epoch) break;
      await this.#commitSegments(epoch.released, segments, { streams, epoch: closing.epoch });
    }
    await this.#settleWatermark();
  }

  async #commitSegments(from: number, segments: readonly WalSegment[], closing: Closing): Promise<void> {
    const { wal, writer, runtime, ending, settings } = this.#options;
    const { segmentsAreObjects } = wal;
    const { runSizeMaxBytes } = settings;
    const source = (): RangeSource => this.#options.source;
    const inPlace = closing.streams.length > 0 || closing.epoch; // Whoever closes waits for one change, and no bytes.
    const ways = { segmentsAreObjects, source, writer, runtime, runSizeMaxBytes, ending, inPlace };
    for await (const { run, isLast } of commitsOf(from, segments, ways)) {
      if (!(await this.#commit(run, isLast ? closing : undefined))) return;
    }
  }

  /** One commit. False: it was void, or planned on a position that has passed; plan again. */
  async #commit(run: CommitRun, closing: Closing | undefined): Promise<boolean> {
    const { nodeEpoch, writer, observer } = this.#options;
    const change: CommitChange = {
      kind: 'commit',
      epoch: nodeEpoch,
      ...run,
      settledBelow: writer.settledBelow(run.objects),
      ...(closing !== undefined && closing.streams.length > 0
        ? { closeStreams: [...new Set(closing.streams.map(({ id }) => id))] }
        : {}),
      ...(closing?.epoch ? { closeEpoch: true } : {}),
    };
    const verdict = await this.#propose(change, run.objects);
    if (!verdict.applied) {
      this.#onVoid(verdict);
      return false;
    }
    await this.#letGoBelow(run.to);
    const sizeBytes = run.objects.reduce((sum, object) => sum + object.sizeBytes, 0);
    if (run.to > run.from) emit(observer, 'uploaded', { from: run.from, to: run.to, sizeBytes });
    return true;
  }

  /** What the state has released is let go of; what it has registered stays (W7). */
  async #letGoBelow(position: number): Promise<void> {
    const { catalog, wal, nodeEpoch, onReleased } = this.#options;
    const released = wal.unreleased().filter(({ sequence }) => sequence < position);
    if (released.length === 0) return;
    const isRegistered = (sequence: number): boolean =>
      catalog.state.objectByOrigin('wal', nodeEpoch, sequence) !== undefined;
    const registered = released.map(({ sequence }) => sequence).filter(isRegistered);
    onReleased(position);
    await wal.release(position, new Set(registered));
  }

  /** Proposes; afterwards the outputs are decided, unless nobody knows. */
  async #propose(change: CommitChange, outputs: readonly CommittedObject[]): Promise<Verdict> {
    const { catalog, writer } = this.#options;
    try {
      const verdict = await catalog.propose(change);
      writer.decide([...outputs, ...this.#inDoubt]); // A record in doubt is resolved before a later one is sent.
      this.#inDoubt = [];
      return verdict;
    } catch (cause) {
      if (isQanatError(cause) && cause.outcome === 'none') writer.decide(outputs);
      else this.#inDoubt.push(...outputs);
      throw cause;
    }
  }

  /** Raises the watermark where outputs were given up since the last commit (S4). */
  async #settleWatermark(): Promise<void> {
    const { catalog, nodeEpoch, writer } = this.#options;
    const epoch = catalog.state.epoch(nodeEpoch);
    const settledBelow = writer.settledBelow();
    if (epoch === undefined || !catalog.state.isCurrent(nodeEpoch) || epoch.settledBelow >= settledBelow) return;
    await catalog.propose({ kind: 'settle', settledBelow });
  }

  #onVoid(verdict: Extract<Verdict, { applied: false }>): void {
    const { reason, fact } = verdict;
    if (reason === 'fenced' || reason === 'recovered') throw this.#options.onFenced(reason === 'fenced' ? fact : 0);
    if (reason === 'position' || reason === 'closed') return; // Overtaken: plan again.
    throw new InvariantError(`a commit of epoch ${this.#options.nodeEpoch} is void: ${reason} (${fact})`);
  }
}

/** Whether no later upload can succeed either, so that the set must end rather than wait for room for ever. */
function isLasting(cause: unknown): boolean {
  const passing = ['STORE_UNAVAILABLE', 'NODE_FENCED', 'CLOSED'] as const;
  return !passing.some((code) => isQanatError(cause, code));
}
