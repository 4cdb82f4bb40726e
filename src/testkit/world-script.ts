// Scripts for simulated worlds: plain data, so that one can be printed, shortened, pasted into a test and run again.
// What a step means where it cannot be done as written (an append by a node that is not running) is for the run to say,
// so that every script is a legal one and stays one while it is shortened.
import type { SettingsInput, WalKind } from '../index.ts';
import type { FaultRule } from './store-faults.ts';

/** One step. Nodes and streams go by name. Without `wait`, a step is begun and the next one follows at once. */
export type WorldStep =
  /** Appends batches of so many records each, in one call; `zombie`: through an earlier process of the node. */
  | WorldCall<'append', { readonly counts: readonly number[]; readonly sizeBytes: number; readonly zombie?: boolean }>
  /** Reads from a place in the stream's range, in percent. */
  | WorldCall<'read', { readonly at: number }>
  | WorldCall<'trim', { readonly at: number }>
  | WorldCall<'follow', object>
  | WorldCall<'create' | 'open' | 'close' | 'delete', object>
  /** Looks up what was appended at or after a time, as many milliseconds after the beginning of the world. */
  | WorldCall<'look-up', { readonly timestamp: number }>
  /** The key-value store: an unconditional write, one over the version seen last, a read, a removal. */
  | WorldAct<'kv', { readonly key: string; readonly how: 'put' | 'put-if' | 'get' | 'get-fresh' | 'delete' }>
  | WorldAct<'upload' | 'sync', object>
  | WorldAct<'recover', { readonly of: string; readonly abandon?: boolean }>
  /** Starts the node, though it may be running: with the WAL that it had, or another one, or one that is empty. */
  | WorldAct<
      'start',
      { readonly wal?: 'own' | 'other' | 'empty'; readonly abandon?: boolean; readonly breaksLock?: boolean }
    >
  | WorldAct<'shut-down', object>
  | { readonly do: 'kill'; readonly node: string; readonly underWay: 'lands' | 'vanishes' | 'either' }
  | { readonly do: 'cut-power' | 'stop' | 'wake' | 'reconnect'; readonly node: string }
  | { readonly do: 'cut-off'; readonly node: string; readonly how: 'refuses' | 'hangs' }
  | { readonly do: 'jump-clock'; readonly node: string; readonly ms: number }
  | { readonly do: 'sleep'; readonly ms: number };

/** A step that a node makes; the next one follows when it is answered, if it is waited for. */
export type WorldAct<D extends string, F> = { readonly do: D; readonly node: string; readonly wait: boolean } & F;
/** A step that a node makes with a stream. */
export type WorldCall<D extends string, F> = WorldAct<D, { readonly stream: string } & F>;

/** A node of a world. */
export interface WorldMember {
  readonly node: string;
  readonly wal: Exclude<WalKind, 'none'>;
}

/** A world, and what happens in it. */
export interface WorldScript {
  /** Where the chance of the world comes from: times, orders, what is lost. */
  readonly seed: number;
  readonly members: readonly WorldMember[];
  readonly settings: SettingsInput;
  /** What goes wrong all the time. */
  readonly faults: readonly FaultRule[];
  readonly steps: readonly WorldStep[];
}

/** A step in one line, for people. */
export function describeStep(step: WorldStep): string {
  if (step.do === 'sleep') return `sleep ${step.ms} ms`;
  const { do: what, node, ...rest } = step;
  const facts = Object.entries(rest)
    .filter(([name]) => name !== 'wait')
    .map(([name, value]) => (name === 'stream' ? String(value) : `${name} ${JSON.stringify(value)}`));
  const later = 'wait' in step && !step.wait ? ', without waiting' : '';
  return `${[`${node}:`, what, ...facts].join(' ')}${later}`;
}
