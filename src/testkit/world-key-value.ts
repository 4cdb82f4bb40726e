// Judges the key-value store of a world: a version is given once and never goes back, a value is the one that was
// written under its version, and a fresh read sees every write that was acknowledged before it.
import type { HistoryRecorder } from './history-recorder.ts';
import type { SimNode } from './sim-machine.ts';
import type { WorldCalls } from './world-calls.ts';
import type { WorldStep } from './world-script.ts';

interface KeyHistory {
  /** Values that were acknowledged, by version. */
  readonly written: Map<number, string>;
  /** Values that somebody tried to write. */
  readonly attempted: Set<string>;
  /** The highest version that was acknowledged or seen. */
  newest: number;
  /** Whether a removal was ever tried: then there may be nothing. */
  removed: boolean;
  /** The version that a client saw last. */
  seen: number;
}

export class WorldKeyValue {
  readonly #calls: WorldCalls;
  readonly #recorder: HistoryRecorder;
  readonly #keys = new Map<string, KeyHistory>();

  constructor(calls: WorldCalls, recorder: HistoryRecorder) {
    this.#calls = calls;
    this.#recorder = recorder;
  }

  /** Reads every key that was ever touched. */
  async readAll(node: SimNode): Promise<void> {
    for (const key of this.#keys.keys())
      await this.begin(node, { do: 'kv', node: node.set.node, key, how: 'get-fresh', wait: true });
  }

  /** Begins a step; resolves when it is answered. */
  async begin(node: SimNode, { key, how }: Extract<WorldStep, { do: 'kv' }>): Promise<void> {
    const what = `${node.process.name}: kv ${how} ${key}`;
    const history = this.#history(key);
    const newestBefore = history.newest;
    const { kv } = node.set;
    switch (how) {
      case 'put':
      case 'put-if': {
        const value = `v${this.#recorder.tick()}`;
        history.attempted.add(value);
        const expected = how === 'put' ? undefined : history.seen;
        const options = expected === undefined ? {} : { ifVersion: expected };
        const act = (): Promise<number> => kv.put(key, new TextEncoder().encode(value), options);
        const done = (version: number): string => {
          const other = history.written.get(version);
          if (other !== undefined)
            this.#calls.find('key-value', `${key}: ${value} and ${other} have version ${version}`);
          if (version <= newestBefore)
            this.#calls.find('key-value', `${key}: ${value} was given version ${version} after ${newestBefore}`);
          const between = [...history.written.keys()].find((one) => one > (expected ?? version) && one < version);
          if (between !== undefined && !history.removed)
            this.#calls.find(
              'key-value',
              `${key}: ${value} was written over ${expected}, though ${between} stood there`,
            );
          history.written.set(version, value);
          history.newest = Math.max(history.newest, version);
          return `version ${version}`;
        };
        await this.#calls.ask({ what, act: () => node.call(act), done, mayFail: ['CONFLICT'] });
        return;
      }
      case 'delete':
        history.removed = true;
        await this.#calls.ask({ what, act: () => node.call(() => kv.delete(key)) });
        return;
      default: {
        const fresh = how === 'get-fresh';
        const done = (entry: { readonly value: Uint8Array; readonly version: number } | undefined): string => {
          const value = new TextDecoder().decode(entry?.value ?? new Uint8Array());
          const shown = entry === undefined ? 'nothing' : `${value} at ${entry.version}`;
          if (fresh && !history.removed && (entry?.version ?? 0) < newestBefore)
            this.#calls.find('key-value', `${key}: a fresh read gave ${shown} after version ${newestBefore}`);
          if (entry === undefined) return shown;
          const written = history.written.get(entry.version);
          if (!history.attempted.has(value) || (written !== undefined && written !== value))
            this.#calls.find('key-value', `${key}: ${shown}, where ${written ?? 'something else'} was written`);
          history.seen = entry.version;
          return shown;
        };
        await this.#calls.ask({ what, act: () => node.call(() => kv.get(key, { fresh })), done });
      }
    }
  }

  #history(key: string): KeyHistory {
    const known = this.#keys.get(key);
    if (known !== undefined) return known;
    const fresh: KeyHistory = { written: new Map(), attempted: new Set(), newest: 0, removed: false, seen: 0 };
    this.#keys.set(key, fresh);
    return fresh;
  }
}
