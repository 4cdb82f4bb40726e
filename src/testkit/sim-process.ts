// A process of a simulated world: it has time, chance, a connection to the bucket and the files of its machine, and can
// be stopped, woken, cut off and killed. Whatever runs in it does so through these alone, as an engine does through its
// seams, so a process that is stopped does nothing more as soon as what is ready has come to rest, and a dead one never
// does anything again.
import type {
  DeleteResult,
  GetOptions,
  GetResult,
  ListOptions,
  ListResult,
  ObjectStore,
  PutOptions,
  PutResult,
  Runtime,
  StoreRequestOptions,
  WalFiles,
} from '../index.ts';
import { crashed } from './crashing-connection.ts';
import { FaultyObjectStore } from './faulty-object-store.ts';
import { seededRandom } from './seeded-random.ts';
import { SimFiles } from './sim-files.ts';
import { SimGate } from './sim-gate.ts';
import type { FaultRule, UnderWay } from './store-faults.ts';

/** What a process stands on. */
export interface SimProcessOptions {
  /** Unique in its world. */
  readonly name: string;
  readonly runtime: Runtime;
  /** Where its own chance comes from. */
  readonly seed: number;
  readonly bucket: ObjectStore;
  readonly disk: WalFiles;
  /** What goes wrong between it and the bucket all the time. */
  readonly faults: readonly FaultRule[];
}

/** A process. It is made by a machine of a world. */
export class SimProcess {
  readonly name: string;
  /** Time and chance, as this process has them. */
  readonly runtime: Runtime;
  /** The bucket, as this process reaches it. */
  readonly store: ObjectStore;
  /** The files of its machine. */
  readonly files: WalFiles;
  readonly #gate = new SimGate();
  readonly #network = new SimGate();
  readonly #faulty: FaultyObjectStore;
  readonly #faults: readonly FaultRule[];
  readonly #death: Promise<never>;
  #die: () => void = () => {};
  #clockOffsetMs = 0;

  constructor({ name, runtime, seed, bucket, disk, faults }: SimProcessOptions) {
    this.name = name;
    this.#faults = faults;
    this.runtime = this.#runtimeOf(runtime, seed);
    this.files = new SimFiles(disk, this.#gate, this.runtime);
    this.#faulty = new FaultyObjectStore(bucket, { runtime, seed, faults, afterCrash: 'hangs' });
    this.store = this.#storeOf(this.#faulty);
    this.#death = new Promise((_, reject) => (this.#die = () => reject(crashed())));
    this.#death.catch(() => {});
  }

  /** Whether it runs, is stopped, or is dead. */
  get state(): 'running' | 'stopped' | 'dead' {
    return ({ open: 'running', shut: 'stopped', dead: 'dead' } as const)[this.#gate.state];
  }

  /** What has gone wrong between it and the bucket. */
  get faultLog(): FaultyObjectStore['log'] {
    return this.#faulty.log;
  }

  /** Requests that it has made so far. */
  get requestCount(): number {
    return this.#faulty.calls;
  }

  /** Puts of this process that are still to land, whatever has become of it. */
  get latePuts(): number {
    return this.#faulty.latePuts;
  }

  /** It stands still, like a process that has been sent SIGSTOP: what it has asked for happens; it does not know. */
  stop(): void {
    this.#gate.shut();
  }

  /** It goes on: timers that are overdue fire, answers that are overdue arrive. */
  wake(): void {
    this.#gate.open();
  }

  /**
   * It is gone. What the bucket has not been given yet lands, vanishes, or either, as chance has it; what a cut holds
   * back vanishes.
   */
  kill(underWay: UnderWay = 'either'): void {
    if (this.#gate.state === 'dead') return;
    this.#gate.die();
    this.#network.die();
    this.#faulty.crash({ underWay });
    this.#die();
  }

  /**
   * Cuts it off from the bucket: requests are refused, half of the puts after they have had their effect; or they hang,
   * and those that were sent meanwhile arrive when it is over.
   */
  cutOff(how: 'refuses' | 'hangs'): void {
    if (how === 'hangs') this.#network.shut();
    else this.#faulty.inject(cutOffRules);
  }

  /** Other things go wrong from now on, until `reconnect`. */
  disturb(faults: readonly FaultRule[]): void {
    this.#faulty.inject(faults);
  }

  /** What goes wrong all the time is all that goes wrong. */
  reconnect(faults: readonly FaultRule[] = this.#faults): void {
    this.#faulty.inject(faults);
    this.#network.open();
  }

  /** Moves its wall clock. */
  jumpClock(byMs: number): void {
    this.#clockOffsetMs += byMs;
  }

  /** Calls something in this process: begins when it runs, ends when it knows the answer, or rejects with its death. */
  async call<T>(act: () => Promise<T>): Promise<T> {
    const work = async (): Promise<T> => {
      await this.#gate.passed();
      return this.#gate.answer(act());
    };
    return Promise.race([work(), this.#death]);
  }

  #runtimeOf({ clock, timers }: Runtime, seed: number): Runtime {
    const gate = this.#gate;
    return {
      clock: { now: () => clock.now() + this.#clockOffsetMs, monotonic: () => clock.monotonic() },
      random: seededRandom(seed),
      timers: {
        after: (delayMs, run, options) => {
          let isDue = true;
          const timer = timers.after(delayMs, () => gate.whenOpen(() => isDue && run()), options);
          return {
            cancel: () => {
              isDue = false;
              timer.cancel();
            },
          };
        },
        turn: () => gate.answer(timers.turn()),
      },
    };
  }

  #storeOf(faulty: FaultyObjectStore): ObjectStore {
    const ask = <T>({ signal }: StoreRequestOptions, request: () => Promise<T>): Promise<T> => {
      const onTheWay = async (): Promise<T> => {
        await this.#network.passed();
        return this.#network.answer(request());
      };
      return this.#gate.answer(unlessAborted(onTheWay(), signal));
    };
    return {
      put: (key: string, body: Uint8Array, options: PutOptions): Promise<PutResult> => {
        // What waits to be sent carries the bytes as they are now.
        const bytes = this.#network.state === 'open' ? body : Uint8Array.from(body);
        return ask(options, () => faulty.put(key, bytes, options));
      },
      get: (key: string, options: GetOptions): Promise<GetResult> => ask(options, () => faulty.get(key, options)),
      list: (options: ListOptions): Promise<ListResult> => ask(options, () => faulty.list(options)),
      delete: (keys: readonly string[], options: StoreRequestOptions): Promise<DeleteResult> =>
        ask(options, () => faulty.delete(keys, options)),
    };
  }
}

/** Nothing gets through; of puts nobody knows. */
const cutOffRules: readonly FaultRule[] = [
  { fault: { kind: 'latency', minMs: 5, maxMs: 500 } },
  { operation: 'put', probability: 0.3, fault: { kind: 'unknown-after' } },
  { operation: 'put', fault: { kind: 'unknown-before' } },
  { operation: 'get', fault: { kind: 'unavailable' } },
  { operation: 'list', fault: { kind: 'unavailable' } },
  { operation: 'delete', fault: { kind: 'unavailable' } },
];

/** A caller that gives up is told at once, also while nothing gets through. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
