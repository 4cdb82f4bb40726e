// One process's connection to an object store, with everything that can happen to it: slow requests, lost answers, late
// and doubled puts, a store that is unavailable, throttles or damages bytes, small pages, a process that is stopped,
// cut off, or dies.
//
// Invariants: it keeps the contract of ObjectStore unless a fault is injected whose comment says that it does not: a
// put that rejects with STORE_UNAVAILABLE has written nothing and never will, 'unknown' is the answer whenever it may
// have. Chance is drawn in the moment of the call, in the order of calls, so the same seed and the same calls give the
// same faults. Late puts are on their way already: nothing that happens to the connection stops them, nor does `heal`.
// A call of it counts as one request: what the store behind makes of it is not told to the caller's tally.
import type {
  DeleteResult,
  GetOptions,
  GetResult,
  ListOptions,
  ListResult,
  ObjectStore,
  PutOptions,
  PutResult,
  Random,
  Runtime,
  StoreRequestOptions,
} from '../index.ts';
import { qanatError } from '../index.ts';
import { checkName, checkUnderWay } from './check-fault-rules.ts';
import type { FaultyCall, Stroke } from './fault-rules.ts';
import { FaultRules } from './fault-rules.ts';
import type { Flight, ConnectionCut } from './faulty-connection.ts';
import { FaultyConnection, unavailable } from './faulty-connection.ts';
import { FaultyPuts, landsLater, wait } from './faulty-puts.ts';
import { seededRandom } from './seeded-random.ts';
import type { FaultRule, FaultyOperation, StoreFault, UnderWay } from './store-faults.ts';
import { commonStoreFaults } from './store-faults.ts';
import { StoreTraffic } from './store-traffic.ts';
import { checkFields, shown, wrongArgument } from './wrong-argument.ts';

/** How a FaultyObjectStore is made. */
export interface FaultyObjectStoreOptions {
  /** Time, and chance unless there is a seed. */
  readonly runtime: Runtime;
  /** Where its chance comes from: a source of its own. Without it, chance is the runtime's. */
  readonly seed?: number | undefined;
  /** What goes wrong; `commonStoreFaults` unless given. */
  readonly faults?: readonly FaultRule[] | undefined;
  /** What a call gets once the connection has crashed: SimulatedCrash, or no answer for ever. */
  readonly afterCrash?: 'rejects' | 'hangs' | undefined;
}

/** One fault that has struck. */
export interface InjectedFault {
  /** Number of the call, from 1. */
  readonly call: number;
  readonly operation: FaultyOperation;
  readonly purpose: string;
  readonly key: string | undefined;
  readonly kind: StoreFault['kind'];
  readonly atMs: number;
}

/** How often each kind of fault has struck. */
export type FaultCounts = Readonly<Partial<Record<StoreFault['kind'], number>>>;

/** A request, and what carries it out. */
interface FaultyRequest<T> {
  readonly call: FaultyCall;
  readonly signal: AbortSignal | undefined;
  /** Has its effect on the store behind, as the strokes will have it. */
  readonly act: (strokes: readonly Stroke[]) => Promise<T>;
  readonly lost: () => T;
  readonly keep?: () => void;
}

const optionFields = ['runtime', 'seed', 'faults', 'afterCrash'];

/** An object store as a process sees it through an unreliable connection. */
export class FaultyObjectStore implements ObjectStore {
  readonly #store: ObjectStore;
  readonly #runtime: Runtime;
  readonly #random: Random;
  readonly #connection: FaultyConnection;
  readonly #traffic: StoreTraffic;
  readonly #puts: FaultyPuts;
  readonly #log: InjectedFault[] = [];
  readonly #counts: Partial<Record<StoreFault['kind'], number>> = {};
  #rules: FaultRules;
  #calls = 0;

