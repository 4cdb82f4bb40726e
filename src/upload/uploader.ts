// Turns what the WAL holds into registered objects, and closes streams and the epoch with the same changes (R1, O1).
// One commit at a time, each planned from the released position that the state has then: whatever overtakes it makes
// it void, and it is planned again.
import { sleep } from '../base/abort.ts';
import { assert } from '../base/assert.ts';
import { backoffDelayMs } from '../base/backoff.ts';
import type { Runtime } from '../base/runtime.ts';
import { isQanatError } from '../model/errors.ts';
import { emit, type Observer } from '../model/events.ts';
import type { StreamId } from '../model/ids.ts';
import { recordSizeMaxBytes } from '../model/limits.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { CommitChange, Verdict } from '../catalog/change.ts';
import { planRegistration } from '../catalog/plan-registration.ts';
import type { Wal, WalSegment } from '../wal/wal.ts';
import { uploadIsDue, type UploadSettings } from './upload-trigger.ts';

/** What an uploader works on. */
export interface UploaderOptions {
  readonly catalog: Catalog;
  readonly wal: Wal;
  readonly nodeEpoch: number;
  readonly runtime: Runtime;
  readonly observer: Observer;
  readonly settings: UploadSettings;
  /** Why the set takes no more changes, if it does not: it is fenced or has failed. */
  readonly ending: () => Error | undefined;
  /** Called after a change that released the WAL below `position` was applied. */
  readonly onReleased: (position: number) => void;
  /** The error for a change that is void because this epoch is fenced; the set ends with it. */
  readonly onFenced: (byEpoch: number) => Error;
  /** A change was void for a reason that cannot be: a bug ends the set. */
  readonly onBroken: (cause: unknown) => void;
}

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (cause: unknown) => void;
}

const retryDelay = { delayMinMs: 100, delayMaxMs: 10_000 };

export class Uploader {
  readonly #options: UploaderOptions;
  #uploads: Waiter[] = [];
  #streamCloses = new Map<StreamId, Waiter[]>();
  #epochCloses: Waiter[] = [];
  #loop: Promise<void> | undefined;
  #background = false;
  readonly #stopped = new AbortController();

  constructor(options: UploaderOptions) {
    this.#options = options;
  }

