// The documents say what is so: their links lead somewhere, their tables agree with the source, the rules that they cite
// exist, and their examples are run as a user would run them.
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, normalize, posix } from 'node:path';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resolveSettings } from '../../src/engine/settings.ts';
import * as qanat from '../../src/index.ts';
import * as kafka from '../../src/kafka.ts';
import { qanatError, qanatErrorCodes, type QanatErrorCode } from '../../src/model/errors.ts';
import * as limits from '../../src/model/limits.ts';
import * as s3 from '../../src/s3.ts';
import * as testkit from '../../src/testkit.ts';
import { anchorsOf, blocksOf, citedRules, linksOf, tableOf, wordsOf, type Block } from './markdown.ts';
import { parse, root } from './source-file.ts';

const texts = new Map(documentPaths().map((path) => [path, readFileSync(join(root, path), 'utf8')]));
const textOf = (path: string): string => texts.get(path) ?? '';

/** Paths of all documents, from the root of the package. What programs write is left out. */
function documentPaths(): readonly string[] {
  const below = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .map((name) => posix.join('docs', name.replaceAll('\\', '/')))
    .filter((path) => path.endsWith('.md') && !/^docs\/(api|api-report)\//.test(path));
  return ['README.md', ...below.toSorted()];
}

describe.each([...texts.keys()])('%s', (path) => {
  it('has links that lead somewhere', () => {
    const broken = linksOf(textOf(path)).filter((link) => {
      if (/^https?:/.test(link)) return false;
      const [file = '', anchor] = link.split('#');
      const target = file === '' ? path : normalize(join(dirname(path), file)).replaceAll('\\', '/');
      if (!existsSync(join(root, target))) return true;
      return anchor !== undefined && !anchorsOf(textOf(target)).includes(anchor);
    });
    expect(broken).toEqual([]);
  });

  it('speaks of the project only', () => {
    const machine = /(?:^|[\s"'`(])(?:\/(?:work|root|home|tmp|Users|var|mnt)\/|[A-Z]:\\)\S*/gm;
    const later = /\b(?:TODO|FIXME|TBD|WIP)\b|(?:^|\s)#\d+\b/gm;
    const found = [machine, later].flatMap((pattern) => textOf(path).match(pattern) ?? []);
    expect(found).toEqual([]);
  });

  it('cites rules that exist', () => {
    const stated = new Set(textOf('docs/invariants.md').match(/(?<=^\*\*)[IRJWSO]\d+(?= )/gm));
    expect(stated.size).toBeGreaterThan(30);
    expect(citedRules(textOf(path)).filter((rule) => !stated.has(rule))).toEqual([]);
  });

  it('imports in its examples what there is', () => {
    const doors: Readonly<Record<string, object>> = {
      qanat,
      'qanat/s3': s3,
      'qanat/kafka': kafka,
      'qanat/testkit': testkit,
    };
    const imports = blocksOf(textOf(path)).flatMap(({ text }) => [
      ...text.matchAll(/import \{([^}]*)\} from '(qanat[^']*)'/g),
    ]);
    const missing = imports.flatMap(([, names = '', door = '']) =>
      wordsOf(names).filter((name) => !(name in (doors[door] ?? {}))),
    );
    expect(missing).toEqual([]);
  });
});

describe('the examples', () => {
  const blocks = [...texts].flatMap(([path, text]) =>
    blocksOf(text)
      .filter(({ language, text: code }) => language === 'js' && code.includes('qanat'))
      .map((block) => ({ ...block, title: `${path}:${block.line}` })),
  );
  let folder = '';

  // A user's project: the package and the tools it needs are in its node_modules.
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'qanat-docs-'));
    mkdirSync(join(folder, 'node_modules'));
    symlinkSync(root, join(folder, 'node_modules', 'qanat'), 'junction');
    for (const tool of ['vitest', 'fast-check']) {
      symlinkSync(join(root, 'node_modules', tool), join(folder, 'node_modules', tool), 'junction');
    }
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('are many', () => {
    expect(blocks.filter(({ marks }) => marks.includes('run')).length).toBeGreaterThanOrEqual(8);
  });

  it.each(blocks.filter(({ marks }) => !marks.includes('run')))('$title can be parsed', (block) => {
    expect(runNode(['--check', fileOf(block)])).toMatchObject({ status: 0 });
  });

  it.each(blocks.filter(({ marks }) => marks.includes('run') && !marks.includes('vitest')))(
    '$title runs',
    { timeout: 120_000 },
    (block) => {
      expect(runNode([fileOf(block)])).toMatchObject({ status: 0, stderr: '' });
    },
  );

  it.each(blocks.filter(({ marks }) => marks.includes('vitest')))('$title runs', { timeout: 120_000 }, (block) => {
    const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
    const { status, output } = runNode([vitest, 'run', '--testTimeout=60000', '--root', folder, fileOf(block)]);
    expect(output).toMatch(/Tests .*\d passed/);
    expect(status).toBe(0);
  });

  function fileOf({ title, text, marks }: Block & { readonly title: string }): string {
    const name = title.replaceAll(/[^a-z0-9]+/gi, '-');
    const path = join(folder, `${name}${marks.includes('vitest') ? '.test' : ''}.mjs`);
    writeFileSync(path, text);
    return path;
  }

  /** Runs Node in the project. What npm and the runner of these tests have set is left out. */
  function runNode(args: readonly string[]): { status: number | null; stderr: string; output: string } {
    const inherited = Object.entries(process.env).filter(([name]) => !/^(NODE_|VITEST|npm_)/.test(name));
    const env = { ...Object.fromEntries(inherited), NO_COLOR: '1' };
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: folder, env, encoding: 'utf8' });
    return { status, stderr, output: stdout + stderr };
  }
});