  constructor(store: ObjectStore, options: FaultyObjectStoreOptions) {
    if (typeof store?.put !== 'function') {
      throw wrongArgument(`a FaultyObjectStore stands before an object store; got ${shown(store)}`);
    }
    checkFields(options, optionFields, 'what a FaultyObjectStore is made of');
    const { runtime, seed, faults = commonStoreFaults, afterCrash = 'rejects' } = options;
    if (typeof runtime?.timers?.after !== 'function') {
      throw wrongArgument(
        'a FaultyObjectStore needs a runtime: systemRuntime, or a SeededRuntime in a simulated world',
      );
    }
    if (afterCrash !== 'rejects' && afterCrash !== 'hangs') {
      throw wrongArgument(`after a crash a call 'rejects' or 'hangs'; got ${shown(afterCrash)}`);
    }
    this.#store = store;
    this.#runtime = runtime;
    this.#random = seed === undefined ? runtime.random : seededRandom(seed);
    this.#connection = new FaultyConnection(this.#random, afterCrash);
    this.#traffic = StoreTraffic.of(store);
    this.#puts = new FaultyPuts(runtime, this.#traffic);
    this.#rules = new FaultRules(faults);
  }

  /** Calls so far. */
  get calls(): number {
    return this.#calls;
  }

  /** Every fault of a rule that has struck so far, in this order. */
  get log(): readonly InjectedFault[] {
    return this.#log;
  }

