// The import bans of the linter are derived from the table of layers; this keeps the two the same.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { importBans, printBans } from './lint-bans.ts';
import { root } from './source-file.ts';

const bansPath = 'test/package/import-bans.json';
const folder = mkdtempSync(join(tmpdir(), 'qanat-lint-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('the linter bans what the table of layers bans (`npm run accept` writes the file anew)', () => {
  const expected = printBans(importBans());
  if (process.env['UPDATE'] === '1') writeFileSync(join(root, bansPath), expected);
  expect(readFileSync(join(root, bansPath), 'utf8')).toBe(expected);
});

it.each([
  ['src/store/file-object-store.ts', `export * from '../format/block.ts'`, 'no-restricted-imports'],
  ['src/store/deeper/file.ts', `export * from '../../format/block.ts'`, 'no-restricted-imports'],
  ['src/engine/stream-set.ts', `export * from '../index.ts'`, 'no-restricted-imports'],
  ['src/testkit/world.ts', `export * from '../base/runtime.ts'`, 'no-restricted-imports'],
  ['src/index.ts', `export * from './testkit/world.ts'`, 'no-restricted-imports'],
  ['src/store/file-object-store.ts', `export * from '@aws-sdk/client-s3'`, 'no-restricted-imports'],
  ['src/format/journal-record.ts', `export * from 'msgpackr'`, 'no-restricted-imports'],
  ['src/wal/file-wal.ts', `export * from 'node:timers/promises'`, 'no-restricted-imports'],
  ['src/wal/file-wal.ts', `export const a = Date.now()`, 'no-restricted-properties'],
  ['src/wal/file-wal.ts', `export const a = setTimeout(() => {}, 1)`, 'no-restricted-globals'],
  ['src/wal/file-wal.ts', `export const a = globalThis.performance`, 'no-restricted-globals'],
  ['src/wal/file-wal.ts', `export const a = process.env`, 'no-restricted-properties'],
  ['src/wal/file-wal.ts', `console.log('a')`, 'no-console'],
  ['src/wal/file-wal.ts', `export default 1`, 'no-default-export'],
  ['src/wal/file-wal.ts', `export type A = any`, 'no-explicit-any'],
])('the linter finds in %s: %s', (path, text, rule) => {
  expect(lint(path, text)).toContain(rule);
});

it.each([
  ['src/store/s3-object-store.ts', `export * from '@aws-sdk/client-s3'`],
  ['src/format/journal-record.ts', `export * from 'msgpackr/pack'`],
  ['src/stream/stream.ts', `export * from '../cache/tail-cache.ts'`],
  ['src/base/runtime.ts', `export const a = Date.now()`],
])('the linter lets pass in %s: %s', (path, text) => {
  expect(lint(path, text)).not.toContain('no-restricted');
});

/** Lints one file, in a folder of its own, under the configuration of the package. */
function lint(path: string, text: string): string {
  const place = mkdtempSync(join(folder, 'case-'));
  for (const name of ['.oxlintrc.json', bansPath]) write(join(place, name), readFileSync(join(root, name), 'utf8'));
  write(join(place, path), `${text}\n`);
  const oxlint = join(root, 'node_modules', 'oxlint', 'bin', 'oxlint');
  return spawnSync(process.execPath, [oxlint, '.'], { cwd: place, encoding: 'utf8' }).stdout;
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
