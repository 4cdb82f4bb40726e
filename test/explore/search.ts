// Walks through every state that a few clients and what they share can come to, in every order of their requests, with
// a number of faults: an answer lost after or before its request took effect, a request that lands a second time. What
// has been lost or doubled may land at any later step, or never.
//
// Why nothing is left out:
// - A client is a function of the answers that it has had (explored-client.ts). So a state of the whole is: the world,
//   each client's state, what may still land, how many faults are left, and what the judge keeps in mind. Two orders
//   that lead to the same state have the same future, and it is walked once. There is no other reduction.
// - A request takes effect and is answered in one step. An answer that is on its way longer than its effect is the same
//   as a client that is slow to use it: its next request simply waits. A client with several requests under way is
//   answered in every order. Where that is not enough (a request overtaken by a later one), it is a fault: lost, late.
// - Between two answers all microtasks of a client run: what they do without a request nobody else can see.
// - What must be true is judged in every state, so a schedule that ends early is judged as part of a longer one.
//
// With a bound on switches, schedules that leave a client that could go on more often than that are left out.
import assert from 'node:assert/strict';
import type { ClientState, ExploredClient, Pending } from './explored-client.ts';
import type { NumberedRequest, Request, World, Worlds } from './small-world.ts';
import { StateTable } from './state-table.ts';

/** What a client and the world have come to; given to the judge. */
export interface Whole {
  readonly world: World;
  readonly clients: readonly ClientState[];
  /** What the judge keeps in mind, as text. */
  readonly notes: string;
}

/** What is to be explored. */
export interface Exploration {
  readonly worlds: Worlds;
  readonly clients: readonly ExploredClient[];
  /**
   * What the judge begins with. Each client runs alone, in turn, until it has told 'ready'; then the exploration begins.
   */
  readonly notes: string;
  /** Faults that a schedule may have. */
  readonly faults: number;
  /** Requests that may lose their answer. */
  readonly canBeLost: (request: Request) => boolean;
  /** Requests that may land a second time. */
  readonly canBeDoubled: (request: Request) => boolean;
  /** How often a schedule may leave a client that could go on. */
  readonly switches: number;
  /** Requests that nobody has to make: a sweeper's, say. */
  readonly others?: ((world: World) => readonly Request[]) | undefined;
  /** Judges what the client `index` has told in its last step. What to keep in mind. Throws what is wrong. */
  readonly judge: (whole: Whole, index: number) => string;
  /** Judges a state in which all clients are done. Throws what is wrong. */
  readonly judgeEnd: (whole: Whole) => Promise<void>;
  /** False: every schedule is walked by itself, and clients are run anew for each, to see that merging changes nothing. */
  readonly merges?: boolean | undefined;
  /** Seconds after which it gives up. */
  readonly secondsMax?: number | undefined;
}

export interface Explored {
  /** Orders of all steps that lead from the beginning to an end. */
  readonly schedules: number;
  readonly steps: number;
  readonly states: number;
  readonly ends: number;
  /** What all has come to in the end: worlds, and what was told. Kept where `merges` is given. */
  readonly endings: ReadonlySet<string>;
  readonly seconds: number;
  readonly exhausted: boolean;
  /** States of all clients: how often real code was run on. */
  readonly clientStates: number;
  /** What is wrong, and the steps that led there. */
  readonly violation: string | undefined;
}

interface State extends Whole {
  readonly late: readonly NumberedRequest[];
  readonly faults: number;
  /** The client that made the last step; -1 at first. */
  readonly last: number;
  readonly switches: number;
}

/** A step that is possible. */
interface Move {
  readonly client: number;
  readonly kind: 'through' | 'lost-after' | 'lost-before' | 'doubled' | 'late' | 'other';
  readonly pending: Pending;
}

interface Frame {
  readonly state: State;
  readonly place: number;
  readonly moves: readonly Move[];
  next: number;
  schedules: number;
}

export async function explore(exploration: Exploration): Promise<Explored> {
  return new Search(exploration).run();
}

class Search {
  readonly #exploration: Exploration;
  readonly #seen = new StateTable();
  readonly #notes = new Map<string, number>();
  readonly #lates = new Map<string, number>();
  readonly #startedAt = process.cpuUsage();
  readonly #endings = new Set<string>();
  #steps = 0;
  #ends = 0;

