// What a rule of faults has to look like. A rule that cannot strike is refused when it is made, so that no test is
// green because a name was misspelt.
import type { FaultRule, FaultyOperation, StoreFault, UnderWay } from './store-faults.ts';
import { checkFields, didYouMean, shown, wrongArgument } from './wrong-argument.ts';

/** What a kind of fault strikes, and what can be said about it. */
interface FaultKind {
  readonly on: readonly FaultyOperation[];
  /** Strikes only puts with a condition. */
  readonly onConditions?: boolean;
  readonly fields: readonly string[];
}

const operations = ['put', 'get', 'list', 'delete'] as const;

/** All kinds of faults. */
export const faultKinds: Readonly<Record<StoreFault['kind'], FaultKind>> = {
  latency: { on: operations, fields: ['minMs', 'maxMs', 'shape'] },
  unavailable: { on: operations, fields: ['afterEffect'] },
  'time-out-before': { on: operations, fields: ['minMs', 'maxMs'] },
  'time-out-after': { on: operations, fields: ['minMs', 'maxMs'] },
  'unknown-before': { on: ['put'], fields: [] },
  'unknown-after': { on: ['put'], fields: [] },
  'conflict-before': { on: ['put'], onConditions: true, fields: ['told'] },
  'conflict-after': { on: ['put'], onConditions: true, fields: ['told'] },
  'late-put': { on: ['put'], fields: ['minMs', 'maxMs'] },
  'put-after-delete': { on: ['put'], fields: ['maxMs'] },
  'doubled-put': { on: ['put'], fields: ['minMs', 'maxMs'] },
  'overtaken-put': { on: ['put'], fields: ['maxMs'] },
  'key-rate': { on: ['put'], fields: ['perKeyMs'] },
  'missing-get': { on: ['get'], fields: [] },
  'truncated-get': { on: ['get'], fields: [] },
  'flipped-bit': { on: ['get'], fields: [] },
  'small-page': { on: ['list'], fields: ['keysMax'] },
  crash: { on: operations, fields: ['underWay'] },
};

const ruleFields = ['operation', 'purpose', 'keyIncludes', 'nth', 'probability', 'forCalls', 'forMs', 'fault'];

/** Puts are remembered so long, for the sake of 'key-rate'. */
export const perKeyMaxMs = 60_000;

/** A timer of the machine waits for so long at most. */
const delayMaxMs = 2 ** 31 - 1;

/** Refuses rules that are wrong, or can never strike. */
export function checkFaultRules(rules: unknown): void {
  if (!Array.isArray(rules)) throw wrongArgument(`faults are an array of rules; got ${shown(rules)}`);
  for (const [index, rule] of rules.entries()) checkRule(rule as FaultRule, `fault rule ${index + 1}`);
}

/** Refuses what is not one of the three. */
export function checkUnderWay(underWay: UnderWay | undefined, what: string): void {
  if (underWay === undefined || ['lands', 'vanishes', 'either'].includes(underWay)) return;
  throw wrongArgument(`${what}: what is under way 'lands', 'vanishes' or does 'either'; got ${shown(underWay)}`);
}

function checkRule(rule: FaultRule, what: string): void {
  checkFields(rule, ruleFields, what);
  const { operation, purpose, keyIncludes, fault } = rule;
  checkName(operation, operations, `${what}: an operation`);
  for (const [name, text] of Object.entries({ purpose, keyIncludes })) {
    if (text !== undefined && (typeof text !== 'string' || text === '')) {
      throw wrongArgument(`${what}: ${name} is a text that is not empty; got ${shown(text)}`);
    }
  }
  checkWhen(rule, what);
  checkFault(fault, operation, what);
}

