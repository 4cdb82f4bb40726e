// Every change of the public API is a change of a file in docs/api-report, so that a reviewer sees it.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { apiReport, readReport, reportPath } from './api-report.ts';
import { doors } from './layers.ts';

const folder = mkdtempSync(join(tmpdir(), 'qanat-api-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const names = doors.map((path) => path.replace('src/', '').replace('.ts', ''));

it.each(names)('the API of %s is as reported (`npm run accept` writes the report anew)', (door) => {
  const report = apiReport(door);
  if (process.env['UPDATE'] === '1') {
    mkdirSync(dirname(reportPath(door)), { recursive: true });
    writeFileSync(reportPath(door), report);
  }
  expect(report).toBe(readReport(door));
});

describe('the report', () => {
  const reportOn = (texts: Readonly<Record<string, string>>): string => {
    const dist = mkdtempSync(join(folder, 'dist-'));
    writeFileSync(join(dist, 'package.json'), '{ "type": "module" }');
    for (const [name, text] of Object.entries(texts)) writeFileSync(join(dist, name), text);
    return apiReport('index', dist);
  };
  const index = `export { open } from './stream.ts'`;
  const stream = `import type { Options } from './options.ts'
    /** Opens. */
    export declare function open(options: Options): Promise<void>
    export declare function notExported(): void`;
  const options = `export interface Options { size: number }
    export interface Unreachable { a: number }`;

  it('has what is exported and what can be reached from there, and nothing else', () => {
    expect(reportOn({ 'index.d.ts': index, 'stream.d.ts': stream, 'options.d.ts': options }).split('\n')).toEqual([
      '// index exports:',
      '//   open',
      '',
      '// options.d.ts',
      'export interface Options {',
      '    size: number;',
      '}',
      '',
      '// stream.d.ts',
      'export declare function open(options: Options): Promise<void>;',
      '',
    ]);
  });

  it('changes when a type behind an export changes', () => {
    const files = { 'index.d.ts': index, 'stream.d.ts': stream, 'options.d.ts': options };
    const changed = { ...files, 'options.d.ts': options.replace('size: number', 'size?: number') };
    expect(reportOn(changed)).not.toBe(reportOn(files));
  });
});
