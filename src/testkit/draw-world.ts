// Draws the script of a world from its seed. Each world has its own habits: which things happen in it at all, how
// often, how large, how far apart; so that some are calm and deep, some are nothing but trouble, and every pair of
// things that can meet does so in one of them.
import type { Random, SettingsInput } from '../index.ts';
import { drawStoreFaults } from './draw-store-faults.ts';
import { drawInteger, seededRandom } from './seeded-random.ts';
import type { FaultRule } from './store-faults.ts';
import type { WorldMember, WorldScript, WorldStep } from './world-script.ts';
import { shown, wrongArgument } from './wrong-argument.ts';

/** Bounds of what is drawn. */
export interface DrawWorldOptions {
  /** Nodes at most (default 4). */
  readonly nodes?: number | undefined;
  /** Steps at most (default 120). */
  readonly steps?: number | undefined;
}

/** The script of a seed. */
export function drawWorld(seed: number, options: DrawWorldOptions = {}): WorldScript {
  const { nodes: nodesMax = 4, steps: stepsMax = 120 } = options;
  for (const [name, value] of Object.entries({ nodes: nodesMax, steps: stepsMax })) {
    if (!(Number.isSafeInteger(value) && value >= 1))
      throw wrongArgument(`${name} is a whole number, 1 or more; got ${shown(value)}`);
  }
  return new Drawing(seed, nodesMax, stepsMax).script();
}

type StepKind = WorldStep['do'];

/** How often things happen where they happen at all, and whether a world may go without. */
const usualWeights: Readonly<Record<StepKind, { readonly weight: number; readonly always?: true }>> = {
  append: { weight: 45, always: true },
  read: { weight: 8, always: true },
  open: { weight: 8, always: true },
  close: { weight: 5 },
  trim: { weight: 4 },
  follow: { weight: 3 },
  create: { weight: 2 },
  delete: { weight: 1.5 },
  'look-up': { weight: 2 },
  kv: { weight: 4 },
  upload: { weight: 3 },
  sync: { weight: 2 },
  recover: { weight: 5 },
  start: { weight: 4 },
  'shut-down': { weight: 2 },
  kill: { weight: 4 },
  'cut-power': { weight: 2 },
  stop: { weight: 3 },
  wake: { weight: 4 },
  'cut-off': { weight: 3 },
  reconnect: { weight: 4 },
  'jump-clock': { weight: 1 },
  sleep: { weight: 8, always: true },
};

class Drawing {
  readonly #seed: number;
  readonly #random: Random;
  readonly #members: readonly WorldMember[];
  readonly #streams: readonly string[];
  readonly #stepCount: number;
  readonly #weights: readonly (readonly [StepKind, number])[];
  readonly #sizeMaxBytes: number;
  readonly #sleepMaxMs: number;
  /** How likely a call is waited for. */
  readonly #patience: number;
  /** How likely a duel is, in place of a step. */
  readonly #duels: number;