  /** How often each kind of fault has struck so far; kinds that have not are left out. */
  get counts(): FaultCounts {
    return { ...this.#counts };
  }

  /** Puts that have been answered and are still to reach the store. */
  get latePuts(): number {
    return this.#puts.latePuts;
  }

  /** Whether the connection is dead. */
  get crashed(): boolean {
    return this.#connection.crashed;
  }

  /** Whether the process is stopped. */
  get paused(): boolean {
    return this.#connection.isPaused;
  }

  /** How the connection is cut, if it is. */
  get cut(): 'refuses' | 'hangs' | undefined {
    return this.#connection.cut;
  }

  /** Replaces the rules; their counts begin anew. */
  inject(faults: readonly FaultRule[]): void {
    this.#rules = new FaultRules(faults);
  }

  /**
   * The process dies: no call is answered any more. Requests under way that have not reached the store yet still do
   * ('lands', the rule if nothing is said), never do ('vanishes'), or each as chance has it ('either').
   */
  crash(options: { readonly underWay?: UnderWay | undefined } = {}): void {
    checkFields(options, ['underWay'], 'a crash');
    checkUnderWay(options.underWay, 'crash');
    this.#connection.crash(options.underWay);
  }

  /**
   * The process is stopped, like by SIGSTOP, for as long as you like: requests that were sent reach the store, no
   * answer arrives, and requests that are made meanwhile are sent when it goes on. A signal that fires still rejects
   * its call, because it is the caller's own; a request that had not been sent is then never sent.
   */
  pause(): void {
    this.#connection.pause();
  }

  /** The process goes on: answers arrive in the order in which they were given. */
  resume(): void {
    this.#connection.resume();
  }

  /**
   * The connection is cut. 'refuses': what was under way is answered at once, a put with 'unknown', anything else with
   * STORE_UNAVAILABLE, and every new request is refused with STORE_UNAVAILABLE and never reaches the store. 'hangs':
   * nothing is answered, and new requests are not sent, before `reconnect`. What was under way and had not reached the
   * store yet still does, unless `underWay` says otherwise, as in a crash.
   */
  cutOff(options: ConnectionCut): void {
    checkFields(options, ['how', 'underWay'], 'a cut');
    const { how, underWay } = options;
    checkName(how ?? null, ['refuses', 'hangs'], 'how a connection is cut');
    checkUnderWay(underWay, 'cutOff');
    this.#connection.cutOff({ how, underWay });
  }

  /** The connection is whole again; the rules stay. */
  reconnect(): void {
    this.#connection.reconnect();
  }

  /** From now on nothing goes wrong, also after a crash, a pause or a cut. */
  heal(): void {
    this.#rules = new FaultRules([]);
    this.#connection.heal();
  }

  /** Puts, unless a fault says otherwise. Once sent, a request is not called back by its signal. */
  async put(key: string, body: Uint8Array, options: PutOptions): Promise<PutResult> {
    if (!isWhole(key, options)) return this.#store.put(key, body, options);
    const { purpose, signal, if: condition } = options;
    let bytes = body;
    // Once the caller has an answer it may reuse its bytes; what is still to land carries them as they are now.
    const keep = (): void => {
      if (bytes === body && body instanceof Uint8Array) bytes = Uint8Array.from(body);
    };
    const effect = async (): Promise<PutResult> => {
      this.#traffic.putArrives(key, this.#runtime.clock.monotonic());
      const answer = await this.#store.put(key, bytes, { purpose, if: condition });
      if (answer.outcome === 'stored') this.#traffic.landed('stored', key);
      return answer;
    };
    return this.#request({
      call: { operation: 'put', purpose, keys: [key], isConditional: condition !== undefined },
      signal,
      act: (strokes) => {
        if (landsLater(strokes)) keep();
        return this.#puts.put(key, condition, effect, strokes);
      },
      lost: () => ({ outcome: 'unknown' }),
      keep,
    });
  }

  /** Gets, unless a fault says otherwise. */
  async get(key: string, options: GetOptions): Promise<GetResult> {
    if (!isWhole(key, options)) return this.#store.get(key, options);
    const { purpose, signal } = options;
    return this.#request({
      call: { operation: 'get', purpose, keys: [key], isConditional: false },
      signal,
      act: async (strokes) => {
        let answer = await this.#store.get(key, { ...options, tally: undefined });
        for (const stroke of strokes) answer = damaged(answer, stroke);
        return answer;
      },
      lost: () => noAnswer('get', key),
    });
  }

  /** Lists, unless a fault says otherwise. */
  async list(options: ListOptions): Promise<ListResult> {
    if (!isWhole(options?.prefix, options)) return this.#store.list(options);
    const { prefix, purpose, signal } = options;
    return this.#request({
      call: { operation: 'list', purpose, keys: [prefix], isConditional: false },
      signal,
      act: (strokes) => {
        let { limit } = options;
        for (const { fault } of strokes) {
          if (fault.kind === 'small-page') limit = Math.min(limit ?? fault.keysMax, fault.keysMax);
        }
        return this.#store.list({ ...options, limit, tally: undefined });
      },
      lost: () => noAnswer('list', prefix),
    });
  }

  /** Deletes, unless a fault says otherwise. */
  async delete(keys: readonly string[], options: StoreRequestOptions): Promise<DeleteResult> {
    const named = Array.isArray(keys) && keys.every((key) => typeof key === 'string');
    if (!named || !isWhole('', options)) return this.#store.delete(keys, options);
    const { purpose, signal } = options;
    const asked = [...keys];
    return this.#request({
      call: { operation: 'delete', purpose, keys: asked, isConditional: false },
      signal,
      act: async (strokes) => {
        const answer = await this.#store.delete(asked, { purpose });
        const failed = new Set(answer.failed.map(({ key }) => key));
        for (const key of asked) if (!failed.has(key)) this.#traffic.landed('deleted', key);
        if (strokes.some(({ fault }) => fault.kind === 'unavailable')) throw unavailable('delete', asked[0]);
        return answer;
      },
      lost: () => noAnswer('delete', asked[0]),
    });
  }

  /** One call: what strikes it is drawn now; what happens, happens later. */
  #request<T>(request: FaultyRequest<T>): Promise<T> {
    const { call, signal, lost, keep } = request;
    const refusal = this.#connection.refusal(signal);
    if (refusal !== undefined) return refusal;
    this.#calls += 1;
    const number = this.#calls;
    const strokes = this.#rules.strike(call, this.#runtime.clock.monotonic(), this.#random);
    for (const { fault } of strokes) if (fault.kind !== 'key-rate') this.#record(number, call, fault.kind);
    const answer = this.#connection.request({
      ...{ operation: call.operation, key: call.keys[0], signal, lost },
      ...(keep && { keep }),
      send: (flight) => this.#send(number, strokes, request, flight),
    });
    const last = strokes.find(({ fault }) => fault.kind === 'crash')?.fault;
    if (last?.kind === 'crash') this.crash({ underWay: last.underWay });
    return answer;
  }

  /** Carries a request to the store, and its answer back. */
  async #send<T>(
    number: number,
    strokes: readonly Stroke[],
    { call, act, lost }: FaultyRequest<T>,
    flight: Flight,
  ): Promise<T> {
    const { operation, keys } = call;
    const key = keys[0];
    await wait(this.#runtime, delayOf(strokes, 'latency') ?? 0);
    const isAway = strokes.some(({ fault }) => fault.kind === 'unavailable' && fault.afterEffect !== true);
    if (isAway) throw unavailable(operation, key);
    const silentBeforeMs = delayOf(strokes, 'time-out-before');
    if (silentBeforeMs !== undefined) {
      await wait(this.#runtime, silentBeforeMs);
      return lost();
    }
    for (const { fault } of strokes) {
      if (fault.kind === 'overtaken-put') await this.#puts.landing('stored', key!, fault.maxMs);
    }
    if (!flight.lands) return lost();
    for (const { fault } of strokes) {
      if (fault.kind !== 'key-rate' || !this.#isTooSoon(key!, fault.perKeyMs)) continue;
      this.#record(number, call, fault.kind);
      throw unavailable(operation, key);
    }
    const answer = await act(strokes);
    const silentAfterMs = delayOf(strokes, 'time-out-after');
    if (silentAfterMs === undefined) return answer;
    await wait(this.#runtime, silentAfterMs);
    return lost();
  }

  #isTooSoon(key: string, perKeyMs: number): boolean {
    return this.#runtime.clock.monotonic() - this.#traffic.lastPutAtMs(key) < perKeyMs;
  }

  #record(number: number, { operation, purpose, keys }: FaultyCall, kind: StoreFault['kind']): void {
    const atMs = this.#runtime.clock.monotonic();
    this.#log.push({ call: number, operation, purpose, key: keys[0], kind, atMs });
    this.#counts[kind] = (this.#counts[kind] ?? 0) + 1;
  }
}

/** How long all strokes of a kind take together; undefined if there are none. */
function delayOf(strokes: readonly Stroke[], kind: StoreFault['kind']): number | undefined {
  const fitting = strokes.filter(({ fault }) => fault.kind === kind);
  return fitting.length === 0 ? undefined : fitting.reduce((sum, { delayMs }) => sum + delayMs, 0);
}

/** Whether there is enough of a call to decide about; what is not, the store behind refuses in its own words. */
function isWhole(key: unknown, options: Partial<StoreRequestOptions> | null | undefined): boolean {
  return typeof key === 'string' && typeof options?.purpose === 'string';
}

function damaged(answer: GetResult, { fault, place }: Stroke): GetResult {
  if (fault.kind === 'missing-get') return 'missing';
  if (typeof answer === 'string' || answer.bytes.byteLength === 0) return answer;
  const { bytes } = answer;
  if (fault.kind === 'truncated-get') {
    return { ...answer, bytes: bytes.slice(0, Math.floor(place * bytes.byteLength)) };
  }
  if (fault.kind !== 'flipped-bit') return answer;
  const bit = Math.floor(place * bytes.byteLength * 8);
  const flipped = Uint8Array.from(bytes);
  flipped[bit >> 3]! ^= 1 << (bit & 7);
  return { ...answer, bytes: flipped };
}

/** Fails a request that was sent and never answered. */
function noAnswer(operation: FaultyOperation, key: string | undefined): never {
  const message = `the store gave no answer to a ${operation} (simulated); try again`;
  throw qanatError('STORE_UNAVAILABLE', message, { operation, key });
}
