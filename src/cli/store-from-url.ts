// A store by its URL. What is wrong with a URL is said without its credentials, if somebody has put some there.
import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { FileObjectStore } from '../store/file-object-store.ts';
import type { ObjectStore } from '../store/object-store.ts';

/** A store that was opened, or why it was not. */
export type OpenedStore =
  | { readonly store: ObjectStore; readonly title: string; readonly close: () => void }
  | { readonly store: undefined; readonly problem: string };

/** Opens the store of a URL; makes no request. `isMade`: a directory that is not there will be made. */
export async function openStore(url: string, options: { readonly isMade?: boolean } = {}): Promise<OpenedStore> {
  try {
    if (url.startsWith('s3:')) return await openS3(url);
    if (url.startsWith('file:')) return openDirectory(url, options.isMade === true);
  } catch (cause) {
    if ((cause as { code?: unknown }).code !== 'INVALID_ARGUMENT') throw cause;
    return refused((cause as Error).message);
  }
  return refused('the URL of a store begins with s3:// or file:///');
}

async function openS3(url: string): Promise<OpenedStore> {
  const { S3ObjectStore } = await import('../s3.ts'); // The SDK takes a moment to load, and files do without.
  const store = S3ObjectStore.fromUrl(url);
  return { store, title: url, close: () => store.close() };
}

function openDirectory(url: string, isMade: boolean): OpenedStore {
  let directory: string;
  try {
    directory = fileURLToPath(url);
  } catch {
    return refused('the URL of a directory is file:///directory, with an absolute path');
  }
  // A store makes its directory when it is opened; a doctor has nothing to say about what is not there.
  if (!isMade && !isDirectory(directory)) return refused(`there is no directory ${directory}`);
  return { store: new FileObjectStore(directory), title: url, close: () => {} };
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function refused(problem: string): OpenedStore {
  return { store: undefined, problem };
}