  constructor(seed: number, nodesMax: number, stepsMax: number) {
    this.#seed = seed;
    this.#random = seededRandom(seed);
    const nodeCount = 1 + this.#pick(nodesMax);
    const kinds = this.#oneOf([
      ['object'],
      ['file'],
      ['object', 'file'],
      ['object', 'object', 'file', 'memory'],
    ] as const);
    this.#members = Array.from({ length: nodeCount }, (_, i) => ({
      node: nameOf(i),
      wal: kinds[this.#pick(kinds.length)] ?? 'object',
    }));
    this.#streams = Array.from({ length: 1 + this.#pick(4) }, (_, i) => `s${i + 1}`);
    this.#stepCount = Math.max(1, Math.floor(stepsMax * (0.2 + 0.8 * this.#random.fraction())));
    this.#weights = (Object.keys(usualWeights) as StepKind[]).flatMap((kind) => {
      const { weight, always } = usualWeights[kind];
      if (always !== true && this.#chance(0.35)) return [];
      return [[kind, weight * this.#oneOf([0.3, 1, 3])] as const];
    });
    this.#sizeMaxBytes = this.#oneOf([40, 400, 4_000, 40_000]);
    this.#sleepMaxMs = this.#oneOf([5, 50, 500, 10_000, 300_000]);
    this.#patience = this.#oneOf([0.2, 0.6, 0.95]);
    this.#duels = this.#oneOf([0, 0, 0.05, 0.2]);
  }

  script(): WorldScript {
    const steps: WorldStep[] = [];
    while (steps.length < this.#stepCount) {
      if (this.#chance(this.#duels)) steps.push(...this.#duel());
      else steps.push(this.#step());
    }
    steps.splice(this.#stepCount);
    return { seed: this.#seed, members: this.#members, settings: this.#settings(), faults: this.#faults(), steps };
  }

  #settings(): SettingsInput {
    return {
      uploadSizeBytes: this.#oneOf([300, 3_000, 100_000]),
      uploadAgeMaxMs: this.#oneOf([20, 300, 5_000, 60_000]),
      segmentSizeMinBytes: this.#oneOf([1, 100, 5_000]),
      storeDeadlineMs: this.#oneOf([3_000, 20_000, 120_000]),
      catalogRefreshMs: this.#oneOf([50, 500, 5_000]),
    };
  }

  #faults(): readonly FaultRule[] {
    const slow = { fault: { kind: 'latency', minMs: 1, maxMs: this.#oneOf([2, 30, 400]) } } as const;
    const day = drawStoreFaults(this.#seed).faults;
    return this.#oneOf([
      [],
      [slow],
      [slow],
      day,
      day,
      day,
      [
        slow,
        { probability: 0.1, fault: { kind: 'unknown-before' } },
        { probability: 0.1, fault: { kind: 'unknown-after' } },
        { probability: 0.05, fault: { kind: 'late-put', minMs: 1, maxMs: 120_000 } },
        { probability: 0.05, fault: { kind: 'doubled-put', minMs: 1, maxMs: 120_000 } },
      ],
      [slow, { probability: 0.2, fault: { kind: 'unavailable' } }],
      [
        slow,
        { probability: 0.01, fault: { kind: 'flipped-bit' } },
        { probability: 0.01, fault: { kind: 'truncated-get' } },
      ],
    ] as const);
  }

  #step(): WorldStep {
    const kind = this.#kind();
    const node = this.#node();
    const stream = this.#oneOf(this.#streams);
    const wait = this.#chance(this.#patience);
    switch (kind) {
      case 'append': {
        const length = this.#chance(0.8) ? 1 : 2 + this.#pick(5);
        const counts = Array.from({ length }, () => (this.#chance(0.5) ? 1 : 1 + this.#pick(9)));
        const sizeBytes = 1 + this.#pick(this.#sizeMaxBytes);
        const zombie = this.#chance(0.1) ? { zombie: true } : {};
        return { do: kind, node, stream, counts, sizeBytes, wait, ...zombie };
      }
      case 'read':
      case 'trim':
        return { do: kind, node, stream, at: this.#pick(101), wait };
      case 'look-up':
        // Worlds last for milliseconds or for hours: as often in the first second as in the last minutes.
        return { do: kind, node, stream, timestamp: Math.floor((this.#pick(60_000) / 60_000) ** 4 * 600_000), wait };
      case 'follow':
      case 'create':
      case 'open':
      case 'close':
      case 'delete':
        return { do: kind, node, stream, wait };
      case 'kv': {
        const how = this.#oneOf(['put', 'put', 'put-if', 'get', 'get-fresh', 'delete'] as const);
        return { do: kind, node, key: this.#oneOf(['x', 'y']), how, wait };
      }
      case 'upload':
      case 'sync':
      case 'shut-down':
        return { do: kind, node, wait };
      case 'recover':
        return { do: kind, node, of: this.#node(), wait, ...(this.#chance(0.15) ? { abandon: true } : {}) };
      case 'start': {
        const wal = this.#oneOf(['own', 'own', 'own', 'other', 'empty'] as const);
        const abandon = this.#chance(0.15) ? { abandon: true } : {};
        return { do: kind, node, wal, wait, ...abandon, ...(this.#chance(0.3) ? { breaksLock: true } : {}) };
      }
      case 'kill':
        return { do: kind, node, underWay: this.#oneOf(['lands', 'vanishes', 'either'] as const) };
      case 'cut-off':
        return { do: kind, node, how: this.#oneOf(['refuses', 'hangs'] as const) };
      case 'jump-clock':
        return { do: kind, node, ms: this.#oneOf([-1, 1]) * this.#oneOf([10, 60_000, 86_400_000]) };
      case 'sleep':
        return { do: kind, ms: this.#pick(this.#sleepMaxMs) };
      default:
        return { do: kind, node };
    }
  }

  /** Somebody takes over from a node that is at work, and perhaps stopped: what both of them append crosses. */
  #duel(): readonly WorldStep[] {
    const node = this.#node();
    const rival = this.#node();
    const stream = this.#oneOf(this.#streams);
    const sizeBytes = 1 + this.#pick(this.#sizeMaxBytes);
    const append = (by: string, zombie: boolean): WorldStep => {
      const where = this.#chance(0.8) ? stream : this.#oneOf(this.#streams);
      const counts = [1 + this.#pick(3)];
      return { do: 'append', node: by, stream: where, counts, sizeBytes, wait: false, ...(zombie ? { zombie } : {}) };
    };
    const appends = (by: string, most: number, zombie = false): readonly WorldStep[] =>
      Array.from({ length: this.#pick(most + 1) }, () => append(by, zombie));
    const pause = (): WorldStep => ({ do: 'sleep', ms: this.#oneOf([0, 1, 10, this.#pick(this.#sleepMaxMs)]) });
    const takesOver = this.#takeOver(node, rival, stream);
    const isStopped = this.#chance(0.5);
    return [
      { do: 'open', node, stream, wait: true },
      ...(this.#chance(0.5) ? [{ do: 'follow', node: rival, stream, wait: true } as const] : []),
      ...appends(node, 8),
      ...(isStopped ? [{ do: 'stop', node } as const, ...appends(node, 3)] : []),
      ...(this.#chance(0.5) ? [pause()] : []),
      ...takesOver,
      ...appends(node, 4, takesOver[0]?.do === 'start'),
      pause(),
      ...(isStopped ? [{ do: 'wake', node } as const] : []),
      ...appends(rival, 4),
      ...appends(node, 4, this.#chance(0.5)),
      { do: 'read', node: this.#node(), stream, at: this.#pick(101), wait: true },
    ];
  }

  /** A node starts again, alive or not; or others recover it, perhaps several at once. */
  #takeOver(node: string, rival: string, stream: string): readonly WorldStep[] {
    const wait = this.#chance(0.5);
    const start = { do: 'start', node, wal: 'own', breaksLock: true, wait } as const;
    if (this.#chance(0.3)) {
      const underWay = this.#oneOf(['lands', 'vanishes', 'either'] as const);
      // What it has asked for is half done by then.
      const sleep = { do: 'sleep', ms: this.#oneOf([0, 1, 5, 20]) } as const;
      return [sleep, this.#chance(0.5) ? { do: 'cut-power', node } : { do: 'kill', node, underWay }, start];
    }
    if (node === rival || this.#chance(0.4)) return [start];
    const third = this.#node();
    return [
      ...(third === node ? [] : [{ do: 'recover', node: third, of: node, wait: false } as const]),
      { do: 'recover', node: rival, of: node, wait },
      { do: 'open', node: rival, stream, wait: this.#chance(0.5) },
    ];
  }

  #kind(): StepKind {
    let at = this.#random.fraction() * this.#weights.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [kind, weight] of this.#weights) {
      at -= weight;
      if (at < 0) return kind;
    }
    return 'sleep';
  }

  #node(): string {
    return this.#oneOf(this.#members).node;
  }

  #pick(limit: number): number {
    return drawInteger(this.#random, limit);
  }

  #chance(probability: number): boolean {
    return this.#random.fraction() < probability;
  }

  #oneOf<T>(values: readonly T[]): T {
    return values[this.#pick(values.length)] as T;
  }
}

/** 'a', 'b', … 'z', 'n27', … */
function nameOf(i: number): string {
  return i < 26 ? String.fromCharCode(97 + i) : `n${i + 1}`;
}
