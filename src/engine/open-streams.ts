// The streams that a set has open: created, opened, given up, deleted. One handle per stream, however often it is
// opened; who gives up waiting for an open that then goes through has it closed again.
import { untilAborted } from '../base/abort.ts';
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
  readonly #opening = new Map<StreamId, Promise<Entry>>();

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
    await untilAborted(this.#entries.get(stream.id)?.handle.close() ?? Promise.resolve(), signal);
    const verdict = await this.#options.propose({ kind: 'delete', stream: stream.id }, signal);
    if (!verdict.applied) throw voidStreamError(verdict, ref, this.#options.host().catalog.state);
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
    return this.#add(verdict.value as StreamId, name, 1, 0);
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
      if (opening !== undefined) return checkEpoch(await opening, expectedEpoch);
      const work = this.#proposeOpen(stream, expectedEpoch).finally(() => this.#opening.delete(id));
      this.#opening.set(id, work);
      return work;
    }
  }

  async #proposeOpen(stream: StreamState, expectedEpoch: number | undefined): Promise<Entry> {
    const ref: StreamRef = stream.name ?? stream.id;
    const change = {
      kind: 'open',
      stream: stream.id,
      ...(expectedEpoch === undefined ? {} : { expectedEpoch }),
    } as const;
    let verdict = await this.#options.propose(change, undefined);
    if (!verdict.applied && verdict.reason === 'owned') {
      await this.#options.recoverOwner(stream);
      verdict = await this.#options.propose(change, undefined);
    }
    const { state } = this.#options.host().catalog;
    const now = state.stream(stream.id);
    if (!verdict.applied) {
      const isOurs = verdict.reason === 'owned' && verdict.fact === this.#options.nodeEpoch;
      if (!isOurs || now === undefined) throw voidStreamError(verdict, ref, state);
      // A create or open of ours, of which nobody knew what became of it, went through: its stream has no handle yet.
      const found = this.#entries.get(stream.id);
      return checkEpoch(found ?? this.#addAtEnd(now, now.streamEpoch), expectedEpoch);
    }
    return now === undefined ? this.#add(stream.id, stream.name, verdict.value, 0) : this.#addAtEnd(now, verdict.value);
  }

  /** Appends go on where the stream ends: at its start, if it was trimmed beyond what is registered. */
  #addAtEnd({ id, name, startOffset, endOffset }: StreamState, streamEpoch: number): Entry {
    return this.#add(id, name, streamEpoch, Math.max(startOffset, endOffset));
  }

  #add(id: StreamId, name: string | undefined, streamEpoch: number, endOffset: number): Entry {
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
