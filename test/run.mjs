// `npm test`: runs vitest and says last of all what came of it: a line `N skipped: why` for each reason, then
// `N passed, N failed`. The line is printed here, after vitest has ended, so that nothing can follow it, and so that
// it is there, with a failure in it, when vitest itself falls over.
// Arguments are handed to vitest: `npm test -- test/base`, `npm test -- -t 'a reader sees'`.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
const folder = mkdtempSync(join(tmpdir(), 'qanat-test-'));
const summaryFile = join(folder, 'summary.json');

const given = process.argv.slice(2);
const config = given.includes('--config') ? [] : ['--config', join(root, 'test', 'vitest.config.ts')];
const { status } = spawnSync(process.execPath, [vitest, 'run', ...config, ...given], {
  cwd: root,
  env: { ...process.env, TEST_SUMMARY_FILE: summaryFile },
  stdio: 'inherit',
});

const nothingSaid = '{ "passed": 0, "failed": 0, "skipped": [] }';
const summary = JSON.parse(existsSync(summaryFile) ? readFileSync(summaryFile, 'utf8') : nothingSaid);
let { failed } = summary;
rmSync(folder, { recursive: true, force: true });

if (failed === 0 && status !== 0) {
  console.log(`vitest ended with ${status ?? 'a signal'} though no test failed: that counts as one failure`);
  failed = 1;
}
for (const { count, reason } of summary.skipped) console.log(`${count} skipped: ${reason}`);
console.log(`${summary.passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
