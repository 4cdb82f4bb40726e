// Readers of every kind while a stream is appended to, uploaded, trimmed, given up and opened by the other node, and
// while sets are closed and opened again; over a store that is slow and fails, and over a real directory. Whatever the
// order: no gap, every batch as it was appended, and no error but those that the contract names for what was done.
import { expect, test } from 'vitest';
import { FileObjectStore, isQanatError, MemoryObjectStore, objectWal, StreamSet } from '../../src/index.ts';
import type { ObjectStore, RecordBatch, Runtime, Stream, StreamReader } from '../../src/index.ts';
import { systemRuntime } from '../../src/base/runtime.ts';
import { drawInteger, FaultyObjectStore, seededRandom, SeededRuntime } from '../../src/testkit.ts';
import { bytesOf, someDirectory, textOf } from '../engine/world.ts';

interface Known {
  readonly endOffset: number;
  readonly text: string;
  readonly timestamp: number;
}

/** What has been done to the stream, as its callers know it. */
class History {
  readonly batches = new Map<number, Known>();
  /** Offset after the last append that was called. */
  calledEnd = 0;
  /** The largest start that a trim was called with. */
  trimCalled = 0;
  reads = 0;
  followed = 0;
  lookups = 0;

  /** Checks batches that a reader was given from `from` on; gives where they end. */
  check(batches: readonly RecordBatch[], from: number): number {
    let offset = from;
    for (const [i, { startOffset, endOffset, count, bytes }] of batches.entries()) {
      if (i === 0 ? startOffset > offset || endOffset <= offset : startOffset !== offset)
        expect.fail(`a gap: [${startOffset}, ${endOffset}) was given for ${offset}`);
      const known = this.batches.get(startOffset);
      expect({ endOffset, count, text: textOf(bytes) }).toEqual({
        endOffset: known?.endOffset,
        count: endOffset - startOffset,
        text: known?.text,
      });
      offset = endOffset;
    }
    return offset;
  }
}

const impatient = new Error('it took too long');

/** A handle on the stream, and whether somebody has begun to close it. */
interface Handle {
  readonly reader: StreamReader;
  isClosing: boolean;
}

class World {
  readonly history = new History();
  readonly #open: (node: string) => Promise<StreamSet>;
  readonly #runtime: Runtime;
  readonly draw: (limit: number) => number;
  readonly #sets: StreamSet[] = [];
  #owner = 0;
  #stream!: Stream;
  #ownerHandle!: Handle;
  handles: Handle[] = [];
  isOver = false;

  constructor(seed: number, runtime: Runtime, open: (node: string) => Promise<StreamSet>) {
    const random = seededRandom(seed);
    this.draw = (limit) => drawInteger(random, limit);
    this.#runtime = runtime;
    this.#open = open;
  }

  async run(steps: number, readerCount: number): Promise<void> {
    this.#sets.push(await this.#open('a'), await this.#open('b'));
    this.#own(await this.#sets[0]!.create({ name: 's' }));
    const readers = Array.from({ length: readerCount }, (_, i) =>
      i % 2 === 0 ? this.#readLoop() : this.#followLoop(),
    );
    try {
      for (let step = 0; step < steps; step++) await this.#step(step);
    } finally {
      this.isOver = true;
      for (const handle of this.handles) handle.isClosing = true;
      for (const set of this.#sets) await set.close();
      await Promise.all(readers);
    }
  }

  pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.#runtime.timers.after(ms, resolve));
  }

