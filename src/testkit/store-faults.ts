// What can go wrong between an engine and its object store, as rules; which rules strike a call is decided here,
// purely, from the call, the counts of its rules and a source of chance. A rule that cannot strike is refused when it
// is made, so that no test is green because a name was misspelt.
import type { Random } from '../index.ts';
import { drawInteger } from './seeded-random.ts';
import { shown, wrongArgument } from './wrong-argument.ts';

/** The requests of a store. */
export type FaultyOperation = 'put' | 'get' | 'list' | 'delete';

/** One thing that goes wrong. */
export type StoreFault =
  /** The request takes a time drawn between the two before it reaches the store. */
  | { readonly kind: 'latency'; readonly minMs: number; readonly maxMs: number }
  /** The request fails with STORE_UNAVAILABLE and has no effect; a delete may have had its effect all the same. */
  | { readonly kind: 'unavailable'; readonly afterEffect?: boolean }
  /** A put is answered 'unknown' and never takes effect. */
  | { readonly kind: 'unknown-before' }
  /** A put takes effect and is answered 'unknown'. */
  | { readonly kind: 'unknown-after' }
  /** A put is answered 'unknown'; it reaches the store after a time drawn between the two, its condition with it. */
  | { readonly kind: 'late-put'; readonly minMs: number; readonly maxMs: number }
  /** A put takes effect, is answered 'unknown', and reaches the store once more after a time drawn between the two. */
  | { readonly kind: 'doubled-put'; readonly minMs: number; readonly maxMs: number }
  /** A get gives only the first part of the bytes, cut somewhere. */
  | { readonly kind: 'truncated-get' }
  /** A get gives bytes of which one bit is wrong. */
  | { readonly kind: 'flipped-bit' }
  /** A list gives at most so many keys. */
  | { readonly kind: 'small-page'; readonly keysMax: number }
  /** The connection crashes as if the process had died with this request under way; see FaultyObjectStore.crash. */
  | { readonly kind: 'crash'; readonly underWay?: UnderWay };

/** What becomes of requests that were under way in a crash: all reach the store, none does, or chance decides each. */
export type UnderWay = 'lands' | 'vanishes' | 'either';

/** When something goes wrong: at calls that fit all of what is given, always, at the n-th of them, or by chance. */
export interface FaultRule {
  readonly operation?: FaultyOperation | undefined;
  readonly purpose?: string | undefined;
  /** Strikes only keys that contain this (of a list: its prefix; of a delete: any of its keys). */
  readonly keyIncludes?: string | undefined;
  /** Strikes only the n-th call that fits, counted from 1. */
  readonly nth?: number | undefined;
  /** Strikes each call that fits with this probability, in (0, 1]. */
  readonly probability?: number | undefined;
  readonly fault: StoreFault;
}

/** A bit of everything that a store does to those who trust it: what a seed alone stands for. */
export const commonStoreFaults: readonly FaultRule[] = [
  { fault: { kind: 'latency', minMs: 1, maxMs: 40 } },
  { probability: 0.02, fault: { kind: 'latency', minMs: 500, maxMs: 3000 } },
  { probability: 0.03, fault: { kind: 'unknown-before' } },
  { probability: 0.03, fault: { kind: 'unknown-after' } },
  { probability: 0.02, fault: { kind: 'late-put', minMs: 10, maxMs: 20_000 } },
  { probability: 0.01, fault: { kind: 'doubled-put', minMs: 10, maxMs: 20_000 } },
  { probability: 0.03, fault: { kind: 'unavailable' } },
  { operation: 'delete', probability: 0.03, fault: { kind: 'unavailable', afterEffect: true } },
  { probability: 0.3, fault: { kind: 'small-page', keysMax: 3 } },
];

/** Operations that a fault can strike, and the fields it has. */
const kinds: Readonly<Record<StoreFault['kind'], { on: readonly FaultyOperation[]; fields: readonly string[] }>> = {
  latency: { on: ['put', 'get', 'list', 'delete'], fields: ['minMs', 'maxMs'] },
  unavailable: { on: ['put', 'get', 'list', 'delete'], fields: ['afterEffect'] },
  'unknown-before': { on: ['put'], fields: [] },
  'unknown-after': { on: ['put'], fields: [] },
  'late-put': { on: ['put'], fields: ['minMs', 'maxMs'] },
  'doubled-put': { on: ['put'], fields: ['minMs', 'maxMs'] },
  'truncated-get': { on: ['get'], fields: [] },
  'flipped-bit': { on: ['get'], fields: [] },
  'small-page': { on: ['list'], fields: ['keysMax'] },
  crash: { on: ['put', 'get', 'list', 'delete'], fields: ['underWay'] },
};
const operations: readonly string[] = ['put', 'get', 'list', 'delete'];
const ruleFields = ['operation', 'purpose', 'keyIncludes', 'nth', 'probability', 'fault'];

/** A call, as rules see it. */
export interface FaultyCall {
  readonly operation: FaultyOperation;
  readonly purpose: string;
  readonly keys: readonly string[];
}

/** What strikes one call, every number drawn. */
export interface Stroke {
  readonly fault: StoreFault;
  /** For faults with a time: how long. */
  readonly delayMs: number;
  /** For damaged bytes: where, in [0, 1). */
  readonly place: number;
}

/** Rules with their counts. */
export class FaultRules {
  readonly #rules: readonly { readonly rule: FaultRule; fitting: number }[];

