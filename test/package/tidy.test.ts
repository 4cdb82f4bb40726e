// A test about the source itself: the rules that docs/contributing.md gives in prose. Each rule is first shown a text
// that breaks it, because a rule that cannot fail guards nothing; then it is run on src.
import { describe, expect, it } from 'vitest';
import packageManifest from '../../package.json' with { type: 'json' };
import { doors, layers, longFiles } from './layers.ts';
import { parse, readSource } from './source-file.ts';
import {
  doorsAreLists,
  importsPointDown,
  kafkaWordsInKafka,
  namesThatSay,
  noConsole,
  noCycles,
  noEnvironment,
  packagesInTheirPlace,
  plainTypeScript,
  reachable,
  readable,
  type Rule,
  useRuntime,
} from './tidy.ts';

type Files = Readonly<Record<string, string>>;

interface Trial {
  readonly title: string;
  readonly rule: Rule;
  /** Each is a tiny source tree that breaks the rule. */
  readonly bad: readonly Files[];
  /** Each comes near to breaking it. */
  readonly good: readonly Files[];
}

const a = 'src/wal/a.ts';
const onlyA = (...texts: string[]): readonly Files[] => texts.map((text) => ({ [a]: text }));
const twoFiles = (from: string, text: string, to: string): Files => ({ [from]: text, [to]: '' });
const longText = `// Long.\n${'// And longer.\n'.repeat(400)}`;

