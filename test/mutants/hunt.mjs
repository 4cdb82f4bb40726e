// Hunts a mutant by simulated worlds: a copy of the source with the mutant's edits, in it the worlds that are drawn from
// one seed after the other, in a process of its own. Types are in hunt.d.mts.
//
// A world of a mutant may go round in circles without a pause, so that nothing but a kill ends it. The limit for that is
// many times what a world takes, and the wall clock's: a mutant that is slow only because the machine is busy is not
// taken for one that hangs.
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { makeSourceTree } from './source-tree.mjs';

/** So long without a new world, and the one under way is taken for one that never ends. */
const worldMaxMs = 40_000;

export async function huntMutant(edits, { seed, worlds, seconds }) {
  const folder = makeSourceTree(edits, ['test/mutants']);
  try {
    return await run([join(folder, 'test/mutants/engine-mutant-run.js'), seed, worlds, seconds].map(String));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function run(args) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let [stdout, stderr] = ['', ''];
    let isKilled = false;
    const kill = () => {
      isKilled = true;
      child.kill('SIGKILL');
    };
    let limit = setTimeout(kill, worldMaxMs);
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
      clearTimeout(limit);
      limit = setTimeout(kill, worldMaxMs);
    });
    child.stderr.on('data', (chunk) => (stderr += chunk));
    child.on('error', reject);
    child.on('close', (status) => {
      clearTimeout(limit);
      const last = stdout.trim().split('\n').at(-1) ?? '';
      const hang = { worlds: Number(last), verdicts: ['hang'], message: 'it never ends', seconds: worldMaxMs / 1000 };
      if (isKilled) resolve(hang);
      else if (status === 0) resolve(JSON.parse(last));
      else reject(new Error(`the worlds of a mutant ended with ${status}: ${stderr}`));
    });
  });
}
