// The streams that a set has open: created, opened, given up, deleted. One handle per stream, however often it is
// opened; who gives up waiting for an open that then goes through has it closed again.
import { untilAborted } from '../base/abort.ts';
import { assert } from '../base/assert.ts';
import { qanatError } from '../model/errors.ts';
import type { Attributes, StreamId, StreamRef } from '../model/ids.ts';
import type { TailPool } from '../cache/tail-pool.ts';
import type { StreamState } from '../catalog/state.ts';
import { OpenStream } from '../stream/open-stream.ts';
import { OwnedStream, type OwnerHost } from '../stream/owned-stream.ts';
import type { Stream } from '../stream/stream.ts';
import type { Propose } from './key-value.ts';
import { voidStreamError } from './void-change.ts';

/** What the table needs of its set. */
export interface OpenStreamsOptions {
  /** The epoch under which the set has its streams open. */
  readonly nodeEpoch: number;
  readonly host: () => OwnerHost;
  readonly tails: TailPool;
  readonly propose: Propose;
  readonly onOpened: (stream: OpenStream) => void;
  readonly onClosed: (stream: OpenStream) => void;
  /** Finishes the recovery of the epoch that owns a stream, if it is to be recovered (R7). */
  readonly recoverOwner: (stream: StreamState) => Promise<void>;
}

interface Entry {
  readonly open: OpenStream;
  readonly handle: OwnedStream;
  /** Calls that have been given the handle, or wait for it. */
  wanted: number;
}

export class OpenStreams {
  readonly #options: OpenStreamsOptions;
  readonly #entries = new Map<StreamId, Entry>();
  readonly #opening = new Map<StreamId, Promise<Entry | undefined>>();

  constructor(options: OpenStreamsOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#entries.size;
  }

  get(id: StreamId): OpenStream | undefined {
    return this.#entries.get(id)?.open;
  }

  async create(name: string | undefined, attributes: Attributes, signal: AbortSignal | undefined): Promise<Stream> {
    return this.#handOut(this.#create(name, attributes), signal);
  }

  async open(stream: StreamState, expectedEpoch: number | undefined, signal: AbortSignal | undefined): Promise<Stream> {
    return this.#handOut(this.#open(stream, expectedEpoch), signal);
  }

