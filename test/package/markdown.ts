// What the tests need to know of a Markdown text: its links and anchors, its code blocks, its tables, and the rules that
// it cites. Enough for the documents of this package, no more.

/** A fenced block of code. */
export interface Block {
  /** Where it begins, from 1. */
  readonly line: number;
  readonly language: string;
  /** The words after the language. */
  readonly marks: readonly string[];
  readonly text: string;
}

/** A row of a table, by the words of the head. */
export type Row = Readonly<Record<string, string>>;

const fence = /^```(\S*)[ \t]*([^\n]*)\n([\s\S]*?)^```[ \t]*$/gm;

/** All fenced blocks, in order. */
export function blocksOf(markdown: string): readonly Block[] {
  return [...markdown.matchAll(fence)].map(({ 1: language = '', 2: marks = '', 3: text = '', index }) => ({
    line: markdown.slice(0, index).split('\n').length,
    language,
    marks: marks.split(/\s+/).filter((mark) => mark !== ''),
    text,
  }));
}

/** Targets of all links outside of code. */
export function linksOf(markdown: string): readonly string[] {
  const prose = withoutCode(markdown);
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(({ 1: target = '' }) => target);
}

/** The anchors that headings have on GitHub. */
export function anchorsOf(markdown: string): readonly string[] {
  return [...markdown.replaceAll(fence, '').matchAll(/^#+ (.+)$/gm)].map(({ 1: heading = '' }) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

/** The rows of the first table whose first column has this head; no rows if there is none. */
export function tableOf(markdown: string, firstHead: string): readonly Row[] {
  const lines = markdown.replaceAll(fence, '').split('\n');
  const start = lines.findIndex(
    (line, i) => cellsOf(line)[0] === firstHead && /^\|[ :|-]+\|$/.test(lines[i + 1] ?? ''),
  );
  if (start < 0) return [];
  const heads = cellsOf(lines[start] ?? '');
  const end = lines.findIndex((line, i) => i > start && !line.startsWith('|'));
  return lines
    .slice(start + 2, end < 0 ? undefined : end)
    .map((line) => Object.fromEntries(cellsOf(line).map((cell, i) => [heads[i] ?? '', cell])));
}

/** The words of a list such as `a`, `b`. */
export function wordsOf(list: string | undefined): readonly string[] {
  return (list ?? '').split(/[\s,`]+/).filter((word) => word !== '');
}

/** The rules that the prose cites by number: R7, W4. */
export function citedRules(markdown: string): readonly string[] {
  return [...new Set(withoutCode(markdown).match(/\b[IRJWSO][1-9]\d?\b/g))];
}

function withoutCode(markdown: string): string {
  return markdown.replaceAll(fence, '').replaceAll(/`[^`\n]*`/g, '``');
}

function cellsOf(line: string): readonly string[] {
  if (!line.startsWith('|')) return [];
  return line
    .replace(/^\|/, '')
    .replace(/\|\s*$/, '')
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim());
}