function checkWhen({ nth, probability, forCalls, forMs }: FaultRule, what: string): void {
  if (nth !== undefined && !isWhole(nth, 1)) throw wrongArgument(`${what}: nth counts calls from 1; got ${shown(nth)}`);
  if (probability !== undefined && !(isNumber(probability) && probability > 0 && probability <= 1)) {
    throw wrongArgument(`${what}: a probability lies above 0 and goes up to 1; got ${shown(probability)}`);
  }
  if (nth !== undefined && probability !== undefined) {
    throw wrongArgument(`${what} has both nth and probability; one of them says when it strikes`);
  }
  if (forCalls !== undefined && !isWhole(forCalls, 1)) {
    throw wrongArgument(`${what}: forCalls is a number of calls, 1 or more; got ${shown(forCalls)}`);
  }
  if (forMs !== undefined && !(isNumber(forMs) && forMs >= 0 && forMs < Infinity)) {
    throw wrongArgument(`${what}: forMs is a number of milliseconds, 0 or more; got ${shown(forMs)}`);
  }
  if (forCalls !== undefined && forMs !== undefined) {
    throw wrongArgument(`${what} has both forCalls and forMs; one of them says how long a burst is`);
  }
  if ((forCalls ?? forMs) !== undefined && (nth ?? probability) === undefined) {
    throw wrongArgument(`${what} strikes always; a burst needs nth or probability to say when it begins`);
  }
}

function checkFault(fault: StoreFault, operation: FaultyOperation | undefined, what: string): void {
  const { kind } = (fault ?? {}) as Partial<StoreFault>;
  if (typeof fault !== 'object' || !Object.hasOwn(faultKinds, String(kind))) {
    const known = Object.keys(faultKinds);
    const end = didYouMean(kind ?? fault, known);
    throw wrongArgument(`${what}: the kind of a fault is one of ${known.join(', ')}; got ${shown(fault)}${end}`);
  }
  const { on, fields } = faultKinds[fault.kind];
  const named = `${what} (${fault.kind})`;
  checkFields(fault, ['kind', ...fields], named);
  if (operation !== undefined && !on.includes(operation)) {
    throw wrongArgument(`${what} can never strike: ${fault.kind} happens to ${on.join(', ')}, not to ${operation}`);
  }
  checkTimes(fault, fields, named);
  if (fault.kind === 'latency') checkName(fault.shape, ['even', 'long-tailed'], `${named}: a shape`);
  if (fault.kind === 'conflict-before' || fault.kind === 'conflict-after') {
    checkName(fault.told, ['unknown', 'refused'], `${named}: what is told`);
  }
  if (fault.kind === 'small-page' && !isWhole(fault.keysMax, 1)) {
    throw wrongArgument(`${named}: keysMax is 1 or more; got ${shown(fault.keysMax)}`);
  }
  if (fault.kind === 'key-rate' && !(isWhole(fault.perKeyMs, 1) && fault.perKeyMs <= perKeyMaxMs)) {
    throw wrongArgument(`${named}: perKeyMs is 1 to ${perKeyMaxMs} milliseconds; got ${shown(fault.perKeyMs)}`);
  }
  if (fault.kind === 'unavailable' && typeof (fault.afterEffect ?? false) !== 'boolean') {
    throw wrongArgument(`${named}: afterEffect is true or false; got ${shown(fault.afterEffect)}`);
  }
  if (fault.kind === 'unavailable' && fault.afterEffect === true && operation !== 'delete') {
    throw wrongArgument(`${what}: only a delete can fail after its effect; a failed put has written nothing`);
  }
  if (fault.kind === 'crash') checkUnderWay(fault.underWay, what);
}

function checkTimes(fault: StoreFault, fields: readonly string[], what: string): void {
  const { minMs = 0, maxMs } = fault as { readonly minMs?: number; readonly maxMs?: number };
  if (fields.includes('minMs')) {
    const isRange = 'minMs' in fault && isWhole(minMs, 0) && isWhole(maxMs, minMs) && maxMs <= delayMaxMs;
    if (isRange) return;
    throw wrongArgument(`${what}: minMs and maxMs are whole milliseconds, 0 to ${delayMaxMs}, in this order`);
  }
  if (fields.includes('maxMs') && !(isWhole(maxMs, 0) && maxMs <= delayMaxMs)) {
    throw wrongArgument(`${what}: maxMs is whole milliseconds, 0 to ${delayMaxMs}; got ${shown(maxMs)}`);
  }
}

/** Refuses what is given and is not one of a few names. */
export function checkName(name: unknown, known: readonly string[], what: string): void {
  if (name === undefined || known.includes(name as string)) return;
  throw wrongArgument(`${what} is one of ${known.join(', ')}; got ${shown(name)}${didYouMean(name, known)}`);
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && !Number.isNaN(value);
}

function isWhole(value: unknown, least: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= least;
}