describe('docs/errors.md', () => {
  const rows = tableOf(textOf('docs/errors.md'), 'Code');

  it('has one row for each code, in the order of the source', () => {
    expect(rows.map((row) => wordsOf(row['Code'])[0])).toEqual(qanatErrorCodes);
  });

  it.each(rows.map((row) => [row['Code'] ?? '', row] as const))('tells what %s is', (_, row) => {
    const code = wordsOf(row['Code'])[0] as QanatErrorCode;
    const { action, outcome } = qanatError(code, '', {} as never);
    expect({ action: wordsOf(row['Action']), outcome: wordsOf(row['Outcome']) }).toEqual({
      action: [action],
      outcome: [outcome],
    });
    expect(wordsOf(row['Facts'])).toEqual(membersOf('src/model/errors.ts', 'QanatErrorFacts').get(code));
    for (const column of ['When', 'What to do', 'Example']) expect(row[column]?.length).toBeGreaterThan(0);
  });

  it('names all actions', () => {
    const named = tableOf(textOf('docs/errors.md'), 'Action').flatMap((row) => wordsOf(row['Action']));
    expect(named).toEqual(unionOf('src/model/errors.ts', 'ErrorAction'));
  });
});

describe('docs/events.md', () => {
  const rows = tableOf(textOf('docs/events.md'), 'Event');
  const events = membersOf('src/model/events.ts', 'QanatEvents');

  it('has one row for each event, with its facts, in the order of the source', () => {
    const told = rows.map((row) => [wordsOf(row['Event'])[0], wordsOf(row['Facts'])]);
    expect(told).toEqual([...events]);
  });
});

describe('docs/operations.md', () => {
  const rows = tableOf(textOf('docs/operations.md'), 'Setting');
  const settings = resolveSettings();
  const memoryMost = Number(rows.find((row) => row['Setting'] === '`memoryMaxBytes`')?.['Most']);

  it('has one row for each setting, with its default', () => {
    const told = Object.fromEntries(rows.map((row) => [wordsOf(row['Setting'])[0], Number(row['Default'])]));
    expect(told).toEqual(settings);
  });

  it.each(rows.map((row) => [row['Setting'] ?? '', row] as const))('gives the bounds of %s', (_, row) => {
    const name = wordsOf(row['Setting'])[0] as string;
    const [least, most] = [Number(row['Least']), Number(row['Most'])];
    const room = name === 'memoryMaxBytes' ? {} : { memoryMaxBytes: memoryMost };
    for (const right of [least, most])
      expect(resolveSettings({ ...room, [name]: right })).toMatchObject({ [name]: right });
    for (const wrong of [least - 1, most + 1]) expect(() => resolveSettings({ [name]: wrong })).toThrow(name);
  });

  it('gives the limits', () => {
    const told = Object.fromEntries(
      tableOf(textOf('docs/operations.md'), 'What').map((row) => [row['What'], row['Limit']]),
    );
    expect(told).toMatchObject({
      'a batch': `${(limits.batchSizeMaxBytes + 4096) / 2 ** 20} MiB less 4 KiB`,
      'records of a batch': `2^${Math.log2(limits.batchCountMax + 1)} − 1`,
      'the name of a stream, a key of the key-value store': `1 to ${limits.nameMaxBytes} UTF-8 bytes`,
      'a value of the key-value store': `${limits.kvValueMaxBytes / 1024} KiB`,
      'the attributes of a stream or node': `${limits.attributesMaxBytes / 1024} KiB in all`,
    });
    expect(told['the name of a node']).toContain(`1 to ${limits.nodeNameMaxLength} characters`);
  });
});

