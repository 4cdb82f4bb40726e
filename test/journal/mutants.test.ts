// Every mutant is caught. What catches it is printed, so that one can see which script guards which rule.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { mutants, type Edit } from './mutants.ts';

interface Caught {
  readonly name: string;
  readonly byScripts: readonly string[];
  readonly bySuite: readonly string[];
  readonly violation: string | null;
}

const root = fileURLToPath(new URL('../..', import.meta.url));
const folders = ['src/base', 'src/model', 'src/store', 'src/format', 'src/journal', 'src/testkit', 'test/journal'];
const untouched = 'untouched';
let tree = '';
let caught: Map<string, Caught>;

beforeAll(async () => {
  tree = await mkdtemp(join(tmpdir(), 'qanat-mutants-'));
  await writeFile(join(tree, 'package.json'), '{ "type": "module" }');
  for (const folder of folders) await compile(folder, folder, []);
  await compile('src/journal', `src/journal-${untouched}`, []);
  for (const { name, edits } of mutants) await compile('src/journal', `src/journal-${name}`, edits);
  const runs = await Promise.all(halves([untouched, ...mutants.map(({ name }) => name)]).map(run));
  caught = new Map(runs.flat().map((line) => [line.name, line]));
}, 300_000);

afterAll(() => rm(tree, { recursive: true, force: true }));

test('the untouched journal is caught by nothing', () => {
  expect(caught.get(untouched)).toEqual({ name: untouched, byScripts: [], bySuite: [], violation: null });
});

for (const { name, breaks } of mutants) {
  test(`${name} is caught (${breaks})`, () => {
    const { byScripts, bySuite, violation } = caught.get(name) ?? assert.fail('it did not run');
    const by = byScripts.length > 0 ? byScripts : bySuite;
    process.stdout.write(`${name}: ${by.length} failed, as "${by[0]}"; exploration: ${violation ?? 'nothing'}\n`);
    expect(by.length).toBeGreaterThan(0);
  });
}

/** Compiles the files of a folder, with edits, each of which must find its place exactly once. */
async function compile(from: string, to: string, edits: readonly Edit[]): Promise<void> {
  const names = (await readdir(join(root, from))).filter((name) => name.endsWith('.ts') && !name.includes('.test.'));
  for (const name of names) {
    let source = await readFile(join(root, from, name), 'utf8');
    for (const edit of edits.filter(({ file }) => file === name)) {
      assert.equal(source.split(edit.from).length, 2, `${name} has this line once: ${edit.from}`);
      source = source.replace(edit.from, () => edit.to);
    }
    const { outputText } = ts.transpileModule(source, {
      compilerOptions: {
        target: ts.ScriptTarget.ES2023,
        module: ts.ModuleKind.ESNext,
        verbatimModuleSyntax: true,
        rewriteRelativeImportExtensions: true,
      },
    });
    const path = join(tree, to, name.replace(/\.ts$/, '.js'));
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, outputText);
  }
}

async function run(names: readonly string[]): Promise<Caught[]> {
  const child = spawn(process.execPath, [join(tree, 'test/journal/mutant-run.js'), ...names]);
  let [output, errors] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const status = await new Promise((resolve) => child.on('close', resolve));
  assert.equal(status, 0, errors);
  return output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Caught);
}

/** Two processes, as the machine has two cores at least. */
function halves(names: readonly string[]): string[][] {
  return [0, 1].map((half) => names.filter((_, i) => i % 2 === half));
}
