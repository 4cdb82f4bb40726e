// What a probe asks about values, ranges, lists and deletion. The first questions also show which permissions there
// are: one request of each kind, each of them asked, so that all that is missing can be named at once.
import { isQanatError } from '../model/errors.ts';
import { firstOf, gives, holds, inOrder, isMissing, lists, told, wrong, type Finding } from './probe-findings.ts';
import type { ProbeFolder } from './probe-folder.ts';
import type { DeleteResult, ListedKey } from './object-store.ts';

/** One check of a probe. */
export interface ProbeQuestion {
  /** What must hold, as a sentence. */
  readonly name: string;
  /** What to do if it does not. */
  readonly cure: string;
  /** Only for transports that can stop a body in the middle. */
  readonly needsSlowPut?: boolean;
  readonly ask: (at: ProbeFolder) => Promise<Finding>;
}

const anotherStore = 'use a store that passes (docs/operations.md names some), or a newer version of this one';

/** Asked first, one after the other, in one folder: if one of them fails, nothing else is worth asking. */
export const firstQuestions: readonly ProbeQuestion[] = [
  { name: 'objects can be written', cure: anotherStore, ask: write },
  { name: 'keys can be listed', cure: anotherStore, ask: listWritten },
  { name: 'objects can be read', cure: anotherStore, ask: readWritten },
  { name: 'objects can be deleted', cure: anotherStore, ask: deleteWritten },
];

/** Asked of a store that has `abortUploads`. */
export const uploadsQuestion: ProbeQuestion = {
  name: 'uploads in parts that never ended can be found',
  cure: anotherStore,
  ask: async (at) => {
    const given = await at.abortUploads();
    return given === 0 ? undefined : wrong(`${given} uploads were found where none was begun`);
  },
};

/** Asked in any order. */
export const valueQuestions: readonly ProbeQuestion[] = [
  { name: 'a value that is written over is read as the new one', cure: anotherStore, ask: writeOver },
  { name: 'ranges are the bytes that were asked for', cure: anotherStore, ask: readRanges },
  { name: 'lists are whole and in order, at any page size', cure: anotherStore, ask: listPages },
  { name: 'deleted objects are gone, and missing ones are no failure', cure: anotherStore, ask: deleteMany },
];

async function write(at: ProbeFolder): Promise<Finding> {
  const put = await at.put('first', at.body('first', 100));
  if (put.outcome === 'unknown') await at.list(); // A put does not say why it failed; a list does.
  return told('a put', put, 'stored');
}

async function listWritten(at: ProbeFolder): Promise<Finding> {
  const { keys } = await at.list();
  const expected = at.isStored('first') ? [{ key: `${at.prefix}first`, size: 100 }] : [];
  return lists('a list', keys, expected);
}

/** What could not be written is not there; that is an answer, too. */
async function readWritten(at: ProbeFolder): Promise<Finding> {
  const got = await at.get('first');
  return at.isStored('first') ? holds('a read', got, at.body('first', 100)) : isMissing('a read', got);
}

async function deleteWritten(at: ProbeFolder): Promise<Finding> {
  return deleted(await at.delete(['first']));
}

async function writeOver(at: ProbeFolder): Promise<Finding> {
  const [first, second] = [at.body('first', 200), at.body('second', 150)];
  const before = await at.put('key', first);
  const seen = await at.get('key');
  const put = await at.put('key', second);
  const etag = put.outcome === 'stored' ? put.etag : 'none';
  const [got, again] = [await at.get('key'), await at.get('key', { ifNoneMatch: etag })];
  return firstOf(
    told('a put', before, 'stored'),
    told('a put over it', put, 'stored'),
    holds('a read', seen, first, before),
    holds('a read after a put over it', got, second, put),
    again === 'not-modified' ? undefined : wrong('a read unless it has this etag gives the value all the same'),
  );
}

async function readRanges(at: ProbeFolder): Promise<Finding> {
  const size = 1000;
  const body = Uint8Array.from({ length: size }, (_, i) => (i * 7 + (i >> 8) * 31) & 0xff);
  const put = await at.put('key', body);
  const read = async (what: string, start: number, end: number): Promise<Finding> =>
    gives(what, await at.get('key', { range: { start, end } }), body.subarray(start, end), size);
  const readLast = async (what: string, last: number): Promise<Finding> =>
    gives(what, await at.get('key', { range: { last } }), body.subarray(Math.max(0, size - last)), size);
  const findings = await Promise.all([
    read('the bytes from 10 to 20', 10, 20),
    read('bytes to beyond the end', 990, 2000),
    read('bytes from the end on', size, size + 10),
    read('bytes from beyond the end on', 5000, 5010),
    readLast('the last 7 bytes', 7),
    readLast('the last bytes of a shorter value', 5000),
  ]);
  return firstOf(told('a put', put, 'stored'), ...findings);
}

async function listPages(at: ProbeFolder): Promise<Finding> {
  // By UTF-16 the last two change places, without regard to case the first two, by names of folders the next two.
  const names = ['b', 'ü', 'a/b', '😀', 'B', 'a-b', '～'];
  const sizeOf = (name: string): number => 10 + names.indexOf(name);
  const puts = await Promise.all(names.map((name) => at.put(name, at.body(name, sizeOf(name)))));
  const all = inOrder(names.map((name) => ({ key: at.prefix + name, size: sizeOf(name) })));
  const paged: ListedKey[] = [];
  for (let pages = 0, more = true; more && pages <= names.length; pages++) {
    const after = paged.at(-1)?.key.slice(at.prefix.length);
    const page = await at.list({ limit: 2, ...(after === undefined ? {} : { after }) });
    paged.push(...page.keys);
    ({ more } = page);
    if (page.keys.length > 2) return wrong(`a list of 2 keys at most gives ${page.keys.length}`);
    if (page.keys.length === 0 && more) return wrong('a list gives no key, and says that there are more');
  }
  const whole = await at.list();
  const part = await at.list({ prefix: 'a' });
  return firstOf(
    ...puts.map((put) => told('a put', put, 'stored')),
    lists('a list', whole.keys, all),
    lists('a list in pages of 2 keys', paged, all),
    lists(
      'a list of a part of a name',
      part.keys,
      all.filter(({ key }) => key.startsWith(`${at.prefix}a`)),
    ),
    whole.more ? wrong('a list of all keys says that there are more') : undefined,
  );
}

async function deleteMany(at: ProbeFolder): Promise<Finding> {
  const names = ['a', 'b', 'c'];
  const puts = await Promise.all(names.map((name) => at.put(name, at.body(name, 50))));
  const result = await at.delete([...names, 'never', 'was']);
  const left = await Promise.all(['a', 'c'].map((name) => at.get(name)));
  const { keys } = await at.list();
  const again = await at.put('a', at.body('again', 60), 'absent');
  return firstOf(
    ...puts.map((put) => told('a put', put, 'stored')),
    deleted(result),
    ...left.map((got) => isMissing('a read of what was deleted', got)),
    lists('a list after a delete', keys, []),
    told('the creation of a key that was deleted', again, 'stored'),
  );
}

/** What became of a delete. A permission that is missing is thrown, as it is for any other request. */
function deleted({ failed }: DeleteResult): Finding {
  const [first] = failed;
  if (first === undefined) return undefined;
  if (isQanatError(first.cause)) throw first.cause;
  return wrong(`${failed.length} keys could not be deleted`);
}
