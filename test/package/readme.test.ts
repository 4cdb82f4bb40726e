// The example in the README is the file that `npm run example` runs, byte for byte, and that file does run.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { root } from './source-file.ts';

const example = join(root, 'docs', 'quickstart.mjs');

it('the README has the quickstart, byte for byte', () => {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  expect(readme).toContain(`\`\`\`js\n${readFileSync(example, 'utf8')}\`\`\`\n`);
});

it('the quickstart runs', () => {
  expect(execFileSync(process.execPath, [example], { cwd: root, encoding: 'utf8' })).not.toBe('');
});
