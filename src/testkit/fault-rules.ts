// Which rules strike a call, decided purely: from the call, the time, what the rules have counted, and a source of
// chance. Chance is drawn in the order of the rules, and only by rules that fit the call.
import type { Random } from '../index.ts';
import { checkFaultRules, faultKinds } from './check-fault-rules.ts';
import { drawInteger } from './seeded-random.ts';
import type { FaultRule, FaultyOperation, StoreFault } from './store-faults.ts';

/** A call, as rules see it. */
export interface FaultyCall {
  readonly operation: FaultyOperation;
  readonly purpose: string;
  readonly keys: readonly string[];
  /** Whether it is a put with a condition. */
  readonly isConditional: boolean;
}

/** What strikes one call, every number drawn. */
export interface Stroke {
  readonly fault: StoreFault;
  /** For faults with a time: how long. */
  readonly delayMs: number;
  /** For damaged bytes: where, in [0, 1). */
  readonly place: number;
}

/** A rule, and what it remembers. */
interface CountedRule {
  readonly rule: FaultRule;
  fitting: number;
  /** What is left of a burst. */
  callsLeft: number;
  untilMs: number;
}

/** Rules with their counts. */
export class FaultRules {
  readonly #rules: readonly CountedRule[];

  constructor(rules: readonly FaultRule[]) {
    checkFaultRules(rules);
    this.#rules = rules.map((rule) => ({ rule, fitting: 0, callsLeft: 0, untilMs: -Infinity }));
  }

  /** The faults that strike this call. */
  strike(call: FaultyCall, nowMs: number, random: Random): Stroke[] {
    const strokes: Stroke[] = [];
    for (const counted of this.#rules) {
      if (!fits(counted.rule, call)) continue;
      counted.fitting += 1;
      if (goesOn(counted, nowMs) || begins(counted, nowMs, random))
        strokes.push(drawStroke(counted.rule.fault, random));
    }
    return strokes;
  }
}

/** Whether a burst has still to strike this call. */
function goesOn(counted: CountedRule, nowMs: number): boolean {
  if (nowMs < counted.untilMs) return true;
  if (counted.callsLeft === 0) return false;
  counted.callsLeft -= 1;
  return true;
}

function begins(counted: CountedRule, nowMs: number, random: Random): boolean {
  const { nth, probability, forCalls = 1, forMs = 0 } = counted.rule;
  if (nth !== undefined && nth !== counted.fitting) return false;
  if (probability !== undefined && random.fraction() >= probability) return false;
  counted.callsLeft = forCalls - 1;
  counted.untilMs = nowMs + forMs;
  return true;
}

function fits({ operation, purpose, keyIncludes, fault }: FaultRule, call: FaultyCall): boolean {
  if (operation !== undefined && operation !== call.operation) return false;
  if (purpose !== undefined && purpose !== call.purpose) return false;
  if (keyIncludes !== undefined && !call.keys.some((key) => key.includes(keyIncludes))) return false;
  if (fault.kind === 'unavailable' && fault.afterEffect === true) return call.operation === 'delete';
  const { on, onConditions } = faultKinds[fault.kind];
  return on.includes(call.operation) && (call.isConditional || onConditions !== true);
}

function drawStroke(fault: StoreFault, random: Random): Stroke {
  if ('minMs' in fault) {
    const { minMs, maxMs } = fault;
    const isLong = fault.kind === 'latency' && fault.shape === 'long-tailed';
    const delayMs = isLong ? drawLongTailed(random, minMs, maxMs) : minMs + drawInteger(random, maxMs - minMs + 1);
    return { fault, delayMs, place: 0 };
  }
  const isDamage = fault.kind === 'truncated-get' || fault.kind === 'flipped-bit';
  return { fault, delayMs: 0, place: isDamage ? random.fraction() : 0 };
}

/**
 * A Pareto distribution with exponent 1, cut off at the end: of minMs 10, half of what is drawn lies below 20, one in
 * ten above 100, one in a hundred above 1,000. Made of the four operations that give the same on every machine.
 */
function drawLongTailed(random: Random, minMs: number, maxMs: number): number {
  const leastMs = Math.max(1, minMs);
  const endMs = leastMs + (maxMs - minMs) + 1;
  const drawnMs = leastMs / (1 - random.fraction() * (1 - leastMs / endMs));
  return Math.min(maxMs, minMs + Math.floor(drawnMs - leastMs));
}
