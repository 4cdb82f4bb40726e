// The last line of a test run must be true. Each case is a tiny project in a folder of its own, run the way
// `npm test` runs this one: a file with tests, our reporter, run.mjs around it.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'qanat-reporter-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let projectCount = 0;

/** Runs a project made of `files` and returns its last lines and its exit code. */
function run(files: Record<string, string>, ...args: string[]): { lines: string[]; status: number | null } {
  const project = join(folder, `project-${projectCount++}`);
  mkdirSync(project);
  symlinkSync(join(root, 'node_modules'), join(project, 'node_modules'), 'dir');
  const config = join(project, 'vitest.config.ts');
  const reporter = join(root, 'test', 'reporter.ts');
  writeFileSync(
    config,
    `import { SummaryReporter } from ${JSON.stringify(reporter)}
     export default { root: ${JSON.stringify(project)}, test: { reporters: ['default', new SummaryReporter()] } }`,
  );
  for (const [name, text] of Object.entries(files)) writeFileSync(join(project, name), text);
  const child = spawnSync(process.execPath, [join(root, 'test', 'run.mjs'), '--config', config, ...args], {
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  });
  return { lines: `${child.stderr}${child.stdout}`.trimEnd().split('\n'), status: child.status };
}

const passing = `import { it } from 'vitest'\nit('is well', () => {})\n`;

describe('the last line of a test run', () => {
  it('counts what passed', () => {
    const { lines, status } = run({ 'a.test.ts': passing });
    expect(lines.at(-1)).toBe('1 passed, 0 failed');
    expect(status).toBe(0);
  });

  it('counts what failed', () => {
    const { lines, status } = run({
      'a.test.ts': `${passing}it('is not', () => { throw new Error('no') })\n`,
    });
    expect(lines.at(-1)).toBe('1 passed, 1 failed');
    expect(status).toBe(1);
  });

  it('counts a file that cannot be imported as a failure', () => {
    const { lines, status } = run({ 'a.test.ts': passing, 'b.test.ts': `import './absent.ts'\n${passing}` });
    expect(lines.at(-1)).toBe('1 passed, 1 failed');
    expect(status).toBe(1);
  });

  it('counts a hook that throws as a failure', () => {
    const text = `import { beforeAll, describe, it } from 'vitest'
      describe('with a bad hook', () => { beforeAll(() => { throw new Error('no') }); it('never runs', () => {}) })`;
    const { lines, status } = run({ 'a.test.ts': text });
    expect(lines.at(-1)).toMatch(/^0 passed, [1-9]\d* failed$/);
    expect(status).toBe(1);
  });

  it('counts an unhandled rejection as a failure', () => {
    const text = `import { it } from 'vitest'\nit('is well', () => { void Promise.reject(new Error('late')) })\n`;
    const { lines, status } = run({ 'a.test.ts': text });
    expect(lines.at(-1)).toBe('1 passed, 1 failed');
    expect(status).toBe(1);
  });

  it('counts a process that dies as a failure', () => {
    const text = `import { it } from 'vitest'\nit('dies', () => { process.kill(process.pid, 'SIGKILL') })\n`;
    const { lines, status } = run({ 'a.test.ts': text });
    expect(lines.at(-1)).toMatch(/^0 passed, [1-9]\d* failed$/);
    expect(status).toBe(1);
  });

  it.each([
    ['no file at all', {}, []],
    ['a file without a test', { 'a.test.ts': 'export {}\n' }, []],
    ['a name filter that selects nothing', { 'a.test.ts': passing }, ['-t', 'no such name']],
  ])('counts an empty run as a failure: %s', (_, files, args) => {
    const { lines, status } = run(files, ...args);
    expect(lines.at(-1)).toBe('0 passed, 1 failed');
    expect(status).toBe(1);
  });

  it('counts a reporter that never spoke as a failure', () => {
    const { lines, status } = run({ 'a.test.ts': passing }, '--no-such-option-of-vitest');
    expect(lines.at(-1)).toBe('0 passed, 1 failed');
    expect(status).toBe(1);
  });

  it('comes after one line for each reason why tests were skipped', () => {
    const text = `import { describe, it } from 'vitest'
      it('is well', () => {})
      it('a', (ctx) => ctx.skip('the moon is not full'))
      it('b', (ctx) => ctx.skip('the moon is not full'))
      it('c', (ctx) => ctx.skip('the moon is not full'))
      describe.skipIf(true)('with a bucket (needs S3_ENDPOINT)', () => { it('d', () => {}); it('e', () => {}) })
      it.todo('f')`;
    const { lines, status } = run({ 'a.test.ts': text });
    expect(lines.slice(-4)).toEqual([
      '3 skipped: the moon is not full',
      '2 skipped: needs S3_ENDPOINT',
      '1 skipped: no reason given',
      '1 passed, 0 failed',
    ]);
    expect(status).toBe(0);
  });
});
