// Runs in the tree of a mutant, in a process of its own: simulated worlds, one seed after the other, until one of them
// breaks a promise, or the worlds or the processor time are over. Prints a line before each world, so that whoever
// kills a world that never ends knows which it was; and in the end what was found, as JSON.
//
//   node engine-mutant-run.js <first seed> <worlds> <seconds>
import { drawWorld } from '../../src/testkit/draw-world.ts';
import { runWorld } from '../../src/testkit/world-run.ts';
import { fileWalOfSizes } from '../../src/wal/file-wal.ts';
import { fileWalSizes } from './small-limits.ts';

const [firstSeed, worldsMax, secondsMax] = process.argv.slice(2).map(Number) as [number, number, number];
const seconds = (): number => process.cpuUsage().user / 1e6;

let stray: unknown;
process.on('unhandledRejection', (cause) => (stray ??= cause));

function end(worlds: number, verdicts: readonly string[], message = ''): never {
  process.stdout.write(`${JSON.stringify({ worlds, verdicts, message, seconds: seconds() })}\n`);
  process.exit(0);
}

for (let worlds = 1; ; worlds += 1) {
  process.stdout.write(`${worlds}\n`);
  const script = drawWorld(firstSeed + worlds - 1);
  const { findings } = await runWorld(script, { fileWal: (options) => fileWalOfSizes(options, fileWalSizes) });
  const [first] = findings;
  if (first !== undefined) end(worlds, [...new Set(findings.map(({ verdict }) => verdict))], first.message);
  if (stray !== undefined) end(worlds, ['rejection'], (stray as Error).stack ?? String(stray));
  if (worlds >= worldsMax || seconds() >= secondsMax) end(worlds, []);
}