const trials: readonly Trial[] = [
  {
    title: 'imports point down, and name the file',
    rule: importsPointDown,
    bad: [
      twoFiles(a, `import { b } from '../engine/b.ts'`, 'src/engine/b.ts'),
      twoFiles(a, `import type { B } from '../engine/b.ts'`, 'src/engine/b.ts'),
      twoFiles(a, `export { b } from '../engine/b.ts'`, 'src/engine/b.ts'),
      twoFiles(a, `export type B = import('../engine/b.ts').B`, 'src/engine/b.ts'),
      twoFiles(a, `export const b = () => import('../engine/b.ts')`, 'src/engine/b.ts'),
      twoFiles('src/upload/a.ts', `import { b } from '../sweep/b.ts'`, 'src/sweep/b.ts'),
      twoFiles('src/testkit/a.ts', `import { b } from '../wal/b.ts'`, 'src/wal/b.ts'),
      twoFiles('src/index.ts', `export { b } from './testkit/b.ts'`, 'src/testkit/b.ts'),
      twoFiles(a, `import { b } from './b.js'`, 'src/wal/b.ts'),
      twoFiles('src/elsewhere/a.ts', '', 'src/wal/b.ts'),
    ],
    good: [
      twoFiles(a, `import { b } from './b.ts'`, 'src/wal/b.ts'),
      twoFiles(a, `import { b } from '../base/b.ts'`, 'src/base/b.ts'),
      twoFiles(a, `// import { b } from '../engine/b.ts'`, 'src/engine/b.ts'),
      twoFiles('src/testkit/deep/a.ts', `import { b } from '../../index.ts'`, 'src/index.ts'),
    ],
  },
  {
    title: 'no file imports itself in the end',
    rule: noCycles,
    bad: [
      { [a]: `import './b.ts'`, 'src/wal/b.ts': `import './c.ts'`, 'src/wal/c.ts': `import './a.ts'` },
      { [a]: `import type { B } from './b.ts'`, 'src/wal/b.ts': `export { a } from './a.ts'` },
    ],
    good: [{ [a]: `import './b.ts'; import './c.ts'`, 'src/wal/b.ts': `import './c.ts'`, 'src/wal/c.ts': '' }],
  },
  {
    title: 'packages stay in their place',
    rule: packagesInTheirPlace,
    bad: [
      ...onlyA(
        `import { S3Client } from '@aws-sdk/client-s3'`,
        `const load = () => import('@aws-sdk/client-s3')`,
        `import { LRUCache } from 'lru-cache'`,
        `import { pack } from 'msgpackr/pack'`,
        `import { connect } from 'node:net'`,
        `import { setTimeout as sleep } from 'node:timers/promises'`,
        `import { performance } from 'node:perf_hooks'`,
        `import { readFile } from 'fs'`,
        `import pg from 'pg'`,
        `import { StreamSet } from 'qanat'`,
        `const pg = require('pg')`,
      ),
      { 'src/store/file-object-store.ts': `import { S3Client } from '@aws-sdk/client-s3'` },
      { 'src/format/block.ts': `import { pack } from 'msgpackr'` },
      { 'src/testkit/history.ts': `import fc from 'fast-check'` },
      { 'src/testkit/history.ts': `import { createServer } from 'node:http'` },
    ],
    good: [
      ...onlyA(`import { open } from 'node:fs/promises'`, `const text = "import pg from 'pg'"`),
      { 'src/store/s3-object-store.ts': `import { S3Client } from '@aws-sdk/client-s3'` },
      { 'src/format/block.ts': `import { pack } from 'msgpackr/pack'` },
      { 'src/cache/block-cache.ts': `import { LRUCache } from 'lru-cache'` },
      { 'src/testkit/history.ts': `import type fc from 'fast-check'; const load = () => import('fast-check')` },
      { 'src/testkit/history.ts': `import assert from 'node:assert/strict'` },
    ],
  },
  {
    title: 'time and chance come from the Runtime',
    rule: useRuntime,
    bad: onlyA(
      `const t = Date.now()`,
      `const t = globalThis.Date.now()`,
      `const t = new Date()`,
      `const t = Date()`,
      `const t = performance.now()`,
      `const t = globalThis.performance.now()`,
      `const t = process.hrtime.bigint()`,
      `const t = process['hrtime']()`,
      `setTimeout(() => {}, 1)`,
      `globalThis.setTimeout(() => {}, 1)`,
      `setInterval(() => {}, 1)`,
      `setImmediate(() => {})`,
      `const later = setTimeout`,
      `const r = Math.random()`,
      `const r = crypto.randomUUID()`,
      `const r = crypto.getRandomValues(new Uint8Array(1))`,
      `import { randomBytes } from 'node:crypto'`,
      `import { randomInt as draw } from 'node:crypto'`,
      `const s = AbortSignal.timeout(1)`,
      `const { random } = Math`,
    ),
    good: [
      ...onlyA(
        `queueMicrotask(() => {})`,
        `// Date.now() is not for here.`,
        `const text = 'Date.now()'`,
        `const t = this.#runtime.clock.now()`,
        `const r = runtime.random.randomBytes(3)`,
        `interface Timers { setTimeout(run: () => void): void }`,
        `import { createHash } from 'node:crypto'`,
      ),
      { 'src/base/runtime.ts': `const t = Date.now()` },
    ],
  },
  {
    title: 'the environment is read by programs only',
    rule: noEnvironment,
    bad: onlyA(`const e = process.env`, `const e = process['env']['A']`, `import { env } from 'node:process'`),
    good: [{ 'src/cli/qanat.ts': `const e = process.env` }, ...onlyA(`const e = process.pid`)],
  },
  {
    title: 'the library never logs',
    rule: noConsole,
    bad: onlyA(`console.log('a')`, `const { log } = console`),
    good: [{ 'src/cli/qanat.ts': `console.log('a')` }, ...onlyA(`const a = this.console`)],
  },
  {
    title: 'no default exports, no enums, no any, no switched-off compiler',
    rule: plainTypeScript,
    bad: onlyA(
      `export default 1`,
      `export default class A {}`,
      `const b = 1; export { b as default }`,
      `enum A { B }`,
      `const b: any = 1`,
      `const b = 1 as any`,
      `// @ts-expect-error`,
    ),
    good: onlyA(`switch (b) { default: }`, `const any = 1`, `// any`),
  },
  {
    title: 'files say what they are, lines fit, nothing is left for later, long files have a reason',
    rule: readable({ 'src/wal/long.ts': 'one table', 'src/wal/gone.ts': 'one table' }),
    bad: [
      ...onlyA(`import './b.ts'`, `// ${'x'.repeat(118)}`, `// TODO: this`, longText, `// A.\nconst b = 1 // FIXME`),
      { 'src/wal/long.ts': '// Short by now.' },
      {},
    ],
    good: [],
  },
  {
    title: 'long files with a reason pass',
    rule: readable({ 'src/wal/long.ts': 'one table' }),
    bad: [],
    good: [
      { 'src/wal/long.ts': longText, [a]: `// ${'x'.repeat(117)}` },
      { 'src/wal/long.ts': longText, [a]: `/** A. */` },
    ],
  },
  {
    title: 'names say what a thing does',
    rule: namesThatSay,
    bad: [
      { 'src/wal/wal-utils.ts': '' },
      { 'src/wal/base-wal.ts': '' },
      { 'src/wal/WalFile.ts': '' },
      ...onlyA(
        `export class WalManager {}`,
        `export class BaseWal {}`,
        `export class DefaultWal {}`,
        `export function readHelper(): void {}`,
        `export interface WalImpl {}`,
        `export const walUtil = 1`,
      ),
    ],
    good: [
      { 'src/base/assert.ts': '' },
      { 'src/format/data-object.ts': '' },
      ...onlyA(`export class Wal {}`, `export const utility = 1`, `export interface Implied {}`),
    ],
  },
  {
    title: 'doors are lists of names',
    rule: doorsAreLists(['src/index.ts']),
    bad: [
      { 'src/index.ts': `export * from './wal/a.ts'` },
      { 'src/index.ts': `export * as wal from './wal/a.ts'` },
      { 'src/index.ts': `export const b = 1` },
      { 'src/index.ts': `import './wal/a.ts'` },
      { 'src/index.ts': '', 'src/other.ts': '' },
      {},
    ],
    good: [{ 'src/index.ts': `// A.\nexport { b } from './wal/a.ts'\nexport type { C } from './wal/a.ts'\nexport {}` }],
  },
  {
    title: 'every file can be reached from a door',
    rule: reachable(['src/index.ts']),
    bad: [{ 'src/index.ts': `export { b } from './wal/b.ts'`, 'src/wal/b.ts': '', [a]: `import './b.ts'` }],
    good: [
      { 'src/index.ts': `export { b } from './wal/b.ts'`, 'src/wal/b.ts': `import type { A } from './a.ts'`, [a]: '' },
    ],
  },
  {
    title: "Kafka's words stay in kafka/",
    rule: kafkaWordsInKafka,
    bad: onlyA(`const topicName = 1`, `class KafkaBroker {}`, `// One partition.`, `const consumerGroup = 1`),
    good: [{ 'src/kafka/broker.ts': `const topic = 1` }, ...onlyA(`// A network partition.`, `const tropical = 1`)],
  },
];

