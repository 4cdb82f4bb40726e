// The example in the README is the file that `npm run example` runs, byte for byte, and that file does run.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { root } from './source-file.ts';

const example = join(root, 'docs', 'quickstart.mjs');

it('the README has the quickstart, byte for byte', () => {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  expect(readme).toContain(`\`\`\`js\n${readFileSync(example, 'utf8')}\`\`\`\n`);
});

it('the quickstart prints what the README says, and a second run finds what the first left', () => {
  const place = mkdtempSync(join(tmpdir(), 'qanat-quickstart-'));
  try {
    const run = (): string => execFileSync(process.execPath, [example], { cwd: place, encoding: 'utf8' });
    expect(readFileSync(join(root, 'README.md'), 'utf8')).toContain(`\`\`\`\n${run()}\`\`\`\n`);
    expect(run()).toContain('opened again: 6 batches, up to offset 6');
  } finally {
    rmSync(place, { recursive: true });
  }
});
