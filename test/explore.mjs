// `npm run explore`: the small scopes, whole. Prints a line for each: schedules, steps, states, seconds of processor time,
// and whether all of it was explored. Ends with 1 if anything was found, with 2 for arguments that say nothing.
//
//   npm run explore                               every scope
//   npm run explore -- --scope seal-fault         one; may be given several times
//   npm run explore -- --quick                    those that `npm test` explores
//   npm run explore -- --list                     their names
//   npm run explore -- --minutes 20               for how long each at most (default 60)
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { makeSourceTree } from './mutants/source-tree.mjs';

function refuse(problem) {
  console.error(`${problem}; npm run explore -- [--scope name]... [--quick] [--list] [--minutes n]`);
  process.exit(2);
}

function readArguments() {
  const options = {
    scope: { type: 'string', multiple: true },
    quick: { type: 'boolean' },
    list: { type: 'boolean' },
    minutes: { type: 'string' },
  };
  try {
    return parseArgs({ options }).values;
  } catch (cause) {
    return refuse(cause.message);
  }
}

const { scope, quick = false, list = false, minutes = '60' } = readArguments();
const limitMinutes = Number(minutes);
if (!(limitMinutes > 0)) refuse(`--minutes is a positive number; got '${minutes}'`);
const tree = makeSourceTree([], ['test/explore']);
process.on('exit', () => rmSync(tree, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));

const load = (path) => import(pathToFileURL(join(tree, path)).href);
const { scopes } = await load('test/explore/scopes.js');
const { exploreScopes } = await load('test/explore/explore-run.js');

const names = scope ?? Object.keys(scopes).filter((name) => !quick || scopes[name].isQuick);
for (const name of names) if (!Object.hasOwn(scopes, name)) refuse(`there is no scope '${name}'; --list names them`);

if (list) for (const name of names) console.log(`${name}: ${scopes[name].title}`);
else process.exitCode = (await exploreScopes(names, limitMinutes * 60)) ? 0 : 1;
process.exit();
