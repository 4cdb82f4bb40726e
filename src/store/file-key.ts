// Where the values of a key lie below the directory of a FileObjectStore, and which key a file name stands for.
//
// A '/' of the key makes a sub-directory. In a segment only a-z, 0-9, '.', '_' and '-' stand for themselves, a leading
// '.' excepted; every other byte is %hh with lower-case digits, so names differ on file systems that ignore case, no
// name is '.' or '..' or hidden, and no key can leave the directory. An empty segment is '%'. A segment of 72 bytes or
// more goes one directory deeper after each 72 bytes; that directory ends in '~', and what follows may be empty.
//
//   key                        first value               later values
//   a/b                        a/b~1                     a/b~<life>/2, a/b~<life>/3, …
//   Ab                         %41b~1                    %41b~<life>/2
//   a/                         a/%~1                     a/%~<life>/2
//   x repeated 80 times        xxx…72…~/xxxxxxxx~1
//
// '~' stands in no segment, so a directory of keys, a deeper part of a segment, a first value and a life are told
// apart by name; 'a' can be a value and a prefix of others at once. Names are decoded only if encoding gives them back;
// whatever else lies in the directory is foreign, and left alone.
import { join } from 'node:path';
import { fromByteString, toByteString } from './key-order.ts';

/** Bytes of a segment in one name: 72 × 3 + 1 + 24 for the life is 241, and file names have up to 255 bytes. */
const nameMaxBytes = 72;

/** Temporary files lie here until they are linked to their names. No key is encoded with a leading dot. */
export const temporaryDirectoryName = '.tmp';

/** Where a key's values lie. */
export interface KeyPlace {
  /** The directory that holds the names of this key. */
  readonly directory: string;
  /** The file of the first value: it exists exactly while the key does. */
  readonly first: string;
  /** Names of this key begin with this, in `directory`. */
  readonly stem: string;
}

/** What a name in the directory is, as far as names tell. `bytes` is a byte string. */
export type FileName =
  | { readonly kind: 'value' | 'life' | 'segment' | 'deeper'; readonly bytes: string }
  | { readonly kind: 'foreign' };

/** The place of a key below `root`. */
export function placeOfKey(root: string, key: string): KeyPlace {
  const { path, rest } = descend(toByteString(key));
  const directory = join(root, ...path);
  const stem = encodeName(rest);
  return { directory, first: join(directory, `${stem}~1`), stem };
}

/** The directory of the values after the first; a life is the name that a first value carries inside. */
export function lifeDirectory(place: KeyPlace, life: string): string {
  return join(place.directory, `${place.stem}~${life}`);
}

/** Where to begin listing a prefix: the deepest directory that holds all its keys, and what their keys begin with. */
export function placeOfPrefix(root: string, prefix: string): { directory: string; base: string } {
  const { path, rest } = descend(prefix);
  return { directory: join(root, ...path), base: prefix.slice(0, prefix.length - rest.length) };
}

/** Reads a name found in a directory. */
export function parseName(name: string): FileName {
  const tilde = name.indexOf('~');
  const bytes = decodeName(tilde === -1 ? name : name.slice(0, tilde));
  if (bytes === undefined) return { kind: 'foreign' };
  const mark = tilde === -1 ? undefined : name.slice(tilde + 1);
  if (mark === '') return bytes.length === nameMaxBytes ? { kind: 'deeper', bytes } : { kind: 'foreign' };
  if (bytes.length >= nameMaxBytes) return { kind: 'foreign' };
  if (mark === undefined) return { kind: 'segment', bytes };
  if (mark === '1') return { kind: 'value', bytes };
  return /^[0-9a-f]{24}$/.test(mark) ? { kind: 'life', bytes } : { kind: 'foreign' };
}

/** Whether these bytes are a key at all: a foreign file may have a name that decodes to bytes of no string. */
export function keyOfBytes(bytes: string): string | undefined {
  return fromByteString(bytes);
}

function descend(bytes: string): { path: string[]; rest: string } {
  const segments = bytes.split('/');
  let rest = segments.pop()!;
  const path: string[] = [];
  const goDeeper = (segment: string): string => {
    let left = segment;
    for (; left.length >= nameMaxBytes; left = left.slice(nameMaxBytes))
      path.push(`${encodeName(left.slice(0, nameMaxBytes))}~`);
    return left;
  };
  for (const segment of segments) path.push(encodeName(goDeeper(segment)));
  rest = goDeeper(rest);
  return { path, rest };
}

function encodeName(bytes: string): string {
  if (bytes === '') return '%';
  return bytes.replace(/^\.|[^a-z0-9._-]/gs, (byte) => `%${byte.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

function decodeName(name: string): string | undefined {
  const bytes =
    name === '%'
      ? ''
      : name.replace(/%([0-9a-f]{2})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 16)));
  return encodeName(bytes) === name ? bytes : undefined;
}
