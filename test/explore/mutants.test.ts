// Every rule that is taken out is missed by a scope: one that finds nothing in a broken engine would prove nothing of a
// sound one. What it found, and after how many steps of which schedule, is printed.
import { expect, test } from 'vitest';
import { mutateSource } from '../mutants/mutated-source.ts';
import { scopeMutants } from './mutants.ts';

const limitMs = 100_000;

for (const { name, breaks, edits, scope } of scopeMutants)
  test(`the scope ${scope} finds ${name} (${breaks})`, async () => {
    const mutant = mutateSource(edits, ['test/explore', 'test/journal', 'test/mutants']);
    try {
      const run = await mutant.run('test/explore/explore-run.ts', ['--run', '60', scope], limitMs);
      const [counts, violation] = run.stdout.split('\n');
      process.stdout.write(`${name}: ${violation}; ${counts}\n${run.stderr}`);
      expect(run.status).toBe(1);
      expect(counts).toMatch(/, something is wrong$/);
    } finally {
      mutant.remove();
    }
  }, 120_000);
