// What a user gets by the package's own name, seen from processes of their own: what can be imported and required, and
// what is loaded with it.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import packageManifest from '../../package.json' with { type: 'json' };
import { root } from './source-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'qanat-exports-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What each subpath may load from node_modules. */
const mayLoad: Readonly<Record<string, readonly (string | RegExp)[]>> = {
  qanat: ['lru-cache'],
  'qanat/s3': ['undici', 'tslib', /^@(aws|aws-sdk|aws-crypto|smithy)\//],
  'qanat/kafka': ['lru-cache'],
  'qanat/testkit': ['lru-cache'],
};

const names = Object.keys(packageManifest.exports)
  .filter((subpath) => subpath !== './package.json')
  .map((subpath) => subpath.replace('.', 'qanat'));

describe.each(names)('%s', (name) => {
  it('can be imported and required, and both give the same names', () => {
    const imported = run('module', `console.log(JSON.stringify(Object.keys(await import('${name}'))))`);
    const required = run('commonjs', `console.log(JSON.stringify(Object.keys(require('${name}'))))`);
    expect(JSON.parse(required)).toEqual(JSON.parse(imported));
  });

  it('loads only the packages that it may, and no native addon', () => {
    const { files, addons } = loadedBy(name);
    const packages = new Set(files.map((file) => /.*\/node_modules\/((@[^/]+\/)?[^/]+)/.exec(file)?.[1]));
    expect(files.some((file) => file.includes('/dist/'))).toBe(true);
    expect(addons).toEqual([]);
    const allowed = mayLoad[name] ?? [];
    const may = (found: string): boolean =>
      allowed.some((one) => (typeof one === 'string' ? one === found : one.test(found)));
    expect([...packages].filter((found) => found !== undefined && !may(found))).toEqual([]);
  });
});

it('qanat/package.json can be imported', () => {
  const text = `import m from 'qanat/package.json' with { type: 'json' }; console.log(m.name)`;
  expect(run('module', text).trim()).toBe('qanat');
});

it.each(['qanat/dist/index.js', 'qanat/engine'])('nothing else can: %s', (name) => {
  const text = `console.log(await import('${name}').catch((error) => error.code))`;
  expect(run('module', text).trim()).toBe('ERR_PACKAGE_PATH_NOT_EXPORTED');
});

it('what loads too much would be seen', () => {
  expect(loadedBy('fast-check').files.some((file) => file.includes('/node_modules/fast-check/'))).toBe(true);
  expect(loadedBy('vitest/node').addons).not.toEqual([]);
});

/** Runs a program that finds `qanat` by self-reference, and returns what it printed. */
function run(inputType: 'module' | 'commonjs', text: string, ...options: readonly string[]): string {
  const args = ['--no-warnings', ...options, `--input-type=${inputType}`, '-e', text];
  return execFileSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
}

/** Every file that `import name` loads, and the native addons among what the process has mapped. */
function loadedBy(name: string): { files: readonly string[]; addons: readonly string[] } {
  const log = join(folder, `${name.replaceAll('/', '-')}.txt`);
  const hooks = join(folder, 'hooks.mjs');
  const register = join(folder, 'register.mjs');
  writeFileSync(log, '');
  writeFileSync(
    hooks,
    `import { appendFileSync } from 'node:fs'
     export const initialize = (log) => { globalThis.log = log }
     export async function load(url, context, next) {
       appendFileSync(globalThis.log, url + '\\n')
       return next(url, context)
     }`,
  );
  writeFileSync(
    register,
    `import { register } from 'node:module'
     register(${JSON.stringify(pathToFileURL(hooks))}, { data: ${JSON.stringify(log)} })`,
  );
  const text = `
    await import('${name}')
    const { createRequire } = await import('node:module')
    process.report.excludeNetwork = true
    const { sharedObjects } = process.report.getReport()
    const required = Object.keys(createRequire(process.cwd() + '/x.js').cache)
    console.log(JSON.stringify({ required, addons: sharedObjects.filter((path) => path.endsWith('.node')) }))`;
  const { required, addons } = JSON.parse(run('module', text, '--import', register)) as Record<string, string[]>;
  const imported = readFileSync(log, 'utf8').split('\n').filter(Boolean);
  return { files: [...imported, ...(required ?? [])], addons: addons ?? [] };
}