  constructor(rules: readonly FaultRule[]) {
    if (!Array.isArray(rules)) throw wrongArgument(`faults are an array of rules; got ${shown(rules)}`);
    this.#rules = (rules as readonly FaultRule[]).map((rule, index) => {
      checkRule(rule, `fault rule ${index + 1}`);
      return { rule, fitting: 0 };
    });
  }

  /** The faults that strike this call. Draws only from `random`, and always in the order of the rules. */
  strike(call: FaultyCall, random: Random): Stroke[] {
    const strokes: Stroke[] = [];
    for (const counted of this.#rules) {
      const { rule } = counted;
      if (!fits(rule, call)) continue;
      counted.fitting += 1;
      if (rule.nth !== undefined && rule.nth !== counted.fitting) continue;
      if (rule.probability !== undefined && random.fraction() >= rule.probability) continue;
      strokes.push(drawStroke(rule.fault, random));
    }
    return strokes;
  }
}

function fits({ operation, purpose, keyIncludes, fault }: FaultRule, call: FaultyCall): boolean {
  if (operation !== undefined && operation !== call.operation) return false;
  if (purpose !== undefined && purpose !== call.purpose) return false;
  if (keyIncludes !== undefined && !call.keys.some((key) => key.includes(keyIncludes))) return false;
  if (fault.kind === 'unavailable' && fault.afterEffect === true) return call.operation === 'delete';
  return kinds[fault.kind].on.includes(call.operation);
}

function drawStroke(fault: StoreFault, random: Random): Stroke {
  if ('minMs' in fault) {
    const delayMs = fault.minMs + drawInteger(random, fault.maxMs - fault.minMs + 1);
    return { fault, delayMs, place: 0 };
  }
  const isDamage = fault.kind === 'truncated-get' || fault.kind === 'flipped-bit';
  return { fault, delayMs: 0, place: isDamage ? random.fraction() : 0 };
}

function checkRule(rule: FaultRule, what: string): void {
  if (typeof rule !== 'object' || rule === null) throw wrongArgument(`${what} is an object; got ${shown(rule)}`);
  checkFields(rule, ruleFields, what);
  const { operation, purpose, keyIncludes, nth, probability, fault } = rule;
  if (operation !== undefined && !operations.includes(operation)) {
    throw wrongArgument(`${what}: an operation is one of ${operations.join(', ')}; got ${shown(operation)}`);
  }
  for (const [name, text] of Object.entries({ purpose, keyIncludes })) {
    if (text !== undefined && (typeof text !== 'string' || text === '')) {
      throw wrongArgument(`${what}: ${name} is a text that is not empty; got ${shown(text)}`);
    }
  }
  if (nth !== undefined && !(Number.isSafeInteger(nth) && nth >= 1)) {
    throw wrongArgument(`${what}: nth counts calls from 1; got ${shown(nth)}`);
  }
  if (probability !== undefined && !(probability > 0 && probability <= 1)) {
    throw wrongArgument(`${what}: a probability lies above 0 and goes up to 1; got ${shown(probability)}`);
  }
  if (nth !== undefined && probability !== undefined) {
    throw wrongArgument(`${what} has both nth and probability; one of them says when it strikes`);
  }
  checkFault(fault, operation, what);
}

function checkFault(fault: StoreFault, operation: FaultyOperation | undefined, what: string): void {
  const known = Object.hasOwn(kinds, String((fault as Partial<StoreFault> | undefined)?.kind));
  if (typeof fault !== 'object' || !known) {
    const names = Object.keys(kinds).join(', ');
    throw wrongArgument(`${what}: the kind of a fault is one of ${names}; got ${shown(fault)}`);
  }
  const { on, fields } = kinds[fault.kind];
  checkFields(fault, ['kind', ...fields], `${what} (${fault.kind})`);
  if (operation !== undefined && !on.includes(operation)) {
    throw wrongArgument(`${what} can never strike: ${fault.kind} happens to ${on.join(', ')}, not to ${operation}`);
  }
  if ('minMs' in fault || 'maxMs' in fault || fields.includes('minMs')) {
    const { minMs, maxMs } = fault as { minMs: number; maxMs: number };
    const isRange = Number.isSafeInteger(minMs) && Number.isSafeInteger(maxMs) && minMs >= 0 && minMs <= maxMs;
    if (!isRange) throw wrongArgument(`${what}: minMs and maxMs are whole milliseconds, 0 or more, in this order`);
  }
  if (fault.kind === 'small-page' && !(Number.isSafeInteger(fault.keysMax) && fault.keysMax >= 1)) {
    throw wrongArgument(`${what}: keysMax is 1 or more; got ${shown(fault.keysMax)}`);
  }
  if (fault.kind === 'unavailable' && fault.afterEffect === true && operation !== 'delete') {
    throw wrongArgument(`${what}: only a delete can fail after its effect; a failed put has written nothing`);
  }
  if (fault.kind === 'crash') checkUnderWay(fault.underWay, what);
}

/** Refuses what is not one of the three. */
export function checkUnderWay(underWay: UnderWay | undefined, what: string): void {
  if (underWay === undefined || ['lands', 'vanishes', 'either'].includes(underWay)) return;
  throw wrongArgument(`${what}: what is under way 'lands', 'vanishes' or does 'either'; got ${shown(underWay)}`);
}

function checkFields(given: object, known: readonly string[], what: string): void {
  const strange = Object.keys(given).find((name) => !known.includes(name));
  if (strange !== undefined) throw wrongArgument(`${what} has no field ${strange}; it has ${known.join(', ')}`);
}
