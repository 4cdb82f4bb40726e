// Taking over from a node that lives: one that writes on, one that is stopped at any call and wakes up long after, and
// several recoverers at once, some of which die. Whatever happens, what was acknowledged is in the one history, what was
// refused with outcome 'none' is not, and what lands afterwards changes nothing.
import { describe, expect, test } from 'vitest';
import { MemoryObjectStore, StreamSet, isQanatError, objectWal, systemRuntime } from '../../src/index.ts';
import type { ObjectStore, OpenOptions, Stream } from '../../src/index.ts';
import { FaultyObjectStore } from '../../src/testkit/faulty-object-store.ts';
import { SeededRuntime } from '../../src/testkit/seeded-runtime.ts';
import type { FaultRule } from '../../src/testkit/store-faults.ts';
import { bytesOf, errorOf, readBatches, textOf } from './world.ts';

const settings = { storeDeadlineMs: 30_000, segmentSizeMinBytes: 1, catalogRefreshMs: 50 };

/** What became of appends, by their text, each of which is used once. */
class Outcomes {
  readonly acknowledged = new Map<string, number>();
  readonly refused = new Set<string>();
  readonly unknown = new Set<string>();

  async take(stream: Stream, text: string): Promise<boolean> {
    try {
      const { startOffset } = await stream.append(bytesOf(text));
      this.acknowledged.set(text, startOffset);
      return true;
    } catch (cause) {
      if (!isQanatError(cause)) throw cause;
      (cause.outcome === 'none' ? this.refused : this.unknown).add(text);
      return false;
    }
  }

  /** Everything acknowledged is where it was said to be, nothing refused is anywhere, and nothing else is. */
  check(history: readonly { readonly startOffset: number; readonly bytes: Uint8Array }[], what: string): void {
    const found = new Map(history.map(({ startOffset, bytes }) => [textOf(bytes), startOffset]));
    expect(found.size, `${what}: a batch stands twice`).toBe(history.length);
    for (const [text, offset] of this.acknowledged) expect(found.get(text), `${what}: ${text}`).toBe(offset);
    for (const text of this.refused) expect(found.has(text), `${what}: ${text} was refused`).toBe(false);
    for (const text of found.keys())
      expect(this.acknowledged.has(text) || this.unknown.has(text), `${what}: ${text}`).toBe(true);
  }
}

/** A connection of a process that is stopped at its n-th call, before or after it has its effect, until it is woken. */
class StoppingObjectStore implements ObjectStore {
  calls = 0;
  stopAt = Infinity;
  readonly #store: ObjectStore;
  readonly #hasEffect: boolean;
  #wake: () => void = () => {};
  readonly #woken: Promise<void>;

  constructor(store: ObjectStore, hasEffect: boolean) {
    this.#store = store;
    this.#hasEffect = hasEffect;
    this.#woken = new Promise((resolve) => (this.#wake = resolve));
  }

  readonly put: ObjectStore['put'] = (...args) => this.#pass(() => this.#store.put(...args));
  readonly get: ObjectStore['get'] = (...args) => this.#pass(() => this.#store.get(...args));
  readonly list: ObjectStore['list'] = (...args) => this.#pass(() => this.#store.list(...args));
  readonly delete: ObjectStore['delete'] = (...args) => this.#pass(() => this.#store.delete(...args));

  wake(): void {
    this.stopAt = Infinity;
    this.#wake();
  }

  async #pass<T>(request: () => Promise<T>): Promise<T> {
    this.calls += 1;
    if (this.calls < this.stopAt) return request();
    const answer = this.#hasEffect ? await request() : undefined;
    await this.#woken;
    return answer ?? request();
  }
}

