// Which folder of src may import what: the one table behind the tidy test and the import bans in .oxlintrc.json.
// A folder imports itself, the folders named here, and the packages named here; nothing else.

export interface Layer {
  /** A folder of src, or a door (a file directly in src). */
  readonly name: string;
  /** Folders (or doors) of src that it may import. */
  readonly imports: readonly string[];
}

const belowWork = ['base', 'model', 'store', 'format', 'journal', 'catalog', 'wal', 'cache'];
const work = ['stream', 'upload', 'compaction', 'recovery', 'sweep'];

/** From the bottom up. The folders of `work` do not know each other; engine/ hands one to another. */
export const layers: readonly Layer[] = [
  { name: 'base', imports: [] },
  { name: 'model', imports: ['base'] },
  { name: 'store', imports: ['base', 'model'] },
  { name: 'format', imports: ['base', 'model'] },
  { name: 'journal', imports: ['base', 'model', 'store', 'format'] },
  { name: 'catalog', imports: ['base', 'model', 'format', 'journal'] },
  { name: 'wal', imports: ['base', 'model', 'store', 'format'] },
  { name: 'cache', imports: ['base', 'model', 'store', 'format'] },
  ...work.map((name) => ({ name, imports: belowWork })),
  { name: 'engine', imports: [...belowWork, ...work] },
  { name: 'index.ts', imports: [...belowWork, ...work, 'engine'] },
  { name: 's3.ts', imports: ['store'] },
  { name: 'testkit', imports: ['index.ts'] },
  { name: 'testkit.ts', imports: ['testkit'] },
  { name: 'kafka', imports: ['index.ts', 's3.ts'] },
  { name: 'kafka.ts', imports: ['kafka'] },
  {
    name: 'cli',
    imports: [...belowWork, ...work, 'engine', 'testkit', 'kafka', 'index.ts', 's3.ts', 'testkit.ts', 'kafka.ts'],
  },
];

/** The doors that exist: one for each subpath in package.json. A new door is added to both. */
export const doors: readonly string[] = ['src/index.ts', 'src/s3.ts', 'src/kafka.ts', 'src/testkit.ts'];

export interface PackageRule {
  /** Imports that the rule is about. */
  readonly specifier: RegExp;
  /** Source files that may have them. */
  readonly only: RegExp;
  readonly why: string;
}

/** Packages, and the built-in modules that have one place. An import that no rule names must be of `node:`. */
export const packageRules: readonly PackageRule[] = [
  { specifier: /^@aws-sdk\//, only: /^src\/store\/s3-[^/]*\.ts$/, why: 'the AWS SDK stays in src/store/s3-*' },
  { specifier: /^undici$/, only: /^src\/store\/s3-[^/]*\.ts$/, why: 'undici carries the requests of src/store/s3-*' },
  { specifier: /^fast-check$/, only: /^src\/testkit\//, why: 'fast-check is an optional peer of the test kit' },
  { specifier: /^lru-cache$/, only: /^src\/cache\//, why: 'lru-cache stays in src/cache' },
  { specifier: /^msgpackr\/(pack|unpack)$/, only: /^src\/format\//, why: 'msgpackr stays in src/format' },
  { specifier: /^msgpackr$/, only: /^$/, why: 'the main entry loads a native addon: msgpackr/pack or msgpackr/unpack' },
  { specifier: /^node:(net|http)$/, only: /^src\/kafka\//, why: 'sockets stay in src/kafka' },
  { specifier: /^prom-client$/, only: /^src\/kafka\//, why: 'prom-client stays in src/kafka' },
  { specifier: /^node:(timers(\/promises)?|perf_hooks)$/, only: /^src\/base\/runtime\.ts$/, why: 'use Runtime' },
];

/** Built-in modules that the test kit may use: it must run wherever a user's tests run. */
export const testkitBuiltins =
  /^node:(assert(\/strict)?|async_hooks|buffer|crypto|diagnostics_channel|events|fs(\/promises)?|os|path|url|util|zlib)$/;

/** Source files of more than 400 lines, each with the reason why it is not two files. */
export const longFiles: Readonly<Record<string, string>> = {};
