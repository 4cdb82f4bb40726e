// This package's own engine on the bad days that seeds draw, while the process that owns a stream is stopped, or cut
// off, until another node has recovered it and taken the stream over; then it goes on.
import { expect, test } from 'vitest';
import { isQanatError, MemoryObjectStore, StreamSet } from '../../src/index.ts';
import type { Stream } from '../../src/index.ts';
import { drawStoreFaults } from '../../src/testkit/draw-store-faults.ts';
import { FaultyObjectStore } from '../../src/testkit/faulty-object-store.ts';
import { drawInteger, seededRandom } from '../../src/testkit/seeded-random.ts';
import { SeededRuntime } from '../../src/testkit/seeded-runtime.ts';

const settings = { storeDeadlineMs: 20_000, segmentSizeMinBytes: 64, uploadAgeMaxMs: 100, catalogRefreshMs: 500 };

const waysToVanish = ['stopped', 'hangs', 'refuses'] as const;

interface Outcome {
  readonly way: (typeof waysToVanish)[number];
  readonly acknowledged: ReadonlyMap<string, number>;
  /** Refused with outcome 'none'. */
  readonly refused: ReadonlySet<string>;
  readonly history: readonly { readonly startOffset: number; readonly text: string }[];
  readonly struck: number;
}

async function takeOver(seed: number): Promise<Outcome> {
  const runtime = new SeededRuntime({ seed });
  const random = seededRandom(-seed);
  const bucket = new MemoryObjectStore();
  const { faults } = drawStoreFaults(seed);
  const connect = (n: number): FaultyObjectStore =>
    new FaultyObjectStore(bucket, { runtime, faults, seed: 2 * seed + n });
  const sleep = (ms: number): Promise<void> => new Promise((resolve) => void runtime.timers.after(ms, resolve));
  const way = waysToVanish[drawInteger(random, 3)]!;
  const acknowledged = new Map<string, number>();
  const refused = new Set<string>();
  const appends: Promise<void>[] = [];
  const append = async (stream: Stream, texts: string, count: number): Promise<void> => {
    for (let i = 0; i < count; i++) {
      const text = `${texts} ${i}`;
      const told = stream.append(Buffer.from(text)).then(
        ({ startOffset }) => void acknowledged.set(text, startOffset),
        (cause: unknown) => {
          if (!isQanatError(cause)) throw cause;
          if (cause.outcome === 'none') refused.add(text);
        },
      );
      appends.push(told);
      await sleep(drawInteger(random, 100));
    }
  };
  return runtime.run(async () => {
    const [victimConnection, heirConnection] = [connect(0), connect(1)];
    const victim = await StreamSet.open({ node: 'victim', store: victimConnection, runtime, settings });
    const heir = await StreamSet.open({ node: 'heir', store: heirConnection, runtime, settings });
    const stream = await victim.create({ name: 's' });
    await append(stream, 'before', 8);
    if (way === 'stopped') victimConnection.pause();
    else victimConnection.cutOff({ how: way, underWay: 'either' });
    await append(stream, 'meanwhile', 4);
    await heir.recover('victim', { epoch: victim.nodeEpoch });
    const taken = await heir.open('s');
    await append(taken, 'heir', 4);
    await sleep(drawInteger(random, 100_000));
    victimConnection.resume();
    victimConnection.reconnect();
    await append(stream, 'after', 2);
    await Promise.all(appends);
    await sleep(100_000); // Whatever is late has landed.
    const history: { startOffset: number; text: string }[] = [];
    for (let at = taken.startOffset; at < taken.endOffset;) {
      const { batches } = await taken.read(at);
      for (const { startOffset, bytes } of batches) history.push({ startOffset, text: Buffer.from(bytes).toString() });
      at = batches.at(-1)!.startOffset + 1;
    }
    const struck = victimConnection.log.length + heirConnection.log.length;
    for (const connection of [victimConnection, heirConnection]) connection.heal();
    await Promise.all([victim.close(), heir.close()]);
    return { way, acknowledged, refused, history, struck };
  });
}

test('the engine tells the truth when a process is stopped or cut off on any kind of day', async () => {
  const ways = new Set<string>();
  for (let seed = 1; seed <= 40; seed++) {
    const what = `seed ${seed}, a ${drawStoreFaults(seed).profile} day`;
    const { way, acknowledged, refused, history, struck } = await takeOver(seed);
    ways.add(way);
    const found = new Map(history.map(({ text, startOffset }) => [text, startOffset]));
    expect(found.size, `${what}: nothing stands twice`).toBe(history.length);
    for (const [text, offset] of acknowledged) expect(found.get(text), `${what}, ${way}: ${text}`).toBe(offset);
    for (const text of refused) expect(found.has(text), `${what}, ${way}: ${text} was refused`).toBe(false);
    for (let i = 0; i < 4; i++) expect(acknowledged.has(`heir ${i}`), what).toBe(true);
    expect(struck, what).toBeGreaterThan(0);
  }
  expect(ways).toEqual(new Set(waysToVanish));
});

test('the same seed takes the same course', async () => {
  for (const seed of [3, 8]) expect(await takeOver(seed)).toEqual(await takeOver(seed));
});
