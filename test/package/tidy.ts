// The rules of the house that no compiler knows, as functions from source files to findings. tidy.test.ts runs them on
// src and, so that each is known to be able to fail, on a small text that breaks it.
import { posix } from 'node:path';
import ts from 'typescript';
import { layers, packageRules, testkitBuiltins } from './layers.ts';
import { lineOf, nodesOf, type SourceFile } from './source-file.ts';

/** One broken rule, in a form that an editor can jump to: `src/base/a.ts:3 use Runtime (Date.now)`. */
export type Finding = string;

export type Rule = (files: readonly SourceFile[]) => readonly Finding[];

const lineMaxLength = 120;
const fileMaxLines = 400;

/** Imports point down. */
export const importsPointDown: Rule = (files) => {
  const known = new Set(files.map(({ path }) => path));
  return eachFile(files, (file, report) => {
    const layer = layers.find(({ name }) => name === file.place);
    if (layer === undefined) return report(1, `${file.place} is not in the table of layers`);
    for (const { target, specifier, line } of file.imports) {
      if (target === undefined) continue;
      const place = target.split('/')[1] ?? '';
      if (!known.has(target)) report(line, `${specifier} is not a file of src (write the name with .ts)`);
      else if (place !== layer.name && !layer.imports.includes(place)) report(line, `${layer.name} imports ${place}`);
    }
  });
};

/** No file reaches itself, not even through types. */
export const noCycles: Rule = (files) => {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const done = new Set<string>();
  const findings: Finding[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    const from = trail.indexOf(path);
    if (from >= 0) {
      findings.push(`${path}:1 import cycle: ${[...trail.slice(from), path].join(' -> ')}`);
      return;
    }
    if (done.has(path)) return;
    for (const { target } of byPath.get(path)?.imports ?? []) if (target !== undefined) visit(target, [...trail, path]);
    done.add(path);
  };
  for (const { path } of files) visit(path, []);
  return findings;
};

/** Packages stay where they belong; everything else is built in, and written `node:…`. */
export const packagesInTheirPlace: Rule = (files) =>
  eachFile(files, (file, report) => {
    for (const { specifier, kind, target, line } of file.imports) {
      if (target !== undefined) continue;
      const rule = packageRules.find((candidate) => candidate.specifier.test(specifier));
      if (rule === undefined) {
        if (!specifier.startsWith('node:')) report(line, `import of ${specifier}, which no rule allows`);
        else if (file.place === 'testkit' && !testkitBuiltins.test(specifier)) {
          report(line, `import of ${specifier} in the test kit`);
        }
      } else if (!rule.only.test(file.path)) report(line, `import of ${specifier}: ${rule.why}`);
      else if (specifier === 'fast-check' && kind === 'value') {
        report(line, 'fast-check is optional: `import type`, or `await import()` where it is needed');
      }
    }
  });

const timeAndChance = new Set([
  ...['setTimeout', 'setInterval', 'setImmediate', 'performance', 'hrtime'],
  ...['randomUUID', 'randomBytes', 'randomInt', 'randomFill', 'randomFillSync', 'getRandomValues'],
]);
const timeAndChanceMembers = new Set(['Date.now', 'Math.random', 'AbortSignal.timeout', 'timers.setTimeout']);

/** Time and chance come from the Runtime. */
export const useRuntime: Rule = (files) =>
  eachFile(files, (file, report) => {
    if (file.path === 'src/base/runtime.ts') return;
    for (const node of nodesOf(file.tree)) {
      const name = clockOrDice(node);
      if (name !== undefined) report(lineOf(file.tree, node), `use Runtime (${name})`);
    }
  });

function clockOrDice(node: ts.Node): string | undefined {
  if ((ts.isNewExpression(node) || ts.isCallExpression(node)) && isNamed(node.expression, 'Date')) return 'Date';
  if (ts.isVariableDeclaration(node) && ts.isObjectBindingPattern(node.name) && node.initializer !== undefined) {
    const owner = lastName(node.initializer);
    if (['Date', 'Math', 'AbortSignal', 'crypto', 'globalThis'].includes(owner)) return `parts of ${owner}`;
  }
  const member = memberOf(node);
  if (member !== undefined) {
    const owner = lastName(member.owner);
    if (timeAndChanceMembers.has(`${owner}.${member.name}`)) return `${owner}.${member.name}`;
    // A component of ours may well have a method of such a name; the global objects and modules may not be asked.
    const isOurs = /runtime|random|timers|clock/i.test(owner) && owner !== 'timers';
    return timeAndChance.has(member.name) && !isOurs ? `${owner}.${member.name}` : undefined;
  }
  if (!ts.isIdentifier(node) || !timeAndChance.has(node.text)) return undefined;
  const { parent } = node;
  const isNameOfMember =
    (ts.isPropertyAccessExpression(parent) && parent.name === node) ||
    ts.isMethodDeclaration(parent) ||
    ts.isMethodSignature(parent) ||
    ts.isPropertySignature(parent) ||
    (ts.isPropertyDeclaration(parent) && parent.name === node) ||
    (ts.isPropertyAssignment(parent) && parent.name === node);
  return isNameOfMember ? undefined : node.text;
}

