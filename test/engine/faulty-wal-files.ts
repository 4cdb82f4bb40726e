// The files of the machine with a disk that fills up, for sets on the file WAL: durable writes and new segment files
// fail from when they are told to, with as much on the disk as there was room for.
import type { WalFile, WalFiles } from '../../src/index.ts';
import { nodeWalFiles } from '../../src/wal/node-wal-files.ts';

export class FaultyWalFiles implements WalFiles {
  /** Bytes that still fit, of durable writes; a write that does not fit leaves this much of it, and fails. */
  roomBytes = Infinity;
  /** Whether segment files can be made. */
  hasRoomForFiles = true;
  readonly list: WalFiles['list'] = nodeWalFiles.list;
  readonly makeDirectory: WalFiles['makeDirectory'] = nodeWalFiles.makeDirectory;
  readonly syncDirectory: WalFiles['syncDirectory'] = nodeWalFiles.syncDirectory;
  readonly rename: WalFiles['rename'] = nodeWalFiles.rename;
  readonly link: WalFiles['link'] = nodeWalFiles.link;
  readonly remove: WalFiles['remove'] = nodeWalFiles.remove;
  readonly removeDirectory: WalFiles['removeDirectory'] = nodeWalFiles.removeDirectory;

  async open(path: string, how: 'create' | 'read' | 'write-durably'): Promise<WalFile> {
    if (how === 'create' && path.endsWith('.seg') && !this.hasRoomForFiles) throw noSpace('open');
    const file = await nodeWalFiles.open(path, how);
    if (how !== 'write-durably') return file;
    return {
      write: (pieces, position, done) => this.#write(file, pieces, position, done),
      read: (bytes, position) => file.read(bytes, position),
      size: () => file.size(),
      linkCount: () => file.linkCount(),
      sync: () => file.sync(),
      close: () => file.close(),
    };
  }

  #write(file: WalFile, pieces: readonly Uint8Array[], position: number, done: (failure?: Error) => void): void {
    const bytes = Buffer.concat(pieces);
    const fits = Math.min(this.roomBytes, bytes.byteLength);
    if (fits === this.roomBytes) file.write([bytes.subarray(0, fits)], position, () => done(noSpace('write')));
    else file.write(pieces, position, done);
  }
}

function noSpace(syscall: string): Error {
  return Object.assign(new Error(`ENOSPC: no space left on device, ${syscall}`), { code: 'ENOSPC', syscall });
}
