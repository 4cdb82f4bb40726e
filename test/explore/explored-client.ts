// A client of an exploration: real code, asked what it does next. All that it can know of the world are the answers to
// its requests, and it has no clock and no dice of its own, so the answers that it has had, in their order, are its
// state: it is run once for each, however many schedules of all clients lead there. (That it is so is checked: a client
// that is run again with the same answers must make the same requests.)
import assert from 'node:assert/strict';
import type { Runtime } from '../../src/base/runtime.ts';
import type { Journal, JournalRun } from '../../src/journal/journal.ts';
import type { ObjectStore } from '../../src/store/object-store.ts';
import type { Answer, NumberedRequest, Request, Worlds } from './small-world.ts';

/** What a client's program is given. */
export interface Seams {
  readonly store: ObjectStore;
  /** A journal each of whose calls is one atomic step. */
  readonly journal: Journal;
  readonly runtime: Runtime;
  /** Says what the client has learnt or promised: judged at once, with the world as it is. */
  readonly tell: (event: ClientEvent) => void;
}

/** What a client says; `what` and plain data. */
export interface ClientEvent {
  readonly what: string;
  readonly [fact: string]: unknown;
}

export type Program = (seams: Seams) => Promise<void>;

/** A request that waits for its answer. */
export interface Pending {
  readonly number: number;
  readonly numbered: NumberedRequest;
}

/** A client after certain answers. */
export interface ClientState {
  readonly id: number;
  readonly parent: ClientState | undefined;
  /** The answer that led here, and to which request. */
  readonly answered: { readonly number: number; readonly answer: Answer } | undefined;
  readonly pending: readonly Pending[];
  /** What it has said since the state before. */
  readonly events: readonly ClientEvent[];
  readonly isDone: boolean;
  readonly next: Map<number, ClientState>;
}

/** A client that has made more requests than this will never end. */
const requestsMax = 400;

/** Programs that are kept where they are, to be gone on with; of others it is run again. */
const liveMax = 400;

export class ExploredClient {
  readonly name: string;
  /** How often the real code was gone on with, and how many answers it was given in all. */
  runs = 0;
  answersGiven = 0;
  readonly #worlds: Worlds;
  readonly #program: Program;
  readonly #live = new Map<ClientState, LiveProgram>();
  #states = 0;

  constructor(name: string, worlds: Worlds, program: Program) {
    this.name = name;
    this.#worlds = worlds;
    this.#program = program;
  }

  get stateCount(): number {
    return this.#states;
  }

  /** The client before any answer. */
  async begin(): Promise<ClientState> {
    const live = new LiveProgram(this.name, this.#worlds, this.#program);
    await settle();
    return this.#stateOf(live, undefined, undefined);
  }

  /** The client after one more answer; undefined: it is not known yet, and `goOn` finds out. */
  known(state: ClientState, number: number, answer: Answer): ClientState | undefined {
    return state.next.get(edge(number, answer));
  }

  async goOn(state: ClientState, number: number, answer: Answer): Promise<ClientState> {
    const live = this.#live.get(state) ?? (await this.#replay(state));
    this.#live.delete(state);
    this.runs += 1;
    await this.#give(live, number, answer);
    const next = this.#stateOf(live, state, { number, answer });
    state.next.set(edge(number, answer), next);
    return next;
  }

  async #replay(state: ClientState): Promise<LiveProgram> {
    const trail: ClientState[] = [];
    for (let at: ClientState | undefined = state; at !== undefined; at = at.parent) trail.push(at);
    const live = new LiveProgram(this.name, this.#worlds, this.#program);
    await settle();
    for (const { answered, pending } of trail.toReversed()) {
      if (answered !== undefined) await this.#give(live, answered.number, answered.answer);
      const again = live.pending().map(({ numbered }) => numbered.id);
      const first = pending.map(({ numbered }) => numbered.id);
      assert.deepEqual(again, first, `${this.name} does the same after the same answers`);
      live.events = [];
    }
    return live;
  }

  async #give(live: LiveProgram, number: number, answer: Answer): Promise<void> {
    this.answersGiven += 1;
    live.give(number, answer);
    await settle();
  }

