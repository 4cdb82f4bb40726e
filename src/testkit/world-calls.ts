// The calls of a world's run: each is answered, in the end, with a value or with an error that makes sense. Keeps the
// lines of what was asked and answered, and what was found to be wrong.
import type { FaultRule } from './store-faults.ts';
import type { SimWorld } from './sim-world.ts';

/** Something that is wrong in a world: which guarantee, and where. */
export interface WorldFinding {
  /** A verdict of checkHistory, or 'unanswered', 'surprise', 'unavailable', 'stream', 'object', 'silence',
   * 'key-value', 'memory'. */
  readonly verdict: string;
  readonly message: string;
}

/** One call. */
export interface WorldCallOptions<T> {
  readonly what: string;
  /** Codes of errors that make sense here, beside those of what cannot be done now. */
  readonly mayFail?: readonly string[] | undefined;
  readonly act: () => Promise<T>;
  /** Whether it goes on until its set or process ends, and is not waited for before. */
  readonly isLasting?: boolean | undefined;
  /** What came of it, for the line. */
  readonly done?: ((value: T) => string) | undefined;
}

interface Pending {
  readonly what: string;
  readonly ended: Promise<unknown>;
  readonly isLasting: boolean;
}

/** Errors that any call may meet in a world where nodes die, stores fail and others take over. */
const usualCodes: readonly string[] = ['STORE_UNAVAILABLE', 'NODE_FENCED', 'CLOSED', 'CRASHED'];

/** Where bytes are damaged on the way, whoever reads them may say so. */
const damage: readonly string[] = ['flipped-bit', 'truncated-get'];

/** A call that is waited for is left alone after so long; it may still be answered later. */
const waitMaxMs = 60_000;

export class WorldCalls {
  readonly lines: string[] = [];
  readonly findings: WorldFinding[] = [];
  readonly #world: SimWorld;
  readonly #codes: readonly string[];
  readonly #pending = new Map<number, Pending>();
  #count = 0;

  constructor(world: SimWorld, faults: readonly FaultRule[]) {
    this.#world = world;
    const isDamaging = faults.some(({ fault }) => damage.includes(fault.kind));
    this.#codes = isDamaging ? [...usualCodes, 'OBJECT_CORRUPT'] : usualCodes;
  }

  get count(): number {
    return this.#count;
  }

  note(line: string): void {
    this.lines.push(`${this.#world.runtime.clock.monotonic().toFixed(3)}  ${line}`);
  }

  /** Something is wrong. `details` are for people, and of the machine that it was found on. */
  find(verdict: string, message: string, details?: string): void {
    this.findings.push({ verdict, message: details === undefined ? message : `${message}\n${details}` });
    this.note(`WRONG: ${verdict}: ${message}`);
  }

  /** Makes a call. Undefined if it failed, or is not answered yet. */
  async ask<T>(options: WorldCallOptions<T>): Promise<T | undefined> {
    return this.#within(this.start(options));
  }

  /** Makes a call; resolves when it is answered, with undefined if it failed. */
  start<T>({ what, mayFail = [], act, done, isLasting = false }: WorldCallOptions<T>): Promise<T | undefined> {
    this.#count += 1;
    const number = this.#count;
    this.note(`${number} ${what}`);
    const answer = async (): Promise<T | undefined> => {
      try {
        const value = await act();
        this.note(`${number} → ${done?.(value) ?? 'done'}`);
        return value;
      } catch (cause) {
        this.#judge(`${number} ${what}`, cause, mayFail);
        return undefined;
      } finally {
        this.#pending.delete(number);
      }
    };
    const ended = answer();
    this.#pending.set(number, { what, ended, isLasting });
    return ended;
  }

  /** Waits until all calls are answered, lasting ones too if they should. Those that are not in time are findings. */
  async allAnswered(withinMs: number, lastingToo = false): Promise<void> {
    const { clock } = this.#world.runtime;
    const endsAt = clock.monotonic() + withinMs;
    const awaited = (): [number, Pending][] =>
      [...this.#pending].filter(([, { isLasting }]) => lastingToo || !isLasting);
    for (let next = awaited()[0]; next !== undefined && clock.monotonic() < endsAt; next = awaited()[0])
      await this.#within(next[1].ended, endsAt - clock.monotonic());
    for (const [number, { what }] of awaited()) {
      this.find('unanswered', `${number} ${what}: no answer within ${withinMs} ms of quiet`);
      this.#pending.delete(number);
    }
  }

  #judge(what: string, cause: unknown, mayFail: readonly string[]): void {
    const [number] = what.split(' ', 1);
    this.note(`${number} → ${describeFailure(cause)}`);
    this.judgeFailure(what, cause, mayFail);
  }

  /** A failure that makes no sense is a finding. */
  judgeFailure(what: string, cause: unknown, mayFail: readonly string[] = []): void {
    const code = codeOf(cause);
    if (this.#codes.includes(code) || mayFail.includes(code)) return;
    this.find('surprise', `${what} failed with ${describeFailure(cause)}`, (cause as Error).stack);
  }

  async #within<T>(work: Promise<T>, ms: number = waitMaxMs): Promise<T | undefined> {
    let cancel: () => void = () => {};
    const patience = new Promise<undefined>((resolve) => {
      const timer = this.#world.runtime.timers.after(Math.max(0, ms), () => resolve(undefined));
      cancel = () => timer.cancel();
    });
    try {
      return await Promise.race([work, patience]);
    } finally {
      cancel();
    }
  }
}

function codeOf(cause: unknown): string {
  const { code, name } = cause as Error & { readonly code?: unknown };
  return typeof code === 'string' ? code : name;
}

/** A failure as it is the same on every machine: who holds a lock is told with the process that runs the world. */
function describeFailure(cause: unknown): string {
  const code = codeOf(cause);
  return code === 'WAL_LOCKED' ? code : `${code}: ${(cause as Error).message}`;
}
