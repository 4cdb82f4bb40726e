// Many deadlines, of which hardly any is ever reached: one coarse timer looks at all of them, instead of a timer for
// each.
import type { Runtime, Timer } from '../../index.ts';

interface Deadline {
  readonly at: number;
  readonly expired: () => void;
}

/** Deadlines are noticed so much too late, at most. */
const coarsenessMs = 250;

export class Deadlines {
  readonly #runtime: Runtime;
  readonly #pending = new Set<Deadline>();
  #timer: Timer | undefined;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** Calls `expired` once the time is over, unless what is returned is called before. */
  add(timeMs: number, expired: () => void): () => void {
    const deadline = { at: this.#runtime.clock.monotonic() + timeMs, expired };
    this.#pending.add(deadline);
    this.#timer ??= this.#runtime.timers.after(coarsenessMs, () => this.#check(), { background: true });
    return () => void this.#pending.delete(deadline);
  }

  /** The value of a promise, or a rejection with what `late` gives when the time is over first. */
  within<T>(timeMs: number, promise: Promise<T>, late: () => Error): Promise<T> {
    return new Promise((resolve, reject) => {
      const cancel = this.add(timeMs, () => reject(late()));
      promise.then(
        (value) => {
          cancel();
          return resolve(value);
        },
        (cause: unknown) => {
          cancel();
          return reject(cause as Error);
        },
      );
    });
  }

  /** Ends all that are left, now. */
  close(): void {
    this.#timer?.cancel();
    for (const { expired } of this.#pending) expired();
    this.#pending.clear();
  }

  #check(): void {
    this.#timer = undefined;
    const now = this.#runtime.clock.monotonic();
    for (const deadline of [...this.#pending]) {
      if (deadline.at > now) continue;
      this.#pending.delete(deadline);
      deadline.expired();
    }
    if (this.#pending.size > 0)
      this.#timer = this.#runtime.timers.after(coarsenessMs, () => this.#check(), { background: true });
  }
}
