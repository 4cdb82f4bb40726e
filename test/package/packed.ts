// The package as npm would install it: packed from dist and unpacked in the node_modules of a folder of its own, far
// from the development dependencies.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { root } from './source-file.ts';

let tarball: string | undefined;

/** Makes the project of a user who has installed the package and `alsoInstalled`, and returns its folder. */
export function installPackage(alsoInstalled: readonly string[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'qanat-user-'));
  const modules = join(folder, 'node_modules');
  mkdirSync(modules);
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module', private: true }));
  tarball ??= pack();
  execFileSync('tar', ['-xzf', tarball, '-C', modules]);
  renameSync(join(modules, 'package'), join(modules, 'qanat'));
  for (const name of alsoInstalled) {
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(join(root, 'node_modules', name), join(modules, name), 'dir');
  }
  return folder;
}

function pack(): string {
  const folder = mkdtempSync(join(tmpdir(), 'qanat-packed-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const args = ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder];
  return join(folder, execFileSync('npm', args, { cwd: root, encoding: 'utf8' }).trim());
}
