// A runtime for scripts: short waits are over at the next turn of the event loop, long ones (deadlines) end only when
// the script says that time is up. Ids are counted, not drawn.
import type { Runtime, Timer } from '../../src/base/runtime.ts';

const longMs = 10_000;

export class ScriptedRuntime implements Runtime {
  readonly clock: Runtime['clock'] = { now: () => 0, monotonic: () => 0 };
  readonly random: Runtime['random'];
  readonly timers: Runtime['timers'];
  readonly #deadlines = new Set<() => void>();
  #drawn = 0;

  constructor() {
    this.random = {
      fraction: () => 0.5,
      bytes: (length) => {
        const bytes = new Uint8Array(length);
        this.#drawn += 1;
        new DataView(bytes.buffer).setUint32(length - 4, this.#drawn);
        return bytes;
      },
    };
    this.timers = {
      after: (delayMs, run) => (delayMs >= longMs ? this.#addDeadline(run) : soon(run)),
      turn: async () => nextTurn(),
    };
  }

  /** All deadlines of calls under way have come. */
  runOutOfTime(): void {
    for (const run of [...this.#deadlines]) run();
    this.#deadlines.clear();
  }

  #addDeadline(run: () => void): Timer {
    this.#deadlines.add(run);
    return { cancel: () => this.#deadlines.delete(run) };
  }
}

function soon(run: () => void): Timer {
  const timer = setImmediate(run);
  return { cancel: () => clearImmediate(timer) };
}

/** Lets everything that can go on go on, as far as one turn of the event loop takes it. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Many turns: enough for whatever does not wait for the script. */
export async function settle(): Promise<void> {
  for (let turns = 0; turns < 20; turns += 1) await nextTurn();
}
