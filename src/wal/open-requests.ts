// Remembers requests until they are answered, for those who must not leave before the last one has landed. A request
// that is never answered does not hold anybody longer than `patienceMs` after it was begun.
import { sleep } from '../base/abort.ts';
import type { Runtime } from '../base/runtime.ts';

export class OpenRequests {
  readonly #runtime: Runtime;
  readonly #patienceMs: number;
  readonly #open = new Set<Promise<unknown>>();
  #lastBegunAt = 0;

  constructor(runtime: Runtime, patienceMs: number) {
    this.#runtime = runtime;
    this.#patienceMs = patienceMs;
  }

  /** Begins a request. */
  async run<T>(request: () => Promise<T>): Promise<T> {
    this.#lastBegunAt = this.#runtime.clock.monotonic();
    const answer = request();
    this.#open.add(answer);
    try {
      return await answer;
    } finally {
      this.#open.delete(answer);
    }
  }

  /** Resolves when all requests open now are answered, or have had their time. */
  async settled(): Promise<void> {
    const restMs = this.#lastBegunAt + this.#patienceMs - this.#runtime.clock.monotonic();
    if (this.#open.size === 0 || restMs <= 0) return;
    const answered = new AbortController();
    const all = Promise.allSettled(this.#open).then(() => answered.abort());
    await Promise.race([all, sleep(this.#runtime, restMs, answered.signal).catch(() => {})]);
  }
}
