// What all benches share. A figure of this folder is never a number alone: subject and calibrator take turns in one
// run, round by round, and what counts is their ratio in each round: its median, its least and its greatest. So a
// machine that is slow, or busy with something else, slows both.
//
// The checksum of what was read or acknowledged is printed, so that no work can be optimised away unnoticed.
import { availableParallelism, cpus, loadavg, release } from 'node:os';
import { parseArgs } from 'node:util';

/**
 * The arguments of a bench. All have --rounds, --seconds (of one round) and --size; `more` adds some with their values
 * for a real run, and `tiny` replaces values when the size is tiny. Anything unknown ends the program with a sentence.
 */
export function readArguments({ rounds = 5, seconds = 1, more = {}, tiny = {} } = {}) {
  const real = { rounds, seconds, ...more };
  const small = { ...real, rounds: 2, seconds: 0.05, ...tiny };
  const names = ['size', ...Object.keys(real)];
  try {
    const { values } = parseArgs({ options: Object.fromEntries(names.map((name) => [name, { type: 'string' }])) });
    const { size = 'real', ...given } = values;
    if (size !== 'tiny' && size !== 'real') throw new Error(`--size is tiny or real, not ${size}`);
    const initial = size === 'tiny' ? small : real;
    const chosen = Object.entries(given).map(([name, text]) => [name, valueOf(name, text, initial[name])]);
    return { size, ...initial, ...Object.fromEntries(chosen) };
  } catch (cause) {
    console.error(`${cause.message.split('\n')[0]}\nThe options are ${names.map((name) => `--${name}`).join(', ')}.`);
    process.exit(2);
  }
}

/** A value like the initial one: a number above 0, a list of them, or a word. */
function valueOf(name, text, initial) {
  if (typeof initial === 'string') return text;
  const numbers = (Array.isArray(initial) ? text.split(',') : [text]).map(Number);
  if (!numbers.every((one) => Number.isFinite(one) && one > 0))
    throw new Error(`--${name} takes numbers above 0, not '${text}'`);
  return Array.isArray(initial) ? numbers : numbers[0];
}

/**
 * Runs a subject and its calibrators in turns, and prints what came of it as text and as one line of JSON.
 *
 * A contender is { what, run, requests?, unavailable? }. `run(round)` measures once: { value, checksum, cpuPerUnit?,
 * also? }, where `value` is in `unit`, `cpuPerUnit` is processor time in microseconds, and `also` holds further numbers.
 * `requests()` gives `stats().requests` of the set under test. A calibrator may have a `goal` of its own.
 *
 * A goal is { ratio } or { value }: to be at least so much, or at most where lower is better. It is called met when the
 * median and the worst round meet it, missed when neither the median nor the best does, and unclear otherwise.
 */
export async function bench({ name, goal, rounds, subject, calibrator, unit, better = 'higher', load = loadNow() }) {
  const calibrators = [calibrator].flat().map((one, i) => ({ goal: i === 0 ? goal : undefined, ...one }));
  const present = calibrators.filter(({ unavailable }) => unavailable === undefined);
  const contenders = [subject, ...present];
  const figures = new Map(contenders.map((contender) => [contender, []]));
  for (const contender of contenders) await contender.run(-1); // Warms up; not counted.
  const before = subject.requests?.() ?? [];
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? contenders : contenders.toReversed(); // Drift favours nobody.
    for (const contender of order) figures.get(contender).push(await contender.run(round));
  }
  const requests = requestsSince(before, subject.requests?.() ?? []);
  const own = figures.get(subject);
  const result = {
    name,
    unit,
    better,
    subject: { what: subject.what, ...summaryOf(own) },
    calibrators: calibrators.map((one) => {
      if (one.unavailable !== undefined) return { what: one.what, unavailable: one.unavailable };
      const theirs = figures.get(one);
      const ratios = own.map(({ value }, i) => value / theirs[i].value);
      const isKnown = own[0].cpuPerUnit !== undefined && theirs[0].cpuPerUnit !== undefined;
      const cpu = isKnown ? { cpuRatio: spread(own.map((figure, i) => figure.cpuPerUnit / theirs[i].cpuPerUnit)) } : {};
      const ratio = spread(ratios);
      const values = one.goal?.ratio === undefined ? own.map(({ value }) => value) : ratios;
      const judged = one.goal === undefined ? {} : { goal: one.goal, verdict: judge(one.goal, values, better) };
      return { what: one.what, ...summaryOf(theirs), ratio, ...cpu, ...judged };
    }),
    requests,
    checksum: own.reduce((sum, { checksum }) => (sum + checksum) >>> 0, 0),
    rounds,
    machine: { ...machine(), loadBefore: load, loadAfter: loadNow() },
    date: new Date().toISOString(),
  };
  print(result);
  return result;
}

/** Median, least and greatest. */
export function spread(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  return { median, min: sorted[0], max: sorted.at(-1) };
}