/** The environment is read by programs, never by the library. */
export const noEnvironment: Rule = (files) =>
  eachFile(files, (file, report) => {
    if (file.place === 'cli') return;
    for (const node of nodesOf(file.tree)) {
      const member = memberOf(node);
      const isMember = member?.name === 'env' && lastName(member.owner) === 'process';
      const isImport =
        ts.isImportSpecifier(node) &&
        (node.propertyName ?? node.name).text === 'env' &&
        /'(node:)?process'/.test(node.parent.parent.parent.getText());
      if (isMember || isImport) report(lineOf(file.tree, node), 'process.env outside src/cli');
    }
  });

/** The library never logs. */
export const noConsole: Rule = (files) =>
  eachFile(files, (file, report) => {
    if (file.place === 'cli') return;
    for (const node of nodesOf(file.tree)) {
      if (isNamed(node, 'console')) report(lineOf(file.tree, node), 'console outside src/cli');
    }
  });

/** No default exports, no enums, no `any`, no comments that switch the compiler off. */
export const plainTypeScript: Rule = (files) =>
  eachFile(files, (file, report) => {
    for (const node of nodesOf(file.tree)) {
      const line = lineOf(file.tree, node);
      if (ts.isExportAssignment(node) || node.kind === ts.SyntaxKind.DefaultKeyword) {
        if (!ts.isDefaultClause(node.parent)) report(line, 'default export');
      }
      if (ts.isExportSpecifier(node) && node.name.text === 'default') report(line, 'default export');
      if (ts.isEnumDeclaration(node)) report(line, 'enum: use a union of strings');
      if (node.kind === ts.SyntaxKind.AnyKeyword) report(line, 'any: use unknown');
    }
    eachLine(file, (text, line) => {
      if (/@ts-(ignore|nocheck|expect-error)/.test(text)) report(line, 'a comment that switches the compiler off');
    });
  });

/** Every file begins by saying what it is; lines fit; nothing is left for later; long files have a reason. */
export const readable =
  (longFiles: Readonly<Record<string, string>>): Rule =>
  (files) => {
    const findings = eachFile(files, (file, report) => {
      const isLong = countLines(file) > fileMaxLines;
      if (!/^(#!.*\n)?(\/\/|\/\*)/.test(file.text)) report(1, 'begin with a comment that says what the file is');
      if (isLong && longFiles[file.path] === undefined) {
        report(1, `${countLines(file)} lines, more than ${fileMaxLines}: split it, or give the reason in layers.ts`);
      }
      if (!isLong && longFiles[file.path] !== undefined) report(1, 'not long any more: take it off the list');
      eachLine(file, (text, line) => {
        if (text.length > lineMaxLength) report(line, `${text.length} characters, more than ${lineMaxLength}`);
        const left = /\b(TODO|FIXME|XXX|HACK)\b/.exec(text)?.[0];
        if (left !== undefined) report(line, `${left}: do it, or write an issue`);
      });
    });
    const known = new Set(files.map(({ path }) => path));
    const gone = Object.keys(longFiles).filter((path) => !known.has(path));
    return [...findings, ...gone.map((path) => `${path}:1 on the list of long files, but not there`)];
  };

const emptyWords = /^(manager|helper|util|impl)s?$/i;
const emptyWordsInFiles = /^(manager|helper|util|impl|base|default)s?$/i;

/** Names say what a thing does: no manager, helper, util, impl; nothing called Base… or Default…. */
export const namesThatSay: Rule = (files) =>
  eachFile(files, (file, report) => {
    const name = posix.basename(file.path).replace(/(\.d)?\.ts$/, '');
    if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name)) report(1, 'file names are lower case with hyphens');
    for (const part of name.split(/[-.]/)) if (emptyWordsInFiles.test(part)) report(1, `"${part}" in a file name`);
    for (const statement of file.tree.statements) {
      for (const declared of exportedNames(statement)) {
        const parts = declared.split(/(?=[A-Z])|_|(?<=[a-z0-9])(?=[A-Z])/);
        const empty = parts.find((part) => emptyWords.test(part));
        if (empty !== undefined) report(lineOf(file.tree, statement), `"${empty}" in the name ${declared}`);
        if (ts.isClassDeclaration(statement) && /^(Base|Default|Data)(?=[A-Z]|$)/.test(declared)) {
          report(lineOf(file.tree, statement), `the name ${declared} says nothing`);
        }
      }
    }
  });

