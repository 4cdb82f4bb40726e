// Builds src into dist with tsc. With `--if-stale` it does nothing when dist is what the sources would give.
// tsc writes beside dist and the result is renamed into place, so that whoever reads dist meanwhile sees the old one
// or the new one whole, and a deleted source file leaves nothing behind.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');
const stamp = join(root, 'node_modules', '.cache', 'qanat', 'build.txt');
const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');

/** What a build depends on: every source file and the two files that say how to build, with size and time. */
function inputs() {
  const sources = readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  return [join(root, 'tsconfig.json'), join(root, 'package.json'), ...sources.toSorted()]
    .map((path) => `${path} ${statSync(path).size} ${statSync(path).mtimeMs}`)
    .join('\n');
}

function isFresh() {
  return existsSync(dist) && existsSync(stamp) && readFileSync(stamp, 'utf8') === inputs();
}

function build() {
  const before = inputs();
  const fresh = join(root, `.dist-${process.pid}`);
  const old = join(root, `.dist-${process.pid}-old`);
  const { status } = spawnSync(process.execPath, [tsc, '-p', root, '--outDir', fresh], { cwd: root, stdio: 'inherit' });
  rmSync(stamp, { force: true });
  if (existsSync(fresh)) {
    if (existsSync(dist)) renameSync(dist, old);
    renameSync(fresh, dist);
    rmSync(old, { recursive: true, force: true });
  }
  if (status === 0) {
    mkdirSync(dirname(stamp), { recursive: true });
    writeFileSync(stamp, before);
  }
  return status ?? 1;
}

if (!process.argv.includes('--if-stale') || !isFresh()) process.exitCode = build();