  #stateOf(live: LiveProgram, parent: ClientState | undefined, answered: ClientState['answered']): ClientState {
    this.#states += 1;
    const { events, isDone } = live;
    live.events = [];
    const pending = live.pending();
    const state: ClientState = { id: this.#states, parent, answered, pending, events, isDone, next: new Map() };
    if (pending.length > 0) this.#live.set(state, live);
    if (this.#live.size > liveMax) for (const oldest of this.#live.keys()) return (this.#live.delete(oldest), state);
    return state;
  }
}

function edge(number: number, { id }: Answer): number {
  return id * 100_000 + number;
}

/** One run of a program. */
class LiveProgram {
  events: ClientEvent[] = [];
  isDone = false;
  readonly #worlds: Worlds;
  readonly #waiting = new Map<
    number,
    { readonly numbered: NumberedRequest; readonly resolve: (value: unknown) => void }
  >();
  #count = 0;

  constructor(name: string, worlds: Worlds, program: Program) {
    this.#worlds = worlds;
    const tell = (event: ClientEvent): void => void this.events.push(event);
    const seams: Seams = { store: this.#store(), journal: this.#journal(), runtime: clientRuntime(name), tell };
    program(seams).then(
      () => (this.isDone = true),
      (cause: unknown) => {
        this.isDone = true;
        tell({ what: 'broke', message: cause instanceof Error ? (cause.stack ?? cause.message) : String(cause) });
      },
    );
  }

  pending(): Pending[] {
    return [...this.#waiting].map(([number, { numbered }]) => ({ number, numbered }));
  }

  give(number: number, answer: Answer): void {
    const waiting = this.#waiting.get(number);
    assert.ok(waiting !== undefined, 'an answer is to a request that waits');
    this.#waiting.delete(number);
    waiting.resolve(answer.value);
  }

  #ask<T>(request: Request): Promise<T> {
    const numbered = this.#worlds.number(request);
    return new Promise((resolve) => {
      this.#count += 1;
      // It waits for ever: what asks again and again in the background would never be done.
      if (this.#count > requestsMax) this.events.push({ what: 'broke', message: 'it asks for ever' });
      else this.#waiting.set(this.#count, { numbered, resolve: resolve as (value: unknown) => void });
    });
  }

  #store(): ObjectStore {
    return {
      put: async (key, body, options) => this.#ask({ op: 'put', key, body: textOf(body), when: options.if }),
      get: async (key, { range, ifNoneMatch }) => {
        type Found = { readonly bytes: string; readonly etag: string; readonly size: number };
        const found = await this.#ask<Found | 'missing' | 'not-modified'>({ op: 'get', key, range, ifNoneMatch });
        return typeof found === 'string' ? found : { ...found, bytes: bytesOf(found.bytes) };
      },
      list: async ({ prefix, after = '', limit = 1_000 }) => this.#ask({ op: 'list', prefix, after, limit }),
      delete: async (keys) => this.#ask({ op: 'delete', keys }),
    };
  }

  #journal(): Journal {
    return {
      append: async (index, bytes) => this.#ask({ op: 'append', index, body: textOf(bytes) }),
      read: async (from, limit): Promise<JournalRun> => {
        const { records } = await this.#ask<{ readonly records: readonly string[] }>({ op: 'read', from, limit });
        return { records: records.map(bytesOf) };
      },
      snapshots: () => Promise.resolve([]),
      saveSnapshot: () => Promise.resolve(),
      truncate: () => Promise.resolve(0),
      close: () => Promise.resolve(),
    };
  }
}

export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

export function bytesOf(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'latin1'));
}

/** Waits longer than this are deadlines and intervals, and never end. */
const pauseMaxMs = 5_000;

/** No pause takes any time, no deadline comes, and no two clients draw the same ids. */
function clientRuntime(name: string): Runtime {
  let drawn = 0;
  return {
    clock: { now: () => 1_000_000, monotonic: () => 0 },
    random: {
      fraction: () => 0.5,
      bytes: (length) => {
        drawn += 1;
        return new Uint8Array(length).fill(name.charCodeAt(0)).fill(drawn, length - 1);
      },
    },
    timers: {
      after: (delayMs, run, options) => {
        let isCancelled = delayMs >= pauseMaxMs || options?.background === true;
        queueMicrotask(() => {
          if (!isCancelled) run();
        });
        return { cancel: () => (isCancelled = true) };
      },
      turn: () => Promise.resolve(),
    },
  };
}

/** Lets everything that can go on go on: all microtasks run before the event loop turns. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
