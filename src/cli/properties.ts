// Files of properties, as Java reads them and Kafka has them: `name=value` in lines, `#` and `!` before comments, a
// backslash at the end of a line that goes on, and `\t`, `\n`, `\u00e9` and the like in between. Pure.

/** One property, and the line where it begins. */
export interface Property {
  readonly name: string;
  readonly value: string;
  readonly line: number;
}

/** Reads properties, in the order of the file. What has no name or no separator is a name without a value. */
export function parseProperties(text: string): readonly Property[] {
  const properties: Property[] = [];
  const lines = text.replace(/^\ufeff/, '').split(/\r\n|\r|\n/);
  for (let at = 0; at < lines.length; at += 1) {
    const line = at + 1;
    let logical = trimmedStart(lines[at] as string);
    if (logical === '' || logical.startsWith('#') || logical.startsWith('!')) continue;
    while (isContinued(logical)) {
      at += 1;
      logical = logical.slice(0, -1) + trimmedStart(lines[at] ?? '');
    }
    const end = endOfName(logical);
    const value = logical.slice(end).replace(/^[ \t\f]*[=:]?[ \t\f]*/, '');
    // Java keeps spaces at the end of a value; nobody means them.
    properties.push({ name: unescaped(logical.slice(0, end)), value: unescaped(value.replace(/[ \t\f]+$/, '')), line });
  }
  return properties;
}

function trimmedStart(line: string): string {
  return line.replace(/^[ \t\f]+/, '');
}

/** Whether a line ends with a backslash that is not itself escaped. */
function isContinued(line: string): boolean {
  return ((/\\*$/.exec(line)?.[0].length ?? 0) & 1) === 1;
}

/** A name ends before the first `=`, `:` or space that no backslash stands before. */
function endOfName(line: string): number {
  for (let at = 0; at < line.length; at += 1) {
    if (line[at] === '\\') at += 1;
    else if (/[=: \t\f]/.test(line[at] as string)) return at;
  }
  return line.length;
}

const escapes: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' };

function unescaped(text: string): string {
  return text.replaceAll(/\\(?:u([0-9a-fA-F]{4})|([^]))/g, (_, code: string | undefined, one: string | undefined) =>
    code === undefined ? (escapes[one ?? ''] ?? one ?? '') : String.fromCharCode(Number.parseInt(code, 16)),
  );
}
