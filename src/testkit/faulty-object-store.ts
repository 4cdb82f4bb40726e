// One process's connection to an object store, with everything that can happen to it: slow requests, lost answers, late
// and doubled puts, a store that is unavailable, damaged bytes, small pages, and the death of the process.
//
// Invariants: it keeps the contract of ObjectStore as far as a connection can (damaged bytes excepted): a put that
// rejects with STORE_UNAVAILABLE has written nothing and never will, 'unknown' is the answer whenever it may have.
// Chance is drawn in the moment of the call, in the order of calls, so the same seed and the same calls give the same
// faults. Late puts are on their way already: neither a crash nor `heal` stops them.
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
import { drawInteger, seededRandom } from './seeded-random.ts';
import type { FaultRule, FaultyCall, FaultyOperation, StoreFault, Stroke, UnderWay } from './store-faults.ts';
import { checkUnderWay, commonStoreFaults, FaultRules } from './store-faults.ts';
import { shown, wrongArgument } from './wrong-argument.ts';

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

/** What calls reject with when the process they belong to has died. */
export class SimulatedCrash extends Error {
  override readonly name: 'SimulatedCrash' = 'SimulatedCrash';
}

/** A request that has not been answered. */
interface Flight {
  lands: boolean;
  readonly die: () => void;
}

/** An object store as a process sees it through an unreliable connection. */
export class FaultyObjectStore implements ObjectStore {
  readonly #store: ObjectStore;
  readonly #runtime: Runtime;
  readonly #random: Random;
  readonly #afterCrash: 'rejects' | 'hangs';
  readonly #flights = new Set<Flight>();
  readonly #log: InjectedFault[] = [];
  #rules: FaultRules;
  #calls = 0;
  #latePuts = 0;
  #crashed = false;

  constructor(store: ObjectStore, options: FaultyObjectStoreOptions) {
    const { runtime, seed, faults = commonStoreFaults, afterCrash = 'rejects' } = options;
    if (afterCrash !== 'rejects' && afterCrash !== 'hangs') {
      throw wrongArgument(`after a crash a call 'rejects' or 'hangs'; got ${shown(afterCrash)}`);
    }
    this.#store = store;
    this.#runtime = runtime;
    this.#random = seed === undefined ? runtime.random : seededRandom(seed);
    this.#afterCrash = afterCrash;
    this.#rules = new FaultRules(faults);
  }

  /** Calls so far. */
  get calls(): number {
    return this.#calls;
  }

  /** Everything that has gone wrong so far, in order of the calls. */
  get log(): readonly InjectedFault[] {
    return this.#log;
  }

  /** Puts that have been answered and are still to reach the store. */
  get latePuts(): number {
    return this.#latePuts;
  }