  #own(stream: Stream): void {
    this.#stream = stream;
    this.#ownerHandle = this.#handle(stream);
  }

  #handle(reader: StreamReader): Handle {
    const handle = { reader, isClosing: false };
    this.handles = [...this.handles.filter(({ isClosing }) => !isClosing), handle].slice(-8);
    return handle;
  }

  async #step(step: number): Promise<void> {
    const { draw, history } = this;
    const dice = draw(20);
    const owner = this.#sets[this.#owner]!;
    if (dice < 9) await this.#append(step);
    else if (dice < 12) await Promise.all([owner.upload(), this.#append(step)]);
    else if (dice < 14) {
      history.trimCalled += draw(Math.min(12, this.#stream.endOffset - history.trimCalled) + 1);
      await this.#stream.trim(history.trimCalled);
    } else if (dice < 15) {
      this.#ownerHandle.isClosing = true;
      await this.#stream.close();
      this.#owner = draw(2);
      await this.#sets[this.#owner]!.sync();
      this.#own(await this.#sets[this.#owner]!.open('s'));
    } else if (dice < 16) {
      // A set goes and comes back as another incarnation; if it had the stream, it opens it again.
      const gone = draw(2);
      for (const handle of this.handles) handle.isClosing = true; // Any of them may be of this set.
      await this.#sets[gone]!.close();
      this.#sets[gone] = await this.#open(gone === 0 ? 'a' : 'b');
      if (gone === this.#owner) this.#own(await this.#sets[gone]!.open('s'));
      else this.#ownerHandle = this.#handle(this.#stream);
    } else if (dice < 19) this.#handle(await this.#sets[draw(2)]!.reader('s'));
    else await this.#sets[1 - this.#owner]!.sync();
    if (draw(2) === 0) await this.pause(draw(4));
  }

  async #append(step: number): Promise<void> {
    const { draw, history } = this;
    const inputs = Array.from({ length: 1 + draw(6) }, (_, i) => ({
      count: 1 + draw(3),
      text: `${step}.${i} `.padEnd(20 + draw(3) * draw(9_000), 'x'),
    }));
    let offset = this.#stream.nextOffset;
    expect(offset).toBe(history.calledEnd);
    const batches = inputs.map(({ count, text }) => {
      const timestamp = offset * 10;
      history.batches.set(offset, { endOffset: offset + count, text, timestamp });
      offset += count;
      return { bytes: bytesOf(text), count, timestamp };
    });
    history.calledEnd = offset;
    const { endOffset } = await this.#stream.appendAll(batches);
    expect(endOffset).toBe(offset);
  }

  /** Whether the contract names this error for what was done. */
  #isAllowed(cause: unknown, handle: Handle, from: number): boolean {
    if (!isQanatError(cause)) return false;
    if (cause.code === 'OFFSET_OUT_OF_RANGE') return from < this.history.trimCalled;
    return (cause.code === 'CLOSED' || cause.code === 'STREAM_CLOSED') && handle.isClosing;
  }

  #someHandle(): Handle {
    return this.handles[this.draw(this.handles.length)]!;
  }

  async #readLoop(): Promise<void> {
    const { history, draw } = this;
    for (let jump = true, from = 0, handle = this.#someHandle(); !this.isOver;) {
      if (handle.isClosing || draw(8) === 0) [jump, handle] = [true, this.#someHandle()];
      const { reader } = handle;
      const { startOffset, endOffset } = reader;
      if (jump || from > endOffset || from < startOffset) from = startOffset + draw(endOffset - startOffset + 1);
      try {
        const kind = draw(10);
        if (kind < 7) {
          const maxBytes = draw(2) === 0 ? 1 + draw(30_000) : undefined;
          const result = await reader.read(from, { maxBytes, onlyCached: kind === 0 });
          const reached = history.check(result.batches, from);
          expect(result.nextOffset).toBe(reached);
          if (result.stopped === 'end') expect(reached).toBeGreaterThanOrEqual(result.endOffset);
          if (kind !== 0 && from < result.endOffset) expect(result.batches.length).toBeGreaterThan(0);
          expect(reached).toBeLessThanOrEqual(Math.max(result.endOffset, from));
          expect(result.endOffset).toBeLessThanOrEqual(history.calledEnd);
          jump = result.nextOffset === result.endOffset || result.nextOffset === from;
          from = result.nextOffset;
          history.reads += 1;
        } else if (kind < 9) await this.#lookUp(reader);
        else {
          const patience = new AbortController();
          const timer = this.#runtime.timers.after(20, () => patience.abort(impatient));
          const reached = await reader.whenBeyond(from, { signal: patience.signal }).finally(() => timer.cancel());
          expect(reached).toBeGreaterThan(from);
          expect(reached).toBeLessThanOrEqual(history.calledEnd);
        }
      } catch (cause) {
        if (cause !== impatient && !this.#isAllowed(cause, handle, from)) throw cause;
        jump = true;
      }
      if (jump) await this.pause(1);
    }
  }

  async #lookUp(reader: StreamReader): Promise<void> {
    const { history } = this;
    const timestamp = this.draw(history.calledEnd * 10 + 20);
    const [startBefore, endBefore] = [reader.startOffset, reader.endOffset];
    const found = await reader.offsetAt(timestamp);
    const expected = [...history.batches].find(
      ([, known]) => known.timestamp >= timestamp && known.endOffset > startBefore,
    );
    history.lookups += 1;
    if (expected === undefined) expect(found).toBeUndefined();
    else if (found === undefined) expect(expected[1].endOffset).toBeGreaterThan(endBefore);
    else if (found < history.trimCalled) expect(found).toBe(Math.max(expected[0], startBefore));
    else expect(found).toBeGreaterThanOrEqual(expected[0]);
  }

  async #followLoop(): Promise<void> {
    const { history, draw } = this;
    while (!this.isOver) {
      const handle = this.#someHandle();
      let from: number = handle.reader.startOffset;
      try {
        for await (const batch of handle.reader.follow(from)) {
          from = history.check([batch], from);
          history.followed += 1;
          if (draw(200) === 0) break;
        }
        if (!handle.isClosing && !this.isOver) await this.pause(1);
      } catch (cause) {
        if (!this.#isAllowed(cause, handle, from)) throw cause;
      }
      await this.pause(1);
    }
  }
}

const settings = { storeDeadlineMs: 600_000, catalogRefreshMs: 5, memoryMaxBytes: 64 * 2 ** 20 } as const;

test.each([1, 2, 3, 4])('over a store that is slow and fails readers see one history (seed %i)', async (seed) => {
  const runtime = new SeededRuntime({ seed });
  const store = new MemoryObjectStore();
  const faults = [
    { fault: { kind: 'latency', minMs: 1, maxMs: 8 } },
    { operation: 'get', probability: 0.1, fault: { kind: 'latency', minMs: 20, maxMs: 60 } },
    { operation: 'get', probability: 0.1, fault: { kind: 'unavailable' } },
    { operation: 'put', probability: 0.05, fault: { kind: 'unknown-after' } },
  ] as const;
  const open = (node: string): Promise<StreamSet> => {
    const faulty = new FaultyObjectStore(store, { runtime, faults });
    return StreamSet.open({ node, store: faulty, wal: objectWal(), settings, runtime });
  };
  const world = new World(seed, runtime, open);
  await runtime.run(() => world.run(60, 4));
  expect(world.history.reads).toBeGreaterThan(50);
  expect(world.history.followed).toBeGreaterThan(50);
  expect(world.history.lookups).toBeGreaterThan(10);
});

test('over a directory readers see one history', async () => {
  const directory = await someDirectory();
  const open = (node: string): Promise<StreamSet> => {
    const store: ObjectStore = new FileObjectStore(directory);
    return StreamSet.open({ node, store, wal: objectWal(), settings });
  };
  const world = new World(7, systemRuntime, open);
  await world.run(60, 4);
  expect(world.history.reads).toBeGreaterThan(50);
  expect(world.history.followed).toBeGreaterThan(50);
});
