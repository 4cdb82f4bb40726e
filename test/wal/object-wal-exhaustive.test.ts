// Every order in which the requests of a small world can take effect, be answered, or lose their answer, run with the
// real writer and the real recoverers: a writer with segments in flight, recoverers that seal, the change `recovered`
// of the faster one, and a sweeper that deletes what was recovered. States that were seen before are not run again.
import { expect, test } from 'vitest';
import type { Runtime } from '../../src/base/runtime.ts';
import { decodeFooter } from '../../src/format/data-object.ts';
import type { GetResult, ListResult, PutResult } from '../../src/store/object-store.ts';
import { MemoryObjectStore } from '../../src/store/memory-object-store.ts';
import type { SealedWal } from '../../src/wal/wal.ts';
import { SimHeldStore, type HeldRequest } from './sim-held-store.ts';
import { batch, MemoryEpochState, openWal, quickRuntime, sealWal, segmentKey, turn } from './wal-place.ts';

interface Scope {
  readonly segmentCount: number;
  readonly recoverers: readonly string[];
  readonly lossMax: number;
}

/** Pauses pass at once; deadlines never come. */
const timelessRuntime: Runtime = {
  ...quickRuntime,
  clock: { now: () => 0, monotonic: () => 0 },
  timers: {
    after: (delayMs, run) => {
      let isCancelled = delayMs > 0;
      queueMicrotask(() => {
        if (!isCancelled) run();
      });
      return { cancel: () => (isCancelled = true) };
    },
    turn,
  },
};