  /** Closes ours first; then it is deleted, unless another owner has it. */
  async delete(stream: StreamState, signal: AbortSignal | undefined): Promise<void> {
    const ref: StreamRef = stream.name ?? stream.id;
    for (;;) {
      await untilAborted(this.#closeOurs(stream.id), signal);
      const verdict = await this.#options.propose({ kind: 'delete', stream: stream.id }, signal);
      if (verdict.applied) return;
      if (verdict.reason !== 'owned' || !this.#isOurs(verdict.fact))
        throw voidStreamError(verdict, ref, this.#options.host().catalog.state);
      this.#adopt(stream.id); // Opened since, or without anybody knowing: that is closed first, too.
    }
  }

  async #closeOurs(id: StreamId): Promise<void> {
    await this.#opening.get(id)?.catch(() => {});
    await this.#entries.get(id)?.handle.close();
  }

  /** A stream was given up: its handle is dead, its readers look elsewhere. */
  forget(open: OpenStream): void {
    const entry = this.#entries.get(open.id);
    if (entry?.open !== open) return;
    this.#entries.delete(open.id);
    entry.handle.ended();
    open.waiters.wake(Infinity);
    this.#options.onClosed(open);
  }

  /** The set has ended: whoever waits for more is told. Handles stay, to read what is durable. */
  fail(error: Error): void {
    for (const { open } of this.#entries.values()) open.waiters.fail(error);
  }

  /** The set is closed: all handles are dead. */
  endAll(): void {
    for (const { open } of [...this.#entries.values()]) this.forget(open);
  }

  /** Waits for the handle. If all who asked give up first, an open that goes through is closed again. */
  async #handOut(work: Promise<Entry>, signal: AbortSignal | undefined): Promise<Stream> {
    const wanted = work.then((entry) => {
      entry.wanted += 1;
      return entry;
    });
    try {
      return (await untilAborted(wanted, signal)).handle;
    } catch (cause) {
      if (signal?.aborted) void wanted.then(giveBack).catch(() => {});
      throw cause;
    }
  }

  async #create(name: string | undefined, attributes: Attributes): Promise<Entry> {
    const change = { kind: 'create', attributes, ...(name === undefined ? {} : { name }) } as const;
    const verdict = await this.#options.propose(change, undefined);
    const { state } = this.#options.host().catalog;
    if (!verdict.applied) throw voidStreamError(verdict, name ?? '', state);
    const id = verdict.value as StreamId;
    return this.#entries.get(id) ?? this.#add(id, name, 1, 0); // An open may have been told of it before.
  }

  async #open(stream: StreamState, expectedEpoch: number | undefined): Promise<Entry> {
    const { id } = stream;
    for (;;) {
      const entry = this.#entries.get(id);
      if (entry?.open.status === 'closing') {
        await entry.handle.close();
        continue;
      }
      if (entry !== undefined) return checkEpoch(entry, expectedEpoch);
      const opening = this.#opening.get(id);
      if (opening === undefined) {
        const work = this.#proposeOpen(stream, expectedEpoch).finally(() => this.#opening.delete(id));
        this.#opening.set(id, work);
        const opened = await work;
        if (opened !== undefined) return opened;
      } else {
        const opened = await opening;
        if (opened !== undefined) return checkEpoch(opened, expectedEpoch);
      }
    }
  }

  /** Undefined: a handle of ours was met that is there, or that is being closed; look again. */
  async #proposeOpen(stream: StreamState, expectedEpoch: number | undefined): Promise<Entry | undefined> {
    const { id } = stream;
    const ref: StreamRef = stream.name ?? id;
    const change = { kind: 'open', stream: id, ...(expectedEpoch === undefined ? {} : { expectedEpoch }) } as const;
    let verdict = await this.#options.propose(change, undefined);
    if (!verdict.applied && verdict.reason === 'owned' && !this.#isOurs(verdict.fact)) {
      await this.#options.recoverOwner(stream);
      verdict = await this.#options.propose(change, undefined);
    }
    const { state } = this.#options.host().catalog;
    if (!verdict.applied) {
      if (verdict.reason !== 'owned' || !this.#isOurs(verdict.fact)) throw voidStreamError(verdict, ref, state);
      const adopted = this.#adopt(id);
      return adopted === undefined ? undefined : checkEpoch(adopted, expectedEpoch);
    }
    const before = this.#entries.get(id);
    if (before === undefined) return this.#addAtEnd(id, stream.name, verdict.value);
    // Its close is in the journal, before our open; what remains of it ends first.
    await before.handle.close();
    return this.#adopt(id);
  }

  #isOurs(ownerEpoch: number | undefined): boolean {
    return ownerEpoch === this.#options.nodeEpoch;
  }

  /**
   * A handle of a stream that is ours and has none: of a create or an open that went through, though nobody knew what
   * became of it. Undefined if it has one, or is not ours any more.
   */
  #adopt(id: StreamId): Entry | undefined {
    const now = this.#options.host().catalog.state.stream(id);
    if (this.#entries.has(id) || now === undefined || !this.#isOurs(now.ownerEpoch)) return undefined;
    return this.#addAtEnd(id, now.name, now.streamEpoch);
  }

  /** Appends go on where the stream ends: at its start, if it was trimmed beyond what is registered. */
  #addAtEnd(id: StreamId, name: string | undefined, streamEpoch: number): Entry {
    const { startOffset = 0, endOffset = 0 } = this.#options.host().catalog.state.stream(id) ?? {};
    return this.#add(id, name, streamEpoch, Math.max(startOffset, endOffset));
  }

  #add(id: StreamId, name: string | undefined, streamEpoch: number, endOffset: number): Entry {
    assert(!this.#entries.has(id), () => `stream ${id} has one handle`);
    const open = new OpenStream(id, name, streamEpoch, endOffset, this.#options.tails);
    const entry = { open, handle: new OwnedStream(this.#options.host(), open), wanted: 0 };
    this.#entries.set(id, entry);
    this.#options.onOpened(open);
    return entry;
  }
}

/** The caller does not want the handle any more. Those who asked in the same moment have their say first. */
async function giveBack(entry: Entry): Promise<void> {
  entry.wanted -= 1;
  await Promise.resolve();
  if (entry.wanted === 0) await entry.handle.close();
}

function checkEpoch(entry: Entry, expectedEpoch: number | undefined): Entry {
  const { streamEpoch } = entry.open;
  if (expectedEpoch === undefined || expectedEpoch === streamEpoch) return entry;
  const what = `stream ${JSON.stringify(entry.open.name ?? entry.open.id)}`;
  throw qanatError('CONFLICT', `${what} is at epoch ${streamEpoch}, not ${expectedEpoch}`, {
    what,
    currentEpoch: streamEpoch,
  });
}
