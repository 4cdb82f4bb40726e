// The log suite as users run it: from the built package, under node's own runner.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

test('the log suite passes under node:test, from the built package', () => {
  const file = fileURLToPath(new URL('log-suite.node-test.mjs', import.meta.url));
  const env = { ...process.env, QANAT_DIST: new URL('../../dist', import.meta.url).href, NODE_OPTIONS: '' };
  const run = spawnSync(process.execPath, ['--test', '--test-reporter=tap', file], { encoding: 'utf8', env });
  expect(run.status, run.stdout + run.stderr).toBe(0);
  expect(numberOf('pass')).toBeGreaterThanOrEqual(35);
  expect(numberOf('fail')).toBe(0);
  // What a driver does not have is said: tests about it are skipped, with the reason.
  expect(numberOf('skipped')).toBe(11);
  expect(run.stdout).toContain('# SKIP the driver has no usurp');
  expect(run.stdout).toMatch(/# left out, for the driver has no appendAll, no appendAt, .*no usurp/);

  function numberOf(what: string): number {
    return Number(new RegExp(`^# ${what} (\\d+)$`, 'm').exec(run.stdout)?.[1]);
  }
});