describe('a node that is stopped at any of its calls, and wakes up after it was recovered', () => {
  test.each([
    ['before the call has its effect', false],
    ['after it', true],
  ])('tells the truth about its appends, and changes nothing (%s)', async (_, hasEffect) => {
    let stops = 0;
    for (let stopAt = 1; ; stopAt++) {
      const what = `stopped at call ${stopAt}`;
      const store = new MemoryObjectStore();
      const connection = new StoppingObjectStore(store, hasEffect);
      const outcomes = new Outcomes();
      const runtime = new SeededRuntime({ seed: stopAt });
      const isOver = await runtime.run(async () => {
        const victim = await StreamSet.open({ node: 'victim', store: connection, runtime, settings });
        const stream = await victim.create({ name: 's' });
        connection.calls = 0;
        connection.stopAt = stopAt;
        const life = (async () => {
          for (let i = 0; i < 4; i++)
            await Promise.all(['x', 'yy', 'zzz'].map((part) => outcomes.take(stream, `${part}${i}`)));
          await victim.upload();
          for (let i = 4; i < 8; i++) void outcomes.take(stream, `late ${i}`);
          await stream.close();
        })().catch((cause: unknown) => expect(isQanatError(cause), String(cause)).toBe(true));
        await new Promise<void>((resolve) => void runtime.timers.after(5_000, resolve));
        const wasStopped = connection.calls >= stopAt;
        stops += wasStopped ? 1 : 0;
        const heir = await StreamSet.open({ node: 'heir', store, runtime, settings });
        await heir.recover('victim', { epoch: victim.nodeEpoch });
        const taken = await heir.open('s');
        const end = taken.endOffset;
        for (let i = 0; i < 3; i++) await outcomes.take(taken, `heir ${i}`);
        const before = (await readBatches(taken)).map(({ bytes }) => textOf(bytes));
        connection.wake();
        await life;
        await victim.sync().catch(() => {});
        expect((await victim.closed).status, what).toBe('fenced');
        expect((await errorOf(stream.append(bytesOf('after'))))['code'], what).toMatch(/NODE_FENCED|STREAM_CLOSED/);
        await victim.close();
        await new Promise<void>((resolve) => void runtime.timers.after(60_000, resolve));
        const history = await readBatches(taken);
        expect(
          history.map(({ bytes }) => textOf(bytes)),
          what,
        ).toEqual(before);
        expect(taken.endOffset).toBe(end + 3);
        outcomes.check(history, what);
        await heir.close();
        return !wasStopped;
      });
      if (isOver) break;
    }
    expect(stops).toBeGreaterThan(8);
  });
});

const lossy: readonly FaultRule[] = [
  { fault: { kind: 'latency', minMs: 1, maxMs: 40 } },
  { probability: 0.1, fault: { kind: 'unknown-before' } },
  { probability: 0.1, fault: { kind: 'unknown-after' } },
  { probability: 0.1, fault: { kind: 'late-put', minMs: 1, maxMs: 5_000 } },
  { probability: 0.1, fault: { kind: 'doubled-put', minMs: 1, maxMs: 5_000 } },
  { probability: 0.05, fault: { kind: 'unavailable' } },
];

/** A world in which answers get lost and puts come late and twice: a writer at full speed, and several recoverers. */
async function liveWorld(seed: number, recoverers: number, deaths: number, wal: OpenOptions['wal']): Promise<number> {
  const runtime = new SeededRuntime({ seed });
  const store = new MemoryObjectStore();
  const connect = (faults: readonly FaultRule[]): FaultyObjectStore =>
    new FaultyObjectStore(store, { runtime, faults });
  const wait = (ms: number): Promise<void> => new Promise((resolve) => void runtime.timers.after(ms, resolve));
  return runtime.run(async () => {
    const connections = [connect([]), ...Array.from({ length: recoverers }, () => connect(lossy))];
    const outcomes = new Outcomes();
    const victim = await StreamSet.open({ node: 'victim', store: connections[0]!, runtime, settings, wal });
    const stream = await victim.create({ name: 's' });
    connections[0]!.inject(lossy);
    let isRunning = true;
    let count = 0;
    const write = async (writer: number): Promise<void> => {
      while (isRunning && (await outcomes.take(stream, `writer ${writer} ${count++}`)));
    };
    const writers = Array.from({ length: 12 }, (_, i) => write(i));
    await wait(runtime.random.fraction() * 2_000);
    const opening = connections
      .slice(1)
      .map((connection, i) =>
        StreamSet.open({ node: `r${i}`, store: connection, runtime, settings, wal: objectWal() }),
      );
    const sets = await Promise.all(opening);
    const { nodeEpoch: epoch } = victim;
    const recovering = sets.map(async (set, i) => {
      await wait(runtime.random.fraction() * 50);
      if (i < deaths) void wait(runtime.random.fraction() * 400).then(() => connections[i + 1]!.crash());
      return set.recover('victim', { epoch });
    });
    const reports = (await Promise.allSettled(recovering)).slice(deaths);
    for (const report of reports) expect(report.status, JSON.stringify(report)).toBe('fulfilled');
    const heir = sets.at(-1)!;
    const taken = await heir.open('s');
    for (let i = 0; i < 5; i++) await outcomes.take(taken, `heir ${i}`);
    const before = (await readBatches(taken)).map(({ bytes }) => textOf(bytes));
    isRunning = false;
    await Promise.all(writers);
    await victim.sync().catch(() => {});
    expect((await victim.closed).status).toBe('fenced');
    await wait(30_000); // What was on its way has landed.
    while (connections.some(({ latePuts }) => latePuts > 0)) await wait(100);
    const history = await readBatches(taken);
    expect(history.map(({ bytes }) => textOf(bytes))).toEqual(before);
    outcomes.check(history, `seed ${seed}`);
    const other = await StreamSet.open({ node: 'other', store, runtime, settings });
    outcomes.check(await readBatches(await other.reader('s')), `seed ${seed}, read by another`);
    for (const set of [victim, ...sets, other]) await set.close();
    return outcomes.acknowledged.size;
  });
}

