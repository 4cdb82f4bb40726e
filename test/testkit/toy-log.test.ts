// The toy log of the document of the test kit is a file that runs, and the kit prints for it what the document says,
// byte for byte.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const example = fileURLToPath(new URL('../../docs/toy-log.mjs', import.meta.url));
const page = readFileSync(new URL('../../docs/testkit.md', import.meta.url), 'utf8');

test('the document has the toy log, byte for byte', () => {
  expect(page).toContain(`\`\`\`js\n${readFileSync(example, 'utf8')}\`\`\`\n`);
});

test('the kit prints for the toy log what the document says', () => {
  const printed = execFileSync(process.execPath, [example], { encoding: 'utf8' });
  expect(page).toContain(`\`\`\`\n${printed}\`\`\`\n`);
  expect(printed).toContain('P9 a trim is exact and for ever');
});
