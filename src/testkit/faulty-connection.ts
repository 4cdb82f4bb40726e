// One process's connection to a store, as far as it is the same for every request: whether requests get through,
// whether answers do, and what becomes of both when the process dies, is stopped, or is cut off.
//
// Invariants: a request is answered at most once; a put that may still land is never answered as if it could not; a
// request that was made while the connection was stopped is sent when it goes on, and never if the process dies before.
import type { Random } from '../index.ts';
import { qanatError } from '../index.ts';
import { drawInteger } from './seeded-random.ts';
import { SimGate } from './sim-gate.ts';
import type { FaultyOperation, UnderWay } from './store-faults.ts';

/** What calls reject with when the process they belong to has died. */
export class SimulatedCrash extends Error {
  override readonly name: 'SimulatedCrash' = 'SimulatedCrash';

  constructor() {
    super('the process has crashed (simulated)');
  }
}

/** How a connection is cut: every request fails at once, or nothing is heard until it is whole again. */
export interface ConnectionCut {
  readonly how: 'refuses' | 'hangs';
  /** What becomes of requests that have been sent and have not reached the store; 'lands' unless given. */
  readonly underWay?: UnderWay | undefined;
}

/** A request, and what it needs. */
export interface ConnectedRequest<T> {
  readonly operation: FaultyOperation;
  readonly key: string | undefined;
  readonly signal: AbortSignal | undefined;
  /** Carries it to the store. It has to ask whether it still lands when it gets there. */
  readonly send: (flight: Flight) => Promise<T>;
  /** The answer, or the error, of a request that was sent and of which no more is known. */
  readonly lost: () => T;
  /** Called when the caller is answered although the request may still land. */
  readonly keep?: () => void;
}

/** A request that has not been answered. */
export interface Flight {
  /** Whether it will have its effect, if it has not had it. */
  lands: boolean;
}

/** A flight, as the connection sees it. */
interface OpenFlight extends Flight {
  isSent: boolean;
  readonly die: () => void;
  readonly cut: () => void;
}

export class FaultyConnection {
  readonly #random: Random;
  readonly #afterCrash: 'rejects' | 'hangs';
  readonly #flights = new Set<OpenFlight>();
  #gate = new SimGate();
  #isPaused = false;
  #cut: ConnectionCut['how'] | undefined;
  #crashed = false;

  constructor(random: Random, afterCrash: 'rejects' | 'hangs') {
    this.#random = random;
    this.#afterCrash = afterCrash;
  }

  get crashed(): boolean {
    return this.#crashed;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  get cut(): ConnectionCut['how'] | undefined {
    return this.#cut;
  }

  crash(underWay: UnderWay | undefined): void {
    this.#crashed = true;
    this.#gate.die(); // What has not been sent never is.
    for (const flight of this.#flights) {
      this.#decide(flight, underWay);
      flight.die();
    }
    this.#flights.clear();
  }

  pause(): void {
    this.#isPaused = true;
    this.#turnGate();
  }

  resume(): void {
    this.#isPaused = false;
    this.#turnGate();
  }

  cutOff({ how, underWay }: ConnectionCut): void {
    this.#cut = how;
    for (const flight of this.#flights) {
      if (!flight.isSent) continue;
      this.#decide(flight, underWay);
      if (how === 'refuses') flight.cut();
    }
    this.#turnGate();
  }

  reconnect(): void {
    this.#cut = undefined;
    this.#turnGate();
  }

  /** Everything gets through, also after a crash. */
  heal(): void {
    if (this.#crashed) this.#gate = new SimGate(); // What waits at the old one belongs to a dead process.
    this.#crashed = false;
    this.#cut = undefined;
    this.resume();
  }

  /** The answer to a call that does not even begin. */
  refusal(signal: AbortSignal | undefined): Promise<never> | undefined {
    if (signal?.aborted) return Promise.reject(signal.reason as Error);
    if (!this.#crashed) return undefined;
    return this.#afterCrash === 'hangs' ? new Promise(() => {}) : Promise.reject(new SimulatedCrash());
  }

  /** Sends a request when the connection lets it, and gives the answer when it lets that. */
  request<T>(request: ConnectedRequest<T>): Promise<T> {
    const { signal, lost, keep } = request;
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        if (!flight.isSent) flight.lands = false;
        this.#flights.delete(flight);
        reject(signal?.reason as Error);
      };
      const answer = async (finish: () => void): Promise<void> => {
        if (this.#gate.state !== 'open') await this.#gate.passed();
        if (!this.#flights.delete(flight)) return; // The caller is dead, or has given up, or was told before.
        signal?.removeEventListener('abort', onAbort);
        finish();
      };
      const flight: OpenFlight = {
        lands: true,
        isSent: false,
        die: () => {
          signal?.removeEventListener('abort', onAbort);
          if (this.#afterCrash === 'rejects') reject(new SimulatedCrash());
        },
        cut: () => {
          keep?.();
          void answer(() => settle(lost, resolve, reject));
        },
      };
      this.#flights.add(flight);
      signal?.addEventListener('abort', onAbort, { once: true });
      const carry = async (): Promise<void> => {
        try {
          const value = await this.#carry(request, flight);
          await answer(() => resolve(value));
        } catch (cause) {
          await answer(() => reject(cause as Error));
        }
      };
      void carry();
    });
  }

  async #carry<T>({ operation, key, send, lost }: ConnectedRequest<T>, flight: OpenFlight): Promise<T> {
    if (this.#gate.state !== 'open') await this.#gate.passed();
    if (!flight.lands) return lost(); // Nobody waits for it any more.
    if (this.#cut === 'refuses') throw unavailable(operation, key);
    flight.isSent = true;
    return send(flight);
  }

  #decide(flight: OpenFlight, underWay: UnderWay | undefined): void {
    if (underWay === 'vanishes') flight.lands = false;
    if (underWay === 'either') flight.lands = drawInteger(this.#random, 2) === 1;
  }

  #turnGate(): void {
    if (this.#isPaused || this.#cut === 'hangs') this.#gate.shut();
    else this.#gate.open();
  }
}

/** What a request fails with that has had no effect. */
export function unavailable(operation: FaultyOperation, key: string | undefined): Error {
  const message = `the store is unavailable for a ${operation} (simulated); try again`;
  return qanatError('STORE_UNAVAILABLE', message, { operation, key });
}

function settle<T>(give: () => T, resolve: (value: T) => void, reject: (cause: Error) => void): void {
  try {
    resolve(give());
  } catch (cause) {
    reject(cause as Error);
  }
}