describe('docs/testkit.md', () => {
  it('names the promises of a log as failures name them', () => {
    const rows = tableOf(textOf('docs/testkit.md'), 'Property');
    const told = rows.map((row) => [wordsOf(row['Property'])[0], row['']]);
    const promised = Object.entries(testkit.logProperties).map(([name, text]) => [name, text.replace(/^P\d+ /, '')]);
    expect(told).toEqual(promised);
  });
});

describe('docs/decisions', () => {
  const decisions = [...texts.keys()].filter((path) => path.startsWith('docs/decisions/'));

  it('are numbered without a gap', () => {
    expect(decisions.map((path) => Number(/\/(\d{4})-/.exec(path)?.[1]))).toEqual(decisions.map((_, i) => i + 1));
  });

  it.each(decisions)('%s has a title with its number, context, decision and consequences', (path) => {
    const number = Number(/\/(\d{4})-/.exec(path)?.[1]);
    const paragraphs = textOf(path).trim().split('\n\n');
    expect(paragraphs[0]).toMatch(new RegExp(`^# ${number}\\. \\S`));
    const leads = paragraphs.flatMap((paragraph) => /^\*\*(\w+)\.\*\* \S/.exec(paragraph)?.[1] ?? []);
    expect(leads).toEqual(['Context', 'Decision', 'Consequences']);
  });
});

it('the README names every folder and door of the source', () => {
  const told = tableOf(textOf('README.md'), '`src/`').flatMap((row) => wordsOf(row['`src/`']));
  const names = readdirSync(join(root, 'src'), { withFileTypes: true }).map((entry) =>
    entry.isDirectory() ? `${entry.name}/` : entry.name,
  );
  expect(told.toSorted()).toEqual(names.toSorted());
});

it('the README links every document', () => {
  const linked = linksOf(textOf('README.md')).map((link) => normalize(link).replaceAll('\\', '/'));
  const documents = [...texts.keys()].filter((path) => posix.dirname(path) === 'docs');
  expect(documents.filter((path) => !linked.includes(path))).toEqual([]);
});

/** The properties of an interface whose properties are object types: each with the names of its own. */
function membersOf(path: string, name: string): ReadonlyMap<string, readonly string[]> {
  const { tree } = parse(path, readFileSync(join(root, path), 'utf8'));
  const found = tree.statements.find((node) => ts.isInterfaceDeclaration(node) && node.name.text === name);
  if (found === undefined || !ts.isInterfaceDeclaration(found)) throw new Error(`${path} has no interface ${name}`);
  return new Map(
    found.members.filter(ts.isPropertySignature).map((member) => {
      const { type } = member;
      const facts = type !== undefined && ts.isTypeLiteralNode(type) ? type.members : [];
      return [member.name.getText(tree), facts.map((fact) => fact.name?.getText(tree) ?? '')];
    }),
  );
}

/** The strings of a union of strings. */
function unionOf(path: string, name: string): readonly string[] {
  const { tree } = parse(path, readFileSync(join(root, path), 'utf8'));
  const found = tree.statements.find((node) => ts.isTypeAliasDeclaration(node) && node.name.text === name);
  return [...(found?.getText(tree).matchAll(/'([^']+)'/g) ?? [])].map(([, text = '']) => text);
}