  /** Whether the connection is dead. */
  get crashed(): boolean {
    return this.#crashed;
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
    checkUnderWay(options.underWay, 'crash');
    this.#crashed = true;
    for (const flight of this.#flights) {
      if (options.underWay === 'vanishes') flight.lands = false;
      if (options.underWay === 'either') flight.lands = drawInteger(this.#random, 2) === 1;
      flight.die();
    }
    this.#flights.clear();
  }

  /** From now on nothing goes wrong, also after a crash. */
  heal(): void {
    this.#crashed = false;
    this.#rules = new FaultRules([]);
  }

  /** Puts, unless a fault says otherwise. Once sent, a request is not called back by its signal. */
  async put(key: string, body: Uint8Array, options: PutOptions): Promise<PutResult> {
    if (!isWhole(key, options)) return this.#store.put(key, body, options);
    const { purpose, signal, if: condition } = options;
    const sent: PutOptions = { purpose, if: condition };
    return this.#request({ operation: 'put', purpose, keys: [key] }, signal, (strokes) => {
      const late = strokes.some(({ fault }) => fault.kind === 'late-put' || fault.kind === 'doubled-put');
      // A late request carries the bytes as they are now: the caller may reuse them once it has its answer.
      const bytes = late && body instanceof Uint8Array ? Uint8Array.from(body) : body;
      return this.#put(() => this.#store.put(key, bytes, sent), strokes);
    });
  }

  /** Gets, unless a fault says otherwise. */
  async get(key: string, options: GetOptions): Promise<GetResult> {
    if (!isWhole(key, options)) return this.#store.get(key, options);
    const { purpose, signal } = options;
    return this.#request({ operation: 'get', purpose, keys: [key] }, signal, async (strokes) => {
      let answer = await this.#store.get(key, options);
      for (const stroke of strokes) answer = damaged(answer, stroke);
      return answer;
    });
  }

  /** Lists, unless a fault says otherwise. */
  async list(options: ListOptions): Promise<ListResult> {
    if (!isWhole(options?.prefix, options)) return this.#store.list(options);
    const { prefix, purpose, signal } = options;
    return this.#request({ operation: 'list', purpose, keys: [prefix] }, signal, (strokes) => {
      let { limit } = options;
      for (const { fault } of strokes) {
        if (fault.kind === 'small-page') limit = Math.min(limit ?? fault.keysMax, fault.keysMax);
      }
      return this.#store.list({ ...options, limit });
    });
  }

  /** Deletes, unless a fault says otherwise. */
  async delete(keys: readonly string[], options: StoreRequestOptions): Promise<DeleteResult> {
    const named = Array.isArray(keys) && keys.every((key) => typeof key === 'string');
    if (!named || !isWhole('', options)) return this.#store.delete(keys, options);
    const { purpose, signal } = options;
    const asked = [...keys];
    return this.#request({ operation: 'delete', purpose, keys: asked }, signal, async (strokes) => {
      const answer = await this.#store.delete(asked, { purpose });
      if (strokes.some(({ fault }) => fault.kind === 'unavailable')) throw unavailable('delete', asked[0]);
      return answer;
    });
  }

  /** One call: what strikes it is drawn now; what happens, happens later. */
  #request<T>(
    call: FaultyCall,
    signal: AbortSignal | undefined,
    send: (strokes: readonly Stroke[]) => Promise<T>,
  ): Promise<T> {
    if (signal?.aborted) return Promise.reject(signal.reason as Error);
    if (this.#crashed) return this.#afterCrash === 'hangs' ? new Promise(() => {}) : Promise.reject(crashError());
    this.#calls += 1;
    const strokes = this.#rules.strike(call, this.#random);
    for (const { fault } of strokes) this.#record(call, fault.kind);
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.#flights.delete(flight);
        reject(signal?.reason as Error);
      };
      const flight: Flight = {
        lands: true,
        die: () => {
          signal?.removeEventListener('abort', onAbort);
          if (this.#afterCrash === 'rejects') reject(crashError());
        },
      };
      const answered = (): boolean => {
        signal?.removeEventListener('abort', onAbort);
        return this.#flights.delete(flight); // Otherwise the caller is dead, or has given up.
      };
      this.#flights.add(flight);
      signal?.addEventListener('abort', onAbort, { once: true });
      const carry = async (): Promise<void> => {
        try {
          const value = await this.#carry(call, strokes, flight, send);
          if (answered()) resolve(value);
        } catch (cause) {
          if (answered()) reject(cause as Error);
        }
      };
      void carry();
      const last = strokes.find(({ fault }) => fault.kind === 'crash')?.fault;
      if (last?.kind === 'crash') this.crash({ underWay: last.underWay });
    });
  }

  /** Carries a request to the store. */
  async #carry<T>(
    { operation, keys }: FaultyCall,
    strokes: readonly Stroke[],
    flight: Flight,
    send: (strokes: readonly Stroke[]) => Promise<T>,
  ): Promise<T> {
    let latencyMs = 0;
    for (const { fault, delayMs } of strokes) if (fault.kind === 'latency') latencyMs += delayMs;
    await this.#wait(latencyMs);
    if (!flight.lands) throw crashError();
    const isAway = strokes.some(({ fault }) => fault.kind === 'unavailable' && fault.afterEffect !== true);
    if (isAway) throw unavailable(operation, keys[0]);
    return send(strokes);
  }

  async #put(effect: () => Promise<PutResult>, strokes: readonly Stroke[]): Promise<PutResult> {
    for (const { fault, delayMs } of strokes) {
      if (fault.kind === 'unknown-before') return { outcome: 'unknown' };
      if (fault.kind === 'late-put') {
        this.#putLater(effect, delayMs);
        return { outcome: 'unknown' };
      }
      if (fault.kind !== 'unknown-after' && fault.kind !== 'doubled-put') continue;
      await effect();
      if (fault.kind === 'doubled-put') this.#putLater(effect, delayMs);
      return { outcome: 'unknown' };
    }
    return effect();
  }

  #putLater(effect: () => Promise<PutResult>, delayMs: number): void {
    this.#latePuts += 1;
    const landed = (): void => {
      this.#latePuts -= 1;
    };
    this.#runtime.timers.after(delayMs, () => {
      effect().then(landed, landed);
    });
  }

  #wait(delayMs: number): Promise<void> {
    if (delayMs === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#runtime.timers.after(delayMs, resolve);
    });
  }

  #record({ operation, purpose, keys }: FaultyCall, kind: StoreFault['kind']): void {
    const atMs = this.#runtime.clock.monotonic();
    this.#log.push({ call: this.#calls, operation, purpose, key: keys[0], kind, atMs });
  }
}

/** Whether there is enough of a call to decide about; what is not, the store behind refuses in its own words. */
function isWhole(key: unknown, options: Partial<StoreRequestOptions> | null | undefined): boolean {
  return typeof key === 'string' && typeof options?.purpose === 'string';
}

function damaged(answer: GetResult, { fault, place }: Stroke): GetResult {
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

function unavailable(operation: FaultyOperation, key: string | undefined): Error {
  const message = `the store is unavailable for a ${operation} (simulated); try again`;
  return qanatError('STORE_UNAVAILABLE', message, { operation, key });
}

function crashError(): SimulatedCrash {
  return new SimulatedCrash('the process has crashed (simulated)');
}
