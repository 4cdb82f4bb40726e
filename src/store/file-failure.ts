// Turns what the operating system says into the errors of the store: a sentence with operation, key and what to do,
// without paths (they stand in the cause).
import { isQanatError, qanatError } from '../model/errors.ts';

const advice: Readonly<Record<string, string>> = {
  EACCES: 'permission was denied; give this process the right to read and write the directory',
  EDQUOT: 'the disk quota is used up; free some space or raise the quota',
  EEXIST: 'a file stands where a directory belongs; point the store at a directory',
  EFBIG: 'the value is larger than files may be here; raise the file size limit',
  EIO: 'the disk reported an error; check the disk',
  EISDIR: 'a directory stands where a file belongs; remove what does not belong into the directory',
  ELOOP: 'there are too many symbolic links; point to the directory itself',
  EMFILE: 'this process has too many open files; raise its limit of open files',
  EMLINK: 'a file has too many links; use another file system',
  ENAMETOOLONG: 'the path is too long; use a directory with a shorter path, or shorter keys',
  ENFILE: 'the system has too many open files; raise its limit of open files',
  ENOENT: 'a file or directory vanished; let nothing else remove files in the directory',
  ENOSPC: 'the disk is full; free some space',
  ENOTDIR: 'a file stands where a directory belongs; point the store at a directory',
  EPERM: 'the operation is not permitted; give this process the right to read and write the directory',
  EROFS: 'the file system is read-only; mount it for writing',
};

/** The code of an error of the operating system. */
export function errnoOf(cause: unknown): string | undefined {
  const { code, syscall } = (cause ?? {}) as { code?: unknown; syscall?: unknown };
  return typeof code === 'string' && typeof syscall === 'string' ? code : undefined;
}

/** The error to reject with: the store's for what the system refused, anything else as it is. */
export function fileFailure(cause: unknown, operation: string, key: string | undefined): unknown {
  const errno = errnoOf(cause);
  if (errno === undefined || isQanatError(cause)) return cause;
  const what = key === undefined ? operation : `${operation} of ${JSON.stringify(key)}`;
  const why = advice[errno] ?? 'the operating system refused it; see the cause';
  return qanatError(
    'STORE_UNAVAILABLE',
    `${what} failed (${errno}): ${why}, then try again`,
    { operation, key },
    { cause },
  );
}

/** The error for a file whose bytes are not what this store writes. */
export function damagedValue(key: string): Error {
  return qanatError(
    'OBJECT_CORRUPT',
    `the file of ${JSON.stringify(key)} was not written by this store, or is damaged; restore it or delete the key`,
    { key, position: 0 },
  );
}
