// Small scopes of the real engine, explored whole: every order of all requests. What the command takes and refuses.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { explore } from './search.ts';
import { journalExploration } from './journal-scope.ts';
import { sealExploration, type SealScope } from './seal-scope.ts';
import { scopes } from './scopes.ts';

const sealOnce: SealScope = {
  segments: 1,
  uploads: false,
  recoverers: ['B'],
  starters: [],
  namesEpoch: false,
  readers: [],
  sweeps: true,
  faults: 0,
  switches: Infinity,
};

for (const [name, { title, isQuick, make }] of Object.entries(scopes)) {
  if (!isQuick) continue;
  test(`what was promised holds in every order: ${title}`, async () => {
    const { schedules, steps, states, seconds, exhausted, violation } = await explore(make());
    const counts = `${schedules.toPrecision(4)} schedules, ${steps} steps, ${states} states`;
    process.stdout.write(`${name}: ${counts}, ${seconds.toFixed(1)} s\n`);
    expect(violation).toBeUndefined();
    expect(exhausted).toBe(true);
    expect(states).toBeGreaterThan(1_000); // Fewer would mean that something is no longer explored.
  }, 120_000);
}

test('merging equal states leaves out no schedule and no end', async () => {
  const small = [
    () => sealExploration({ ...sealOnce, faults: 1 }),
    () => sealExploration({ ...sealOnce, recoverers: ['B', 'C'], switches: 1 }),
    () => journalExploration({ writers: ['A', 'B'], collectors: [], reader: false, faults: 0, switches: 2 }),
    () => journalExploration({ writers: ['A'], collectors: ['C'], reader: false, faults: 0, switches: 1 }),
  ];
  for (const make of small) {
    const merged = await explore({ ...make(), merges: true });
    const walked = await explore({ ...make(), merges: false });
    process.stdout.write(`${merged.states} states for ${walked.states}, ${merged.schedules} schedules\n`);
    expect(merged.states).toBeLessThanOrEqual(walked.states);
    expect(merged.schedules).toBe(walked.schedules);
    expect(walked.ends).toBeGreaterThanOrEqual(walked.schedules);
    expect(merged.endings).toEqual(walked.endings);
  }
});

const command = fileURLToPath(new URL('../explore.mjs', import.meta.url));

test('the command explores the scopes it is given and says what it has done', () => {
  const { status, stdout } = spawnSync(process.execPath, [command, '--scope', 'upload-fault'], { encoding: 'utf8' });
  expect(stdout).toMatch(/^upload-fault: [\d,]+ schedules, [\d,]+ steps, [\d,]+ states, .* s, exhausted yes\n$/);
  expect(status).toBe(0);
});

test.each([['--scope', 'no-such'], ['--minutes', 'soon'], ['--minutes', '-1'], ['--unknown'], ['word']])(
  'the command refuses %s %s with a sentence',
  (...args) => {
    const { status, stderr } = spawnSync(process.execPath, [command, ...args], { encoding: 'utf8' });
    expect(status).toBe(2);
    expect(stderr).toMatch(/\w+.*; npm run explore -- /);
  },
);