describe.each(trials)('$title', ({ rule, bad, good }) => {
  const findings = (files: Files): readonly string[] => {
    return rule(Object.entries(files).map(([path, text]) => parse(path, text)));
  };

  it.each(bad.map((files) => [files]))('finds %o', (files) => expect(findings(files)).not.toEqual([]));
  it.each(good.map((files) => [files]))('lets pass %o', (files) => expect(findings(files)).toEqual([]));
});

describe('the source', () => {
  const source = readSource();
  const rules: Readonly<Record<string, Rule>> = {
    'has imports that point down, and name the file': importsPointDown,
    'has no import cycle': noCycles,
    'keeps packages in their place': packagesInTheirPlace,
    'takes time and chance from the Runtime': useRuntime,
    'reads no environment': noEnvironment,
    'never logs': noConsole,
    'is plain TypeScript': plainTypeScript,
    'is readable': readable(longFiles),
    'has names that say what a thing does': namesThatSay,
    'has doors that are lists of names': doorsAreLists(doors),
    'can be reached from the doors': reachable(doors),
    "keeps Kafka's words in kafka/": kafkaWordsInKafka,
  };

  it.each(Object.entries(rules))('%s', (_, rule) => expect(rule(source)).toEqual([]));

  it('has a door for each subpath of the package', () => {
    const subpaths = Object.values(packageManifest.exports).flatMap((target) =>
      typeof target === 'string' ? [] : [target.default.replace('./dist/', 'src/').replace('.js', '.ts')],
    );
    expect(doors).toEqual(subpaths);
  });
});

describe('the table of layers', () => {
  it('is in order: what a layer imports stands above it', () => {
    const names = layers.map(({ name }) => name);
    const wrong = layers.flatMap(({ name, imports }, place) => {
      return imports.filter((other) => !names.slice(0, place).includes(other)).map((other) => `${name} -> ${other}`);
    });
    expect(wrong).toEqual([]);
  });
});
