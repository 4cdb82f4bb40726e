// Runs once before all tests: makes dist fresh, because some tests run the package as its users get it.
// A type error does not stop the tests (tsc still writes the files): it fails `npm run types` and `npm run build`.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export function setup(): void {
  const script = fileURLToPath(new URL('build.mjs', import.meta.url));
  const { status, stdout } = spawnSync(process.execPath, [script, '--if-stale'], { encoding: 'utf8' });
  if (status === 0) return;
  const dist = fileURLToPath(new URL('../dist', import.meta.url));
  if (!existsSync(dist)) throw new Error(`the build failed and wrote nothing:\n${stdout}`);
  process.stdout.write(`The build reported errors; tests run on what it wrote.\n${stdout}\n`);
}
