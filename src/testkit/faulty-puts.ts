// Puts that do not have their effect when and as they were asked to: never, late, twice, after a deletion, or without
// telling. A put that lands late has its condition with it.
import type { PutCondition, PutResult, Runtime } from '../index.ts';
import type { Stroke } from './fault-rules.ts';
import type { StoreFault } from './store-faults.ts';
import type { StoreLanding, StoreTraffic } from './store-traffic.ts';

/** Puts with these are answered before they have landed for the last time. */
const lateKinds: readonly StoreFault['kind'][] = ['late-put', 'put-after-delete', 'doubled-put'];

/** The puts of one connection. */
export class FaultyPuts {
  readonly #runtime: Runtime;
  readonly #traffic: StoreTraffic;
  #latePuts = 0;

  constructor(runtime: Runtime, traffic: StoreTraffic) {
    this.#runtime = runtime;
    this.#traffic = traffic;
  }

  /** Puts that have been answered and are still to reach the store. */
  get latePuts(): number {
    return this.#latePuts;
  }

  /** What becomes of a put that has reached the store; the first stroke that says so decides. */
  async put(
    key: string,
    condition: PutCondition | undefined,
    effect: () => Promise<PutResult>,
    strokes: readonly Stroke[],
  ): Promise<PutResult> {
    for (const { fault, delayMs } of strokes) {
      switch (fault.kind) {
        case 'unknown-before':
          return { outcome: 'unknown' };
        case 'unknown-after':
          await effect();
          return { outcome: 'unknown' };
        case 'conflict-before':
          return { outcome: fault.told === 'refused' ? refusalOf(condition) : 'unknown' };
        case 'conflict-after':
          await effect();
          return { outcome: fault.told === 'refused' ? refusalOf(condition) : 'unknown' };
        case 'late-put':
          void this.#putLater(effect, wait(this.#runtime, delayMs));
          return { outcome: 'unknown' };
        case 'put-after-delete':
          void this.#putLater(effect, this.landing('deleted', key, fault.maxMs));
          return { outcome: 'unknown' };
        case 'doubled-put':
          await effect();
          void this.#putLater(effect, wait(this.#runtime, delayMs));
          return { outcome: 'unknown' };
        default:
      }
    }
    return effect();
  }

  async #putLater(effect: () => Promise<PutResult>, time: Promise<void>): Promise<void> {
    this.#latePuts += 1;
    await time;
    await effect().catch(() => {}); // Nobody is there to be told.
    this.#latePuts -= 1;
  }

  /** Resolves when this happens to the key next, and after a time at the latest. */
  landing(what: StoreLanding, key: string, maxMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#runtime.timers.after(maxMs, () => {
        forget();
        resolve();
      });
      const forget = this.#traffic.next(what, key, () => {
        timer.cancel();
        resolve();
      });
    });
  }
}

/** Whether bytes are needed after the answer. */
export function landsLater(strokes: readonly Stroke[]): boolean {
  return strokes.some(({ fault }) => lateKinds.includes(fault.kind));
}

/** Resolves after so long; at once where that is no time at all. */
export function wait(runtime: Runtime, delayMs: number): Promise<void> {
  if (delayMs === 0) return Promise.resolve();
  return new Promise((resolve) => {
    runtime.timers.after(delayMs, resolve);
  });
}

function refusalOf(condition: PutCondition | undefined): 'exists' | 'changed' {
  return condition === 'absent' ? 'exists' : 'changed';
}