  constructor(exploration: Exploration) {
    this.#exploration = exploration;
  }

  async run(): Promise<Explored> {
    const frames: Frame[] = [];
    let schedules = 0;
    try {
      const first = await this.#begin();
      frames.push(await this.#enter(first, this.#placeOf(first)));
      for (let top = frames.at(-1); top !== undefined; top = frames.at(-1)) {
        const move = top.moves[top.next];
        if (move === undefined) {
          this.#seen.values[top.place] = top.schedules;
          frames.pop();
          const below = frames.at(-1);
          if (below === undefined) schedules = top.schedules;
          else below.schedules += top.schedules;
          continue;
        }
        if (this.#isOver()) return this.#report(schedules, false, undefined);
        top.next += 1;
        this.#steps += 1;
        const taken = this.#take(top.state, move);
        const next = taken instanceof Promise ? await taken : taken;
        const count = this.#seen.count;
        const place = this.#placeOf(next);
        if (place === count) frames.push(await this.#enter(next, place));
        else {
          const known = this.#seen.values[place] as number;
          assert.ok(!Number.isNaN(known), 'no schedule comes back to where it was');
          top.schedules += known;
        }
      }
      return this.#report(schedules, true, undefined);
    } catch (cause) {
      const labels = frames.map(({ moves, next }) => this.#label(moves[next - 1]));
      const message = cause instanceof Error ? cause.message : String(cause);
      return this.#report(schedules, false, `${message}\n(${labels.length} steps)\n${labels.join('\n')}`);
    }
  }

  #report(schedules: number, exhausted: boolean, violation: string | undefined): Explored {
    const { clients } = this.#exploration;
    const clientStates = clients.reduce((sum, { stateCount }) => sum + stateCount, 0);
    const [steps, states, ends] = [this.#steps, this.#seen.count, this.#ends];
    return {
      schedules,
      steps,
      states,
      ends,
      endings: this.#endings,
      seconds: this.#seconds(),
      exhausted,
      clientStates,
      violation,
    };
  }

  #seconds(): number {
    const { user, system } = process.cpuUsage(this.#startedAt);
    return (user + system) / 1_000_000;
  }

  #isOver(): boolean {
    const { secondsMax = Infinity } = this.#exploration;
    return this.#steps % 10_000 === 0 && this.#seconds() >= secondsMax;
  }

  /** Lets each client in turn make its first steps alone. */
  async #begin(): Promise<State> {
    const { worlds, clients, notes, faults } = this.#exploration;
    let world = worlds.empty();
    const states: ClientState[] = [];
    for (const client of clients) {
      let state = await client.begin();
      while (!state.events.some(({ what }) => what === 'ready')) {
        const broke = state.events.find(({ what }) => what === 'broke');
        assert.equal(broke, undefined, `${client.name} broke at the beginning: ${String(broke?.['message'])}`);
        const [pending] = state.pending;
        assert.ok(pending !== undefined, `${client.name} waits for nothing at the beginning`);
        const effect = worlds.perform(world, pending.numbered);
        world = effect.world;
        state = await client.goOn(state, pending.number, effect.answer);
      }
      states.push(state);
    }
    let state: State = { world, clients: states, notes, late: [], faults, last: -1, switches: 0 };
    for (const index of clients.keys()) state = { ...state, notes: this.#exploration.judge(state, index) };
    return state;
  }

  async #enter(state: State, place: number): Promise<Frame> {
    const isEnd = state.clients.every(({ isDone }) => isDone);
    const moves = this.#movesOf(state);
    assert.ok(isEnd || moves.some(({ client }) => client >= 0), 'a client waits for nothing');
    if (isEnd) await this.#exploration.judgeEnd(state);
    if (isEnd) this.#ends += 1;
    if (isEnd && this.#exploration.merges !== undefined) this.#endings.add(`${state.world.text} ${state.notes}`);
    return { state, place, moves, next: 0, schedules: moves.length === 0 ? 1 : 0 };
  }

  #movesOf({ world, clients, late, faults, last, switches }: State): Move[] {
    const { switches: switchesMax, others, canBeLost, canBeDoubled } = this.#exploration;
    const moves: Move[] = [];
    const mustGoOn = switches >= switchesMax && last >= 0 && (clients[last] as ClientState).pending.length > 0;
    for (const [client, { pending: all }] of clients.entries()) {
      if (mustGoOn && client !== last) continue;
      for (const pending of all) {
        moves.push({ client, kind: 'through', pending });
        if (faults === 0) continue;
        const { request } = pending.numbered;
        if (canBeLost(request))
          moves.push({ client, kind: 'lost-after', pending }, { client, kind: 'lost-before', pending });
        if (canBeDoubled(request)) moves.push({ client, kind: 'doubled', pending });
      }
    }
    for (const [number, numbered] of late.entries()) {
      if (late[number - 1] === numbered) continue; // The same twice: which of them lands is no difference.
      moves.push({ client: -1, kind: 'late', pending: { number, numbered } });
    }
    for (const request of others?.(world) ?? []) {
      const pending = { number: -1, numbered: this.#exploration.worlds.number(request) };
      moves.push({ client: -1, kind: 'other', pending });
    }
    return moves;
  }

  #take(state: State, { client, kind, pending }: Move): State | Promise<State> {
    const { worlds, clients } = this.#exploration;
    const { numbered, number } = pending;
    if (kind === 'late' || kind === 'other') {
      const { world } = worlds.perform(state.world, numbered);
      const late = kind === 'late' ? state.late.toSpliced(number, 1) : state.late;
      return { ...state, world, late };
    }
    const takesEffect = kind !== 'lost-before';
    const effect = takesEffect ? worlds.perform(state.world, numbered) : undefined;
    const isTold = kind === 'through' || kind === 'doubled';
    const answer = isTold && effect !== undefined ? effect.answer : worlds.answer({ outcome: 'unknown' });
    const isLate = kind === 'lost-before' || kind === 'doubled';
    const late = isLate ? [...state.late, numbered].toSorted((a, b) => a.id - b.id) : state.late;
    const world = effect?.world ?? state.world;
    const faults = kind === 'through' ? state.faults : state.faults - 1;
    const isSwitch = state.last >= 0 && state.last !== client && (state.clients[state.last]?.pending.length ?? 0) > 0;
    const switches = isSwitch ? state.switches + 1 : state.switches;
    const before = state.clients[client] as ClientState;
    const whose = clients[client] as ExploredClient;
    const withNext = (next: ClientState): State => {
      const base: State = { ...state, world, late, faults, last: client, switches };
      const whole: State = { ...base, clients: state.clients.with(client, next) };
      return next.events.length === 0 ? whole : { ...whole, notes: this.#exploration.judge(whole, client) };
    };
    const { merges = true } = this.#exploration;
    const known = merges ? whose.known(before, number, answer) : undefined;
    return known === undefined ? whose.goOn(before, number, answer).then(withNext) : withNext(known);
  }

  #placeOf({ world, clients, notes, late, faults, last, switches }: State): number {
    const parts = [world.id, ...clients.map(({ id }) => id), numberOf(this.#notes, notes), faults];
    parts.push(late.length === 0 ? 0 : numberOf(this.#lates, late.map(({ id }) => id).join()) + 1);
    if (this.#exploration.switches !== Infinity) parts.push(last, switches);
    if (this.#exploration.merges === false) parts.push(this.#steps);
    return this.#seen.place(parts);
  }

  #label(move: Move | undefined): string {
    if (move === undefined) return '(the end)';
    const { client, kind, pending } = move;
    const { label } = pending.numbered;
    if (client < 0) return kind === 'late' ? `${label} lands late` : `somebody: ${label}`;
    const how = {
      through: '',
      'lost-after': ', answer lost after it took effect',
      'lost-before': ', answer lost before it took effect',
      doubled: ', and once more later',
    }[kind as 'through'];
    return `${this.#exploration.clients[client]?.name}: ${label}${how}`;
  }
}

function numberOf(numbers: Map<string, number>, text: string): number {
  let known = numbers.get(text);
  if (known === undefined) {
    known = numbers.size;
    numbers.set(text, known);
  }
  return known;
}
