// `npm run check`: everything that must hold before a change goes in, the quick and telling steps first. It stops at
// the first step that fails and shows what that step printed. The tests come last and have the last line.
import { spawnSync } from 'node:child_process';

const steps = ['format:check', 'lint', 'types', 'build', 'pack-check', 'knip', 'docs'];

for (const step of steps) {
  const started = performance.now();
  const { status, stdout, stderr } = spawnSync('npm', ['run', '--silent', step], { encoding: 'utf8' });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${step.padEnd(14)} ${status === 0 ? 'ok' : 'FAILED'} (${seconds} s)`);
  if (status !== 0) {
    console.log(`${stdout}${stderr}\nStopped at: npm run ${step}`);
    process.exit(1);
  }
}
process.exitCode = spawnSync('npm', ['test', '--silent'], { stdio: 'inherit' }).status ?? 1;
