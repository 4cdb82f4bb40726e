// The mutants of the whole engine that worlds catch soonest, each within its budget and by a promise that it breaks; and
// that the page about the test kit names all of them, and what catches each. `npm run mutants` hunts the rest.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, test } from 'vitest';
import { engineMutants } from './engine-mutants.ts';
import { huntMutant, type Hunt } from './hunt.mjs';
import { smallLimits } from './small-limits.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const quick = engineMutants.filter(({ isQuick }) => isQuick);
const hunts = new Map<string, Hunt>();

/** Two processes, as the machine has two cores at least. */
beforeAll(async () => {
  const waiting = [...quick];
  const lane = async (): Promise<void> => {
    for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
      const { name, edits, worlds } = mutant;
      hunts.set(name, await huntMutant([...smallLimits, ...edits], { seed: 1, worlds, seconds: 20 }));
    }
  };
  await Promise.all([lane(), lane()]);
}, 300_000);

for (const { name, breaks, verdicts } of quick)
  test(`worlds catch ${name} (${breaks})`, () => {
    const hunt = hunts.get(name);
    process.stdout.write(`${name}: ${hunt?.verdicts.join(', ')} after ${hunt?.worlds} worlds\n`);
    expect(verdicts).toContain(hunt?.verdicts.find((verdict) => verdicts.includes(verdict)));
  });

test('the page about the test kit has a row for each mutant, with its rule and what catches it', () => {
  const page = readFileSync(`${root}docs/testkit.md`, 'utf8');
  const rows = [...page.matchAll(/^\| `([a-z-]+)` +\| (.*?) +\| (.*?) +\| .*\|$/gm)];
  const written = rows
    .filter(([, name]) => engineMutants.some((mutant) => mutant.name === name))
    .map(([, name, breaks, by]) => ({ name, breaks, by }));
  const listed = engineMutants.map(({ name, breaks, verdicts, elsewhere }) => ({
    name,
    breaks,
    by: elsewhere ?? verdicts.map((verdict) => `\`${verdict}\``).join(', '),
  }));
  expect(written).toEqual(listed);
});

test('the command refuses arguments that say nothing, and lists what there is', () => {
  const run = (...args: string[]): ReturnType<typeof spawnSync> =>
    spawnSync(process.execPath, [`${root}test/mutants.mjs`, ...args], { encoding: 'utf8' });
  const wrong = [['--mutant', 'no-such'], ['--worlds', '0'], ['sound']];
  for (const args of wrong) {
    const { status, stderr } = run(...args);
    expect(String(stderr)).toMatch(/usage: npm run mutants/);
    expect(status).toBe(2);
  }
  const { status, stdout } = run('--list');
  expect(String(stdout).trim().split('\n')).toHaveLength(engineMutants.length);
  expect(status).toBe(0);
});

test('the command ends with 1 if a mutant is not caught, and says so', () => {
  const args = ['--mutant', 'the-block-index-is-believed', '--worlds', '1'];
  const { status, stdout } = spawnSync(process.execPath, [`${root}test/mutants.mjs`, ...args], { encoding: 'utf8' });
  expect(stdout).toMatch(/^! the-block-index-is-believed: caught by nothing after 1 worlds/);
  expect(status).toBe(1);
});
