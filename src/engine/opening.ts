// Around the opening of a set: its options, checked before anything is done, and what becomes of an opening that goes
// through after its caller has given up.
import { join } from 'node:path';
import { untilAborted } from '../base/abort.ts';
import { checkAttributes, checkNodeName } from '../model/check-names.ts';
import { checkCallOptions, checkMethods } from '../model/check-options.ts';
import { invalidArgument } from '../model/errors.ts';
import type { Attributes } from '../model/ids.ts';
import { FileObjectStore } from '../store/file-object-store.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { fileWal } from '../wal/file-wal.ts';
import { objectWal } from '../wal/object-wal.ts';
import type { WalFactory } from '../wal/wal.ts';
import type { OpenOptions } from './options.ts';

/** Options of a writing set, with their defaults. */
export interface CheckedOpen {
  readonly node: string;
  readonly attributes: Attributes;
  readonly wal: WalFactory;
  readonly walMissing: 'refuse' | 'abandon';
}

/** Checks everything that needs no request. */
export function checkOpenOptions(options: OpenOptions): CheckedOpen {
  checkCallOptions(options);
  const node = checkNodeName(options.node);
  const attributes = checkAttributes(options.attributes);
  const { wal = walBeside(options.store, node), walMissing = 'refuse' } = options;
  checkMethods(wal, '`wal` is a WalFactory', ['identify', 'open', 'seal']);
  if (walMissing !== 'refuse' && walMissing !== 'abandon')
    throw invalidArgument(`walMissing is 'refuse' or 'abandon'; got ${String(walMissing)}`);
  return { node, attributes, wal, walMissing };
}

/**
 * The WAL of a node that asks for none: files beside the objects, where those are files of this machine; else objects.
 * A store that wraps a FileObjectStore is a store like any other, because it may stand for a longer way.
 */
function walBeside(store: ObjectStore, node: string): WalFactory {
  if (!(store instanceof FileObjectStore)) return objectWal();
  return fileWal({ directory: join(store.directory, 'wal', node) });
}

/** Waits for an opening; one that goes through after its caller has given up is closed again. */
export async function untilGivenUp<T extends { close(): Promise<void> }>(
  opening: Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  try {
    return await untilAborted(opening, signal);
  } catch (cause) {
    if (signal?.aborted) void opening.then((opened) => opened.close()).catch(() => {});
    throw cause;
  }
}