describe('a node that writes at full speed while it is recovered', () => {
  test('by eight at once, over a store that loses answers, keeps its word', async () => {
    let acknowledged = 0;
    for (let seed = 1; seed <= 12; seed++) acknowledged += await liveWorld(seed, 8, 0, undefined);
    expect(acknowledged).toBeGreaterThan(500);
  });

  test('by some that die, and one that does not, keeps its word', async () => {
    for (let seed = 101; seed <= 112; seed++) await liveWorld(seed, 4, 3, undefined);
  });
});

test('a fenced node with an upload that is due does nothing more, and lets its process go on', async () => {
  const store = new MemoryObjectStore();
  const connection = new StoppingObjectStore(store, false);
  const due = { ...settings, uploadSizeBytes: 1 };
  const victim = await StreamSet.open({ node: 'victim', store: connection, settings: due });
  const stream = await victim.create({ name: 's' });
  connection.stopAt = connection.calls + 2; // The segment is stored, and the upload that is due at once waits.
  await stream.append(bytesOf('1'));
  const heir = await StreamSet.open({ node: 'heir', store, settings });
  await heir.recover('victim');
  connection.wake();
  expect((await victim.closed).status).toBe('fenced');
  const { calls } = connection;
  const turns = await new Promise<number>((resolve) => {
    let count = 0;
    const turn = (): void => void (count++ < 100 ? setImmediate(turn) : resolve(count));
    setImmediate(turn);
  });
  expect(turns).toBeGreaterThan(100);
  expect(connection.calls).toBeLessThan(calls + 5);
  await victim.close();
  expect((await readBatches(await heir.open('s'))).map(({ bytes }) => textOf(bytes))).toEqual(['1']);
  await heir.close();
});

test('a recoverer of a node that nobody has fenced dies at any call, and the next one finishes', async () => {
  for (const underWay of ['lands', 'vanishes'] as const) {
    let deaths = 0;
    for (let nth = 1; ; nth++) {
      const store = new MemoryObjectStore();
      const silent = new FaultyObjectStore(store, { runtime: systemRuntime, seed: 1, faults: [] });
      const dead = await StreamSet.open({ node: 'dead', store: silent, settings });
      const stream = await dead.create({ name: 's' });
      for (const text of ['1', '2', '3']) await stream.append(bytesOf(text));
      silent.crash();
      await dead.close();
      const connection = new FaultyObjectStore(store, { runtime: systemRuntime, seed: nth, faults: [] });
      const first = await StreamSet.open({ node: 'b', store: connection, settings });
      connection.inject([{ nth, fault: { kind: 'crash', underWay } }]);
      await first.recover('dead').catch(() => {});
      const { crashed } = connection;
      await first.close();
      if (!crashed) break;
      deaths += 1;
      const second = await StreamSet.open({ node: 'c', store, settings });
      const { alreadyDone, streamCount } = await second.recover('dead', { epoch: dead.nodeEpoch });
      expect(alreadyDone ? 0 : 1, `death at call ${nth}`).toBe(streamCount);
      const texts = (await readBatches(await second.open('s'))).map(({ bytes }) => textOf(bytes));
      expect(texts, `death at call ${nth}`).toEqual(['1', '2', '3']);
      await second.close();
    }
    expect(deaths).toBeGreaterThan(8);
  }
});
