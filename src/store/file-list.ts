// Walks the directories of a FileObjectStore in the order of keys. Only directories that may hold a key of the prefix
// after `after` are read. Between two entries of one directory no key of a third can sort: all keys of a segment's
// directory begin with `segment/`, and all that begin with the first 72 bytes of a long segment lie in one directory.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { keyOfBytes, parseName, placeOfPrefix } from './file-key.ts';
import { unlessMissing } from './file-value.ts';

/** A key that a walk has met. */
export interface FoundKey {
  readonly key: string;
  /** Its first value's file. */
  readonly first: string;
  readonly directory: string;
  /** There is, or was, a later value than the first. */
  readonly replaced: boolean;
}

interface Entry {
  /** The key, or what all keys of the directory begin with, as a byte string. */
  readonly bytes: string;
  readonly name: string;
  readonly isDirectory: boolean;
}

/** Keys below `root` that begin with `prefix` and sort after `after`; both are byte strings. */
export async function* walkKeys(
  root: string,
  prefix: string,
  after: string | undefined,
): AsyncGenerator<FoundKey, void, undefined> {
  const start = placeOfPrefix(root, prefix);
  yield* walkDirectory(start.directory, start.base, prefix, after);
}

async function* walkDirectory(
  directory: string,
  base: string,
  prefix: string,
  after: string | undefined,
): AsyncGenerator<FoundKey, void, undefined> {
  const found = (await unlessMissing(readdir(directory, { withFileTypes: true }))) ?? [];
  const entries: Entry[] = [];
  const replaced = new Set<string>();
  for (const entry of found) {
    const file = parseName(entry.name);
    if (file.kind === 'foreign') continue;
    const bytes = base + file.bytes;
    if (file.kind === 'life') replaced.add(bytes);
    else if (file.kind === 'value') {
      if (entry.isFile() && bytes.startsWith(prefix) && (after === undefined || bytes > after))
        entries.push({ bytes, name: entry.name, isDirectory: false });
    } else if (entry.isDirectory()) {
      const below = file.kind === 'segment' ? `${bytes}/` : bytes;
      // The walk began as deep as the prefix reaches, so what is left of the prefix lies within one name.
      if (below.startsWith(prefix) && (after === undefined || below > after || after.startsWith(below)))
        entries.push({ bytes: below, name: entry.name, isDirectory: true });
    }
  }
  entries.sort((a, b) => (a.bytes < b.bytes ? -1 : a.bytes > b.bytes ? 1 : 0));
  for (const entry of entries) {
    const path = join(directory, entry.name);
    if (entry.isDirectory) yield* walkDirectory(path, entry.bytes, prefix, after);
    else {
      const key = keyOfBytes(entry.bytes);
      if (key !== undefined && key !== '') yield { key, first: path, directory, replaced: replaced.has(entry.bytes) };
    }
  }
}
