// Writing objects in slices: what they hold, where they are split, and that others get their turns meanwhile.
import { expect, test } from 'vitest';
import { MemoryObjectStore, systemRuntime } from '../../src/index.ts';
import { SeededRuntime } from '../../src/testkit.ts';
import type { Runtime } from '../../src/base/runtime.ts';
import type { StreamBatch } from '../../src/model/record-batch.ts';
import { encodeDataObject } from '../../src/format/data-object.ts';
import { objectKey } from '../../src/model/object-key.ts';
import { streamId } from '../../src/model/ids.ts';
import { ObjectWriter } from '../../src/upload/object-writer.ts';
import { writeOutputs, type RangeSource, type Rewriting } from '../../src/upload/rewrite.ts';
import type { PlannedOutput } from '../../src/upload/upload-planner.ts';

const MiB = 1024 * 1024;
const clusterId = '0123456789abcdef'.repeat(2);
const frameBytes = 16;

/** Batches of some streams, and a source of them that counts how often it is asked. */
class MemoryBatches {
  readonly batches: readonly StreamBatch[];
  asked = 0;

  constructor(streams: number, count: number, sizeBytes: number) {
    this.batches = Array.from({ length: streams }, (_, stream) =>
      Array.from({ length: count }, (__, i) => ({
        ...{ stream: streamId(stream + 1), streamEpoch: 1, startOffset: i, count: 1, timestamp: i },
        bytes: new Uint8Array(sizeBytes).fill(stream * 7 + i),
      })),
    ).flat();
  }

  readonly source: RangeSource = ({ stream, startOffset, endOffset }) => {
    this.asked += 1;
    return this.batches.filter(
      (batch) => batch.stream === stream && batch.startOffset >= startOffset && batch.startOffset < endOffset,
    );
  };

  output(kind: PlannedOutput['kind'] = 'stream-set'): PlannedOutput {
    const ids = [...new Set(this.batches.map(({ stream }) => stream))];
    const ranges = ids.map((stream) => {
      const own = this.batches.filter((batch) => batch.stream === stream);
      const sizeBytes = own.reduce((sum, { bytes }) => sum + frameBytes + bytes.byteLength, 0);
      return { stream, streamEpoch: 1, startOffset: 0, endOffset: own.length, sizeBytes };
    });
    return { kind, ranges };
  }
}

/** What writing takes, on a store in memory and a clock that stands while others run. */
function rewriting(runtime: Runtime, source: RangeSource, store = new MemoryObjectStore()): Rewriting {
  const place = { clusterId, node: 'a', nodeEpoch: 1, storeDeadlineMs: 1_000, objectSizeMaxBytes: 8 * MiB };
  return { source, runtime, writer: new ObjectWriter({ ...place, store, runtime }) };
}

test('an object that was encoded in slices is the one that is encoded at once', async () => {
  const runtime = new SeededRuntime({ seed: 1 });
  const memory = new MemoryBatches(3, 2_500, 300);
  const store = new MemoryObjectStore();
  await runtime.run(async () => {
    const [object, ...more] = await writeOutputs([memory.output()], rewriting(runtime, memory.source, store));
    expect(more).toEqual([]);
    const head = { clusterId, kind: 'stream-set', node: 'a', nodeEpoch: 1, sequence: 0, durableBelow: 0 } as const;
    const atOnce = encodeDataObject(head, memory.batches);
    const key = objectKey(clusterId, { family: 'data', node: 'a', nodeEpoch: 1, sequence: 0 });
    const stored = await store.get(key, { purpose: 'probe' });
    if (typeof stored === 'string') throw new Error(stored);
    expect(Buffer.compare(stored.bytes, atOnce.bytes)).toBe(0);
    expect(object?.parts).toEqual(atOnce.parts);
  });
  expect(memory.asked).toBeGreaterThan(6); // Anew after each slice.
});