  /** Looks whether an upload is due, and starts it in the background. */
  poke(): void {
    if (this.#background || this.#stopped.signal.aborted) return;
    if (!uploadIsDue(this.#options.wal.unreleased(), this.#options.settings)) return;
    this.#background = true;
    void this.#uploadInBackground();
  }

  /** Everything appended before the call is registered when it resolves. */
  upload(): Promise<void> {
    return this.#request((waiter) => this.#uploads.push(waiter));
  }

  /** Gives a stream up: its WAL run is registered and the stream closed in one change. */
  closeStream(stream: StreamId): Promise<void> {
    return this.#request((waiter) => {
      const waiters = this.#streamCloses.get(stream);
      if (waiters === undefined) this.#streamCloses.set(stream, [waiter]);
      else waiters.push(waiter);
    });
  }

  /** Registers everything and closes the epoch, with all its streams. The last thing an uploader does. */
  closeEpoch(): Promise<void> {
    return this.#request((waiter) => this.#epochCloses.push(waiter));
  }

  /** No more background work. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#loop;
  }

  #request(enqueue: (waiter: Waiter) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      enqueue({ resolve, reject });
      this.#loop ??= Promise.resolve()
        .then(() => this.#run())
        .finally(() => (this.#loop = undefined));
    });
  }

  async #uploadInBackground(): Promise<void> {
    const { runtime, observer, wal, settings } = this.#options;
    try {
      for (let attempt = 1; uploadIsDue(wal.unreleased(), settings) && !this.#stopped.signal.aborted; attempt++) {
        try {
          await this.upload();
          attempt = 0;
        } catch (cause) {
          if (!isQanatError(cause, 'STORE_UNAVAILABLE')) return; // The set has learnt of it another way.
          emit(observer, 'backgroundFailed', { work: 'upload', cause });
          await sleep(runtime, backoffDelayMs(attempt, retryDelay, runtime.random), this.#stopped.signal).catch(
            () => {},
          );
        }
      }
    } finally {
      this.#background = false;
    }
  }

  async #run(): Promise<void> {
    while (this.#uploads.length + this.#streamCloses.size + this.#epochCloses.length > 0) {
      await Promise.resolve(); // Closes called in the same turn share one change.
      const uploads = this.#uploads.splice(0);
      const streamCloses = this.#streamCloses;
      this.#streamCloses = new Map();
      const epochCloses = this.#epochCloses.splice(0);
      const waiters = [...uploads, ...[...streamCloses.values()].flat(), ...epochCloses];
      try {
        await this.#options.wal.flush();
        const ending = this.#options.ending(); // A WAL that ended has flushed nothing.
        if (ending !== undefined) throw ending;
        await this.#commitAll([...streamCloses.keys()], epochCloses.length > 0);
        for (const { resolve } of waiters) resolve();
      } catch (cause) {
        for (const { reject } of waiters) reject(cause);
      }
    }
  }

  /** Commits until nothing is left to release or to close; planned anew after every void. */
  async #commitAll(streams: readonly StreamId[], closeEpoch: boolean): Promise<void> {
    const { catalog, wal, nodeEpoch } = this.#options;
    const flushedTo = (wal.unreleased().at(-1)?.sequence ?? -1) + 1;
    for (;;) {
      const { state } = catalog;
      const epoch = state.epoch(nodeEpoch);
      if (epoch === undefined || state.node(epoch.node)?.current !== epoch) {
        if (closeEpoch && state.isOver(nodeEpoch) && state.sealedAt(nodeEpoch) === undefined) return; // Closed already.
        throw this.#options.onFenced(0);
      }
      const closeStreams = streams.filter((id) => state.stream(id)?.ownerEpoch === nodeEpoch);
      const segments = wal.unreleased().filter(({ sequence }) => sequence >= epoch.released);
      const released = segments.length === 0 && epoch.released >= flushedTo;
      if (released && closeStreams.length === 0 && !closeEpoch) return;
      await this.#commitRuns(epoch.released, segments, closeStreams, closeEpoch);
    }
  }

  async #commitRuns(
    from: number,
    segments: readonly WalSegment[],
    closeStreams: readonly StreamId[],
    closeEpoch: boolean,
  ): Promise<void> {
    const { catalog, wal, nodeEpoch, observer } = this.#options;
    const runs = planRegistration(from, segments, recordSizeMaxBytes / 2);
    for (const [i, run] of runs.entries()) {
      const last = i === runs.length - 1;
      const change: CommitChange = {
        kind: 'commit',
        epoch: nodeEpoch,
        ...run,
        settledBelow: 0,
        ...(last && closeStreams.length > 0 ? { closeStreams } : {}),
        ...(last && closeEpoch ? { closeEpoch: true } : {}),
      };
      const verdict = await catalog.propose(change);
      if (!verdict.applied) return this.#onVoid(verdict);
      this.#options.onReleased(run.to);
      await wal.release(run.to, new Set(run.objects.map(({ sequence }) => sequence)));
      const sizeBytes = run.objects.reduce((sum, object) => sum + object.sizeBytes, 0);
      if (run.to > run.from) emit(observer, 'uploaded', { from: run.from, to: run.to, sizeBytes });
    }
  }

  #onVoid(verdict: Extract<Verdict, { applied: false }>): void {
    if (verdict.reason === 'fenced' || verdict.reason === 'recovered') throw this.#options.onFenced(verdict.fact);
    if (verdict.reason === 'position' || verdict.reason === 'closed') return; // Overtaken: plan again.
    try {
      assert(false, `a commit of epoch ${this.#options.nodeEpoch} is void: ${verdict.reason} (${verdict.fact})`);
    } catch (cause) {
      this.#options.onBroken(cause);
      throw cause;
    }
  }
}