/** One run of the world, driven by the names of its actions. */
class World {
  readonly #scope: Scope;
  readonly #memory = new MemoryObjectStore();
  readonly #state = new MemoryEpochState();
  readonly #stores = new Map<string, SimHeldStore>();
  readonly #sealed = new Map<string, SealedWal | 'recovered' | Error>();
  readonly #late: HeldRequest[] = [];
  /** What each process was answered, by the number of its request: all that its state can depend on. */
  readonly #answers = new Map<string, string[]>();
  #writer: Awaited<ReturnType<typeof openWal>> | undefined;
  #losses = 0;
  #winner: string | undefined;
  #isSwept = false;

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  async start(): Promise<void> {
    const settings = { segmentSizeMinBytes: 0, storeDeadlineMs: 1_000 };
    const more = { settings, state: this.#state, runtime: timelessRuntime };
    const writer = await openWal(this.#store('A'), more);
    this.#writer = writer;
    for (let i = 0; i < this.#scope.segmentCount; i += 1) {
      writer.wal.append(batch(i));
      await turn();
    }
    for (const name of this.#scope.recoverers) {
      const sealing = sealWal(this.#store(name), this.#state, { runtime: timelessRuntime });
      sealing.then(
        (sealed) => this.#sealed.set(name, sealed ?? 'recovered'),
        (cause: Error) => this.#sealed.set(name, cause),
      );
    }
    await turn();
  }

  /** What can happen next. */
  actions(): string[] {
    const actions: string[] = [];
    for (const [name, { requests }] of this.#stores)
      requests.forEach((request, i) => {
        if (request.isAnswered) return;
        actions.push(`answer ${name} ${i}`);
        if (request.operation === 'put' && this.#losses < this.#scope.lossMax)
          actions.push(`lose-after ${name} ${i}`, `lose-before ${name} ${i}`);
      });
    this.#late.forEach((_, i) => actions.push(`land - ${i}`));
    for (const [name, sealed] of this.#sealed)
      if (isEnd(sealed) && this.#winner === undefined) actions.push(`recovered ${name} 0`);
    if (this.#winner !== undefined && !this.#isSwept) actions.push('sweep - 0');
    return actions;
  }

  async act(action: string): Promise<void> {
    const [verb, name = '', index] = action.split(' ');
    if (verb === 'recovered') {
      const sealed = this.#sealed.get(name);
      if (!isEnd(sealed)) throw new Error(`${name} has not sealed`);
      this.#winner = name;
      this.#state.sealedAt = sealed.sealedAt;
    } else if (verb === 'sweep') {
      this.#isSwept = true;
      for (let i = 0; i < (this.#state.sealedAt ?? 0); i += 1)
        await this.#memory.delete([segmentKey(i)], { purpose: 'sweep' });
    } else if (verb === 'land') {
      const [request] = this.#late.splice(Number(index), 1);
      await request?.effect();
    } else {
      const request = this.#stores.get(name)?.requests[Number(index)];
      if (request === undefined) throw new Error(`no request for ${action}`);
      await this.#answer(verb, name, request);
    }
    await turn();
  }

  async #answer(verb: string | undefined, name: string, request: HeldRequest): Promise<void> {
    const answers = this.#answers.get(name) ?? [];
    const number = this.#stores.get(name)?.requests.indexOf(request) ?? 0;
    const what = `${request.operation} ${request.sequence} at ${this.#state.sealedAt}`;
    answers[number] = verb === 'answer' ? `${what}: ${show(await request.effect())}` : `${what}: lost`;
    if (verb === 'answer') return request.answer();
    this.#losses += 1;
    if (verb === 'lose-after') await request.effect();
    else this.#late.push(request);
    await request.lose();
  }

  /** All that the future depends on, as one string. */
  async key(): Promise<string> {
    const { keys } = await this.#memory.list({ prefix: '', purpose: 'probe' });
    const late = this.#late.map(({ sequence, body }) => `${sequence}/${body?.byteLength}`).toSorted();
    const slots = keys.map(({ key, size }) => `${key.slice(-2)}/${size}`);
    const writer = [this.#answers.get('A'), this.#writer?.sink.durableCount, this.#writer?.sink.end?.reason];
    // The recoverers are alike: a state and its mirror image have the same future.
    const recoverers = this.#scope.recoverers
      .map((name) => JSON.stringify([this.#answers.get(name), name === this.#winner]))
      .toSorted();
    return JSON.stringify([writer, recoverers, slots, late, this.#isSwept, this.#losses]);
  }

  /** What must hold in every state. */
  check(): void {
    const { sink } = this.#writer ?? {};
    if (sink === undefined) throw new Error('not started');
    const reported = sink.durableCount;
    const ends = [...this.#sealed.values()];
    for (const end of ends) if (end instanceof Error) throw end;
    const { sealedAt } = this.#state;
    if (sealedAt !== undefined) {
      const winner = this.#sealed.get(this.#winner ?? '');
      expect(isEnd(winner) && winner.segments.map(({ sequence }) => sequence)).toEqual(upToIndex(sealedAt));
      expect(reported, 'reported beyond the end of the history').toBeLessThanOrEqual(sealedAt);
    }
    if (!this.#isSwept) expect(new Set(ends.filter(isEnd).map((end) => end.sealedAt)).size).toBeLessThanOrEqual(1);
    if (sink.end?.reason === 'failed') throw sink.end.error;
    if (sink.end?.reason === 'fenced' && sink.end.outcome === 'none')
      expect(reported, "reported 'none' for what is in the history").toBe(
        Math.min(sealedAt ?? -1, this.#scope.segmentCount),
      );
  }

  /** What must hold when nothing can happen any more. */
  checkRest(): void {
    expect(this.#sealed.size).toBe(this.#scope.recoverers.length);
    const { sink } = this.#writer ?? {};
    expect(sink?.end !== undefined || sink?.durableCount === this.#scope.segmentCount).toBe(true);
  }

  stop(): void {
    this.#writer?.wal.stop();
  }

  #store(name: string): SimHeldStore {
    const store = new SimHeldStore(this.#memory);
    this.#stores.set(name, store);
    this.#answers.set(name, []);
    return store;
  }
}

function upToIndex(end: number): number[] {
  return Array.from({ length: end }, (_, i) => i);
}

function isEnd(sealed: SealedWal | 'recovered' | Error | undefined): sealed is SealedWal {
  return sealed !== undefined && sealed !== 'recovered' && !(sealed instanceof Error);
}

function show(result: unknown): string {
  const answer = result as PutResult | GetResult | ListResult;
  if (typeof answer === 'string') return answer;
  if ('outcome' in answer) return answer.outcome;
  if ('keys' in answer) return answer.keys.map(({ key }) => key.slice(-2)).join();
  return decodeFooter(answer.bytes, { key: '', size: answer.size }).kind;
}

/** Depth first, each state by running its history from the start. Throws the history that breaks a property. */
async function explore(scope: Scope): Promise<{ states: number }> {
  const seen = new Set<string>();
  const stack: string[][] = [[]];
  for (let history = stack.pop(); history !== undefined; history = stack.pop()) {
    const world = new World(scope);
    try {
      await world.start();
      // One action of the history is new: where it leads, the run goes on with the first action that is possible.
      for (const action of history) await world.act(action);
      for (;;) {
        world.check();
        const key = await world.key();
        if (seen.has(key)) break;
        seen.add(key);
        const [first, ...others] = world.actions();
        for (const other of others) stack.push([...history, other]);
        if (first === undefined) {
          world.checkRest();
          break;
        }
        history = [...history, first];
        await world.act(first);
      }
    } catch (cause) {
      throw new Error(`after ${history.join('; ')}`, { cause });
    } finally {
      world.stop();
    }
  }
  return { states: seen.size };
}

const scopes: readonly (readonly [string, Scope, number])[] = [
  ['Two segments in flight, one recoverer, one lost answer', { segmentCount: 2, recoverers: ['B'], lossMax: 1 }, 2_000],
  ['One segment, two recoverers, one lost answer', { segmentCount: 1, recoverers: ['B', 'C'], lossMax: 1 }, 8_000],
  ['Two segments in flight, two recoverers', { segmentCount: 2, recoverers: ['B', 'C'], lossMax: 0 }, 5_000],
];

for (const [title, scope, statesMin] of scopes)
  test(`${title}: no order loses what was reported, or denies what is in the history`, async () => {
    const { states } = await explore(scope);
    expect(states).toBeGreaterThan(statesMin); // Fewer would mean that something is no longer explored.
  });