test('what does not fit the buffer goes on in the next object', async () => {
  const runtime = new SeededRuntime({ seed: 2 });
  const memory = new MemoryBatches(2, 10, 1 * MiB);
  await runtime.run(async () => {
    const objects = await writeOutputs([memory.output()], rewriting(runtime, memory.source));
    expect(objects.map(({ sequence }) => sequence)).toEqual([0, 1, 2]);
    const parts = objects.flatMap((object) => object.parts);
    expect(parts.map(({ stream, startOffset, endOffset }) => [stream, startOffset, endOffset])).toEqual([
      [1, 0, 7],
      [1, 7, 10],
      [2, 0, 4],
      [2, 4, 10],
    ]);
    for (const { sizeBytes } of objects) expect(sizeBytes).toBeLessThanOrEqual(8 * MiB);
  });
});

/** A runtime whose clock says what it is told, and which counts turns of the event loop. */
class CountingRuntime implements Runtime {
  nowMs = 0;
  turns = 0;
  readonly clock = { now: () => this.nowMs, monotonic: () => this.nowMs };
  readonly random = systemRuntime.random;
  readonly timers = {
    after: systemRuntime.timers.after,
    turn: () => Promise.resolve(void (this.turns += 1)),
  };
}

test('a slice is 4 MiB at most, even under a clock that stands', async () => {
  const runtime = new CountingRuntime();
  const memory = new MemoryBatches(2, 60, 64 * 1024); // 7.5 MiB: the 31st piece is the last one.
  await writeOutputs([memory.output()], rewriting(runtime, memory.source));
  expect(runtime.turns).toBe(1);
});

test('a slice takes a few milliseconds, however slow the machine is', async () => {
  const runtime = new CountingRuntime();
  const memory = new MemoryBatches(1, 64, 64 * 1024); // 4 MiB: 16 pieces and a rest.
  const source: RangeSource = (range) => {
    runtime.nowMs += 3; // Reading a piece takes longer than a slice may.
    return memory.source(range);
  };
  await writeOutputs([memory.output()], rewriting(runtime, source));
  expect(runtime.turns).toBeGreaterThanOrEqual(12);
});

test('whoever has ended is told so in the middle of an object, and nothing is stored', async () => {
  const runtime = new SeededRuntime({ seed: 5 });
  const memory = new MemoryBatches(1, 100, 64 * 1024);
  const store = new MemoryObjectStore();
  await runtime.run(async () => {
    const ended = new Error('it is over');
    const ending = (): Error | undefined => (memory.asked >= 5 ? ended : undefined);
    const parts = rewriting(runtime, memory.source, store);
    await expect(writeOutputs([memory.output('stream')], { ...parts, ending })).rejects.toBe(ended);
    expect(parts.writer.settledBelow()).toBe(0);
    expect((await store.list({ prefix: '', purpose: 'probe' })).keys).toEqual([]);
  });
});

test.each([
  ['a gap', (batches: readonly StreamBatch[]) => batches.filter((_, i) => i !== 4), '5 follows 4'],
  ['a missing end', (batches: readonly StreamBatch[]) => batches.slice(0, -1), '9 is not the end 10'],
  ['another epoch', (batches: readonly StreamBatch[]) => batches.map((b) => ({ ...b, streamEpoch: 2 })), 'follows 0'],
  [
    'another stream',
    (batches: readonly StreamBatch[]) => batches.map((b) => ({ ...b, stream: streamId(9) })),
    'follows',
  ],
])('%s in what a range holds is found before anything is proposed', async (_, wrong, message) => {
  const runtime = new SeededRuntime({ seed: 6 });
  const memory = new MemoryBatches(1, 10, 100);
  await runtime.run(async () => {
    const parts = rewriting(runtime, (range) => wrong([...memory.source(range)]));
    await expect(writeOutputs([memory.output()], parts)).rejects.toThrow(message);
    expect(parts.writer.settledBelow()).toBe(0);
  });
});