/** Doors are lists of names. */
export const doorsAreLists =
  (doors: readonly string[]): Rule =>
  (files) => {
    const findings = eachFile(files, (file, report) => {
      const isDoor = file.path.split('/').length === 2;
      if (!isDoor) return;
      if (!doors.includes(file.path)) report(1, 'directly in src, but not a door of package.json');
      for (const statement of file.tree.statements) {
        const isList = ts.isExportDeclaration(statement) && statement.exportClause !== undefined;
        if (!isList || !ts.isNamedExports(statement.exportClause)) {
          report(lineOf(file.tree, statement), 'a door has only `export { names } from`');
        }
      }
    });
    const known = new Set(files.map(({ path }) => path));
    return [...findings, ...doors.filter((door) => !known.has(door)).map((door) => `${door}:1 a door, but not there`)];
  };

/** Every file can be reached from a door (or from a program in src/cli). */
export const reachable =
  (doors: readonly string[]): Rule =>
  (files) => {
    const byPath = new Map(files.map((file) => [file.path, file]));
    const reached = new Set<string>();
    const open = [...doors, ...files.filter(({ place }) => place === 'cli').map(({ path }) => path)];
    for (let path = open.pop(); path !== undefined; path = open.pop()) {
      if (reached.has(path)) continue;
      reached.add(path);
      for (const { target } of byPath.get(path)?.imports ?? []) if (target !== undefined) open.push(target);
    }
    return files.filter(({ path }) => !reached.has(path)).map(({ path }) => `${path}:1 cannot be reached from a door`);
  };

const kafkaWord = /(?<!network )\b(kafka|topic|partition|broker|consumer.?group)s?\b/i;

/** Kafka's words live only in kafka/. */
export const kafkaWordsInKafka: Rule = (files) =>
  eachFile(files, (file, report) => {
    if (['kafka', 'kafka.ts', 'cli'].includes(file.place)) return;
    eachLine(file, (text, line) => {
      // Camel case is taken apart, so that `topicName` and `KafkaBroker` are seen.
      const word = kafkaWord.exec(text.replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2'))?.[0];
      if (word !== undefined) report(line, `"${word}" is a word of Kafka's`);
    });
  });

type Report = (line: number, message: string) => void;

function eachFile(files: readonly SourceFile[], look: (file: SourceFile, report: Report) => void): readonly Finding[] {
  const findings: Finding[] = [];
  for (const file of files) look(file, (line, message) => void findings.push(`${file.path}:${line} ${message}`));
  return findings;
}

function eachLine(file: SourceFile, look: (text: string, line: number) => void): void {
  for (const [index, text] of file.text.split('\n').entries()) look(text, index + 1);
}

function countLines(file: SourceFile): number {
  return file.text.trimEnd().split('\n').length;
}

function isNamed(node: ts.Node, name: string): boolean {
  if (!ts.isIdentifier(node) || node.text !== name) return false;
  return !(ts.isPropertyAccessExpression(node.parent) && node.parent.name === node);
}

/** `owner.name` or `owner['name']`. */
function memberOf(node: ts.Node): { owner: ts.Expression; name: string } | undefined {
  if (ts.isPropertyAccessExpression(node)) return { owner: node.expression, name: node.name.text };
  if (ts.isElementAccessExpression(node) && ts.isStringLiteralLike(node.argumentExpression)) {
    return { owner: node.expression, name: node.argumentExpression.text };
  }
  return undefined;
}

/** The last name of an expression: `timers` of `this.#runtime.timers`, `Date` of `globalThis.Date`. */
function lastName(expression: ts.Expression): string {
  if (ts.isIdentifier(expression)) return expression.text;
  return memberOf(expression)?.name ?? '';
}

function exportedNames(statement: ts.Statement): readonly string[] {
  const isExported =
    ts.canHaveModifiers(statement) &&
    ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) === true;
  if (!isExported) return [];
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations.map(({ name }) => name.getText());
  }
  const isDeclaration =
    ts.isClassDeclaration(statement) ||
    ts.isFunctionDeclaration(statement) ||
    ts.isInterfaceDeclaration(statement) ||
    ts.isTypeAliasDeclaration(statement);
  return isDeclaration && statement.name !== undefined ? [statement.name.text] : [];
}
