// An object store in a directory of a local file system (POSIX, with hard links), for any number of processes of one
// machine at once. Nothing is locked; link(2), which fails if the name exists, is the only judge.
//
//   <directory>/objects/.tmp/<drawn>          values being written
//   <directory>/objects/wal/a7/n-3/0007~1     the first value of the key wal/a7/n-3/0007 (file-key.ts tells how)
//   <directory>/objects/root~1                the first value of the key root; its drawn name is the life of the key
//   <directory>/objects/root~<life>/2, /3 …   the values that replaced it; the highest counts
//
// file-place.ts tells which directories may be used, open-values.ts which values are held open between gets.
//
// Put: the value goes to a temporary file and on the disk; every directory above its final name is made durable; then
// link to the final name, which is the moment of the write; fsync of the directory; only then the temporary name goes.
// - 'absent' links `~1`: one of many succeeds.
// - a replacement of value k links `k + 1`: one of many succeeds. Value k + 1 is only ever linked by somebody who saw k
//   as the highest, so if nobody had k + 1 before, k still stood at that moment.
// - Delete unlinks `~1` first: at that moment the key is gone for every reader. Then it removes the life's directory.
//
// Interleavings that were considered:
// 1. Writer A sees k and pauses; others write k+1 … and old values are removed, k+1 among them; A links k+1. Its value
//    is below the highest and nobody sees it, but A must not be told 'stored'. After the link A looks for the highest:
//    the newest 8 are never removed and the highest never goes back, so a highest below k + 1 + 8 proves that nobody
//    had k+1 before. Otherwise the answer is 'unknown', which is rare: 8 replacements during one. (An unconditional
//    put needs no such proof: it counts as written and replaced at once.)
// 2. A sees k; the key is deleted and made anew; A links. The new life has another directory, so A's link changes
//    nothing that anybody sees. After the link A checks that `~1` is still the inode it has held open since (so the
//    number of that inode cannot have come back): if not, 'unknown', and A removes what it left.
// 3. A reader opens `~1`, the life's directory is gone when it looks: never replaced, or replaced and deleted since.
//    It checks that `~1` is still the inode it holds; if not, it starts again. With later values it needs no check:
//    the one it opens was the highest after its start, because the highest is removed last.
// 4. A reader sees n as the highest and finds it removed: at least 8 newer ones came, or a deletion. It starts again.
//    Each such turn means that somebody else got something done.
// 5. Somebody reads a value between link and fsync, acts on it, and the power goes: the value would be gone. While
//    the temporary name stands (the link count is above one) readers, lists and 'exists' do the fsync themselves.
// 6. Two first replacements make the life's directory at once; each syncs the directory above before it links, so no
//    value stands in a directory that is not durable.
// 7. kill -9 anywhere: before the link a temporary file is left, removed after an hour by whoever puts first; after it
//    the value stands, whole. In a deletion: the key is gone, values of its life may be left, which no life will find.
// 8. An unconditional put finds no value, and 'exists' when it links, then no value again, …: each turn is somebody's
//    progress.
// A directory is read with one getdents call as long as a life has some hundred values, and it has about 8: the file
// systems of Linux and macOS answer it atomically.
import { stat, unlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { throwIfAborted } from '../base/abort.ts';
import { Limiter } from '../base/limiter.ts';
import type { Runtime } from '../base/runtime.ts';
import { systemRuntime } from '../base/runtime.ts';
import { invalidArgument, isQanatError } from '../model/errors.ts';
import { checkDelete, checkGet, checkList, checkPut, listLimitDefault, resolveRange } from './check-request.ts';
import { FileDirectories } from './file-directories.ts';
import { damagedValue, fileFailure } from './file-failure.ts';
import type { KeyPlace } from './file-key.ts';
import { lifeDirectory, placeOfKey } from './file-key.ts';
import { openStanding, removeLife } from './file-life.ts';
import type { FoundKey } from './file-list.ts';
import { walkKeys } from './file-list.ts';
import { FilePlace, objectsDirectoryName } from './file-place.ts';
import { linkValue, refusalBeforehand } from './file-put.ts';
import { FileTemporaries } from './file-temporaries.ts';
import { openValueFile, readBody, removeIfThere, unlessMissing, valueHeaderBytes } from './file-value.ts';
import { toByteString } from './key-order.ts';
import { OpenValues } from './open-values.ts';
import type {
  DeleteResult,
  GetOptions,
  GetResult,
  ListedKey,
  ListOptions,
  ListResult,
  ObjectStore,
  PutOptions,
  PutResult,
  StoredValue,
  StoreRequestOptions,
} from './object-store.ts';

/** Requests under way at once: each holds up to three files open. */
const requestsMax = 32;

/** Files looked at side by side by all lists and deletes together: each opens up to two. */
const filesMax = 32;

/** The range of a value that is not asked for. */
const nothing = { start: 0, end: 0 };

/** What a FileObjectStore can be given besides its directory. */
export interface FileObjectStoreOptions {
  /** Clock and dice: for the age of forgotten temporary files, and for the names drawn for values. */
  readonly runtime?: Runtime | undefined;
}

/** Keeps values in files below `<directory>/objects`. Opens nothing; the first put makes the directories. */
export class FileObjectStore implements ObjectStore {
  /** Absolute path of the directory. A node whose set asks for no WAL has it in `wal/<node>` below. */
  readonly directory: string;
  readonly #root: string;
  readonly #place: FilePlace;
  readonly #directories: FileDirectories;
  readonly #temporaries: FileTemporaries;
  readonly #requests = new Limiter(requestsMax);
  readonly #files = new Limiter(filesMax);
  readonly #values: OpenValues;

  constructor(directory: string, options: FileObjectStoreOptions = {}) {
    if (typeof directory !== 'string' || directory === '' || directory.includes('\0'))
      throw invalidArgument('the directory of a FileObjectStore is a path', TypeError);
    this.directory = resolve(directory);
    this.#root = join(this.directory, objectsDirectoryName);
    this.#place = new FilePlace(this.directory);
    this.#directories = new FileDirectories(this.#root);
    const runtime = options.runtime ?? systemRuntime;
    this.#temporaries = new FileTemporaries(this.#directories, this.#root, runtime);
    this.#values = new OpenValues(runtime);
  }

  /** Writes a value durably. 'unknown' when the disk failed too late to tell, or when 8 others wrote meanwhile. */
  async put(key: string, body: Uint8Array, options: PutOptions): Promise<PutResult> {
    checkPut(key, body, options);
    return this.#run('put', key, options, () => this.#put(key, body, options));
  }

  /** Reads the value that stands, or a range of it. */
  async get(key: string, options: GetOptions): Promise<GetResult> {
    checkGet(key, options);
    return this.#run('get', key, options, () => this.#get(key, options));
  }

  /** Lists keys in the order of their UTF-8 bytes, 1,000 unless a limit is given. */
  async list(options: ListOptions): Promise<ListResult> {
    checkList(options);
    return this.#run('list', undefined, options, () => this.#list(options));
  }

  /** Deletes keys durably, each on its own: what fails is in the answer. */
  async delete(keys: readonly string[], options: StoreRequestOptions): Promise<DeleteResult> {
    checkDelete(keys, options);
    const asked = [...new Set(keys)];
    return this.#run('delete', undefined, options, () => this.#delete(asked, options));
  }

  async #run<T>(
    operation: string,
    key: string | undefined,
    options: StoreRequestOptions,
    work: () => Promise<T>,
  ): Promise<T> {
    throwIfAborted(options.signal);
    try {
      return await this.#requests.run(async () => {
        throwIfAborted(options.signal);
        await this.#place.check();
        return work();
      });
    } catch (cause) {
      throw fileFailure(cause, operation, key);
    }
  }

  async #put(key: string, body: Uint8Array, { if: condition, signal }: PutOptions): Promise<PutResult> {
    const place = placeOfKey(this.#root, key);
    const refusal = await refusalBeforehand(this.#directories, place, key, condition);
    if (refusal !== undefined) return refusal;
    const temporary = await this.#temporaries.write(body);
    try {
      return await linkValue({ directories: this.#directories, place, key, temporary, condition, signal });
    } finally {
      await removeIfThere(temporary.path);
    }
  }

  async #get(key: string, { range, ifNoneMatch, signal }: GetOptions): Promise<GetResult> {
    const held = this.#values.get(key);
    if (held !== undefined) {
      const { file, etag } = held.standing;
      const { start, end } = etag === ifNoneMatch ? nothing : resolveRange(range, file.size);
      const bytes = await held.read(start, end).catch((cause: unknown) => {
        this.#values.drop(key, held);
        throw cause;
      });
      throwIfAborted(signal);
      if (bytes !== undefined) return this.#answer({ bytes, etag, size: file.size }, end - start, key, ifNoneMatch);
      this.#values.drop(key, held); // Deleted or replaced, as far as it can tell.
    }
    const place = placeOfKey(this.#root, key);
    const standing = await openStanding(place, key);
    if (standing === undefined) return 'missing';
    let isTakenOver = false;
    try {
      const { file, etag } = standing;
      if (file.links > 1n) await unlessMissing(this.#directories.sync(standing.directory));
      throwIfAborted(signal);
      const { start, end } = etag === ifNoneMatch ? nothing : resolveRange(range, file.size);
      const bytes = await readBody(file, start, end);
      throwIfAborted(signal);
      const answer = this.#answer({ bytes, etag, size: file.size }, end - start, key, ifNoneMatch);
      isTakenOver = range !== undefined && this.#values.takeOver(key, place, standing, end - start);
      return answer;
    } finally {
      if (!isTakenOver) await standing.close();
    }
  }

  #answer(value: StoredValue, wantedBytes: number, key: string, ifNoneMatch: string | undefined): GetResult {
    if (value.etag === ifNoneMatch) return 'not-modified';
    if (value.bytes.byteLength < wantedBytes) throw damagedValue(key);
    return value;
  }

  async #list({ prefix, after, limit = listLimitDefault, signal }: ListOptions): Promise<ListResult> {
    const from = after === undefined ? undefined : toByteString(after);
    const walk = walkKeys(this.#root, toByteString(prefix), from);
    for (;;) {
      const found: FoundKey[] = [];
      let more = false;
      for (;;) {
        throwIfAborted(signal);
        const next = await walk.next();
        if (next.done) break;
        found.push(next.value);
        if (found.length < limit) continue;
        more = true; // Perhaps: a further page may turn out to be empty.
        break;
      }
      const sized = await Promise.all(found.map((one) => this.#files.run(() => this.#sizeOf(one))));
      throwIfAborted(signal);
      const keys = sized.filter((listed) => listed !== undefined);
      if (keys.length > 0 || !more) {
        if (more) more = (await walk.next()).done !== true;
        await walk.return();
        return { keys, more };
      }
    }
  }

  /** A key with the size of the value that stands; undefined when it has been deleted since it was met. */
  async #sizeOf({ key, first, directory, replaced }: FoundKey): Promise<ListedKey | undefined> {
    if (!replaced) {
      const found = await unlessMissing(stat(first));
      if (found === undefined) return undefined;
      if (found.nlink > 1) await this.#directories.sync(directory);
      return { key, size: Math.max(0, found.size - valueHeaderBytes) };
    }
    try {
      const standing = await openStanding(placeOfKey(this.#root, key), key);
      if (standing === undefined) return undefined;
      await standing.close();
      if (standing.file.links > 1n) await unlessMissing(this.#directories.sync(standing.directory));
      return { key, size: standing.file.size };
    } catch (cause) {
      if (isQanatError(cause, 'OBJECT_CORRUPT')) return { key, size: 0 }; // It is there; reading it will tell.
      throw cause;
    }
  }

  async #delete(keys: readonly string[], { signal }: StoreRequestOptions): Promise<DeleteResult> {
    const failed: { key: string; cause: unknown }[] = [];
    const touched = new Map<string, string[]>();
    await this.#each(keys, async (key) => {
      throwIfAborted(signal);
      const place = placeOfKey(this.#root, key);
      this.#values.drop(key);
      try {
        if (!(await this.#deleteValues(place))) return;
        const beside = touched.get(place.directory);
        if (beside === undefined) touched.set(place.directory, [key]);
        else beside.push(key);
      } catch (cause) {
        failed.push({ key, cause: fileFailure(cause, 'delete', key) });
      }
    });
    await this.#each([...touched], async ([directory, deleted]) => {
      try {
        await this.#directories.sync(directory);
      } catch (cause) {
        for (const key of deleted) failed.push({ key, cause: fileFailure(cause, 'delete', key) });
      }
    });
    return { failed };
  }

  async #each<T>(items: readonly T[], task: (item: T) => Promise<void>): Promise<void> {
    await Promise.all(items.map((item) => this.#files.run(() => task(item))));
  }

  /** Whether there was anything to delete. */
  async #deleteValues(place: KeyPlace): Promise<boolean> {
    const first = await openValueFile(place.first);
    if (first === undefined) return false;
    await first.handle.close();
    await unlessMissing(unlink(place.first));
    if (first.name !== undefined) await removeLife(lifeDirectory(place, first.name));
    return true;
  }
}
