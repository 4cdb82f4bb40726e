// `npm run mutants`: the whole engine with one rule taken out at a time, hunted by simulated worlds. Prints a line for
// each: the mutant, the verdicts by which a world caught it, after how many worlds and seconds of processor time. Ends
// with 1 if one is not caught within its budget or by none of its verdicts, with 2 for arguments that say nothing.
//
//   npm run mutants                               all that worlds catch, and the source as it is, which nothing may
//   npm run mutants -- --mutant no-seal           one; may be given several times
//   npm run mutants -- --seed 1000                worlds from another seed (default 1)
//   npm run mutants -- --worlds 3000              instead of each one's budget
//   npm run mutants -- --list                     their names, the rules they break, and what catches them
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { huntMutant } from './mutants/hunt.mjs';
import { makeSourceTree } from './mutants/source-tree.mjs';

const usage = 'npm run mutants -- [--mutant name]... [--seed S] [--worlds N] [--list]';
const secondsMax = 240;
const untouched = { name: 'untouched', breaks: 'nothing', edits: [], verdicts: [], worlds: 100 };

function refuse(problem) {
  console.error(`${problem}\nusage: ${usage}`);
  process.exit(2);
}

function readArguments() {
  const one = { type: 'string' };
  const options = { mutant: { type: 'string', multiple: true }, seed: one, worlds: one, list: { type: 'boolean' } };
  try {
    return parseArgs({ options }).values;
  } catch (cause) {
    return refuse(cause.message);
  }
}

function numberOf(text, name) {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() === '' || !Number.isSafeInteger(value) || value < 1)
    refuse(`--${name} is a whole number, 1 or more; got '${text}'`);
  return value;
}

async function loadList() {
  const tree = makeSourceTree([], ['test/mutants', 'test/explore', 'test/journal']);
  const load = (path) => import(pathToFileURL(join(tree, path)).href);
  try {
    const { engineMutants } = await load('test/mutants/engine-mutants.js');
    const { smallLimits } = await load('test/mutants/small-limits.js');
    return { engineMutants, smallLimits };
  } finally {
    rmSync(tree, { recursive: true, force: true });
  }
}

const { mutant: wanted, seed: seedText, worlds: worldsText, list = false } = readArguments();
const seed = numberOf(seedText, 'seed') ?? 1;
const worldsGiven = numberOf(worldsText, 'worlds');
const { engineMutants, smallLimits } = await loadList();
const known = [untouched, ...engineMutants];
for (const name of wanted ?? [])
  if (!known.some((other) => other.name === name)) refuse(`there is no mutant '${name}'; --list names them`);

if (list) {
  for (const { name, breaks, verdicts, elsewhere } of engineMutants)
    console.log(`${name}: ${breaks}; caught by ${elsewhere ?? verdicts.join(', ')}`);
  process.exit();
}

const hunted = known.filter(({ name, elsewhere }) => wanted?.includes(name) ?? elsewhere === undefined);
let missed = 0;
let next = 0;
await Promise.all([huntOn(), huntOn()]); // Two at once, as the machine has two cores at least.
console.log(`${hunted.length - missed} of ${hunted.length} as they should be`);
process.exitCode = missed === 0 ? 0 : 1;

async function huntOn() {
  while (next < hunted.length) {
    const mutant = hunted[next++];
    const worldsMax = worldsGiven ?? mutant.worlds;
    const limits = { seed, worlds: worldsMax, seconds: secondsMax };
    const { worlds, verdicts, message, seconds } = await huntMutant([...smallLimits, ...mutant.edits], limits);
    const isRight =
      mutant === untouched ? verdicts.length === 0 : verdicts.some((verdict) => mutant.verdicts.includes(verdict));
    if (!isRight) missed += 1;
    const by = verdicts.length === 0 ? 'caught by nothing' : `caught by ${verdicts.join(', ')}`;
    console.log(`${isRight ? ' ' : '!'} ${mutant.name}: ${by} after ${worlds} worlds, ${seconds.toFixed(1)} s`);
    if (!isRight && message !== '') console.log(message);
  }
}
