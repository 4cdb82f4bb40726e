// Copies of the source, compiled to JavaScript, with single lines changed: what mutants are run from, and what lets a
// command in plain Node.js run code that is written in TypeScript. Types are in source-tree.d.mts.
//
// - A tree lies in node_modules/.cache, so packages resolve from it, and git, the linter and vitest's transforms pass
//   it by. It has `src` whole, and those folders of the repository beside it that were asked for.
// - A line to be changed must stand in its file exactly once. If it does not, the making of the tree fails: a mutant
//   that changes nothing would look like one that nothing can tell from the source.
// - A file is compiled once for all trees and all processes: the result is kept under the digest of its text.
import { createHash, randomUUID } from 'node:crypto';
import { linkSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = fileURLToPath(new URL('../..', import.meta.url));
const cache = join(root, 'node_modules', '.cache', 'qanat');
const compiledFolder = join(cache, 'compiled');
const treesFolder = join(cache, 'trees');

const compilerOptions = {
  target: ts.ScriptTarget.ES2023,
  module: ts.ModuleKind.ESNext,
  verbatimModuleSyntax: true,
  rewriteRelativeImportExtensions: true,
};

/** Trees that a process has left behind when it was killed go after this time. */
const treeAgeMaxMs = 3_600_000;

/** Makes a tree. `edits` name files below `src`; `folders` are copied besides, as they are: 'test/journal'. */
export function makeSourceTree(edits, folders = []) {
  removeOldTrees();
  const tree = join(treesFolder, `${process.pid}-${randomUUID()}`);
  try {
    mkdirSync(tree, { recursive: true });
    writeFileSync(join(tree, 'package.json'), '{ "type": "module" }');
    const changed = applyEdits(edits);
    for (const folder of ['src', ...folders]) copyCompiled(folder, tree, changed);
  } catch (cause) {
    rmSync(tree, { recursive: true, force: true });
    throw cause;
  }
  return tree;
}

/** The text of each file that is edited, by its path in the repository. */
function applyEdits(edits) {
  const changed = new Map();
  for (const { file, from, to } of edits) {
    const path = `src/${file}`;
    const text = changed.get(path) ?? readFileSync(join(root, path), 'utf8');
    const count = text.split(from).length - 1;
    if (count !== 1) throw new Error(`${path} has this ${count} times, not once; mend the edit:\n${from}`);
    changed.set(
      path,
      text.replace(from, () => to),
    );
  }
  return changed;
}

function copyCompiled(folder, tree, changed) {
  for (const entry of readdirSync(join(root, folder), { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || /\.test\.ts$|\.d\.mts$/.test(entry.name)) continue;
    const source = join(entry.parentPath, entry.name);
    const path = source.slice(root.length);
    const target = join(tree, path.replace(/\.ts$/, '.js'));
    mkdirSync(dirname(target), { recursive: true });
    if (entry.name.endsWith('.ts')) linkSync(compiled(changed.get(path) ?? readFileSync(source, 'utf8')), target);
    else if (entry.name.endsWith('.mjs')) writeFileSync(target, readFileSync(source));
  }
}

/** The file that holds `text` compiled. */
function compiled(text) {
  const digest = createHash('sha256').update(ts.version).update(text).digest('hex');
  const path = join(compiledFolder, `${digest}.js`);
  if (statSync(path, { throwIfNoEntry: false }) !== undefined) return path;
  const { outputText } = ts.transpileModule(text, { compilerOptions });
  mkdirSync(compiledFolder, { recursive: true });
  const fresh = `${path}.${process.pid}`;
  writeFileSync(fresh, outputText);
  renameSync(fresh, path);
  return path;
}

function removeOldTrees() {
  mkdirSync(treesFolder, { recursive: true });
  const before = Date.now() - treeAgeMaxMs;
  for (const name of readdirSync(treesFolder)) {
    const path = join(treesFolder, name);
    const madeAt = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Infinity;
    if (madeAt < before) rmSync(path, { recursive: true, force: true });
  }
}