/** The value below which a share of the values lies. */
export function quantile(values, share) {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

/**
 * Runs `work`, which tells how many units it did, and gives their rate and the processor time of each. What belongs to
 * the figure is the whole of `work`, unless it gives its own `seconds` and `cpuMicros`.
 */
export async function timed(work) {
  const cpu = process.cpuUsage();
  const start = performance.now();
  const { amount, checksum, seconds, cpuMicros } = await work();
  const { user, system } = process.cpuUsage(cpu);
  const value = amount / (seconds ?? (performance.now() - start) / 1000);
  return { value, checksum, cpuPerUnit: (cpuMicros ?? user + system) / amount };
}

/** Adds what one set has asked for, between two looks at `stats().requests`, to what earlier ones have. */
export function addRequests(sum, after, before = []) {
  const rows = new Map(sum.map((row) => [`${row.operation} ${row.purpose}`, { ...row }]));
  for (const { operation, purpose, ...counts } of after) {
    const old = before.find((known) => known.operation === operation && known.purpose === purpose);
    const row = rows.get(`${operation} ${purpose}`) ?? { operation, purpose, requests: 0, bytesIn: 0, bytesOut: 0 };
    for (const count of ['requests', 'bytesIn', 'bytesOut']) row[count] += counts[count] - (old?.[count] ?? 0);
    rows.set(`${operation} ${purpose}`, row);
  }
  return [...rows.values()];
}

function judge({ ratio, value }, values, better) {
  const wanted = ratio ?? value;
  const { median, min, max } = spread(values);
  const [worst, best] = better === 'higher' ? [min, max] : [max, min];
  const meets = (figure) => (better === 'higher' ? figure >= wanted : figure <= wanted);
  if (meets(median) && meets(worst)) return 'met';
  return meets(median) || meets(best) ? 'unclear' : 'missed';
}

function summaryOf(figures) {
  const keys = Object.keys(figures[0]?.also ?? {});
  const also = Object.fromEntries(keys.map((key) => [key, spread(figures.map((figure) => figure.also[key]))]));
  const cpu = figures[0]?.cpuPerUnit === undefined ? {} : { cpuPerUnit: spread(figures.map((f) => f.cpuPerUnit)) };
  return { value: spread(figures.map(({ value }) => value)), ...cpu, ...(keys.length === 0 ? {} : { also }) };
}

/** Requests and bytes of all operations and purposes, those of `before` taken off. */
function requestsSince(before, after) {
  return after
    .map(({ operation, purpose, ...counts }) => {
      const old = before.find((known) => known.operation === operation && known.purpose === purpose);
      const of = (count) => counts[count] - (old?.[count] ?? 0);
      return { operation, purpose, requests: of('requests'), bytesIn: of('bytesIn'), bytesOut: of('bytesOut') };
    })
    .filter(({ requests }) => requests > 0);
}

/** Load of the last minute: how many wanted a processor. */
export function loadNow() {
  return Number(loadavg()[0].toFixed(2));
}

function machine() {
  const model = cpus()[0]?.model.trim() ?? 'unknown processor';
  return { cores: availableParallelism(), model, node: process.version, system: `${process.platform} ${release()}` };
}

function print({ name, unit, subject, calibrators, requests, checksum, rounds, machine: on, ...rest }) {
  console.log(`\n${name}`);
  line(subject.what, `${shown(subject.value)} ${unit}${cpuText(subject)}`);
  alsoLines(subject);
  for (const one of calibrators) {
    if (one.unavailable !== undefined) {
      line(one.what, `skipped: ${one.unavailable}`);
      continue;
    }
    line(one.what, `${shown(one.value)} ${unit}${cpuText(one)}`);
    alsoLines(one);
    const goal = one.goal === undefined ? '' : `   goal ${goalText(one.goal, unit, rest.better)}: ${one.verdict}`;
    const cpu = one.cpuRatio === undefined ? '' : `   (processor time ${shown(one.cpuRatio)})`;
    line('  ratio', `${shown(one.ratio)}${cpu}${goal}`);
  }
  for (const { operation, purpose, requests: count, bytesIn, bytesOut } of requests)
    line('  requests', `${count} ${operation} for ${purpose}, ${bytesIn} bytes in, ${bytesOut} bytes out`);
  const load = `load ${on.loadBefore} before and ${on.loadAfter} after`;
  line('  machine', `${on.cores} cores (${on.model}), Node ${on.node}, ${on.system}, ${load}, ${rounds} rounds`);
  line('  checksum', checksum);
  console.log(JSON.stringify({ name, unit, subject, calibrators, requests, checksum, rounds, machine: on, ...rest }));
}

function line(label, text) {
  console.log(`  ${label.padEnd(46)} ${text}`);
}

function alsoLines({ also = {} }) {
  for (const [label, value] of Object.entries(also)) line(`  ${label}`, shown(value));
}

function cpuText({ cpuPerUnit }) {
  return cpuPerUnit === undefined ? '' : `, ${number(cpuPerUnit.median)} µs of processor each`;
}

function goalText({ ratio, value }, unit, better) {
  const sign = better === 'higher' ? 'at least' : 'at most';
  return ratio === undefined ? `${sign} ${value} ${unit}` : `a ratio of ${sign} ${ratio}`;
}

function shown({ median, min, max }) {
  return `${number(median)} [${number(min)}..${number(max)}]`;
}

function number(value) {
  return Math.abs(value) >= 100 ? Math.round(value).toLocaleString('en').replaceAll(',', ' ') : value.toPrecision(3);
}
