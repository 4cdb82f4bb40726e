// Runs simulated worlds, each from the next seed, until the time is over or one of them breaks a promise: then it prints
// the seed and the shortest script found, and ends with 1.
//
//   npm run simulate -- [--minutes 60] [--seed S] [--nodes K] [--steps N] [--worlds N]
//
// File WALs get small files, of which a world meets many ends.
import { parseArgs } from 'node:util';
import { checkWorlds, describeWorldFailure } from 'qanat/testkit';
import { fileWalOfSizes } from '../dist/wal/file-wal.js';

const usage = 'usage: npm run simulate -- [--minutes 60] [--seed S] [--nodes K] [--steps N] [--worlds N]';
const { minutes, seed, nodes, steps, worlds } = readOptions();
const sizes = { fileSizeBytes: 65_536, sparesMax: 2, groupSizeMaxBytes: 32_768, segmentSizeBytes: 4_096 };
const totals = { worlds: 0, calls: 0, acknowledged: 0, starts: 0, crashes: 0, simulatedMs: 0 };
const faults = new Map();
const startedAt = performance.now();
let printedAt = startedAt;
let interrupted = false;
process.on('SIGINT', () => (interrupted = true));
process.on('unhandledRejection', (cause) => {
  console.error(`a promise that nobody waits for was rejected, in the world of seed ${seed + totals.worlds}`, cause);
  process.exit(1);
});

console.log(`worlds from seed ${seed} on, for ${minutes} minutes`);
const { failure } = await checkWorlds({
  ...{ seed, nodes, steps, worlds },
  fileWal: (options) => fileWalOfSizes(options, sizes),
  onWorld: (_, { counts }) => {
    totals.worlds += 1;
    for (const name of ['calls', 'acknowledged', 'starts', 'crashes', 'simulatedMs']) totals[name] += counts[name];
    for (const [kind, count] of Object.entries(counts.faults)) faults.set(kind, (faults.get(kind) ?? 0) + count);
    const now = performance.now();
    if (now - printedAt > 60_000) {
      printedAt = now;
      console.log(summary());
    }
    return !interrupted && now - startedAt < minutes * 60_000;
  },
});
console.log(summary());
for (const [kind, count] of [...faults].toSorted(([a], [b]) => a.localeCompare(b))) console.log(`  ${kind}: ${count}`);
if (failure !== undefined) {
  console.log(describeWorldFailure(failure));
  process.exit(1);
}
console.log('every promise was kept');

function summary() {
  const seconds = (performance.now() - startedAt) / 1000;
  const hours = totals.simulatedMs / 3_600_000;
  const rate = `${hours.toFixed(1)} simulated hours in ${seconds.toFixed(0)} s, ${(hours / seconds).toFixed(2)} a second`;
  const done = `${totals.calls} operations, ${totals.acknowledged} appends acknowledged`;
  return `${totals.worlds} worlds, ${done}, ${totals.starts} starts, ${totals.crashes} crashes, ${rate}`;
}

function readOptions() {
  const options = { type: 'string' };
  try {
    const { values } = parseArgs({
      options: { minutes: options, seed: options, nodes: options, steps: options, worlds: options },
    });
    return {
      minutes: numberOf(values, 'minutes', 60, (value) => value > 0, 'a number above 0'),
      seed: numberOf(values, 'seed', Date.now() % 1_000_000_000, Number.isSafeInteger, 'a whole number'),
      nodes: numberOf(values, 'nodes', 4, (value) => Number.isInteger(value) && value >= 1, 'a whole number from 1'),
      steps: numberOf(values, 'steps', 120, (value) => Number.isInteger(value) && value >= 1, 'a whole number from 1'),
      worlds: numberOf(
        ...[values, 'worlds', Number.MAX_SAFE_INTEGER],
        (value) => Number.isSafeInteger(value) && value >= 1,
        'a whole number from 1',
      ),
    };
  } catch (cause) {
    console.error(`${cause.message}\n${usage}`);
    process.exit(2);
  }
}

function numberOf(values, name, usual, isRight, whatIsRight) {
  const text = values[name];
  if (text === undefined) return usual;
  const value = Number(text);
  if (text.trim() === '' || !isRight(value)) throw new TypeError(`--${name} is ${whatIsRight}; got '${text}'`);
  return value;
}
