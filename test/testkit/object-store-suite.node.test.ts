// The suite as users run it: from the built package, under node's own runner.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

test('the object store suite passes under node:test, from the built package', () => {
  const dist = new URL('../../dist', import.meta.url);
  if (!existsSync(fileURLToPath(dist))) {
    spawnSync(process.execPath, [fileURLToPath(new URL('../build.mjs', import.meta.url))], { stdio: 'inherit' });
  }
  const file = fileURLToPath(new URL('object-store-suite.node-test.mjs', import.meta.url));
  const env = { ...process.env, QANAT_DIST: dist.href, NODE_OPTIONS: '' };
  const run = spawnSync(process.execPath, ['--test', '--test-reporter=tap', file], { encoding: 'utf8', env });
  expect(run.status, run.stdout + run.stderr).toBe(0);
  expect(Number(/^# pass (\d+)$/m.exec(run.stdout)?.[1])).toBeGreaterThan(80);
  expect(/^# fail (\d+)$/m.exec(run.stdout)?.[1]).toBe('0');
});
