// One process's connection to its bucket, for drivers: disturbances become faults of a FaultyObjectStore, and a crash,
// whether asked for or by fault, is known at once to whoever waits for the process.
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
} from '../index.ts';
import { FaultyObjectStore } from './faulty-object-store.ts';
import type { LogDisturbance, LogRequests } from './log-driver.ts';
import { commonStoreFaults, type FaultRule, type StoreFault } from './store-faults.ts';

/** What a connection is made of. */
export interface CrashingConnectionOptions {
  readonly runtime: Runtime;
  /** What goes wrong all the time. */
  readonly faults: readonly FaultRule[];
  /** Factor of all delays of disturbances. */
  readonly timeScale: number;
}

/** The error of a call whose process is dead. */
export function crashed(): Error {
  return Object.assign(new Error('the process has crashed (simulated)'), { code: 'CRASHED', outcome: 'unknown' });
}

export class CrashingConnection implements ObjectStore {
  readonly #faulty: FaultyObjectStore;
  readonly #options: CrashingConnectionOptions;
  readonly #death: Promise<never>;
  readonly #dying = new AbortController();
  #die: () => void = () => {};
  readonly #counts = { puts: 0, gets: 0, total: 0 };

  constructor(store: ObjectStore, options: CrashingConnectionOptions) {
    const { runtime, faults } = options;
    this.#faulty = new FaultyObjectStore(store, { runtime, faults, afterCrash: 'hangs' });
    this.#options = options;
    this.#death = new Promise((_, reject) => {
      this.#die = () => {
        reject(crashed());
        this.#dying.abort();
      };
    });
    this.#death.catch(() => {});
  }

  get hasCrashed(): boolean {
    return this.#faulty.crashed;
  }

  /** Aborted when the process dies: for what it has beside the bucket. */
  get dying(): AbortSignal {
    return this.#dying.signal;
  }

  /** Requests that were answered or failed, until the process died. */
  get requests(): LogRequests {
    return { ...this.#counts };
  }

  /** The process is dropped. */
  crash(): void {
    if (!this.hasCrashed) this.#faulty.crash({ underWay: 'either' });
    this.#die();
  }

  disturb(disturbance: LogDisturbance): void {
    const { faults, timeScale } = this.#options;
    this.#faulty.inject([...faults, ...rulesOf(disturbance).map((rule) => scaled(rule, timeScale))]);
  }

  /** Only what goes wrong all the time goes wrong from now on. */
  calm(): void {
    this.#faulty.inject(this.#options.faults);
  }

  /** Resolves when no put is on its way any more. */
  async settled(): Promise<void> {
    const { timers } = this.#options.runtime;
    while (this.#faulty.latePuts > 0) await new Promise<void>((resolve) => void timers.after(5, resolve));
  }

  /** What the process answers, unless it dies first. */
  untilCrash<T>(answer: Promise<T>): Promise<T> {
    return Promise.race([answer, this.#death]);
  }

  put(key: string, body: Uint8Array, options: PutOptions): Promise<PutResult> {
    return this.#counted('puts', options, () => this.#faulty.put(key, body, options));
  }

  get(key: string, options: GetOptions): Promise<GetResult> {
    return this.#counted('gets', options, () => this.#faulty.get(key, options));
  }

  list(options: ListOptions): Promise<ListResult> {
    return this.#counted('others', options, () => this.#faulty.list(options));
  }

  delete(keys: readonly string[], options: StoreRequestOptions): Promise<DeleteResult> {
    return this.#counted('others', options, () => this.#faulty.delete(keys, options));
  }

  /** A request that is called off before it is made is none. */
  async #counted<T>(
    kind: 'puts' | 'gets' | 'others',
    { signal }: StoreRequestOptions,
    request: () => Promise<T>,
  ): Promise<T> {
    const isNone = signal?.aborted === true;
    const answer = request();
    if (this.#faulty.crashed) this.#die();
    try {
      return await answer;
    } finally {
      if (!isNone) this.#counts.total += 1;
      if (!isNone && kind !== 'others') this.#counts[kind] += 1;
    }
  }
}

function rulesOf(disturbance: LogDisturbance): readonly FaultRule[] {
  switch (disturbance.kind) {
    case 'crash':
      return [{ nth: disturbance.request, fault: { kind: 'crash', underWay: disturbance.underWay } }];
    case 'slow':
      return [{ fault: { kind: 'latency', minMs: 1, maxMs: 400 } }];
    case 'lost-answers':
      return [
        { fault: { kind: 'latency', minMs: 1, maxMs: 40 } },
        { probability: 0.2, fault: { kind: 'unknown-before' } },
        { probability: 0.2, fault: { kind: 'unknown-after' } },
        { probability: 0.2, fault: { kind: 'late-put', minMs: 1, maxMs: 2_000 } },
        { probability: 0.1, fault: { kind: 'doubled-put', minMs: 1, maxMs: 2_000 } },
      ];
    case 'common':
      return commonStoreFaults;
    default:
      return [{ fault: { kind: 'unavailable' } }];
  }
}

function scaled(rule: FaultRule, timeScale: number): FaultRule {
  const { fault } = rule;
  if (!('minMs' in fault)) return rule;
  const minMs = Math.round(fault.minMs * timeScale);
  const slower: StoreFault = { ...fault, minMs, maxMs: Math.max(minMs, Math.round(fault.maxMs * timeScale)) };
  return { ...rule, fault: slower };
}
