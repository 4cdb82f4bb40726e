// The public API of a door as text: what it exports and, behind that, every declaration a user can get hold of through
// those, without comments. It is read from dist, so it is what users' compilers see. Names alone would not show a
// changed signature; whole files would show changes that nobody can reach.
import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import ts from 'typescript';
import { root } from './source-file.ts';

/** The report on `dist/<door>.d.ts`. Other roots are for tests. */
export function apiReport(door: string, dist: string = join(root, 'dist')): string {
  const program = ts.createProgram([join(dist, `${door}.d.ts`)], {
    module: ts.ModuleKind.NodeNext,
    target: ts.ScriptTarget.ES2023,
    lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
    types: ['node'],
    allowImportingTsExtensions: true,
    noEmit: true,
  });
  const checker = program.getTypeChecker();
  const file = program.getSourceFile(join(dist, `${door}.d.ts`));
  if (file === undefined) throw new Error(`no declarations of ${door} in ${dist}`);
  const resolve = (symbol: ts.Symbol): ts.Symbol =>
    symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;

  const moduleSymbol = checker.getSymbolAtLocation(file);
  const exported = moduleSymbol === undefined ? [] : checker.getExportsOfModule(moduleSymbol);
  const open = exported.map(resolve);
  const seen = new Set<ts.Symbol>();
  const printed = new Map<string, Map<number, string>>();
  for (let symbol = open.pop(); symbol !== undefined; symbol = open.pop()) {
    if (seen.has(symbol)) continue;
    seen.add(symbol);
    for (const declaration of symbol.declarations ?? []) {
      const { fileName } = declaration.getSourceFile();
      const statement = statementOf(declaration);
      if (statement === undefined || relative(dist, fileName).startsWith('..')) continue;
      const ofFile = printed.get(fileName) ?? new Map<number, string>();
      printed.set(fileName, ofFile.set(statement.pos, printWithoutComments(statement)));
      for (const name of namesIn(statement)) {
        const named = checker.getSymbolAtLocation(name);
        if (named !== undefined) open.push(resolve(named));
      }
    }
  }
  const declarations = [...printed]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([fileName, texts]) => {
      const inOrder = [...texts].toSorted(([a], [b]) => a - b).map(([, text]) => text);
      return `// ${relative(dist, fileName).replaceAll('\\', '/')}\n${inOrder.join('\n')}\n`;
    });
  const names = exported.map(({ name }) => name).toSorted();
  return [`// ${door} exports:\n${names.map((name) => `//   ${name}\n`).join('')}`, ...declarations].join('\n');
}

/** Where the reports stand. */
export function reportPath(door: string): string {
  return join(root, 'docs', 'api-report', `${door}.d.ts.txt`);
}

export function readReport(door: string): string {
  return readFileSync(reportPath(door), 'utf8');
}

/** The statement at the top of its file that holds the declaration. */
function statementOf(declaration: ts.Node): ts.Statement | undefined {
  let node = declaration;
  while (!ts.isSourceFile(node.parent ?? node)) node = node.parent;
  return ts.isSourceFile(node) || ts.isImportDeclaration(node) || ts.isExportDeclaration(node)
    ? undefined
    : (node as ts.Statement);
}

function* namesIn(node: ts.Node): Generator<ts.Identifier> {
  if (ts.isIdentifier(node)) yield node;
  for (const child of node.getChildren()) if (!ts.isJSDoc(child)) yield* namesIn(child);
}

function printWithoutComments(statement: ts.Statement): string {
  const printer = ts.createPrinter({ removeComments: true, newLine: ts.NewLineKind.LineFeed });
  return printer.printNode(ts.EmitHint.Unspecified, statement, statement.getSourceFile());
}
