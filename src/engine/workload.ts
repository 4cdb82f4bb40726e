// A workload, as somebody describes it before anything runs: how much comes in and goes out, how long it is kept, on
// how many nodes, with which settings. Every figure that may be left out has a default that is told with it.
import { KiB } from '../base/bytes.ts';
import { invalidArgument } from '../model/errors.ts';
import { resolveSettings, type Settings, type SettingsInput } from './settings.ts';

/** What an estimate is made for. */
export interface Workload {
  /** Bytes that producers make per second, all together, before they compress them. */
  readonly bytesInPerSecond: number;
  /** How long data is kept. */
  readonly retentionSeconds: number;
  /** How much smaller batches are than what they were made of (default 1). Producers compress; the engine does not. */
  readonly compressionRatio?: number | undefined;
  /** Bytes that consumers get per second, all together, counted as `bytesInPerSecond` is (default 0). */
  readonly bytesOutPerSecond?: number | undefined;
  /**
   * The share of these that is read where it was written, soon enough to be in memory still: from 0 to 1 (default 1).
   * The rest is read from the store.
   */
  readonly memoryReadShare?: number | undefined;
  /** Nodes that share the writing evenly (default 1). */
  readonly nodes?: number | undefined;
  /** Streams that are written to all the time, all together (default: one on each node). */
  readonly streams?: number | undefined;
  /** Compressed bytes of one append (default 16 KiB). */
  readonly appendSizeBytes?: number | undefined;
  /** Sets that follow streams which all other nodes write, at their tail (default 0). */
  readonly followers?: number | undefined;
  /** The write-ahead log (default 'object'). One in files makes no request of its own. */
  readonly wal?: 'object' | 'file' | undefined;
  /** How long the store takes for a PUT of a segment (default 0.1 s). */
  readonly putSeconds?: number | undefined;
  /**
   * How often compaction reads and writes each byte again. This version does not compact, so the default is 0; the
   * design allows for 1.
   */
  readonly compactionRewrites?: number | undefined;
  /** As they are given to `StreamSet.open`. */
  readonly settings?: SettingsInput | undefined;
}

/** A workload with every figure filled in. */
export type ResolvedWorkload = { readonly [F in Exclude<keyof Workload, 'settings' | 'wal'>]: number } & {
  readonly wal: 'object' | 'file';
  readonly settings: Settings;
};

type Figure = Exclude<keyof Workload, 'settings' | 'wal'>;

interface Bounds {
  readonly initial?: number;
  readonly min: number;
  /** The least is not among them. */
  readonly above?: true;
  readonly max?: number;
  readonly integer?: true;
}

const bounds: Readonly<Record<Figure, Bounds>> = {
  bytesInPerSecond: { min: 0, above: true },
  retentionSeconds: { min: 0 },
  compressionRatio: { initial: 1, min: 0, above: true },
  bytesOutPerSecond: { initial: 0, min: 0 },
  memoryReadShare: { initial: 1, min: 0, max: 1 },
  nodes: { initial: 1, min: 1, integer: true },
  streams: { min: 1, integer: true },
  appendSizeBytes: { initial: 16 * KiB, min: 1 },
  followers: { initial: 0, min: 0, integer: true },
  putSeconds: { initial: 0.1, min: 0, above: true },
  compactionRewrites: { initial: 0, min: 0 },
};

/** Fills in defaults, and refuses what no workload can be. */
export function resolveWorkload(workload: Workload): ResolvedWorkload {
  if (typeof workload !== 'object' || (workload as Workload | null) === null)
    throw invalidArgument('a workload is an object: { bytesInPerSecond, retentionSeconds, … }', TypeError);
  const names = Object.keys(bounds) as Figure[];
  for (const name of Object.keys(workload)) {
    if (!names.includes(name as Figure) && name !== 'settings' && name !== 'wal')
      throw invalidArgument(`a workload has no '${name}'; it has ${names.join(', ')}, wal and settings`);
  }
  const { wal = 'object' } = workload;
  if (!['object', 'file'].includes(wal)) throw invalidArgument(`'wal' of a workload is 'object' or 'file'; got ${wal}`);
  const settings = resolveSettings(workload.settings);
  const streams = workload.streams ?? workload.nodes ?? 1;
  const figures = names.map((name) => [name, figure(name, name === 'streams' ? streams : workload[name])]);
  const resolved = Object.fromEntries(figures) as Record<Figure, number>;
  if (resolved.streams < resolved.nodes)
    throw invalidArgument(`each node writes a stream: ${resolved.streams} are too few for ${resolved.nodes} nodes`);
  return Object.freeze({ ...resolved, wal, settings });
}

function figure(name: Figure, given: number | undefined): number {
  const { initial, min, above, max = Number.MAX_SAFE_INTEGER, integer } = bounds[name];
  const value = given ?? initial;
  const isWithin = typeof value === 'number' && (above ? value > min : value >= min) && value <= max;
  if (isWithin && (!integer || Number.isInteger(value))) return value;
  const kind = integer ? 'an integer' : 'a number';
  const range = `${above ? 'above' : 'of at least'} ${min}${max === 1 ? ' and at most 1' : ', and below 2^53'}`;
  throw invalidArgument(`'${name}' of a workload is ${kind} ${range}; got ${String(value)}`);
}
