// A source file as the tidy test sees it: its text, its syntax tree, and what it imports.
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

export const root = fileURLToPath(new URL('../..', import.meta.url));

export interface Import {
  readonly specifier: string;
  /** `value` and `type` are loaded (or only looked at) with the file; `dynamic` is `import()` at run time. */
  readonly kind: 'value' | 'type' | 'dynamic';
  readonly line: number;
  /** For a relative import, the file of src it names. */
  readonly target: string | undefined;
}

export interface SourceFile {
  /** From the root of the package, with `/`: `src/base/assert.ts`. */
  readonly path: string;
  /** What layers.ts calls its place: a folder of src, or the door's own name. */
  readonly place: string;
  readonly text: string;
  readonly tree: ts.SourceFile;
  readonly imports: readonly Import[];
}

export function parse(path: string, text: string): SourceFile {
  const tree = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  return { path, place: path.split('/')[1] ?? '', text, tree, imports: importsOf(path, tree) };
}

/** All of src. */
export function readSource(): readonly SourceFile[] {
  return readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .map((name) => posix.join('src', name.replaceAll('\\', '/')))
    .filter((path) => path.endsWith('.ts'))
    .toSorted()
    .map((path) => parse(path, readFileSync(join(root, path), 'utf8')));
}

export function lineOf(tree: ts.SourceFile, node: ts.Node): number {
  return tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1;
}

/** Every node of the tree, parents first, comments left out. */
export function* nodesOf(node: ts.Node): Generator<ts.Node> {
  if (ts.isJSDoc(node)) return;
  yield node;
  for (const child of node.getChildren()) yield* nodesOf(child);
}

function importsOf(path: string, tree: ts.SourceFile): readonly Import[] {
  const found: Import[] = [];
  const add = (specifier: ts.Node | undefined, kind: Import['kind'], at: ts.Node): void => {
    const name = specifier !== undefined && ts.isStringLiteralLike(specifier) ? specifier.text : '(computed)';
    const target = name.startsWith('.') ? posix.join(posix.dirname(path), name) : undefined;
    found.push({ specifier: name, kind, line: lineOf(tree, at), target });
  };
  for (const node of nodesOf(tree)) {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, isTypeOnly(node) ? 'type' : 'value', node);
    else if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined) {
      add(node.moduleSpecifier, node.isTypeOnly ? 'type' : 'value', node);
    } else if (ts.isImportTypeNode(node)) {
      add(ts.isLiteralTypeNode(node.argument) ? node.argument.literal : undefined, 'type', node);
    } else if (ts.isExternalModuleReference(node)) add(node.expression, 'value', node);
    else if (ts.isCallExpression(node)) {
      if (node.expression.kind === ts.SyntaxKind.ImportKeyword) add(node.arguments[0], 'dynamic', node);
      else if (ts.isIdentifier(node.expression) && node.expression.text === 'require') {
        add(node.arguments[0], 'value', node);
      }
    }
  }
  return found;
}

/** With verbatimModuleSyntax only `import type` goes away; `import { type A }` still loads the module. */
function isTypeOnly(node: ts.ImportDeclaration): boolean {
  return node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword;
}
